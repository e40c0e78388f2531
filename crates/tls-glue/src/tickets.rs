//! A client's sessions for early data: with each ticket, the protocol that its connection spoke.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rustls::NamedGroup;
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;

/// What the ticket that a connection began with allows.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    /// Octets of early data.
    pub(crate) limit: u32,
    /// The application protocol (ALPN) that early data is of (RFC 8446 §4.2.10).
    pub(crate) protocol: Option<Bytes>,
}

/// The sessions of all connections, as one connection sees them: rustls tells the protocol to none of them.
pub(crate) struct Tickets {
    sessions: Arc<ClientSessionMemoryCache>,
    server: ServerName<'static>,
    taken: OnceLock<Ticket>,
    agreed: OnceLock<Option<Bytes>>,
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").field("taken", &self.taken).finish_non_exhaustive()
    }
}

impl Tickets {
    pub(crate) fn new(sessions: Arc<ClientSessionMemoryCache>, server: ServerName<'static>) -> Tickets {
        Tickets { sessions, server, taken: OnceLock::new(), agreed: OnceLock::new() }
    }

    /// The ticket that this connection was begun with.
    pub(crate) fn taken(&self) -> Option<&Ticket> {
        self.taken.get()
    }

    /// The protocol that the tickets that come now are for.
    pub(crate) fn agreed(&self, protocol: Option<Bytes>) {
        let _ = self.agreed.set(protocol);
    }

    /// Those of this server are no good any more.
    pub(crate) fn forget(&self) {
        while self.sessions.take_tls13_ticket(&self.server).is_some() {}
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.sessions.set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        self.sessions.kx_hint(server)
    }

    fn set_tls12_session(&self, server: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.sessions.set_tls12_session(server, value);
    }

    fn tls12_session(&self, server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.sessions.tls12_session(server)
    }

    fn remove_tls12_session(&self, server: &ServerName<'static>) {
        self.sessions.remove_tls12_session(server);
    }

    fn insert_tls13_ticket(&self, server: ServerName<'static>, mut value: Tls13ClientSessionValue) {
        if let Some(Some(protocol)) = self.agreed.get() {
            // What is kept there for QUIC has no use over TCP; a protocol's name is never empty.
            value.set_quic_params(protocol);
        }
        self.sessions.insert_tls13_ticket(server, value);
    }

    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        let value = self.sessions.take_tls13_ticket(server)?;
        let protocol = value.quic_params();
        let _ = self.taken.set(Ticket {
            limit: value.max_early_data_size(),
            protocol: (!protocol.is_empty()).then(|| Bytes::from(protocol)),
        });
        Some(value)
    }
}
