//! Frames that end with a delimiter.

use alloc::vec::Vec;

use memchr::{memchr, memmem::Finder};

use super::error::SpecFrameError;
use super::parts::{Parts, Prefix, Step};

#[derive(Debug, Clone)]
pub(super) struct Delimited {
    finder: Finder<'static>,
    /// How many octets at the end of a payload would begin a delimiter that the real one completes: for `abab`, 2.
    overlaps: Vec<usize>,
    pub(super) max: usize,
    pub(super) last_may_end: bool,
}

impl Delimited {
    pub(super) fn new(delimiter: &[u8], max: usize, last_may_end: bool) -> Delimited {
        let overlaps = (1..delimiter.len())
            .filter(|count| delimiter.get(*count..).is_some_and(|rest| delimiter.starts_with(rest)))
            .collect();
        Delimited { finder: Finder::new(delimiter).into_owned(), overlaps, max, last_may_end }
    }

    #[inline]
    fn find(&self, input: &[u8]) -> Option<usize> {
        match self.finder.needle() {
            [octet] => memchr(*octet, input),
            _ => self.finder.find(input),
        }
    }

    /// `searched` octets in front of `input` begin no delimiter; it is brought up to date.
    #[inline]
    pub(super) fn step(&self, input: &[u8], searched: &mut usize) -> Result<Step, SpecFrameError> {
        let width = self.finder.needle().len();
        // Only a delimiter that begins at `max` or before counts, however much there is.
        let window = self.max + width;
        let seen = input.get(..window).unwrap_or(input);
        let from = (*searched).min(seen.len());
        if let Some(at) = self.find(seen.get(from..).unwrap_or_default()) {
            *searched = 0;
            let end = from + at;
            return Ok(Step::Frame { start: 0, end, taken: end + width });
        }
        if seen.len() == window {
            return Err(SpecFrameError::TooLong { length: self.max as u64 + 1, limit: self.max });
        }
        *searched = (seen.len() + 1).saturating_sub(width);
        Ok(Step::More { needed: input.len() + self.missing(input) })
    }

    /// The fewest octets that complete a delimiter at the end of `input`.
    fn missing(&self, input: &[u8]) -> usize {
        let needle = self.finder.needle();
        let begun =
            (1..needle.len()).rev().find(|count| input.ends_with(needle.get(..*count).unwrap_or(&[0])));
        needle.len() - begun.unwrap_or(0)
    }

    /// The end of the stream after `input`, which has no delimiter and is not empty.
    pub(super) fn last(&self, input: &[u8]) -> Result<Option<Step>, SpecFrameError> {
        if !self.last_may_end {
            return Ok(None);
        }
        if input.len() > self.max {
            return Err(SpecFrameError::TooLong { length: input.len() as u64, limit: self.max });
        }
        Ok(Some(Step::Frame { start: 0, end: input.len(), taken: input.len() }))
    }

    pub(super) fn parts(&self, payload: &[u8]) -> Result<Parts<'_>, SpecFrameError> {
        if payload.len() > self.max {
            return Err(SpecFrameError::TooLong { length: payload.len() as u64, limit: self.max });
        }
        if let Some(offset) = self.find(payload) {
            return Err(SpecFrameError::Delimiter { offset });
        }
        let needle = self.finder.needle();
        let begun = |count: &&usize| needle.get(..**count).is_some_and(|begin| payload.ends_with(begin));
        // The longest overlap is the one that a decoder would find first.
        if let Some(count) = self.overlaps.iter().rev().find(begun) {
            return Err(SpecFrameError::Delimiter { offset: payload.len() - count });
        }
        Ok(Parts::new(0, Prefix::EMPTY, 0).with_trailer(needle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_searched_twice_but_what_a_delimiter_may_begin_in() {
        let delimited = Delimited::new(b"\r\n", 100, false);
        let mut searched = 0;
        assert_eq!(delimited.step(b"abcd", &mut searched), Ok(Step::More { needed: 6 }));
        assert_eq!(searched, 3);
        // A delimiter where there was none before is not seen: it cannot be there.
        assert_eq!(delimited.step(b"\r\ncd\r", &mut searched), Ok(Step::More { needed: 6 }));
        assert_eq!(searched, 4);
        let found = Step::Frame { start: 0, end: 4, taken: 6 };
        assert_eq!(delimited.step(b"abcd\r\n", &mut searched), Ok(found));
        assert_eq!(searched, 0);
        // More was searched than there is: no panic, nothing found.
        searched = 50;
        assert_eq!(delimited.step(b"a\r\n", &mut searched), Ok(Step::More { needed: 5 }));
    }

    #[test]
    fn overlaps() {
        let overlaps = |delimiter| Delimited::new(delimiter, 1, false).overlaps;
        assert_eq!(overlaps(b"\n"), []);
        assert_eq!(overlaps(b"\r\n"), []);
        assert_eq!(overlaps(b"aaa"), [1, 2]);
        assert_eq!(overlaps(b"\r\n\r\n"), [2]);
        assert_eq!(overlaps(b"aba"), [2]);
    }
}
