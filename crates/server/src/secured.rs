//! What requests know of the TLS below them.

#[cfg(feature = "tls")]
use std::sync::Arc;
use std::task::{Context, Poll};

#[cfg(feature = "tls")]
use bytes::Bytes;
#[cfg(feature = "tls")]
use wirelace_runtime::tls::EarlyData;
#[cfg(feature = "tls")]
use wirelace_tls_glue::HandshakeReport;

/// What the handshake of a connection agreed on, if there was one. Costs a connection in the clear two pointers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secured {
    #[cfg(feature = "tls")]
    report: Option<Arc<HandshakeReport>>,
    /// The connection began with early data.
    #[cfg(feature = "tls")]
    early: Option<EarlyData>,
}

#[cfg(not(feature = "tls"))]
impl Secured {
    pub(crate) fn is_early(&self) -> bool {
        false
    }

    pub(crate) fn alpn(&self) -> Option<&[u8]> {
        None
    }

    pub(crate) fn poll_confirmed(&self, _: &mut Context<'_>) -> Poll<bool> {
        Poll::Ready(true)
    }
}

#[cfg(feature = "tls")]
impl Secured {
    pub(crate) fn new(report: HandshakeReport, early: Option<EarlyData>) -> Secured {
        Secured { report: Some(Arc::new(report)), early }
    }

    /// What comes now may be a replay.
    pub(crate) fn is_early(&self) -> bool {
        self.early.as_ref().is_some_and(|early| !early.is_confirmed())
    }

    /// Waits until it cannot be; false: that will never be.
    pub(crate) fn poll_confirmed(&self, cx: &mut Context<'_>) -> Poll<bool> {
        self.early.as_ref().map_or(Poll::Ready(true), |early| early.poll_confirmed(cx))
    }

    /// The application protocol that was agreed on, if any.
    pub(crate) fn alpn(&self) -> Option<&[u8]> {
        self.report.as_ref()?.alpn.as_deref()
    }

    pub(crate) fn report(&self) -> Option<&HandshakeReport> {
        self.report.as_deref()
    }

    pub(crate) fn client(&self) -> Option<ClientIdentity> {
        let report = self.report.as_ref()?;
        let known = report.verification.is_verified() && !report.peer_certificates.is_empty();
        known.then(|| ClientIdentity(Arc::clone(report)))
    }
}

/// Who the client is: it showed a certificate of an authority that the server trusts
/// ([`ClientCertificates`](wirelace_tls_glue::ClientCertificates)), and has its key. There is none otherwise, and
/// nothing that a client puts into a request can make one.
///
/// Native handlers have it from [`Request::client_identity`](crate::Request::client_identity); for tower services it
/// is among the request's extensions, with axum `Extension<ClientIdentity>` (which refuses requests without one) or
/// `Option<Extension<ClientIdentity>>`. `CertificateReport` of `wirelace-tls-glue` (its feature `report`) reads the
/// subject and the names out of it.
#[cfg(feature = "tls")]
#[derive(Debug, Clone)]
pub struct ClientIdentity(Arc<HandshakeReport>);

#[cfg(feature = "tls")]
impl ClientIdentity {
    /// The client's own certificate, in DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        self.0.peer_certificates.first().map(Bytes::as_ref).unwrap_or_default()
    }

    /// All certificates that the client has sent, in DER, its own first.
    #[must_use]
    pub fn chain(&self) -> &[Bytes] {
        &self.0.peer_certificates
    }
}
