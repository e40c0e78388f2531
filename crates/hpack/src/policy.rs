//! Which fields go to the dynamic table.
//!
//! A field is worth its place if it comes again. Names differ in that, and servers do, so the encoder watches: each
//! name has a score, which rises when one of its fields is found or seen again, and falls when one is new. As long
//! as it has not fallen below zero, new fields of that name are inserted; after that only those that were seen
//! before, for which hashes of the last few are kept.

use crate::static_name::StaticName;

/// Cookies shorter than this are easy to guess one at a time (RFC 7541 §7.1.3), as browsers judge too.
const SHORT_COOKIE: usize = 20;

/// Scores: enough for the names of the static table, and as many for others, which may share them.
const SCORES: usize = 128;
const OTHER_NAMES: u64 = 64;

/// Remembered hashes. Not more: what was seen long ago does not come again before it would be evicted.
const SEEN: usize = 128;

/// The best that a name can be: three new fields in a row, and it is doubted.
const HIGHEST: i8 = 3;
/// The worst: that many have to be seen again until it is trusted.
const LOWEST: i8 = -16;

/// True for credentials and short cookies: what goes to no table, so that nobody can guess it by the length of a
/// block (RFC 7541 §7.1.3, RFC 9204 §7.1.3).
#[inline(always)]
#[must_use]
pub fn is_secret(name: Option<StaticName>, value: &[u8]) -> bool {
    match name {
        Some(StaticName::AUTHORIZATION | StaticName::PROXY_AUTHORIZATION) => true,
        Some(StaticName::COOKIE) => value.len() < SHORT_COOKIE,
        _ => false,
    }
}

/// Names that start with the doubt, as most of their fields come once.
const DOUBTED: [StaticName; 8] = [
    StaticName::PATH,
    StaticName::AGE,
    StaticName::CONTENT_LENGTH,
    StaticName::ETAG,
    StaticName::IF_MODIFIED_SINCE,
    StaticName::IF_NONE_MATCH,
    StaticName::LOCATION,
    StaticName::SET_COOKIE,
];

/// What was learned about the fields of a connection: whether a field is worth a place in a dynamic table. QPACK's
/// encoder asks it too.
#[derive(Debug)]
pub struct Habits {
    scores: [i8; SCORES],
    seen: [u16; SEEN],
}

impl Default for Habits {
    fn default() -> Habits {
        Habits::new()
    }
}

impl Habits {
    /// Nothing was learned yet: names are trusted, but for those whose fields are known to come once.
    #[must_use]
    pub fn new() -> Self {
        let mut scores = [HIGHEST; SCORES];
        for name in DOUBTED {
            if let Some(score) = scores.get_mut(usize::from(name.index())) {
                *score = -1;
            }
        }
        Self { scores, seen: [0; SEEN] }
    }

    /// The score of a name, by its hash if it is not static.
    #[inline(always)]
    fn score(&mut self, name: Option<StaticName>, name_hash: u64) -> Option<&mut i8> {
        let at = name.map_or(OTHER_NAMES + name_hash % OTHER_NAMES, |name| u64::from(name.index()));
        self.scores.get_mut(at as usize % SCORES)
    }

    /// A field was found in the dynamic table. `name_hash` tells names apart that are not static.
    #[inline(always)]
    pub fn found(&mut self, name: Option<StaticName>, name_hash: u64) {
        if let Some(score) = self.score(name, name_hash) {
            *score = (*score + 1).min(HIGHEST);
        }
    }

    /// A field was not found: true if it is worth being inserted. `field_hash` is of name and value.
    #[inline(always)]
    pub fn missed(&mut self, name: Option<StaticName>, name_hash: u64, field_hash: u64) -> bool {
        let print = (field_hash >> 16) as u16;
        let again = self
            .seen
            .get_mut(field_hash as usize % SEEN)
            .is_some_and(|seen| core::mem::replace(seen, print) == print);
        let Some(score) = self.score(name, name_hash) else { return again };
        *score = if again { (*score + 1).min(HIGHEST) } else { (*score - 1).max(LOWEST) };
        again || *score >= 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Option<StaticName> = Some(StaticName::REFERER);

    #[test]
    fn new_fields_go_in_until_too_many_are_new() {
        let mut habits = Habits::new();
        let inserted = (1..=10).filter(|&new| habits.missed(NAME, 0, new << 16)).count();
        assert_eq!(inserted, 3);
        // One that comes again does, and as many as were new make up for it.
        assert!(habits.missed(NAME, 0, 10 << 16));
        assert!(!habits.missed(NAME, 0, 11 << 16));
        (0..8).for_each(|_| habits.found(NAME, 0));
        assert!(habits.missed(NAME, 0, 12 << 16));
    }

    #[test]
    fn doubted_names_wait_for_the_second_time() {
        let mut habits = Habits::new();
        let path = Some(StaticName::PATH);
        assert!(!habits.missed(path, 0, 1 << 16));
        assert!(habits.missed(path, 0, 1 << 16));
    }

    #[test]
    fn scores_stay_within_their_bounds() {
        let mut habits = Habits::new();
        (0..1000).for_each(|new| _ = habits.missed(None, 5, (new << 16) | (new % 128)));
        assert_eq!(habits.score(None, 5), Some(&mut LOWEST.clone()));
        (0..1000).for_each(|_| habits.found(None, 5));
        assert_eq!(habits.score(None, 5), Some(&mut HIGHEST.clone()));
        // Other names are not touched.
        assert_eq!(habits.score(None, 6), Some(&mut HIGHEST.clone()));
        assert_eq!(habits.score(NAME, 5), Some(&mut HIGHEST.clone()));
    }

    #[test]
    fn secrets() {
        assert!(is_secret(Some(StaticName::AUTHORIZATION), b"Basic a very long one of many octets"));
        assert!(is_secret(Some(StaticName::PROXY_AUTHORIZATION), b""));
        assert!(is_secret(Some(StaticName::COOKIE), b"id=0123456789abcdef"));
        assert!(!is_secret(Some(StaticName::COOKIE), b"id=0123456789abcdef0"));
        assert!(!is_secret(Some(StaticName::HOST), b""));
        assert!(!is_secret(None, b""));
    }
}
