//! Flow control (RFC 9113 §5.2, §6.9): what the peer may still send, and the credit that goes back to it.

/// The state of a window that this side grants (RFC 9113 §5.2). `available`, `to_grant` and `held` add up to `size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowReport {
    /// Bytes that the peer may have sent without their being taken.
    pub size: u32,
    /// Bytes that the peer may send now.
    pub available: i64,
    /// Bytes that were taken and are granted again with the next WINDOW_UPDATE.
    pub to_grant: u32,
    /// Bytes that the application holds.
    pub held: u64,
}

/// A window that this side grants. At any time `available + returned + what the application holds` is its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReceiveWindow {
    size: u32,
    /// Bytes that the peer may send now; below 0 after SETTINGS made the window smaller (RFC 9113 §6.9.2).
    available: i64,
    /// Bytes that may be granted again and were not yet.
    returned: u32,
    /// Bytes that are worth a frame where the peer has not more left; an eighth of the window if that is less.
    worth: u32,
}

impl ReceiveWindow {
    pub(super) fn new(size: u32, worth: u32) -> ReceiveWindow {
        ReceiveWindow { size, available: i64::from(size), returned: 0, worth }
    }

    pub(super) fn report(&self, held: u64) -> WindowReport {
        WindowReport { size: self.size, available: self.available, to_grant: self.returned, held }
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Bytes that the peer may send now.
    pub(super) fn available(&self) -> i64 {
        self.available
    }

    /// The peer sent `bytes`; false when that is more than it may.
    #[must_use]
    pub(super) fn take(&mut self, bytes: u32) -> bool {
        self.available -= i64::from(bytes);
        self.available >= 0
    }

    /// `bytes` that the peer sent need no place any more.
    pub(super) fn give(&mut self, bytes: u32) {
        self.returned = self.returned.saturating_add(bytes);
    }

    /// The window is to be `more` bytes larger.
    pub(super) fn grow(&mut self, more: u32) {
        self.size = self.size.saturating_add(more);
        self.returned = self.returned.saturating_add(more);
    }

    /// SETTINGS have changed the size on both sides.
    pub(super) fn shift(&mut self, by: i64) {
        self.available += by;
        self.size = u32::try_from(i64::from(self.size) + by).unwrap_or(0);
    }

    /// Whether it is time to grant again what came back: half the window, or as much as the peer has left, so that it
    /// never waits for credit that lies here.
    pub(super) fn is_due(&self) -> bool {
        let returned = i64::from(self.returned);
        self.returned > 0
            && (self.returned >= self.size / 2
                || returned >= self.available && self.returned >= self.worth.min(self.size / 8))
    }

    /// Grants what came back and returns the increment for WINDOW_UPDATE.
    pub(super) fn update(&mut self) -> u32 {
        let increment = core::mem::take(&mut self.returned);
        self.available += i64::from(increment);
        increment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_always_gets_credit_before_the_window_is_used_up() {
        for size in [1u32, 2, 7, 100, 65_535] {
            let mut window = ReceiveWindow::new(size, u32::MAX);
            let mut sent = 0u64;
            while sent < u64::from(size) * 5 {
                assert!(window.available() > 0, "stuck at {sent} of a window of {size}");
                assert!(window.take(1));
                window.give(1);
                if window.is_due() {
                    window.update();
                }
                sent += 1;
            }
            assert!(window.available() <= i64::from(size));
        }
    }

    #[test]
    fn what_is_held_back_delays_credit_but_never_forever() {
        let mut window = ReceiveWindow::new(1000, u32::MAX);
        assert!(window.take(1000));
        // The application holds 600 and has taken 400 one by one.
        let mut granted = 0;
        for _ in 0..400 {
            window.give(1);
            if window.is_due() {
                granted += window.update();
            }
        }
        assert!(granted >= 200, "{granted}");
        assert_eq!(window.available(), i64::from(granted));
        // Once the peer has used that up, the next byte that is taken brings the rest.
        assert!(window.take(granted));
        window.give(1);
        assert!(window.is_due());
    }

    #[test]
    fn a_window_that_settings_shrink_goes_below_zero() {
        let mut window = ReceiveWindow::new(65_535, u32::MAX);
        assert!(window.take(60_000));
        window.shift(1000 - 65_535);
        assert_eq!(window.available(), 1000 - 60_000);
        window.give(60_000);
        assert!(window.is_due());
        assert_eq!(window.update(), 60_000);
        assert_eq!(window.available(), 1000);
    }
}
