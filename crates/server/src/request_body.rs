//! Request bodies.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use thiserror::Error;
use wirelace_http_semantics::Fields;

use crate::feed::{BodyError, Intake, Part};

/// The body of a request, as it arrives: an [`http_body::Body`] of [`Bytes`] and, at its end, trailers.
///
/// What is not read stays with the client: once a window of bytes waits, nothing more is taken from the
/// connection. A client that waits for 100 (Continue) is told to go on when the body is first polled. Dropping the
/// body early is fine: the rest is thrown away; when it is long, an HTTP/1 connection is closed, and HTTP/2 tells the
/// client to stop.
#[derive(Debug, Default)]
pub struct RequestBody {
    source: Source,
    /// Bytes that are still to come, when the client has said.
    remaining: Option<u64>,
    trailers: Option<Box<Fields>>,
}

#[derive(Debug, Default)]
enum Source {
    #[default]
    Empty,
    Full(Box<Bytes>),
    Stream(Intake),
}

/// [`RequestBody::read_all`] failed.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CollectError {
    /// The body ended too early.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The body is longer than allowed.
    #[error("request body of more than {limit} bytes")]
    TooLarge {
        /// The limit that was passed, in bytes.
        limit: usize,
    },
}

impl RequestBody {
    /// No body.
    #[must_use]
    pub fn empty() -> RequestBody {
        RequestBody::default()
    }

    pub(crate) fn stream(intake: Intake, length: Option<u64>) -> RequestBody {
        RequestBody { source: Source::Stream(intake), remaining: length, trailers: None }
    }

    /// The next piece of data; `None` at the end. Trailers, which come last, are kept:
    /// [`trailers`](RequestBody::trailers) has them then.
    ///
    /// # Errors
    /// The body is incomplete. Said once; then it is at its end.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// As [`chunk`](RequestBody::chunk), for hand-written futures.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match ready!(self.poll_part(cx.waker())) {
            Some(Ok(Part::Data(data))) => Poll::Ready(Some(Ok(data))),
            Some(Ok(Part::Trailers(fields))) => {
                self.trailers = Some(Box::new(fields));
                Poll::Ready(None)
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => Poll::Ready(None),
        }
    }

    /// All of it as one piece of at most `limit` bytes.
    ///
    /// # Errors
    /// The body is incomplete or longer.
    pub async fn read_all(mut self, limit: usize) -> Result<Bytes, CollectError> {
        let Some(first) = self.chunk().await.transpose()? else { return Ok(Bytes::new()) };
        let too_large = CollectError::TooLarge { limit };
        if first.len() > limit || self.remaining.is_some_and(|rest| rest > (limit - first.len()) as u64) {
            return Err(too_large);
        }
        let Some(second) = self.chunk().await.transpose()? else { return Ok(first) };
        let mut all = BytesMut::with_capacity(first.len() + second.len());
        all.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(data) = next {
            if data.len() > limit - all.len() {
                return Err(too_large);
            }
            all.extend_from_slice(&data);
            next = self.chunk().await.transpose()?;
        }
        Ok(all.freeze())
    }

    /// The trailer section, once [`chunk`](RequestBody::chunk) has come to the end of the body.
    #[must_use]
    pub fn trailers(&self) -> Option<&Fields> {
        self.trailers.as_deref()
    }

    fn poll_part(&mut self, waker: &Waker) -> Poll<Option<Result<Part, BodyError>>> {
        let part = match &mut self.source {
            Source::Empty => return Poll::Ready(None),
            Source::Full(data) => {
                let data = std::mem::take(&mut **data);
                self.source = Source::Empty;
                Some(Ok(Part::Data(data)))
            }
            Source::Stream(intake) => ready!(intake.poll(waker)),
        };
        match &part {
            Some(Ok(Part::Data(data))) => {
                self.remaining = self.remaining.map(|rest| rest.saturating_sub(data.len() as u64));
            }
            _ => self.source = Source::Empty,
        }
        Poll::Ready(part)
    }
}

impl From<Bytes> for RequestBody {
    fn from(data: Bytes) -> RequestBody {
        if data.is_empty() {
            return RequestBody::empty();
        }
        let remaining = Some(data.len() as u64);
        RequestBody { source: Source::Full(Box::new(data)), remaining, trailers: None }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Ready(ready!(self.poll_part(cx.waker())).map(|part| {
            part.map(|part| match part {
                Part::Data(data) => Frame::data(data),
                Part::Trailers(fields) => Frame::trailers(fields.to_header_map()),
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty => true,
            Source::Full(_) => false,
            Source::Stream(intake) => intake.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.source, self.remaining) {
            (Source::Empty, _) => SizeHint::with_exact(0),
            (_, Some(rest)) => SizeHint::with_exact(rest),
            _ => SizeHint::default(),
        }
    }
}
