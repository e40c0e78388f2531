//! What a request brings into the world of `http::Request`: extensions.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use wirelace_http_semantics::{Priority, StreamId};

use crate::info::ConnectionInfo;
use crate::interim::Interim;
use crate::link::{Link, lock};
use crate::push::Pusher;
use crate::request::Known;
use crate::request_body::RequestBody;

/// Everything about a request that `http::Request` has no place for, as one of its extensions (with axum:
/// `Extension<RequestContext>`).
#[derive(Debug, Clone)]
pub struct RequestContext {
    link: Arc<Link>,
    stream: StreamId,
    known: Known,
    /// Of the request, where pushes are taken.
    authority: Option<Bytes>,
    tunnel: Option<Arc<Mutex<Option<RequestBody>>>>,
}

impl RequestContext {
    pub(crate) fn new(
        link: Arc<Link>,
        stream: StreamId,
        known: Known,
        authority: Option<Bytes>,
        tunnel: Option<RequestBody>,
    ) -> RequestContext {
        RequestContext {
            link,
            stream,
            known,
            authority,
            tunnel: tunnel.map(|tunnel| Arc::new(Mutex::new(Some(tunnel)))),
        }
    }

    /// The connection that the request came on.
    #[must_use]
    pub fn connection(&self) -> &ConnectionInfo {
        &self.link.info
    }

    /// The client's address.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.link.info.peer
    }

    /// As [`Request::tls`](crate::Request::tls).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&wirelace_tls_glue::HandshakeReport> {
        self.link.secured.report()
    }

    /// As [`Request::early_data`](crate::Request::early_data).
    #[must_use]
    pub fn early_data(&self) -> bool {
        self.known.early
    }

    /// Sends interim responses before the final one.
    #[must_use]
    pub fn interim(&self) -> Interim {
        Interim::new(Arc::clone(&self.link), self.stream)
    }

    /// As [`Request::pusher`](crate::Request::pusher).
    #[must_use]
    pub fn pusher(&self) -> Option<Pusher> {
        Some(Pusher::new(Arc::clone(&self.link), self.stream, self.authority.clone()?))
    }

    /// As [`Request::is_pushed`](crate::Request::is_pushed).
    #[must_use]
    pub fn is_pushed(&self) -> bool {
        self.known.pushed
    }

    /// As [`Request::priority`](crate::Request::priority); `None` with HTTP/1, where the field is all there is.
    #[must_use]
    pub fn priority(&self) -> Option<Priority> {
        self.known.priority
    }

    /// As [`Request::take_tunnel`](crate::Request::take_tunnel).
    #[must_use]
    pub fn take_tunnel(&self) -> Option<RequestBody> {
        lock(self.tunnel.as_ref()?).take()
    }
}

/// What an extended CONNECT is to become, such as `websocket` (RFC 8441 §4, the `:protocol` of HTTP/2), as an extension
/// of `http::Request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol(pub(crate) Box<str>);

impl Protocol {
    /// The name, as the client has written it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The header section as it was received, as an extension of `http::Request`: order, duplicates and the case of
/// names. Only with [`Builder::raw_fields`](crate::Builder::raw_fields).
#[derive(Debug, Clone)]
pub struct RawFields(pub Arc<wirelace_http_semantics::Fields>);
