//! Each deadline of a server, in virtual time: slow heads, bodies and readers, and idle connections.

mod support;

use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::StatusCode;
use support::{Seen, Serve, answer, serve};
use wirelace_http_semantics::{Reason, StreamId};
use wirelace_http1::{Error, Limits, ServerConnection, Timeouts};
use wirelace_sim::Step;
use wirelace_wire::Machine as _;

const HEAD: &str = "GET / HTTP/1.1\r\nHost: a\r\n";

struct Timed {
    machine: ServerConnection,
    input: BytesMut,
    start: Instant,
    now: Instant,
    seen: Seen,
}

impl Timed {
    fn new(limits: Limits) -> Timed {
        let start = Instant::now();
        let machine = ServerConnection::new(limits, start);
        let mut timed = Timed { machine, input: BytesMut::new(), start, now: start, seen: Seen::default() };
        timed.poll();
        timed
    }

    fn poll(&mut self) {
        while self.seen.error.is_none() {
            match self.machine.poll_event(self.now, &mut self.input) {
                Ok(Some(event)) => {
                    serve(&mut self.machine, &mut self.seen, Step::Event(event), Serve::Complete)
                }
                Ok(None) => break,
                Err(error) => serve(&mut self.machine, &mut self.seen, Step::Error(error), Serve::Complete),
            }
        }
    }

    fn receive(&mut self, bytes: &str) {
        self.input.extend_from_slice(bytes.as_bytes());
        self.poll();
    }

    /// Lets time pass, firing timers when they are due.
    fn pass(&mut self, seconds: f64) {
        let until = self.now + Duration::from_secs_f64(seconds);
        while let Some(at) = self.machine.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.machine.on_deadline(self.now);
            self.poll();
            if self.over() {
                return;
            }
            assert!(self.machine.deadline().is_none_or(|next| next > at), "a timer that fires for ever");
        }
        self.now = until;
    }

    /// The transport takes the output.
    fn write(&mut self) {
        let output: Vec<u8> = self.machine.output().chunks().flatten().copied().collect();
        self.machine.output().clear();
        self.machine.output_progress(self.now);
        self.seen.output.push_str(&String::from_utf8_lossy(&output));
        self.poll();
    }

    fn over(&self) -> bool {
        self.seen.error.is_some() || self.machine.is_finished()
    }

    fn elapsed(&self) -> f64 {
        (self.now - self.start).as_secs_f64()
    }
}

#[test]
fn slow_heads() {
    // One byte a second never gets there.
    let mut timed = Timed::new(Limits::default());
    for byte in HEAD.chars().chain(std::iter::repeat('x')) {
        timed.receive(&byte.to_string());
        timed.pass(1.0);
        if timed.over() {
            break;
        }
    }
    timed.write();
    assert_eq!((timed.seen.error, timed.elapsed()), (Some(Error::HeadTimeout), 30.0));
    assert_eq!(timed.seen.statuses(), [408]);
    // Nothing at all: closed without a word.
    let mut timed = Timed::new(Limits::default());
    timed.pass(1000.0);
    timed.write();
    assert_eq!((timed.over(), timed.elapsed(), &*timed.seen.output), (true, 30.0, ""));
    // The clock of the second head starts with its first byte.
    let mut timed = Timed::new(Limits::default());
    timed.receive(&format!("{HEAD}\r\n"));
    timed.write();
    timed.pass(60.0);
    assert!(!timed.over());
    timed.receive("GET");
    timed.pass(29.0);
    assert!(!timed.over());
    timed.pass(2.0);
    assert_eq!((timed.seen.error, timed.elapsed()), (Some(Error::HeadTimeout), 90.0));
}

#[test]
fn slow_bodies() {
    for start in ["Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n186a0\r\n"] {
        // Below the least rate.
        let mut timed = Timed::new(Limits::default());
        timed.receive(&format!("POST / HTTP/1.1\r\nHost: a\r\n{start}"));
        while !timed.over() {
            timed.receive(&"x".repeat(10));
            timed.pass(1.0);
        }
        timed.write();
        assert_eq!((timed.seen.error, timed.elapsed()), (Some(Error::BodyTimeout), 20.0), "{start}");
        assert_eq!((timed.seen.statuses(), &*timed.seen.resets), (vec![408], &[(0, Reason::Timeout)][..]));
        // Above it, as long as it takes.
        let mut timed = Timed::new(Limits::default());
        timed.receive(&format!("POST / HTTP/1.1\r\nHost: a\r\n{start}"));
        for _ in 0..999 {
            timed.receive(&"x".repeat(100));
            timed.pass(1.0);
        }
        assert!(!timed.over(), "{:?}", timed.seen.error);
    }
}

#[test]
fn slow_readers() {
    let mut timed = Timed::new(Limits::default());
    timed.receive(&format!("{HEAD}\r\n"));
    assert!(!timed.machine.output().is_empty());
    timed.pass(1000.0);
    assert_eq!((timed.seen.error, timed.elapsed()), (Some(Error::WriteTimeout), 60.0));
    assert!(timed.machine.output().is_empty(), "nothing is kept for a peer that is gone");
    // A byte now and then is a sign of life.
    let mut timed = Timed::new(Limits::default());
    timed.receive(&format!("{HEAD}\r\n"));
    while timed.machine.output().len() > 1 {
        timed.machine.output().advance(1);
        timed.machine.output_progress(timed.now);
        timed.pass(59.0);
        assert!(!timed.over(), "{:?} after {}", timed.seen.error, timed.elapsed());
    }
    assert!(timed.elapsed() > 1000.0);
}

#[test]
fn idle_connections() {
    let mut timed = Timed::new(Limits::default());
    for _ in 0..5 {
        timed.receive(&format!("{HEAD}\r\n"));
        timed.write();
        timed.pass(74.0);
        assert!(!timed.over());
    }
    timed.pass(2.0);
    assert!(timed.machine.is_finished());
    assert_eq!((timed.seen.error, timed.elapsed()), (None, 4.0 * 74.0 + 75.0));
    assert_eq!(timed.seen.statuses(), [200; 5]);
}

#[test]
fn a_thinking_application_is_no_ones_timeout() {
    let mut machine = ServerConnection::new(Limits::default(), Instant::now());
    let mut input = BytesMut::from(&*format!("{HEAD}\r\n"));
    let now = Instant::now();
    assert!(machine.poll_event(now, &mut input).expect("no error").is_some());
    assert!(machine.poll_event(now, &mut input).expect("no error").is_none());
    assert_eq!(machine.deadline(), None);
    // Nor is a client that waits for 100 (Continue).
    let mut machine = ServerConnection::new(Limits::default(), Instant::now());
    let mut input =
        BytesMut::from("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    while machine.poll_event(now, &mut input).expect("no error").is_some() {}
    assert_eq!(machine.deadline(), None);
    assert!(machine.expects_continue(StreamId(0)));
    answer(&mut machine, StreamId(0), StatusCode::CONTINUE, true);
    machine.output().clear();
    assert!(machine.poll_event(now, &mut input).expect("no error").is_none());
    assert!(machine.deadline().is_some(), "now it has to come");
}

#[test]
fn timeouts_can_be_switched_off() {
    let none = Timeouts { head: None, idle: None, body: None, write: None, ..Timeouts::default() };
    let mut timed = Timed::new(Limits { timeouts: none, ..Limits::default() });
    for input in ["GE", "T / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "he", "llo", "GET"] {
        timed.receive(input);
        assert_eq!(timed.machine.deadline(), None, "{input}");
    }
}
