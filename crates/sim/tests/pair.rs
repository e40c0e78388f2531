//! A toy protocol in the simulator: lines that the server sends back in capitals.

use std::time::{Duration, Instant};

use bytes::{Buf as _, BytesMut};
use wirelace_sim::{
    Cut, End, Outcome, Pair, PairSettings, Peer, Rng, Side, Step, StreamSettings, What, every_split, feed,
};
use wirelace_wire::{Machine, Output};

/// Lines in, lines out; a line may be cut short by a timer.
struct Lines {
    output: Output,
    closed: bool,
    finished: bool,
    patience: Option<Duration>,
    deadline: Option<Instant>,
    /// Wrong on purpose: says what it was fed instead of lines.
    careless: bool,
}

#[derive(Debug, PartialEq)]
enum Event {
    Line(Vec<u8>),
    TimedOut,
    End,
}

#[derive(Debug, PartialEq)]
struct CutShort(usize);

impl Lines {
    fn new() -> Lines {
        Lines {
            output: Output::new(1 << 16),
            closed: false,
            finished: false,
            patience: None,
            deadline: None,
            careless: false,
        }
    }

    fn send(&mut self, line: &[u8]) {
        self.output.put_slice(line);
        self.output.put_slice(b"\n");
    }
}

impl Machine for Lines {
    type Event = Event;
    type Error = CutShort;

    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Event>, CutShort> {
        if self.deadline.is_some_and(|at| at <= now) {
            self.deadline = None;
            return Ok(Some(Event::TimedOut));
        }
        if let Some(end) = input.iter().position(|&byte| byte == b'\n') {
            let line = input.split_to(end).to_vec();
            input.advance(1);
            self.deadline = self.patience.map(|patience| now + patience);
            return Ok(Some(Event::Line(line)));
        }
        if self.careless && !input.is_empty() {
            return Ok(Some(Event::Line(input.split().to_vec())));
        }
        if !self.closed || self.finished {
            return Ok(None);
        }
        self.finished = true;
        self.deadline = None;
        if input.is_empty() { Ok(Some(Event::End)) } else { Err(CutShort(input.len())) }
    }

    fn input_closed(&mut self, _: Instant) {
        self.closed = true;
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn on_deadline(&mut self, _: Instant) {}

    fn wants_input(&self) -> bool {
        self.output.room() > 0
    }

    fn is_finished(&self) -> bool {
        self.finished
    }
}

struct Client {
    machine: Lines,
    ask: Vec<Vec<u8>>,
    asked: usize,
    answers: Vec<Vec<u8>>,
    error: Option<CutShort>,
    was_reset: bool,
}

impl Peer for Client {
    type Machine = Lines;

    fn machine(&mut self) -> &mut Lines {
        &mut self.machine
    }

    fn on_event(&mut self, _: Instant, event: Event) {
        if let Event::Line(line) = event {
            self.answers.push(line);
        }
    }

    fn on_error(&mut self, _: Instant, error: CutShort) {
        self.error = Some(error);
    }

    fn on_reset(&mut self, _: Instant) {
        self.was_reset = true;
    }

    fn act(&mut self, _: Instant) -> bool {
        let Some(line) = self.ask.get(self.asked) else { return false };
        self.machine.send(line);
        self.asked += 1;
        true
    }

    fn wants_half_close(&self) -> bool {
        self.asked == self.ask.len()
    }

    fn is_done(&self) -> bool {
        self.answers.len() == self.ask.len()
    }

    fn describe_event(event: &Event) -> String {
        format!("{event:?}")
    }
}

#[derive(Default)]
struct Server {
    machine: Option<Lines>,
    waiting: Vec<(Instant, Vec<u8>)>,
    thinking: Duration,
    mute: bool,
    timed_out: usize,
    errors: usize,
}

impl Peer for Server {
    type Machine = Lines;

    fn machine(&mut self) -> &mut Lines {
        self.machine.get_or_insert_with(Lines::new)
    }

    fn on_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Line(line) => self.waiting.push((now + self.thinking, line.to_ascii_uppercase())),
            Event::TimedOut => self.timed_out += 1,
            Event::End => {}
        }
    }

    fn on_error(&mut self, _: Instant, _: CutShort) {
        self.errors += 1;
    }

    fn act(&mut self, now: Instant) -> bool {
        if self.mute || self.wakes_at().is_none_or(|at| at > now) {
            return false;
        }
        let (_, line) = self.waiting.remove(0);
        self.machine().send(&line);
        true
    }

    fn wakes_at(&self) -> Option<Instant> {
        self.waiting.first().map(|(at, _)| *at)
    }

    fn is_done(&self) -> bool {
        true
    }
}

fn client(seed: u64, lines: usize) -> Client {
    let mut rng = Rng::new(seed);
    let ask = (0..lines).map(|_| (0..rng.below(200)).map(|_| b'a' + rng.below(26) as u8).collect()).collect();
    Client { machine: Lines::new(), ask, asked: 0, answers: Vec::new(), error: None, was_reset: false }
}

fn run(seed: u64, settings: PairSettings) -> (Outcome, Pair<Client, Server>) {
    let mut pair = Pair::new(seed, settings, |_| (client(seed, 20), Server::default()));
    let outcome = pair.run();
    (outcome, pair)
}

#[test]
fn every_answer_comes_in_order() {
    for seed in 0..200 {
        let (outcome, mut pair) = run(seed, PairSettings::default());
        // The server finishes at the half-close; the client when the server is closed.
        let asked = pair.client().ask.iter().map(|line| line.to_ascii_uppercase()).collect::<Vec<_>>();
        assert_eq!(
            (outcome.end, std::mem::take(&mut pair.client().answers)),
            (End::Closed, asked),
            "seed {seed}\n{}",
            pair.trace()
        );
    }
}

#[test]
fn the_same_seed_runs_the_same() {
    let fingerprints: Vec<_> = (0..50).map(|seed| run(seed, PairSettings::default()).0).collect();
    let again: Vec<_> = (0..50).map(|seed| run(seed, PairSettings::default()).0).collect();
    assert_eq!(fingerprints, again);
    assert!(fingerprints.iter().skip(1).all(|other| other.fingerprint != fingerprints[0].fingerprint));
    let trace = |seed| run(seed, PairSettings::default()).1.trace().to_string();
    assert_eq!(trace(9), trace(9));
}

#[test]
fn a_cut_is_seen_and_ends_the_run() {
    for after in 0..300 {
        let mut settings = PairSettings::default();
        settings.to_client.cut = Some(Cut::eof(after));
        let (outcome, mut pair) = run(3, settings);
        assert_eq!(outcome.end, End::Closed, "cut at {after}\n{}", pair.trace());
        let received = pair.client().answers.iter().map(|line| line.len() as u64 + 1).sum::<u64>();
        let left = pair.client().error.as_ref().map_or(0, |error| error.0 as u64);
        assert_eq!(received + left, after);
    }
}

#[test]
fn a_reset_reaches_both_sides() {
    let mut settings = PairSettings::default();
    settings.to_server.cut = Some(Cut::reset(50));
    let (outcome, mut pair) = run(4, settings);
    assert_eq!(outcome.end, End::Closed);
    assert!(pair.client().was_reset && !pair.client().is_done());
    assert!(pair.trace().entries().any(|entry| entry.side == Side::Server && entry.what == What::Reset));
}

#[test]
fn a_silent_server_is_a_hang() {
    let mut pair = Pair::new(1, PairSettings::default(), |_| {
        let mut client = client(1, 3);
        client.asked = 0;
        (KeepsOpen(client), Server { mute: true, ..Server::default() })
    });
    assert_eq!(pair.run().end, End::Hang, "{}", pair.trace());
}

#[test]
fn idle_and_satisfied_is_quiet() {
    let mut pair = Pair::new(1, PairSettings::default(), |_| (KeepsOpen(client(1, 3)), Server::default()));
    assert_eq!(pair.run().end, End::Quiet, "{}", pair.trace());
}

#[test]
fn handlers_and_timers_fire_in_virtual_time() {
    let mut pair = Pair::new(1, PairSettings::default(), |_| {
        let mut machine = Lines::new();
        machine.patience = Some(Duration::from_secs(3600));
        let thinking = Duration::from_secs(60);
        (KeepsOpen(client(1, 3)), Server { machine: Some(machine), thinking, ..Server::default() })
    });
    let outcome = pair.run();
    assert_eq!((outcome.end, pair.server().timed_out, pair.client().0.is_done()), (End::Quiet, 1, true));
    assert!(outcome.elapsed >= Duration::from_secs(3600), "{outcome:?}");
}

#[test]
fn nobody_reads_is_a_hang_too() {
    // Both outputs and both windows full, nobody wants input: the classic deadlock.
    let mut settings = PairSettings::default();
    settings.to_server.window = 1;
    settings.to_client.window = 1;
    let mut pair = Pair::new(1, settings, |_| {
        let mut client = KeepsOpen(client(1, 50));
        client.0.machine.output = Output::new(1);
        let mut machine = Lines::new();
        machine.output = Output::new(1);
        (client, Server { machine: Some(machine), ..Server::default() })
    });
    pair.server().machine().send(b"greeting");
    assert_eq!(pair.run().end, End::Hang);
}

/// A client that never closes its half.
struct KeepsOpen(Client);

impl Peer for KeepsOpen {
    type Machine = Lines;

    fn machine(&mut self) -> &mut Lines {
        self.0.machine()
    }

    fn on_event(&mut self, now: Instant, event: Event) {
        self.0.on_event(now, event);
    }

    fn on_error(&mut self, now: Instant, error: CutShort) {
        self.0.on_error(now, error);
    }

    fn act(&mut self, now: Instant) -> bool {
        self.0.act(now)
    }

    fn is_done(&self) -> bool {
        self.0.is_done()
    }
}

type Record = Vec<Result<Event, CutShort>>;

fn record(_: &mut Lines, record: &mut Record, step: Step<'_, Event, CutShort>) {
    match step {
        Step::Event(event) => record.push(Ok(event)),
        Step::Error(error) => record.push(Err(error)),
        Step::Output(_) | Step::End => {}
    }
}

#[test]
fn splits_do_not_matter_to_a_sound_machine() {
    let events = every_split(b"one\ntwo\nthree", true, Lines::new, record);
    assert_eq!(events, [Ok(Event::Line(b"one".into())), Ok(Event::Line(b"two".into())), Err(CutShort(5))]);
}

#[test]
#[should_panic(expected = "split at 1")]
fn splits_find_a_careless_machine() {
    every_split(b"one\ntwo\n", true, || Lines { careless: true, ..Lines::new() }, record);
}

#[test]
fn the_collector_can_answer() {
    let mut machine = Lines::new();
    let written: Vec<u8> = feed(
        &mut machine,
        [&b"one\ntw"[..], b"o\n"],
        false,
        |machine, written: &mut Vec<u8>, step| match step {
            Step::Event(Event::Line(line)) => machine.send(&line),
            Step::Output(bytes) => written.extend(bytes),
            _ => {}
        },
    );
    assert_eq!(written, b"one\ntwo\n");
}

#[test]
fn a_tiny_window_only_slows_down() {
    let tiny = StreamSettings { window: 1, single_bytes: 100, ..StreamSettings::default() };
    let (outcome, mut pair) =
        run(8, PairSettings { to_client: tiny.clone(), to_server: tiny, ..PairSettings::default() });
    assert_eq!((outcome.end, pair.client().is_done()), (End::Closed, true), "{}", pair.trace());
}
