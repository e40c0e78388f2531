//! Requests as the native handler gets them.

use std::sync::Arc;

use bytes::Bytes;
use wirelace_http_semantics::{FieldId, Priority, RequestHead, StreamId};

use crate::info::ConnectionInfo;
use crate::interim::Interim;
use crate::link::Link;
use crate::machine::ServerMachine;
use crate::push::Pusher;
use crate::request_body::RequestBody;
use crate::secured::Secured;

/// A request.
#[derive(Debug)]
pub struct Request {
    /// Method, target and header section, as they were received.
    pub head: Box<RequestHead>,
    /// The body, which may still be arriving.
    pub body: RequestBody,
    pub(crate) tunnel: Option<Box<RequestBody>>,
    pub(crate) link: Arc<Link>,
    pub(crate) stream: StreamId,
    pub(crate) known: Known,
}

/// What the connection knows of a request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known {
    /// The TLS handshake was not complete.
    pub(crate) early: bool,
    /// It is a promise of this side's.
    pub(crate) pushed: bool,
    /// The client takes pushes with the answer.
    pub(crate) may_push: bool,
    /// `None`: what the field says is all.
    pub(crate) priority: Option<Priority>,
}

impl Known {
    #[inline]
    pub(crate) fn of<M: ServerMachine>(machine: &M, stream: StreamId, early: bool) -> Known {
        Known { early, pushed: false, may_push: machine.may_push(), priority: machine.priority(stream) }
    }
}

impl Request {
    /// A request that came on no connection, for tests of handlers.
    #[must_use]
    pub fn new(head: RequestHead, body: impl Into<RequestBody>) -> Request {
        let link = Arc::new(Link::new(ConnectionInfo::memory(), Secured::default()));
        Request {
            head: Box::new(head),
            body: body.into(),
            tunnel: None,
            link,
            stream: StreamId(0),
            known: Known::default(),
        }
    }

    /// The connection that the request came on.
    #[must_use]
    pub fn connection(&self) -> &ConnectionInfo {
        &self.link.info
    }

    /// What the TLS handshake of the connection agreed on; `None`: it is in the clear.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&wirelace_tls_glue::HandshakeReport> {
        self.link.secured.report()
    }

    /// Who the client is, where it showed a certificate that is trusted.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn client_identity(&self) -> Option<crate::secured::ClientIdentity> {
        self.link.secured.client()
    }

    /// The request may be a replay (RFC 8470): it came as early data (0-RTT) of a connection whose TLS handshake is not
    /// complete, or a proxy in front says that it did (`Early-Data: 1`). Who cannot answer it twice answers 425 (Too
    /// Early), and is asked again. Which requests are handed out early is said by
    /// [`Builder::early_requests`](crate::Builder::early_requests).
    #[must_use]
    pub fn early_data(&self) -> bool {
        self.known.early || self.head.fields.contains(FieldId::EARLY_DATA)
    }

    /// Sends interim responses before the final one.
    #[must_use]
    pub fn interim(&self) -> Interim {
        Interim::new(Arc::clone(&self.link), self.stream)
    }

    /// Promises answers that the client is going to need beside this one (server push, RFC 9113 §8.4). `None` where the
    /// client takes none: with HTTP/1, and from nearly all browsers of today. Also for requests that were promised
    /// themselves.
    #[must_use]
    pub fn pusher(&self) -> Option<Pusher> {
        if !self.known.may_push {
            return None;
        }
        let authority = Bytes::copy_from_slice(self.head.authority()?);
        Some(Pusher::new(Arc::clone(&self.link), self.stream, authority))
    }

    /// The client did not ask for it: it is a promise made by a [`Pusher`].
    #[must_use]
    pub fn is_pushed(&self) -> bool {
        self.known.pushed
    }

    /// How urgent the client finds the answer (RFC 9218): as of now with HTTP/2, where it may say so at any time, and
    /// what the field `priority` says with HTTP/1. A field of that name in the response overrides it (RFC 9218 §8).
    #[must_use]
    pub fn priority(&self) -> Priority {
        let said = || self.head.fields.get(FieldId::PRIORITY).map(Priority::parse);
        self.known.priority.or_else(said).unwrap_or_default()
    }

    /// For CONNECT, extended CONNECT (RFC 8441; [`RequestHead::protocol`] names what it is to become) and requests that
    /// offer an upgrade: what the client sends after the response has opened
    /// the tunnel (2xx to CONNECT, 101 to an upgrade), as a body without an announced end. What goes to the client
    /// is the body of that response. Any other response ends it, empty. `None` for other requests and after the
    /// first call.
    pub fn take_tunnel(&mut self) -> Option<RequestBody> {
        self.tunnel.take().map(|tunnel| *tunnel)
    }
}
