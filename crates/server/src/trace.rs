//! What the server says about itself, with the feature `tracing`. Never field values.

#[cfg(feature = "tracing")]
mod on {
    use std::fmt::Display;

    use wirelace_runtime::Outcome;

    use crate::info::ConnectionInfo;

    pub(crate) fn opened(info: &ConnectionInfo) {
        tracing::debug!(peer = %info.peer, transport = ?info.transport, "connection opened");
    }

    pub(crate) fn proxy_failed(info: &ConnectionInfo, error: &dyn Display) {
        tracing::warn!(proxy = %info.peer, %error, "no PROXY header");
    }

    #[cfg(feature = "tls")]
    pub(crate) fn handshake_failed(info: &ConnectionInfo, error: &dyn Display) {
        tracing::debug!(peer = %info.peer, %error, "handshake failed");
    }

    pub(crate) fn closed<E: Display>(info: &ConnectionInfo, outcome: &Outcome<E>) {
        match outcome {
            Outcome::Protocol(error) => tracing::debug!(peer = %info.peer, %error, "connection failed"),
            Outcome::Io(error) => tracing::debug!(peer = %info.peer, %error, "connection lost"),
            Outcome::PeerClosed => tracing::debug!(peer = %info.peer, "connection closed by the client"),
            Outcome::Aborted => tracing::debug!(peer = %info.peer, "connection dropped"),
            _ => tracing::debug!(peer = %info.peer, "connection finished"),
        }
    }

    pub(crate) fn refused(info: &ConnectionInfo, error: &dyn Display) {
        tracing::warn!(peer = %info.peer, %error, "response cannot be sent");
    }

    pub(crate) fn malformed(info: &ConnectionInfo, stream: u64, rule: &dyn Display) {
        tracing::debug!(peer = %info.peer, stream, %rule, "malformed request");
    }

    pub(crate) fn service_failed(error: impl Into<crate::response_body::BoxError>) {
        let error = error.into();
        tracing::error!(%error, "service failed");
    }
}

#[cfg(not(feature = "tracing"))]
mod on {
    use wirelace_runtime::Outcome;

    use crate::info::ConnectionInfo;

    pub(crate) fn opened(_: &ConnectionInfo) {}

    pub(crate) fn proxy_failed<E>(_: &ConnectionInfo, _: &E) {}

    #[cfg(feature = "tls")]
    pub(crate) fn handshake_failed<E>(_: &ConnectionInfo, _: &E) {}

    pub(crate) fn closed<E>(_: &ConnectionInfo, _: &Outcome<E>) {}

    pub(crate) fn refused<E>(_: &ConnectionInfo, _: &E) {}

    pub(crate) fn service_failed<E>(_: E) {}
}

#[cfg(feature = "tls")]
pub(crate) use on::handshake_failed;
#[cfg(feature = "tracing")]
pub(crate) use on::malformed;
pub(crate) use on::{closed, opened, proxy_failed, refused, service_failed};
