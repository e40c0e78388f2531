//! Which packets something happens to.

use std::ops::RangeInclusive;

use crate::rng::Rng;

/// How often, and how many in a row, something happens to packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    per_mille: u16,
    pattern: Pattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    /// Each packet on its own, but never more than so many in a row.
    Single(usize),
    /// In bursts of these lengths, at least one packet between two of them.
    Bursts(RangeInclusive<usize>),
}

impl Faults {
    /// To no packet.
    pub const NEVER: Faults = Faults::per_mille(0);

    /// To so many of 1000, each on its own.
    #[must_use]
    pub const fn per_mille(per_mille: u16) -> Faults {
        Faults { per_mille, pattern: Pattern::Single(usize::MAX) }
    }

    /// To so many of 100, each on its own.
    #[must_use]
    pub const fn percent(percent: u8) -> Faults {
        Faults::per_mille(percent as u16 * 10)
    }

    /// Never to more than `run` packets in a row: the next one is spared, so the share is a little lower than
    /// asked (29.4 % of 30 % with runs of three). This is how the QUIC interop runner limits its bursts.
    #[must_use]
    pub const fn at_most_in_a_row(self, run: usize) -> Faults {
        Faults { per_mille: self.per_mille, pattern: Pattern::Single(run) }
    }

    /// In bursts whose lengths are drawn from `lengths` (1 at least), as often as the share asks for in the long
    /// run. One packet at least is spared after each, so the share is at most `n / (n + 1)` for bursts of `n`.
    #[must_use]
    pub fn in_bursts(self, lengths: RangeInclusive<usize>) -> Faults {
        let lengths = (*lengths.start()).max(1)..=(*lengths.end()).max(1);
        Faults { per_mille: self.per_mille, pattern: Pattern::Bursts(lengths) }
    }
}

impl Default for Faults {
    fn default() -> Faults {
        Faults::NEVER
    }
}

/// Where a link is in the pattern of its faults.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultState {
    /// Faults since the last packet that was spared.
    run: usize,
    /// Packets that the present burst still takes.
    left: usize,
}

impl FaultState {
    /// Does it happen to the next packet?
    pub(crate) fn strikes(&mut self, rng: &mut Rng, faults: &Faults) -> bool {
        let strikes = match &faults.pattern {
            _ if faults.per_mille == 0 => false,
            Pattern::Single(most) => self.run < *most && rng.below(1000) < usize::from(faults.per_mille),
            Pattern::Bursts(lengths) => {
                if self.left == 0 && self.run == 0 && starts_burst(rng, faults.per_mille, lengths) {
                    self.left = rng.within(lengths.clone());
                }
                self.left > 0
            }
        };
        self.left = if strikes { self.left.saturating_sub(1) } else { 0 };
        self.run = if strikes { self.run + 1 } else { 0 };
        strikes
    }
}

/// Bursts of `n` on average with gaps of `g` take `n / (n + g)` of all packets. The packet after a burst is always
/// spared, each one after it starts the next burst with a chance of `p`: the mean gap is `1 + (1 - p) / p = 1 / p`.
fn starts_burst(rng: &mut Rng, per_mille: u16, lengths: &RangeInclusive<usize>) -> bool {
    let share = u64::from(per_mille);
    // p = share / (n * (1 - share)), with n = (start + end) / 2.
    let wanted = 2 * share;
    let of = (lengths.start() + lengths.end()) as u64 * 1000u64.saturating_sub(share);
    wanted >= of || (rng.below(of as usize) as u64) < wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets struck of 100 000, and the lengths of runs seen.
    fn strike(seed: u64, faults: &Faults) -> (usize, Vec<usize>) {
        let mut rng = Rng::new(seed);
        let mut state = FaultState::default();
        let (mut struck, mut run, mut runs) = (0, 0, Vec::new());
        for _ in 0..100_000 {
            if state.strikes(&mut rng, faults) {
                struck += 1;
                run += 1;
            } else if run > 0 {
                runs.push(run);
                run = 0;
            }
        }
        (struck, runs)
    }

    #[test]
    fn independent_shares() {
        for seed in 0..20 {
            let (struck, runs) = strike(seed, &Faults::percent(30));
            assert!((29_300..30_700).contains(&struck), "{struck}");
            assert!(runs.iter().any(|&run| run > 5));
            let (struck, _) = strike(seed, &Faults::per_mille(1));
            assert!((50..160).contains(&struck), "{struck}");
        }
        assert_eq!(strike(1, &Faults::NEVER).0, 0);
        assert_eq!(strike(1, &Faults::percent(100)).0, 100_000);
    }

    #[test]
    fn runs_are_capped() {
        for seed in 0..20 {
            let (struck, runs) = strike(seed, &Faults::percent(30).at_most_in_a_row(3));
            // (p + p² + p³) / (1 + p + p² + p³) = 0.2943
            assert!((28_700..30_200).contains(&struck), "{struck}");
            assert_eq!(runs.iter().max(), Some(&3));
            assert_eq!(strike(seed, &Faults::percent(100).at_most_in_a_row(3)).0, 75_000);
        }
    }

    #[test]
    fn bursts_have_the_lengths_and_the_share() {
        for seed in 0..20 {
            let (struck, runs) = strike(seed, &Faults::percent(10).in_bursts(2..=6));
            assert!((9_300..10_700).contains(&struck), "{struck}");
            let (shortest, longest) = (runs.iter().min(), runs.iter().max());
            assert_eq!((shortest, longest), (Some(&2), Some(&6)));
        }
        let (struck, runs) = strike(1, &Faults::percent(90).in_bursts(2..=2));
        assert!(runs.iter().all(|&run| run == 2) && (66_660..66_670).contains(&struck), "{struck}");
    }
}
