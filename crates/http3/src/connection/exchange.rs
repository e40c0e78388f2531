//! One exchange: a request and its response, or a response that was pushed (RFC 9114 §4.1, §4.6).

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use wirelace_http_semantics::Priority;
use wirelace_quic_lite::StreamId as QuicStream;

use crate::frame::Reader;

/// Marks the ids of pushed exchanges: streams have numbers below it.
pub(super) const PUSH: u64 = 1 << 62;

/// What is expected of the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Receive {
    /// Its final head.
    Head,
    /// Data, or the trailer section.
    Body,
    /// The end.
    Trailers,
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
    /// Data that have no place (the answer to HEAD, a request that the server has stopped).
    Dropped,
    /// Nothing.
    Ended,
}

/// A field section that waits for the peer's encoder stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Of the message itself.
    Message,
    /// Of the promise of that push.
    Promise(u64),
}

#[derive(Debug)]
pub(super) struct Exchange {
    /// What the application knows it by.
    pub(super) id: u64,
    /// The stream that carries it; `None` for a push that is only promised.
    pub(super) stream: Option<QuicStream>,
    pub(super) reader: Reader,
    pub(super) receive: Receive,
    pub(super) send: Send,
    pub(super) waiting: Option<Waiting>,
    /// The application knows of it.
    pub(super) told: bool,
    /// The first frame has begun.
    pub(super) begun: bool,
    /// The request's method is HEAD.
    pub(super) to_head: bool,
    pub(super) to_connect: bool,
    pub(super) tunnel: bool,
    /// Server: the client waits for 100 (Continue).
    pub(super) expects_continue: bool,
    /// The application wants no more of what comes in.
    pub(super) ignores: bool,
    /// Bytes that were thrown away since.
    pub(super) ignored: u64,
    pub(super) priority: Priority,
    /// PRIORITY_UPDATE said it: what the head says is older.
    pub(super) told_priority: bool,
    /// Client: interim responses so far.
    pub(super) interim: u32,
    /// Handed out and not yet taken, in bytes.
    pub(super) unconsumed: usize,
    /// Body bytes that Content-Length says are still to come.
    pub(super) to_come: Option<u64>,
    pub(super) received: u64,
    /// What the transport did not take yet.
    pub(super) pending: VecDeque<Bytes>,
    pub(super) pending_end: bool,
    /// Body bytes that Content-Length says are still to be sent.
    pub(super) to_send: Option<u64>,
    /// When it began.
    pub(super) opened: Instant,
    /// What the timers saw last: of what came, and of what waits since when.
    pub(super) receiving: Option<(Instant, u64)>,
    pub(super) sending: Option<Instant>,
}

impl Exchange {
    pub(super) fn new(id: u64, stream: Option<QuicStream>, now: Instant) -> Exchange {
        Exchange {
            id,
            stream,
            reader: Reader::default(),
            receive: Receive::Head,
            send: Send::Head,
            waiting: None,
            told: false,
            begun: false,
            to_head: false,
            to_connect: false,
            tunnel: false,
            expects_continue: false,
            ignores: false,
            ignored: 0,
            priority: Priority::default(),
            told_priority: false,
            interim: 0,
            unconsumed: 0,
            to_come: None,
            received: 0,
            pending: VecDeque::new(),
            pending_end: false,
            to_send: None,
            opened: now,
            receiving: None,
            sending: None,
        }
    }

    /// Both sides have ended it.
    pub(super) fn is_closed(&self) -> bool {
        self.receive == Receive::Ended && self.send == Send::Ended && self.pending.is_empty()
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
}
