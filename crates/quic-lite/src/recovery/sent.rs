//! The packets of one packet number space that are neither acknowledged nor lost yet, and what they carried.

use std::collections::VecDeque;

use super::packet::Sent;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Outstanding,
    /// Outstanding, but its frames were given back to go once more.
    Emptied,
    Acknowledged,
    /// Or never sent.
    Lost,
}

impl State {
    fn is_outstanding(self) -> bool {
        matches!(self, State::Outstanding | State::Emptied)
    }
}

#[derive(Debug, Clone, Copy)]
struct Record {
    sent: Sent,
    /// Where its frames start, counted over all frames of the space; wraps.
    frames_start: u32,
    frames: u16,
    state: State,
}

/// A ring of packets indexed by packet number, with a ring of frames beside it: nothing is allocated for a packet once
/// the rings have grown to a window's size.
#[derive(Debug)]
pub(crate) struct SentPackets<F> {
    packets: VecDeque<Record>,
    frames: VecDeque<F>,
    /// Packet number of the front record.
    base: u64,
    /// Count of all frames that have left the front.
    frames_base: u32,
}

impl<F: Copy> SentPackets<F> {
    pub(crate) fn new() -> SentPackets<F> {
        SentPackets { packets: VecDeque::new(), frames: VecDeque::new(), base: 0, frames_base: 0 }
    }

    /// One more than the largest number sent.
    pub(crate) fn next(&self) -> u64 {
        self.base + self.packets.len() as u64
    }

    /// No smaller number is outstanding.
    pub(crate) fn first(&self) -> u64 {
        self.base
    }

    /// Adds a packet with a number of at least [`next`](Self::next); numbers between count as never sent.
    pub(crate) fn push(&mut self, number: u64, sent: Sent, frames: impl IntoIterator<Item = F>) {
        debug_assert!(number >= self.next());
        if self.packets.is_empty() {
            self.base = number;
        }
        let frames_start = self.frames_base.wrapping_add(self.frames.len() as u32);
        while self.next() < number {
            self.packets.push_back(Record { sent, frames_start, frames: 0, state: State::Lost });
        }
        let before = self.frames.len();
        self.frames.extend(frames);
        debug_assert!(self.frames.len() - before <= usize::from(u16::MAX));
        let frames = (self.frames.len() - before) as u16;
        self.packets.push_back(Record { sent, frames_start, frames, state: State::Outstanding });
    }

    /// The packet, if it is outstanding.
    pub(crate) fn get(&self, number: u64) -> Option<&Sent> {
        let index = usize::try_from(number.checked_sub(self.base)?).ok()?;
        self.packets.get(index).filter(|record| record.state.is_outstanding()).map(|record| &record.sent)
    }

    /// The packet was acknowledged, and has not left the front yet.
    pub(crate) fn has_arrived(&self, number: u64) -> bool {
        let index = number.checked_sub(self.base).and_then(|index| usize::try_from(index).ok());
        index
            .and_then(|index| self.packets.get(index))
            .is_some_and(|record| record.state == State::Acknowledged)
    }

    /// The packet arrived. If it was outstanding, its frames are appended to `frames`.
    pub(crate) fn acknowledge(&mut self, number: u64, frames: &mut Vec<F>) -> Option<Sent> {
        self.resolve(number, State::Acknowledged, frames)
    }

    /// The packet is lost. If it was outstanding, its frames are appended to `frames`.
    pub(crate) fn lose(&mut self, number: u64, frames: &mut Vec<F>) -> Option<Sent> {
        self.resolve(number, State::Lost, frames)
    }

    fn resolve(&mut self, number: u64, state: State, frames: &mut Vec<F>) -> Option<Sent> {
        let index = usize::try_from(number.checked_sub(self.base)?).ok()?;
        let record = self.packets.get_mut(index).filter(|record| record.state.is_outstanding())?;
        let before = core::mem::replace(&mut record.state, state);
        let record = *record;
        if before == State::Outstanding {
            self.copy_frames(&record, frames);
        }
        Some(record.sent)
    }

    fn copy_frames(&self, record: &Record, frames: &mut Vec<F>) {
        let start = record.frames_start.wrapping_sub(self.frames_base) as usize;
        for index in start..start + usize::from(record.frames) {
            frames.extend(self.frames.get(index).copied());
        }
    }

    /// Gives back the frames of up to `count` of the oldest packets, which stay outstanding.
    pub(crate) fn take_oldest(&mut self, count: u8, frames: &mut Vec<F>) {
        for _ in 0..count {
            let mut candidates = self.packets.iter_mut();
            let Some(record) = candidates.find(|record| {
                let sent = &record.sent;
                record.state == State::Outstanding
                    && sent.in_flight
                    && sent.ack_eliciting
                    && record.frames > 0
            }) else {
                return;
            };
            record.state = State::Emptied;
            let record = *record;
            self.copy_frames(&record, frames);
        }
    }

    /// Takes resolved packets from the front. Until then their place is kept.
    pub(crate) fn trim(&mut self) {
        let resolved = self.packets.iter().take_while(|record| !record.state.is_outstanding());
        let (count, frames) =
            resolved.fold((0, 0), |(count, frames), record| (count + 1, frames + usize::from(record.frames)));
        self.packets.drain(..count);
        self.frames.drain(..frames);
        self.base += count as u64;
        self.frames_base = self.frames_base.wrapping_add(frames as u32);
    }

    /// The outstanding packets, oldest first.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Sent> {
        self.packets.iter_mut().filter(|record| record.state.is_outstanding()).map(|record| &mut record.sent)
    }

    /// Forgets all packets; numbers go on.
    pub(crate) fn clear(&mut self) {
        self.base = self.next();
        self.packets = VecDeque::new();
        self.frames = VecDeque::new();
    }

    /// Number of places that are kept, outstanding or not.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.packets.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    fn sent() -> Sent {
        Sent { time: Instant::now(), size: 1200, ack_eliciting: true, in_flight: true, ecn: false, path: 0 }
    }

    #[test]
    fn a_record_is_small() {
        assert!(size_of::<Record>() <= 32);
    }

    #[test]
    fn packets_come_back_once_with_their_frames() {
        let mut ring = SentPackets::new();
        ring.push(3, sent(), ["a", "b"]);
        ring.push(4, sent(), []);
        ring.push(6, sent(), ["c"]);
        assert_eq!((ring.first(), ring.next(), ring.len()), (3, 7, 4));
        let mut frames = Vec::new();
        assert!(ring.acknowledge(6, &mut frames).is_some());
        assert!(ring.acknowledge(6, &mut frames).is_none());
        assert!(ring.acknowledge(5, &mut frames).is_none());
        assert!(ring.acknowledge(2, &mut frames).is_none());
        assert!(ring.acknowledge(7, &mut frames).is_none());
        ring.trim();
        assert_eq!(ring.len(), 4);
        assert!(!ring.has_arrived(5) && ring.has_arrived(6));
        assert!(ring.lose(3, &mut frames).is_some());
        ring.trim();
        assert_eq!((ring.first(), ring.len()), (4, 3));
        assert!(ring.get(4).is_some() && ring.get(5).is_none());
        assert!(ring.acknowledge(4, &mut frames).is_some());
        ring.trim();
        assert_eq!((ring.first(), ring.next(), ring.len()), (7, 7, 0));
        assert_eq!(frames, ["c", "a", "b"]);
    }

    #[test]
    fn frames_that_were_taken_do_not_come_back_again() {
        let mut ring = SentPackets::new();
        ring.push(0, Sent { in_flight: false, ..sent() }, ["probe"]);
        ring.push(1, sent(), []);
        for (number, frame) in [(2, "a"), (3, "b"), (4, "c")] {
            ring.push(number, sent(), [frame]);
        }
        let mut frames = Vec::new();
        ring.take_oldest(2, &mut frames);
        assert_eq!(frames, ["a", "b"]);
        assert!(ring.get(2).is_some());
        for number in 0..5 {
            assert!(ring.acknowledge(number, &mut frames).is_some());
        }
        ring.take_oldest(2, &mut frames);
        assert_eq!(frames, ["a", "b", "probe", "c"]);
        ring.trim();
        assert_eq!((ring.len(), ring.frames.len()), (0, 0));
    }

    proptest! {
        #[test]
        fn frames_stay_with_their_packet(
            packets in prop::collection::vec((0u64..3, 0usize..4), 1..60),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..120),
        ) {
            let mut ring = SentPackets::new();
            // Near the end of the counter, so that it wraps.
            ring.frames_base = u32::MAX - 20;
            let mut numbers = Vec::new();
            for &(gap, count) in &packets {
                let number = ring.next() + gap;
                ring.push(number, sent(), (0..count).map(|frame| (number, frame)));
                numbers.push((number, count));
            }
            for index in order {
                if numbers.is_empty() {
                    break;
                }
                let (number, count) = numbers.swap_remove(index.index(numbers.len()));
                let mut frames = Vec::new();
                prop_assert!(ring.acknowledge(number, &mut frames).is_some());
                prop_assert_eq!(frames, (0..count).map(|frame| (number, frame)).collect::<Vec<_>>());
                ring.trim();
                prop_assert_eq!(numbers.iter().all(|(number, _)| ring.get(*number).is_some()), true);
            }
        }
    }
}
