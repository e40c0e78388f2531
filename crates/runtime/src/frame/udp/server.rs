//! The server.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::time::{Sleep, sleep};
use tower_service::Service;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::datagram::{DatagramServer, RequestId, ServerEvent, ServerOptions, Transmit};

use super::calls::{Calls, Outcome};
use super::observer::{Observer, Way};
use crate::frame::service::Request;
use crate::timer::{Timer, clock};

/// Datagrams that are read before the answers to them are sent.
const BATCH: usize = 32;

/// Rounds of reading and answering before other tasks have their turn.
const ROUNDS: usize = 4;

/// Octets that are read of a datagram: all of it, so that an error can say how long it was.
const LARGEST: usize = 65_535;

/// Errors in a row after which reading pauses, and for how long.
const ERRORS: u32 = 16;
const PAUSE: Duration = Duration::from_millis(10);

/// How a [`UdpServer`] serves.
#[derive(Debug, Clone)]
pub struct UdpServerOptions {
    /// Sizes, counts, and how long answers are kept for repeats.
    pub datagram: ServerOptions,
    /// Handlers of one-way messages at work at once; a message above that is dropped, as the network may, too.
    pub messages: usize,
    /// Octets of datagrams that wait in the system to be read; it has an upper bound of its own, and a default that
    /// `None` keeps.
    pub receive_buffer: Option<usize>,
    /// How long handlers may finish when the server shuts down.
    pub grace: Duration,
    /// Is shown every datagram.
    pub observer: Option<Observer>,
}

impl Default for UdpServerOptions {
    fn default() -> UdpServerOptions {
        UdpServerOptions {
            datagram: ServerOptions::default(),
            messages: 1024,
            receive_buffer: Some(1024 * 1024),
            grace: Duration::from_secs(10),
            observer: None,
        }
    }
}

/// Answers requests over UDP with any [`tower_service::Service`], in both forms. A service error becomes the text of
/// an ERROR frame.
///
/// One task reads, calls, and answers; a handler that computes for long holds up all others and belongs into a task
/// of its own (`tokio::spawn` in the handler). Callers of the extended form have each request processed once,
/// however often it is repeated on the way; those of the base form may have it processed again.
///
/// A handler that is not needed any more is dropped: its caller has cancelled, or has no time left. Callers of the base
/// form say neither, so handlers for them should end by themselves, as they count among
/// [`ServerLimits::requests`](wirelace_wire_codec::datagram::ServerLimits::requests) until then.
///
/// A host with several addresses should be given the one that callers use: answers from the unspecified address
/// leave with whichever the system picks.
#[derive(Debug)]
#[must_use = "nothing is served before `run`"]
pub struct UdpServer<S> {
    service: S,
    socket: std::net::UdpSocket,
    local: SocketAddr,
    options: UdpServerOptions,
}

impl<S> UdpServer<S>
where
    S: Service<Request, Response = Bytes> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: fmt::Display + Send + 'static,
{
    /// Takes the address; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// Whatever the system says: most often the address is in use.
    pub fn bind(address: SocketAddr, service: S, options: UdpServerOptions) -> io::Result<UdpServer<S>> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if let Some(octets) = options.receive_buffer {
            // The system may give less; it works with that, too.
            let _ = socket.set_recv_buffer_size(octets);
        }
        socket.bind(&address.into())?;
        let socket = std::net::UdpSocket::from(socket);
        let local = socket.local_addr()?;
        Ok(UdpServer { service, socket, local, options })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `shutdown` ends; then requests under way are finished, and new ones refused meanwhile.
    ///
    /// # Errors
    ///
    /// The socket cannot be registered with the runtime. Nothing that happens later ends the server.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let grace = self.options.grace;
        let mut driver = Driver::new(self)?;
        let mut shutdown = pin!(shutdown);
        let mut grace_over: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            if grace_over.is_none() && shutdown.as_mut().poll(cx).is_ready() {
                driver.machine.shut_down();
                grace_over = Some(Box::pin(sleep(grace)));
            }
            driver.poll(cx);
            match &mut grace_over {
                Some(_) if driver.is_idle() => Poll::Ready(()),
                Some(over) => over.as_mut().poll(cx),
                None => Poll::Pending,
            }
        })
        .await;
        Ok(())
    }
}

/// What reading came to.
enum Read {
    /// There may be more.
    More,
    /// Nothing is there, or reading pauses: something wakes the task.
    Nothing,
    /// Answers have to leave first.
    Full,
}

struct Driver<S: Service<Request>> {
    socket: UdpSocket,
    machine: DatagramServer<SocketAddr>,
    calls: Calls<S>,
    max_messages: usize,
    buffer: Box<[u8]>,
    /// Is sent next.
    waiting: Option<Transmit<SocketAddr>>,
    errors: u32,
    /// Nothing is read until then.
    pause: Option<Instant>,
    timer: Timer,
    waker: Option<Waker>,
    observer: Option<Observer>,
}

impl<S> Driver<S>
where
    S: Service<Request, Response = Bytes> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: fmt::Display + Send + 'static,
{
    fn new(server: UdpServer<S>) -> io::Result<Driver<S>> {
        let UdpServer { service, socket, options, .. } = server;
        Ok(Driver {
            socket: UdpSocket::from_std(socket)?,
            machine: DatagramServer::new(options.datagram),
            calls: Calls::new(service),
            max_messages: options.messages,
            buffer: vec![0; LARGEST].into_boxed_slice(),
            waiting: None,
            errors: 0,
            pause: None,
            timer: Timer::default(),
            waker: None,
            observer: options.observer,
        })
    }

    /// Nothing is under way, and all answers are sent.
    fn is_idle(&self) -> bool {
        self.waiting.is_none() && self.machine.is_idle() && self.calls.is_empty()
    }

    /// Does what can be done now, and registers for the rest.
    fn poll(&mut self, cx: &mut Context<'_>) {
        let fresh = !self.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker()));
        if fresh {
            self.waker = Some(cx.waker().clone());
        }
        for _ in 0..ROUNDS {
            let now = clock();
            if self.machine.deadline().is_some_and(|deadline| deadline <= now) {
                self.machine.on_deadline(now);
            }
            let read = self.receive(cx, now);
            self.take_events(cx, now);
            while let Some((id, outcome)) = self.calls.poll(cx) {
                self.answer(now, id, outcome);
            }
            self.transmit(cx, now);
            let deadline = [self.machine.deadline(), self.pause].into_iter().flatten().min();
            self.timer.due(now);
            let due = self.timer.arm(cx, deadline, now, fresh);
            let wait = match read {
                Read::More => false,
                Read::Nothing => true,
                // Nothing left? Then there is room again; else the socket wakes the task when it takes more.
                Read::Full => self.waiting.is_some(),
            };
            if wait && !due {
                return;
            }
        }
        cx.waker().wake_by_ref();
    }

    fn receive(&mut self, cx: &mut Context<'_>, now: Instant) -> Read {
        if self.pause.is_some_and(|pause| pause > now) {
            return Read::Nothing;
        }
        self.pause = None;
        for _ in 0..BATCH {
            if !self.machine.wants_input() {
                return Read::Full;
            }
            let mut buffer = ReadBuf::new(&mut self.buffer);
            match self.socket.poll_recv_from(cx, &mut buffer) {
                Poll::Ready(Ok(from)) => {
                    self.errors = 0;
                    let datagram = buffer.filled();
                    if let Some(observer) = &self.observer {
                        observer.see(Way::In, from, datagram);
                    }
                    self.machine.receive(now, from, Bytes::copy_from_slice(datagram));
                }
                // That an earlier answer reached nobody, for example: nothing that concerns the others.
                Poll::Ready(Err(_)) => {
                    self.errors += 1;
                    if self.errors >= ERRORS {
                        self.errors = 0;
                        self.pause = now.checked_add(PAUSE);
                        return Read::Nothing;
                    }
                }
                Poll::Pending => return Read::Nothing,
            }
        }
        Read::More
    }

    fn take_events(&mut self, cx: &mut Context<'_>, now: Instant) {
        while let Some(event) = self.machine.poll_event(now) {
            match event {
                ServerEvent::Request { id, from, payload, timeout } => {
                    let request = Request::new(payload, from, timeout, false);
                    if let Some(outcome) = self.calls.start(cx, Some(id), request) {
                        self.answer(now, id, outcome);
                    }
                }
                ServerEvent::Message { from, payload } if self.calls.messages() < self.max_messages => {
                    self.calls.start(cx, None, Request::new(payload, from, None, true));
                }
                ServerEvent::Cancelled { id } => self.calls.cancel(cx, id),
                _ => {}
            }
        }
    }

    fn answer(&mut self, now: Instant, id: RequestId, outcome: Outcome) {
        match outcome {
            Ok(payload) => {
                if let Err(error) = self.machine.respond(now, id, payload) {
                    self.machine.fail(now, id, ErrorCode::FRAME_TOO_LONG, &error.to_string());
                }
            }
            Err(text) => self.machine.fail(now, id, ErrorCode::APPLICATION, &text),
        }
    }

    fn transmit(&mut self, cx: &mut Context<'_>, now: Instant) {
        while let Some(next) = self.waiting.take().or_else(|| self.machine.poll_transmit(now)) {
            match self.socket.poll_send_to(cx, &next.datagram, next.to) {
                Poll::Ready(Ok(_)) => {
                    if let Some(observer) = &self.observer {
                        observer.see(Way::Out, next.to, &next.datagram);
                    }
                }
                // Lost, as it could have been on the way.
                Poll::Ready(Err(_)) => {}
                Poll::Pending => {
                    self.waiting = Some(next);
                    return;
                }
            }
        }
    }
}
