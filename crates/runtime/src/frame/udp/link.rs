//! A client's machine and its socket.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use wirelace_wire_codec::datagram::{ClientEvent, ClientOptions, DatagramClient};

use super::observer::{Observer, Way};
use crate::timer::{Timer, clock};

/// Errors in a row after which nothing is read before the next timer.
const ERRORS: u32 = 16;

/// Is said of a peer that sends something else.
const NO_ANSWER: &str = "what came is no frame of an answer in this form";

pub(super) struct Link {
    socket: UdpSocket,
    peer: SocketAddr,
    pub(super) machine: DatagramClient,
    buffer: Box<[u8]>,
    /// Is sent next.
    waiting: Option<Bytes>,
    /// What the system said last, if nothing came since. It may be about a datagram of long ago, or forged.
    trouble: Option<Arc<io::Error>>,
    errors: u32,
    timer: Timer,
    waker: Option<Waker>,
    observer: Option<Observer>,
}

impl Link {
    /// A socket of its own, connected: the system drops what others send, and tells what it hears of the peer.
    pub(super) async fn connect(
        peer: SocketAddr,
        options: ClientOptions,
        seed: u64,
        observer: Option<Observer>,
    ) -> io::Result<Link> {
        let any: SocketAddr = match peer {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(peer).await?;
        // One octet more than there may be, so that a longer one is seen to be that; no limit counts as more or less.
        let buffer = vec![0; options.limits.datagram.clamp(64, 65_507) + 1].into_boxed_slice();
        Ok(Link {
            socket,
            peer,
            machine: DatagramClient::new(options, seed),
            buffer,
            waiting: None,
            trouble: None,
            errors: 0,
            timer: Timer::default(),
            waker: None,
            observer,
        })
    }

    /// What the system said of the peer, if the peer said nothing since.
    pub(super) fn trouble(&self) -> Option<Arc<io::Error>> {
        // An error alone wakes nobody: it may wait to be fetched.
        let fetched = self.socket.take_error().ok().flatten();
        fetched.map(Arc::new).or_else(|| self.trouble.clone())
    }

    /// All is sent.
    pub(super) fn is_flushed(&self) -> bool {
        self.waiting.is_none()
    }

    /// Sends and receives until something has happened.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ClientEvent> {
        let fresh = !self.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker()));
        if fresh {
            self.waker = Some(cx.waker().clone());
        }
        loop {
            let now = clock();
            if self.machine.deadline().is_some_and(|deadline| deadline <= now) {
                self.machine.on_deadline(now);
                self.errors = 0;
            }
            if let Some(event) = self.machine.poll_event(now) {
                return Poll::Ready(event);
            }
            self.transmit(cx, now);
            if self.receive(cx) {
                continue;
            }
            self.timer.due(now);
            if !self.timer.arm(cx, self.machine.deadline(), now, fresh) {
                return Poll::Pending;
            }
        }
    }

    fn transmit(&mut self, cx: &mut Context<'_>, now: Instant) {
        while let Some(next) = self.waiting.take().or_else(|| self.machine.poll_transmit(now)) {
            let mut sent = self.socket.poll_send(cx, &next);
            if let Poll::Ready(Err(error)) = sent {
                // Mostly what became of an earlier datagram; this one was not even tried.
                self.trouble = Some(Arc::new(error));
                sent = self.socket.poll_send(cx, &next);
            }
            match sent {
                Poll::Ready(Ok(_)) => {
                    if let Some(observer) = &self.observer {
                        observer.see(Way::Out, self.peer, &next);
                    }
                }
                // Lost, and sent again when it is time.
                Poll::Ready(Err(error)) => self.trouble = Some(Arc::new(error)),
                Poll::Pending => {
                    self.waiting = Some(next);
                    return;
                }
            }
        }
    }

    /// One datagram, or error; false when there is none.
    fn receive(&mut self, cx: &mut Context<'_>) -> bool {
        if self.errors >= ERRORS {
            return false;
        }
        let mut buffer = ReadBuf::new(&mut self.buffer);
        match self.socket.poll_recv(cx, &mut buffer) {
            Poll::Ready(Ok(())) => {
                self.errors = 0;
                let datagram = buffer.filled();
                if let Some(observer) = &self.observer {
                    observer.see(Way::In, self.peer, datagram);
                }
                let wrong = self.machine.stats().wrong;
                self.machine.receive(clock(), Bytes::copy_from_slice(datagram));
                // The peer may know only the other form, for example.
                let heard = self.machine.stats().wrong == wrong;
                self.trouble =
                    (!heard).then(|| Arc::new(io::Error::new(io::ErrorKind::InvalidData, NO_ANSWER)));
                true
            }
            Poll::Ready(Err(error)) => {
                self.trouble = Some(Arc::new(error));
                self.errors += 1;
                true
            }
            Poll::Pending => false,
        }
    }
}
