//! Data that wait to be sent, or to be acknowledged.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

/// One direction of a stream, as it goes.
#[derive(Debug, Default)]
pub(crate) struct SendBuffer {
    chunks: VecDeque<Bytes>,
    /// The offset of the first chunk: all below was acknowledged.
    base: u64,
    /// The next octet that was never sent.
    next: u64,
    /// Behind the last octet.
    end: u64,
    /// Ranges that were acknowledged, above the base: from, to.
    acked: BTreeMap<u64, u64>,
    /// Ranges that have to go again: from, to.
    lost: BTreeMap<u64, u64>,
}

/// Adds a range, joined with those that it touches.
fn add(ranges: &mut BTreeMap<u64, u64>, mut from: u64, mut to: u64) {
    while let Some((at, end)) = ranges.range(..=to).next_back().map(|(at, end)| (*at, *end)) {
        if end < from {
            break;
        }
        from = from.min(at);
        to = to.max(end);
        ranges.remove(&at);
    }
    ranges.insert(from, to);
}

/// Takes a range out.
fn remove(ranges: &mut BTreeMap<u64, u64>, from: u64, to: u64) {
    while let Some((at, end)) = ranges.range(..to).next_back().map(|(at, end)| (*at, *end)) {
        if end <= from {
            return;
        }
        ranges.remove(&at);
        if at < from {
            ranges.insert(at, from);
        }
        if end > to {
            ranges.insert(to, end);
        }
    }
}

impl SendBuffer {
    pub(crate) fn new() -> SendBuffer {
        SendBuffer::default()
    }

    pub(crate) fn write(&mut self, data: Bytes) {
        if !data.is_empty() {
            self.end += data.len() as u64;
            self.chunks.push_back(data);
        }
    }

    /// Octets that wait to be sent or acknowledged.
    pub(crate) fn len(&self) -> usize {
        (self.end - self.base) as usize
    }

    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    pub(crate) fn next_offset(&self) -> u64 {
        self.next
    }

    pub(crate) fn wants_to_send(&self) -> bool {
        !self.lost.is_empty() || self.next < self.end
    }

    pub(crate) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// Where the next octets to be sent begin.
    pub(crate) fn part_offset(&self) -> u64 {
        self.lost.first_key_value().map_or(self.next, |(from, _)| *from)
    }

    /// Takes the next octets to be sent, at most `max`: those that were lost first.
    pub(crate) fn next_range(&mut self, max: usize) -> Option<(u64, usize)> {
        if max == 0 {
            return None;
        }
        if let Some((from, to)) = self.lost.pop_first() {
            let length = (to - from).min(max as u64);
            if from + length < to {
                self.lost.insert(from + length, to);
            }
            return Some((from, length as usize));
        }
        let length = (self.end - self.next).min(max as u64);
        if length == 0 {
            return None;
        }
        self.next += length;
        Some((self.next - length, length as usize))
    }

    /// Appends octets to a packet.
    pub(crate) fn copy_range(&self, offset: u64, length: usize, out: &mut Vec<u8>) {
        let Some(mut skip) = offset.checked_sub(self.base) else { return };
        let mut left = length;
        for chunk in &self.chunks {
            let size = chunk.len() as u64;
            if skip >= size {
                skip -= size;
                continue;
            }
            let rest = chunk.get(skip as usize..).unwrap_or_default();
            let taken = rest.get(..left).unwrap_or(rest);
            out.extend_from_slice(taken);
            left -= taken.len();
            skip = 0;
            if left == 0 {
                return;
            }
        }
    }

    pub(crate) fn on_acked(&mut self, offset: u64, length: u64) {
        let (from, to) = (offset.max(self.base), offset + length);
        if from >= to {
            return;
        }
        remove(&mut self.lost, from, to);
        add(&mut self.acked, from, to);
        while let Some(first) = self.acked.first_entry().filter(|first| *first.key() <= self.base) {
            let mut gone = first.remove().saturating_sub(self.base);
            self.base += gone;
            while gone > 0
                && let Some(front) = self.chunks.front_mut()
            {
                let some = gone.min(front.len() as u64);
                gone -= some;
                if some == front.len() as u64 {
                    self.chunks.pop_front();
                } else {
                    drop(front.split_to(some as usize));
                }
            }
        }
    }

    pub(crate) fn on_lost(&mut self, offset: u64, length: u64) {
        let (mut from, to) = (offset.max(self.base), offset + length);
        // Parts of it may have arrived in another packet.
        while from < to {
            let covered = self.acked.range(..=from).next_back().map_or(0, |(_, end)| *end);
            if covered > from {
                from = covered;
                continue;
            }
            let until = self.acked.range(from..).next().map_or(to, |(at, _)| to.min(*at));
            add(&mut self.lost, from, until);
            from = until;
        }
    }

    /// Everything goes again.
    pub(crate) fn rewind(&mut self) {
        self.next = self.base;
        self.lost.clear();
    }

    /// All that was sent and not acknowledged goes again.
    pub(crate) fn retransmit(&mut self) {
        self.on_lost(self.base, self.next - self.base);
    }

    pub(crate) fn is_acked(&self) -> bool {
        self.base == self.end
    }

    /// Forgets all: what was not sent does not count any more.
    pub(crate) fn drop_unsent(&mut self) {
        *self = SendBuffer { base: self.next, next: self.next, end: self.next, ..SendBuffer::default() };
    }
}
