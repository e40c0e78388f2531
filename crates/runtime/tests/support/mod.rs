//! A machine of lines, an application that answers them, and a transport that counts.
#![allow(dead_code, unreachable_pub)]

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use wirelace_runtime::{Application, Outcome, Step};
use wirelace_wire::{Machine, Output};

/// Every line is an event.
pub struct Lines {
    pub output: Output,
    pub finished: bool,
    pub output_finished: bool,
    input_closed: bool,
    /// Output waits since then.
    stalled: Option<Instant>,
    failed: bool,
}

/// The peer takes no output.
#[derive(Debug, PartialEq)]
pub struct Stalled;

/// How long a peer may take no output.
pub const STALL: Duration = Duration::from_secs(60);

impl Lines {
    pub fn new(limit: usize) -> Lines {
        Lines {
            output: Output::new(limit),
            finished: false,
            output_finished: false,
            input_closed: false,
            stalled: None,
            failed: false,
        }
    }
}

impl Machine for Lines {
    type Event = Bytes;
    type Error = Stalled;

    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Bytes>, Stalled> {
        if self.failed {
            self.output.clear();
            self.output.put_slice(b"stalled");
            return Err(Stalled);
        }
        // Each line becomes output, so a full output is this machine's reason to take no more.
        let line = input.iter().position(|byte| *byte == b'\n').filter(|_| self.output.room() > 0);
        let Some(end) = line else {
            if !self.output.is_empty() && self.stalled.is_none() {
                self.stalled = Some(now);
            }
            return Ok(None);
        };
        let mut line = input.split_to(end + 1).freeze();
        line.truncate(end);
        Ok(Some(line))
    }

    fn input_closed(&mut self, _: Instant) {
        self.input_closed = true;
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn deadline(&self) -> Option<Instant> {
        self.stalled.filter(|_| !self.failed).map(|since| since + STALL)
    }

    fn on_deadline(&mut self, now: Instant) {
        self.failed |= self.deadline().is_some_and(|deadline| deadline <= now);
    }

    fn wants_input(&self) -> bool {
        !self.finished && self.output.room() > 0
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn is_output_finished(&self) -> bool {
        self.finished || self.output_finished
    }

    fn output_progress(&mut self, now: Instant) {
        self.stalled = (!self.output.is_empty()).then_some(now);
    }
}

/// What the application saw.
#[derive(Debug, PartialEq)]
pub enum Seen {
    Line(String),
    ShutDown,
    Closed(&'static str),
}

/// Answers every line with itself; some have a meaning.
pub struct App {
    log: UnboundedSender<Seen>,
    /// Spurious steps to make.
    busy: bool,
}

impl App {
    pub fn new() -> (App, UnboundedReceiver<Seen>) {
        let (log, seen) = unbounded_channel();
        (App { log, busy: false }, seen)
    }
}

impl Application<Lines> for App {
    fn on_event(&mut self, _: &mut Context<'_>, machine: &mut Lines, line: Bytes, _: Instant) {
        match &line[..] {
            b"quit" => machine.finished = true,
            b"last" => machine.output_finished = true,
            b"large" => machine.output.put(Bytes::from(vec![b'x'; 100_000])),
            b"silent" => {}
            b"abort" => self.busy = true,
            _ => {
                machine.output.put_slice(&line);
                machine.output.put_slice(b"\n");
            }
        }
        let _ = self.log.send(Seen::Line(String::from_utf8_lossy(&line).into_owned()));
    }

    fn poll(&mut self, _: &mut Context<'_>, _: &mut Lines, _: Instant) -> Step {
        if self.busy { Step::Abort } else { Step::Wait }
    }

    fn shut_down(&mut self, machine: &mut Lines, _: Instant) {
        machine.finished = true;
        let _ = self.log.send(Seen::ShutDown);
    }

    fn on_close(&mut self, outcome: Outcome<Stalled>) {
        let _ = self.log.send(Seen::Closed(match outcome {
            Outcome::Finished => "finished",
            Outcome::Protocol(Stalled) => "stalled",
            Outcome::PeerClosed => "peer closed",
            Outcome::Io(_) => "io",
            Outcome::Aborted => "aborted",
            _ => "other",
        }));
    }
}

/// Counts the writes.
pub struct Counting<IO> {
    pub io: IO,
    pub writes: Arc<AtomicUsize>,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Counting<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Counting<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let all: Vec<u8> = bufs.iter().flat_map(|slice| slice.iter().copied()).collect();
        Pin::new(&mut self.io).poll_write(cx, &all)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
