//! What the application has not been told yet.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::datagram::event::RequestId;

/// An event that may be void by the time that it is taken.
#[derive(Debug)]
pub(super) enum Queued<A> {
    Request { id: RequestId, from: A, payload: Bytes },
    Message { from: A, payload: Bytes },
    Cancelled { id: RequestId, told: bool },
}

/// The queue, with the counts that bound it.
#[derive(Debug)]
pub(super) struct Events<A> {
    queue: VecDeque<Queued<A>>,
    messages: usize,
    cancelled: usize,
}

impl<A> Events<A> {
    pub(super) const fn new() -> Events<A> {
        Events { queue: VecDeque::new(), messages: 0, cancelled: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Messages in the queue.
    pub(super) const fn messages(&self) -> usize {
        self.messages
    }

    /// Requests that are over, and still take a place or two in the queue.
    pub(super) const fn cancelled(&self) -> usize {
        self.cancelled
    }

    pub(super) fn push(&mut self, event: Queued<A>) {
        match event {
            Queued::Message { .. } => self.messages += 1,
            Queued::Cancelled { .. } => self.cancelled += 1,
            Queued::Request { .. } => {}
        }
        self.queue.push_back(event);
    }

    pub(super) fn pop(&mut self) -> Option<Queued<A>> {
        let event = self.queue.pop_front()?;
        match event {
            Queued::Message { .. } => self.messages -= 1,
            Queued::Cancelled { .. } => self.cancelled -= 1,
            Queued::Request { .. } => {}
        }
        Some(event)
    }
}
