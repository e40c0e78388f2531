//! The native handler.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::request::Request;
use crate::response::Response;

/// Answers requests. Async functions and closures are handlers; a type with state implements it:
///
/// ```
/// use wirelace_server::{Handler, Request, Response};
///
/// struct Greeter { greeting: String }
///
/// impl Handler for Greeter {
///     async fn handle(&self, request: Request) -> Response {
///         Response::from(format!("{} {}\n", self.greeting, request.head.path()))
///     }
/// }
/// ```
///
/// The future is polled within the connection's task and dropped when the client goes away. Long computations
/// belong elsewhere; a panic ends the connection, and no other.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request.
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send;

    /// As [`handle`](Handler::handle), with a future that borrows nothing. What is said here suits every handler;
    /// functions do without the second owner.
    #[doc(hidden)]
    fn answer(self: &Arc<Self>, request: Request) -> impl Future<Output = Response> + Send + use<Self>
    where
        Self: Sized,
    {
        let handler = Arc::clone(self);
        async move { handler.handle(request).await }
    }
}

impl<F, A> Handler for F
where
    F: Fn(Request) -> A + Send + Sync + 'static,
    A: Future<Output: Into<Response>> + Send + 'static,
{
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send {
        Answer { future: self(request) }
    }

    fn answer(self: &Arc<Self>, request: Request) -> impl Future<Output = Response> + Send + use<F, A> {
        Answer { future: self(request) }
    }
}

pin_project! {
    /// A future of something that becomes a response.
    struct Answer<A> {
        #[pin]
        future: A,
    }
}

impl<A: Future<Output: Into<Response>>> Future for Answer<A> {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        self.project().future.poll(cx).map(Into::into)
    }
}

/// A handler that is used elsewhere, too.
#[derive(Debug)]
pub struct Shared<H>(pub Arc<H>);

impl<H: Handler> Handler for Shared<H> {
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send {
        self.0.handle(request)
    }

    fn answer(self: &Arc<Self>, request: Request) -> impl Future<Output = Response> + Send + use<H> {
        self.0.answer(request)
    }
}
