//! The client's handle.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::sync::oneshot;
use tower_service::Service;
use wirelace_wire_codec::session::{Form, Options, Session};

use super::body::driver_options;
use super::caller_app::CallerApp;
use super::error::CallError;
use super::mailbox::{NewCall, Reply, Shared, Waiting, Wish};
use super::parts::{Body, BodySender};
use super::pipe::Pipe;
use crate::Connection;
use crate::timer::clock;

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
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct Call {
    /// What it says.
    pub payload: Bytes,
    /// How long it may take; `None`: as long as [`CallerOptions::timeout`] says.
    pub timeout: Option<Duration>,
    /// To process it twice does no harm.
    pub idempotent: bool,
}

impl Call {
    /// A request with this payload.
    pub fn new(payload: impl Into<Bytes>) -> Call {
        Call { payload: payload.into(), timeout: None, idempotent: false }
    }

    /// Sets how long it may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Call {
        self.timeout = Some(timeout);
        self
    }

    /// Says that to process it twice does no harm: a [`ReconnectingCaller`](super::ReconnectingCaller) makes it again
    /// when the connection is lost.
    #[must_use]
    pub fn idempotent(mut self, idempotent: bool) -> Call {
        self.idempotent = idempotent;
        self
    }
}

impl<B: Into<Bytes>> From<B> for Call {
    fn from(payload: B) -> Call {
        Call::new(payload)
    }
}

/// Calls one server, many times at once. Clones share the connection; when the last is dropped it ends, once all
/// calls have.
#[derive(Debug)]
pub struct Caller {
    shared: Arc<Shared>,
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
        let shared = Arc::new(Shared::new(options.timeout));
        let driver = driver_options(&options.session);
        let app = CallerApp::new(Arc::clone(&shared), options.max_response, options.session.limits.frame);
        let session = Session::initiator(options.session, clock());
        (Caller { shared }, Connection::new(io, session, app, driver, None))
    }

    /// Sends a request and waits for the whole response. Dropping the future cancels the call.
    ///
    /// # Errors
    ///
    /// There is no answer, and why.
    pub async fn call(&self, call: impl Into<Call>) -> Result<Bytes, CallError> {
        let Call { payload, timeout, .. } = call.into();
        Waiting::new(&*self.shared, payload, timeout.or(self.shared.timeout())).await
    }

    /// Opens an exchange in which both payloads go in parts, each as its reader can take it; the call's payload is
    /// the first part. Dropping one of the halves before its end cancels the exchange. It may take as long as the
    /// call itself says, and for ever where it says nothing.
    ///
    /// To a peer that speaks the base form, the request goes as one frame when it is finished.
    pub fn open(&self, call: impl Into<Call>) -> (BodySender, Body) {
        let pipe = self.pipe(call.into(), false);
        (BodySender::new(&pipe), Body::new(&pipe))
    }

    /// Sends a request, and gives the response as it comes: see [`open`](Caller::open).
    pub fn call_streamed(&self, call: impl Into<Call>) -> Body {
        Body::new(&self.pipe(call.into(), true))
    }

    fn pipe(&self, call: Call, end: bool) -> Arc<Pipe> {
        let pipe = Pipe::new(&self.shared.bell);
        pipe.prime(call.payload, end);
        let reply = Reply::Pipe(Arc::clone(&pipe));
        let posted = NewCall { payload: Bytes::new(), timeout: call.timeout, until: None, reply };
        if !self.shared.post(posted) {
            pipe.close(&CallError::Refused);
        }
        pipe
    }

    /// Sends a one-way message, whole: done when it is on its way, which says nothing about whether it arrives. It
    /// waits for credit as long as a call may take.
    ///
    /// # Errors
    ///
    /// [`CallError::Unsupported`] when the peer speaks the base form; [`CallError::RequestTooLong`]: it is above
    /// half of the peer's window, or the peer's largest frame.
    pub async fn send_message(&self, payload: impl Into<Bytes>) -> Result<(), CallError> {
        let payload = payload.into();
        let sending = self.wish(|answer| Wish::Message(payload, answer));
        match self.shared.timeout() {
            Some(timeout) => {
                tokio::time::timeout(timeout, sending).await.unwrap_or(Err(CallError::Timeout))?
            }
            None => sending.await?,
        }
    }

    /// Asks the peer for a sign of life, and measures how long that takes. Pings that wait share one on the wire.
    ///
    /// # Errors
    ///
    /// The connection is gone.
    pub async fn ping(&self) -> Result<Duration, CallError> {
        self.wish(Wish::Ping).await
    }

    /// The form that both sides speak; waits until they have agreed on it.
    ///
    /// # Errors
    ///
    /// The connection is gone.
    pub async fn form(&self) -> Result<Form, CallError> {
        self.wish(Wish::Form).await
    }

    /// Whether the connection takes no more calls: it is over, or the peer is about to go.
    pub fn is_closed(&self) -> bool {
        self.shared.mail().closed
    }

    async fn wish<T>(&self, wish: impl FnOnce(oneshot::Sender<T>) -> Wish) -> Result<T, CallError> {
        let (answer, answered) = oneshot::channel();
        if !self.shared.wish(wish(answer)) {
            return Err(CallError::Refused);
        }
        answered.await.map_err(|_| CallError::Lost("the connection was closed".into()))
    }
}

impl Clone for Caller {
    fn clone(&self) -> Caller {
        self.shared.enter();
        Caller { shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.shared.leave();
    }
}

/// A call of a [`Caller`] as a [`Service`].
#[derive(Debug)]
#[must_use = "nothing is sent before it is polled"]
pub struct CallFuture(Waiting<Held>);

/// Keeps the connection.
#[derive(Debug)]
struct Held(Caller);

impl AsRef<Shared> for Held {
    fn as_ref(&self) -> &Shared {
        &self.0.shared
    }
}

impl Future for CallFuture {
    type Output = Result<Bytes, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

/// So that `tower` layers fit.
impl Service<Call> for Caller {
    type Response = Bytes;
    type Error = CallError;
    type Future = CallFuture;

    /// Ready as long as the connection takes calls; how many wait is not limited here.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(if self.is_closed() { Err(CallError::Refused) } else { Ok(()) })
    }

    fn call(&mut self, call: Call) -> CallFuture {
        let timeout = call.timeout.or(self.shared.timeout());
        CallFuture(Waiting::new(Held(self.clone()), call.payload, timeout))
    }
}
