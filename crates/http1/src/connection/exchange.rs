//! One request and its response.

use bytes::{Bytes, BytesMut};
use wirelace_http_semantics::{Event, StreamId};

use super::limits::Limits;

/// How far the response of an exchange has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing but interim responses.
    Nothing,
    /// The final head.
    Head,
    /// All of it.
    All,
}

/// One request and its response, at either side.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) id: StreamId,
    /// The request's method is HEAD: the response has no body.
    pub(super) to_head: bool,
    pub(super) to_connect: bool,
    /// The request offers an upgrade.
    pub(super) upgrade: bool,
    pub(super) http10: bool,
    /// The connection stays open after it.
    pub(super) persists: bool,
    /// Server: the client waits for 100 (Continue) before it sends its body.
    pub(super) expects_continue: bool,
    /// The request is complete (server: received; client: sent).
    pub(super) requested: bool,
    /// The response, sent or received.
    pub(super) response: Progress,
    /// Data that was handed out and not yet taken, in bytes.
    pub(super) unconsumed: usize,
    /// The application wants no more of what comes in.
    pub(super) ignore_body: bool,
    /// Incoming body bytes thrown away.
    pub(super) drained: u64,
    /// A command was refused as blocked: `Capacity` is owed.
    pub(super) blocked: bool,
    /// Client: interim responses so far.
    pub(super) interim: u32,
}

impl Exchange {
    pub(super) fn new(id: StreamId) -> Exchange {
        Exchange {
            id,
            to_head: false,
            to_connect: false,
            upgrade: false,
            http10: false,
            persists: true,
            expects_continue: false,
            requested: false,
            response: Progress::Nothing,
            unconsumed: 0,
            ignore_body: false,
            drained: 0,
            blocked: false,
            interim: 0,
        }
    }

    /// How much of what comes in may be handed out now, of at most `limit` bytes that are not taken yet.
    pub(super) fn window(&self, limit: usize) -> usize {
        if self.ignore_body { usize::MAX } else { limit.max(1).saturating_sub(self.unconsumed) }
    }

    /// As [`window`](Exchange::window), for a body: of one that nobody wants, no more than shows that it is too long
    /// to drain. So the verdict is the same however the input is cut.
    pub(super) fn body_window(&self, limits: &Limits) -> usize {
        if self.ignore_body {
            let left = limits.drain.saturating_sub(self.drained).saturating_add(1);
            usize::try_from(left).unwrap_or(usize::MAX)
        } else {
            self.window(limits.window)
        }
    }

    /// The next bytes of a tunnel; those that nobody wants are dropped.
    pub(super) fn tunnel_data(&mut self, input: &mut BytesMut, limit: usize) -> Option<Event> {
        let len = input.len().min(self.window(limit));
        let data = input.split_to(len).freeze();
        if len == 0 || self.ignore_body {
            return None;
        }
        self.unconsumed += len;
        Some(Event::Data { stream: self.id, data, end: false })
    }

    /// The end of a tunnel's incoming bytes, where somebody wants to know.
    pub(super) fn tunnel_end(&self) -> Option<Event> {
        (!self.ignore_body).then_some(Event::Data { stream: self.id, data: Bytes::new(), end: true })
    }

    /// True when both directions are complete.
    pub(super) fn is_over(&self) -> bool {
        self.requested && self.response == Progress::All
    }
}
