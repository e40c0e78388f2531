//! What connections are made from.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use wirelace_tls_glue::quic::{QuicClientTls, QuicServerTls, ResetKey, TokenKeys, Version};

use crate::limits::Limits;

/// Congestion control (RFC 9002 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CongestionControl {
    /// RFC 9438, with HyStart++ (RFC 9406).
    #[default]
    Cubic,
    /// RFC 9002 §7.
    NewReno,
}

/// How a client makes connections. Clones are cheap.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Whom it trusts, and what it speaks (ALPN).
    pub tls: QuicClientTls,
    /// What it allows.
    pub limits: Arc<Limits>,
    /// The version that it begins with.
    pub version: Version,
    /// How fast it sends.
    pub congestion: CongestionControl,
}

impl ClientConfig {
    /// With the usual limits, in version 1.
    #[must_use]
    pub fn new(tls: QuicClientTls) -> ClientConfig {
        ClientConfig {
            tls,
            limits: Arc::default(),
            version: Version::V1,
            congestion: CongestionControl::default(),
        }
    }
}

/// How a server takes connections. Clones share their keys.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Its certificates, and what it speaks (ALPN).
    pub tls: QuicServerTls,
    /// What it allows.
    pub limits: Arc<Limits>,
    /// How fast it sends.
    pub congestion: CongestionControl,
    /// What Retry and NEW_TOKEN tokens are sealed with (RFC 9000 §8.1).
    pub tokens: Arc<TokenKeys>,
    /// What stateless reset tokens are made from (§10.3).
    pub reset_key: Arc<ResetKey>,
}

impl ServerConfig {
    /// With the usual limits. The keys have to be random; servers that share an address share them.
    #[must_use]
    pub fn new(tls: QuicServerTls, tokens: Arc<TokenKeys>, reset_key: Arc<ResetKey>) -> ServerConfig {
        ServerConfig {
            tls,
            limits: Arc::default(),
            congestion: CongestionControl::default(),
            tokens,
            reset_key,
        }
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig")
            .field("tls", &self.tls)
            .field("limits", &self.limits)
            .field("congestion", &self.congestion)
            .finish_non_exhaustive()
    }
}

/// What a client knows of a server from an earlier connection.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Remembered {
    /// Of an earlier [`NewToken`](crate::Event::NewToken): spares the server the doubt about the client's address.
    pub token: Bytes,
}
