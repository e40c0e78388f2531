//! Which connection a datagram is for, and what becomes of those that are for none (RFC 9000 §5.2, §6, §8.1, §10.3).

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use wirelace_tls_glue::TlsError;
use wirelace_tls_glue::quic::{Keys, RESET_TOKEN_LENGTH, Side, TokenOrigin, Version};
use wirelace_wire::Budget;

use crate::config::{ClientConfig, Remembered, ServerConfig};
use crate::connection::{Connection, ID_LENGTH, IdChange, Origin};
use crate::connection_id::ConnectionId;
use crate::entropy::Entropy;
use crate::error::TransportErrorCode;
use crate::frame::{Frame, PacketType};
use crate::header::{Header, LongType};
use crate::packet::{PacketHeader, write_retry, write_version_negotiation};
use crate::transmit::{Datagram, Ecn, Transmit};

/// A client's first datagrams are at least as large, so that answers can be (RFC 9000 §14.1).
const MIN_INITIAL: usize = 1200;
/// A client's first Destination Connection ID has at least as many octets (§7.2).
const MIN_FIRST_ID: usize = 8;
/// Octets of the smallest stateless reset that looks like a packet (§10.3).
const RESET: usize = 5 + 16;
/// Stateless resets and version negotiations for a second, and at once: nobody is to make this host talk.
const ANSWERS: (u32, u32) = (100, 200);

/// A connection at its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(usize);

impl Handle {
    /// A small number that no other connection of the endpoint has now.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// What a datagram is.
#[derive(Debug)]
pub enum Routed {
    /// For this connection: [`Connection::receive`] takes it.
    Connection(Handle, Datagram),
    /// A client wants a connection: see [`Endpoint::accept`], [`retry`](Endpoint::retry), [`refuse`](Endpoint::refuse);
    /// dropping it says nothing to the client.
    Incoming(Box<Incoming>),
    /// This is to be sent: it is in the buffer that was given.
    Answer(Transmit),
    /// Nothing has to be done.
    Nothing,
}

/// A client's first packet. Nothing was kept of it but what is in here.
pub struct Incoming {
    origin: Origin,
    datagram: Datagram,
}

impl Incoming {
    /// Where it comes from.
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        self.origin.remote
    }

    /// The client has shown by a token that it is there.
    #[must_use]
    pub fn is_validated(&self) -> bool {
        self.origin.validated
    }

    /// A Retry can be asked for: there was none yet.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        !self.origin.retried
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// What shares a UDP socket: connections of both roles, found by their ids.
pub struct Endpoint {
    server: Option<Arc<ServerConfig>>,
    /// Ids are the peers' choice in part: the hash has a key.
    ids: HashMap<ConnectionId, Handle>,
    /// Clients' first ids, until the server's own are used.
    firsts: HashMap<(SocketAddr, ConnectionId), Handle>,
    /// Stateless resets come with an id that nobody knows: their ends are known.
    resets: HashMap<Reset, Handle>,
    connections: Vec<Option<Known>>,
    free: Vec<usize>,
    entropy: Entropy,
    answers: Budget,
}

/// From where, and its last octets.
type Reset = (SocketAddr, [u8; RESET_TOKEN_LENGTH]);

#[derive(Debug, Default)]
struct Known {
    ids: Vec<ConnectionId>,
    reset: Option<Reset>,
    first: Option<(SocketAddr, ConnectionId)>,
}

impl Endpoint {
    /// With a configuration where clients are served. `seed` has to be random.
    #[must_use]
    pub fn new(server: Option<ServerConfig>, seed: &[u8; 32]) -> Endpoint {
        Endpoint {
            server: server.map(Arc::new),
            ids: HashMap::new(),
            firsts: HashMap::new(),
            resets: HashMap::new(),
            connections: Vec::new(),
            free: Vec::new(),
            entropy: Entropy::new(seed),
            answers: Budget::new(ANSWERS.1, ANSWERS.0),
        }
    }

    /// New connections are made with another configuration, or none are taken any more.
    pub fn set_server(&mut self, server: Option<ServerConfig>) {
        self.server = server.map(Arc::new);
    }

    /// How many connections there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.connections.len() - self.free.len()
    }

    /// There is no connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A client's connection; see [`Connection::client`].
    ///
    /// # Errors
    /// As there.
    pub fn connect(
        &mut self,
        config: &ClientConfig,
        name: &str,
        remote: SocketAddr,
        remembered: &Remembered,
        now: Instant,
    ) -> Result<(Handle, Connection), TlsError> {
        let seed = self.entropy.array();
        let connection = Connection::client(config, name, remote, remembered, &seed, now)?;
        Ok((self.insert(&connection, None), connection))
    }

    /// Finds out what a datagram is. `wall`: the time of day, which tokens are dated with. An answer is written into
    /// `out`, which is emptied first.
    pub fn route(&mut self, now: Instant, wall: SystemTime, datagram: Datagram, out: &mut Vec<u8>) -> Routed {
        out.clear();
        let Ok(header) = Header::parse(&datagram.data, ID_LENGTH) else {
            return self.unknown(now, datagram, out);
        };
        let id = header.destination();
        if let Some(handle) = self.ids.get(&id) {
            return Routed::Connection(*handle, datagram);
        }
        if let Some(handle) = self.firsts.get(&(datagram.remote, id)) {
            return Routed::Connection(*handle, datagram);
        }
        match header {
            Header::Long { kind: LongType::Initial, version, source, token, .. } => {
                let token = datagram.data.get(token).unwrap_or_default().to_vec();
                self.incoming(wall, version, id, source, &token, datagram, out)
            }
            Header::Unsupported { source, destination, .. } => {
                self.negotiate(now, &source, &destination, &datagram, out)
            }
            Header::Short { .. } => self.unknown(now, datagram, out),
            _ => Routed::Nothing,
        }
    }

    /// Nothing is kept before the packet is known to be a first one.
    #[allow(clippy::too_many_arguments)]
    fn incoming(
        &mut self,
        wall: SystemTime,
        version: Version,
        destination: ConnectionId,
        source: ConnectionId,
        token: &[u8],
        datagram: Datagram,
        out: &mut Vec<u8>,
    ) -> Routed {
        let Some(server) = &self.server else { return Routed::Nothing };
        if datagram.data.len() < MIN_INITIAL || destination.as_slice().len() < MIN_FIRST_ID {
            return Routed::Nothing;
        }
        let mut origin = Origin {
            version,
            original: destination,
            destination,
            source,
            retried: false,
            validated: false,
            remote: datagram.remote,
            local: datagram.local,
        };
        if !token.is_empty() {
            match server.tokens.open(token, datagram.remote, destination.as_slice(), wall) {
                Ok(opened) => {
                    origin.validated = true;
                    if let (TokenOrigin::Retry, Some(original)) = (opened.origin, opened.original) {
                        origin.retried = true;
                        origin.original = ConnectionId::new(&original).unwrap_or_default();
                    }
                }
                Err(error) if error.origin() == Some(TokenOrigin::Retry) => {
                    let incoming = Incoming { origin, datagram };
                    return match close(&incoming, TransportErrorCode::INVALID_TOKEN, out) {
                        Some(transmit) => Routed::Answer(transmit),
                        None => Routed::Nothing,
                    };
                }
                Err(_) => {}
            }
        }
        Routed::Incoming(Box::new(Incoming { origin, datagram }))
    }

    /// Makes the connection. It has taken the first datagram already.
    ///
    /// # Errors
    /// This endpoint is no server, the packet cannot be opened and nothing is kept of it, or the configuration of TLS does
    /// not go together.
    pub fn accept(&mut self, now: Instant, incoming: Incoming) -> Result<(Handle, Connection), TlsError> {
        let Some(server) = self.server.clone() else {
            return Err(TlsError::Local("this endpoint takes no connections".to_owned()));
        };
        let Incoming { origin, datagram } = incoming;
        let seed = self.entropy.array();
        let mut connection = Connection::server(&server, &origin, &seed, now)?;
        connection.receive(now, datagram);
        if connection.stats().packets_received == 0 {
            return Err(TlsError::Local("the client's first packet cannot be opened".to_owned()));
        }
        let handle = self.insert(&connection, Some((origin.remote, origin.destination)));
        Ok((handle, connection))
    }

    /// Asks the client to show that it is where it says, before anything is kept (RFC 9000 §8.1.2).
    pub fn retry(&mut self, wall: SystemTime, incoming: &Incoming, out: &mut Vec<u8>) -> Option<Transmit> {
        out.clear();
        let server = self.server.as_ref()?;
        let Origin { version, destination, source, remote, .. } = incoming.origin;
        if incoming.origin.retried {
            return None;
        }
        let own: [u8; ID_LENGTH] = self.entropy.array();
        let random = self.entropy.array();
        let token = server.tokens.seal_retry(remote, destination.as_slice(), &own, wall, &random).ok()?;
        let own = ConnectionId::new(&own)?;
        let [unused] = self.entropy.array();
        write_retry(out, version, (&source, &own, &destination), &token, unused).ok()?;
        Some(answer(remote, incoming.origin.local, out))
    }

    /// Tells the client that it is not served now (CONNECTION_REFUSED).
    pub fn refuse(&mut self, incoming: &Incoming, out: &mut Vec<u8>) -> Option<Transmit> {
        close(incoming, TransportErrorCode::CONNECTION_REFUSED, out)
    }

    /// Takes over what a connection has changed of its ids. To be called after each turn of work with it.
    pub fn update(&mut self, handle: Handle, connection: &mut Connection) {
        while let Some(change) = connection.poll_id_change() {
            let Some(Some(known)) = self.connections.get_mut(handle.0) else { return };
            match change {
                IdChange::Issued(id) => {
                    known.ids.push(id);
                    self.ids.insert(id, handle);
                }
                IdChange::Retired(id) => {
                    known.ids.retain(|known| *known != id);
                    self.ids.remove(&id);
                }
            }
        }
        let reset = connection.stateless_reset();
        let Some(Some(known)) = self.connections.get_mut(handle.0) else { return };
        if known.reset != reset {
            if let Some(old) = core::mem::replace(&mut known.reset, reset) {
                self.resets.remove(&old);
            }
            if let Some(reset) = reset {
                self.resets.insert(reset, handle);
            }
        }
    }

    /// Forgets a connection that [is closed](Connection::is_closed).
    pub fn remove(&mut self, handle: Handle) {
        let Some(known) = self.connections.get_mut(handle.0).and_then(Option::take) else { return };
        for id in &known.ids {
            self.ids.remove(id);
        }
        if let Some(first) = &known.first {
            self.firsts.remove(first);
        }
        if let Some(reset) = &known.reset {
            self.resets.remove(reset);
        }
        self.free.push(handle.0);
    }

    fn insert(&mut self, connection: &Connection, first: Option<(SocketAddr, ConnectionId)>) -> Handle {
        let known = Known { ids: connection.local_ids().collect(), first, reset: None };
        let index = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let handle = Handle(index);
        for id in &known.ids {
            self.ids.insert(*id, handle);
        }
        if let Some(first) = first {
            self.firsts.insert(first, handle);
        }
        if let Some(place) = self.connections.get_mut(index) {
            *place = Some(known);
        }
        handle
    }

    /// A version that is not spoken here: those that are (RFC 9000 §6.1).
    fn negotiate(
        &mut self,
        now: Instant,
        source: &[u8],
        destination: &[u8],
        datagram: &Datagram,
        out: &mut Vec<u8>,
    ) -> Routed {
        if self.server.is_none() || datagram.data.len() < MIN_INITIAL || !self.answers.take(now, 1) {
            return Routed::Nothing;
        }
        let random: [u8; 5] = self.entropy.array();
        let [unused, greased @ ..] = random;
        // A reserved one, so that clients learn to pass over what they do not know (§6.3).
        let greased = u32::from_be_bytes(greased) & 0xf0f0_f0f0 | 0x0a0a_0a0a;
        let versions = [Version::V1.number(), Version::V2.number(), greased];
        write_version_negotiation(out, source, destination, &versions, unused);
        Routed::Answer(answer(datagram.remote, datagram.local, out))
    }

    /// For a connection that was forgotten: a stateless reset, smaller than what it answers (RFC 9000 §10.3).
    fn unknown(&mut self, now: Instant, datagram: Datagram, out: &mut Vec<u8>) -> Routed {
        let data = &datagram.data;
        let short = data.first().is_some_and(|first| first & 0x80 == 0);
        if short
            && data.len() >= RESET
            && let Some(end) = data.last_chunk()
            && let Some(handle) = self.resets.get(&(datagram.remote, *end))
        {
            return Routed::Connection(*handle, datagram);
        }
        let (Some(server), Some(id)) = (&self.server, data.get(1..=ID_LENGTH)) else {
            return Routed::Nothing;
        };
        // What only looks wrong (by its fixed bit) must not bring out the token of a connection that lives.
        let lives = ConnectionId::new(id).is_some_and(|id| self.ids.contains_key(&id));
        if !short || lives || data.len() <= RESET || !self.answers.take(now, 1) {
            return Routed::Nothing;
        }
        let token = server.reset_key.token(id);
        // Always smaller, so that two that reset each other come to an end.
        let size = (data.len() - 1).clamp(RESET, 42);
        out.resize(size - 16, 0);
        self.entropy.fill(out);
        if let Some(first) = out.first_mut() {
            *first = *first & 0x3f | 0x40;
        }
        out.extend_from_slice(token.octets());
        Routed::Answer(answer(datagram.remote, datagram.local, out))
    }
}

fn answer(destination: SocketAddr, source: Option<IpAddr>, out: &[u8]) -> Transmit {
    Transmit { destination, source, ecn: Ecn::NotEct, size: out.len(), segment: None }
}

/// An Initial packet with CONNECTION_CLOSE, from a server that keeps nothing.
fn close(incoming: &Incoming, code: TransportErrorCode, out: &mut Vec<u8>) -> Option<Transmit> {
    out.clear();
    let Origin { version, destination, source, remote, local, .. } = incoming.origin;
    let mut keys = Keys::initial(version, destination.as_slice(), Side::Server).ok()?;
    let header = PacketHeader {
        kind: PacketType::Initial,
        version,
        destination: source,
        source: destination,
        token: &[],
        key_phase: false,
        number: 0,
        number_length: 1,
    };
    let mut payload = Vec::new();
    Frame::ConnectionClose { code, frame_type: 0, reason: &[] }.write(&mut payload);
    header.seal(&payload, &mut keys.local, out).ok()?;
    Some(answer(remote, local, out))
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("connections", &self.len()).finish_non_exhaustive()
    }
}
