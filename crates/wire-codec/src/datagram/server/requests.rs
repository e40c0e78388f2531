//! The requests of a server that are under way.

use core::hash::Hash;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::datagram::event::RequestId;

/// What tells requests of one address apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// Extended form: the id.
    Id(u64),
    /// Base form: the hash of the payload.
    Payload(u64),
}

/// A request.
#[derive(Debug)]
pub(super) struct Request<A> {
    pub(super) from: A,
    pub(super) key: Key,
    /// Of the payload.
    pub(super) hash: u64,
    /// It had a checksum, so its answer has one.
    pub(super) checksum: bool,
    pub(super) deadline: Option<Instant>,
    /// The application knows of it.
    pub(super) told: bool,
}

/// All requests under way, by number and by key, and how many each address has.
#[derive(Debug)]
pub(super) struct Requests<A> {
    last: u64,
    open: HashMap<RequestId, Request<A>>,
    ids: HashMap<(A, Key), RequestId>,
    each: HashMap<A, u32>,
    deadlines: BTreeSet<(Instant, RequestId)>,
}

impl<A: Copy + Eq + Hash> Requests<A> {
    pub(super) fn new() -> Requests<A> {
        Requests {
            last: 0,
            open: HashMap::new(),
            ids: HashMap::new(),
            each: HashMap::new(),
            deadlines: BTreeSet::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn addresses(&self) -> usize {
        self.each.len()
    }

    /// How many this address has.
    pub(super) fn of(&self, from: A) -> u32 {
        self.each.get(&from).copied().unwrap_or(0)
    }

    pub(super) fn find(&self, from: A, key: Key) -> Option<(RequestId, &Request<A>)> {
        let id = *self.ids.get(&(from, key))?;
        self.open.get(&id).map(|request| (id, request))
    }

    /// Takes a new one, whose key is not under way.
    pub(super) fn open(&mut self, request: Request<A>) -> RequestId {
        self.last = self.last.wrapping_add(1);
        let id = RequestId(self.last);
        self.ids.insert((request.from, request.key), id);
        *self.each.entry(request.from).or_insert(0) += 1;
        if let Some(deadline) = request.deadline {
            self.deadlines.insert((deadline, id));
        }
        self.open.insert(id, request);
        id
    }

    /// The application is told of it; `None`: it is over.
    pub(super) fn tell(&mut self, id: RequestId) -> Option<&Request<A>> {
        let request = self.open.get_mut(&id)?;
        request.told = true;
        Some(request)
    }

    /// One that the application knows of.
    pub(super) fn told(&self, id: RequestId) -> Option<&Request<A>> {
        self.open.get(&id).filter(|request| request.told)
    }

    /// Takes it out.
    pub(super) fn close(&mut self, id: RequestId) -> Option<Request<A>> {
        let request = self.open.remove(&id)?;
        self.ids.remove(&(request.from, request.key));
        if let Entry::Occupied(mut count) = self.each.entry(request.from) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        if let Some(deadline) = request.deadline {
            self.deadlines.remove(&(deadline, id));
        }
        Some(request)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// One whose deadline has passed at `now`.
    pub(super) fn due(&self, now: Instant) -> Option<RequestId> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }
}
