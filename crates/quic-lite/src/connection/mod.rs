//! The connection machine: the state of a connection, wired together.

mod acks;
mod api;
mod close_state;
mod closing;
mod deadlines;
mod filling;
mod frames;
mod handshake;
mod keys;
mod local_ids;
mod lost;
mod packet;
mod parameters;
mod path;
mod receiving;
mod remote_ids;
mod sending;
mod space;
mod timers;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use wirelace_tls_glue::TlsError;
use wirelace_tls_glue::quic::{
    Keys, QuicHandshake, QuicSession, RESET_TOKEN_LENGTH, ResetKey, Side, Version,
};

use self::close_state::Closing;
use self::keys::KeyRing;
pub(crate) use self::local_ids::IdChange;
use self::local_ids::LocalIds;
use self::path::{Answer, Path};
use self::remote_ids::RemoteIds;
use self::space::SpaceState;
use self::timers::Timers;
use crate::config::{ClientConfig, CongestionControl, Remembered, ServerConfig};
use crate::connection_id::ConnectionId;
use crate::entropy::Entropy;
use crate::event::Event;
use crate::limits::Limits;
use crate::recovery::{Recovery, RecoverySettings, Space};
use crate::sent_frame::SentFrame;
use crate::stats::Stats;
use crate::streams::{StreamLimits, Streams};
use crate::transmit::Ecn;
use crate::transport_parameters::TransportParameters;

/// Octets of the connection ids that this side makes.
pub(crate) const ID_LENGTH: usize = 8;
/// Packets that came before their keys (CVE-2025-59530): more are dropped.
const UNDECRYPTABLE: usize = 10;

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Handshaking,
    /// The handshake is complete.
    Open,
    /// CONNECTION_CLOSE was sent; it is repeated where packets still come (RFC 9000 §10.2.1).
    Closing,
    /// The peer has closed: nothing is sent any more (§10.2.2).
    Draining,
    Closed,
}

/// A packet whose keys are not there yet.
#[derive(Debug)]
struct Undecryptable {
    data: BytesMut,
    ecn: Ecn,
}

/// DATAGRAM frames (RFC 9221).
#[derive(Debug, Default)]
struct Datagrams {
    outgoing: VecDeque<Bytes>,
    outgoing_bytes: usize,
    /// Of the events that wait.
    incoming_bytes: usize,
}

impl Datagrams {
    /// What one that came costs while it waits: empty ones too.
    fn cost(data: &Bytes) -> usize {
        data.len() + core::mem::size_of::<Event>()
    }
}

/// One QUIC connection, as client or as server (RFC 9000), without I/O.
///
/// Datagrams go in by [`receive`](Connection::receive) and come out of [`poll_transmit`](Connection::poll_transmit);
/// what happens is told by [`poll_event`](Connection::poll_event); [`deadline`](Connection::deadline) says when
/// [`on_deadline`](Connection::on_deadline) wants to be called. After each of these calls, and after commands, the
/// others may have something new.
pub struct Connection {
    side: Side,
    version: Version,
    limits: Arc<Limits>,
    entropy: Entropy,
    tls: Box<dyn QuicHandshake + Send>,
    stage: Stage,
    /// Both sides know that the handshake is complete.
    confirmed: bool,
    /// Client: the server has acknowledged a Handshake packet.
    handshake_acknowledged: bool,
    keys: KeyRing,
    spaces: [SpaceState; 3],
    recovery: Recovery<SentFrame>,
    streams: Streams,
    local_ids: LocalIds,
    remote_ids: RemoteIds,
    /// Makes the tokens of this side's ids.
    reset_key: Arc<ResetKey>,
    /// The Destination Connection ID of the client's first packet.
    original: ConnectionId,
    /// The Source Connection ID of the Retry packet, where there was one.
    retry: Option<ConnectionId>,
    /// The Source Connection ID of the peer's first packet.
    peer_first: Option<ConnectionId>,
    peer: Option<Box<TransportParameters>>,
    /// Client: what its Initial packets bring.
    token: Bytes,
    /// Server: NEW_TOKEN for the next connection.
    new_token: Option<Bytes>,
    handshake_done: bool,
    path: Path,
    /// Where the peer was before: it may have been an attacker who moved it (§9.3.2).
    previous_path: Option<Path>,
    answers: Vec<Answer>,
    datagrams: Datagrams,
    events: VecDeque<Event>,
    undecryptable: VecDeque<Undecryptable>,
    closing: Option<Box<Closing>>,
    timers: Timers,
    acked: Vec<SentFrame>,
    lost: Vec<SentFrame>,
    /// The frames of the packet that is being built.
    building: Vec<SentFrame>,
    stats: Stats,
}

/// What a server knows of a client before the connection is made.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) version: Version,
    /// The Destination Connection ID of the client's very first packet.
    pub(crate) original: ConnectionId,
    /// And of the packet that begins the connection: another one after a Retry.
    pub(crate) destination: ConnectionId,
    pub(crate) source: ConnectionId,
    pub(crate) retried: bool,
    /// The client's token shows that it is where it says.
    pub(crate) validated: bool,
    pub(crate) remote: SocketAddr,
    pub(crate) local: Option<IpAddr>,
}

impl Connection {
    /// A client's connection to the server of that name, at that address. `seed` has to be random and of one use.
    ///
    /// # Errors
    /// The name is neither a host name nor an address, or the configuration of TLS does not go together.
    pub fn client(
        config: &ClientConfig,
        name: &str,
        remote: SocketAddr,
        remembered: &Remembered,
        seed: &[u8; 32],
        now: Instant,
    ) -> Result<Connection, TlsError> {
        let mut entropy = Entropy::new(seed);
        let (original, local) = (new_id(&mut entropy), new_id(&mut entropy));
        let initial = initial_keys(config.version, &original, Side::Client)?;
        let parameters = parameters::of(&config.limits, local, &mut entropy);
        let mut encoded = Vec::new();
        parameters.write(&mut encoded);
        let tls = QuicSession::client(&config.tls, config.version, name, &encoded, now)?;
        let mut path = Path::new(remote, None, true, 0, config.limits.max_datagram);
        path.unlimited = true;
        let mut connection = Connection::new(
            Side::Client,
            config.version,
            Arc::clone(&config.limits),
            config.congestion,
            entropy,
            Box::new(tls),
            initial,
            local,
            RemoteIds::new(original, config.limits.connection_ids),
            original,
            path,
            now,
        );
        connection.token = remembered.token.clone();
        connection.begin_early_data();
        connection.work_on_handshake(now);
        Ok(connection)
    }

    /// A server's connection.
    pub(crate) fn server(
        config: &ServerConfig,
        origin: &Origin,
        seed: &[u8; 32],
        now: Instant,
    ) -> Result<Connection, TlsError> {
        let mut entropy = Entropy::new(seed);
        let local = new_id(&mut entropy);
        let initial = initial_keys(origin.version, &origin.destination, Side::Server)?;
        let mut parameters = parameters::of(&config.limits, local, &mut entropy);
        parameters.original_destination_connection_id = Some(origin.original);
        parameters.retry_source_connection_id = origin.retried.then_some(origin.destination);
        parameters.stateless_reset_token = Some(local_ids::reset_token(&config.reset_key, &local));
        let mut encoded = Vec::new();
        parameters.write(&mut encoded);
        let tls = QuicSession::server(&config.tls, origin.version, &encoded, now)?;
        let path = Path::new(origin.remote, origin.local, origin.validated, 0, config.limits.max_datagram);
        let mut connection = Connection::new(
            Side::Server,
            origin.version,
            Arc::clone(&config.limits),
            config.congestion,
            entropy,
            Box::new(tls),
            initial,
            local,
            RemoteIds::new(origin.source, config.limits.connection_ids),
            origin.original,
            path,
            now,
        );
        connection.reset_key = Arc::clone(&config.reset_key);
        connection.update_amplification();
        Ok(connection)
    }

    #[allow(clippy::too_many_arguments)] // Of the two constructors only.
    fn new(
        side: Side,
        version: Version,
        limits: Arc<Limits>,
        congestion: CongestionControl,
        mut entropy: Entropy,
        tls: Box<dyn QuicHandshake + Send>,
        initial: Keys,
        local: ConnectionId,
        remote_ids: RemoteIds,
        original: ConnectionId,
        path: Path,
        now: Instant,
    ) -> Connection {
        let recovery = RecoverySettings {
            initial_rtt: limits.initial_rtt,
            max_datagram: path::MIN_DATAGRAM,
            congestion,
            ..RecoverySettings::default()
        };
        let streams = StreamLimits {
            data_window: limits.data_window,
            max_data_window: limits.max_data_window,
            stream_window: limits.stream_window,
            max_stream_window: limits.max_stream_window,
            bidirectional_streams: limits.bidirectional_streams,
            unidirectional_streams: limits.unidirectional_streams,
            send_buffer: limits.send_buffer,
            ..StreamLimits::default()
        };
        let mut timers = Timers::default();
        timers.set_idle_timeout(limits.idle_timeout, Duration::ZERO);
        timers.received(now, limits.initial_rtt, None);
        timers.handshake = (!limits.handshake_timeout.is_zero()).then(|| now + limits.handshake_timeout);
        Connection {
            side,
            version,
            tls,
            stage: Stage::Handshaking,
            confirmed: false,
            handshake_acknowledged: false,
            keys: KeyRing::new(initial),
            spaces: [SpaceState::new(), SpaceState::new(), SpaceState::new()],
            recovery: Recovery::new(&recovery, now),
            streams: Streams::new(side, &streams),
            local_ids: LocalIds::new(local),
            remote_ids,
            // A server has one for all of its connections.
            reset_key: Arc::new(ResetKey::new(&entropy.array())),
            entropy,
            original,
            retry: None,
            peer_first: None,
            peer: None,
            token: Bytes::new(),
            new_token: None,
            handshake_done: false,
            path,
            previous_path: None,
            answers: Vec::new(),
            datagrams: Datagrams::default(),
            events: VecDeque::new(),
            undecryptable: VecDeque::new(),
            closing: None,
            timers,
            acked: Vec::new(),
            lost: Vec::new(),
            building: Vec::new(),
            stats: Stats::default(),
            limits,
        }
    }

    fn peer_side(&self) -> Side {
        match self.side {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }

    fn is_server(&self) -> bool {
        self.side == Side::Server
    }

    fn space(&mut self, space: Space) -> &mut SpaceState {
        let [initial, handshake, data] = &mut self.spaces;
        match space {
            Space::Initial => initial,
            Space::Handshake => handshake,
            Space::Data => data,
        }
    }

    /// What the endpoint has to learn about ids.
    pub(crate) fn poll_id_change(&mut self) -> Option<IdChange> {
        self.local_ids.take_change()
    }

    pub(crate) fn local_ids(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.local_ids.all()
    }

    /// From where, and with which end, a stateless reset of this connection would come.
    pub(crate) fn stateless_reset(&self) -> Option<(SocketAddr, [u8; RESET_TOKEN_LENGTH])> {
        let token = self.remote_ids.token().filter(|_| !self.is_closing())?;
        Some((self.path.remote, *token.octets()))
    }

    fn update_amplification(&mut self) {
        let limited = self.is_server() && !self.path.has_room(!self.confirmed);
        self.recovery.set_amplification_limited(limited);
    }
}

fn new_id(entropy: &mut Entropy) -> ConnectionId {
    let octets: [u8; ID_LENGTH] = entropy.array();
    ConnectionId::new(&octets).unwrap_or_default()
}

fn initial_keys(version: Version, id: &ConnectionId, side: Side) -> Result<Keys, TlsError> {
    Keys::initial(version, id.as_slice(), side).map_err(|error| TlsError::Local(error.to_string()))
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("side", &self.side)
            .field("version", &self.version)
            .field("stage", &self.stage)
            .field("remote", &self.path.remote)
            .finish_non_exhaustive()
    }
}
