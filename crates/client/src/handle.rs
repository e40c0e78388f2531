//! The requests' end of a connection.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};
use wirelace_http_semantics::{FieldId, RequestHead, ResponseHead, SendError};
use wirelace_http2::Stats;
#[cfg(feature = "tls")]
use wirelace_runtime::tls::EarlyData;
#[cfg(feature = "tls")]
use wirelace_tls_glue::HandshakeReport;

use crate::body::Body;
use crate::command::Command;
use crate::convert::{Speaks, for_http2, request_head};
use crate::error::{BoxError, Error};
use crate::link::{Link, Order};
use crate::notice::Notices;
use crate::push::Pushes;
use crate::response::ResponseFuture;
use crate::shared::{Shared, Ticket};
use crate::upload::Payload;

/// A handle of an HTTP/2 connection: clones share it, and use it at the same time, from any task.
///
/// Requests go out in the order in which they were given. While the server takes no more streams they wait, at most
/// [`Options::queue`](crate::Options::queue) of them; who has more waits to be let in, first come, first served. The
/// connection ends when the last handle and the last response are gone.
#[derive(Clone)]
pub struct Handle {
    inner: Arc<Inner>,
}

struct Inner {
    commands: mpsc::Sender<Command>,
    link: Arc<Link>,
    speaks: Speaks,
    requests: AtomicU64,
    pushes: Mutex<Option<Pushes>>,
    notices: Mutex<Option<Notices>>,
    #[cfg(feature = "tls")]
    tls: Tls,
}

/// What is known of TLS.
#[cfg(feature = "tls")]
#[derive(Default)]
pub(crate) struct Tls {
    pub(crate) handshake: Option<Box<HandshakeReport>>,
    /// The handshake goes on.
    pub(crate) early: Option<EarlyData>,
    /// Lets the connection's task begin, once there is a request: one that comes later would miss the first flight.
    pub(crate) begin: Mutex<Option<oneshot::Sender<()>>>,
}

/// Where what the server says comes out.
#[derive(Default)]
pub(crate) struct Ears {
    pub(crate) pushes: Option<Pushes>,
    pub(crate) notices: Option<Notices>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Handle {
    pub(crate) fn new(
        commands: mpsc::Sender<Command>,
        link: Arc<Link>,
        speaks: Speaks,
        ears: Ears,
        #[cfg(feature = "tls")] tls: Tls,
    ) -> Handle {
        let inner = Inner {
            commands,
            link,
            speaks,
            requests: AtomicU64::new(0),
            pushes: Mutex::new(ears.pushes),
            notices: Mutex::new(ears.notices),
            #[cfg(feature = "tls")]
            tls,
        };
        Handle { inner: Arc::new(inner) }
    }

    pub(crate) fn speaks(&self) -> Speaks {
        self.inner.speaks
    }

    /// Lets the task of an early connection begin.
    fn begin(&self) {
        #[cfg(feature = "tls")]
        if self.inner.tls.early.is_some()
            && let Some(begin) = lock(&self.inner.tls.begin).take()
        {
            let _ = begin.send(());
        }
    }

    /// Sends a request and waits for the head of the final response.
    ///
    /// The host is that of the URI, or else of Host. Content-Length is made from the body's size where that is known.
    /// Fields that are of HTTP/1 connections alone are left out; Upgrade is refused. The extensions
    /// [`Priority`](wirelace_http_semantics::Priority) and [`Protocol`](crate::Protocol) are heeded. With the method
    /// CONNECT, the body of the request goes into the tunnel once the response has opened it, and that of the response
    /// is what comes out. The response's [`ResponseHead`], with the fields as they came, is among its extensions.
    ///
    /// Dropping the future gives this request up, and no other.
    ///
    /// # Errors
    /// See [`Error`]. Errors after the head come from the body.
    pub async fn send<B>(&self, request: http::Request<B>) -> Result<http::Response<Body>, Error>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        self.begin_native(request_head(&parts, self.inner.speaks)?, body, |_| {}).await?.await
    }

    /// As [`send`](Handle::send), with a native head. `on_interim` is called for each interim (1xx) response; it runs
    /// in the connection's task.
    ///
    /// # Errors
    /// As [`send`](Handle::send).
    pub async fn send_native<B>(
        &self,
        head: RequestHead,
        body: B,
        on_interim: impl FnMut(&ResponseHead) + Send + 'static,
    ) -> Result<http::Response<Body>, Error>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        self.begin_native(head, body, on_interim).await?.await
    }

    /// As [`send_native`](Handle::send_native), but waits only until the request is let in: the response is awaited
    /// apart from that.
    ///
    /// # Errors
    /// The request cannot be sent, or the connection takes none.
    pub async fn begin_native<B>(
        &self,
        mut head: RequestHead,
        body: B,
        on_interim: impl FnMut(&ResponseHead) + Send + 'static,
    ) -> Result<ResponseFuture, Error>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        if self.inner.speaks != Speaks::Http1 {
            for_http2(&mut head)?;
        }
        #[cfg(feature = "tls")]
        if let Some(early) = &self.inner.tls.early
            && !head.method.is_safe()
        {
            // RFC 8470 §4. If there is no handshake, there is no connection either, as is seen below.
            self.begin();
            early.confirmed().await;
        }
        let body = Payload::new(body);
        if let Some(length) = body.length()
            && head.method != http::Method::CONNECT
            && !head.fields.contains(FieldId::CONTENT_LENGTH)
            && !head.fields.contains(FieldId::TRANSFER_ENCODING)
        {
            let pushed = head.fields.push(FieldId::CONTENT_LENGTH, length.to_string());
            pushed.map_err(SendError::from)?;
        }
        let shared = Shared::new(&self.inner.link);
        let (ticket, response) = (Ticket::new(&shared), ResponseFuture::new(shared));
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
        let given =
            self.inner.commands.send(Command { head, body, on_interim: Box::new(on_interim), ticket });
        let given = given.await;
        self.begin();
        given.map_err(|_| self.inner.link.refusal())?;
        Ok(response)
    }

    /// False once no further request can be sent. That it is true now does not mean that the next one succeeds: a
    /// server may close at any time.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.inner.commands.is_closed()
    }

    /// Waits until the server has said how many requests it takes at once (its first SETTINGS), or the connection has
    /// ended. Before that a hundred go out, and it may refuse some of them.
    pub async fn settled(&self) {
        let (answer, answered) = oneshot::channel();
        self.inner.link.order(Order::Settled(answer));
        let _ = answered.await;
    }

    /// How many requests were given to the connection.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// Finishes what runs and takes no further request: the connection ends then, although there are handles.
    pub fn shut_down(&self) {
        self.begin();
        self.inner.link.order(Order::ShutDown);
    }

    /// Asks the server for a sign of life: [`Stats::round_trip`] has how long it took.
    pub fn ping(&self) {
        self.inner.link.order(Order::Ping);
    }

    /// What happened on the connection so far; `None` when it has ended.
    pub async fn stats(&self) -> Option<Stats> {
        let (answer, answered) = oneshot::channel();
        self.inner.link.order(Order::Stats(answer));
        answered.await.ok()
    }

    /// What the server pushes; `None` after the first call, and where pushes are not [allowed](crate::Options::push).
    #[must_use]
    pub fn take_pushes(&self) -> Option<Pushes> {
        lock(&self.inner.pushes).take()
    }

    /// What the server says about itself; `None` after the first call.
    #[must_use]
    pub fn take_notices(&self) -> Option<Notices> {
        lock(&self.inner.notices).take()
    }

    /// What the TLS handshake agreed on, with the server's certificates; `None` without TLS, and as long as the
    /// connection [`is_early`](Handle::is_early).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn handshake(&self) -> Option<&HandshakeReport> {
        self.inner.tls.handshake.as_deref().or_else(|| self.inner.tls.early.as_ref()?.report())
    }

    /// The TLS handshake is not complete: see [`Connection::is_early`](crate::Connection::is_early).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn is_early(&self) -> bool {
        self.inner.tls.early.as_ref().is_some_and(|early| !early.is_confirmed())
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("speaks", &self.inner.speaks)
            .field("requests", &self.requests())
            .field("open", &self.is_open())
            .finish_non_exhaustive()
    }
}

/// Always ready as long as the connection is: a request that has to wait does so in its future.
impl<B> tower_service::Service<http::Request<B>> for Handle
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<http::Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(if self.is_open() { Ok(()) } else { Err(self.inner.link.refusal()) })
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let handle = self.clone();
        Box::pin(async move { handle.send(request).await })
    }
}
