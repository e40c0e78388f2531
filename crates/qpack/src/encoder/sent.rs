//! Sections that the peer has not acknowledged (RFC 9204 §2.1.1, §2.1.2).

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::entries::Entries;

/// Sections that are remembered at most.
const MOST_SECTIONS: usize = 4096;

/// Streams that may be blocked at most, whatever the peer offers.
const MOST_BLOCKED: u64 = 256;

/// A section that refers to the dynamic table.
#[derive(Debug, Clone, Copy)]
struct Section {
    stream: u64,
    /// Its Required Insert Count.
    required: u64,
    /// The oldest entry that it refers to.
    lowest: u64,
}

#[derive(Debug, Default)]
pub(super) struct Sent {
    /// By stream, and those of a stream in their order. Streams mostly begin and end in order, so most sections come
    /// at the end and leave at the front.
    sections: VecDeque<Section>,
    /// Streams with a section that needs more than the decoder is known to have, and the most that any needs.
    blocked: Vec<(u64, u64)>,
}

impl Sent {
    pub(super) fn sections(&self) -> usize {
        self.sections.len()
    }

    /// True if no more sections can be remembered.
    pub(super) fn is_full(&self) -> bool {
        self.sections.len() >= MOST_SECTIONS
    }

    /// Whether a section on that stream may need what the decoder perhaps does not have yet.
    #[inline]
    pub(super) fn may_block(&self, stream: u64, limit: u64) -> bool {
        (self.blocked.len() as u64) < limit.min(MOST_BLOCKED)
            || self.blocked.iter().any(|&(id, _)| id == stream)
    }

    /// Remembers a section that refers to entries, the oldest of them `lowest`.
    pub(super) fn add(&mut self, stream: u64, required: u64, lowest: u64, entries: &mut Entries) {
        entries.pin(lowest);
        let at = self.sections.partition_point(|section| section.stream <= stream);
        self.sections.insert(at, Section { stream, required, lowest });
        if required > entries.known() {
            match self.blocked.iter_mut().find(|(id, _)| *id == stream) {
                Some((_, most)) => *most = required.max(*most),
                None => self.blocked.push((stream, required)),
            }
        }
    }

    /// The oldest section of the stream was decoded; false if there is none.
    pub(super) fn acknowledge(&mut self, stream: u64, entries: &mut Entries) -> bool {
        let Some(section) = self.take(stream, entries) else { return false };
        self.received(section.required, entries);
        true
    }

    /// No section of the stream will be decoded any more.
    pub(super) fn cancel(&mut self, stream: u64, entries: &mut Entries) {
        while self.take(stream, entries).is_some() {}
        self.blocked.retain(|&(id, _)| id != stream);
    }

    /// The decoder has that many entries.
    pub(super) fn received(&mut self, count: u64, entries: &mut Entries) {
        if count > entries.known() {
            entries.set_known(count);
            self.blocked.retain(|&(_, required)| required > count);
        }
    }

    fn take(&mut self, stream: u64, entries: &mut Entries) -> Option<Section> {
        let at = self.sections.partition_point(|section| section.stream < stream);
        if self.sections.get(at)?.stream != stream {
            return None;
        }
        let section = self.sections.remove(at)?;
        entries.unpin(section.lowest);
        Some(section)
    }
}
