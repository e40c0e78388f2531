//! NewReno's congestion avoidance (RFC 9002 §7.3.2, §7.3.3).

/// One datagram more in each round trip, half after congestion.
#[derive(Debug, Clone, Default)]
pub(super) struct NewReno {
    /// Bytes acknowledged since the window grew.
    acked: u64,
}

impl NewReno {
    /// The window after `bytes` were acknowledged.
    pub(super) fn on_ack(&mut self, window: u64, bytes: u64, max_datagram: u64) -> u64 {
        self.acked += bytes;
        if self.acked < window {
            return window;
        }
        self.acked -= window;
        window + max_datagram
    }

    /// The window after congestion.
    pub(super) fn on_congestion(&mut self, window: u64) -> u64 {
        self.acked = 0;
        window / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_datagram_in_a_window_and_half_after_loss() {
        let mut reno = NewReno::default();
        let mut window = 12_000;
        for _ in 0..9 {
            window = reno.on_ack(window, 1200, 1200);
            assert_eq!(window, 12_000);
        }
        window = reno.on_ack(window, 1200, 1200);
        assert_eq!(window, 13_200);
        assert_eq!(reno.on_congestion(window), 6_600);
    }
}
