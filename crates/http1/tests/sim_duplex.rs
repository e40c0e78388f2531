//! Both directions at once in the simulator: tunnels (Upgrade, CONNECT) with half-closes, and a server that sends a
//! request's body back while it comes. Applications wait for `Capacity` and give credit late; nothing may be lost,
//! grow without bound, or hang.

mod support;

use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes, BytesMut};
use http::StatusCode;
use support::request;
use wirelace_http_semantics::{Event, FieldId, Head, HttpMachine, ResponseHead, StreamId};
use wirelace_http1::{ClientConnection, Error, Limits, ServerConnection};
use wirelace_sim::{End, Pair, PairSettings, Peer, Rng, StreamSettings};

/// What a seed decides.
#[derive(Debug, Clone)]
struct Plan {
    kind: Kind,
    client_sends: Bytes,
    /// In a tunnel; an echo sends what it received.
    server_sends: Bytes,
    piece: usize,
    client_limits: Limits,
    server_limits: Limits,
    settings: PairSettings,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Upgrade,
    Connect,
    /// With Content-Length, or chunked.
    Echo {
        length: bool,
    },
}

const STREAM: StreamId = StreamId(0);

impl Plan {
    fn new(seed: u64, keep_steps: usize) -> Plan {
        let mut rng = Rng::new(seed);
        let kinds = [Kind::Upgrade, Kind::Connect, Kind::Echo { length: true }, Kind::Echo { length: false }];
        let limits = |rng: &mut Rng| Limits {
            window: 1 << rng.within(4..=16),
            output: 1 << rng.within(4..=16),
            half_close: rng.percent(50),
            ..Limits::default()
        };
        let link = |rng: &mut Rng| StreamSettings {
            max_segment: 1 << rng.within(2..=14),
            delay: Duration::ZERO..=Duration::from_millis([0, 5][rng.below(2)]),
            window: 256 << rng.within(0..=8),
            ..StreamSettings::default()
        };
        let payload = |rng: &mut Rng| {
            let most = *rng.pick(&[1, 500, 100_000]);
            let len = rng.below(most);
            Bytes::from(rng.bytes(len))
        };
        Plan {
            kind: kinds[rng.below(kinds.len())],
            client_sends: payload(&mut rng),
            server_sends: payload(&mut rng),
            piece: 1 << rng.within(6..=14),
            client_limits: limits(&mut rng),
            server_limits: limits(&mut rng),
            settings: PairSettings {
                to_server: link(&mut rng),
                to_client: link(&mut rng),
                server_output_first: rng.percent(50),
                keep_steps,
                ..PairSettings::default()
            },
        }
    }

    fn is_tunnel(&self) -> bool {
        !matches!(self.kind, Kind::Echo { .. })
    }
}

/// Sends `rest` as the machine has capacity, and no sooner.
#[derive(Debug)]
struct Sender {
    rest: BytesMut,
    /// Nothing is added to `rest` any more.
    complete: bool,
    ended: bool,
    blocked: bool,
    piece: usize,
}

impl Sender {
    fn new(bytes: &[u8], complete: bool, piece: usize) -> Sender {
        Sender { rest: bytes.into(), complete, ended: false, blocked: false, piece }
    }

    /// Sends a piece; returns its length, `None` when there is nothing to do.
    fn step<M: HttpMachine>(&mut self, machine: &mut M) -> Option<usize> {
        if self.ended || self.blocked || (self.rest.is_empty() && !self.complete) {
            return None;
        }
        let capacity = machine.capacity(STREAM);
        if capacity == 0 && !self.rest.is_empty() {
            self.blocked = true;
            return Some(0);
        }
        let len = self.rest.len().min(capacity).min(self.piece);
        let data = self.rest.split_to(len).freeze();
        self.ended = self.rest.is_empty() && self.complete;
        machine.send_data(STREAM, data, self.ended).expect("there is capacity");
        Some(len)
    }
}

#[derive(Debug)]
struct Side<M> {
    machine: M,
    plan: Plan,
    sender: Option<Sender>,
    received: BytesMut,
    received_all: bool,
    /// Handed out and not yet given back.
    owed: usize,
    status: Option<StatusCode>,
    error: Option<Error>,
    was_reset: bool,
}

impl<M: HttpMachine> Side<M> {
    fn new(machine: M, plan: &Plan) -> Side<M> {
        Side {
            machine,
            plan: plan.clone(),
            sender: None,
            received: BytesMut::new(),
            received_all: false,
            owed: 0,
            status: None,
            error: None,
            was_reset: false,
        }
    }

    /// Takes what is the same for both sides.
    fn take(&mut self, event: Event, window: usize) {
        match event {
            Event::Data { data, end, .. } => {
                self.owed += data.len();
                assert!(self.owed <= window, "more than the window: {} of {window}", self.owed);
                assert!(!self.received_all, "nothing comes after the end");
                self.received.extend_from_slice(&data);
                self.received_all = end;
            }
            Event::Capacity { .. } => {
                if let Some(sender) = &mut self.sender {
                    sender.blocked = false;
                }
            }
            Event::Reset { .. } => self.was_reset = true,
            event => panic!("unexpected {event:?}"),
        }
    }

    fn give_back(&mut self, len: usize) -> bool {
        self.machine.consumed(STREAM, len);
        self.owed -= len;
        len > 0
    }
}

struct Client(Side<ClientConnection>);
struct Server(Side<ServerConnection>);

impl Peer for Client {
    type Machine = ClientConnection;

    fn machine(&mut self) -> &mut ClientConnection {
        &mut self.0.machine
    }

    fn on_event(&mut self, _: Instant, event: Event) {
        if let Event::Head { head: Head::Response(head), end, .. } = event {
            assert!(!end);
            self.0.status = Some(head.status);
            if self.0.plan.is_tunnel() {
                let plan = &self.0.plan;
                self.0.sender = Some(Sender::new(&plan.client_sends, true, plan.piece));
            }
            return;
        }
        let window = self.0.plan.client_limits.window;
        self.0.take(event, window);
    }

    fn on_error(&mut self, _: Instant, error: Error) {
        self.0.error = Some(error);
    }

    fn on_reset(&mut self, _: Instant) {
        self.0.was_reset = true;
    }

    fn act(&mut self, _: Instant) -> bool {
        let Side { machine, plan, sender, owed, .. } = &mut self.0;
        if machine.stats().exchanges == 0 {
            let (mut head, end) = match plan.kind {
                Kind::Upgrade => (request("GET", "/"), true),
                Kind::Connect => (request("CONNECT", "a:1"), true),
                Kind::Echo { .. } => (request("POST", "/"), false),
            };
            match plan.kind {
                Kind::Upgrade => {
                    head.fields.push(FieldId::CONNECTION, "upgrade").expect("valid");
                    head.fields.push(FieldId::UPGRADE, "test").expect("valid");
                }
                Kind::Echo { length: true } => {
                    let length = plan.client_sends.len().to_string();
                    head.fields.push(FieldId::CONTENT_LENGTH, length).expect("valid");
                }
                _ => {}
            }
            machine.send_request(head, end).expect("ready");
            if !end {
                *sender = Some(Sender::new(&plan.client_sends, true, plan.piece));
            }
            return true;
        }
        let sent = sender.as_mut().and_then(|sender| sender.step(machine)).is_some();
        // Credit comes a little late.
        let owed = *owed;
        let gave = self.0.give_back(owed.div_ceil(2));
        if self.0.received_all && !self.0.plan.is_tunnel() && !self.0.machine.is_closing() {
            self.0.machine.shut_down();
            return true;
        }
        sent || gave
    }

    fn is_done(&self) -> bool {
        self.0.received_all
    }

    fn describe_event(event: &Event) -> String {
        support::describe(event)
    }
}

impl Peer for Server {
    type Machine = ServerConnection;

    fn machine(&mut self) -> &mut ServerConnection {
        &mut self.0.machine
    }

    fn on_event(&mut self, _: Instant, event: Event) {
        let Event::Head { stream, head: Head::Request(_), end } = event else {
            let window = self.0.plan.server_limits.window;
            return self.0.take(event, window);
        };
        let (status, content) = match self.0.plan.kind {
            Kind::Upgrade => (StatusCode::SWITCHING_PROTOCOLS, &self.0.plan.server_sends[..]),
            Kind::Connect => (StatusCode::OK, &self.0.plan.server_sends[..]),
            Kind::Echo { .. } => (StatusCode::OK, &b""[..]),
        };
        let mut head = ResponseHead::new(status);
        if status == StatusCode::SWITCHING_PROTOCOLS {
            head.fields.push(FieldId::UPGRADE, "test").expect("valid");
        }
        self.0.sender = Some(Sender::new(content, self.0.plan.is_tunnel(), self.0.plan.piece));
        self.0.machine.send_head(stream, Head::Response(head), false).expect("its turn");
        if !self.0.plan.is_tunnel() {
            self.0.received_all = end;
        }
    }

    fn on_error(&mut self, _: Instant, error: Error) {
        self.0.error = Some(error);
    }

    fn on_reset(&mut self, _: Instant) {
        self.0.was_reset = true;
    }

    fn act(&mut self, _: Instant) -> bool {
        let is_tunnel = self.0.plan.is_tunnel();
        let Side { machine, sender, received, received_all, owed, .. } = &mut self.0;
        let Some(sender) = sender else { return false };
        if is_tunnel {
            let sent = sender.step(machine).is_some();
            let owed = *owed;
            return self.0.give_back(owed) || sent;
        }
        // What comes goes back, and only what went back is given credit for.
        sender.rest.extend_from_slice(received);
        received.advance(received.len());
        sender.complete = *received_all;
        match sender.step(machine) {
            None => false,
            Some(len) => {
                self.0.give_back(len);
                true
            }
        }
    }

    fn is_done(&self) -> bool {
        self.0.received_all
    }

    fn describe_event(event: &Event) -> String {
        support::describe(event)
    }
}

fn check(seed: u64, keep_steps: usize) -> Result<Kind, String> {
    let plan = Plan::new(seed, keep_steps);
    let mut pair = Pair::new(seed, plan.settings.clone(), |now| {
        let client = Client(Side::new(ClientConnection::new(plan.client_limits.clone(), now), &plan));
        (client, Server(Side::new(ServerConnection::new(plan.server_limits.clone(), now), &plan)))
    });
    let outcome = pair.run();
    let trace = pair.trace().to_string();
    let (kind, to_server, to_client) = (plan.kind, plan.client_sends.len(), plan.server_sends.len());
    let wrong = |what: &str| {
        Err(format!("seed {seed}, {kind:?}, {to_server} and {to_client} bytes: {what}\n{outcome:?}\n{trace}"))
    };
    if outcome.end != End::Closed || outcome.elapsed > Duration::from_secs(60) {
        return wrong("it hangs");
    }
    let Client(client) = pair.client();
    let (client_received, client_error) = (client.received.split(), client.error);
    let client_fine = client.received_all && !client.was_reset;
    let Server(server) = pair.server();
    if client_error.is_some() || server.error.is_some() || !client_fine || server.was_reset {
        return wrong(&format!(
            "broken: {client_error:?} {:?} {client_fine} {}",
            server.error, server.was_reset
        ));
    }
    let (expected, server_fine) = if plan.is_tunnel() {
        (&plan.server_sends, server.received_all && server.received[..] == plan.client_sends[..])
    } else {
        (&plan.client_sends, true)
    };
    if client_received[..] != expected[..] || !server_fine {
        return wrong("bytes were lost");
    }
    Ok(kind)
}

#[test]
fn both_directions_at_once() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    if let Some(seed) = number("WIRELACE_SEED") {
        check(seed, 1_000_000).unwrap_or_else(|wrong| panic!("{wrong}"));
        return;
    }
    let seeds = number("WIRELACE_SEEDS").unwrap_or(300);
    for seed in 0..seeds {
        if let Err(wrong) = check(seed, 0) {
            panic!("{}", check(seed, 60).err().unwrap_or(wrong));
        }
    }
}
