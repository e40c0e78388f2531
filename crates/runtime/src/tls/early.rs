//! A stream that is there before its handshake is complete: early data (RFC 8446 §2.3).

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Sleep, sleep_until};
use wirelace_tls_glue::HandshakeReport;

use super::stream::{TlsStream, failed};
use crate::timer::clock;
use crate::transport;

/// Plaintext that waits to be read, above which a writer reads no more.
const MAX_WAITING: usize = 64 * 1024;

const PENDING: u8 = 0;
const CONFIRMED: u8 = 1;
const FAILED: u8 = 2;

/// Tells when the handshake of a stream with early data is complete: what was read before may be a replay, of a client
/// that is not there (RFC 8446 §8, RFC 8470 §3). Clones tell the same.
#[derive(Debug, Clone)]
pub struct EarlyData {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: AtomicU8,
    deadline: Option<Instant>,
    report: OnceLock<HandshakeReport>,
    waiting: Mutex<Vec<Waker>>,
}

impl EarlyData {
    fn new(deadline: Option<Instant>) -> EarlyData {
        let (report, waiting) = (OnceLock::new(), Mutex::default());
        EarlyData { shared: Arc::new(Shared { state: AtomicU8::new(PENDING), deadline, report, waiting }) }
    }

    /// The handshake is complete: the peer is there now, and has said all that was read itself.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.shared.state.load(Ordering::Acquire) == CONFIRMED
    }

    /// What the handshake agreed on, once it is complete.
    #[must_use]
    pub fn report(&self) -> Option<&HandshakeReport> {
        self.shared.report.get()
    }

    /// Waits until the handshake is complete; false: it failed, took too long, or the stream is gone. The stream has to
    /// be read or written meanwhile.
    pub async fn confirmed(&self) -> bool {
        poll_fn(|cx| self.poll_confirmed(cx)).await
    }

    /// The same, to be polled. At the deadline of the handshake nobody is woken; who polls then is told.
    pub fn poll_confirmed(&self, cx: &mut Context<'_>) -> Poll<bool> {
        let Shared { state, deadline, waiting, .. } = &*self.shared;
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match state.load(Ordering::Acquire) {
            PENDING if deadline.is_some_and(|deadline| deadline <= clock()) => Poll::Ready(false),
            PENDING => {
                if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                    waiting.push(cx.waker().clone());
                }
                Poll::Pending
            }
            state => Poll::Ready(state == CONFIRMED),
        }
    }

    fn settle(&self, state: u8) {
        let mut waiting = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.state.store(state, Ordering::Release);
        for waker in std::mem::take(&mut *waiting) {
            waker.wake();
        }
    }
}

/// What a stream has as long as its handshake goes on.
#[derive(Debug)]
pub(super) struct Early {
    pub(super) handle: EarlyData,
    timer: Option<Pin<Box<Sleep>>>,
    /// The first flight of a client has not gone out; it should do so with what is written first.
    held: bool,
    /// Who reads and who writes, if they wait: one may take what the other waits for.
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Early {
    fn new(deadline: Option<Instant>, held: bool) -> Early {
        Early {
            held,
            handle: EarlyData::new(deadline),
            timer: deadline.map(|deadline| Box::pin(sleep_until(deadline.into()))),
            reader: None,
            writer: None,
        }
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        if !self.handle.is_confirmed() {
            self.handle.settle(FAILED);
        }
        self.wake();
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> TlsStream<IO> {
    /// The handle that tells when the handshake is complete. `None`: it is, since there was no early data, or since
    /// then.
    #[must_use]
    pub fn early(&self) -> Option<EarlyData> {
        self.early.as_ref().map(|early| early.handle.clone())
    }

    /// Whether the stream can be used although its handshake is not complete.
    pub(super) fn may_begin_early(&self) -> bool {
        self.session.is_handshaking() && self.session.room() > 0
    }

    pub(super) fn begin_early(&mut self) {
        if self.session.is_handshaking() {
            let held = !self.session.output().is_empty();
            self.early = Some(Box::new(Early::new(self.session.deadline(), held)));
        }
    }

    /// The handshake may be complete now.
    fn settle_early(&mut self) {
        if !self.session.is_handshaking()
            && let Some(early) = self.early.take()
        {
            // A session that failed is over, too.
            match self.session.report() {
                Some(report) if self.session.failure().is_none() => {
                    let _ = early.handle.shared.report.set(report.clone());
                    early.handle.settle(CONFIRMED);
                }
                _ => early.handle.settle(FAILED),
            }
        }
    }

    /// The deadline of the handshake.
    fn check_early(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let timer = self.early.as_mut().and_then(|early| early.timer.as_mut());
        if timer.is_some_and(|timer| timer.as_mut().poll(cx).is_ready()) {
            let over = self.on_deadline(cx, clock());
            self.settle_early();
            over.map_err(failed)?;
        }
        Ok(())
    }

    /// Reads during the handshake, which it goes on with.
    pub(super) fn poll_early_read(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_early(cx)?;
        if self.early.as_mut().is_some_and(|early| std::mem::take(&mut early.held)) {
            // Who reads first and writes then, in one go, is asked again.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.write_out(cx)?;
        let read = self.poll_plain(cx, out);
        if let Some(early) = &mut self.early {
            early.reader = read.is_pending().then(|| cx.waker().clone());
            if read.is_ready()
                && let Some(writer) = early.writer.take()
            {
                writer.wake();
            }
        }
        self.settle_early();
        read
    }

    /// Goes on with the handshake until something can be sent, or it is complete.
    pub(super) fn poll_early_write(&mut self, cx: &mut Context<'_>, whole: bool) -> Poll<io::Result<()>> {
        self.check_early(cx)?;
        while self.session.is_handshaking() && (whole || self.session.room() == 0) {
            self.write_out(cx)?;
            let read = match () {
                // Who reads has to take something first.
                () if self.plain.len() >= MAX_WAITING => Poll::Pending,
                () => transport::read(&mut self.io, &mut self.input, cx),
            };
            let read = match read {
                Poll::Ready(read) => read?,
                Poll::Pending => {
                    if let Some(early) = &mut self.early {
                        early.writer = Some(cx.waker().clone());
                    }
                    return Poll::Pending;
                }
            };
            let taken = match read {
                0 => self.session.end_of_input(),
                _ => self.session.receive(clock(), &mut self.input, &mut self.plain),
            };
            let _ = self.write_out(cx);
            if let Some(reader) = self.early.as_mut().and_then(|early| early.reader.take()) {
                reader.wake();
            }
            self.settle_early();
            taken.map_err(failed)?;
        }
        Poll::Ready(Ok(()))
    }
}
