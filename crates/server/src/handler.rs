//! The native handler.

use std::sync::Arc;

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
}

impl<F, A> Handler for F
where
    F: Fn(Request) -> A + Send + Sync + 'static,
    A: Future<Output: Into<Response>> + Send,
{
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send {
        let answer = self(request);
        async { answer.await.into() }
    }
}

/// A handler that is used elsewhere, too.
#[derive(Debug)]
pub struct Shared<H>(pub Arc<H>);

impl<H: Handler> Handler for Shared<H> {
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send {
        self.0.handle(request)
    }
}
