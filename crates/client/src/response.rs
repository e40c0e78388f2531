//! Responses that are awaited.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use wirelace_http_semantics::{FieldId, ResponseHead};

use crate::body::Body;
use crate::control::Control;
use crate::convert::response_parts;
use crate::error::Error;
use crate::shared::{Answered, Shared};

/// The response to a request that was given to a connection: ends with the head of the final response.
///
/// Dropping it gives the request up: with HTTP/2 that ends its exchange, with HTTP/1 the connection.
#[derive(Debug)]
#[must_use = "the request is given up when it is dropped"]
pub struct ResponseFuture {
    /// `None` once it has ended.
    shared: Option<Arc<Shared>>,
}

impl ResponseFuture {
    pub(crate) fn new(shared: Arc<Shared>) -> ResponseFuture {
        ResponseFuture { shared: Some(shared) }
    }

    /// What can be done to the exchange from elsewhere; `None` when the future has ended.
    #[must_use]
    pub fn control(&self) -> Option<Control> {
        self.shared.clone().map(Control::new)
    }

    /// Waits for the response without making an [`http::Response`] of it, which costs some.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn native(mut self) -> Result<(ResponseHead, Body), Error> {
        poll_fn(|cx| self.poll_native(cx)).await
    }

    fn poll_native(&mut self, cx: &Context<'_>) -> Poll<Result<(ResponseHead, Body), Error>> {
        let Some(shared) = &self.shared else { return Poll::Ready(Err(Error::Closed)) };
        let answer = ready!(shared.poll_answer(cx));
        let Some(shared) = self.shared.take() else { return Poll::Ready(Err(Error::Closed)) };
        Poll::Ready(answer.map(|Answered { head, tunnel, end }| {
            if end {
                return (head, Body::empty());
            }
            // It says nothing about a tunnel's bytes (RFC 9110 §9.3.6), nor about those in the chunked coding.
            let length = head.fields.get_str(FieldId::CONTENT_LENGTH).and_then(|length| length.parse().ok());
            let length = length.filter(|_| !tunnel && !head.fields.contains(FieldId::TRANSFER_ENCODING));
            (head, Body::new(shared, length))
        }))
    }
}

impl Future for ResponseFuture {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (head, body) = ready!(self.poll_native(cx))?;
        Poll::Ready(Ok(http::Response::from_parts(response_parts(head), body)))
    }
}

impl Drop for ResponseFuture {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.leave();
        }
    }
}
