//! Between callers and their connection: calls one way, answers the other.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::error::CallError;

/// What callers and their connection share.
#[derive(Debug)]
pub(super) struct Shared {
    mail: Mutex<Mail>,
    timeout: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Mail {
    /// Calls that the connection has not seen yet.
    pub(super) calls: VecDeque<NewCall>,
    /// Calls whose callers have left.
    pub(super) abandoned: usize,
    pub(super) callers: usize,
    /// The connection is gone, and why.
    pub(super) closed: Option<CallError>,
    waker: Option<Waker>,
}

/// A call on its way to the connection.
#[derive(Debug)]
pub(super) struct NewCall {
    pub(super) payload: Bytes,
    /// How long it may take, and until when that is, once the connection has seen it: it knows the time.
    pub(super) timeout: Option<Duration>,
    pub(super) until: Option<Instant>,
    pub(super) slot: Arc<Slot>,
}

/// Where the answer to a call is left.
#[derive(Debug)]
pub(super) struct Slot(Mutex<Answer>);

#[derive(Debug)]
enum Answer {
    Open(Option<Waker>),
    Here(Result<Bytes, CallError>),
    /// Taken, or not wanted any more.
    Over,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slot {
    pub(super) fn fill(&self, answer: Result<Bytes, CallError>) {
        let mut state = lock(&self.0);
        if matches!(*state, Answer::Over) {
            return;
        }
        if let Answer::Open(Some(waker)) = std::mem::replace(&mut *state, Answer::Here(answer)) {
            drop(state);
            waker.wake();
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(*lock(&self.0), Answer::Over)
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Result<Bytes, CallError>> {
        let mut state = lock(&self.0);
        match std::mem::replace(&mut *state, Answer::Over) {
            Answer::Here(answer) => Poll::Ready(answer),
            Answer::Open(_) | Answer::Over => {
                *state = Answer::Open(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Shared {
    pub(super) fn new(timeout: Option<Duration>) -> Shared {
        let mail = Mail { calls: VecDeque::new(), abandoned: 0, callers: 1, closed: None, waker: None };
        Shared { mail: Mutex::new(mail), timeout }
    }

    /// How long a call may take that says nothing else.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// One caller more.
    pub(super) fn enter(&self) {
        self.mail().callers += 1;
    }

    /// One caller less; the connection ends after the last.
    pub(super) fn leave(&self) {
        let mut mail = self.mail();
        mail.callers -= 1;
        if mail.callers == 0 {
            Shared::wake(mail);
        }
    }

    pub(super) fn mail(&self) -> MutexGuard<'_, Mail> {
        lock(&self.mail)
    }

    /// The connection's task looks at the mail and leaves its waker.
    pub(super) fn look(&self, cx: &Context<'_>) -> MutexGuard<'_, Mail> {
        let mut mail = self.mail();
        if !mail.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            mail.waker = Some(cx.waker().clone());
        }
        mail
    }

    fn wake(mut mail: MutexGuard<'_, Mail>) {
        let waker = mail.waker.take();
        drop(mail);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A call, handed to the connection when it is first polled; dropping it then gives the call up.
pub(super) struct Waiting<'a> {
    shared: &'a Shared,
    state: State,
}

enum State {
    New { payload: Bytes, timeout: Option<Duration> },
    Posted(Arc<Slot>),
    Over,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let State::Posted(slot) = &self.state {
            *lock(&slot.0) = Answer::Over;
            let mut mail = self.shared.mail();
            mail.abandoned += 1;
            Shared::wake(mail);
        }
    }
}

impl<'a> Waiting<'a> {
    pub(super) fn new(shared: &'a Shared, payload: Bytes, timeout: Option<Duration>) -> Waiting<'a> {
        Waiting { shared, state: State::New { payload, timeout } }
    }
}

impl Future for Waiting<'_> {
    type Output = Result<Bytes, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Posted(slot) = &self.state {
            let answer = slot.poll(cx);
            if answer.is_ready() {
                self.state = State::Over;
            }
            return answer;
        }
        let State::New { payload, timeout } = std::mem::replace(&mut self.state, State::Over) else {
            return Poll::Pending;
        };
        let slot = Arc::new(Slot(Mutex::new(Answer::Open(Some(cx.waker().clone())))));
        let mut mail = self.shared.mail();
        if let Some(error) = &mail.closed {
            return Poll::Ready(Err(error.clone()));
        }
        mail.calls.push_back(NewCall { payload, timeout, until: None, slot: Arc::clone(&slot) });
        Shared::wake(mail);
        self.state = State::Posted(slot);
        Poll::Pending
    }
}
