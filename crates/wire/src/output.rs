//! The bytes that want to go out.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;

/// Payloads up to this size are copied next to their neighbours: cheaper than one more slice in a vectored
/// write and one more reference count.
const COPY_BELOW: usize = 1024;

/// Drained bytes at the front of the inline buffer are reclaimed beyond this.
const COMPACT_ABOVE: usize = 4096;

/// A byte queue made of inline bytes (heads, frames, small payloads) and shared [`Bytes`] (large payloads, never
/// copied), in order, written with one vectored write.
///
/// The limit is a promise between a machine and itself: [`room`](Output::room) tells how much more it should
/// produce. The queue does not refuse bytes beyond it, since half a frame would be worse.
#[derive(Debug)]
pub struct Output {
    /// Inline bytes; `start` of them are written already.
    inline: Vec<u8>,
    start: usize,
    /// Shared payloads, each with the position in `inline` that it comes before.
    shared: VecDeque<(usize, Bytes)>,
    shared_len: usize,
    limit: usize,
}

impl Output {
    /// An empty queue that wants to hold at most `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Output {
        Output { inline: Vec::new(), start: 0, shared: VecDeque::new(), shared_len: 0, limit }
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inline.len() - self.start + self.shared_len
    }

    /// True when nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inline.len() == self.start && self.shared.is_empty()
    }

    /// How many more bytes fit below the limit.
    #[must_use]
    pub fn room(&self) -> usize {
        self.limit.saturating_sub(self.len())
    }

    /// The limit given at construction, in bytes.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The end of the queue, to append to. Nothing but appending (and truncating what was just appended) is
    /// allowed.
    pub fn inline(&mut self) -> &mut Vec<u8> {
        &mut self.inline
    }

    /// Appends a copy of `bytes`.
    pub fn put_slice(&mut self, bytes: &[u8]) {
        self.inline.extend_from_slice(bytes);
    }

    /// Appends a payload: shared when it is large, copied when it is small.
    pub fn put(&mut self, bytes: Bytes) {
        if bytes.len() <= COPY_BELOW {
            self.inline.extend_from_slice(&bytes);
        } else {
            self.shared_len += bytes.len();
            self.shared.push_back((self.inline.len(), bytes));
        }
    }

    /// The waiting bytes in order, as slices.
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let mut position = self.start;
        let shared = self.shared.iter().flat_map(move |(before, bytes)| {
            let inline = self.inline.get(position..*before).unwrap_or_default();
            position = *before;
            [inline, bytes.as_ref()]
        });
        let last = self.shared.back().map_or(self.start, |(before, _)| *before);
        shared.chain([self.inline.get(last..).unwrap_or_default()]).filter(|chunk| !chunk.is_empty())
    }

    /// The first slice that waits; empty when nothing does. Where [`is_contiguous`](Output::is_contiguous) holds
    /// it is all there is.
    #[must_use]
    pub fn first_chunk(&self) -> &[u8] {
        match self.shared.front() {
            None => self.inline.get(self.start..).unwrap_or_default(),
            Some((before, bytes)) if *before == self.start => bytes,
            Some((before, _)) => self.inline.get(self.start..*before).unwrap_or_default(),
        }
    }

    /// True when one slice holds everything.
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        self.shared.is_empty()
    }

    /// Fills `slices` for a vectored write and returns how many it filled.
    #[cfg(feature = "std")]
    pub fn io_slices<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, chunk) in slices.iter_mut().zip(self.chunks()) {
            *slice = std::io::IoSlice::new(chunk);
            filled += 1;
        }
        filled
    }

    /// The first `written` bytes are out. More than [`len`](Output::len) counts as all.
    pub fn advance(&mut self, mut written: usize) {
        while let Some((before, bytes)) = self.shared.front_mut() {
            let inline = *before - self.start;
            if written < inline {
                break;
            }
            self.start = *before;
            written -= inline;
            if written < bytes.len() {
                bytes::Buf::advance(bytes, written);
                self.shared_len -= written;
                return;
            }
            written -= bytes.len();
            self.shared_len -= bytes.len();
            self.shared.pop_front();
        }
        self.start = (self.start + written).min(self.inline.len());
        if self.shared.is_empty() && self.start == self.inline.len() {
            self.inline.clear();
            self.start = 0;
        } else if self.start > COMPACT_ABOVE && self.start > self.inline.len() / 2 {
            self.inline.drain(..self.start);
            for (before, _) in &mut self.shared {
                *before -= self.start;
            }
            self.start = 0;
        }
    }

    /// Drops everything that waits.
    pub fn clear(&mut self) {
        self.inline.clear();
        self.start = 0;
        self.shared.clear();
        self.shared_len = 0;
    }

    /// Exchanges the empty inline buffer for `spare`, so that drivers can lend one warm buffer to many
    /// connections. Does nothing while bytes wait.
    pub fn swap_inline(&mut self, spare: &mut Vec<u8>) {
        if self.is_empty() {
            spare.clear();
            core::mem::swap(&mut self.inline, spare);
            self.start = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn all(output: &Output) -> Vec<u8> {
        output.chunks().flatten().copied().collect()
    }

    #[test]
    fn order_is_kept_between_inline_and_shared() {
        let mut output = Output::new(100);
        output.put_slice(b"head ");
        output.put(Bytes::from(vec![b'x'; 2000]));
        output.put_slice(b" tail");
        assert_eq!(output.len(), 2010);
        assert_eq!(output.room(), 0);
        assert_eq!(output.first_chunk(), b"head ");
        output.advance(4);
        assert_eq!(output.first_chunk(), b" ");
        output.advance(1 + 1999);
        assert_eq!(all(&output), b"x tail");
        output.advance(6);
        assert!(output.is_empty());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Copy(Vec<u8>),
        Share(Vec<u8>),
        Advance(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..3000).prop_map(Step::Copy),
            prop::collection::vec(any::<u8>(), 0..3000).prop_map(Step::Share),
            (0usize..6000).prop_map(Step::Advance),
        ]
    }

    proptest! {
        #[test]
        fn behaves_like_one_vec(steps in prop::collection::vec(step(), 0..40)) {
            let mut output = Output::new(1 << 20);
            let mut model: Vec<u8> = Vec::new();
            for step in steps {
                match step {
                    Step::Copy(bytes) => { output.put_slice(&bytes); model.extend(bytes); }
                    Step::Share(bytes) => { model.extend(&bytes); output.put(bytes.into()); }
                    Step::Advance(n) => { let n = n.min(model.len()); output.advance(n); model.drain(..n); }
                }
                prop_assert_eq!(output.len(), model.len());
                prop_assert_eq!(output.is_empty(), model.is_empty());
                prop_assert_eq!(all(&output), model.clone());
                prop_assert!(model.starts_with(output.first_chunk()));
            }
        }
    }
}
