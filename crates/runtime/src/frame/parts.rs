//! Payloads in parts, for those who send and read them.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;

use super::error::CallError;
use super::pipe::Pipe;

/// Sends a payload in parts: the request of [`Caller::open`](super::Caller::open), or the answer of an
/// [`Answer::writer`](super::Answer::writer).
///
/// Parts are no messages: their borders may be elsewhere when they arrive.
///
/// Dropping it before [`finish`](BodySender::finish) gives the exchange up. To a peer that speaks the base form, the
/// payload goes as one frame, after its end.
#[derive(Debug)]
#[must_use = "dropping it gives the exchange up"]
pub struct BodySender(Arc<Pipe>);

impl BodySender {
    pub(super) fn new(pipe: &Arc<Pipe>) -> BodySender {
        BodySender(Arc::clone(pipe))
    }

    /// Sends a part, once there is room for it: the peer gives credit as its application reads, and 64 KiB wait for
    /// credit here. When the future is dropped before its end, nothing of the part was taken.
    ///
    /// # Errors
    ///
    /// The exchange is over, and why; [`CallError::Answered`]: the peer has answered without waiting for the rest.
    pub async fn send(&mut self, part: impl Into<Bytes>) -> Result<(), CallError> {
        let mut part = part.into();
        poll_fn(|cx| self.0.poll_send(cx, &mut part)).await
    }

    /// That was all.
    pub fn finish(self) {
        self.0.finish();
    }
}

impl Drop for BodySender {
    fn drop(&mut self) {
        self.0.leave_sender();
    }
}

/// A payload as it comes: a [`Stream`] of its parts. An error ends it.
///
/// The peer sends more as the parts are read. What it may send ahead waits here: at most the exchange's window
/// ([`Limits::exchange_window`](wirelace_wire_codec::session::Limits)). A reader that stops also takes its share of
/// the connection's window away from others.
///
/// Dropping it before its end cancels a call; at a server, the rest of the request is let pass.
#[derive(Debug)]
pub struct Body(Inner);

#[derive(Debug)]
enum Inner {
    Whole(Bytes),
    Piped(Arc<Pipe>),
}

impl Body {
    pub(super) fn new(pipe: &Arc<Pipe>) -> Body {
        Body(Inner::Piped(Arc::clone(pipe)))
    }

    /// The next part; `None` after the last, and after an error.
    pub async fn next(&mut self) -> Option<Result<Bytes, CallError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

/// A payload that is there already.
impl From<Bytes> for Body {
    fn from(payload: Bytes) -> Body {
        Body(Inner::Whole(payload))
    }
}

impl Stream for Body {
    type Item = Result<Bytes, CallError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.get_mut().0 {
            Inner::Whole(payload) if payload.is_empty() => Poll::Ready(None),
            Inner::Whole(payload) => Poll::Ready(Some(Ok(std::mem::take(payload)))),
            Inner::Piped(pipe) => pipe.poll_next(cx),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Inner::Piped(pipe) = &self.0 {
            pipe.leave_reader();
        }
    }
}
