//! Sections that wait for the encoder stream (RFC 9204 §2.1.2, §2.2.1).

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::error::Error;
use crate::limits::Limits;
use crate::prefix::Prefix;

/// What a section counts beside its octets: about what it takes to keep it.
const OVERHEAD: usize = 64;

#[derive(Debug)]
struct Held {
    prefix: Prefix,
    encoded: Bytes,
}

impl Held {
    fn cost(&self) -> usize {
        self.encoded.len() + OVERHEAD
    }
}

#[derive(Debug)]
struct Stream {
    id: u64,
    /// Never empty.
    sections: VecDeque<Held>,
}

impl Stream {
    fn is_blocked(&self, inserted: u64) -> bool {
        self.sections.iter().any(|held| held.prefix.required > inserted)
    }

    /// The insert count with which its first section can be decoded.
    fn needs(&self) -> u64 {
        self.sections.front().map_or(u64::MAX, |held| held.prefix.required)
    }
}

#[derive(Debug, Default)]
pub(super) struct Blocked {
    /// In the order in which they began to wait.
    streams: Vec<Stream>,
    cost: usize,
    /// The least that a stream needs.
    least: u64,
}

impl Blocked {
    pub(super) fn streams(&self) -> usize {
        self.streams.len()
    }

    #[inline]
    pub(super) fn has(&self, stream: u64) -> bool {
        self.streams.iter().any(|waiting| waiting.id == stream)
    }

    /// Keeps a section: its own copy, so that nothing else is kept with it.
    pub(super) fn add(
        &mut self,
        stream: u64,
        prefix: Prefix,
        encoded: &[u8],
        inserted: u64,
        limits: &Limits,
    ) -> Result<(), Error> {
        // Some may only wait to be taken; they do not count.
        let others = self.streams.iter().filter(|other| other.id != stream && other.is_blocked(inserted));
        if prefix.required > inserted && others.count() as u64 >= limits.blocked_streams {
            return Err(Error::BlockedStreams { stream, limit: limits.blocked_streams });
        }
        let cost = self.cost.saturating_add(encoded.len()).saturating_add(OVERHEAD);
        if cost > limits.blocked_bytes {
            let octets = encoded.len();
            return Err(Error::BlockedBytes { stream, octets, limit: limits.blocked_bytes });
        }
        self.cost = cost;
        let held = Held { prefix, encoded: Bytes::copy_from_slice(encoded) };
        if let Some(waiting) = self.streams.iter_mut().find(|waiting| waiting.id == stream) {
            waiting.sections.push_back(held);
        } else {
            self.streams.push(Stream { id: stream, sections: VecDeque::from([held]) });
            self.find_least();
        }
        Ok(())
    }

    /// Takes out the first section that `inserted` inserts are enough for.
    #[inline]
    pub(super) fn next(&mut self, inserted: u64) -> Option<(u64, Prefix, Bytes)> {
        if self.streams.is_empty() || self.least > inserted {
            return None;
        }
        let at = self.streams.iter().position(|stream| stream.needs() <= inserted)?;
        let stream = self.streams.get_mut(at)?;
        let held = stream.sections.pop_front()?;
        self.cost -= held.cost();
        let id = stream.id;
        if stream.sections.is_empty() {
            self.streams.remove(at);
        }
        self.find_least();
        Some((id, held.prefix, held.encoded))
    }

    pub(super) fn cancel(&mut self, stream: u64) {
        let Some(at) = self.streams.iter().position(|waiting| waiting.id == stream) else { return };
        let stream = self.streams.remove(at);
        self.cost -= stream.sections.iter().map(Held::cost).sum::<usize>();
        self.find_least();
    }

    fn find_least(&mut self) {
        self.least = self.streams.iter().map(Stream::needs).min().unwrap_or(u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { table_capacity: 4096, blocked_streams: 2, blocked_bytes: 1000 };

    fn prefix(required: u64) -> Prefix {
        Prefix { required, base: 0, length: 2 }
    }

    fn add(blocked: &mut Blocked, stream: u64, required: u64, octets: &[u8]) -> Result<(), Error> {
        blocked.add(stream, prefix(required), octets, 0, &LIMITS)
    }

    #[test]
    fn streams_and_octets_are_limited_and_given_back() {
        let mut blocked = Blocked::default();
        add(&mut blocked, 0, 1, b"ab").unwrap();
        add(&mut blocked, 4, 2, b"ab").unwrap();
        // A stream counts once, whatever waits there.
        add(&mut blocked, 4, 3, b"ab").unwrap();
        assert_eq!(add(&mut blocked, 8, 1, b"ab"), Err(Error::BlockedStreams { stream: 8, limit: 2 }));
        assert_eq!(blocked.cost, 3 * 66);
        assert!(blocked.has(0) && blocked.has(4) && !blocked.has(8));
        blocked.cancel(0);
        blocked.cancel(0);
        assert_eq!(blocked.cost, 2 * 66);
        add(&mut blocked, 8, 1, b"ab").unwrap();
        let full = add(&mut blocked, 8, 1, &[0; 740]);
        assert_eq!(full, Err(Error::BlockedBytes { stream: 8, octets: 740, limit: 1000 }));
        add(&mut blocked, 8, 1, &[0; 738]).unwrap();
        assert_eq!(blocked.cost, 1000);
        blocked.cancel(8);
        blocked.cancel(4);
        assert_eq!((blocked.cost, blocked.streams(), blocked.least), (0, 0, u64::MAX));
    }

    #[test]
    fn a_limit_of_no_streams_means_none() {
        let mut blocked = Blocked::default();
        let limits = Limits { blocked_streams: 0, ..LIMITS };
        let refused = blocked.add(4, prefix(1), b"", 0, &limits);
        assert_eq!(refused, Err(Error::BlockedStreams { stream: 4, limit: 0 }));
    }

    #[test]
    fn they_leave_in_order() {
        let mut blocked = Blocked::default();
        for (stream, required) in [(8, 2), (4, 1), (8, 0), (4, 2)] {
            add(&mut blocked, stream, required, &[required as u8]).unwrap();
        }
        assert!(blocked.next(0).is_none());
        let taken = |blocked: &mut Blocked, inserted| {
            core::iter::from_fn(|| blocked.next(inserted))
                .map(|(stream, prefix, encoded)| {
                    assert_eq!(u64::from(encoded[0]), prefix.required);
                    (stream, prefix.required)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(taken(&mut blocked, 1), [(4, 1)]);
        assert_eq!(taken(&mut blocked, 2), [(8, 2), (8, 0), (4, 2)]);
        assert_eq!(blocked.cost, 0);
    }

    #[test]
    fn what_only_waits_to_be_taken_is_not_blocked() {
        let mut blocked = Blocked::default();
        add(&mut blocked, 0, 1, b"").unwrap();
        add(&mut blocked, 4, 1, b"").unwrap();
        blocked.add(8, prefix(2), b"", 1, &LIMITS).unwrap();
        blocked.add(12, prefix(2), b"", 1, &LIMITS).unwrap();
        assert!(blocked.add(16, prefix(2), b"", 1, &LIMITS).is_err());
        // One that follows on its stream is kept whatever it needs.
        blocked.add(0, prefix(0), b"", 1, &LIMITS).unwrap();
    }
}
