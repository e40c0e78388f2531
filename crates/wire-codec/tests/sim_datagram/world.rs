//! Clients, links and a server, and the time that moves them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use wirelace_sim::{Clock, DatagramLink, Rng, Schedule};
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::datagram::{
    CallId, ClientEvent, DatagramClient, DatagramServer, RequestId, SendError, ServerEvent,
};

use crate::plan::{CallPlan, HEAD, Handling, Plan, What, payload, read};

/// Addresses from here on send noise, one datagram each.
const NOISE: usize = 1000;

/// A call that is not over by then hangs.
const LONG: Duration = Duration::from_secs(1000);

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    Answered,
    Alive,
    Failed(ErrorCode, String),
    TimedOut,
    Cancelled,
    /// It was a message, or never went out.
    Unsent,
}

/// A call of the plan.
#[derive(Debug, Default)]
pub(crate) struct Call {
    id: Option<CallId>,
    deadline: Option<Instant>,
    pub(crate) ending: Option<Ending>,
    /// How often the server's application was given it.
    pub(crate) runs: u32,
}

pub(crate) struct Client {
    pub(crate) machine: DatagramClient,
    pub(crate) calls: Vec<Call>,
    ids: HashMap<CallId, usize>,
    to_server: DatagramLink,
    to_client: DatagramLink,
}

#[derive(Debug)]
enum Action {
    Start(usize, usize),
    Cancel(usize, usize),
    Noise(usize),
    ShutDown,
    Answer(RequestId, Bytes),
}

pub(crate) struct World {
    plan: Plan,
    clock: Clock,
    start: Instant,
    pub(crate) clients: Vec<Client>,
    pub(crate) server: DatagramServer<usize>,
    actions: Schedule<Action>,
    /// Given to the application, neither answered nor cancelled.
    open: HashMap<RequestId, Bytes>,
    server_wakes: Instant,
    rng: Rng,
    /// The ERRORs and the like that each address of noise was sent.
    answers_to_noise: HashMap<usize, usize>,
    trace: Option<String>,
    pub(crate) wrong: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64, plan: &Plan, traced: bool) -> World {
        let clock = Clock::new();
        let start = clock.now();
        let mut rng = Rng::new(!seed);
        let mut actions = Schedule::new();
        let mut clients = Vec::new();
        for (client, its) in plan.clients.iter().enumerate() {
            for (call, plan) in its.calls.iter().enumerate() {
                actions.push(start + plan.at, Action::Start(client, call));
            }
            clients.push(Client {
                machine: DatagramClient::new(its.options.clone(), its.seed),
                calls: its.calls.iter().map(|_| Call::default()).collect(),
                ids: HashMap::new(),
                to_server: DatagramLink::new(rng.next_u64(), plan.link.clone()),
                to_client: DatagramLink::new(rng.next_u64(), plan.link.clone()),
            });
        }
        for (number, (at, _)) in plan.noise.iter().enumerate() {
            actions.push(start + *at, Action::Noise(number));
        }
        if let Some(at) = plan.shut_down_at {
            actions.push(start + at, Action::ShutDown);
        }
        World {
            clock,
            start,
            clients,
            server: DatagramServer::new(plan.server.clone()),
            actions,
            open: HashMap::new(),
            server_wakes: start,
            rng: rng.fork(),
            answers_to_noise: HashMap::new(),
            trace: traced.then(String::new),
            wrong: Vec::new(),
            plan: plan.clone(),
        }
    }

    pub(crate) fn trace(&self) -> &str {
        self.trace.as_deref().unwrap_or_default()
    }

    /// Runs until nothing is left to do.
    pub(crate) fn run(&mut self) {
        loop {
            let now = self.clock.now();
            while let Some(action) = self.actions.pop(now) {
                self.act(now, action);
            }
            for client in 0..self.clients.len() {
                self.run_client(now, client);
            }
            if self.server_wakes <= now {
                self.run_server(now);
                self.server_wakes = now + self.plan.rests;
            }
            if !self.wrong.is_empty() {
                return;
            }
            let Some(next) = self.next() else { break };
            if next.saturating_duration_since(self.start) > LONG {
                return self.complain("it never ends");
            }
            // Whatever is due was done.
            self.clock.advance_to(next.max(now + Duration::from_nanos(1)));
        }
        self.end();
    }

    /// When something happens next.
    fn next(&self) -> Option<Instant> {
        let lag = self.plan.lag;
        let mut next = self.actions.next_at();
        let mut earlier = |at: Option<Instant>| {
            if let Some(at) = at {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
        };
        for client in &self.clients {
            earlier(client.machine.deadline().map(|at| at + lag));
            earlier(client.to_client.next_at());
            earlier(client.to_server.next_at().map(|at| at.max(self.server_wakes)));
        }
        // What is kept may expire after the end.
        if self.server.stats().under_way > 0 {
            earlier(self.server.deadline().map(|at| (at + lag).max(self.server_wakes)));
        }
        if self.server.stats().events > 0 || self.server.stats().output > 0 {
            earlier(Some(self.server_wakes));
        }
        next
    }

    fn act(&mut self, now: Instant, action: Action) {
        self.note(|| format!("{action:?}"));
        match action {
            Action::Start(client, call) => self.start(now, client, call),
            Action::Cancel(client, call) => {
                let client = &mut self.clients[client];
                let call = &mut client.calls[call];
                if let (Some(id), None) = (call.id, &call.ending) {
                    call.ending = Some(Ending::Cancelled);
                    client.machine.cancel(now, id);
                }
            }
            Action::Noise(number) => {
                let datagram = self.plan.noise[number].1.clone();
                self.server.receive(now, NOISE + number, datagram);
            }
            Action::ShutDown => self.server.shut_down(),
            Action::Answer(id, payload) => {
                self.answer(id, |server| server.respond(now, id, payload).expect("it fits"));
            }
        }
    }

    /// An answer ends a request, unless it is over already; then it will be cancelled, once.
    fn answer(&mut self, id: RequestId, answer: impl FnOnce(&mut DatagramServer<usize>)) {
        let before = self.server.stats().sent;
        answer(&mut self.server);
        match self.server.stats().sent - before {
            0 => {}
            1 if self.open.remove(&id).is_some() => {}
            _ => self.complain(format!("{id:?} was answered, and was over")),
        }
    }

    fn start(&mut self, now: Instant, number: usize, call: usize) {
        let plan: CallPlan = self.plan.clients[number].calls[call];
        let client = &mut self.clients[number];
        let payload = payload(number, call, &plan);
        let sent = match plan.what {
            What::Call(_) => client.machine.call(now, payload, plan.timeout),
            What::Heartbeat => client.machine.heartbeat(now, plan.timeout),
            What::Message => {
                if client.machine.send_message(now, payload) != Err(SendError::Full) {
                    client.calls[call].ending = Some(Ending::Unsent);
                    return;
                }
                Err(SendError::Full)
            }
        };
        match sent {
            Ok(id) => {
                if client.ids.insert(id, call).is_some() {
                    self.complain(format!("{id:?} twice"));
                    return;
                }
                let timeout = plan.timeout.unwrap_or(self.plan.clients[number].options.timing.timeout);
                let state = &mut client.calls[call];
                (state.id, state.deadline) = (Some(id), Some(now + timeout));
                if let Some(after) = plan.cancel_after {
                    self.actions.push(now + after, Action::Cancel(number, call));
                }
            }
            Err(SendError::Full) => {
                self.actions.push(now + Duration::from_millis(10), Action::Start(number, call));
            }
            Err(error) => self.complain(format!("call {number}.{call} was refused: {error}")),
        }
    }

    fn run_client(&mut self, now: Instant, number: usize) {
        let lag = self.plan.lag;
        let client = &mut self.clients[number];
        while let Some(datagram) = client.to_client.receive(now) {
            client.machine.receive(now, datagram);
        }
        if client.machine.deadline().is_some_and(|at| at + lag <= now) {
            client.machine.on_deadline(now);
            if client.machine.deadline().is_some_and(|at| at <= now) {
                self.wrong.push(format!("client {number} has a deadline in the past"));
            }
        }
        while let Some(datagram) = client.machine.poll_transmit(now) {
            if datagram.len() > self.plan.clients[number].options.limits.datagram {
                self.wrong.push(format!("a datagram of {} octets", datagram.len()));
            }
            client.to_server.send(now, datagram);
        }
        while let Some(event) = self.clients[number].machine.poll_event(now) {
            self.note(|| format!("client {number}: {event:?}"));
            self.on_client_event(now, number, event);
        }
    }

    fn on_client_event(&mut self, now: Instant, number: usize, event: ClientEvent) {
        let client = &mut self.clients[number];
        let Some(&call) = client.ids.get(&event.id()) else {
            return self.complain(format!("{event:?} of no call"));
        };
        let plan = self.plan.clients[number].calls[call];
        let state = &mut client.calls[call];
        let is_call = matches!(plan.what, What::Call(_));
        if let Some(before) = &state.ending {
            let before = before.clone();
            return self.complain(format!("{number}.{call} ended with {before:?} and {event:?}"));
        }
        let late = state.deadline.is_none_or(|deadline| now > deadline + self.plan.lag);
        let early = state.deadline.is_none_or(|deadline| now < deadline);
        let (ending, fits) = match event {
            ClientEvent::Response { payload: got, .. } => {
                let short = plan.what == What::Call(Handling::TooLong);
                let sent = payload(number, call, &plan);
                let wanted = turned(if short { &sent[..HEAD] } else { &sent });
                (Ending::Answered, is_call && got == wanted)
            }
            ClientEvent::Alive { .. } => (Ending::Alive, plan.what == What::Heartbeat),
            ClientEvent::Failed { code, text, .. } => {
                let fits = self.is_a_failure_that_fits(&plan, number, code, &text);
                (Ending::Failed(code, text), fits)
            }
            ClientEvent::TimedOut { sends, .. } => {
                let none = plan.timeout == Some(Duration::ZERO);
                (Ending::TimedOut, !early && (sends > 0 || none))
            }
            _ => return self.complain("an event that nobody knows"),
        };
        self.clients[number].calls[call].ending = Some(ending.clone());
        if !fits || late {
            self.complain(format!("{number}.{call} must not end with {ending:?} (late: {late})"));
        }
    }

    fn is_a_failure_that_fits(&self, plan: &CallPlan, client: usize, code: ErrorCode, text: &str) -> bool {
        let What::Call(handling) = plan.what else { return false };
        let refused = |text: &str| match text {
            "too many requests" => !self.plan.is_roomy,
            "shutting down" => self.plan.shut_down_at.is_some(),
            _ => false,
        };
        let own = handling == Handling::Fail && text == "no";
        if self.plan.clients[client].is_base() {
            return own || refused(text);
        }
        match code {
            ErrorCode::APPLICATION => own,
            ErrorCode::REFUSED => refused(text),
            // The server's clock never runs out before the client's.
            _ => false,
        }
    }

    fn run_server(&mut self, now: Instant) {
        for number in 0..self.clients.len() {
            while let Some(datagram) = self.clients[number].to_server.receive(now) {
                self.server.receive(now, number, datagram);
            }
        }
        if self.server.deadline().is_some_and(|at| at + self.plan.lag <= now) {
            self.server.on_deadline(now);
            if self.server.deadline().is_some_and(|at| at <= now) {
                self.complain("the server has a deadline in the past");
            }
        }
        // A server that rests may have seen its socket, and not yet what came of that.
        let is_late = !self.plan.rests.is_zero() && self.rng.percent(50);
        while !is_late && let Some(event) = self.server.poll_event(now) {
            self.note(|| format!("server: {event:?}"));
            self.on_server_event(now, event);
        }
        self.flush();
        let (stats, limits) = (self.server.stats(), &self.plan.server.limits);
        if stats.under_way > limits.requests as usize
            || stats.kept > limits.cached
            || stats.kept_octets > limits.cached_octets
        {
            self.complain(format!("a limit was passed: {stats:?}"));
        }
    }

    fn flush(&mut self) {
        let now = self.clock.now();
        while let Some(transmit) = self.server.poll_transmit(now) {
            if transmit.datagram.len() > self.plan.server.limits.datagram {
                self.complain(format!("the server sends {} octets", transmit.datagram.len()));
            }
            match self.clients.get_mut(transmit.to) {
                Some(client) => client.to_client.send(now, transmit.datagram),
                None => *self.answers_to_noise.entry(transmit.to).or_insert(0) += transmit.datagram.len(),
            }
        }
    }

    fn on_server_event(&mut self, now: Instant, event: ServerEvent<usize>) {
        let (id, from, payload) = match event {
            ServerEvent::Cancelled { id } => {
                if self.open.remove(&id).is_none() {
                    self.complain(format!("{id:?} was cancelled and is not open"));
                }
                return;
            }
            ServerEvent::Message { from, payload } => {
                if from < NOISE && read(&payload).is_none_or(|(client, ..)| client != from) {
                    self.complain("a message that nobody sent");
                }
                return;
            }
            ServerEvent::Request { id, from, payload, .. } => (id, from, payload),
            _ => return self.complain("an event that nobody knows"),
        };
        if from >= NOISE {
            self.server.fail(now, id, ErrorCode::APPLICATION, "noise");
            self.answers_to_noise.remove(&from);
            return;
        }
        let Some((client, call, Some(handling))) = read(&payload) else {
            return self.complain("a request that nobody sent");
        };
        let plan = &self.plan.clients[client];
        self.clients[client].calls[call].runs += 1;
        let again = self.clients[client].calls[call].runs > 1;
        if client != from || (again && !plan.is_base() && self.plan.cache_suffices) {
            return self.complain(format!("{client}.{call} was handled again, or mixed up"));
        }
        self.open.insert(id, payload.clone());
        let answer = turned(&payload);
        match handling {
            Handling::Answer => self.act(now, Action::Answer(id, answer)),
            Handling::Late(wait) => {
                self.actions.push(now + Duration::from_millis(wait.into()), Action::Answer(id, answer));
            }
            Handling::Never => {}
            Handling::Fail => {
                self.answer(id, |server| server.fail(now, id, ErrorCode::APPLICATION, "no"));
            }
            Handling::TooLong => {
                // Nothing happens where the deadline is over.
                let sent = self.server.respond(now, id, vec![1; 2000].into());
                if !matches!(sent, Ok(()) | Err(SendError::TooLong { limit: 1200, .. })) {
                    self.complain(format!("{sent:?}"));
                }
                self.act(now, Action::Answer(id, answer.slice(..HEAD)));
            }
        }
    }

    /// Whatever is left is what nobody ever answers.
    fn end(&mut self) {
        let now = self.clock.now();
        for (id, payload) in std::mem::take(&mut self.open) {
            if !matches!(read(&payload), Some((.., Some(Handling::Never)))) {
                self.complain(format!("{id:?} is open still"));
            }
            self.server.fail(now, id, ErrorCode::CLOSED, "");
        }
        while self.server.poll_event(now).is_some() {
            self.complain("an event at the end");
        }
        self.flush();
        let at = now + self.plan.server.keep;
        self.server.on_deadline(at);
        let stats = self.server.stats();
        let left = [
            stats.under_way,
            stats.addresses,
            stats.events,
            stats.kept,
            stats.kept_octets,
            stats.output,
            usize::from(!self.server.is_idle()),
        ];
        if left.iter().any(|count| *count != 0) || self.server.deadline().is_some() {
            self.complain(format!("the server keeps something: {stats:?}"));
        }
        for number in 0..self.clients.len() {
            let machine = &self.clients[number].machine;
            let stats = machine.stats();
            if !machine.is_idle() || stats.under_way + stats.events + stats.waiting != 0 {
                self.complain(format!("client {number} keeps something: {stats:?}"));
            }
            if stats.sent != self.clients[number].to_server.counts().sent {
                self.complain(format!("client {number} has sent something else: {stats:?}"));
            }
        }
        for (address, octets) in std::mem::take(&mut self.answers_to_noise) {
            let noise = &self.plan.noise[address - NOISE].1;
            let is_error = noise.get(1) == Some(&4);
            if octets > noise.len().max(64) || is_error {
                self.complain(format!("{octets} octets for {noise:?}"));
            }
        }
    }

    fn complain(&mut self, what: impl Into<String>) {
        let at = self.clock.elapsed();
        self.wrong.push(format!("{at:?}: {}", what.into()));
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let at = self.clock.now().saturating_duration_since(self.start);
            trace.push_str(&format!("{:>10.6}  {}\n", at.as_secs_f64(), what()));
        }
    }
}

fn turned(octets: &[u8]) -> Bytes {
    octets.iter().map(|octet| !octet).collect()
}
