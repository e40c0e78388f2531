//! The end of a connection: write what is left, then listen a while so that the peer can read it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};
use wirelace_wire::Output;

use crate::options::DriverOptions;
use crate::transport;

/// The longest wait for a silent peer while the server shuts down.
const HURRIED: Duration = Duration::from_millis(500);

/// Where closing is.
pub(crate) struct Closing {
    step: Step,
    /// When it ends, come what may.
    until: Instant,
    linger: Duration,
    discard: usize,
    peer_closed: bool,
    /// What is left is written, but an orderly end would say too much.
    reset: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Write,
    ShutDown,
    Linger,
}

impl Closing {
    pub(crate) fn new(options: &DriverOptions, now: Instant, peer_closed: bool, reset: bool) -> Closing {
        Closing {
            step: Step::Write,
            until: now + options.linger,
            linger: options.linger,
            discard: options.linger_bytes,
            peer_closed,
            reset,
        }
    }

    /// The deadline to wake up at.
    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    /// The server shuts down: the peer is not listened to for long.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.linger = self.linger.min(HURRIED);
        if self.step == Step::Linger {
            self.until = self.until.min(now + self.linger);
        }
    }

    /// Goes on; ready when the transport can be dropped.
    pub(crate) fn poll<IO: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
        output: &mut Output,
        options: &DriverOptions,
        now: Instant,
    ) -> Poll<()> {
        if now >= self.until {
            return Poll::Ready(());
        }
        if self.step == Step::Write {
            match transport::write(io, output, cx) {
                Err(_) => return Poll::Ready(()),
                Ok(0) => {}
                Ok(_) => self.until = now + options.linger,
            }
            if !output.is_empty() {
                return Poll::Pending;
            }
            if self.reset {
                return Poll::Ready(());
            }
            self.step = Step::ShutDown;
        }
        if self.step == Step::ShutDown {
            // Flushes what the transport itself holds back, too.
            if ready!(Pin::new(&mut *io).poll_shutdown(cx)).is_err() || self.peer_closed {
                return Poll::Ready(());
            }
            self.until = now + self.linger;
            self.step = Step::Linger;
        }
        // A fresh buffer from the pool each time it wakes up: lingering connections hold none.
        let mut waste = BytesMut::new();
        loop {
            waste.clear();
            match ready!(transport::read(io, &mut waste, cx)) {
                Ok(read) if read > 0 && read <= self.discard => self.discard -= read,
                _ => return Poll::Ready(()),
            }
        }
    }
}
