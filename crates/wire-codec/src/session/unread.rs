//! Answers that the peer cannot have seen.

use std::collections::VecDeque;

/// An answer in the output.
#[derive(Debug)]
struct Waiting {
    id: u64,
    /// Octets of it that no credit was needed for.
    octets: usize,
    /// Where it ends in all that was ever put into the output.
    end: u64,
}

/// The peer's exchanges that ended with an answer which still waits in the output. They count as under way: the
/// peer cannot know better, so one that opens more than its share does not go by what it reads. Without this, who
/// asks and never reads would make the output grow with answers that need no credit.
#[derive(Debug, Default)]
pub(super) struct Unread {
    waiting: VecDeque<Waiting>,
}

impl Unread {
    /// The answer that ends exchange `id` was put into the output, up to the position `end`.
    pub(super) fn put(&mut self, id: u64, octets: usize, end: u64) {
        self.waiting.push_back(Waiting { id, octets, end });
    }

    /// How many there are when all before the position `gone` was written.
    pub(super) fn count(&mut self, gone: u64) -> usize {
        while self.waiting.front().is_some_and(|waiting| waiting.end <= gone) {
            self.waiting.pop_front();
        }
        self.waiting.len()
    }

    /// The peer itself ended exchange `id` meanwhile, so it may open another; octets and end of its answer.
    pub(super) fn remove(&mut self, id: u64) -> Option<(usize, u64)> {
        let index = self.waiting.iter().position(|waiting| waiting.id == id)?;
        let Waiting { octets, end, .. } = self.waiting.remove(index)?;
        Some((octets, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_count_until_they_are_written() {
        let mut unread = Unread::default();
        unread.put(1, 9, 20);
        unread.put(3, 9, 40);
        unread.put(5, 9, 60);
        assert_eq!(unread.count(19), 3);
        assert_eq!(unread.count(40), 1);
        assert_eq!(unread.remove(1), None);
        assert_eq!(unread.remove(5), Some((9, 60)));
        assert_eq!(unread.count(40), 0);
    }
}
