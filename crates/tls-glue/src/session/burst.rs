//! How much is encrypted at a time: what one write of the transport takes.

/// Octets that wait to be written at a peer that reads slowly, above which nothing more is encrypted.
pub(super) const LEAST: usize = 128 * 1024;
/// The same, at one that takes all at once. Fewer and larger writes cost the system less; what is much larger than this
/// has left the cache before it is written.
pub(super) const MOST: usize = 512 * 1024;

/// The limit of what waits: it doubles with each time that was used up and then written whole, and begins again once a
/// write leaves something behind.
#[derive(Debug)]
pub(super) struct Burst {
    limit: usize,
    used_up: bool,
}

impl Default for Burst {
    fn default() -> Burst {
        Burst { limit: LEAST, used_up: false }
    }
}

impl Burst {
    fn next(&self, waiting: usize) -> usize {
        match waiting {
            0 if self.used_up => (self.limit * 2).min(MOST),
            0 => self.limit,
            _ => LEAST,
        }
    }

    /// Octets that may be encrypted now, where so many wait.
    pub(super) fn room(&self, waiting: usize) -> usize {
        self.next(waiting).saturating_sub(waiting)
    }

    /// The same, and it is about to be done.
    pub(super) fn begin(&mut self, waiting: usize) -> usize {
        self.limit = self.next(waiting);
        self.used_up = false;
        self.limit.saturating_sub(waiting)
    }

    /// So much of the room was left.
    pub(super) fn end(&mut self, room: usize) {
        self.used_up = room == 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One write after the other: how much of each is used, and what waits then.
    fn after(writes: &[(usize, usize)]) -> usize {
        let mut burst = Burst::default();
        for (left, waiting) in writes {
            burst.begin(0);
            burst.end(*left);
            // What is seen is what is had.
            assert_eq!(burst.room(*waiting), burst.next(*waiting).saturating_sub(*waiting));
            if *waiting > 0 {
                burst.begin(*waiting);
                burst.end(1);
            }
        }
        burst.room(0)
    }

    #[test]
    fn grows_where_all_is_taken() {
        assert_eq!(after(&[]), LEAST);
        assert_eq!(after(&[(0, 0)]), 2 * LEAST);
        assert_eq!(after(&[(0, 0); 10]), MOST);
        assert_eq!(after(&[(0, 0), (1, 0)]), 2 * LEAST, "what is not used says nothing");
    }

    #[test]
    fn a_peer_that_falls_behind_has_little_waiting() {
        assert_eq!(after(&[(0, 0), (0, 0), (0, 1)]), LEAST);
        let mut burst = Burst::default();
        for _ in 0..4 {
            burst.begin(0);
            burst.end(0);
        }
        assert_eq!((burst.room(MOST), burst.room(LEAST), burst.room(LEAST - 1)), (0, 0, 1));
    }
}
