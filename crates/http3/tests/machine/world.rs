//! Two endpoints and the network between them, in virtual time; on each of them HTTP/3, or a test that writes what it
//! likes.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::Method;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use wirelace_http_semantics::{Event, FieldId, RequestHead};
use wirelace_http3::quic::tls::quic::{QuicClientTls, QuicServerTls, ResetKey, TokenKeys};
use wirelace_http3::quic::tls::{CertificateStore, ClientTls, Identity, Roots, ServerTls};
use wirelace_http3::quic::{
    ClientConfig, CloseReason, Connection as Quic, Datagram, Direction, Ecn, Endpoint, Event as QuicEvent,
    Handle, Limits as QuicLimits, Remembered, Routed, ServerConfig, StreamId as QuicStream,
};
use wirelace_http3::{Connection, Error, ExtensionEvent, Limits};
use wirelace_qpack::Encoder;
use wirelace_qpack::hpack::Indexing;
use wirelace_sim::{Clock, DatagramLink, DatagramSettings};

const CLIENT: &str = "192.0.2.1:50000";
const SERVER: &str = "192.0.2.2:443";
/// Steps that a run may take.
const STEPS: usize = 500_000;

/// Certificates for one server, and who trusts it.
struct Trust {
    server: ServerConfig,
    client: ClientConfig,
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
        let tls = ServerTls::builder(CertificateStore::new(vec![identity])).build().unwrap();
        let tls = QuicServerTls::new(&tls, [wirelace_http3::ALPN]).unwrap();
        let server =
            ServerConfig::new(tls, Arc::new(TokenKeys::new(&[7; 32])), Arc::new(ResetKey::new(&[8; 32])));
        let tls = ClientTls::builder(Roots::Only(vec![root])).build().unwrap();
        let client = ClientConfig::new(QuicClientTls::new(&tls, [wirelace_http3::ALPN]).unwrap());
        Trust { server, client }
    })
}

/// What links between two hosts usually are.
pub(crate) fn plain() -> DatagramSettings {
    let delay = Duration::from_millis(10);
    DatagramSettings { delay: delay..=delay, mtu: 1500 - 28, ..DatagramSettings::default() }
}

pub(crate) struct Side {
    endpoint: Endpoint,
    connection: Option<(Handle, Quic)>,
    /// `None`: the test writes what it likes.
    pub(crate) http: Option<Connection>,
    /// What HTTP/3 said, and was not looked at yet.
    pub(crate) events: Vec<Event>,
    pub(crate) extension: Vec<ExtensionEvent>,
    pub(crate) error: Option<Error>,
    /// What the transport said, as far as it is not for HTTP/3.
    pub(crate) quic_events: Vec<QuicEvent>,
}

pub(crate) struct World {
    clock: Clock,
    pub(crate) client: Side,
    pub(crate) server: Side,
    to_server: DatagramLink,
    to_client: DatagramLink,
    buffer: Vec<u8>,
    steps: usize,
}

/// Which limits, and where HTTP/3 is.
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) link: DatagramSettings,
    pub(crate) client: Option<Limits>,
    pub(crate) server: Option<Limits>,
    pub(crate) quic: QuicLimits,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            seed: 1,
            link: plain(),
            client: Some(Limits::default()),
            server: Some(Limits::default()),
            quic: QuicLimits::default(),
        }
    }
}

impl Setup {
    pub(crate) fn world(self) -> World {
        let clock = Clock::new();
        let now = clock.now();
        let octets = |extra: u8| {
            let mut octets = [extra; 32];
            octets[..8].copy_from_slice(&self.seed.to_be_bytes());
            octets
        };
        let mut config = trust().server.clone();
        config.limits = Arc::new(self.quic.clone());
        let mut endpoint = Endpoint::new(None, &octets(1));
        let mut client_config = trust().client.clone();
        client_config.limits = Arc::new(self.quic);
        let connection = endpoint
            .connect(&client_config, "example.com", SERVER.parse().unwrap(), &Remembered::default(), now)
            .unwrap();
        let side = |endpoint, connection, http| Side {
            endpoint,
            connection,
            http,
            events: Vec::new(),
            extension: Vec::new(),
            error: None,
            quic_events: Vec::new(),
        };
        let client = self.client.map(|limits| Connection::client(limits, now));
        let server = self.server.map(|limits| Connection::server(limits, now));
        World {
            client: side(endpoint, Some(connection), client),
            server: side(Endpoint::new(Some(config), &octets(2)), None, server),
            to_server: DatagramLink::new(self.seed, self.link.clone()),
            to_client: DatagramLink::new(self.seed ^ 0x5555, self.link),
            buffer: Vec::new(),
            clock,
            steps: 0,
        }
    }
}

impl World {
    /// HTTP/3 on both sides, connected.
    pub(crate) fn pair() -> World {
        Setup::default().connected()
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Lets both work, without time going by.
    pub(crate) fn settle(&mut self, application: &mut impl FnMut(&mut World)) {
        loop {
            let now = self.now();
            let mut moved = false;
            while let Some(data) = self.to_server.receive(now) {
                moved = true;
                self.server.take(now, CLIENT, &data, &mut self.buffer, &mut self.to_client);
            }
            while let Some(data) = self.to_client.receive(now) {
                moved = true;
                self.client.take(now, SERVER, &data, &mut self.buffer, &mut self.to_server);
            }
            self.client.work(now);
            self.server.work(now);
            application(self);
            self.client.work(now);
            self.server.work(now);
            moved |= self.client.send(now, &mut self.buffer, &mut self.to_server);
            moved |= self.server.send(now, &mut self.buffer, &mut self.to_client);
            self.steps += 1;
            assert!(self.steps < STEPS, "it does not come to an end");
            if !moved {
                return;
            }
        }
    }

    /// Runs until `done`, or for that time; true when it was.
    pub(crate) fn run(
        &mut self,
        time: Duration,
        mut application: impl FnMut(&mut World),
        mut done: impl FnMut(&mut World) -> bool,
    ) -> bool {
        let end = self.now() + time;
        loop {
            self.settle(&mut application);
            if done(self) {
                return true;
            }
            let sides = [&self.client, &self.server];
            let timers = sides.into_iter().flat_map(|side| {
                let quic = side.connection.as_ref().and_then(|(_, quic)| quic.deadline());
                [quic, side.http.as_ref().and_then(Connection::deadline)]
            });
            let links = [self.to_server.next_at(), self.to_client.next_at()];
            let Some(next) = timers.chain(links).flatten().min().filter(|next| *next <= end) else {
                return false;
            };
            if next > self.now() {
                self.clock.advance_to(next);
            }
            let now = self.now();
            for side in [&mut self.client, &mut self.server] {
                if let Some((_, quic)) = &mut side.connection {
                    if quic.deadline().is_some_and(|deadline| deadline <= now) {
                        quic.on_deadline(now);
                    }
                    if let Some(http) = &mut side.http {
                        http.on_deadline(now, quic);
                    }
                }
            }
            self.steps += 1;
            assert!(self.steps < STEPS, "it does not come to an end");
        }
    }

    /// As [`run`](World::run), but the application is asked at least every ten milliseconds.
    pub(crate) fn run_asking(
        &mut self,
        time: Duration,
        mut application: impl FnMut(&mut World),
        mut done: impl FnMut(&mut World) -> bool,
    ) -> bool {
        let end = self.now() + time;
        while self.now() < end {
            let tick = self.now() + Duration::from_millis(10);
            if self.run(Duration::from_millis(10), &mut application, &mut done) {
                return true;
            }
            self.clock.advance_to(tick);
        }
        false
    }

    /// Runs until both have nothing to do for a second.
    pub(crate) fn rest(&mut self) {
        self.run(Duration::from_secs(1), |_| {}, |_| false);
    }
}

impl Setup {
    /// The world, once the handshake is complete and SETTINGS were exchanged.
    pub(crate) fn connected(self) -> World {
        let mut world = self.world();
        let known = |side: &Side| side.http.as_ref().is_none_or(|http| http.peer_settings().is_some());
        let raw = world.client.http.is_none() || world.server.http.is_none();
        let connected = world.run(
            Duration::from_secs(30),
            |_| {},
            |world| {
                let open = world.server.connection.as_ref().is_some_and(|(_, quic)| !quic.is_handshaking());
                open && (raw || known(&world.client) && known(&world.server))
            },
        );
        assert!(connected);
        world.rest();
        world
    }
}

impl Side {
    pub(crate) fn quic(&mut self) -> &mut Quic {
        &mut self.connection.as_mut().expect("a connection").1
    }

    /// HTTP/3, and what it stands on.
    pub(crate) fn both(&mut self) -> (&mut Connection, &mut Quic) {
        (self.http.as_mut().expect("HTTP/3"), &mut self.connection.as_mut().expect("a connection").1)
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn take(&mut self, now: Instant, from: &str, data: &[u8], buffer: &mut Vec<u8>, back: &mut DatagramLink) {
        let remote: SocketAddr = from.parse().unwrap();
        let datagram = Datagram { remote, local: None, ecn: Ecn::NotEct, data: BytesMut::from(data) };
        match self.endpoint.route(now, SystemTime::now(), datagram, buffer) {
            Routed::Connection(handle, datagram) => {
                if let Some((own, connection)) = &mut self.connection
                    && *own == handle
                {
                    connection.receive(now, datagram);
                }
            }
            Routed::Incoming(incoming) => {
                if self.connection.is_none() {
                    // One that was damaged on its way is none.
                    self.connection = self.endpoint.accept(now, *incoming).ok();
                }
            }
            Routed::Answer(_) => back.send(now, Bytes::copy_from_slice(buffer)),
            Routed::Nothing => {}
        }
    }

    fn work(&mut self, now: Instant) {
        let Some((_, quic)) = &mut self.connection else { return };
        let Some(http) = &mut self.http else {
            self.quic_events.extend(std::iter::from_fn(|| quic.poll_event()));
            return;
        };
        while let Some(event) = quic.poll_event() {
            self.quic_events.extend(http.on_quic_event(quic, event));
        }
        loop {
            match http.poll_event(now, quic) {
                Ok(Some(event)) => self.events.push(event),
                Ok(None) => break,
                Err(error) => {
                    assert!(self.error.is_none(), "an error comes once");
                    self.error = Some(error);
                }
            }
        }
        self.extension.extend(std::iter::from_fn(|| http.poll_extension()));
    }

    fn send(&mut self, now: Instant, buffer: &mut Vec<u8>, link: &mut DatagramLink) -> bool {
        let Some((handle, connection)) = &mut self.connection else { return false };
        let mut any = false;
        while let Some(transmit) = connection.poll_transmit(now, buffer, 10) {
            any = true;
            let segment = transmit.segment.unwrap_or(buffer.len());
            buffer.chunks(segment).for_each(|datagram| link.send(now, Bytes::copy_from_slice(datagram)));
        }
        self.endpoint.update(*handle, connection);
        any
    }

    // For those without HTTP/3.

    /// A new stream with these octets.
    pub(crate) fn stream(&mut self, direction: Direction, octets: &[u8], end: bool) -> QuicStream {
        let stream = self.quic().open(direction).expect("a stream");
        self.quic().write(stream, Bytes::copy_from_slice(octets), end).unwrap();
        stream
    }

    /// A control stream with SETTINGS that say nothing, and what follows.
    pub(crate) fn control(&mut self, more: &[u8]) -> QuicStream {
        let mut octets = vec![0x00, 0x04, 0x00];
        octets.extend_from_slice(more);
        self.stream(Direction::Unidirectional, &octets, false)
    }

    /// The code that the other side has closed the connection with.
    pub(crate) fn closed(&self) -> Option<u64> {
        self.quic_events.iter().find_map(|event| match event {
            QuicEvent::Closed(CloseReason::Application { code, .. }) => Some(*code),
            QuicEvent::Closed(reason) => panic!("{reason}"),
            _ => None,
        })
    }

    /// The code that the other side has reset a stream with.
    pub(crate) fn reset(&self, stream: QuicStream) -> Option<u64> {
        self.quic_events.iter().find_map(|event| match event {
            QuicEvent::Reset { stream: reset, code } if *reset == stream => Some(*code),
            _ => None,
        })
    }

    /// The code that the other side wants no more of a stream with.
    pub(crate) fn stopped(&self, stream: QuicStream) -> Option<u64> {
        self.quic_events.iter().find_map(|event| match event {
            QuicEvent::Stopped { stream: stopped, code } if *stopped == stream => Some(*code),
            _ => None,
        })
    }

    /// All that came on a stream.
    pub(crate) fn read(&mut self, stream: QuicStream) -> Vec<u8> {
        let mut all = Vec::new();
        while let Ok(Some(chunk)) = self.quic().read(stream, usize::MAX) {
            all.extend_from_slice(&chunk.data);
            self.quic().consumed(stream, chunk.data.len());
            if chunk.fin {
                break;
            }
        }
        all
    }
}

/// A section, without a table.
pub(crate) fn section(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(0).section(0, &mut out, |writer| {
        for (name, value) in fields {
            writer.field((*name).into(), value.as_bytes(), Indexing::Without);
        }
    });
    out
}

/// A frame.
pub(crate) fn frame(kind: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let kind = wirelace_http3::frame::FrameType(kind);
    wirelace_http3::frame::FrameHeader { kind, length: payload.len() as u64 }.write(&mut out);
    out.extend_from_slice(payload);
    out
}

/// HEADERS.
pub(crate) fn headers(fields: &[(&str, &str)]) -> Vec<u8> {
    frame(1, &section(fields))
}

pub(crate) const GET: &[(&str, &str)] =
    &[(":method", "GET"), (":scheme", "https"), (":authority", "example.com"), (":path", "/")];
pub(crate) const POST: &[(&str, &str)] =
    &[(":method", "POST"), (":scheme", "https"), (":authority", "example.com"), (":path", "/")];

pub(crate) fn request(method: Method, target: &str) -> RequestHead {
    let mut head = RequestHead::new(method, target.to_owned()).unwrap();
    head.fields.push(FieldId::HOST, "example.com").unwrap();
    head
}
