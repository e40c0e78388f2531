//! What is remembered of streams that are closed: frames may still be on their way (RFC 9113 §5.1).

use std::collections::VecDeque;

/// Streams reset by this side that are remembered.
const RESETS: usize = 256;
/// Gaps in the peer's numbering that are remembered.
const GAPS: usize = 16;

/// What a number without a stream stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// This side reset it: what comes was sent before the peer knew.
    Reset,
    /// It was passed over, and closed by that (RFC 9113 §5.1.1).
    Skipped,
    /// It ended, or the peer reset it.
    Closed,
}

#[derive(Debug, Default)]
pub(super) struct Closed {
    /// With what the peer may have on its way for each, in octets.
    resets: VecDeque<(u32, u32)>,
    /// Those up to here may have been reset and forgotten.
    forgotten: [u32; 2],
    gaps: Vec<(u32, u32)>,
}

impl Closed {
    /// This side has reset a stream whose window was `left`.
    pub(super) fn remember_reset(&mut self, id: u32, left: u32) {
        if self.resets.len() == RESETS
            && let Some((oldest, _)) = self.resets.pop_front()
        {
            let [even, odd] = &mut self.forgotten;
            let forgotten = if oldest & 1 == 1 { odd } else { even };
            *forgotten = oldest.max(*forgotten);
        }
        self.resets.push_back((id, left));
    }

    /// Takes octets off what may be on its way for a stream that was reset; false when that is used up.
    pub(super) fn spend(&mut self, id: u32, octets: u32) -> bool {
        let Some((_, left)) = self.resets.iter_mut().find(|(reset, _)| *reset == id) else { return false };
        match left.checked_sub(octets) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }

    /// The peer has opened `id`, the last before being `last`.
    pub(super) fn remember_gap(&mut self, last: u32, id: u32) {
        let first = if last == 0 { 2 - (id & 1) } else { last + 2 };
        if first < id && self.gaps.len() < GAPS {
            self.gaps.push((first, id));
        }
    }

    /// What has become of a stream that is not there.
    pub(super) fn what(&self, id: u32) -> Gone {
        let [even, odd] = self.forgotten;
        let forgotten = if id & 1 == 1 { odd } else { even };
        if self.resets.iter().any(|&(reset, _)| reset == id) || id <= forgotten {
            Gone::Reset
        } else if self.gaps.iter().any(|&(first, end)| (first..end).contains(&id) && id & 1 == first & 1) {
            Gone::Skipped
        } else {
            Gone::Closed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_and_gaps_are_told_apart_from_ends() {
        let mut closed = Closed::default();
        closed.remember_gap(0, 13);
        closed.remember_gap(13, 15);
        closed.remember_reset(13, 40);
        assert!(closed.spend(13, 40) && !closed.spend(13, 1) && !closed.spend(15, 0));
        assert_eq!(closed.what(11), Gone::Skipped);
        assert_eq!(closed.what(1), Gone::Skipped);
        assert_eq!(closed.what(13), Gone::Reset);
        assert_eq!(closed.what(15), Gone::Closed);
        closed.remember_gap(0, 2);
        assert_eq!(closed.what(2), Gone::Closed);
    }

    #[test]
    fn memory_is_bounded_and_what_is_forgotten_counts_as_reset() {
        let mut closed = Closed::default();
        for id in (1..20_001).step_by(2) {
            closed.remember_reset(id, 0);
            closed.remember_gap(id, id + 4);
        }
        assert!(closed.resets.len() <= RESETS && closed.gaps.len() <= GAPS);
        assert_eq!(closed.what(1), Gone::Reset);
        assert_eq!(closed.what(19_999), Gone::Reset);
        assert_eq!(closed.what(20_003), Gone::Closed);
    }
}
