//! Data that wait to be sent, or to be acknowledged.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::held::{Held, TOGETHER};
use super::ranges::Ranges;

/// With so many chunks, small ones are copied together.
const MANY: usize = 8;
/// A chunk is small that has fewer octets.
const SMALL: usize = 512;

/// What was written to a stream, until it is acknowledged.
#[derive(Debug, Default)]
pub(crate) struct SendBuffer {
    /// Everything in front of this offset was acknowledged.
    base: u64,
    /// Everything in front of it was sent.
    next: u64,
    /// Everything in front of it was written.
    end: u64,
    /// The first chunk that was not wholly acknowledged, with its offset; mostly it is the only one.
    front: Option<(u64, Held)>,
    rest: VecDeque<(u64, Held)>,
    /// What was sent and lost.
    lost: Ranges,
    /// What was acknowledged behind `base`.
    acked: Ranges,
}

impl SendBuffer {
    pub(crate) fn new() -> SendBuffer {
        SendBuffer::default()
    }

    pub(crate) fn write(&mut self, data: Bytes) {
        if data.is_empty() {
            return;
        }
        let start = self.end;
        self.end += data.len() as u64;
        if self.front.is_none() {
            self.front = Some((start, Held::Shared(data)));
        } else if self.rest.len() < MANY || data.len() >= SMALL {
            self.rest.push_back((start, Held::Shared(data)));
        } else if let Some((_, Held::Own(own))) = self.rest.back_mut()
            && own.len() + data.len() <= TOGETHER
        {
            own.extend_from_slice(&data);
        } else {
            self.rest.push_back((start, Held::Own(BytesMut::from(data.as_ref()))));
        }
    }

    /// Octets that were written and not acknowledged.
    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.end - self.base).unwrap_or(usize::MAX)
    }

    /// Octets that were written.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Octets that were sent.
    pub(crate) fn next_offset(&self) -> u64 {
        self.next
    }

    pub(crate) fn wants_to_send(&self) -> bool {
        self.next < self.end || self.has_lost()
    }

    /// Something was lost and has to go again.
    pub(crate) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// What was lost first: offset and octets.
    pub(super) fn lost(&self) -> Option<(u64, u64)> {
        self.lost.first().map(|(start, end)| (start, end - start))
    }

    /// The first `octets` of [`lost`](SendBuffer::lost) go again.
    pub(super) fn take_lost(&mut self, octets: usize) {
        self.lost.remove_front(octets as u64);
    }

    /// So many octets go that were never sent.
    pub(super) fn take_fresh(&mut self, octets: usize) {
        self.next = (self.next + octets as u64).min(self.end);
    }

    /// The range that goes now, of at most `max` octets: what was lost first. It counts as sent.
    pub(crate) fn next_range(&mut self, max: usize) -> Option<(u64, usize)> {
        if max == 0 {
            return None;
        }
        if let Some((offset, octets)) = self.lost() {
            let octets = usize::try_from(octets).unwrap_or(usize::MAX).min(max);
            self.take_lost(octets);
            return Some((offset, octets));
        }
        let offset = self.next;
        let octets = usize::try_from(self.end - offset).unwrap_or(usize::MAX).min(max);
        self.take_fresh(octets);
        (octets > 0).then_some((offset, octets))
    }

    /// Appends octets that were not acknowledged.
    pub(crate) fn copy_range(&self, offset: u64, octets: usize, out: &mut Vec<u8>) {
        let front = self.front.as_ref().filter(|(start, held)| offset < start + held.len() as u64);
        let first = match front {
            Some(_) => 0,
            None => self.rest.partition_point(|(start, _)| *start <= offset).saturating_sub(1),
        };
        let (mut offset, mut left) = (offset, octets);
        for (start, held) in front.into_iter().chain(self.rest.range(first.min(self.rest.len())..)) {
            let skip = usize::try_from(offset.saturating_sub(*start)).unwrap_or(usize::MAX);
            let data = held.as_slice().get(skip..).unwrap_or_default();
            let data = data.get(..left).unwrap_or(data);
            out.extend_from_slice(data);
            offset += data.len() as u64;
            left -= data.len();
            if left == 0 {
                return;
            }
        }
    }

    pub(crate) fn on_acked(&mut self, offset: u64, octets: u64) {
        let end = offset.saturating_add(octets).min(self.next);
        if end <= self.base {
            return;
        }
        if !self.lost.is_empty() {
            self.lost.remove(offset, end);
        }
        if offset > self.base {
            self.acked.insert(offset, end);
            return;
        }
        self.base = end;
        while let Some((start, end)) = self.acked.first()
            && start <= self.base
        {
            self.base = self.base.max(end);
            self.acked.remove_front(u64::MAX);
        }
        while let Some((start, held)) = &self.front
            && start + held.len() as u64 <= self.base
        {
            self.front = self.rest.pop_front();
        }
    }

    pub(crate) fn on_lost(&mut self, offset: u64, octets: u64) {
        let end = offset.saturating_add(octets).min(self.next);
        let lost = &mut self.lost;
        self.acked.gaps(offset.max(self.base), end, |start, end| lost.insert(start, end));
    }

    /// Nothing of what was sent has arrived, nor will: all goes as if it never had.
    pub(crate) fn rewind(&mut self) {
        self.lost.clear();
        self.acked.clear();
        self.next = self.base;
    }

    /// All that was sent and not acknowledged goes again.
    pub(crate) fn retransmit(&mut self) {
        self.on_lost(self.base, self.next - self.base);
    }

    /// All that was written was acknowledged.
    pub(crate) fn is_acked(&self) -> bool {
        self.base == self.end
    }

    /// Nothing more is sent.
    pub(crate) fn clear(&mut self) {
        *self = SendBuffer { base: self.next, next: self.next, end: self.next, ..SendBuffer::default() };
    }
}
