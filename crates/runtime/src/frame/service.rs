//! What a server calls.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tower_service::Service;

/// A request, whole.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct Request {
    /// What it says.
    pub payload: Bytes,
    /// Who says it.
    pub peer: SocketAddr,
    /// How long the peer waits, where it said so.
    pub timeout: Option<Duration>,
    /// A message: what is answered goes nowhere.
    pub one_way: bool,
}

impl Request {
    pub(super) fn new(payload: Bytes, peer: SocketAddr, timeout: Option<Duration>, one_way: bool) -> Request {
        Request { payload, peer, timeout, one_way }
    }
}

/// A service from an async function or closure; made by [`from_fn`].
#[derive(Debug)]
pub struct FromFn<F>(Arc<F>);

impl<F> Clone for FromFn<F> {
    fn clone(&self) -> Self {
        FromFn(Arc::clone(&self.0))
    }
}

/// Makes a service from an async function or closure. Its error becomes the text of an ERROR frame.
pub fn from_fn<F, Fut, E>(function: F) -> FromFn<F>
where
    F: Fn(Request) -> Fut,
    Fut: Future<Output = Result<Bytes, E>>,
    E: fmt::Display,
{
    FromFn(Arc::new(function))
}

impl<F, Fut, E> Service<Request> for FromFn<F>
where
    F: Fn(Request) -> Fut,
    Fut: Future<Output = Result<Bytes, E>>,
    E: fmt::Display,
{
    type Response = Bytes;
    type Error = E;
    type Future = Fut;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Fut {
        (self.0)(request)
    }
}
