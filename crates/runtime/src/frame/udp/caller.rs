//! The client's handle.

use std::future::poll_fn;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::net::{ToSocketAddrs, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tower_service::Service;
use wirelace_wire_codec::datagram::{ClientEvent, ClientOptions, Form};

use super::link::Link;
use super::observer::Observer;
use super::task::{Answer, Answered, Ask, CallerTask, Command, answer, send};
use crate::frame::caller::Call;
use crate::frame::error::CallError;
use crate::timer::clock;

/// How a [`UdpCaller`] calls.
#[derive(Debug, Clone, Default)]
pub struct UdpCallerOptions {
    /// The form, its limits and times; how long a call may take that says nothing else stands there, too.
    pub datagram: ClientOptions,
    /// Is shown every datagram.
    pub observer: Option<Observer>,
}

/// Calls one server over UDP, many times at once; clones share what there is.
///
/// In the extended form all calls go over one socket, and each is processed at most once. In the base form each call
/// has a socket of its own, since answers have nothing else to be known by, and a request that was sent again may be
/// processed again: it suits questions that change nothing.
///
/// ```
/// use wirelace_runtime::frame::{Request, UdpCaller, UdpCallerOptions, UdpServer, UdpServerOptions, from_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let echo = from_fn(async |request: Request| Ok::<_, std::convert::Infallible>(request.payload));
/// let server = UdpServer::bind(([127, 0, 0, 1], 0).into(), echo, UdpServerOptions::default())?;
/// let address = server.local_addr();
/// let server = tokio::spawn(server.run(std::future::pending()));
///
/// let caller = UdpCaller::connect(address, UdpCallerOptions::default()).await?;
/// println!("there and back in {:?}", caller.heartbeat().await?);
/// assert_eq!(caller.call("hello").await?, "hello");
/// # server.abort();
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct UdpCaller {
    peer: SocketAddr,
    options: Arc<UdpCallerOptions>,
    /// Bounds the calls under way.
    room: Arc<Semaphore>,
    /// The task of the extended form.
    task: Option<Task>,
    /// Base form: after so many microseconds the next call is sent again, as the last one has measured; 0: not known.
    rto: Arc<AtomicU64>,
}

#[derive(Debug, Clone)]
struct Task {
    commands: mpsc::UnboundedSender<Command>,
    keys: Arc<AtomicU64>,
}

impl UdpCaller {
    /// Opens a socket to a server. Nothing is sent, so nothing shows yet whether anybody listens. Of several
    /// addresses the first is taken that there is a way to.
    ///
    /// # Errors
    ///
    /// There is no such address, or no way to it.
    pub async fn connect(
        address: impl ToSocketAddrs,
        options: UdpCallerOptions,
    ) -> Result<UdpCaller, CallError> {
        let failed = |error| CallError::Connect(Arc::new(error));
        let (link, peer) = first(address, &options).await.map_err(failed)?;
        let calls = usize::try_from(options.datagram.limits.calls.max(1)).unwrap_or(usize::MAX);
        let room = Arc::new(Semaphore::new(calls.min(Semaphore::MAX_PERMITS)));
        let task = match options.datagram.form {
            Form::Base => None,
            _ => {
                let (commands, received) = mpsc::unbounded_channel();
                let mut task = CallerTask::new(link, received);
                tokio::spawn(poll_fn(move |cx| task.poll(cx)));
                Some(Task { commands, keys: Arc::default() })
            }
        };
        Ok(UdpCaller { peer, options: Arc::new(options), room, task, rto: Arc::default() })
    }

    /// Whom it calls.
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// Sends a request, again and again where the network loses it, and waits for the response. Dropping the future
    /// cancels the call.
    ///
    /// # Errors
    ///
    /// There is no answer, and why.
    pub async fn call(&self, call: impl Into<Call>) -> Result<Bytes, CallError> {
        let Call { payload, timeout, .. } = call.into();
        match self.ask(Ask::Request(payload), timeout).await? {
            Answer::Response(payload) => Ok(payload),
            Answer::Alive(_) => Err(CallError::Lost("a heartbeat answered a request".to_owned())),
        }
    }

    /// Asks for a sign of life: how long it took.
    ///
    /// # Errors
    ///
    /// There was none in time.
    pub async fn heartbeat(&self) -> Result<Duration, CallError> {
        match self.ask(Ask::Heartbeat, None).await? {
            Answer::Alive(round_trip) => Ok(round_trip),
            Answer::Response(_) => Err(CallError::Lost("a response answered a heartbeat".to_owned())),
        }
    }

    /// Sends a one-way message, whole and once: done when it is on its way. It may arrive, or not, or twice.
    ///
    /// # Errors
    ///
    /// [`CallError::Unsupported`] in the base form; [`CallError::RequestTooLong`]: it does not fit into a datagram.
    pub async fn send_message(&self, payload: impl Into<Bytes>) -> Result<(), CallError> {
        let Some(task) = &self.task else { return Err(CallError::Unsupported("message")) };
        let permit = self.permit(self.until(None)).await?;
        let (sent, was_sent) = oneshot::channel();
        let message = Command::Message { payload: payload.into(), sent, permit };
        task.commands.send(message).map_err(|_| gone())?;
        was_sent.await.unwrap_or_else(|_| Err(gone()))
    }

    fn until(&self, timeout: Option<Duration>) -> Instant {
        let timeout = timeout.unwrap_or(self.options.datagram.timing.timeout);
        let now = clock();
        // What is further away than the clock counts is for ever.
        now.checked_add(timeout).unwrap_or_else(|| now + Duration::from_secs(1 << 32))
    }

    async fn permit(&self, until: Instant) -> Result<OwnedSemaphorePermit, CallError> {
        let permit = tokio::time::timeout_at(until.into(), Arc::clone(&self.room).acquire_owned());
        match permit.await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(CallError::Timeout),
        }
    }

    async fn ask(&self, ask: Ask, timeout: Option<Duration>) -> Answered {
        let until = self.until(timeout);
        let permit = self.permit(until).await?;
        match &self.task {
            Some(task) => task.ask(ask, until, permit).await,
            None => self.ask_alone(ask, until).await,
        }
    }

    /// A socket for this call alone.
    async fn ask_alone(&self, ask: Ask, until: Instant) -> Answered {
        let failed = |error| CallError::Connect(Arc::new(error));
        let mut options = self.options.datagram.clone();
        match self.rto.load(Ordering::Relaxed) {
            0 => {}
            known => options.timing.initial_rto = Duration::from_micros(known),
        }
        let mut link = open(self.peer, options, &self.options.observer).await.map_err(failed)?;
        send(&mut link, ask, until)?;
        loop {
            let event = poll_fn(|cx| link.poll(cx)).await;
            if let Some((_, answer)) = answer(&event, &link) {
                self.learn(&link, &event);
                return answer;
            }
        }
    }

    /// What one call has seen of the way there and back is what the next one starts from.
    fn learn(&self, link: &Link, event: &ClientEvent) {
        let stats = link.machine.stats();
        if stats.round_trip.is_some() {
            let rto = u64::try_from(stats.rto.as_micros()).unwrap_or(u64::MAX);
            self.rto.store(rto.max(1), Ordering::Relaxed);
        } else if matches!(event, ClientEvent::TimedOut { .. }) {
            self.rto.store(0, Ordering::Relaxed);
        }
    }
}

/// So that `tower` layers fit.
impl Service<Call> for UdpCaller {
    type Response = Bytes;
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<Bytes, CallError>> + Send>>;

    /// Always ready: how many wait for room is not limited here.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let caller = self.clone();
        Box::pin(async move { UdpCaller::call(&caller, call).await })
    }
}

impl Task {
    async fn ask(&self, ask: Ask, until: Instant, permit: OwnedSemaphorePermit) -> Answered {
        let key = self.keys.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let call = Command::Call { key, ask, until, answer, permit };
        self.commands.send(call).map_err(|_| gone())?;
        let mut cancel = Cancel { commands: &self.commands, key: Some(key) };
        let answer = answered.await;
        cancel.key = None;
        answer.unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> CallError {
    CallError::Lost("the socket was given up".to_owned())
}

/// Tells the task when a call's future is dropped before its end.
struct Cancel<'a> {
    commands: &'a mpsc::UnboundedSender<Command>,
    key: Option<u64>,
}

impl Drop for Cancel<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            // Without a task there is nothing to cancel.
            let _ = self.commands.send(Command::Cancel(key));
        }
    }
}

async fn first(address: impl ToSocketAddrs, options: &UdpCallerOptions) -> io::Result<(Link, SocketAddr)> {
    let mut last = None;
    for peer in lookup_host(address).await? {
        match open(peer, options.datagram.clone(), &options.observer).await {
            Ok(link) => return Ok((link, peer)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
}

async fn open(peer: SocketAddr, options: ClientOptions, observer: &Option<Observer>) -> io::Result<Link> {
    // Keys of the standard library's hash maps are as good as it gets without a dependency.
    let seed = RandomState::new().hash_one(peer);
    Link::connect(peer, options, seed, observer.clone()).await
}
