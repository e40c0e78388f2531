//! `quic-lite`: whatever comes in well sealed packets, at a connection of either side whose handshake is complete.

#[allow(dead_code, unreachable_pub)] // They serve the tests of the crate too.
#[path = "../../crates/quic-lite/tests/attacks/peer.rs"]
mod peer;
#[allow(dead_code)]
#[path = "../../crates/quic-lite/tests/attacks/wire.rs"]
mod wire;

use bytes::{Bytes, BytesMut};
use peer::{KINDS, Peer, Shape, space};
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};
use wirelace_quic_lite::frame::PacketType;
use wirelace_quic_lite::header::Header;
use wirelace_quic_lite::transport_parameters::TransportParameters;
use wirelace_quic_lite::{
    ClientConfig, Connection, ConnectionId, Datagram, Direction, Ecn, Endpoint, Event, Handle, Remembered,
    Routed, ServerConfig,
};
use wirelace_tls_glue::quic::{
    QuicClientTls, QuicServerTls, QuicSession, ResetKey, Side, TokenKeys, Version,
};
use wirelace_tls_glue::{CertificateStore, ClientTls, Identity, Roots, ServerTls};

/// What both come from.
static TLS: LazyLock<(QuicServerTls, QuicClientTls)> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(vec!["example.com".to_owned()]).expect("a key");
    let der = Bytes::from(made.cert.der().to_vec());
    let identity =
        Identity::from_der(vec![der.clone()], &made.signing_key.serialize_der()).expect("they fit");
    let server = ServerTls::builder(CertificateStore::new(vec![identity])).build().expect("it fits");
    let client = ClientTls::builder(Roots::Only(vec![der])).sessions(0).build().expect("it fits");
    (
        QuicServerTls::new(&server, ["hq"]).expect("it fits"),
        QuicClientTls::new(&client, ["hq"]).expect("it fits"),
    )
});

/// Turns that two may take without time going by.
const TURNS: usize = 1000;

struct World {
    now: Instant,
    endpoint: Endpoint,
    handle: Handle,
    subject: Connection,
    peer: Peer,
    from: SocketAddr,
    closed: bool,
}

/// What the peer allows.
fn parameters(original: Option<ConnectionId>) -> Vec<u8> {
    let mut parameters = TransportParameters::default();
    parameters.max_idle_timeout = Duration::from_secs(30);
    parameters.initial_max_data = 100_000;
    parameters.initial_max_stream_data_bidi_local = 10_000;
    parameters.initial_max_stream_data_bidi_remote = 10_000;
    parameters.initial_max_stream_data_uni = 10_000;
    parameters.initial_max_streams_bidi = 3;
    parameters.initial_max_streams_uni = 3;
    parameters.active_connection_id_limit = 4;
    parameters.max_datagram_frame_size = 65_535;
    parameters.initial_source_connection_id = ConnectionId::new(b"the peer");
    parameters.original_destination_connection_id = original;
    let mut encoded = Vec::new();
    parameters.write(&mut encoded);
    encoded
}

fn datagram(from: SocketAddr, data: &[u8]) -> Datagram {
    Datagram { remote: from, local: None, ecn: Ecn::NotEct, data: BytesMut::from(data) }
}

impl World {
    fn server() -> World {
        let (now, mut out) = (Instant::now(), Vec::new());
        let (tokens, reset) = (Arc::new(TokenKeys::new(&[7; 32])), Arc::new(ResetKey::new(&[8; 32])));
        let config = ServerConfig::new(TLS.0.clone(), tokens, reset);
        let mut endpoint = Endpoint::new(Some(config), &[9; 32]);
        let mut peer = Peer::new(Side::Client, Version::V1, b"original", b"original", b"the peer");
        let tls = QuicSession::client(&TLS.1, Version::V1, "example.com", &parameters(None), now);
        peer.tls = Some(tls.expect("a name"));
        let from = SocketAddr::from(([192, 0, 2, 1], 50_000));
        let first = peer.respond().remove(0);
        let routed = endpoint.route(now, SystemTime::now(), datagram(from, &first), &mut out);
        let Routed::Incoming(incoming) = routed else { panic!("a first packet") };
        let (handle, subject) = endpoint.accept(now, *incoming).expect("it fits");
        World { now, endpoint, handle, subject, peer, from, closed: false }
    }

    fn client() -> World {
        let (now, mut out) = (Instant::now(), Vec::new());
        let mut endpoint = Endpoint::new(None, &[9; 32]);
        let from = SocketAddr::from(([192, 0, 2, 2], 443));
        let config = ClientConfig::new(TLS.1.clone());
        let (handle, mut subject) =
            endpoint.connect(&config, "example.com", from, &Remembered::default(), now).expect("a name");
        subject.poll_transmit(now, &mut out, 1).expect("a first packet");
        let Ok(Header::Long { destination, source, .. }) = Header::parse(&out, 0) else {
            panic!("a long header")
        };
        let (original, id) = (destination.as_slice(), source.as_slice());
        let mut peer = Peer::new(Side::Server, Version::V1, original, id, b"the peer");
        let tls = QuicSession::server(&TLS.0, Version::V1, &parameters(Some(destination)), now);
        peer.tls = Some(tls.expect("it fits"));
        peer.take(now, &out);
        World { now, endpoint, handle, subject, peer, from, closed: false }
    }

    fn deliver(&mut self, data: &[u8]) {
        let mut out = Vec::new();
        let routed = self.endpoint.route(self.now, SystemTime::now(), datagram(self.from, data), &mut out);
        if let Routed::Connection(handle, datagram) = routed {
            assert_eq!(handle, self.handle);
            self.subject.receive(self.now, datagram);
        }
    }

    fn event(&mut self, event: Event) {
        assert!(!self.closed, "something happened behind the end: {event:?}");
        match event {
            Event::Readable { stream } => {
                while let Ok(Some(chunk)) = self.subject.read(stream, 500) {
                    self.subject.consumed(stream, chunk.data.len());
                    if chunk.fin {
                        break;
                    }
                }
            }
            // An echo of a kind.
            Event::Opened { stream } if stream.direction() == Direction::Bidirectional => {
                let _ = self.subject.write(stream, Bytes::from_static(&[7; 3000]), stream.index() % 2 == 0);
            }
            Event::Closed(_) => self.closed = true,
            _ => {}
        }
    }

    /// Both go on until neither has anything to say.
    fn pump(&mut self) {
        let mut out = Vec::new();
        for turn in 0.. {
            assert!(turn < TURNS, "it does not come to an end");
            let mut moved = false;
            while let Some(transmit) = self.subject.poll_transmit(self.now, &mut out, 1) {
                assert_eq!(transmit.size, out.len());
                moved = true;
                self.peer.take(self.now, &out);
            }
            while let Some(event) = self.subject.poll_event() {
                self.event(event);
            }
            self.endpoint.update(self.handle, &mut self.subject);
            for data in self.peer.respond() {
                moved = true;
                self.deliver(&data);
            }
            if moved {
                continue;
            }
            match self.subject.deadline() {
                Some(deadline) if deadline <= self.now => self.subject.on_deadline(self.now),
                _ => return,
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.subject.deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.subject.on_deadline(self.now);
            self.pump();
        }
        self.now = end;
        self.pump();
    }
}

/// The first octet: which side, and what the peer does by itself. Then commands: what, how long, octets.
pub fn connection(data: &[u8]) {
    let Some((&kind, mut rest)) = data.split_first() else { return };
    let mut world = if kind & 1 == 0 { World::server() } else { World::client() };
    world.peer.records = false;
    if kind & 2 == 0 {
        world.pump();
        assert!(world.peer.complete && !world.subject.is_handshaking());
    }
    world.peer.acks = kind & 4 == 0;
    world.peer.mute = kind & 8 != 0;
    for _ in 0..40 {
        let Some((&[what, length], behind)) = rest.split_first_chunk::<2>() else { break };
        let octets;
        (octets, rest) = behind.split_at(behind.len().min(length.into()));
        world.peer.pull();
        match what % 16 {
            0..8 if world.peer.keys[2].is_some() => {
                let mut shape = Shape::new(PacketType::OneRtt);
                // Now and then from another place, or with a hole in front.
                if what & 0x80 != 0 {
                    shape.number = Some(world.peer.next[2] + u64::from(what % 16) * 3);
                }
                if what & 0x40 != 0 {
                    world.from.set_port(world.from.port() ^ 1);
                }
                let packet = world.peer.packet(&shape, octets);
                world.deliver(&packet);
            }
            8..10 => {
                let kind = KINDS[usize::from(what / 16 % 3)];
                if world.peer.keys[space(kind)].is_some() {
                    let size = if kind == PacketType::Initial { 1200 } else { 0 };
                    let packet = world.peer.packet(&Shape { size, ..Shape::new(kind) }, octets);
                    world.deliver(&packet);
                }
            }
            10 => world.deliver(octets),
            11 => world.pass(Duration::from_millis(u64::from(length) * 4)),
            12 if world.peer.keys[2].is_some() && octets.is_empty() => world.peer.update_keys(),
            13 => world.peer.acks ^= true,
            14 => world.subject.ping(),
            _ => {
                if let Some(stream) = world.subject.open(Direction::Bidirectional) {
                    let _ = world.subject.write(stream, Bytes::copy_from_slice(octets), what & 0x10 != 0);
                }
            }
        }
        world.pump();
        if world.subject.is_closing() {
            break;
        }
    }
    if let Some((code, frame_type)) = world.peer.close {
        let known = (0x02..=0x10).contains(&code) || code >> 8 == 1;
        assert!(known || frame_type.is_none(), "code {code:#x}");
    }
    // The peer falls silent.
    world.peer.mute = true;
    world.pass(Duration::from_secs(100));
    assert!(world.subject.is_closed() && world.closed, "it does not end");
    world.endpoint.remove(world.handle);
    assert!(world.endpoint.is_empty());
}
