//! A connection as one request uses it.

use bytes::Bytes;
use http::Response;
use wirelace::client::{Body, BoxError, Connection, Error, Handle};
use wirelace::semantics::{RequestHead, ResponseHead};
use wirelace::tls_glue::HandshakeReport;

use super::line::Place;

/// Of HTTP/1, for itself; of HTTP/2, together with others.
pub(super) enum Channel {
    Alone(Connection),
    Shared(Handle),
}

impl Channel {
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Channel::Shared(_))
    }

    /// `place`: where it stands among those who share the connection.
    pub(super) async fn send_native<B>(
        &mut self,
        head: RequestHead,
        body: B,
        place: &mut Place,
        on_interim: impl FnMut(&ResponseHead) + Send + 'static,
    ) -> Result<Response<Body>, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match self {
            Channel::Alone(connection) => {
                place.pass();
                connection.send_native(head, body, on_interim).await
            }
            Channel::Shared(handle) => {
                place.reach().await;
                let begun = handle.begin_native(head, body, on_interim).await;
                place.pass();
                begun?.await
            }
        }
    }

    pub(super) fn is_open(&self) -> bool {
        match self {
            Channel::Alone(connection) => connection.is_open(),
            Channel::Shared(handle) => handle.is_open(),
        }
    }

    pub(super) fn handshake(&self) -> Option<&HandshakeReport> {
        match self {
            Channel::Alone(connection) => connection.handshake(),
            Channel::Shared(handle) => handle.handshake(),
        }
    }

    pub(super) fn is_early(&self) -> bool {
        match self {
            Channel::Alone(connection) => connection.is_early(),
            Channel::Shared(handle) => handle.is_early(),
        }
    }
}
