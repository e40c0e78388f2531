//! One connection under attack, and time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use wirelace_quic_lite::frame::PacketType;
use wirelace_quic_lite::header::Header;
use wirelace_quic_lite::transport_parameters::TransportParameters;
use wirelace_quic_lite::{
    ClientConfig, CloseReason, Connection, ConnectionId, Datagram, Ecn, Endpoint, Event, Handle, Limits,
    Remembered, Routed, ServerConfig,
};
use wirelace_tls_glue::quic::{
    QuicClientTls, QuicServerTls, QuicSession, ResetKey, Side, TokenKeys, Version,
};
use wirelace_tls_glue::{CertificateStore, ClientTls, Identity, Roots, ServerTls};

use crate::peer::{Came, Edit, Peer, Shape};

pub(crate) const CLIENT: &str = "192.0.2.1:50000";
pub(crate) const SERVER: &str = "192.0.2.2:443";
pub(crate) const BOTH: [Side; 2] = [Side::Server, Side::Client];

struct Trust {
    server: ServerTls,
    client: ClientTls,
    root: Bytes,
}

fn trust() -> &'static Trust {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    TRUST.get_or_init(|| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap();
        let (root, issuer) = (Bytes::from(root.der().to_vec()), Issuer::new(params, key));
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["example.com".to_owned()]).unwrap().signed_by(&key, &issuer);
        let leaf = Bytes::from(leaf.unwrap().der().to_vec());
        let identity = Identity::from_der(vec![leaf], &key.serialize_der()).unwrap();
        let server = ServerTls::builder(CertificateStore::new(vec![identity])).build().unwrap();
        let client = ClientTls::builder(Roots::Only(vec![root.clone()])).sessions(0).build().unwrap();
        Trust { server, client, root }
    })
}

pub(crate) fn server_tls(protocol: &'static str) -> QuicServerTls {
    QuicServerTls::new(&trust().server, [protocol]).unwrap()
}

/// A client that sends early data where it can, and a server that takes them.
pub(crate) fn early_tls() -> (QuicServerTls, QuicClientTls) {
    let client = ClientTls::builder(Roots::Only(vec![trust().root.clone()])).build().unwrap();
    let client = QuicClientTls::new(&client, ["hq"]).unwrap().early_data(true);
    (server_tls("hq").early_data(Bytes::new()).unwrap(), client)
}

pub(crate) fn client_tls(protocol: &'static str) -> QuicClientTls {
    QuicClientTls::new(&trust().client, [protocol]).unwrap()
}

pub(crate) fn server_config(limits: &Limits) -> ServerConfig {
    let (tokens, reset) = (Arc::new(TokenKeys::new(&[7; 32])), Arc::new(ResetKey::new(&[8; 32])));
    let mut config = ServerConfig::new(server_tls("hq"), tokens, reset);
    config.limits = Arc::new(limits.clone());
    config
}

pub(crate) fn client_config(limits: &Limits) -> ClientConfig {
    let mut config = ClientConfig::new(client_tls("hq"));
    config.limits = Arc::new(limits.clone());
    config
}

/// How the peer begins.
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    /// Instead of the usual transport parameters; it gets them.
    pub(crate) parameters: Box<dyn Fn(Vec<u8>) -> Vec<u8>>,
    pub(crate) protocol: &'static str,
    pub(crate) version: Version,
    pub(crate) edit: Option<Edit>,
    pub(crate) acks: bool,
    pub(crate) seed: u64,
    /// Of the connection and of its peer, where the connection is a server's.
    pub(crate) tls: Option<(QuicServerTls, QuicClientTls)>,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            limits: Limits::default(),
            parameters: Box::new(|parameters| parameters),
            protocol: "hq",
            version: Version::V1,
            edit: None,
            acks: true,
            seed: 1,
            tls: None,
        }
    }
}

/// What a usual peer allows.
pub(crate) fn usual() -> TransportParameters {
    let mut parameters = TransportParameters::default();
    parameters.max_idle_timeout = Duration::from_secs(30);
    parameters.initial_max_data = 1 << 20;
    parameters.initial_max_stream_data_bidi_local = 1 << 18;
    parameters.initial_max_stream_data_bidi_remote = 1 << 18;
    parameters.initial_max_stream_data_uni = 1 << 18;
    parameters.initial_max_streams_bidi = 10;
    parameters.initial_max_streams_uni = 10;
    parameters.active_connection_id_limit = 4;
    parameters.max_datagram_frame_size = 65_535;
    parameters
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) subject: Connection,
    pub(crate) endpoint: Endpoint,
    pub(crate) handle: Option<Handle>,
    pub(crate) peer: Peer,
    pub(crate) events: Vec<Event>,
    /// Does the application look at events?
    pub(crate) listens: bool,
    /// Octets that the connection holds beyond those of the moment at which this was 0.
    pub(crate) held: i64,
    /// Datagrams and octets that it sent.
    pub(crate) sent: (usize, usize),
    /// Octets by where they go.
    pub(crate) sent_to: HashMap<SocketAddr, usize>,
    /// Calls of its functions.
    pub(crate) steps: usize,
    /// Where what the peer sends seems to come from.
    pub(crate) from: SocketAddr,
    buffer: Vec<u8>,
}

pub(crate) fn datagram(from: SocketAddr, data: &[u8]) -> Datagram {
    Datagram { remote: from, local: None, ecn: Ecn::NotEct, data: BytesMut::from(data) }
}

impl World {
    /// The handshake is complete, and confirmed.
    pub(crate) fn open(subject: Side) -> World {
        World::open_with(subject, Setup::default())
    }

    pub(crate) fn open_with(subject: Side, setup: Setup) -> World {
        let mut world = World::begin(subject, setup);
        world.pump();
        assert!(world.peer.complete && !world.subject.is_handshaking(), "{:?}", world.events);
        assert!(world.events.iter().any(|event| matches!(event, Event::Confirmed)));
        world
    }

    /// The first packets are on their way; nothing was answered.
    pub(crate) fn begin(subject: Side, setup: Setup) -> World {
        match subject {
            Side::Server => World::server(setup),
            Side::Client => World::client(setup),
        }
    }

    fn server(setup: Setup) -> World {
        let now = Instant::now();
        let mut config = server_config(&setup.limits);
        let mut tls = client_tls(setup.protocol);
        if let Some(both) = setup.tls {
            (config.tls, tls) = both;
        }
        let mut endpoint = Endpoint::new(Some(config), &[setup.seed as u8; 32]);
        let mut peer = Peer::new(Side::Client, setup.version, b"original", b"original", b"the peer");
        peer.acks = setup.acks;
        peer.edit = setup.edit;
        let mut parameters = usual();
        parameters.initial_source_connection_id = ConnectionId::new(b"the peer");
        let mut encoded = Vec::new();
        parameters.write(&mut encoded);
        let encoded = (setup.parameters)(encoded);
        peer.tls = Some(QuicSession::client(&tls, setup.version, "example.com", &encoded, now).unwrap());
        let (from, mut buffer) = (CLIENT.parse().unwrap(), Vec::with_capacity(20_000));
        let mut made = None;
        for data in peer.respond() {
            match endpoint.route(now, SystemTime::now(), datagram(from, &data), &mut buffer) {
                Routed::Incoming(incoming) => made = Some(endpoint.accept(now, *incoming).unwrap()),
                Routed::Connection(_, datagram) => made.as_mut().unwrap().1.receive(now, datagram),
                other => panic!("{other:?}"),
            }
        }
        let (handle, subject) = made.unwrap();
        World::of(now, subject, endpoint, Some(handle), peer, from, buffer)
    }

    fn client(setup: Setup) -> World {
        let now = Instant::now();
        let mut config = client_config(&setup.limits);
        config.version = setup.version;
        let from: SocketAddr = SERVER.parse().unwrap();
        let mut endpoint = Endpoint::new(None, &[setup.seed as u8; 32]);
        let (handle, mut subject) =
            endpoint.connect(&config, "example.com", from, &Remembered::default(), now).unwrap();
        let mut buffer = Vec::with_capacity(20_000);
        let mut first = Vec::new();
        while subject.poll_transmit(now, &mut buffer, 1).is_some() {
            first.push(buffer.clone());
        }
        let Ok(Header::Long { destination, source, .. }) = Header::parse(&first[0], 0) else {
            panic!("no Initial packet")
        };
        let (original, id) = (destination.as_slice(), source.as_slice());
        let mut peer = Peer::new(Side::Server, setup.version, original, id, b"the peer");
        peer.acks = setup.acks;
        peer.edit = setup.edit;
        let mut parameters = usual();
        parameters.initial_source_connection_id = ConnectionId::new(b"the peer");
        parameters.original_destination_connection_id = Some(destination);
        let mut encoded = Vec::new();
        parameters.write(&mut encoded);
        let encoded = (setup.parameters)(encoded);
        let tls = server_tls(setup.protocol);
        peer.tls = Some(QuicSession::server(&tls, setup.version, &encoded, now).unwrap());
        for data in &first {
            peer.take(now, data);
        }
        World::of(now, subject, endpoint, Some(handle), peer, from, buffer)
    }

    fn of(
        now: Instant,
        subject: Connection,
        endpoint: Endpoint,
        handle: Option<Handle>,
        peer: Peer,
        from: SocketAddr,
        buffer: Vec<u8>,
    ) -> World {
        World {
            now,
            subject,
            endpoint,
            handle,
            peer,
            events: Vec::new(),
            listens: true,
            held: 0,
            sent: (0, 0),
            sent_to: HashMap::new(),
            steps: 0,
            from,
            buffer,
        }
    }

    /// Hands the connection a datagram, whoever it is for.
    pub(crate) fn deliver(&mut self, data: &[u8]) {
        self.deliver_in(0, data);
    }

    /// In a buffer of at least that size.
    pub(crate) fn deliver_in(&mut self, size: usize, data: &[u8]) {
        let (now, from, subject) = (self.now, self.from, &mut self.subject);
        let info = allocation_counter::measure(|| {
            let mut datagram = datagram(from, &[]);
            datagram.data = BytesMut::with_capacity(size.max(data.len()));
            datagram.data.extend_from_slice(data);
            subject.receive(now, datagram);
        });
        self.held += info.bytes_current;
        self.steps += 1;
    }

    /// Takes what the connection sends to the peer, what it says, and sees that it does not want to be called for ever.
    pub(crate) fn collect(&mut self) -> bool {
        let mut any = false;
        for _ in 0.. {
            self.steps += 1;
            let (now, subject, buffer) = (self.now, &mut self.subject, &mut self.buffer);
            let mut transmit = None;
            let info = allocation_counter::measure(|| transmit = subject.poll_transmit(now, buffer, 1));
            self.held += info.bytes_current;
            let Some(transmit) = transmit else { break };
            any = true;
            assert_eq!(transmit.size, self.buffer.len());
            assert!(transmit.size <= 1500);
            self.sent.0 += 1;
            self.sent.1 += transmit.size;
            *self.sent_to.entry(transmit.destination).or_default() += transmit.size;
            let buffer = std::mem::take(&mut self.buffer);
            self.peer.take(self.now, &buffer);
            self.buffer = buffer;
        }
        while self.listens {
            let subject = &mut self.subject;
            let mut event = None;
            let info = allocation_counter::measure(|| event = subject.poll_event());
            self.held += info.bytes_current;
            let Some(event) = event else { break };
            self.events.push(event);
        }
        if let Some(handle) = self.handle {
            self.endpoint.update(handle, &mut self.subject);
        }
        any
    }

    /// Both go on until neither has anything to say.
    pub(crate) fn pump(&mut self) {
        for round in 0.. {
            assert!(round < 2000, "it does not come to an end");
            let mut moved = self.collect();
            for data in self.peer.respond() {
                moved = true;
                self.deliver(&data);
            }
            if moved {
                continue;
            }
            // Whoever has nothing to send now must not want to be woken now, again and again.
            match self.subject.deadline() {
                Some(deadline) if deadline <= self.now => self.subject.on_deadline(self.now),
                _ => return,
            }
        }
    }

    pub(crate) fn send(&mut self, kind: PacketType, frames: &[u8]) {
        let packet = self.peer.packet(&Shape::new(kind), frames);
        self.deliver(&packet);
        self.pump();
    }

    pub(crate) fn send_shape(&mut self, shape: &Shape, frames: &[u8]) {
        let packet = self.peer.packet(shape, frames);
        self.deliver(&packet);
        self.pump();
    }

    /// Frames of 1-RTT packets.
    pub(crate) fn frames(&mut self, frames: &[u8]) {
        self.send(PacketType::OneRtt, frames);
    }

    /// Lets time go by, waking it when it wants to be.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.subject.deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.subject.on_deadline(self.now);
            self.steps += 1;
            self.pump();
        }
        self.now = end;
        self.pump();
    }

    /// What the peer was told at the end.
    pub(crate) fn code(&self) -> Option<u64> {
        self.peer.close.map(|(code, _)| code)
    }

    pub(crate) fn reason(&self) -> Option<&CloseReason> {
        self.events.iter().find_map(|event| match event {
            Event::Closed(reason) => Some(reason),
            _ => None,
        })
    }

    /// The connection ended with that code, and its owner heard of it.
    #[track_caller]
    pub(crate) fn ended(&self, code: u64) {
        assert_eq!(self.code(), Some(code), "{:?} {:?}", self.peer.close, self.events.last());
        assert!(self.subject.is_closing());
        assert!(matches!(self.reason(), Some(CloseReason::Transport(_) | CloseReason::Crypto(_))));
    }

    /// It goes on: a PING is answered.
    #[track_caller]
    pub(crate) fn goes_on(&mut self) {
        assert!(!self.subject.is_closing(), "{:?}", self.reason());
        let number = self.peer.next[2];
        let before = self.peer.came.len();
        self.frames(&[0x01]);
        self.pass(Duration::from_millis(30));
        let acks = |came: &Came| {
            came.frames().any(|frame| match frame {
                wirelace_quic_lite::frame::Frame::Ack(ack) => {
                    ack.ranges().any(|range| range.contains(&number))
                }
                _ => false,
            })
        };
        assert!(self.peer.came[before..].iter().any(acks), "a PING was not answered");
    }
}
