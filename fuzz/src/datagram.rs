//! `wire-codec`: the machines of the datagram mode. The input is a script: datagrams that come, as they are or well
//! formed, repeated or changed, what the application does, and time that passes, or goes back.

use bytes::Bytes;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::{self, FrameType};
use wirelace_wire_codec::datagram::{
    CallId, Checksum, ClientEvent, ClientLimits, ClientOptions, DatagramClient, DatagramServer, Form,
    RequestId, ServerEvent, ServerLimits, ServerOptions, Timing,
};
use wirelace_wire_codec::extended::{self, Frame, Rules};

/// Octets of a datagram, in all of the machines here.
const DATAGRAM: usize = 200;

/// The last datagrams that came, to come again.
const REMEMBERED: usize = 16;

/// Reads a script from its start; what is not there is 0.
struct Script<'a> {
    rest: &'a [u8],
}

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        byte
    }

    fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// As many octets as the next one says; 255: all that are left.
    fn octets(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte());
        let len = if len == 255 { self.rest.len() } else { len.min(self.rest.len()) };
        let (octets, rest) = self.rest.split_at(len);
        self.rest = rest;
        octets
    }

    /// One of `count`, which is not 0.
    fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }
}

fn encode(frame: Frame<&[u8]>, checksum: bool) -> Bytes {
    let mut out = Vec::new();
    frame.encode_into(&mut out, checksum).expect("small numbers");
    out.into()
}

fn encode_base(kind: FrameType, payload: &[u8]) -> Bytes {
    let mut out = Vec::new();
    base::Frame { kind, payload }.encode_into(&mut out).expect("it fits");
    out.into()
}

/// The whole datagram as one frame of the extended form.
fn decode(datagram: &[u8]) -> Option<Frame<&[u8]>> {
    let rules = Rules { max_length: usize::MAX, checksum: Checksum::Either };
    let (frame, taken) = extended::decode(datagram, rules).ok()??;
    (taken == datagram.len()).then_some(frame)
}

/// What came, to come again; and a change of it.
#[derive(Default)]
struct Past {
    datagrams: Vec<(u8, Bytes)>,
}

impl Past {
    fn remember(&mut self, from: u8, datagram: &Bytes) {
        if self.datagrams.len() == REMEMBERED {
            self.datagrams.remove(0);
        }
        self.datagrams.push((from, datagram.clone()));
    }

    fn again(&self, script: &mut Script<'_>) -> Option<(u8, Bytes)> {
        let count = self.datagrams.len();
        (count > 0).then(|| self.datagrams[script.below(count)].clone())
    }

    fn changed(&self, script: &mut Script<'_>) -> Option<(u8, Bytes)> {
        let (from, datagram) = self.again(script)?;
        let mut octets = datagram.to_vec();
        let at = usize::from(script.byte());
        let with = script.byte();
        match octets.get_mut(at) {
            Some(octet) => *octet ^= with,
            None => octets.push(with),
        }
        Some((from, octets.into()))
    }
}

fn start() -> Instant {
    // Far enough from the clock's own start to go back.
    Instant::now() + Duration::from_secs(1_000_000)
}

struct Server {
    machine: DatagramServer<u8>,
    options: ServerOptions,
    now: Instant,
    went_back: bool,
    /// Nothing is refused or dropped for a limit.
    roomy: bool,
    past: Past,
    /// Told; neither answered nor cancelled.
    open: BTreeSet<RequestId>,
    last: Option<RequestId>,
    /// When the request with this address and id was last taken.
    opened: HashMap<(u8, u64), Instant>,
}

impl Server {
    fn new(kind: u8) -> Server {
        let roomy = kind & 1 == 0;
        let limits = if roomy {
            ServerLimits { datagram: DATAGRAM, control: (u32::MAX, 0), ..ServerLimits::default() }
        } else {
            ServerLimits {
                datagram: DATAGRAM,
                requests: 4,
                requests_each: 2,
                cached: 3,
                cached_octets: 300,
                output: 500,
                messages: 2,
                control: (5, 1),
            }
        };
        let options = ServerOptions {
            limits,
            keep: [Duration::from_secs(30), Duration::ZERO, Duration::from_millis(100), Duration::MAX]
                [usize::from(kind >> 1 & 3)],
            checksum: if kind & 8 == 0 { Checksum::Either } else { Checksum::On },
        };
        Server {
            machine: DatagramServer::new(options.clone()),
            options,
            now: start(),
            went_back: false,
            roomy,
            past: Past::default(),
            open: BTreeSet::new(),
            last: None,
            opened: HashMap::new(),
        }
    }

    fn receive(&mut self, from: u8, datagram: Bytes) {
        self.past.remember(from, &datagram);
        self.drain();
        let before = self.machine.stats();
        self.machine.receive(self.now, from, datagram.clone());
        let after = self.machine.stats();
        assert!(after.sent - before.sent <= 1 && after.requests - before.requests <= 1);
        let answer = self.machine.poll_transmit(self.now);
        assert_eq!(answer.is_some(), after.sent > before.sent);
        if let Some(answer) = answer {
            assert_eq!(answer.to, from);
            assert!(answer.datagram.len() <= DATAGRAM);
            assert_ne!(datagram.get(1), Some(&FrameType::ERROR.0), "an ERROR was answered");
            assert_eq!(after.requests, before.requests, "an answer before anybody was asked");
            if after.resent == before.resent {
                assert!(answer.datagram.len() <= datagram.len().max(64), "{datagram:?} -> {answer:?}");
            }
            if answer.datagram.first() == Some(&20) {
                assert!(decode(&answer.datagram).is_some(), "{answer:?}");
            } else {
                let mut octets = answer.datagram.clone();
                let frame = base::decode_owned(&mut octets, DATAGRAM).unwrap().unwrap();
                assert!(octets.is_empty());
                if frame.kind == FrameType::ERROR {
                    assert!(std::str::from_utf8(&frame.payload).is_ok());
                }
            }
        }
        if after.requests > before.requests
            && let Some(Frame::Request { id, .. }) = decode(&datagram)
            && let Some(before) = self.opened.insert((from, id), self.now)
            && self.roomy
            && !self.went_back
        {
            let kept = self.now.saturating_duration_since(before);
            assert!(
                kept >= self.options.keep.min(Duration::from_secs(1 << 32)),
                "handled again after {kept:?}"
            );
        }
        self.check();
    }

    fn check(&self) {
        let (stats, limits) = (self.machine.stats(), &self.options.limits);
        let requests = limits.requests as usize;
        assert!(stats.under_way <= requests && stats.addresses <= stats.under_way, "{stats:?}");
        assert!(stats.kept <= limits.cached && stats.kept_octets <= limits.cached_octets, "{stats:?}");
        assert!(stats.events <= 2 * requests + limits.messages, "{stats:?}");
        assert!(stats.output <= limits.output + (requests + 1) * DATAGRAM, "{stats:?}");
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.machine.poll_transmit(self.now) {
            assert!(transmit.datagram.len() <= DATAGRAM);
        }
        assert_eq!(self.machine.stats().output, 0);
    }

    fn event(&mut self) -> bool {
        let Some(event) = self.machine.poll_event(self.now) else { return false };
        match event {
            ServerEvent::Request { id, .. } => {
                assert!(self.last < Some(id), "numbers go up");
                self.last = Some(id);
                self.open.insert(id);
            }
            ServerEvent::Cancelled { id } => assert!(self.open.remove(&id), "{id:?} is not open"),
            _ => {}
        }
        true
    }

    fn one_open(&self, script: &mut Script<'_>) -> Option<RequestId> {
        let count = self.open.len();
        self.open.iter().nth(script.below(count.max(1))).copied()
    }

    /// An answer ends a request, unless it is over already: then it is cancelled, once.
    fn answer(&mut self, id: RequestId, answer: impl FnOnce(&mut DatagramServer<u8>, Instant)) {
        let before = self.machine.stats().sent;
        answer(&mut self.machine, self.now);
        match self.machine.stats().sent - before {
            0 => {}
            1 => assert!(self.open.remove(&id), "{id:?} was answered twice, or never told"),
            _ => panic!("more than one answer"),
        }
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        self.machine.on_deadline(self.now);
        assert!(self.machine.deadline().is_none_or(|at| at > self.now));
    }

    fn step(&mut self, script: &mut Script<'_>) {
        match script.byte() {
            0 => {
                let from = script.byte() & 3;
                self.receive(from, Bytes::copy_from_slice(script.octets()));
            }
            1 => {
                let (from, id, flags) = (script.byte() & 3, script.byte(), script.byte());
                let timeout = match flags >> 2 & 3 {
                    0 => None,
                    1 => Some(0),
                    2 => Some(script.byte().into()),
                    _ => Some((1 << 62) - 1),
                };
                let id = if flags & 16 == 0 { u64::from(id) + 1 } else { (1 << 62) - 1 - u64::from(id) };
                let frame = Frame::Request { id, end: flags & 2 == 0, timeout, payload: script.octets() };
                self.receive(from, encode(frame, flags & 1 != 0));
            }
            2 => {
                let from = script.byte() & 3;
                self.receive(from, encode_base(FrameType::REQUEST, script.octets()));
            }
            3 => {
                let again = self.past.again(script);
                again.into_iter().for_each(|(from, datagram)| self.receive(from, datagram));
            }
            4 => {
                let changed = self.past.changed(script);
                changed.into_iter().for_each(|(from, datagram)| self.receive(from, datagram));
            }
            5 => self.advance(Duration::from_millis(script.number().into())),
            6 => {
                let id = self.one_open(script).unwrap_or(RequestId(script.byte().into()));
                let payload = vec![7; script.byte().into()];
                self.answer(id, |machine, now| {
                    let _ = machine.respond(now, id, payload.into());
                });
            }
            7 => {
                let id = self.one_open(script).unwrap_or(RequestId(script.byte().into()));
                let text = String::from_utf8_lossy(script.octets()).into_owned();
                let code = ErrorCode(script.byte().into());
                self.answer(id, |machine, now| machine.fail(now, id, code, &text));
            }
            8 => while self.event() {},
            9 => drop(self.event()),
            10 => self.drain(),
            11 => {
                let (from, id) = (script.byte() & 3, u64::from(script.byte()) + 1);
                let frame = Frame::Cancel { id, code: ErrorCode::CANCELLED };
                self.receive(from, encode(frame, script.byte() & 1 != 0));
            }
            12 => {
                let (from, flags) = (script.byte() & 3, script.byte());
                let payload = script.octets();
                let datagram = match flags & 1 {
                    0 => encode_base(FrameType::HEARTBEAT, payload),
                    _ => encode(Frame::Ping { answer: flags & 4 != 0, payload }, flags & 2 != 0),
                };
                self.receive(from, datagram);
            }
            13 => {
                let from = script.byte() & 3;
                self.receive(from, encode(Frame::Message { payload: script.octets() }, false));
            }
            14 => {
                self.now -= Duration::from_millis(script.number().into());
                self.went_back = true;
            }
            15 => self.machine.shut_down(),
            _ => {
                if let Some(at) = self.machine.deadline() {
                    self.advance(at.saturating_duration_since(self.now).min(Duration::from_secs(100_000)));
                }
            }
        }
        self.check();
    }

    fn end(&mut self) {
        while self.event() {}
        for id in self.open.clone() {
            self.answer(id, |machine, now| machine.fail(now, id, ErrorCode::CLOSED, "at the end"));
        }
        while self.event() {}
        assert!(self.open.is_empty());
        self.drain();
        let stats = self.machine.stats();
        assert!(self.machine.is_idle() && stats.under_way + stats.addresses + stats.events == 0, "{stats:?}");
        // Whatever the clock did: it goes on.
        self.now += Duration::from_secs(1_000_000);
        if let Some(at) = self.now.checked_add(self.options.keep.min(Duration::from_secs(1 << 33))) {
            self.machine.on_deadline(at);
            let stats = self.machine.stats();
            assert_eq!((stats.kept, stats.kept_octets, self.machine.deadline()), (0, 0, None));
        }
    }
}

/// A server that is sent anything.
pub fn server(data: &[u8]) {
    let mut script = Script { rest: data };
    let mut server = Server::new(script.byte());
    while !script.rest.is_empty() {
        server.step(&mut script);
    }
    server.end();
}

struct Client {
    machine: DatagramClient,
    options: ClientOptions,
    now: Instant,
    past: Past,
    under_way: BTreeSet<CallId>,
    /// Those without an end in a time to live through.
    for_ever: BTreeSet<CallId>,
    /// The ids of what was sent last, as the server knows them.
    sent: Vec<u64>,
    calls: usize,
}

impl Client {
    fn new(kind: u8) -> Client {
        let form = match kind & 3 {
            0 => Form::Base,
            1 => Form::Extended { checksum: true },
            _ => Form::Extended { checksum: false },
        };
        let timing = match kind >> 2 & 3 {
            0 | 1 => Timing::default(),
            2 => Timing {
                initial_rto: Duration::ZERO,
                min_rto: Duration::from_millis(1),
                max_rto: Duration::from_millis(100),
                timeout: Duration::from_secs(1),
                jitter_percent: 100,
            },
            _ => Timing { initial_rto: Duration::MAX, max_rto: Duration::MAX, ..Timing::default() },
        };
        let options = ClientOptions { form, limits: ClientLimits { datagram: DATAGRAM, calls: 4 }, timing };
        Client {
            machine: DatagramClient::new(options.clone(), kind.into()),
            options,
            now: start(),
            past: Past::default(),
            under_way: BTreeSet::new(),
            for_ever: BTreeSet::new(),
            sent: Vec::new(),
            calls: 0,
        }
    }

    fn opened(&mut self, id: CallId, timeout: Option<Duration>) {
        if timeout == Some(Duration::MAX) {
            self.for_ever.insert(id);
        }
        assert!((1..1 << 62).contains(&id.0) && self.under_way.insert(id));
        self.calls += 1;
        assert!(self.options.form != Form::Base || self.calls == 1);
    }

    fn receive(&mut self, datagram: Bytes) {
        self.past.remember(0, &datagram);
        let before = self.machine.stats();
        self.machine.receive(self.now, datagram);
        let after = self.machine.stats();
        let ended = before.under_way - after.under_way;
        let counted = (after.wrong - before.wrong) + (after.duplicates - before.duplicates) + ended as u64;
        assert!(counted == 1 && after.events - before.events == ended, "{before:?} {after:?}");
    }

    fn transmit(&mut self) -> bool {
        let Some(datagram) = self.machine.poll_transmit(self.now) else { return false };
        assert!(datagram.len() <= DATAGRAM);
        match self.options.form {
            Form::Base => {
                let mut octets = datagram;
                let frame = base::decode_owned(&mut octets, DATAGRAM).unwrap().unwrap();
                assert!(octets.is_empty());
                assert!(matches!(frame.kind, FrameType::REQUEST | FrameType::HEARTBEAT));
            }
            Form::Extended { checksum } => {
                assert_eq!(datagram[6] & extended::CHECKSUM != 0, checksum);
                match decode(&datagram).expect("a frame") {
                    Frame::Request { id, end: true, timeout: Some(_), .. } => {
                        assert!(self.under_way.contains(&CallId(id)));
                        self.sent.push(id);
                    }
                    Frame::Ping { answer: false, payload } => {
                        self.sent.push(u64::from_be_bytes(payload.try_into().unwrap()));
                    }
                    Frame::Message { .. } | Frame::Cancel { .. } => {}
                    frame => panic!("{frame:?}"),
                }
            }
        }
        true
    }

    fn event(&mut self) -> bool {
        let Some(event) = self.machine.poll_event(self.now) else { return false };
        assert!(self.under_way.remove(&event.id()), "{event:?}");
        if let ClientEvent::Response { payload, .. } = event {
            assert!(payload.len() <= DATAGRAM);
        }
        true
    }

    fn a_sent_id(&self, script: &mut Script<'_>) -> u64 {
        let recent = self.sent.len().min(8);
        match recent {
            0 => 1,
            _ => self.sent[self.sent.len() - 1 - script.below(recent)],
        }
    }

    fn timeout(script: &mut Script<'_>) -> Option<Duration> {
        match script.byte() {
            0 => None,
            255 => Some(Duration::MAX),
            some => Some(Duration::from_millis(u64::from(some) - 1)),
        }
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        self.machine.on_deadline(self.now);
        assert!(self.machine.deadline().is_none_or(|at| at > self.now));
    }

    fn step(&mut self, script: &mut Script<'_>) {
        match script.byte() {
            0 => self.receive(Bytes::copy_from_slice(script.octets())),
            1 => {
                let timeout = Client::timeout(script);
                let payload = vec![7; script.byte().into()];
                let called = self.machine.call(self.now, payload.into(), timeout);
                called.into_iter().for_each(|id| self.opened(id, timeout));
            }
            2 => {
                let timeout = Client::timeout(script);
                let called = self.machine.heartbeat(self.now, timeout);
                called.into_iter().for_each(|id| self.opened(id, timeout));
            }
            3 => drop(self.machine.send_message(self.now, vec![7; script.byte().into()].into())),
            4 => {
                let id = self.under_way.iter().nth(script.byte().into()).copied();
                id.into_iter().for_each(|id| self.cancel(id));
            }
            5 => self.advance(Duration::from_millis(script.number().into())),
            6 => while self.transmit() {},
            7 => drop(self.transmit()),
            8 => while self.event() {},
            9 => drop(self.event()),
            10 => {
                let again = self.past.again(script);
                again.into_iter().for_each(|(_, datagram)| self.receive(datagram));
            }
            11 => {
                let changed = self.past.changed(script);
                changed.into_iter().for_each(|(_, datagram)| self.receive(datagram));
            }
            12 => {
                let (id, flags) = (self.a_sent_id(script), script.byte());
                let payload = script.octets();
                let frame = match flags >> 1 & 3 {
                    0 | 1 => Frame::Response { id, end: flags & 8 == 0, payload },
                    2 => Frame::Ping { answer: true, payload: &id.to_be_bytes()[..] },
                    _ => Frame::Error { id, code: ErrorCode(payload.len() as u64), text: payload },
                };
                self.receive(encode(frame, flags & 1 != 0));
            }
            13 => {
                let kind = FrameType(script.byte() % 6);
                self.receive(encode_base(kind, script.octets()));
            }
            14 => self.now -= Duration::from_millis(script.number().into()),
            _ => {
                if let Some(at) = self.machine.deadline() {
                    self.advance(at.saturating_duration_since(self.now).min(Duration::from_secs(100_000)));
                }
            }
        }
        let (stats, calls) = (self.machine.stats(), self.options.limits.calls as usize);
        assert!(stats.under_way + stats.events <= calls && stats.waiting <= calls, "{stats:?}");
        assert_eq!(stats.under_way + stats.events, self.under_way.len(), "{stats:?}");
        let (rto, timing) = (stats.rto, &self.options.timing);
        assert!(rto >= timing.min_rto && rto <= timing.max_rto, "{stats:?}");
    }

    fn cancel(&mut self, id: CallId) {
        // Those that are over have their event still.
        let before = self.machine.stats().under_way;
        self.machine.cancel(self.now, id);
        if self.machine.stats().under_way < before {
            self.under_way.remove(&id);
        }
    }

    /// Each call ends in time, with one event.
    fn end(&mut self) {
        self.now += Duration::from_secs(1_000_000);
        while self.transmit() {}
        for id in std::mem::take(&mut self.for_ever) {
            self.cancel(id);
        }
        for _ in 0..10_000 {
            while self.transmit() {}
            while self.event() {}
            let Some(at) = self.machine.deadline() else { break };
            self.advance(at.saturating_duration_since(self.now));
        }
        let stats = self.machine.stats();
        assert!(self.machine.is_idle() && self.under_way.is_empty(), "{stats:?}");
        assert_eq!(stats.waiting + stats.events + stats.under_way, 0, "{stats:?}");
    }
}

/// A client that is answered anything.
pub fn client(data: &[u8]) {
    let mut script = Script { rest: data };
    let mut client = Client::new(script.byte());
    while !script.rest.is_empty() {
        client.step(&mut script);
    }
    client.end();
}
