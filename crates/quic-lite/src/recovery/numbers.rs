//! Packet numbers to send with, some of them left out on purpose (RFC 9000 §21.4).

use std::ops::RangeInclusive;

use crate::entropy::Entropy;

/// Numbers left out that are remembered. At least half a window lies between two of them, so this is several round
/// trips.
const REMEMBERED: usize = 8;

/// Closest and farthest distance between two numbers left out, in packets, whatever the window.
const DISTANCE: RangeInclusive<u64> = 32..=8192;

/// The numbers of one packet number space.
#[derive(Debug, Clone)]
pub(crate) struct PacketNumbers {
    next: u64,
    skips: bool,
    /// The number to leave out, once it is planned.
    skip: Option<u64>,
    skipped: [Option<u64>; REMEMBERED],
    oldest: usize,
}

impl PacketNumbers {
    /// `skips`: leaves out a number in about each window of packets.
    pub(crate) fn new(skips: bool) -> PacketNumbers {
        PacketNumbers { next: 0, skips, skip: None, skipped: [None; REMEMBERED], oldest: 0 }
    }

    /// The next number to send with; `window_packets` is the congestion window in packets.
    pub(crate) fn allocate(&mut self, window_packets: u64, entropy: &mut Entropy) -> u64 {
        if self.skips {
            if self.skip == Some(self.next) {
                self.leave_out(self.next);
                self.next += 1;
                self.skip = None;
            }
            if self.skip.is_none() {
                self.plan(window_packets, entropy);
            }
        }
        let number = self.next;
        self.next += 1;
        number
    }

    /// A number that was never sent and is remembered, within this range.
    pub(crate) fn left_out(&self, start: u64, end: u64) -> Option<u64> {
        self.skipped.iter().flatten().copied().find(|number| (start..=end).contains(number))
    }

    fn leave_out(&mut self, number: u64) {
        if let Some(slot) = self.skipped.get_mut(self.oldest) {
            *slot = Some(number);
        }
        self.oldest = (self.oldest + 1) % REMEMBERED;
    }

    /// One omission in half a window to one and a half: who acknowledges a window unseen is found out.
    fn plan(&mut self, window_packets: u64, entropy: &mut Entropy) {
        let window = window_packets.clamp(*DISTANCE.start(), *DISTANCE.end());
        self.skip = Some(self.next + window / 2 + entropy.next_u64() % window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_omissions_every_number_is_used() {
        let mut entropy = Entropy::new(&[0; 32]);
        let mut numbers = PacketNumbers::new(false);
        assert!((0..1000).all(|expected| numbers.allocate(10, &mut entropy) == expected));
        assert_eq!(numbers.left_out(0, u64::MAX), None);
    }

    #[test]
    fn about_one_number_in_a_window_is_left_out() {
        let mut entropy = Entropy::new(&[7; 32]);
        for (window, fewest, most) in [(10, 400, 900), (1000, 13, 30), (1_000_000, 1, 5)] {
            let mut numbers = PacketNumbers::new(true);
            let mut omissions = 0;
            let mut expected = 0;
            for _ in 0..20_000 {
                let number = numbers.allocate(window, &mut entropy);
                if number != expected {
                    assert_eq!(number, expected + 1);
                    assert_eq!(numbers.left_out(expected, expected), Some(expected));
                    assert_eq!(numbers.left_out(number, number), None);
                    omissions += 1;
                }
                expected = number + 1;
            }
            assert!((fewest..=most).contains(&omissions), "window {window}: {omissions}");
        }
    }
}
