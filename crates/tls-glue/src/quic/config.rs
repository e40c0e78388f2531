//! TLS as QUIC wants it: version 1.3 only, with application protocols of its own, and early data of no size.

use std::sync::Arc;

use bytes::Bytes;
use rustls::server::{ProducesTickets, ServerSessionMemoryCache, StoresServerSessions};
use rustls::{ClientConfig, ServerConfig};

use crate::client::ClientTls;
use crate::error::TlsError;
use crate::report::{TlsVersion, Verification};
use crate::server::{SINGLE_USE_SESSIONS, ServerTls};

/// What QUIC wants for early data that is taken (RFC 9001 §4.6.1): transport parameters limit it, not TLS.
const ANY_EARLY_DATA: u32 = u32::MAX;

/// How a server speaks TLS over QUIC: with the certificates of a [`ServerTls`]. Clones share their sessions.
#[derive(Debug, Clone)]
pub struct QuicServerTls {
    pub(super) config: ServerConfig,
    /// Where early data is taken.
    sessions: Option<Arc<dyn StoresServerSessions>>,
}

/// How a client speaks TLS over QUIC: it trusts as a [`ClientTls`] does, and shares its sessions of QUIC with all that
/// are made from the same.
#[derive(Debug, Clone)]
pub struct QuicClientTls {
    pub(super) config: ClientConfig,
    pub(super) verification: Verification,
}

impl QuicServerTls {
    /// With these application protocols (ALPN), the preferred one first; those of TCP play no part. A client that
    /// offers none of them is refused (RFC 9001 §8.1). No early data is taken.
    ///
    /// # Errors
    ///
    /// There is no protocol, or `tls` does not speak TLS 1.3.
    pub fn new(
        tls: &ServerTls,
        alpn: impl IntoIterator<Item = impl Into<Bytes>>,
    ) -> Result<QuicServerTls, TlsError> {
        let mut config = tls.quic_config();
        config.alpn_protocols = protocols(alpn, tls.highest())?;
        config.max_early_data_size = 0;
        config.send_half_rtt_data = false;
        Ok(QuicServerTls { config, sessions: None })
    }

    /// Takes early data (0-RTT) from clients that resume a session. Whoever has heard such data can send it again: it
    /// must change nothing (RFC 9001 §9.2). Sessions are kept here, for one use each.
    ///
    /// `limits` stands for what clients remember and rely on: limits of the transport parameters, settings of the
    /// application. Where they must not be smaller than they were (RFC 9000 §7.4.1), a session that was made under
    /// other `limits` is not resumed: its client has its early data refused. To change them, call this on a clone
    /// again.
    ///
    /// # Errors
    ///
    /// Sessions are not resumed ([`resumption`](crate::ServerTlsBuilder::resumption)).
    pub fn early_data(mut self, limits: impl Into<Bytes>) -> Result<QuicServerTls, TlsError> {
        if self.config.send_tls13_tickets == 0 {
            return Err(TlsError::Local("early data needs sessions that are resumed".to_owned()));
        }
        // Sessions of TCP's store, or in tickets, could be taken more than once.
        let sessions =
            self.sessions.get_or_insert_with(|| ServerSessionMemoryCache::new(SINGLE_USE_SESSIONS));
        let sessions = Sessions { sessions: Arc::clone(sessions), limits: limits.into() };
        self.config.session_storage = Arc::new(sessions);
        self.config.ticketer = Arc::new(NoTickets);
        self.config.max_early_data_size = ANY_EARLY_DATA;
        Ok(self)
    }
}

impl QuicClientTls {
    /// With these application protocols (ALPN), the preferred one first; those of TCP play no part. No early data is
    /// sent.
    ///
    /// # Errors
    ///
    /// There is no protocol, or `tls` does not speak TLS 1.3.
    pub fn new(
        tls: &ClientTls,
        alpn: impl IntoIterator<Item = impl Into<Bytes>>,
    ) -> Result<QuicClientTls, TlsError> {
        let mut config = tls.quic_config();
        config.alpn_protocols = protocols(alpn, tls.highest())?;
        config.enable_early_data = false;
        Ok(QuicClientTls { config, verification: tls.verification() })
    }

    /// Whether early data (0-RTT) may be sent where a session is resumed whose server takes it.
    #[must_use]
    pub fn early_data(mut self, early_data: bool) -> QuicClientTls {
        self.config.enable_early_data = early_data;
        self
    }
}

fn protocols(
    alpn: impl IntoIterator<Item = impl Into<Bytes>>,
    highest: TlsVersion,
) -> Result<Vec<Vec<u8>>, TlsError> {
    let protocols: Vec<Vec<u8>> = alpn.into_iter().map(|protocol| protocol.into().to_vec()).collect();
    if highest < TlsVersion::Tls13 {
        return Err(TlsError::Local(format!("QUIC needs TLS 1.3, and {highest} is the highest version")));
    }
    if protocols.is_empty() {
        return Err(TlsError::Local("QUIC needs an application protocol (ALPN)".to_owned()));
    }
    Ok(protocols)
}

/// Sessions under the limits that their clients remember.
#[derive(Debug)]
struct Sessions {
    sessions: Arc<dyn StoresServerSessions>,
    limits: Bytes,
}

impl Sessions {
    /// Of another session where the limits are others.
    fn key(&self, key: &[u8]) -> Vec<u8> {
        [key, &self.limits].concat()
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.sessions.put(self.key(&key), value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.sessions.get(&self.key(key))
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.sessions.take(&self.key(key))
    }

    fn can_cache(&self) -> bool {
        self.sessions.can_cache()
    }
}

#[derive(Debug)]
struct NoTickets;

impl ProducesTickets for NoTickets {
    fn enabled(&self) -> bool {
        false
    }

    fn lifetime(&self) -> u32 {
        0
    }

    fn encrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}
