//! Requests as the native handler gets them.

use std::sync::Arc;

use wirelace_http_semantics::{FieldId, RequestHead, StreamId};

use crate::info::ConnectionInfo;
use crate::interim::Interim;
use crate::link::Link;
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
    /// The TLS handshake was not complete.
    pub(crate) early: bool,
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
            early: false,
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
        self.early || self.head.fields.contains(FieldId::EARLY_DATA)
    }

    /// Sends interim responses before the final one.
    #[must_use]
    pub fn interim(&self) -> Interim {
        Interim::new(Arc::clone(&self.link), self.stream)
    }

    /// For CONNECT and for requests that offer an upgrade: what the client sends after the response has opened
    /// the tunnel (2xx to CONNECT, 101 to an upgrade), as a body without an announced end. What goes to the client
    /// is the body of that response. Any other response ends it, empty. `None` for other requests and after the
    /// first call.
    pub fn take_tunnel(&mut self) -> Option<RequestBody> {
        self.tunnel.take().map(|tunnel| *tunnel)
    }
}
