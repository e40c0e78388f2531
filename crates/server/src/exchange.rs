//! One request and its response, while they last.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use wirelace_http_semantics::{Reason, StreamId};

use crate::feed::Feed;
use crate::link::Link;
use crate::request::Request;
use crate::respond::Asked;
use crate::response::Response;
use crate::response_body::BoxBody;

/// Where a handler's future lives: pinned, and used again for the next one.
pub(crate) type Slot<F> = Pin<Box<Option<F>>>;

pub(crate) struct Exchange<F> {
    pub(crate) stream: StreamId,
    pub(crate) asked: Asked,
    pub(crate) state: State<F>,
    /// Where the incoming body goes; after a switch, the tunnel.
    pub(crate) feed: Option<Feed>,
    /// Where the tunnel would go.
    pub(crate) tunnel: Option<Feed>,
    pub(crate) expects_continue: bool,
    /// Polled at the next opportunity.
    pub(crate) runnable: bool,
    pub(crate) alarm: Option<(Arc<Alarm>, Waker)>,
}

pub(crate) enum State<F> {
    /// Until the TLS handshake is complete.
    Held(Box<Request>),
    Handling(Slot<F>),
    /// An earlier response has to be finished first.
    Waiting(Box<Response>),
    Sending(BoxBody),
    /// It was reset.
    Failed,
    /// The response is complete, or cannot be.
    Done,
}

impl<F> Exchange<F> {
    /// True when the exchange can be forgotten.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Done) && self.feed.is_none()
    }

    /// It was reset: whoever reads its body elsewhere is told.
    pub(crate) fn break_off(&mut self) {
        for feed in [self.feed.take(), self.tunnel.take()].into_iter().flatten() {
            feed.fail(Reason::Internal);
        }
        self.state = State::Done;
    }

    /// Where data go that come now. What follows CONNECT is the tunnel's, though it is not open yet.
    pub(crate) fn inlet(&self) -> Option<&Feed> {
        match &self.feed {
            None if self.asked.connect => self.tunnel.as_ref(),
            feed => feed.as_ref(),
        }
    }

    /// Whether it wants to be polled.
    pub(crate) fn take_runnable(&mut self) -> bool {
        let woken = self.alarm.as_ref().is_some_and(|(alarm, _)| alarm.rings.swap(false, Ordering::AcqRel));
        std::mem::take(&mut self.runnable) || woken
    }
}

/// Tells which of many exchanges was woken, so that not all of them are polled. A single one does without.
#[derive(Debug)]
pub(crate) struct Alarm {
    rings: AtomicBool,
    stream: StreamId,
    link: Arc<Link>,
}

impl Alarm {
    pub(crate) fn new(link: &Arc<Link>, stream: StreamId) -> (Arc<Alarm>, Waker) {
        let alarm = Arc::new(Alarm { rings: AtomicBool::new(false), stream, link: Arc::clone(link) });
        let waker = Waker::from(Arc::clone(&alarm));
        (alarm, waker)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rings.swap(true, Ordering::AcqRel) {
            self.link.call(self.stream);
            self.link.wake();
        }
    }
}
