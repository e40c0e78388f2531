//! A connection as one request uses it.

use bytes::Bytes;
use http::Response;
use wirelace::client::{Body, BoxError, Connection, Error, Handle};
use wirelace::semantics::{RequestHead, ResponseHead};
use wirelace::tls_glue::HandshakeReport;

use super::line::{Admission, Door, Place};

/// Of HTTP/1, for itself; of HTTP/2, together with others.
pub(super) enum Channel {
    Alone(Connection),
    Shared(Shared),
}

/// A connection that requests come to in order.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) handle: Handle,
    door: Door,
}

impl Shared {
    pub(super) fn new(handle: Handle) -> Shared {
        Shared { handle, door: Door::default() }
    }
}

impl Channel {
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Channel::Shared(_))
    }

    /// Waits until it is the request's turn to go out. `None`: it has to do so elsewhere.
    pub(super) async fn admit(&self, place: &mut Place) -> Option<Option<Admission>> {
        match self {
            Channel::Alone(_) => {
                place.pass();
                Some(None)
            }
            Channel::Shared(shared) => place.admit(&shared.door).await.map(Some),
        }
    }

    /// `admission`, `place`: held until the request is on its way.
    pub(super) async fn send_native<B>(
        &mut self,
        head: RequestHead,
        body: B,
        admission: Option<Admission>,
        place: &mut Place,
        on_interim: impl FnMut(&ResponseHead) + Send + 'static,
    ) -> Result<Response<Body>, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match self {
            Channel::Alone(connection) => connection.send_native(head, body, on_interim).await,
            Channel::Shared(shared) => {
                let begun = shared.handle.begin_native(head, body, on_interim).await;
                drop(admission);
                place.pass();
                begun?.await
            }
        }
    }

    pub(super) fn is_open(&self) -> bool {
        match self {
            Channel::Alone(connection) => connection.is_open(),
            Channel::Shared(shared) => shared.handle.is_open(),
        }
    }

    pub(super) fn handshake(&self) -> Option<&HandshakeReport> {
        match self {
            Channel::Alone(connection) => connection.handshake(),
            Channel::Shared(shared) => shared.handle.handshake(),
        }
    }

    pub(super) fn is_early(&self) -> bool {
        match self {
            Channel::Alone(connection) => connection.is_early(),
            Channel::Shared(shared) => shared.handle.is_early(),
        }
    }
}
