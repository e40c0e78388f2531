//! A host of the network: an endpoint, its connections, and the application on them.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use wirelace_quic_lite::tls::HandshakeReport;
use wirelace_quic_lite::{
    ClientConfig, CloseReason, Connection, Datagram, Ecn, Endpoint, Event, Handle, Remembered, Routed, Stats,
    Transmit,
};
use wirelace_sim::{Ecn as Mark, Packet};

use crate::app::{App, Exchange};
use crate::trust::NAME;

/// What a server does with a new client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Welcome {
    Accept,
    /// It has to show a token first.
    Retry,
    Refuse,
}

/// One connection of a host, and all that is known of it when it is over.
pub(crate) struct Session {
    /// `None` when it is over.
    pub(crate) connection: Option<Connection>,
    pub(crate) app: App,
    pub(crate) events: Vec<Event>,
    /// As it was last seen.
    pub(crate) stats: Stats,
    /// DATAGRAM frames that came.
    pub(crate) datagrams: Vec<Bytes>,
    /// Streams are opened before the handshake is complete.
    pub(crate) early: bool,
    /// The client closes when it has all it wants.
    pub(crate) closes: bool,
    /// And even when nothing of it is complete.
    pub(crate) anyway: bool,
    handle: Handle,
}

impl Session {
    fn new(handle: Handle, connection: Connection, app: App) -> Session {
        Session {
            stats: connection.stats(),
            connection: Some(connection),
            app,
            events: Vec::new(),
            datagrams: Vec::new(),
            early: false,
            closes: true,
            anyway: false,
            handle,
        }
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("a connection that is not over")
    }

    pub(crate) fn saw(&self, what: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(what)
    }

    pub(crate) fn count(&self, what: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| what(event)).count()
    }

    pub(crate) fn is_confirmed(&self) -> bool {
        self.saw(|event| matches!(event, Event::Confirmed))
    }

    pub(crate) fn report(&self) -> Option<&HandshakeReport> {
        self.events.iter().find_map(|event| match event {
            Event::Complete(report) => Some(&**report),
            _ => None,
        })
    }

    pub(crate) fn closed(&self) -> Option<&CloseReason> {
        self.events.iter().find_map(|event| match event {
            Event::Closed(reason) => Some(reason),
            _ => None,
        })
    }

    /// Whether anything changed.
    fn work(&mut self, now: Instant) {
        let Some(connection) = &mut self.connection else { return };
        while let Some(event) = connection.poll_event() {
            match &event {
                Event::Opened { stream } => self.app.opened(*stream),
                Event::Stopped { stream, .. } => self.app.stopped(*stream),
                Event::Reset { stream, .. } => self.app.reset(*stream, connection),
                Event::Datagram(data) => self.datagrams.push(data.clone()),
                _ => {}
            }
            self.events.push(event);
        }
        if !connection.is_closing() {
            self.app.work(connection, self.early);
            let client = connection.side() == wirelace_quic_lite::tls::quic::Side::Client;
            if client && self.closes && self.app.is_idle() && (self.app.complete > 0 || self.anyway) {
                connection.close(now, 0, b"");
            }
        }
        self.stats = connection.stats();
    }
}

pub(crate) struct Host {
    pub(crate) endpoint: Endpoint,
    pub(crate) address: SocketAddr,
    pub(crate) live: BTreeMap<Handle, Session>,
    /// Sessions that are over, in order.
    pub(crate) past: Vec<Session>,
    pub(crate) welcome: Welcome,
    /// Datagrams that the endpoint itself sent: Retry, Version Negotiation, resets.
    pub(crate) answers: usize,
    /// Connections that were made.
    pub(crate) made: usize,
    /// Datagrams that go in a train, at most.
    pub(crate) segments: usize,
    /// How many connections it has to see before it is done.
    pub(crate) expects: usize,
    /// What a server does with its new sessions.
    pub(crate) on_accept: fn(&mut Session),
    output: VecDeque<Packet>,
    buffer: Vec<u8>,
    began: Instant,
}

impl Host {
    pub(crate) fn new(endpoint: Endpoint, address: SocketAddr, now: Instant) -> Host {
        Host {
            endpoint,
            address,
            live: BTreeMap::new(),
            past: Vec::new(),
            welcome: Welcome::Accept,
            answers: 0,
            made: 0,
            segments: 10,
            expects: 1,
            on_accept: |_| {},
            output: VecDeque::new(),
            buffer: Vec::new(),
            began: now,
        }
    }

    pub(crate) fn connect(
        &mut self,
        now: Instant,
        config: &ClientConfig,
        remote: SocketAddr,
        remembered: &Remembered,
        wanted: &[Exchange],
    ) -> Handle {
        let (handle, connection) = self.endpoint.connect(config, NAME, remote, remembered, now).unwrap();
        self.made += 1;
        self.live.insert(handle, Session::new(handle, connection, App::client(wanted)));
        handle
    }

    /// The session that was made last, or the only one.
    pub(crate) fn session(&self) -> &Session {
        self.live.values().next_back().or(self.past.last()).expect("a session")
    }

    pub(crate) fn session_mut(&mut self) -> &mut Session {
        self.live.values_mut().next_back().or(self.past.last_mut()).expect("a session")
    }

    /// All connections are forgotten, as after a crash.
    pub(crate) fn forget(&mut self) {
        for (handle, session) in std::mem::take(&mut self.live) {
            self.endpoint.remove(handle);
            self.past.push(session);
        }
    }

    fn wall(&self, now: Instant) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + (now - self.began)
    }

    fn work(&mut self, now: Instant) {
        let mut over = Vec::new();
        for (handle, session) in &mut self.live {
            session.work(now);
            let Some(connection) = &mut session.connection else { continue };
            self.endpoint.update(*handle, connection);
            if connection.is_closed() {
                over.push(*handle);
            }
        }
        for handle in over {
            let mut session = self.live.remove(&handle).expect("it was there");
            session.connection = None;
            self.endpoint.remove(session.handle);
            self.past.push(session);
        }
    }

    fn put(&mut self, transmit: Transmit) {
        assert_eq!(transmit.size, self.buffer.len());
        let source = transmit.source.unwrap_or(self.address.ip());
        let segment = transmit.segment.unwrap_or(self.buffer.len());
        for data in self.buffer.chunks(segment) {
            self.output.push_back(Packet {
                source: SocketAddr::new(source, self.address.port()),
                destination: transmit.destination,
                ecn: match transmit.ecn {
                    Ecn::NotEct => Mark::NotEct,
                    Ecn::Ect0 => Mark::Ect0,
                    Ecn::Ect1 => Mark::Ect1,
                    Ecn::Ce => Mark::Ce,
                },
                data: Bytes::copy_from_slice(data),
            });
        }
    }

    fn take(&mut self, now: Instant, packet: Packet) {
        let datagram = Datagram {
            remote: packet.source,
            local: Some(packet.destination.ip()),
            ecn: match packet.ecn {
                Mark::NotEct => Ecn::NotEct,
                Mark::Ect0 => Ecn::Ect0,
                Mark::Ect1 => Ecn::Ect1,
                Mark::Ce => Ecn::Ce,
            },
            data: BytesMut::from(&packet.data[..]),
        };
        let wall = self.wall(now);
        match self.endpoint.route(now, wall, datagram, &mut self.buffer) {
            Routed::Connection(handle, datagram) => {
                let session = self.live.get_mut(&handle).expect("a session for each connection");
                session.connection().receive(now, datagram);
            }
            Routed::Incoming(incoming) => match self.welcome {
                Welcome::Retry if incoming.may_retry() && !incoming.is_validated() => {
                    let transmit = self.endpoint.retry(wall, &incoming, &mut self.buffer).unwrap();
                    self.answers += 1;
                    self.put(transmit);
                }
                Welcome::Refuse => {
                    let transmit = self.endpoint.refuse(&incoming, &mut self.buffer).unwrap();
                    self.answers += 1;
                    self.put(transmit);
                }
                Welcome::Accept | Welcome::Retry => {
                    // Somebody may have changed it on the way.
                    let Ok((handle, connection)) = self.endpoint.accept(now, *incoming) else { return };
                    self.made += 1;
                    let mut session = Session::new(handle, connection, App::server());
                    (self.on_accept)(&mut session);
                    self.live.insert(handle, session);
                }
            },
            Routed::Answer(transmit) => {
                self.answers += 1;
                self.put(transmit);
            }
            Routed::Nothing => {}
        }
    }
}

impl wirelace_sim::Endpoint for Host {
    fn receive(&mut self, now: Instant, packet: Packet) {
        self.take(now, packet);
        self.work(now);
    }

    fn transmit(&mut self, now: Instant) -> Option<Packet> {
        if self.output.is_empty() {
            self.work(now);
            let handles: Vec<Handle> = self.live.keys().copied().collect();
            for handle in handles {
                let Some(session) = self.live.get_mut(&handle) else { continue };
                let transmit = session.connection().poll_transmit(now, &mut self.buffer, self.segments);
                if let Some(transmit) = transmit {
                    self.put(transmit);
                    break;
                }
            }
            self.work(now);
        }
        self.output.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        let connections = self.live.values().filter_map(|session| session.connection.as_ref());
        connections.filter_map(Connection::deadline).min()
    }

    fn on_deadline(&mut self, now: Instant) {
        for session in self.live.values_mut() {
            if let Some(connection) = &mut session.connection
                && connection.deadline().is_some_and(|deadline| deadline <= now)
            {
                connection.on_deadline(now);
            }
        }
        self.work(now);
    }

    fn is_done(&self) -> bool {
        self.live.is_empty() && self.past.len() >= self.expects
    }
}
