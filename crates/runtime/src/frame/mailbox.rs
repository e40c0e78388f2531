//! Between callers and their connection: calls one way, answers the other.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;

use tokio::sync::oneshot;
use wirelace_wire_codec::session::Form;

use super::bell::{Bell, lock};
use super::error::CallError;
use super::pipe::Pipe;

/// What callers and their connection share.
#[derive(Debug)]
pub(super) struct Shared {
    mail: Mutex<Mail>,
    timeout: Option<Duration>,
    /// Rung by those who call in parts.
    pub(super) bell: Arc<Bell<Arc<Pipe>>>,
}

#[derive(Debug)]
pub(super) struct Mail {
    /// Calls that the connection has not seen yet.
    pub(super) calls: VecDeque<NewCall>,
    /// Calls whose callers have left.
    pub(super) abandoned: usize,
    pub(super) callers: usize,
    /// What else is wanted.
    pub(super) wishes: Vec<Wish>,
    /// The connection takes nothing more.
    pub(super) closed: bool,
    waker: Option<Waker>,
}

/// A call on its way to the connection.
#[derive(Debug)]
pub(super) struct NewCall {
    pub(super) payload: Bytes,
    /// How long it may take, and until when that is, once the connection has seen it: it knows the time.
    pub(super) timeout: Option<Duration>,
    pub(super) until: Option<Instant>,
    pub(super) reply: Reply,
}

/// Where the response goes.
#[derive(Debug)]
pub(super) enum Reply {
    Slot(Arc<Slot>),
    /// There the request comes from, too.
    Pipe(Arc<Pipe>),
}

impl Reply {
    /// False when the caller has left; then what is left of a call in parts is told.
    pub(super) fn is_wanted(&self) -> bool {
        match self {
            Reply::Slot(slot) => !slot.is_over(),
            Reply::Pipe(pipe) if pipe.is_given_up() => {
                pipe.close(&CallError::Cancelled);
                false
            }
            Reply::Pipe(_) => true,
        }
    }

    /// There will be no answer.
    pub(super) fn fail(&self, error: CallError) {
        match self {
            Reply::Slot(slot) => slot.fill(Err(error)),
            Reply::Pipe(pipe) => pipe.close(&error),
        }
    }
}

/// Something that is no call, and where to say what came of it.
#[derive(Debug)]
pub(super) enum Wish {
    Form(oneshot::Sender<Form>),
    Ping(oneshot::Sender<Duration>),
    Message(Bytes, oneshot::Sender<Result<(), CallError>>),
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
        let mail = Mail {
            calls: VecDeque::new(),
            abandoned: 0,
            callers: 1,
            wishes: Vec::new(),
            closed: false,
            waker: None,
        };
        Shared { mail: Mutex::new(mail), timeout, bell: Arc::default() }
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

    /// Hands a call over; false: the connection takes no more.
    pub(super) fn post(&self, call: NewCall) -> bool {
        let mut mail = self.mail();
        if mail.closed {
            return false;
        }
        mail.calls.push_back(call);
        Shared::wake(mail);
        true
    }

    pub(super) fn wish(&self, wish: Wish) -> bool {
        let mut mail = self.mail();
        if mail.closed {
            return false;
        }
        mail.wishes.push(wish);
        Shared::wake(mail);
        true
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
#[derive(Debug)]
pub(super) struct Waiting<S: AsRef<Shared>> {
    shared: S,
    state: State,
}

#[derive(Debug)]
enum State {
    New { payload: Bytes, timeout: Option<Duration> },
    Posted(Arc<Slot>),
    Over,
}

impl AsRef<Shared> for Shared {
    fn as_ref(&self) -> &Shared {
        self
    }
}

impl<S: AsRef<Shared>> Drop for Waiting<S> {
    fn drop(&mut self) {
        if let State::Posted(slot) = &self.state {
            *lock(&slot.0) = Answer::Over;
            let mut mail = self.shared.as_ref().mail();
            mail.abandoned += 1;
            Shared::wake(mail);
        }
    }
}

impl<S: AsRef<Shared>> Waiting<S> {
    pub(super) fn new(shared: S, payload: Bytes, timeout: Option<Duration>) -> Waiting<S> {
        Waiting { shared, state: State::New { payload, timeout } }
    }
}

impl<S: AsRef<Shared> + Unpin> Future for Waiting<S> {
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
        let reply = Reply::Slot(Arc::clone(&slot));
        if !self.shared.as_ref().post(NewCall { payload, timeout, until: None, reply }) {
            return Poll::Ready(Err(CallError::Refused));
        }
        self.state = State::Posted(slot);
        Poll::Pending
    }
}
