//! Payloads on their way in parts, between a connection and those who send and read them.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use wirelace_wire_codec::session::ExchangeId;

use super::bell::{Bell, lock};
use super::body::Collected;
use super::error::CallError;

/// Octets that wait for credit above which a sender waits, too.
pub(super) const QUEUE: usize = 64 * 1024;

/// What a part costs beside its octets, so that many small ones cannot be queued.
const PART_COST: usize = 64;

/// Parts under so many octets are put together when they have to wait anyway.
const SMALL: usize = 1024;

/// Octets that are put together at most.
const TOGETHER: usize = 16 * 1024;

/// Both directions of one exchange, at one side. The connection puts in what comes, and takes what is to be sent;
/// whoever has the other ends rings when they did something.
#[derive(Debug)]
pub(super) struct Pipe {
    bell: Arc<Bell<Arc<Pipe>>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    id: Option<ExchangeId>,
    /// In the bell's list.
    rung: bool,
    /// The exchange is over: nobody needs to hear of changes.
    over: bool,
    outgoing: Outgoing,
    incoming: Incoming,
}

#[derive(Debug, Default)]
struct Outgoing {
    parts: VecDeque<Bytes>,
    cost: usize,
    /// For the base form: the parts so far, as one.
    whole: Collected,
    finished: bool,
    /// The sender left before it had finished.
    gone: bool,
    closed: Option<CallError>,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
struct Incoming {
    parts: VecDeque<Bytes>,
    /// Small parts after the others, together.
    small: BytesMut,
    end: Option<Result<(), CallError>>,
    /// Octets read that the session has not been told of.
    taken: usize,
    /// Nobody reads any more.
    gone: bool,
    waker: Option<Waker>,
}

/// What the connection is to send next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    /// A part, and whether it is the last.
    Part(Bytes, bool),
}

/// A payload as one, as the base form wants it.
#[derive(Debug)]
pub(super) enum Whole {
    NotYet,
    Here(Bytes),
    TooLong(usize),
}

/// What has changed when the bell was rung.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) id: Option<ExchangeId>,
    /// Octets that were read.
    pub(super) taken: usize,
    /// The sender left before it had finished.
    pub(super) sender_gone: bool,
    /// The reader left before the end.
    pub(super) reader_gone: bool,
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Outgoing {
    fn push(&mut self, part: Bytes) {
        if !part.is_empty() {
            self.cost += part.len() + PART_COST;
            self.parts.push_back(part);
        }
    }

    fn pop(&mut self, most: usize) -> Bytes {
        let Some(front) = self.parts.front_mut() else { return Bytes::new() };
        if front.len() > most {
            self.cost -= most;
            return front.split_to(most);
        }
        self.cost -= front.len() + PART_COST;
        self.parts.pop_front().unwrap_or_default()
    }

    fn next(&mut self, capacity: usize) -> Next {
        if self.closed.is_some() || (self.parts.is_empty() && !self.finished) {
            return Next::Nothing;
        }
        if capacity == 0 && !self.parts.is_empty() {
            return Next::Nothing;
        }
        let mut part = self.pop(capacity);
        if part.len() < SMALL && !self.parts.is_empty() && part.len() < capacity {
            let most = capacity.min(TOGETHER);
            let mut together = BytesMut::from(&part[..]);
            while together.len() < most && !self.parts.is_empty() {
                together.extend_from_slice(&self.pop(most - together.len()));
            }
            part = together.freeze();
        }
        Next::Part(part, self.finished && self.parts.is_empty())
    }

    fn close(&mut self, error: &CallError) -> Option<Waker> {
        if !self.finished {
            self.closed.get_or_insert_with(|| error.clone());
        }
        self.parts.clear();
        self.whole = Collected::default();
        self.cost = 0;
        self.waker.take()
    }
}

impl Incoming {
    fn push(&mut self, data: Bytes) {
        if data.len() < SMALL {
            self.small.extend_from_slice(&data);
            return;
        }
        if !self.small.is_empty() {
            self.parts.push_back(self.small.split().freeze());
        }
        self.parts.push_back(data);
    }

    fn pop(&mut self) -> Option<Bytes> {
        self.parts.pop_front().or_else(|| (!self.small.is_empty()).then(|| self.small.split().freeze()))
    }

    fn discard(&mut self) -> usize {
        let octets = self.parts.drain(..).map(|part| part.len()).sum::<usize>() + self.small.len();
        self.small = BytesMut::new();
        octets
    }
}

/// For the connection.
impl Pipe {
    pub(super) fn new(bell: &Arc<Bell<Arc<Pipe>>>) -> Arc<Pipe> {
        Arc::new(Pipe { bell: Arc::clone(bell), state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn set_id(&self, id: ExchangeId) {
        self.state().id = Some(id);
    }

    /// Answers the bell.
    pub(super) fn changes(&self) -> Changes {
        let mut state = self.state();
        state.rung = false;
        let State { id, outgoing, incoming, .. } = &mut *state;
        Changes {
            id: *id,
            taken: mem::take(&mut incoming.taken),
            sender_gone: outgoing.gone,
            reader_gone: incoming.gone && incoming.end.is_none(),
        }
    }

    /// One of the halves has left before its time, so that a caller wants nothing any more.
    pub(super) fn is_given_up(&self) -> bool {
        let state = self.state();
        state.outgoing.gone || state.incoming.gone && state.incoming.end.is_none()
    }

    pub(super) fn next(&self, capacity: usize) -> Next {
        let mut state = self.state();
        let next = state.outgoing.next(capacity);
        let waker = if state.outgoing.cost < QUEUE { state.outgoing.waker.take() } else { None };
        drop(state);
        wake(waker);
        next
    }

    /// Something waits to be sent, or the end.
    pub(super) fn has_output(&self) -> bool {
        let state = self.state();
        state.outgoing.finished || !state.outgoing.parts.is_empty()
    }

    /// There was no room for it after all.
    pub(super) fn put_back(&self, part: Bytes) {
        let mut state = self.state();
        if !part.is_empty() {
            state.outgoing.cost += part.len() + PART_COST;
            state.outgoing.parts.push_front(part);
        }
    }

    /// The payload as one, at most `limit` octets of it.
    pub(super) fn whole(&self, limit: usize) -> Whole {
        let mut state = self.state();
        let outgoing = &mut state.outgoing;
        while !outgoing.parts.is_empty() && outgoing.whole.len() <= limit {
            let part = outgoing.pop(usize::MAX);
            outgoing.whole.push(part);
        }
        if outgoing.whole.len() > limit {
            return Whole::TooLong(outgoing.whole.len());
        }
        if outgoing.finished {
            return Whole::Here(mem::take(&mut outgoing.whole).finish());
        }
        let waker = outgoing.waker.take();
        drop(state);
        wake(waker);
        Whole::NotYet
    }

    /// A part came; returns how many octets nobody will read. With the end, nothing more is sent.
    pub(super) fn deliver(&self, data: Bytes, end: bool) -> usize {
        let mut state = self.state();
        let incoming = &mut state.incoming;
        if incoming.end.is_some() {
            return data.len();
        }
        let unread = if incoming.gone { data.len() } else { 0 };
        if !incoming.gone {
            incoming.push(data);
        }
        if end {
            incoming.end = Some(Ok(()));
        }
        let waker = incoming.waker.take();
        drop(state);
        wake(waker);
        unread
    }

    /// The exchange is over: what came can still be read, what was not sent is not sent any more.
    pub(super) fn close(&self, error: &CallError) {
        let mut state = self.state();
        state.over = true;
        state.incoming.end.get_or_insert_with(|| Err(error.clone()));
        let wakers = (state.incoming.waker.take(), state.outgoing.close(error));
        drop(state);
        wake(wakers.0);
        wake(wakers.1);
    }
}

/// For the halves.
impl Pipe {
    fn ring(self: &Arc<Pipe>, mut state: MutexGuard<'_, State>) {
        let rung = state.over || mem::replace(&mut state.rung, true);
        drop(state);
        if !rung {
            self.bell.ring(Arc::clone(self));
        }
    }

    /// The first part, before the connection knows the pipe.
    pub(super) fn prime(&self, part: Bytes, end: bool) {
        let mut state = self.state();
        state.outgoing.push(part);
        state.outgoing.finished = end;
    }

    /// Takes `part` when there is room for it.
    pub(super) fn poll_send(
        self: &Arc<Pipe>,
        cx: &Context<'_>,
        part: &mut Bytes,
    ) -> Poll<Result<(), CallError>> {
        let mut state = self.state();
        if let Some(error) = &state.outgoing.closed {
            return Poll::Ready(Err(error.clone()));
        }
        if state.outgoing.cost >= QUEUE {
            state.outgoing.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.outgoing.push(mem::take(part));
        self.ring(state);
        Poll::Ready(Ok(()))
    }

    /// That was all.
    pub(super) fn finish(self: &Arc<Pipe>) {
        let mut state = self.state();
        if state.outgoing.closed.is_none() {
            state.outgoing.finished = true;
            self.ring(state);
        }
    }

    pub(super) fn leave_sender(self: &Arc<Pipe>) {
        let mut state = self.state();
        if !state.outgoing.finished && state.outgoing.closed.is_none() {
            state.outgoing.gone = true;
            self.ring(state);
        }
    }

    pub(super) fn poll_next(self: &Arc<Pipe>, cx: &Context<'_>) -> Poll<Option<Result<Bytes, CallError>>> {
        let mut state = self.state();
        if let Some(part) = state.incoming.pop() {
            state.incoming.taken += part.len();
            self.ring(state);
            return Poll::Ready(Some(Ok(part)));
        }
        match &mut state.incoming.end {
            None => {
                state.incoming.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Some(Ok(())) => Poll::Ready(None),
            Some(end) => Poll::Ready(mem::replace(end, Ok(())).err().map(Err)),
        }
    }

    pub(super) fn leave_reader(self: &Arc<Pipe>) {
        let mut state = self.state();
        state.incoming.gone = true;
        state.incoming.taken += state.incoming.discard();
        self.ring(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipe() -> (Arc<Bell<Arc<Pipe>>>, Arc<Pipe>) {
        let bell = Arc::default();
        let pipe = Pipe::new(&bell);
        (bell, pipe)
    }

    fn send(pipe: &Arc<Pipe>, octets: usize) -> bool {
        let mut part = Bytes::from(vec![7; octets]);
        pipe.poll_send(&Context::from_waker(Waker::noop()), &mut part).is_ready()
    }

    #[test]
    fn small_parts_go_together_and_only_so_many_wait() {
        let (_bell, pipe) = pipe();
        let parts = (0..).take_while(|_| send(&pipe, 1)).count();
        assert_eq!(parts, QUEUE.div_ceil(1 + PART_COST));
        assert_eq!(pipe.next(0), Next::Nothing);
        assert_eq!(pipe.next(10), Next::Part(vec![7; 10].into(), false));
        assert_eq!(pipe.next(usize::MAX), Next::Part(vec![7; parts - 10].into(), false));
        assert_eq!(pipe.next(usize::MAX), Next::Nothing);
        pipe.finish();
        assert_eq!(pipe.next(0), Next::Part(Bytes::new(), true));
        assert_eq!(pipe.state().outgoing.cost, 0);
    }

    #[test]
    fn a_part_goes_out_as_it_is_as_far_as_there_is_capacity() {
        let (_bell, pipe) = pipe();
        assert!(send(&pipe, 3 * QUEUE));
        assert!(!send(&pipe, 1));
        pipe.finish();
        assert_eq!(pipe.next(QUEUE), Next::Part(vec![7; QUEUE].into(), false));
        let Next::Part(part, true) = pipe.next(usize::MAX) else { panic!("the rest") };
        assert_eq!(part.len(), 2 * QUEUE);
        pipe.put_back(part);
        let Whole::TooLong(octets) = pipe.whole(1000) else { panic!("too long") };
        assert_eq!(octets, 2 * QUEUE);
    }

    #[test]
    fn small_parts_that_came_take_no_more_memory_than_large_ones() {
        let (_bell, pipe) = pipe();
        for _ in 0..10_000 {
            pipe.deliver(Bytes::from_static(b"x"), false);
        }
        pipe.deliver(vec![1; 5000].into(), false);
        pipe.deliver(Bytes::from_static(b"y"), true);
        assert_eq!(pipe.state().incoming.parts.len(), 2);
        let cx = Context::from_waker(Waker::noop());
        let mut lengths = Vec::new();
        while let Poll::Ready(Some(Ok(part))) = pipe.poll_next(&cx) {
            lengths.push(part.len());
        }
        assert_eq!(lengths, [10_000, 5000, 1]);
    }

    #[test]
    fn it_rings_once_until_it_is_heard() {
        let (bell, pipe) = pipe();
        let cx = Context::from_waker(Waker::noop());
        assert!(send(&pipe, 1) && send(&pipe, 1));
        assert_eq!(bell.listen(&cx).len(), 1);
        pipe.deliver(vec![0; 10].into(), false);
        assert!(pipe.poll_next(&cx).is_ready());
        assert!(bell.listen(&cx).is_empty(), "its changes were not looked at yet");
        assert_eq!(pipe.changes().taken, 10);
        pipe.leave_reader();
        assert_eq!(bell.listen(&cx).len(), 1);
        assert!(pipe.changes().reader_gone && pipe.is_given_up());
        bell.silence();
        pipe.leave_sender();
        assert!(bell.listen(&cx).is_empty());
    }
}
