//! The way of a request body from its connection to its reader.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use bytes::Bytes;
use thiserror::Error;
use wirelace_http_semantics::{Fields, Reason, StreamId};
use wirelace_runtime::Pieces;

use crate::link::{Link, lock};

/// A request body that ended too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("request body is incomplete: {}", describe(.0))]
pub struct BodyError(Reason);

impl BodyError {
    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0
    }
}

fn describe(reason: &Reason) -> &'static str {
    match reason {
        Reason::PeerClosed => "the client closed the connection",
        Reason::Cancel => "the client cancelled the request",
        Reason::Protocol => "the client broke the protocol",
        Reason::Timeout => "it came too slowly",
        Reason::Limit => "it is too large",
        _ => "the connection failed",
    }
}

/// The two ends' meeting place. What waits in it is bounded by the machine's window: bytes count against it
/// until the connection has [collected](Feed::collect) that they were taken.
#[derive(Debug)]
pub(crate) struct Channel {
    link: Arc<Link>,
    /// The exchange that it belongs to.
    stream: StreamId,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    data: Pieces,
    trailers: Option<Fields>,
    end: End,
    reader: Option<Waker>,
    /// Bytes taken since the last collection.
    taken: usize,
    /// The reader has asked for data at least once.
    wanted: bool,
    reader_gone: bool,
    /// The connection knows that there is something to collect.
    told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Complete,
    Failed(Reason),
}

/// What a reader gets.
#[derive(Debug)]
pub(crate) enum Part {
    Data(Bytes),
    Trailers(Fields),
}

/// What a reader did since the last time.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Collected {
    /// Bytes.
    pub(crate) taken: usize,
    /// Data was asked for at least once.
    pub(crate) wanted: bool,
    /// The reader was dropped.
    pub(crate) gone: bool,
    /// Nothing more will be handed over, and nothing waits.
    pub(crate) over: bool,
}

/// The connection's end.
#[derive(Debug)]
pub(crate) struct Feed(Arc<Channel>);

/// The reader's end.
#[derive(Debug)]
pub(crate) struct Intake(Arc<Channel>);

pub(crate) fn channel(link: &Arc<Link>, stream: StreamId) -> (Feed, Intake) {
    let state = State {
        data: Pieces::new(),
        trailers: None,
        end: End::Open,
        reader: None,
        taken: 0,
        wanted: false,
        reader_gone: false,
        told: false,
    };
    let channel = Arc::new(Channel { link: Arc::clone(link), stream, state: Mutex::new(state) });
    (Feed(Arc::clone(&channel)), Intake(channel))
}

impl Channel {
    /// There is something to collect. Said once, until it was.
    fn tell(&self, mut state: MutexGuard<'_, State>, within: Option<&Waker>) {
        let known = std::mem::replace(&mut state.told, true);
        drop(state);
        if !known {
            self.link.tell(self.stream, within);
        }
    }
}

impl Feed {
    /// Hands data over. Returns the waker of a reader that waits for it, and the bytes that nobody wants.
    pub(crate) fn push(&self, data: Bytes, end: bool) -> (Option<Waker>, usize) {
        let mut state = lock(&self.0.state);
        let mut unwanted = 0;
        if state.reader_gone {
            unwanted = data.len();
        } else {
            state.data.push(data);
        }
        if end && state.end == End::Open {
            state.end = End::Complete;
        }
        (state.reader.take(), unwanted)
    }

    /// Hands the trailer section over.
    pub(crate) fn finish(&self, trailers: Fields) -> Option<Waker> {
        let mut state = lock(&self.0.state);
        state.trailers = Some(trailers);
        state.end = End::Complete;
        state.reader.take()
    }

    /// No more will come, and it is not complete.
    pub(crate) fn fail(&self, reason: Reason) {
        let mut state = lock(&self.0.state);
        if state.end == End::Open {
            state.end = End::Failed(reason);
        }
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// What the reader did since the last time.
    pub(crate) fn collect(&self) -> Collected {
        let mut state = lock(&self.0.state);
        state.told = false;
        Collected {
            taken: std::mem::take(&mut state.taken),
            wanted: state.wanted,
            gone: state.reader_gone,
            over: state.end != End::Open && state.data.is_empty(),
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.fail(Reason::PeerClosed);
    }
}

impl Intake {
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Option<Result<Part, BodyError>>> {
        let mut state = lock(&self.0.state);
        if let Some(data) = state.data.pop() {
            state.taken += data.len();
            state.wanted = true;
            self.0.tell(state, Some(waker));
            return Poll::Ready(Some(Ok(Part::Data(data))));
        }
        if let Some(trailers) = state.trailers.take() {
            return Poll::Ready(Some(Ok(Part::Trailers(trailers))));
        }
        match state.end {
            End::Complete => Poll::Ready(None),
            End::Failed(reason) => {
                state.end = End::Complete; // Told once.
                Poll::Ready(Some(Err(BodyError(reason))))
            }
            End::Open => {
                if !state.reader.as_ref().is_some_and(|known| known.will_wake(waker)) {
                    state.reader = Some(waker.clone());
                }
                if !std::mem::replace(&mut state.wanted, true) {
                    self.0.tell(state, Some(waker));
                }
                Poll::Pending
            }
        }
    }

    /// True when the next poll says that it is over.
    pub(crate) fn is_over(&self) -> bool {
        let state = lock(&self.0.state);
        state.data.is_empty() && state.trailers.is_none() && state.end == End::Complete
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.reader_gone = true;
        state.reader = None;
        let left = state.data.clear();
        state.taken += left;
        if state.end == End::Open || left > 0 {
            self.0.tell(state, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::info::ConnectionInfo;
    use crate::secured::Secured;

    fn pair() -> (Feed, Intake) {
        channel(&Arc::new(Link::new(ConnectionInfo::memory(), Secured::default())), StreamId(0))
    }

    fn next(intake: &Intake) -> Poll<Option<Result<Part, BodyError>>> {
        intake.poll(Waker::noop())
    }

    #[test]
    fn what_goes_in_comes_out_and_is_counted() {
        let (feed, intake) = pair();
        assert_eq!(feed.collect(), Collected::default());
        assert!(next(&intake).is_pending());
        assert!(feed.collect().wanted);
        let (reader, unwanted) = feed.push(Bytes::from_static(b"abc"), false);
        assert!(reader.is_some() && unwanted == 0);
        assert!(matches!(next(&intake), Poll::Ready(Some(Ok(Part::Data(data)))) if data == "abc"));
        assert_eq!(feed.collect().taken, 3);
        assert_eq!(feed.collect().taken, 0);
        feed.finish(Fields::new());
        assert!(matches!(next(&intake), Poll::Ready(Some(Ok(Part::Trailers(_))))));
        assert!(intake.is_over());
        assert!(matches!(next(&intake), Poll::Ready(None)));
    }

    #[test]
    fn a_reader_that_leaves_gives_everything_back() {
        let (feed, intake) = pair();
        feed.push(Bytes::from_static(b"abc"), false);
        drop(intake);
        let collected = feed.collect();
        assert!(collected.gone && collected.taken == 3);
        assert_eq!(feed.push(Bytes::from_static(b"de"), false).1, 2);
    }

    #[test]
    fn a_connection_that_ends_early_is_an_error_once_after_the_data() {
        let (feed, intake) = pair();
        feed.push(Bytes::from_static(b"abc"), false);
        drop(feed);
        assert!(matches!(next(&intake), Poll::Ready(Some(Ok(Part::Data(_))))));
        let Poll::Ready(Some(Err(error))) = next(&intake) else { panic!("an error is due") };
        assert_eq!(error.reason(), Reason::PeerClosed);
        assert!(matches!(next(&intake), Poll::Ready(None)));
    }
}
