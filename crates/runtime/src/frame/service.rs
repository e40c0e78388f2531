//! What a server calls.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tower_service::Service;

use super::answer::Answer;
use super::parts::Body;

/// A request: whole, or with a [`Body`] that is still on its way.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct Request<B = Bytes> {
    /// What it says.
    pub payload: B,
    /// Who says it.
    pub peer: SocketAddr,
    /// How long the peer waits, where it said so.
    pub timeout: Option<Duration>,
    /// A message: what is answered goes nowhere.
    pub one_way: bool,
}

impl<B> Request<B> {
    pub(super) fn new(payload: B, peer: SocketAddr, timeout: Option<Duration>, one_way: bool) -> Request<B> {
        Request { payload, peer, timeout, one_way }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Whole {}
    impl Sealed for super::Streamed {}
}

/// How services take requests: [`Whole`] or [`Streamed`].
pub trait Mode: sealed::Sealed + Send + 'static {
    /// What a request says.
    type Payload: Send + 'static;
    /// What a service answers.
    type Reply: Into<Answer> + Send;
    /// What the service is given of a request that is there as a whole.
    fn whole(payload: Bytes) -> Self::Payload;
    /// The same of one that still comes; `None`: it has to be whole first.
    fn parts(body: impl FnOnce() -> Body) -> Option<Self::Payload>;
}

/// Requests and answers are whole.
#[derive(Debug)]
pub struct Whole(());

impl Mode for Whole {
    type Payload = Bytes;
    type Reply = Bytes;

    fn whole(payload: Bytes) -> Bytes {
        payload
    }

    fn parts(_: impl FnOnce() -> Body) -> Option<Bytes> {
        None
    }
}

/// Requests come in parts, and answers may go so.
#[derive(Debug)]
pub struct Streamed(());

impl Mode for Streamed {
    type Payload = Body;
    type Reply = Answer;

    fn whole(payload: Bytes) -> Body {
        payload.into()
    }

    fn parts(body: impl FnOnce() -> Body) -> Option<Body> {
        Some(body())
    }
}

/// A service from an async function or closure; made by [`from_fn`] and [`from_stream_fn`].
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

/// Makes a service that reads requests as they come, and may answer in parts, from an async function or closure; for
/// [`FrameServer::bind_streamed`](super::FrameServer::bind_streamed). Its error becomes the text of an ERROR frame.
pub fn from_stream_fn<F, Fut, E>(function: F) -> FromFn<F>
where
    F: Fn(Request<Body>) -> Fut,
    Fut: Future<Output = Result<Answer, E>>,
    E: fmt::Display,
{
    FromFn(Arc::new(function))
}

impl<F, Fut, B, A, E> Service<Request<B>> for FromFn<F>
where
    F: Fn(Request<B>) -> Fut,
    Fut: Future<Output = Result<A, E>>,
    E: fmt::Display,
{
    type Response = A;
    type Error = E;
    type Future = Fut;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Fut {
        (self.0)(request)
    }
}
