//! Where an exchange and whoever waits for its response meet.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use wirelace_http_semantics::{Fields, Priority, ResponseHead, StreamId};
use wirelace_runtime::Pieces;

use crate::error::Error;
use crate::link::Link;

/// The exchange has not begun.
const NO_STREAM: u64 = u64::MAX;
/// Credit that a reader collects, in bytes, before it tells of it.
const CREDIT: usize = 32 * 1024;

/// One for an exchange. What waits in it is bounded by the machine's window.
#[derive(Debug)]
pub(crate) struct Shared {
    link: Arc<Link>,
    stream: AtomicU64,
    /// The task knows that there is something to look at.
    listed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answer: Answer,
    queue: Pieces,
    end: Option<End>,
    /// Nothing follows; `end` may be taken already.
    ended: bool,
    /// Nobody asks any more what is taken.
    settled: bool,
    /// Taken by the reader, not yet known to the machine.
    consumed: usize,
    /// Nobody waits for anything.
    gone: bool,
    cancelled: bool,
    priority: Option<Priority>,
    reader: Option<Waker>,
}

#[derive(Debug, Default)]
enum Answer {
    #[default]
    Awaited,
    Here(Answered),
    Failed(Error),
    Taken,
}

/// The head of a response, and what follows it.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) head: ResponseHead,
    /// The data are a tunnel's.
    pub(crate) tunnel: bool,
    /// No body follows.
    pub(crate) end: bool,
}

/// How a body ends.
#[derive(Debug)]
pub(crate) enum End {
    Complete,
    Trailers(Fields),
    Failed(Error),
}

/// A part of a body.
#[derive(Debug)]
pub(crate) enum Part {
    Data(Bytes),
    Trailers(Fields),
}

/// What the reader did since the last look.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) consumed: usize,
    pub(crate) gone: bool,
    pub(crate) cancelled: bool,
    pub(crate) priority: Option<Priority>,
    /// The response has ended, and all of it was taken or counts as that.
    pub(crate) settled: bool,
}

impl Shared {
    pub(crate) fn new(link: &Arc<Link>) -> Arc<Shared> {
        Arc::new(Shared {
            link: Arc::clone(link),
            stream: AtomicU64::new(NO_STREAM),
            listed: AtomicBool::new(false),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the task look here. Before the exchange has begun it does so anyway.
    fn tell(&self) {
        let stream = self.stream.load(Ordering::Acquire);
        if stream != NO_STREAM && !self.listed.swap(true, Ordering::AcqRel) {
            self.link.tell(StreamId(stream));
        }
    }

    pub(crate) fn poll_answer(&self, cx: &Context<'_>) -> Poll<Result<Answered, Error>> {
        let mut state = self.state();
        match std::mem::replace(&mut state.answer, Answer::Taken) {
            Answer::Awaited => {
                state.answer = Answer::Awaited;
                state.wait(cx);
                Poll::Pending
            }
            Answer::Here(answer) => Poll::Ready(Ok(answer)),
            Answer::Failed(error) => Poll::Ready(Err(error)),
            Answer::Taken => Poll::Ready(Err(Error::Closed)),
        }
    }

    pub(crate) fn poll_part(&self, cx: &Context<'_>) -> Poll<Option<Result<Part, Error>>> {
        let mut state = self.state();
        if let Some(data) = state.queue.pop() {
            state.consumed += data.len();
            let tells = !state.settled && (state.queue.is_empty() || state.consumed >= CREDIT);
            drop(state);
            if tells {
                self.tell();
            }
            return Poll::Ready(Some(Ok(Part::Data(data))));
        }
        match state.end.take() {
            Some(End::Complete) => Poll::Ready(None),
            Some(End::Trailers(fields)) => Poll::Ready(Some(Ok(Part::Trailers(fields)))),
            Some(End::Failed(error)) => Poll::Ready(Some(Err(error))),
            None if state.ended => Poll::Ready(None),
            None => {
                state.wait(cx);
                Poll::Pending
            }
        }
    }

    /// Nobody waits any more.
    pub(crate) fn leave(&self) {
        let mut state = self.state();
        state.gone = true;
        state.reader = None;
        let left = state.queue.clear();
        state.consumed += left;
        let tells = !state.settled;
        drop(state);
        if tells {
            self.tell();
        }
    }

    pub(crate) fn set_priority(&self, priority: Priority) {
        self.state().priority = Some(priority);
        self.tell();
    }

    pub(crate) fn cancel(&self) {
        self.state().cancelled = true;
        self.tell();
    }
}

impl State {
    fn wait(&mut self, cx: &Context<'_>) {
        if !self.reader.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            self.reader = Some(cx.waker().clone());
        }
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let reader = state.reader.take();
    drop(state);
    reader.into_iter().for_each(Waker::wake);
}

/// For the body of a request: its exchange is to be looked at.
impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.tell();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.tell();
    }
}

/// The task's end. Whoever waits at the other end is told when it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket(Arc<Shared>);

impl Deref for Ticket {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Ticket {
    pub(crate) fn new(shared: &Arc<Shared>) -> Ticket {
        Ticket(Arc::clone(shared))
    }

    /// Wakes the task for this exchange.
    pub(crate) fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.0))
    }

    /// Nobody waits for the response any more.
    pub(crate) fn is_given_up(&self) -> bool {
        let state = self.state();
        state.gone || state.cancelled
    }

    /// From now on the task is told what happens, with what has happened before.
    pub(crate) fn begin(&self, stream: StreamId) -> Progress {
        self.0.stream.store(stream.0, Ordering::Release);
        self.progress()
    }

    /// What the reader did since the last time.
    pub(crate) fn progress(&self) -> Progress {
        // Before looking, so that what comes later is told again.
        self.0.listed.swap(false, Ordering::AcqRel);
        let mut state = self.state();
        if state.ended && state.queue.is_empty() {
            state.settled = true;
        }
        Progress {
            consumed: std::mem::take(&mut state.consumed),
            gone: state.gone,
            cancelled: state.cancelled,
            priority: state.priority.take(),
            settled: state.settled,
        }
    }

    /// The final response has begun.
    pub(crate) fn answer(&self, answered: Answered) {
        let mut state = self.state();
        state.ended |= answered.end;
        state.settled |= answered.end;
        state.answer = Answer::Here(answered);
        wake(state);
    }

    /// Data arrived. Returns how many bytes of it nobody wants.
    pub(crate) fn push(&self, data: Bytes) -> usize {
        let mut state = self.state();
        let length = data.len();
        if state.gone || length == 0 {
            return length;
        }
        state.queue.push(data);
        wake(state);
        0
    }

    /// Nothing follows. Later calls change nothing. Where no more than `most` bytes wait for the reader, they count
    /// as taken, and are returned: a small response then needs no look back.
    pub(crate) fn finish(&self, end: End, most: usize) -> usize {
        let mut state = self.state();
        if state.ended {
            return 0;
        }
        state.ended = true;
        state.end = Some(end);
        let mut taken = 0;
        if state.queue.len() <= most {
            state.settled = true;
            taken = std::mem::take(&mut state.consumed) + state.queue.len();
        }
        wake(state);
        taken
    }

    /// There is no response, or no more of it.
    pub(crate) fn fail(&self, error: Error) {
        let mut state = self.state();
        if matches!(state.answer, Answer::Awaited) {
            state.answer = Answer::Failed(error);
        } else if !state.ended {
            state.end = Some(End::Failed(error));
        }
        state.ended = true;
        state.settled = true;
        wake(state);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let begun = self.0.stream.load(Ordering::Acquire) != NO_STREAM;
        self.fail(if begun { Error::Closed } else { Error::Refused });
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn pair() -> (Arc<Link>, Arc<Shared>, Ticket) {
        let link = Arc::new(Link::default());
        let shared = Shared::new(&link);
        let ticket = Ticket::new(&shared);
        (link, shared, ticket)
    }

    fn news(link: &Link) -> usize {
        let (mut news, mut orders) = (Vec::new(), Vec::new());
        link.look(Waker::noop(), &mut news, &mut orders);
        news.len()
    }

    fn part(shared: &Shared) -> Poll<Option<Result<Part, Error>>> {
        shared.poll_part(&Context::from_waker(Waker::noop()))
    }

    fn head(end: bool) -> Answered {
        Answered { head: ResponseHead::new(StatusCode::OK), tunnel: false, end }
    }

    #[test]
    fn what_is_taken_is_told_once_until_the_task_has_looked() {
        let (link, shared, ticket) = pair();
        ticket.begin(StreamId(1));
        ticket.answer(head(false));
        for _ in 0..4 {
            assert_eq!(ticket.push(Bytes::from_static(&[0; CREDIT / 2])), 0);
        }
        let _ = part(&shared);
        assert_eq!(news(&link), 0, "too little to tell of");
        let _ = part(&shared);
        let _ = part(&shared);
        assert_eq!(news(&link), 1);
        assert_eq!(ticket.progress().consumed, 3 * CREDIT / 2);
        let _ = part(&shared);
        assert_eq!(news(&link), 1, "the last is always told of");
        assert!(part(&shared).is_pending());
    }

    #[test]
    fn a_small_response_is_settled_at_its_end() {
        let (link, shared, ticket) = pair();
        ticket.begin(StreamId(1));
        ticket.answer(head(false));
        ticket.push(Bytes::from_static(b"hello"));
        assert_eq!(ticket.finish(End::Complete, 5), 5);
        assert!(matches!(part(&shared), Poll::Ready(Some(Ok(Part::Data(data)))) if data == "hello"));
        assert!(matches!(part(&shared), Poll::Ready(None)));
        shared.leave();
        assert_eq!(news(&link), 0);
        let (_, _, ticket) = pair();
        ticket.begin(StreamId(1));
        ticket.answer(head(false));
        ticket.push(Bytes::from_static(b"hello"));
        assert_eq!(ticket.finish(End::Complete, 4), 0);
        assert!(!ticket.progress().settled);
    }

    #[test]
    fn who_leaves_gives_everything_back() {
        let (link, shared, ticket) = pair();
        shared.leave();
        assert_eq!(news(&link), 0, "it has not begun");
        assert!(ticket.is_given_up() && ticket.begin(StreamId(1)).gone);
        let (link, shared, ticket) = pair();
        ticket.begin(StreamId(1));
        ticket.push(Bytes::from_static(b"abc"));
        shared.leave();
        assert_eq!(news(&link), 1);
        let progress = ticket.progress();
        assert!(progress.gone && progress.consumed == 3 && !progress.settled);
        assert_eq!(ticket.push(Bytes::from_static(b"de")), 2);
    }

    #[test]
    fn a_ticket_that_is_dropped_says_so() {
        let answer = |shared: &Shared| shared.poll_answer(&Context::from_waker(Waker::noop()));
        let (_, shared, ticket) = pair();
        drop(ticket);
        assert!(matches!(answer(&shared), Poll::Ready(Err(Error::Refused))), "it was never sent");
        let (_, shared, ticket) = pair();
        ticket.begin(StreamId(1));
        drop(ticket);
        assert!(matches!(answer(&shared), Poll::Ready(Err(Error::Closed))));
        let (_, shared, ticket) = pair();
        ticket.begin(StreamId(1));
        ticket.answer(head(false));
        ticket.push(Bytes::from_static(b"abc"));
        drop(ticket);
        assert!(matches!(answer(&shared), Poll::Ready(Ok(_))));
        assert!(matches!(part(&shared), Poll::Ready(Some(Ok(Part::Data(_))))));
        assert!(matches!(part(&shared), Poll::Ready(Some(Err(Error::Closed)))));
        assert!(matches!(part(&shared), Poll::Ready(None)));
    }
}
