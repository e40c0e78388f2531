//! Flow control: what the peer may send.

/// The receiving side of a window. Each octet that comes is counted once, and given back once.
#[derive(Debug, Clone)]
pub(super) struct Window {
    size: u64,
    /// What the peer may still send.
    left: u64,
    /// Given to the application, which has not taken it yet.
    held: u64,
    /// Taken, and not given back yet.
    taken: u64,
}

impl Window {
    pub(super) fn new(size: u64) -> Window {
        let size = size.max(1);
        Window { size, left: size, held: 0, taken: 0 }
    }

    /// So many octets came; false: there was no credit for them.
    pub(super) fn receive(&mut self, octets: u64) -> bool {
        let Some(left) = self.left.checked_sub(octets) else { return false };
        self.left = left;
        self.held += octets;
        true
    }

    /// The application took so many; returns how many of them it had been given.
    pub(super) fn take(&mut self, octets: u64) -> u64 {
        let octets = octets.min(self.held);
        self.held -= octets;
        self.taken += octets;
        octets
    }

    /// What to give back now: everything taken, once that is half of the window.
    pub(super) fn give_back(&mut self) -> Option<u64> {
        if self.taken < self.size.div_ceil(2) {
            return None;
        }
        self.left += self.taken;
        Some(core::mem::take(&mut self.taken))
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// All octets are somewhere.
    #[cfg(test)]
    fn is_whole(&self) -> bool {
        self.left + self.held + self.taken == self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn credit_comes_back_by_halves() {
        let mut window = Window::new(10);
        assert!(window.receive(10));
        assert!(!window.receive(1));
        assert_eq!((window.take(4), window.give_back()), (4, None));
        assert_eq!((window.take(1), window.give_back()), (1, Some(5)));
        assert!(window.receive(5));
        assert_eq!(window.take(100), 10);
        assert_eq!(window.give_back(), Some(10));
    }

    proptest! {
        #[test]
        fn nothing_leaks(size in 0u64..1000, steps in prop::collection::vec((any::<bool>(), 0u64..400), 0..100)) {
            let mut window = Window::new(size);
            for (receive, octets) in steps {
                if receive {
                    let left = window.left;
                    prop_assert_eq!(window.receive(octets), octets <= left);
                } else {
                    window.take(octets);
                    window.give_back();
                }
                prop_assert!(window.is_whole());
            }
            window.take(u64::MAX);
            window.give_back();
            // Whoever takes everything can always be sent half of the window.
            prop_assert!(window.left * 2 >= window.size);
        }
    }
}
