//! A caller that outlives its connections.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::ToSocketAddrs;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower_service::Service;

use super::backoff::{Backoff, random};
use super::bell::lock;
use super::caller::{Call, Caller, CallerOptions};
use super::error::CallError;

/// When a [`ReconnectingCaller`] connects again.
#[derive(Debug, Clone)]
pub struct ReconnectOptions {
    /// The wait after the first failure; it doubles with each further one. Up to half of a wait is left out at random.
    pub initial: Duration,
    /// The longest wait.
    pub max: Duration,
    /// A connection that has lasted so long was a good one: the next is tried at once, and waits begin anew.
    pub settled: Duration,
}

impl Default for ReconnectOptions {
    /// 100 ms, 30 s, and 10 s.
    fn default() -> ReconnectOptions {
        ReconnectOptions {
            initial: Duration::from_millis(100),
            max: Duration::from_secs(30),
            settled: Duration::from_secs(10),
        }
    }
}

type Connecting = Pin<Box<dyn Future<Output = Result<Caller, CallError>> + Send>>;

/// Calls one server over one connection at a time, and connects again when it is gone. The first connection is made
/// for the first call. Clones share everything.
///
/// Calls that find no connection wait for one as long as they may take. A call that surely was not processed
/// ([`CallError::Refused`], not sent yet) is made again; one that may have been ends with [`CallError::Lost`], unless
/// it is [`idempotent`](Call::idempotent).
#[derive(Debug, Clone)]
pub struct ReconnectingCaller {
    inner: Arc<Inner>,
}

struct Inner {
    connect: Box<dyn Fn() -> Connecting + Send + Sync>,
    options: ReconnectOptions,
    timeout: Option<Duration>,
    current: Mutex<Option<Caller>>,
    /// Why the last try failed, unless one has succeeded since.
    trouble: Mutex<Option<CallError>>,
    /// Whoever holds it connects, for all.
    link: tokio::sync::Mutex<Link>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("options", &self.options).field("current", &self.current).finish()
    }
}

#[derive(Debug)]
struct Link {
    backoff: Backoff,
    /// When the current connection was made.
    since: Option<Instant>,
    not_before: Option<Instant>,
    /// A try under way. It goes on when the call that began it gives up.
    attempt: Option<JoinHandle<Result<Caller, CallError>>>,
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(attempt) = &self.attempt {
            attempt.abort();
        }
    }
}

impl Link {
    fn failed(&mut self) {
        self.not_before = Instant::now().checked_add(self.backoff.next(random()));
    }
}

impl Inner {
    fn current(&self) -> Option<Caller> {
        let mut current = lock(&self.current);
        // It finishes what runs once nobody has it any more.
        let gone = current.take_if(|caller| caller.is_closed());
        let caller = current.clone();
        drop(current);
        drop(gone);
        caller
    }

    /// A connection, however long that takes.
    async fn connected(&self) -> Caller {
        if let Some(caller) = self.current() {
            return caller;
        }
        let mut link = self.link.lock().await;
        loop {
            if let Some(caller) = self.current() {
                return caller;
            }
            if let Some(since) = link.since.take() {
                if since.elapsed() >= self.options.settled {
                    link.backoff.reset();
                } else {
                    link.failed();
                }
            }
            if let Some(at) = link.not_before {
                tokio::time::sleep_until(at).await;
                link.not_before = None;
            }
            let attempt = link.attempt.get_or_insert_with(|| tokio::spawn((self.connect)()));
            let connected = attempt.await;
            link.attempt = None;
            let failed = match connected {
                Ok(Ok(caller)) => {
                    link.since = Some(Instant::now());
                    *lock(&self.trouble) = None;
                    *lock(&self.current) = Some(caller.clone());
                    return caller;
                }
                Ok(Err(error)) => error,
                Err(error) => CallError::Connect(Arc::new(io::Error::other(error))),
            };
            *lock(&self.trouble) = Some(failed);
            link.failed();
        }
    }

    /// A connection in time, or why there is none.
    async fn connected_by(&self, deadline: Option<Instant>) -> Result<Caller, CallError> {
        by(deadline, self.connected()).await.ok_or_else(|| match &*lock(&self.trouble) {
            Some(CallError::Connect(error)) => CallError::Unreachable(Arc::clone(error)),
            Some(other) => other.clone(),
            None => CallError::Timeout,
        })
    }
}

async fn by<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, future).await.ok(),
        None => Some(future.await),
    }
}

impl ReconnectingCaller {
    /// Calls a server over TCP. Nothing is connected yet. A name is looked up anew for each connection.
    pub fn new<A>(address: A, options: CallerOptions, reconnect: ReconnectOptions) -> ReconnectingCaller
    where
        A: ToSocketAddrs + Clone + Send + Sync + 'static,
    {
        let timeout = options.timeout;
        let connect = move || {
            let (address, options) = (address.clone(), options.clone());
            async move { Caller::connect(address, options).await }
        };
        ReconnectingCaller::with_connector(connect, timeout, reconnect)
    }

    /// Calls whatever `connect` connects to. `timeout`: how long a call may take that says nothing else.
    pub fn with_connector<F, Fut>(
        connect: F,
        timeout: Option<Duration>,
        reconnect: ReconnectOptions,
    ) -> ReconnectingCaller
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Caller, CallError>> + Send + 'static,
    {
        let backoff = Backoff::new(reconnect.initial, reconnect.max);
        let link = Link { backoff, since: None, not_before: None, attempt: None };
        let inner = Inner {
            connect: Box::new(move || Box::pin(connect())),
            options: reconnect,
            timeout,
            current: Mutex::new(None),
            trouble: Mutex::new(None),
            link: tokio::sync::Mutex::new(link),
        };
        ReconnectingCaller { inner: Arc::new(inner) }
    }

    /// Sends a request and waits for the whole response, over as many connections as that takes. Dropping the future
    /// cancels the call.
    ///
    /// # Errors
    ///
    /// There is no answer, and why. [`CallError::Unreachable`]: there was no connection in time.
    pub async fn call(&self, call: impl Into<Call>) -> Result<Bytes, CallError> {
        let call = call.into();
        let inner = &*self.inner;
        let deadline = self.deadline(call.timeout);
        let mut pauses = Backoff::new(inner.options.initial, inner.options.max);
        loop {
            let caller = inner.connected_by(deadline).await?;
            let mut attempt = call.clone();
            attempt.timeout = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let answer = caller.call(attempt).await;
            match &answer {
                Err(CallError::Lost(_)) if call.idempotent => {}
                Err(CallError::Refused) if caller.is_closed() => {}
                // The server is there and does not want it now.
                Err(CallError::Refused) => {
                    drop(caller);
                    let pause = tokio::time::sleep(pauses.next(random()));
                    if by(deadline, pause).await.is_none() {
                        return answer;
                    }
                }
                _ => return answer,
            }
        }
    }

    /// The connection, for what is not just a call; waits for one as long as a call may take. What is done with it
    /// is not done again when it is lost.
    ///
    /// # Errors
    ///
    /// There is none in time.
    pub async fn caller(&self) -> Result<Caller, CallError> {
        self.inner.connected_by(self.deadline(None)).await
    }

    fn deadline(&self, timeout: Option<Duration>) -> Option<Instant> {
        timeout.or(self.inner.timeout).and_then(|timeout| Instant::now().checked_add(timeout))
    }
}

impl Service<Call> for ReconnectingCaller {
    type Response = Bytes;
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<Bytes, CallError>> + Send>>;

    /// Always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let caller = self.clone();
        Box::pin(async move { ReconnectingCaller::call(&caller, call).await })
    }
}
