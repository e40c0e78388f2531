//! Responses that a server sends without having been asked (RFC 9113 §8.4).

use tokio::sync::mpsc;
use wirelace_http_semantics::RequestHead;

use crate::convert::promised_request;
use crate::response::ResponseFuture;

/// Promises that wait for whoever takes them; further ones are refused.
const WAITING: usize = 128;

/// A promised exchange. Dropping it tells the server that it is not wanted.
#[derive(Debug)]
pub struct Push {
    request: Box<RequestHead>,
    secure: bool,
    response: ResponseFuture,
}

impl Push {
    pub(crate) fn new(request: Box<RequestHead>, secure: bool, response: ResponseFuture) -> Push {
        Push { request, secure, response }
    }

    /// The head of the request that it answers: for the authority of the request that it came with, and of a method
    /// that changes nothing.
    #[must_use]
    pub fn request(&self) -> &RequestHead {
        &self.request
    }

    /// The same as the `http` crate has it; `None` where it cannot hold the target.
    #[must_use]
    pub fn to_request(&self) -> Option<http::Request<()>> {
        promised_request(&self.request, self.secure)
    }

    /// The response.
    pub fn into_response(self) -> ResponseFuture {
        self.response
    }
}

/// The promises of one connection, in order. Once it is dropped, all that follow are refused.
#[derive(Debug)]
pub struct Pushes(mpsc::Receiver<Push>);

impl Pushes {
    pub(crate) fn channel() -> (mpsc::Sender<Push>, Pushes) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (sender, Pushes(receiver))
    }

    /// The next one; `None` once the connection has ended.
    pub async fn next(&mut self) -> Option<Push> {
        self.0.recv().await
    }
}
