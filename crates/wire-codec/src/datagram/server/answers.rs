//! Answers that are kept for requests that come again.

use core::hash::Hash;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;

/// An answer that was sent.
#[derive(Debug)]
pub(super) struct Answer {
    /// Of the request's payload.
    pub(super) hash: u64,
    pub(super) datagram: Bytes,
}

/// The answers by key, oldest out first: too many, too many octets, or too old.
#[derive(Debug)]
pub(super) struct Answers<K> {
    answers: HashMap<K, Answer>,
    /// When each goes; one place for each answer.
    order: VecDeque<(Instant, K)>,
    octets: usize,
    most: usize,
    most_octets: usize,
    keep: Duration,
}

impl<K: Copy + Eq + Hash> Answers<K> {
    pub(super) fn new(most: usize, most_octets: usize, keep: Duration) -> Answers<K> {
        Answers { answers: HashMap::new(), order: VecDeque::new(), octets: 0, most, most_octets, keep }
    }

    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    pub(super) fn get(&self, key: &K) -> Option<&Answer> {
        self.answers.get(key)
    }

    /// Keeps an answer. `key` has none yet.
    pub(super) fn keep(&mut self, now: Instant, key: K, answer: Answer) {
        let Some(until) = now.checked_add(self.keep) else { return };
        if self.keep.is_zero()
            || self.most == 0
            || answer.datagram.len() > self.most_octets
            || self.answers.contains_key(&key)
        {
            return;
        }
        self.octets += answer.datagram.len();
        self.order.push_back((until, key));
        self.answers.insert(key, answer);
        while self.answers.len() > self.most || self.octets > self.most_octets {
            self.drop_oldest();
        }
    }

    /// Drops what is too old at `now`.
    pub(super) fn expire(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            self.drop_oldest();
        }
    }

    /// When to call `expire` at the latest. A bit later than the oldest goes: it need not wake anybody for each.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let (until, _) = self.order.front()?;
        until.checked_add(self.keep / 8)
    }

    fn drop_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front()
            && let Some(answer) = self.answers.remove(&key)
        {
            self.octets -= answer.datagram.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(octets: usize) -> Answer {
        Answer { hash: 0, datagram: vec![0; octets].into() }
    }

    #[test]
    fn the_oldest_goes_first() {
        let now = Instant::now();
        let mut answers = Answers::new(3, 100, Duration::from_secs(8));
        for key in 0..4 {
            answers.keep(now, key, answer(10));
        }
        assert!(answers.get(&0).is_none() && answers.get(&1).is_some());
        assert_eq!((answers.len(), answers.octets()), (3, 30));
        answers.keep(now + Duration::from_secs(1), 4, answer(85));
        assert!(answers.get(&2).is_none() && answers.get(&3).is_some());
        assert_eq!((answers.len(), answers.octets()), (2, 95));
        // More than there is room for at all: nothing else has to go for it.
        answers.keep(now, 5, answer(101));
        assert_eq!((answers.len(), answers.octets()), (2, 95));
        assert_eq!(answers.deadline(), Some(now + Duration::from_secs(9)));
        answers.expire(now + Duration::from_secs(8));
        assert_eq!((answers.len(), answers.octets()), (1, 85));
        answers.expire(now + Duration::from_secs(9));
        assert_eq!((answers.len(), answers.octets(), answers.deadline()), (0, 0, None));
    }
}
