//! Bodies of responses.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use crate::error::Error;

/// The body of a response, as it arrives. Its memory is bounded by the connection's window: who does not read it
/// stops the server.
///
/// A body that is dropped before its end is read to it where that is cheap, and otherwise costs the connection.
#[derive(Debug)]
pub struct Body {
    shared: Arc<Shared>,
    length: Option<u64>,
    over: bool,
}

/// What a body and the connection's task have in common.
#[derive(Debug, Default)]
pub(crate) struct Shared(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Bytes>,
    end: Option<End>,
    /// Taken by the reader, not yet known to the machine.
    consumed: usize,
    dropped: bool,
    reader: Option<Waker>,
    driver: Option<Waker>,
}

/// How a body ends.
#[derive(Debug)]
pub(crate) enum End {
    Complete,
    Trailers(HeaderMap),
    Failed(Error),
}

/// What the reader did since the last look.
pub(crate) struct Progress {
    pub(crate) consumed: usize,
    pub(crate) dropped: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the connection's task: data arrived.
    pub(crate) fn push(&self, data: Bytes) {
        let mut state = self.state();
        if data.is_empty() || state.dropped {
            return;
        }
        state.queue.push_back(data);
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
    }

    /// For the connection's task: nothing follows. Later calls change nothing.
    pub(crate) fn finish(&self, end: End) {
        let mut state = self.state();
        state.end.get_or_insert(end);
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
    }

    /// For the connection's task: what the reader did, and the waker for what it does next.
    pub(crate) fn progress(&self, driver: &Waker) -> Progress {
        let mut state = self.state();
        if !state.driver.as_ref().is_some_and(|known| known.will_wake(driver)) {
            state.driver = Some(driver.clone());
        }
        Progress { consumed: std::mem::take(&mut state.consumed), dropped: state.dropped }
    }
}

impl Body {
    /// `length`: of the whole, where it is known.
    pub(crate) fn new(shared: Arc<Shared>, length: Option<u64>) -> Body {
        Body { shared, length, over: false }
    }

    /// A body that is over from the start.
    pub(crate) fn empty() -> Body {
        Body { shared: Arc::default(), length: Some(0), over: true }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let mut state = self.shared.state();
        if let Some(data) = state.queue.pop_front() {
            state.consumed += data.len();
            // The rest of the queue will tell when it is taken: one wake-up for a batch.
            let driver = if state.queue.is_empty() { state.driver.clone() } else { None };
            drop(state);
            driver.into_iter().for_each(Waker::wake);
            self.length = self.length.map(|length| length.saturating_sub(data.len() as u64));
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        let Some(end) = state.end.take() else {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        drop(state);
        self.over = true;
        Poll::Ready(match end {
            End::Complete => None,
            End::Trailers(fields) => Some(Ok(Frame::trailers(fields))),
            End::Failed(error) => Some(Err(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.dropped = true;
        state.queue.clear();
        let driver = state.driver.take();
        drop(state);
        driver.into_iter().for_each(Waker::wake);
    }
}
