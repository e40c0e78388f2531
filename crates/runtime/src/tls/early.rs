//! A stream that is there before its handshake is complete: early data (RFC 8446 §2.3).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::time::{Sleep, sleep_until};
use wirelace_tls_glue::HandshakeReport;

use crate::timer::clock;

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

    /// The handshake is complete, as `report` says; `None`: it failed.
    pub(super) fn end(&self, report: Option<&HandshakeReport>) {
        match report {
            Some(report) => {
                let _ = self.shared.report.set(report.clone());
                self.settle(CONFIRMED);
            }
            None => self.settle(FAILED),
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
    pub(super) timer: Option<Pin<Box<Sleep>>>,
    /// The first flight of a client has not gone out; it should do so with what is written first.
    pub(super) held: bool,
    /// Who reads and who writes, if they wait: one may take what the other waits for.
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl Early {
    pub(super) fn new(deadline: Option<Instant>, held: bool) -> Early {
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
