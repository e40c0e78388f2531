//! Two endpoints and the network between them, in virtual time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use wirelace_quic_lite::{Connection, Datagram, Ecn, Endpoint, Event, Handle, Limits, Remembered, Routed};
use wirelace_sim::{Clock, DatagramLink, DatagramSettings};

pub(crate) use crate::trust::Trust;

pub(crate) const CLIENT: &str = "192.0.2.1:50000";
pub(crate) const SERVER: &str = "192.0.2.2:443";
/// Steps that a run may take.
const STEPS: usize = 2_000_000;

pub(crate) struct Side {
    pub(crate) endpoint: Endpoint,
    pub(crate) connection: Option<(Handle, Connection)>,
    pub(crate) events: Vec<Event>,
    address: SocketAddr,
    /// A server that wants to see a token first.
    pub(crate) retry: bool,
    /// Datagrams that were sent by the endpoint itself.
    pub(crate) answers: usize,
}

pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) client: Side,
    pub(crate) server: Side,
    pub(crate) to_server: DatagramLink,
    pub(crate) to_client: DatagramLink,
    buffer: Vec<u8>,
    /// Datagrams that go in a train, at most.
    pub(crate) segments: usize,
    steps: usize,
}

/// What links between two hosts usually are.
pub(crate) fn plain() -> DatagramSettings {
    let delay = Duration::from_millis(10);
    DatagramSettings { delay: delay..=delay, mtu: 1500 - 28, ..DatagramSettings::default() }
}

impl World {
    pub(crate) fn new(seed: u64, trust: &Trust, link: DatagramSettings) -> World {
        World::with_limits(seed, trust, link, Limits::default(), Limits::default())
    }

    pub(crate) fn with_limits(
        seed: u64,
        trust: &Trust,
        link: DatagramSettings,
        client: Limits,
        server: Limits,
    ) -> World {
        let clock = Clock::new();
        let now = clock.now();
        let octets = |extra: u8| {
            let mut octets = [extra; 32];
            octets[..8].copy_from_slice(&seed.to_be_bytes());
            octets
        };
        let mut config = trust.server.clone();
        config.limits = Arc::new(server);
        let mut endpoint = Endpoint::new(None, &octets(1));
        let mut client_config = trust.client.clone();
        client_config.limits = Arc::new(client);
        let connection = endpoint
            .connect(&client_config, "example.com", SERVER.parse().unwrap(), &Remembered::default(), now)
            .unwrap();
        let side = |endpoint, connection, address: &str| Side {
            endpoint,
            connection,
            events: Vec::new(),
            address: address.parse().unwrap(),
            retry: false,
            answers: 0,
        };
        World {
            client: side(endpoint, Some(connection), CLIENT),
            server: side(Endpoint::new(Some(config), &octets(2)), None, SERVER),
            to_server: DatagramLink::new(seed, link.clone()),
            to_client: DatagramLink::new(seed ^ 0x5555, link),
            buffer: Vec::new(),
            segments: 10,
            clock,
            steps: 0,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn client(&mut self) -> &mut Connection {
        &mut self.client.connection.as_mut().expect("a client").1
    }

    pub(crate) fn server(&mut self) -> &mut Connection {
        &mut self.server.connection.as_mut().expect("a server's connection").1
    }

    /// Lets both work, without time going by. The application is asked after each step.
    fn settle(&mut self, application: &mut impl FnMut(&mut World)) {
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
            self.client.note_events();
            self.server.note_events();
            application(self);
            moved |= self.client.send(now, &mut self.buffer, &mut self.to_server, self.segments);
            moved |= self.server.send(now, &mut self.buffer, &mut self.to_client, self.segments);
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
            let timers = sides.into_iter().filter_map(|side| side.connection.as_ref()?.1.deadline());
            let links = [self.to_server.next_at(), self.to_client.next_at()].into_iter().flatten();
            let Some(next) = timers.chain(links).min().filter(|next| *next <= end) else { return false };
            if next > self.now() {
                self.clock.advance_to(next);
            }
            let now = self.now();
            for side in [&mut self.client, &mut self.server] {
                if let Some((_, connection)) = &mut side.connection
                    && connection.deadline().is_some_and(|deadline| deadline <= now)
                {
                    connection.on_deadline(now);
                }
            }
            self.steps += 1;
            assert!(self.steps < STEPS, "it does not come to an end");
        }
    }
}

impl Side {
    fn take(&mut self, now: Instant, from: &str, data: &[u8], buffer: &mut Vec<u8>, back: &mut DatagramLink) {
        let datagram = Datagram {
            remote: from.parse().unwrap(),
            local: None,
            ecn: Ecn::NotEct,
            data: BytesMut::from(data),
        };
        match self.endpoint.route(now, SystemTime::now(), datagram, buffer) {
            Routed::Connection(handle, datagram) => {
                if let Some((own, connection)) = &mut self.connection
                    && *own == handle
                {
                    connection.receive(now, datagram);
                }
            }
            Routed::Incoming(incoming) => {
                if self.retry && incoming.may_retry() && !incoming.is_validated() {
                    if self.endpoint.retry(SystemTime::now(), &incoming, buffer).is_some() {
                        self.answers += 1;
                        back.send(now, Bytes::copy_from_slice(buffer));
                    }
                } else if self.connection.is_none() {
                    // It fails where the packet was changed on its way.
                    self.connection = self.endpoint.accept(now, *incoming).ok();
                }
            }
            Routed::Answer(_) => {
                self.answers += 1;
                back.send(now, Bytes::copy_from_slice(buffer));
            }
            Routed::Nothing => {}
        }
    }

    fn note_events(&mut self) {
        if let Some((_, connection)) = &mut self.connection {
            while let Some(event) = connection.poll_event() {
                self.events.push(event);
            }
        }
    }

    fn send(&mut self, now: Instant, buffer: &mut Vec<u8>, link: &mut DatagramLink, segments: usize) -> bool {
        let Some((handle, connection)) = &mut self.connection else { return false };
        let mut any = false;
        while let Some(transmit) = connection.poll_transmit(now, buffer, segments) {
            any = true;
            assert_eq!(transmit.size, buffer.len());
            let segment = transmit.segment.unwrap_or(buffer.len());
            if std::env::var("TRACE").is_ok() {
                eprintln!("{:?} {} -> {} octets {:02x?}", now, self.address, buffer.len(), &buffer[..20]);
            }
            buffer.chunks(segment).for_each(|datagram| link.send(now, Bytes::copy_from_slice(datagram)));
        }
        self.endpoint.update(*handle, connection);
        any
    }

    pub(crate) fn saw(&self, what: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(what)
    }
}
