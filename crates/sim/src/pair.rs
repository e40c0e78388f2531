//! Two machines against each other.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use wirelace_wire::Machine;

use crate::clock::Clock;
use crate::peer::Peer;
use crate::rng::Rng;
use crate::stream_link::{Delivery, StreamLink, StreamSettings};
use crate::trace::{Side, Trace, TraceEntry, What};

/// How a [`Pair`] is run.
#[derive(Debug, Clone)]
pub struct PairSettings {
    /// The link from client to server.
    pub to_server: StreamSettings,
    /// The link from server to client.
    pub to_client: StreamSettings,
    /// The client's driver neither reads nor polls while the output has no room. Together with
    /// [`server_output_first`](Self::server_output_first) this can deadlock, as two such drivers do on a network.
    pub client_output_first: bool,
    /// The server's driver neither reads nor polls while the output has no room, so that what answers one batch
    /// of input is bounded.
    pub server_output_first: bool,
    /// Steps after which a run counts as a livelock.
    pub max_steps: u64,
    /// Steps that the trace remembers; 0 also leaves out the texts of events.
    pub keep_steps: usize,
}

impl Default for PairSettings {
    fn default() -> PairSettings {
        PairSettings {
            to_server: StreamSettings::default(),
            to_client: StreamSettings::default(),
            client_output_first: false,
            server_output_first: false,
            max_steps: 1_000_000,
            keep_steps: 100,
        }
    }
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Both sides closed the connection.
    Closed,
    /// Nothing is left to happen, and both sides have all they wanted.
    Quiet,
    /// Nothing is left to happen, and somebody waits.
    Hang,
    /// Too many steps.
    Livelock,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// How long it took in virtual time.
    pub elapsed: Duration,
    /// Steps done.
    pub steps: u64,
    /// Hash of all steps; equal for equal seeds, settings and peers.
    pub fingerprint: u64,
}

/// Two peers on two links under one clock: reads, polls, lets the applications act, writes, fires timers in order
/// of time, and notices when nothing can happen any more.
#[derive(Debug)]
pub struct Pair<C, S> {
    client: Half<C>,
    server: Half<S>,
    to_server: StreamLink,
    to_client: StreamLink,
    run: Run,
}

#[derive(Debug)]
struct Run {
    max_steps: u64,
    clock: Clock,
    rng: Rng,
    trace: Trace,
    texts: bool,
}

#[derive(Debug)]
struct Half<P> {
    side: Side,
    output_first: bool,
    peer: P,
    input: BytesMut,
    reads: bool,
    writes: bool,
    failed: bool,
    reset: bool,
    closed: bool,
}

impl<C: Peer, S: Peer> Pair<C, S> {
    /// Connects two peers. `make` is given the start of the clock, which machines may want.
    pub fn new(seed: u64, settings: PairSettings, make: impl FnOnce(Instant) -> (C, S)) -> Pair<C, S> {
        let clock = Clock::new();
        let now = clock.now();
        let (client, server) = make(now);
        let mut rng = Rng::new(seed);
        Pair {
            client: Half::new(Side::Client, client, settings.client_output_first),
            server: Half::new(Side::Server, server, settings.server_output_first),
            to_server: StreamLink::new(rng.next_u64(), settings.to_server, now),
            to_client: StreamLink::new(rng.next_u64(), settings.to_client, now),
            run: Run {
                max_steps: settings.max_steps,
                clock,
                rng,
                trace: Trace::new(settings.keep_steps),
                texts: settings.keep_steps > 0,
            },
        }
    }

    /// Runs until nothing happens any more.
    pub fn run(&mut self) -> Outcome {
        let end = loop {
            if self.run.is_exhausted() {
                break End::Livelock;
            }
            if self.turn() {
                continue;
            }
            if self.client.closed && self.server.closed {
                break End::Closed;
            }
            match self.next_at() {
                // A time in the past made no progress just now, so it never will.
                Some(at) if at > self.run.clock.now() => self.run.clock.advance_to(at),
                _ if self.client.peer.is_done() && self.server.peer.is_done() => break End::Quiet,
                _ => break End::Hang,
            }
        };
        Outcome {
            end,
            elapsed: self.run.clock.elapsed(),
            steps: self.run.trace.steps(),
            fingerprint: self.run.trace.fingerprint(),
        }
    }

    /// The client's side.
    pub fn client(&mut self) -> &mut C {
        &mut self.client.peer
    }

    /// The server's side.
    pub fn server(&mut self) -> &mut S {
        &mut self.server.peer
    }

    /// The link from client to server.
    #[must_use]
    pub fn to_server(&self) -> &StreamLink {
        &self.to_server
    }

    /// The link from server to client.
    #[must_use]
    pub fn to_client(&self) -> &StreamLink {
        &self.to_client
    }

    /// The last steps.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.run.trace
    }

    /// Both sides once, in random order. False when neither could do anything at this time.
    fn turn(&mut self) -> bool {
        let Pair { client, server, to_server, to_client, run, .. } = self;
        if run.rng.percent(50) {
            let first = client.pump(to_client, to_server, run);
            server.pump(to_server, to_client, run) || first
        } else {
            let first = server.pump(to_server, to_client, run);
            client.pump(to_client, to_server, run) || first
        }
    }

    fn next_at(&mut self) -> Option<Instant> {
        let now = self.run.clock.now();
        let client = self.client.next_at(&self.to_client, now);
        let server = self.server.next_at(&self.to_server, now);
        client.into_iter().chain(server).min()
    }
}

impl Run {
    fn is_exhausted(&self) -> bool {
        self.trace.steps() > self.max_steps
    }
}

impl<P: Peer> Half<P> {
    fn new(side: Side, peer: P, output_first: bool) -> Half<P> {
        Half {
            side,
            output_first,
            peer,
            input: BytesMut::new(),
            reads: true,
            writes: true,
            failed: false,
            reset: false,
            closed: false,
        }
    }

    /// What a driver does when it is woken.
    fn pump(&mut self, inbound: &mut StreamLink, outbound: &mut StreamLink, run: &mut Run) -> bool {
        if self.closed {
            return false;
        }
        let now = run.clock.now();
        let mut progress = false;
        if self.peer.machine().deadline().is_some_and(|at| at <= now) {
            self.peer.machine().on_deadline(now);
            self.note(run, What::Deadline);
            self.poll_once(run);
            progress = true;
        }
        progress |= self.read(inbound, outbound, run);
        progress |= self.poll(run);
        // After a failure the application has nothing to say any more.
        while !self.failed && !self.reset && self.peer.act(now) {
            self.note(run, What::Acted);
            progress = true;
            self.poll(run);
            if run.is_exhausted() {
                break;
            }
        }
        progress |= self.write(outbound, run);
        progress |= self.close(inbound, outbound, run);
        progress
    }

    fn read(&mut self, inbound: &mut StreamLink, outbound: &mut StreamLink, run: &mut Run) -> bool {
        let now = run.clock.now();
        if !self.may_read() {
            return false;
        }
        match inbound.read(now, &mut self.input) {
            Delivery::Nothing => return false,
            Delivery::Bytes(len) => self.note(run, What::Read(len)),
            Delivery::Eof => {
                self.reads = false;
                self.note(run, What::InputClosed);
                self.peer.machine().input_closed(now);
            }
            Delivery::Reset => self.reset(outbound, run),
        }
        true
    }

    fn reset(&mut self, outbound: &mut StreamLink, run: &mut Run) {
        let now = run.clock.now();
        self.note(run, What::Reset);
        self.reads = false;
        self.writes = false;
        self.reset = true;
        outbound.reset(now);
        self.peer.on_reset(now);
    }

    fn is_held_up(&mut self) -> bool {
        self.output_first && self.peer.machine().output().room() == 0
    }

    fn may_read(&mut self) -> bool {
        self.reads && !self.failed && self.peer.machine().wants_input() && !self.is_held_up()
    }

    fn poll(&mut self, run: &mut Run) -> bool {
        let mut progress = false;
        while !self.is_held_up() && !run.is_exhausted() && self.poll_once(run) {
            progress = true;
        }
        progress
    }

    fn poll_once(&mut self, run: &mut Run) -> bool {
        if self.failed || self.reset {
            return false;
        }
        let now = run.clock.now();
        match self.peer.machine().poll_event(now, &mut self.input) {
            Ok(None) => return false,
            Ok(Some(event)) => {
                let text = if run.texts { P::describe_event(&event) } else { String::new() };
                self.note(run, What::Event(text));
                self.peer.on_event(now, event);
            }
            Err(error) => {
                let text = if run.texts { P::describe_error(&error) } else { String::new() };
                self.note(run, What::Error(text));
                self.failed = true;
                self.peer.on_error(now, error);
            }
        }
        true
    }

    fn write(&mut self, outbound: &mut StreamLink, run: &mut Run) -> bool {
        let now = run.clock.now();
        let mut wrote = 0;
        while self.writes {
            let output = self.peer.machine().output();
            if output.is_empty() {
                break;
            }
            match outbound.write(now, output.first_chunk()) {
                Ok(0) => break,
                Ok(len) => {
                    output.advance(len);
                    wrote += len;
                    // Now and then, let the others have a turn between two writes.
                    if run.rng.percent(10) {
                        break;
                    }
                }
                Err(_) => self.reset(outbound, run),
            }
        }
        if !self.writes {
            self.peer.machine().output().clear();
        }
        if wrote > 0 {
            self.note(run, What::Wrote(wrote));
        }
        if wrote > 0 || self.peer.machine().output().is_empty() {
            self.peer.machine().output_progress(now);
        }
        wrote > 0
    }

    fn close(&mut self, inbound: &mut StreamLink, outbound: &mut StreamLink, run: &mut Run) -> bool {
        let now = run.clock.now();
        let machine = self.peer.machine();
        if !machine.output().is_empty() {
            return false;
        }
        if self.failed || self.reset || machine.is_finished() {
            if machine.must_reset() {
                outbound.reset(now);
            } else {
                outbound.close(now);
            }
            inbound.discard();
            self.closed = true;
            self.note(run, What::Closed);
            return true;
        }
        if self.writes && (machine.is_output_finished() || self.peer.wants_half_close()) {
            outbound.close(now);
            self.writes = false;
            self.note(run, What::HalfClosed);
            return true;
        }
        false
    }

    fn next_at(&mut self, inbound: &StreamLink, now: Instant) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let arrival = if self.may_read() { inbound.next_at() } else { None };
        let wakes = if self.failed { None } else { self.peer.wakes_at() };
        let deadline = self.peer.machine().deadline();
        [arrival, wakes, deadline].into_iter().flatten().filter(|at| *at > now).min()
    }

    fn note(&self, run: &mut Run, what: What) {
        run.trace.push(TraceEntry { at: run.clock.elapsed(), side: self.side, what });
    }
}
