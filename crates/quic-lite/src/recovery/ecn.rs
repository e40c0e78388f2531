//! Whether the path carries ECN marks, and what they say (RFC 9000 §13.4.2).

use super::packet::EcnCounts;

/// Packets that may be lost, and none acknowledged, before ECN is taken for the reason (RFC 9000 §13.4.2).
const TESTING: u64 = 10;

/// What an ACK frame's counts mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EcnVerdict {
    /// Nothing new.
    Quiet,
    /// More packets were marked: congestion (RFC 9002 §7.1).
    Congestion,
    /// The counts are impossible: something on the path changes or hides marks.
    Failed,
}

/// ECN on one path, for one packet number space.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ecn {
    failed: bool,
    /// Newest counts of the peer.
    counts: EcnCounts,
    /// Packets sent with ECT(0).
    sent: u64,
    acked: u64,
    lost: u64,
}

impl Ecn {
    pub(crate) fn on_sent(&mut self) {
        self.sent += 1;
    }

    /// Whether packets may be sent with ECT(0).
    pub(crate) fn is_usable(&self) -> bool {
        !self.failed
    }

    /// No marked packet arrived on this path so far.
    pub(crate) fn is_unproven(&self) -> bool {
        self.acked == 0
    }

    /// Gives ECN up on this path.
    pub(crate) fn give_up(&mut self) {
        self.failed = true;
    }

    /// A packet sent with ECT(0) was lost; `true` when that makes ECN fail.
    pub(crate) fn on_lost(&mut self) -> bool {
        self.lost += 1;
        let fails = !self.failed && self.acked == 0 && self.lost >= TESTING;
        self.failed |= fails;
        fails
    }

    /// Takes the counts of an ACK frame; `newly` of the packets that it newly acknowledged were sent with ECT(0). The
    /// counts of a frame that does not raise the largest acknowledged number are old.
    pub(crate) fn on_ack(
        &mut self,
        counts: Option<EcnCounts>,
        newly: u64,
        raises_largest: bool,
    ) -> EcnVerdict {
        self.acked += newly;
        if self.failed || self.sent == 0 || !raises_largest {
            return EcnVerdict::Quiet;
        }
        let Some(counts) = counts else {
            // A peer that cannot see the marks leaves the counts out.
            return if newly > 0 { self.fail() } else { EcnVerdict::Quiet };
        };
        let old = self.counts;
        let (Some(ect0), Some(ect1), Some(ce)) = (
            counts.ect0.checked_sub(old.ect0),
            counts.ect1.checked_sub(old.ect1),
            counts.ce.checked_sub(old.ce),
        ) else {
            return self.fail();
        };
        // Never sent with ECT(1), so no such packet can have arrived.
        let too_few = ect0.saturating_add(ce) < newly;
        let too_many = counts.ect0.saturating_add(counts.ce) > self.sent;
        if too_few || too_many || ect1 > 0 {
            return self.fail();
        }
        self.counts = counts;
        if ce > 0 { EcnVerdict::Congestion } else { EcnVerdict::Quiet }
    }

    /// A new path is tried afresh; the peer's counts go on.
    pub(crate) fn on_path_changed(&mut self) {
        self.failed = false;
        self.acked = 0;
        self.lost = 0;
    }

    fn fail(&mut self) -> EcnVerdict {
        self.failed = true;
        EcnVerdict::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(ect0: u64, ect1: u64, ce: u64) -> Option<EcnCounts> {
        Some(EcnCounts { ect0, ect1, ce })
    }

    fn sent(count: u64) -> Ecn {
        Ecn { sent: count, ..Ecn::default() }
    }

    #[test]
    fn true_counts_pass_and_marks_are_congestion() {
        let mut ecn = sent(10);
        assert_eq!(ecn.on_ack(counts(3, 0, 0), 3, true), EcnVerdict::Quiet);
        assert_eq!(ecn.on_ack(counts(4, 0, 2), 3, true), EcnVerdict::Congestion);
        // More than newly acknowledged: an ACK frame was lost or overtaken.
        assert_eq!(ecn.on_ack(counts(7, 0, 2), 1, true), EcnVerdict::Quiet);
        assert!(ecn.is_usable());
    }

    #[test]
    fn impossible_counts_fail_once() {
        for (second, newly) in [
            (counts(4, 0, 0), 2),  // too few
            (counts(2, 0, 3), 2),  // ECT(0) went down
            (counts(5, 0, 0), 2),  // CE went down
            (counts(4, 1, 1), 2),  // ECT(1) was never sent
            (counts(10, 0, 1), 2), // more than was sent
            (None, 1),             // left out
        ] {
            let mut ecn = sent(10);
            assert_eq!(ecn.on_ack(counts(3, 0, 1), 4, true), EcnVerdict::Congestion);
            assert_eq!(ecn.on_ack(second, newly, true), EcnVerdict::Failed, "{second:?}");
            assert!(!ecn.is_usable());
            assert_eq!(ecn.on_ack(second, newly, true), EcnVerdict::Quiet);
        }
    }

    #[test]
    fn a_frame_that_was_overtaken_is_not_judged() {
        let mut ecn = sent(10);
        assert_eq!(ecn.on_ack(counts(5, 0, 1), 4, true), EcnVerdict::Congestion);
        assert_eq!(ecn.on_ack(counts(2, 0, 0), 2, false), EcnVerdict::Quiet);
        assert_eq!(ecn.on_ack(None, 1, false), EcnVerdict::Quiet);
        assert!(ecn.is_usable());
    }

    #[test]
    fn counts_may_be_left_out_for_packets_without_ect() {
        let mut ecn = sent(1);
        assert_eq!(ecn.on_ack(None, 0, true), EcnVerdict::Quiet);
        assert!(ecn.is_usable());
    }

    #[test]
    fn a_path_that_drops_all_marked_packets_fails() {
        let mut ecn = sent(20);
        assert_eq!((1..=10).filter(|_| ecn.on_lost()).count(), 1);
        assert!(!ecn.is_usable());
        ecn.on_path_changed();
        assert!(ecn.is_usable());

        let mut ecn = sent(20);
        ecn.on_ack(counts(1, 0, 0), 1, true);
        assert!(!(0..15).any(|_| ecn.on_lost()));
    }
}
