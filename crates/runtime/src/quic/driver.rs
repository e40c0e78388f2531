//! The task that runs the connections of a socket.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Instant, SystemTime};

use tokio::sync::mpsc;
use wirelace_quic_lite::{Connection, Datagram, Endpoint, Event, Handle, Incoming, Routed, Transmit};

use super::application::Application;
use super::controller::{Connect, Controller, Order};
use super::ready::{Bell, Ready};
use super::socket::Socket;
use crate::application::Step;
use crate::timer::{Timer, clock};

/// Batches that are received before connections work.
const RECEIVES: usize = 4;
/// Trains that a connection sends before others get their turn.
const TRAINS: usize = 8;
/// Rounds before other tasks get theirs.
const ROUNDS: usize = 16;

/// What becomes of a connection that a client wants.
#[derive(Debug)]
pub enum Decision<A> {
    /// It is served by this.
    Accept(A),
    /// The client has to show first that it is where it says (RFC 9000 §8.1.2).
    Retry,
    /// It is told that it is not served (CONNECTION_REFUSED).
    Refuse,
    /// It is told nothing.
    Ignore,
}

struct Entry<A> {
    handle: Handle,
    connection: Connection,
    application: A,
    waker: Waker,
    generation: u64,
    /// As it stands among the timers.
    deadline: Option<Instant>,
    /// It is in the list of those that have something to do.
    listed: bool,
    over: bool,
}

/// A future that runs the connections of one UDP socket; see the [module](super).
pub struct Driver<A, F> {
    socket: Socket,
    endpoint: Endpoint,
    accept: F,
    entries: Vec<Option<Entry<A>>>,
    generation: u64,
    ready: Arc<Ready>,
    woken: Vec<Arc<Bell>>,
    /// Connections that have something to do.
    list: Vec<usize>,
    timers: BTreeSet<(Instant, usize)>,
    timer: Timer,
    orders: mpsc::UnboundedReceiver<Order<A>>,
    /// No controller is left.
    alone: bool,
    serves: bool,
    shutting_down: bool,
    received: Vec<Datagram>,
    buffer: Vec<u8>,
    /// Whole in the buffer, and not taken by the system yet.
    unsent: Option<Transmit>,
    /// Of the task.
    waker: Option<Waker>,
}

impl<A, F> Driver<A, F>
where
    A: Application,
    F: FnMut(&Incoming) -> Decision<A>,
{
    /// Takes over a bound socket. `accept` is asked about each client, where the endpoint has a configuration for
    /// servers (`serves`).
    ///
    /// # Errors
    /// The socket cannot be used.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(
        socket: UdpSocket,
        endpoint: Endpoint,
        serves: bool,
        accept: F,
    ) -> io::Result<(Driver<A, F>, Controller<A>)> {
        let (orders, receiver) = mpsc::unbounded_channel();
        let driver = Driver {
            socket: Socket::new(socket)?,
            endpoint,
            accept,
            entries: Vec::new(),
            generation: 0,
            ready: Arc::default(),
            woken: Vec::new(),
            list: Vec::new(),
            timers: BTreeSet::new(),
            timer: Timer::default(),
            orders: receiver,
            alone: false,
            serves,
            shutting_down: false,
            received: Vec::new(),
            buffer: Vec::new(),
            unsent: None,
            waker: None,
        };
        Ok((driver, Controller { orders }))
    }

    /// Where the socket is bound.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Receives what is there. True when there was anything.
    fn receive(&mut self, cx: &mut Context<'_>, now: Instant) -> io::Result<bool> {
        let mut any = false;
        for _ in 0..RECEIVES {
            let mut received = std::mem::take(&mut self.received);
            let polled = self.socket.poll_receive(cx, |datagram| received.push(datagram));
            let done = match polled {
                Poll::Pending => true,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Ready(Ok(_)) => false,
            };
            for datagram in received.drain(..) {
                self.route(cx, now, datagram);
                any = true;
            }
            self.received = received;
            if done {
                break;
            }
        }
        Ok(any)
    }

    fn route(&mut self, cx: &mut Context<'_>, now: Instant, datagram: Datagram) {
        let mut answer = Vec::new();
        match self.endpoint.route(now, SystemTime::now(), datagram, &mut answer) {
            Routed::Connection(handle, datagram) => {
                let index = handle.index();
                if let Some(Some(entry)) = self.entries.get_mut(index) {
                    entry.connection.receive(now, datagram);
                    self.list(index);
                }
            }
            Routed::Incoming(incoming) => {
                if let Some(transmit) = self.incoming(now, *incoming, &mut answer) {
                    self.answer(cx, &transmit, &answer);
                }
            }
            Routed::Answer(transmit) => self.answer(cx, &transmit, &answer),
            Routed::Nothing => {}
        }
    }

    fn incoming(&mut self, now: Instant, incoming: Incoming, answer: &mut Vec<u8>) -> Option<Transmit> {
        let decision = if self.shutting_down { Decision::Refuse } else { (self.accept)(&incoming) };
        match decision {
            Decision::Accept(application) => {
                if let Ok((handle, connection)) = self.endpoint.accept(now, incoming) {
                    self.insert(handle, connection, application);
                }
                None
            }
            Decision::Retry => self.endpoint.retry(SystemTime::now(), &incoming, answer),
            Decision::Refuse => self.endpoint.refuse(&incoming, answer),
            Decision::Ignore => None,
        }
    }

    /// What the endpoint itself says may get lost where the system has no room.
    fn answer(&self, cx: &mut Context<'_>, transmit: &Transmit, contents: &[u8]) {
        let _ = self.socket.poll_send(cx, transmit, contents);
    }

    fn insert(&mut self, handle: Handle, connection: Connection, application: A) {
        let index = handle.index();
        if self.entries.len() <= index {
            self.entries.resize_with(index + 1, || None);
        }
        self.generation += 1;
        let generation = self.generation;
        let waker = Waker::from(Bell::new(&self.ready, index, generation));
        if let Some(place) = self.entries.get_mut(index) {
            *place = Some(Entry {
                handle,
                connection,
                application,
                waker,
                generation,
                deadline: None,
                listed: false,
                over: false,
            });
        }
        self.list(index);
    }

    fn list(&mut self, index: usize) {
        if let Some(Some(entry)) = self.entries.get_mut(index)
            && !std::mem::replace(&mut entry.listed, true)
        {
            self.list.push(index);
        }
    }

    fn obey(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let mut any = false;
        while !self.alone {
            match self.orders.poll_recv(cx) {
                Poll::Pending => break,
                Poll::Ready(None) => self.alone = true,
                Poll::Ready(Some(Order::ShutDown)) => self.shut_down(now),
                Poll::Ready(Some(Order::Connect(order))) => {
                    let Connect { config, name, remote, remembered, application, answer } = *order;
                    let made = self.endpoint.connect(&config, &name, remote, &remembered, now);
                    let told = made.map(|(handle, connection)| self.insert(handle, connection, application));
                    let _ = answer.send(told);
                }
            }
            any = true;
        }
        any
    }

    fn shut_down(&mut self, now: Instant) {
        if std::mem::replace(&mut self.shutting_down, true) {
            return;
        }
        for index in 0..self.entries.len() {
            if let Some(Some(entry)) = self.entries.get_mut(index) {
                entry.application.shut_down(&mut entry.connection, now);
                self.list(index);
            }
        }
    }

    /// Timers that have expired. True when there were any.
    fn expire(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Some(&(at, index)) = self.timers.first().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, index));
            if let Some(Some(entry)) = self.entries.get_mut(index) {
                entry.deadline = None;
                entry.connection.on_deadline(now);
                if !entry.over && entry.application.deadline().is_some_and(|at| at <= now) {
                    entry.application.on_deadline(&mut entry.connection, now);
                }
                self.list(index);
            }
            any = true;
        }
        any
    }

    /// Lets the listed connections work and send. False where the system takes nothing more.
    fn work(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        if !self.flush(cx) {
            return false;
        }
        let list = std::mem::take(&mut self.list);
        let mut room = true;
        for (at, index) in list.iter().copied().enumerate() {
            if !room {
                // They keep their place.
                self.list.extend(list.iter().skip(at).copied());
                break;
            }
            let Some(Some(entry)) = self.entries.get_mut(index) else { continue };
            entry.listed = false;
            entry.work(now);
            let mut more = true;
            for _ in 0..TRAINS {
                let size = usize::from(entry.connection.datagram_size());
                let segments = self.socket.segments(size);
                let Some(transmit) = entry.connection.poll_transmit(now, &mut self.buffer, segments) else {
                    more = false;
                    break;
                };
                if self.socket.poll_send(cx, &transmit, &self.buffer).is_pending() {
                    self.unsent = Some(transmit);
                    room = false;
                    break;
                }
            }
            self.endpoint.update(entry.handle, &mut entry.connection);
            let application = if entry.over { None } else { entry.application.deadline() };
            let deadline = [entry.connection.deadline(), application].into_iter().flatten().min();
            if deadline != entry.deadline {
                if let Some(before) = entry.deadline {
                    self.timers.remove(&(before, index));
                }
                if let Some(deadline) = deadline {
                    self.timers.insert((deadline, index));
                }
                entry.deadline = deadline;
            }
            if entry.connection.is_closed() {
                self.remove(index);
            } else if more {
                self.list(index);
            }
        }
        room
    }

    /// The train that the system had no room for.
    fn flush(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(transmit) = self.unsent else { return true };
        if self.socket.poll_send(cx, &transmit, &self.buffer).is_pending() {
            return false;
        }
        self.unsent = None;
        true
    }

    fn remove(&mut self, index: usize) {
        let Some(mut entry) = self.entries.get_mut(index).and_then(Option::take) else { return };
        if let Some(deadline) = entry.deadline {
            self.timers.remove(&(deadline, index));
        }
        if !entry.over {
            entry.application.on_close(None);
        }
        self.endpoint.remove(entry.handle);
    }

    fn is_over(&self) -> bool {
        self.endpoint.is_empty() && (self.shutting_down || self.alone && !self.serves)
    }
}

impl<A: Application> Entry<A> {
    /// Tells the application what happened, and takes its commands.
    fn work(&mut self, now: Instant) {
        let cx = &mut Context::from_waker(&self.waker);
        if !self.over {
            self.application.woken();
        }
        loop {
            while let Some(event) = self.connection.poll_event() {
                if let Event::Closed(reason) = &event {
                    self.over = true;
                    self.application.on_close(Some(reason));
                    return;
                }
                self.application.on_event(cx, &mut self.connection, event, now);
            }
            if self.over {
                return;
            }
            match self.application.poll(cx, &mut self.connection, now) {
                Step::Wait => return,
                Step::Again => {}
                Step::Abort => {
                    self.connection.close(now, 0, b"");
                    return;
                }
            }
        }
    }
}

impl<A, F> Future for Driver<A, F>
where
    A: Application + Unpin,
    F: FnMut(&Incoming) -> Decision<A> + Unpin,
{
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let fresh = !this.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker()));
        if fresh {
            this.waker = Some(cx.waker().clone());
        }
        for _ in 0..ROUNDS {
            let now = clock();
            this.timer.due(now);
            let mut moved = this.receive(cx, now)?;
            moved |= this.obey(cx, now);
            moved |= this.expire(now);
            let mut woken = std::mem::take(&mut this.woken);
            this.ready.take(cx.waker(), &mut woken);
            for bell in woken.drain(..) {
                if matches!(this.entries.get(bell.index), Some(Some(entry)) if entry.generation == bell.generation)
                {
                    this.list(bell.index);
                }
            }
            this.woken = woken;
            moved |= !this.list.is_empty();
            if !this.work(cx, now) {
                // The system wakes the task when it has room again.
                moved = false;
            }
            if this.is_over() {
                return Poll::Ready(Ok(()));
            }
            if !moved && (this.list.is_empty() || this.unsent.is_some()) {
                let first = this.timers.first().map(|(at, _)| *at);
                if this.timer.arm(cx, first, now, fresh) {
                    continue;
                }
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<A, F> std::fmt::Debug for Driver<A, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
