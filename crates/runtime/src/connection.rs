//! The driver: one task that runs one machine over one byte stream.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};
use wirelace_wire::Machine;

use crate::application::{Application, Outcome, Step};
use crate::closing::Closing;
use crate::options::DriverOptions;
use crate::pool;
use crate::timer::{Timer, clock};
use crate::tracker::{Stage, Tracked};
use crate::transport;

/// Rounds of read, work and write after which other tasks get their turn.
const ROUNDS: usize = 8;

/// Reads of one round, each of a whole buffer.
const READS: usize = 4;

/// A connection, to be awaited or spawned: runs until the machine has finished, the transport is lost or the
/// tracker says so. It must run within a tokio runtime that has timers.
///
/// A round reads once (more often what fills its buffer), gives the application all events and all the time it
/// wants, and writes once: a batch of requests is answered by one write.
#[must_use = "a connection does nothing unless it is polled"]
pub struct Connection<IO, M: Machine, A> {
    io: IO,
    machine: M,
    application: A,
    input: BytesMut,
    timer: Timer,
    /// The task, for the timer and the tracker.
    waker: Option<Waker>,
    tracked: Option<Tracked>,
    /// The peer closed its side; what runs may go on until then.
    peer_closed: Option<Instant>,
    closing: Option<Closing>,
    unflushed: bool,
    /// This side's half is closed.
    output_closed: bool,
    shutting_down: bool,
    options: DriverOptions,
    reset: Option<fn(&IO)>,
}

/// What a round did.
enum Round {
    /// Something moved: try another.
    Progress,
    /// All wait.
    Quiet,
    /// The connection is over: write what is left.
    Close,
    /// The transport is lost, or to be dropped.
    Drop,
}

impl<IO, M, A> Connection<IO, M, A>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    M: Machine + Unpin,
    A: Application<M> + Unpin,
{
    /// A connection over `io`. `tracked`: what lets a [`Tracker`](crate::Tracker) end it.
    pub fn new(
        io: IO,
        machine: M,
        application: A,
        options: DriverOptions,
        tracked: Option<Tracked>,
    ) -> Connection<IO, M, A> {
        Connection {
            io,
            machine,
            application,
            input: BytesMut::new(),
            timer: Timer::default(),
            waker: None,
            tracked,
            peer_closed: None,
            closing: None,
            unflushed: false,
            output_closed: false,
            shutting_down: false,
            options,
            reset: None,
        }
    }

    /// How the transport is told that its end is to be a reset
    /// ([`Machine::must_reset`](wirelace_wire::Machine::must_reset)); it is dropped right after. Without it, it is
    /// closed as usual.
    pub fn with_reset(mut self, reset: Option<fn(&IO)>) -> Self {
        self.reset = reset;
        self
    }

    /// Starts with bytes that were read already (a protocol was told by its first bytes).
    pub fn with_input(mut self, input: BytesMut) -> Self {
        self.input = input;
        self
    }

    /// Bytes that the machine has not taken wait until it does, or the application catches up.
    fn may_read(&mut self) -> bool {
        self.peer_closed.is_none()
            && self.input.len() < self.options.max_input
            // Output that is full is no reason to stop: with such a driver at both ends, an echo would stop for
            // ever. What a machine makes of input is bounded by its own windows.
            && self.machine.wants_input()
    }

    /// Reads once, if it may; true when the read filled the buffer, so that there is likely more.
    fn read(&mut self, cx: &mut Context<'_>, now: &mut Instant, progress: &mut bool) -> Result<bool, Round> {
        if !self.may_read() {
            return Ok(false);
        }
        match transport::read(&mut self.io, &mut self.input, cx) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(read)) => {
                *now = clock();
                *progress = true;
                if read == 0 {
                    self.machine.input_closed(*now);
                    self.peer_closed = Some(*now + self.options.half_close);
                }
                Ok(read > 0 && self.input.len() == self.input.capacity())
            }
            Poll::Ready(Err(error)) => {
                self.application.on_close(Outcome::Io(error));
                Err(Round::Drop)
            }
        }
    }

    fn round(&mut self, cx: &mut Context<'_>, now: &mut Instant) -> Round {
        let mut progress = false;
        // A batch that is larger than a buffer is answered by one write, too.
        for _ in 0..READS {
            let more = match self.read(cx, now, &mut progress) {
                Ok(more) => more,
                Err(over) => return over,
            };
            match self.work(cx, *now) {
                Ok(moved) => progress |= moved,
                Err(over) => return over,
            }
            if self.machine.is_finished() {
                self.application.on_close(Outcome::Finished);
                return Round::Close;
            }
            if !more || self.machine.output().room() == 0 {
                break;
            }
        }
        match self.write(cx, *now) {
            Ok(moved) => progress |= moved,
            Err(error) => {
                self.application.on_close(Outcome::Io(error));
                return Round::Drop;
            }
        }
        if self.peer_closed.is_some_and(|until| until <= *now) {
            self.application.on_close(Outcome::PeerClosed);
            return Round::Drop;
        }
        if progress { Round::Progress } else { Round::Quiet }
    }

    /// Drains the events and lets the application work until neither has more. True when anything happened.
    fn work(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, Round> {
        let mut moved = false;
        loop {
            loop {
                match self.machine.poll_event(now, &mut self.input) {
                    Ok(None) => break,
                    Ok(Some(event)) => {
                        moved = true;
                        self.application.on_event(cx, &mut self.machine, event, now);
                    }
                    Err(error) => {
                        self.application.on_close(Outcome::Protocol(error));
                        return Err(Round::Close);
                    }
                }
            }
            match self.application.poll(cx, &mut self.machine, now) {
                Step::Wait => return Ok(moved),
                Step::Again => moved = true,
                Step::Abort => {
                    self.application.on_close(Outcome::Aborted);
                    return Err(Round::Drop);
                }
            }
            if self.machine.output().room() == 0 {
                return Ok(moved);
            }
        }
    }

    fn write(&mut self, cx: &mut Context<'_>, now: Instant) -> std::io::Result<bool> {
        let output = self.machine.output();
        let mut written = 0;
        if !output.is_empty() {
            written = transport::write(&mut self.io, output, cx)?;
            if written > 0 {
                self.unflushed = true;
                self.machine.output_progress(now);
                if let Some(until) = &mut self.peer_closed {
                    *until = now + self.options.half_close;
                }
            }
        }
        if self.unflushed {
            match Pin::new(&mut self.io).poll_flush(cx) {
                Poll::Ready(flushed) => {
                    flushed?;
                    self.unflushed = false;
                }
                Poll::Pending => return Ok(written > 0),
            }
        }
        if !self.output_closed && self.machine.is_output_finished() && self.machine.output().is_empty() {
            match Pin::new(&mut self.io).poll_shutdown(cx) {
                Poll::Ready(closed) => {
                    closed?;
                    self.output_closed = true;
                }
                Poll::Pending => {}
            }
        }
        Ok(written > 0)
    }

    /// Borrows warm buffers for the time of one poll.
    fn borrow_buffers(&mut self) {
        let output = self.machine.output();
        if output.is_empty() && output.inline().capacity() == 0 {
            output.swap_inline(&mut pool::take_write());
        }
    }

    fn return_buffers(&mut self) {
        if self.input.is_empty() && self.input.capacity() > 0 {
            pool::give_read(std::mem::take(&mut self.input));
        }
        let output = self.machine.output();
        if output.is_empty() {
            let mut spare = Vec::new();
            output.swap_inline(&mut spare);
            pool::give_write(spare);
        }
    }

    /// True when the task is another than last time, or new.
    fn meet_task(&mut self, waker: &Waker) -> bool {
        if self.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return false;
        }
        if let Some(tracked) = &self.tracked {
            tracked.register(waker);
        }
        self.waker = Some(waker.clone());
        true
    }

    /// What the tracker wants. False: drop everything.
    fn heed_stage(&mut self, now: Instant) -> bool {
        match self.tracked.as_ref().map_or(Stage::Running, Tracked::stage) {
            Stage::Running => true,
            Stage::Finishing => {
                if !std::mem::replace(&mut self.shutting_down, true) {
                    match &mut self.closing {
                        None => self.application.shut_down(&mut self.machine, now),
                        Some(closing) => closing.hurry(now),
                    }
                }
                true
            }
            Stage::Aborting => {
                if self.closing.is_none() {
                    self.application.on_close(Outcome::Aborted);
                }
                false
            }
        }
    }

    fn run(&mut self, cx: &mut Context<'_>, now: &mut Instant) -> Poll<()> {
        if self.closing.is_none() {
            self.application.woken();
            for _ in 0..ROUNDS {
                match self.round(cx, now) {
                    Round::Progress => {}
                    Round::Quiet => return Poll::Pending,
                    Round::Drop => return Poll::Ready(()),
                    Round::Close => {
                        self.input.clear();
                        let mut closing = Closing::new(
                            &self.options,
                            *now,
                            self.peer_closed.is_some(),
                            self.reset.is_some() && self.machine.must_reset(),
                        );
                        if self.shutting_down {
                            closing.hurry(*now);
                        }
                        self.closing = Some(closing);
                        break;
                    }
                }
            }
        }
        let Some(closing) = &mut self.closing else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        closing.poll(cx, &mut self.io, self.machine.output(), &self.options, *now)
    }

    /// The transport is about to be dropped.
    fn end(&mut self) {
        if let Some(reset) = self.reset
            && self.machine.must_reset()
        {
            reset(&self.io);
        }
    }

    fn expire(&mut self, now: Instant) {
        if self.closing.is_none() {
            self.machine.on_deadline(now);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.closing {
            Some(closing) => Some(closing.until()),
            None => [self.machine.deadline(), self.peer_closed].into_iter().flatten().min(),
        }
    }
}

impl<IO, M, A> Future for Connection<IO, M, A>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    M: Machine + Unpin,
    A: Application<M> + Unpin,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let fresh = this.meet_task(cx.waker());
        let mut now = clock();
        if this.timer.due(now) {
            this.expire(now);
        }
        if !this.heed_stage(now) {
            this.end();
            return Poll::Ready(());
        }
        this.borrow_buffers();
        let result = this.run(cx, &mut now);
        this.return_buffers();
        if result.is_pending() && this.timer.arm(cx, this.deadline(), now, fresh) {
            this.expire(now);
            cx.waker().wake_by_ref();
        }
        if result.is_ready() {
            this.end();
        }
        result
    }
}
