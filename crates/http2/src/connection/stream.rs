//! One stream (RFC 9113 §5.1).

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use wirelace_http_semantics::{Fields, Priority};

use super::flow::ReceiveWindow;

/// What is expected of the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Receive {
    /// Its final head.
    Head,
    /// Data, or the trailer section.
    Body,
    /// It has ended its side.
    Ended,
}

/// What this side has still to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Send {
    /// The final head.
    Head,
    /// Data, or the trailer section.
    Body,
    /// Data that the message has no place for (the answer to HEAD): its end was sent with the head.
    Dropped,
    /// Nothing.
    Ended,
}

/// One exchange.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) receive: Receive,
    pub(super) send: Send,
    /// The request's method is HEAD.
    pub(super) to_head: bool,
    pub(super) to_connect: bool,
    pub(super) tunnel: bool,
    /// Server: the client waits for 100 (Continue).
    pub(super) expects_continue: bool,
    /// The application wants no more of what comes in.
    pub(super) ignores: bool,
    /// The application is owed a `Capacity`.
    pub(super) blocked: bool,
    pub(super) priority: Priority,
    /// Client: interim responses so far.
    pub(super) interim: u32,

    pub(super) window: ReceiveWindow,
    /// Bytes of the connection's reserve that made the window larger.
    pub(super) borrowed: u32,
    /// Handed out and not yet taken, in bytes.
    pub(super) unconsumed: u32,
    /// When the window was last granted again.
    pub(super) granted: Instant,
    /// Body bytes that Content-Length says are still to come.
    pub(super) to_come: Option<u64>,
    pub(super) received: u64,

    /// What the peer's window allows; below 0 after SETTINGS made it smaller.
    pub(super) send_window: i64,
    /// Data that wait for the peer's windows, for their turn, or for place in the output.
    pub(super) queue: VecDeque<Bytes>,
    pub(super) queued: usize,
    /// The last of `queue` ends the stream.
    pub(super) end_queued: bool,
    /// They end the stream after `queue`.
    pub(super) trailers: Option<Box<Fields>>,
    /// It has an entry in the schedule.
    pub(super) scheduled: bool,
    /// Body bytes that Content-Length says are still to be sent.
    pub(super) to_send: Option<u64>,

    /// What the timers saw last.
    pub(super) mark: Mark,
}

/// How far a stream was when the timers looked last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) receiving: Option<(Instant, u64)>,
    pub(super) sending: Option<(Instant, usize)>,
}

impl Stream {
    pub(super) fn new(id: u32, window: u32, send_window: u32, now: Instant) -> Stream {
        Stream {
            id,
            receive: Receive::Head,
            send: Send::Head,
            to_head: false,
            to_connect: false,
            tunnel: false,
            expects_continue: false,
            ignores: false,
            blocked: false,
            priority: Priority::default(),
            interim: 0,
            window: ReceiveWindow::new(window, u32::MAX),
            borrowed: 0,
            unconsumed: 0,
            granted: now,
            to_come: None,
            received: 0,
            send_window: i64::from(send_window),
            queue: VecDeque::new(),
            queued: 0,
            end_queued: false,
            trailers: None,
            scheduled: false,
            to_send: None,
            mark: Mark { receiving: None, sending: None },
        }
    }

    /// Both sides have ended it.
    pub(super) fn is_closed(&self) -> bool {
        self.receive == Receive::Ended && self.send == Send::Ended
    }

    /// Takes `bytes` off what Content-Length says is to come; false when it contradicts.
    #[must_use]
    pub(super) fn count(&mut self, bytes: u64, end: bool) -> bool {
        self.received += bytes;
        match &mut self.to_come {
            None => true,
            Some(left) => match left.checked_sub(bytes) {
                Some(rest) => {
                    *left = rest;
                    !end || rest == 0
                }
                None => false,
            },
        }
    }

    /// Whether data wait that the stream's own window lets go.
    pub(super) fn is_sendable(&self) -> bool {
        self.queued > 0 && self.send_window > 0
    }
}
