//! The client's handle.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, ToSocketAddrs};
use wirelace_wire_codec::session::{Options, Session};

use super::caller_app::CallerApp;
use super::error::CallError;
use crate::timer::clock;
use crate::{Connection, DriverOptions};

/// How a [`Caller`] calls.
#[derive(Debug, Clone)]
pub struct CallerOptions {
    /// The session: which form, its limits and times.
    pub session: Options,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a call may take that says nothing else; `None`: for ever.
    pub timeout: Option<Duration>,
    /// Octets of a response, at most.
    pub max_response: usize,
}

impl Default for CallerOptions {
    fn default() -> CallerOptions {
        CallerOptions {
            session: Options::default(),
            connect_timeout: Duration::from_secs(10),
            timeout: Some(Duration::from_secs(30)),
            max_response: 16 * 1024 * 1024,
        }
    }
}

/// A request that is to be sent.
#[derive(Debug, Clone)]
pub struct Call {
    /// What it says.
    pub payload: Bytes,
    /// How long it may take; `None`: as long as [`CallerOptions::timeout`] says.
    pub timeout: Option<Duration>,
}

impl<B: Into<Bytes>> From<B> for Call {
    fn from(payload: B) -> Call {
        Call { payload: payload.into(), timeout: None }
    }
}

/// Calls one server, many times at once. Clones share the connection; when the last is dropped it ends, once all
/// calls have.
#[derive(Debug)]
pub struct Caller {
    shared: Arc<Shared>,
}

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

/// A call that waits; dropping it gives the call up.
struct Waiting<'a> {
    shared: &'a Shared,
    slot: Arc<Slot>,
    over: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        *lock(&self.slot.0) = Answer::Over;
        let mut mail = self.shared.mail();
        mail.abandoned += 1;
        Shared::wake(mail);
    }
}

impl Caller {
    /// Connects to a server over TCP.
    ///
    /// # Errors
    ///
    /// No address could be connected to, in time.
    pub async fn connect(address: impl ToSocketAddrs, options: CallerOptions) -> Result<Caller, CallError> {
        let connecting = tokio::time::timeout(options.connect_timeout, TcpStream::connect(address));
        let stream = match connecting.await {
            Ok(connected) => connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream)),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        let stream = stream.map_err(|error| CallError::Connect(Arc::new(error)))?;
        let (caller, connection) = Caller::over(stream, options);
        tokio::spawn(connection);
        Ok(caller)
    }

    /// A caller over any byte stream, and the connection, which is to be spawned.
    pub fn over<IO>(io: IO, options: CallerOptions) -> (Caller, impl Future<Output = ()> + Send + use<IO>)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mail = Mail { calls: VecDeque::new(), abandoned: 0, callers: 1, closed: None, waker: None };
        let shared = Arc::new(Shared { mail: Mutex::new(mail), timeout: options.timeout });
        let driver = driver_options(&options.session);
        let app = CallerApp::new(Arc::clone(&shared), options.max_response);
        let session = Session::initiator(options.session, clock());
        (Caller { shared }, Connection::new(io, session, app, driver, None))
    }

    /// Sends a request and waits for the whole response. Dropping the future cancels the call.
    ///
    /// # Errors
    ///
    /// There is no answer, and why.
    pub async fn call(&self, call: impl Into<Call>) -> Result<Bytes, CallError> {
        let Call { payload, timeout } = call.into();
        let until = timeout.or(self.shared.timeout).and_then(|timeout| clock().checked_add(timeout));
        let slot = Arc::new(Slot(Mutex::new(Answer::Open(None))));
        {
            let mut mail = self.shared.mail();
            if let Some(error) = &mail.closed {
                return Err(error.clone());
            }
            mail.calls.push_back(NewCall { payload, until, slot: Arc::clone(&slot) });
            Shared::wake(mail);
        }
        let mut waiting = Waiting { shared: &self.shared, slot, over: false };
        let answer = poll_fn(|cx| waiting.slot.poll(cx)).await;
        waiting.over = true;
        answer
    }
}

impl Clone for Caller {
    fn clone(&self) -> Caller {
        self.shared.mail().callers += 1;
        Caller { shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let mut mail = self.shared.mail();
        mail.callers -= 1;
        if mail.callers == 0 {
            Shared::wake(mail);
        }
    }
}

/// The driver must hold the largest frame.
pub(super) fn driver_options(session: &Options) -> DriverOptions {
    let mut driver = DriverOptions::default();
    driver.max_input = driver.max_input.max(session.limits.frame.saturating_add(1024));
    driver
}
