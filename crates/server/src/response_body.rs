//! Response bodies.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::mpsc;

/// Any error.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A body behind a box.
pub type BoxBody = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

/// The body of a response.
#[derive(Default)]
pub enum ResponseBody {
    /// None.
    #[default]
    Empty,
    /// All of it.
    Full(Bytes),
    /// As it comes. Polled only while the client takes it: a slow reader stops its producer.
    Stream(BoxBody),
}

impl ResponseBody {
    /// A body that comes in pieces. An error ends the connection, with HTTP/2 the stream, so that the client sees that
    /// the body is incomplete.
    pub fn stream<B>(body: B) -> ResponseBody
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return ResponseBody::Empty;
        }
        ResponseBody::Stream(Box::pin(Erased { body, first: None }))
    }

    /// As [`stream`](ResponseBody::stream), for a body that is to be sent now: a short one that is all there is
    /// taken at once.
    pub(crate) fn begin<B>(body: B, cx: &mut Context<'_>) -> ResponseBody
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return ResponseBody::Empty;
        }
        let short = body.size_hint().exact().is_some_and(|length| length <= SHORT);
        let mut body = Box::pin(Erased { body, first: None });
        if short {
            match body.as_mut().poll_frame(cx) {
                Poll::Pending => {}
                Poll::Ready(None) => return ResponseBody::Empty,
                Poll::Ready(Some(first)) => match first.map(Frame::into_data) {
                    Ok(Ok(data)) if body.is_end_stream() => return ResponseBody::from(data),
                    Ok(Ok(data)) => *body.as_mut().project().first = Some(Ok(Frame::data(data))),
                    Ok(Err(other)) => *body.as_mut().project().first = Some(Ok(other)),
                    Err(error) => *body.as_mut().project().first = Some(Err(error)),
                },
            }
        }
        ResponseBody::Stream(body)
    }

    /// A body that another task writes; at most `pieces` of them wait. Dropping the sender ends it.
    #[must_use]
    pub fn channel(pieces: usize) -> (BodySender, ResponseBody) {
        let (sender, receiver) = mpsc::channel(pieces.max(1));
        (BodySender(sender), ResponseBody::stream(Channel(receiver)))
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResponseBody::Empty => f.write_str("Empty"),
            ResponseBody::Full(data) => write!(f, "Full({} bytes)", data.len()),
            ResponseBody::Stream(body) => write!(f, "Stream({:?})", body.size_hint()),
        }
    }
}

impl From<Bytes> for ResponseBody {
    fn from(data: Bytes) -> ResponseBody {
        if data.is_empty() { ResponseBody::Empty } else { ResponseBody::Full(data) }
    }
}

impl From<&'static str> for ResponseBody {
    fn from(text: &'static str) -> ResponseBody {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<&'static [u8]> for ResponseBody {
    fn from(data: &'static [u8]) -> ResponseBody {
        Bytes::from_static(data).into()
    }
}

impl From<String> for ResponseBody {
    fn from(text: String) -> ResponseBody {
        Bytes::from(text).into()
    }
}

impl From<Vec<u8>> for ResponseBody {
    fn from(data: Vec<u8>) -> ResponseBody {
        Bytes::from(data).into()
    }
}

/// Writes a body made by [`ResponseBody::channel`].
#[derive(Debug, Clone)]
pub struct BodySender(mpsc::Sender<Result<Frame<Bytes>, BoxError>>);

/// Nobody reads the body any more: the client is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the response body has no reader any more")]
pub struct ReaderGone;

impl BodySender {
    /// Sends a piece; waits while too many wait.
    ///
    /// # Errors
    /// The client is gone.
    pub async fn send(&self, data: impl Into<Bytes>) -> Result<(), ReaderGone> {
        self.0.send(Ok(Frame::data(data.into()))).await.map_err(|_| ReaderGone)
    }

    /// Sends the trailer section, which ends the body.
    ///
    /// # Errors
    /// The client is gone.
    pub async fn trailers(self, trailers: http::HeaderMap) -> Result<(), ReaderGone> {
        self.0.send(Ok(Frame::trailers(trailers))).await.map_err(|_| ReaderGone)
    }

    /// Ends the body as incomplete.
    ///
    /// # Errors
    /// The client is gone.
    pub async fn fail(self, error: impl Into<BoxError>) -> Result<(), ReaderGone> {
        self.0.send(Err(error.into())).await.map_err(|_| ReaderGone)
    }

    /// Waits until the client is gone or has everything.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

struct Channel(mpsc::Receiver<Result<Frame<Bytes>, BoxError>>);

impl Body for Channel {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_recv(cx)
    }
}

/// Bodies up to this length are looked at before they are sent, in bytes.
const SHORT: u64 = 64 * 1024;

pin_project! {
    /// Any body as one of `Bytes` and boxed errors.
    struct Erased<B> {
        #[pin]
        body: B,
        // Taken out of the body already.
        first: Option<Result<Frame<Bytes>, BoxError>>,
    }
}

impl<B> Body for Erased<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(first));
        }
        Poll::Ready(match ready!(this.body.poll_frame(cx)) {
            // `Bytes` are taken over, not copied.
            Some(Ok(frame)) => Some(Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))),
            Some(Err(error)) => Some(Err(error.into())),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        if let Some(Ok(first)) = &self.first
            && let (Some(data), Some(rest)) = (first.data_ref(), hint.exact())
        {
            hint.set_exact(rest.saturating_add(data.len() as u64));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::task::Waker;

    /// Pieces, some of which are not there yet when they are first asked for.
    struct Pieces(VecDeque<Option<&'static [u8]>>);

    impl Body for Pieces {
        type Data = &'static [u8];
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<&'static [u8]>, BoxError>>> {
            match self.0.pop_front() {
                Some(None) => Poll::Pending,
                Some(Some(piece)) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                None => Poll::Ready(None),
            }
        }

        fn is_end_stream(&self) -> bool {
            self.0.is_empty()
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0.iter().flatten().map(|piece| piece.len() as u64).sum())
        }
    }

    fn begin(pieces: &[Option<&'static [u8]>]) -> ResponseBody {
        ResponseBody::begin(Pieces(pieces.iter().copied().collect()), &mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn short_bodies_are_taken_whole() {
        assert!(matches!(begin(&[Some(b"all")]), ResponseBody::Full(data) if data == "all"));
        assert!(matches!(begin(&[]), ResponseBody::Empty));
        assert!(matches!(begin(&[Some(b"")]), ResponseBody::Empty));
    }

    #[test]
    fn nothing_is_lost_of_those_that_are_not_there_yet() {
        for pieces in
            [&[Some(&b"ab"[..]), Some(b"cd")][..], &[None, Some(b"abcd")], &[Some(b"ab"), None, Some(b"cd")]]
        {
            let ResponseBody::Stream(mut body) = begin(pieces) else { panic!("a stream") };
            assert_eq!(body.size_hint().exact(), Some(4));
            let mut all = Vec::new();
            while !body.is_end_stream() {
                if let Poll::Ready(frame) = body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop()))
                {
                    all.extend(frame.unwrap().unwrap().into_data().unwrap());
                }
            }
            assert_eq!(all, b"abcd");
        }
    }
}
