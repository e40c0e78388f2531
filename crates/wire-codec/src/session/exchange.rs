//! The exchanges under way.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Instant;

use super::credit::Window;

/// One request and its response, at either side.
#[derive(Debug)]
pub(super) struct Exchange {
    /// Octets that may be sent.
    pub(super) credit: u64,
    /// This side has begun: a request always has.
    pub(super) begun: bool,
    /// This side has sent its last part.
    pub(super) sent_all: bool,
    /// The application waits for so much capacity; 0: it does not.
    pub(super) wants: usize,
    /// The peer has begun: the response to an own request.
    pub(super) peer_begun: bool,
    /// The peer has sent its last part.
    pub(super) received_all: bool,
    pub(super) window: Window,
    pub(super) deadline: Option<Instant>,
}

/// The exchanges of both sides, by number.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    map: HashMap<u64, Exchange, BuildHasherDefault<IdHasher>>,
    /// How many are of odd, and of even number.
    counts: [u32; 2],
    /// No deadline is earlier.
    deadline: Option<Instant>,
    /// How many may be blocked, at most.
    pub(super) blocked: usize,
}

fn side(id: u64) -> usize {
    usize::from(id & 1 == 0)
}

impl Exchanges {
    pub(super) fn insert(&mut self, id: u64, exchange: Exchange) {
        if let Some(deadline) = exchange.deadline {
            self.deadline = Some(self.deadline.map_or(deadline, |known| known.min(deadline)));
        }
        if self.map.insert(id, exchange).is_none()
            && let Some(count) = self.counts.get_mut(side(id))
        {
            *count += 1;
        }
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Exchange> {
        let exchange = self.map.remove(&id)?;
        if let Some(count) = self.counts.get_mut(side(id)) {
            *count -= 1;
        }
        Some(exchange)
    }

    pub(super) fn get(&self, id: u64) -> Option<&Exchange> {
        self.map.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Exchange> {
        self.map.get_mut(&id)
    }

    /// Exchanges of the side that has numbers like `id`.
    pub(super) fn count(&self, id: u64) -> u32 {
        self.counts.get(side(id)).copied().unwrap_or(0)
    }

    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// When [`expired`](Exchanges::expired) is to be asked; it may come to nothing.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The exchanges whose time is over, in order.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<u64> {
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return Vec::new();
        }
        let expired = self.ids(|_, exchange| exchange.deadline.is_some_and(|deadline| deadline <= now));
        let later = self.map.values().filter_map(|exchange| exchange.deadline);
        self.deadline = later.filter(|deadline| *deadline > now).min();
        expired
    }

    /// The numbers of those that `which` picks, in order.
    pub(super) fn ids(&self, which: impl Fn(u64, &Exchange) -> bool) -> Vec<u64> {
        let mut ids: Vec<u64> =
            self.map.iter().filter(|(id, exchange)| which(**id, exchange)).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }
}

/// Numbers that increase need no mixing but that of their low bits. A peer that leaves numbers out to make them
/// collide has its few exchanges compared one by one, which their limit bounds.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.write_u64(u64::from(*octet));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}
