//! CUBIC's congestion avoidance (RFC 9438). Windows are in bytes, and in datagrams inside.

use std::time::{Duration, Instant};

const C: f64 = 0.4;
const BETA: f64 = 0.7;
/// Growth that gives the same share as NewReno would get (RFC 9438 §4.3).
const ALPHA: f64 = 3.0 * (1.0 - BETA) / (1.0 + BETA);

/// A stretch of congestion avoidance, from one congestion to the next.
#[derive(Debug, Clone)]
struct Epoch {
    start: Instant,
    /// Seconds until the window is `max` again.
    k: f64,
    /// What NewReno's window would be.
    estimate: f64,
}

/// Grows fast far from where congestion was, and slowly near it.
#[derive(Debug, Clone)]
pub(super) struct Cubic {
    /// Window at the last congestion, in datagrams; less when it had not got back to the one before.
    max: f64,
    /// The window just before the last congestion.
    prior: f64,
    epoch: Option<Epoch>,
    /// When the window last had reason to move.
    updated: Instant,
    /// Part of a byte that growth left over.
    rest: f64,
}

impl Cubic {
    pub(super) fn new(now: Instant) -> Cubic {
        Cubic { max: 0.0, prior: 0.0, epoch: None, updated: now, rest: 0.0 }
    }

    /// The window after `bytes` were acknowledged.
    pub(super) fn on_ack(
        &mut self,
        now: Instant,
        window: u64,
        bytes: u64,
        rtt: Duration,
        max_datagram: u64,
    ) -> u64 {
        self.updated = now;
        let datagram = max_datagram as f64;
        let size = window as f64 / datagram;
        if self.epoch.is_none() {
            // Where no congestion is remembered (slow start ended early), the curve begins at its flat part
            // (RFC 9438 §4.10).
            self.max = self.max.max(size);
        }
        let max = self.max;
        let epoch = self.epoch.get_or_insert_with(|| Epoch {
            start: now,
            k: ((max - size) / C).cbrt(),
            estimate: size,
        });
        let time = now.saturating_duration_since(epoch.start).as_secs_f64();
        let curve = |time: f64| C * (time - epoch.k).powi(3) + max;
        let acked = bytes as f64 / datagram;
        let alpha = if epoch.estimate >= self.prior { 1.0 } else { ALPHA };
        let reno = epoch.estimate + alpha * acked / size;
        let grown = if curve(time) < reno {
            reno.max(size)
        } else {
            let target = curve(time + rtt.as_secs_f64()).clamp(size, size * 1.5);
            size + (target - size) / size * acked
        };
        epoch.estimate = reno;
        // No faster than slow start, whatever the curve says after a long time.
        let growth = ((grown - size) * datagram).min(bytes as f64) + self.rest;
        self.rest = growth.fract();
        window.saturating_add(growth as u64)
    }

    /// The window after congestion.
    pub(super) fn on_congestion(&mut self, now: Instant, window: u64, max_datagram: u64) -> u64 {
        let size = window as f64 / max_datagram as f64;
        // Fast convergence: leave room for who came new (RFC 9438 §4.7).
        self.max = if size < self.max { size * (1.0 + BETA) / 2.0 } else { size };
        self.prior = size;
        self.epoch = None;
        self.updated = now;
        self.rest = 0.0;
        (window as f64 * BETA) as u64
    }

    /// The window had no reason to grow until now, for want of data: that time does not count (RFC 9438 §5.8).
    pub(super) fn on_limited(&mut self, now: Instant) {
        let idle = now.saturating_duration_since(self.updated);
        if let Some(epoch) = &mut self.epoch {
            epoch.start += idle;
        }
        self.updated = now;
    }

    /// The window collapsed: congestion avoidance begins anew after slow start.
    pub(super) fn on_collapse(&mut self) {
        self.epoch = None;
        self.rest = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);

    /// Acknowledges a window in each round trip; the window after.
    fn rounds(cubic: &mut Cubic, now: &mut Instant, mut window: u64, count: u32) -> u64 {
        for _ in 0..count {
            *now += RTT;
            let size = window;
            for _ in 0..10 {
                window = cubic.on_ack(*now, window, size / 10, RTT, 1000);
            }
        }
        window
    }

    #[test]
    fn the_window_comes_back_to_where_it_was_after_k() {
        let mut now = Instant::now();
        let mut cubic = Cubic::new(now);
        let window = cubic.on_congestion(now, 1_000_000, 1000);
        assert_eq!(window, 700_000);
        // K is the cubic root of 300 / 0.4: 9.09 s.
        let before = rounds(&mut cubic, &mut now, window, 70);
        assert!((970_000..1_000_000).contains(&before), "{before}");
        let at = rounds(&mut cubic, &mut now, before, 21);
        assert!((995_000..1_003_000).contains(&at), "{at}");
        let after = rounds(&mut cubic, &mut now, at, 60);
        assert!((1_050_000..1_150_000).contains(&after), "{after}");
    }

    #[test]
    fn small_windows_grow_as_fast_as_new_reno() {
        let mut now = Instant::now();
        let mut cubic = Cubic::new(now);
        let window = cubic.on_congestion(now, 20_000, 1000);
        // 0.53 datagrams in a round trip; the curve alone needs 2.5 s to get back.
        let after = rounds(&mut cubic, &mut now, window, 10);
        assert!((18_900..=19_700).contains(&after), "{after}");
    }

    #[test]
    fn a_window_that_did_not_get_back_leaves_room() {
        let now = Instant::now();
        let mut cubic = Cubic::new(now);
        cubic.on_congestion(now, 100_000, 1000);
        cubic.on_congestion(now, 70_000, 1000);
        assert!((cubic.max - 59.5).abs() < 1e-9);
    }

    #[test]
    fn time_without_data_does_not_count() {
        let mut now = Instant::now();
        let mut cubic = Cubic::new(now);
        let window = cubic.on_congestion(now, 1_000_000, 1000);
        let window = rounds(&mut cubic, &mut now, window, 100);
        let mut idle = cubic.clone();
        let steady = rounds(&mut cubic, &mut now.clone(), window, 5);
        now += Duration::from_secs(60);
        idle.on_limited(now);
        assert_eq!(rounds(&mut idle, &mut now, window, 5), steady);
    }

    #[test]
    fn without_congestion_it_begins_flat() {
        let mut now = Instant::now();
        let mut cubic = Cubic::new(now);
        let after = rounds(&mut cubic, &mut now, 1_000_000, 10);
        assert!((1_000_000..1_012_000).contains(&after), "{after}");
        assert!(rounds(&mut cubic, &mut now, after, 90) > 1_300_000);
    }
}
