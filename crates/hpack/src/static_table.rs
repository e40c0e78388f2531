//! The static table (RFC 7541 §2.3.1, Appendix A).

use crate::octets::same;
use crate::static_name::StaticName;
use crate::tables_static::{ENTRIES, FIRST};

/// How many entries it has: indices are 1 to 61.
pub const LEN: usize = 61;

/// Name and value of the entry with that index; `None` for 0 and what is beyond.
#[inline]
#[must_use]
pub fn get(index: usize) -> Option<(&'static [u8], &'static [u8])> {
    if index == 0 || index > LEN { None } else { ENTRIES.get(index).copied() }
}

/// The name, if an entry has it.
#[inline]
#[must_use]
pub fn name(name: &[u8]) -> Option<StaticName> {
    StaticName::of(name)
}

/// Index of the entry with both that name and that value.
#[inline]
#[must_use]
pub fn find(name: StaticName, value: &[u8]) -> Option<u8> {
    let first = name.index();
    // Beyond them, and before, each name has one entry.
    if !(StaticName::METHOD.index()..=StaticName::ACCEPT_ENCODING.index()).contains(&first) {
        return value.is_empty().then_some(first);
    }
    let mut index = first;
    while FIRST.get(usize::from(index)).copied() == Some(first) {
        if ENTRIES.get(usize::from(index)).is_some_and(|entry| same(entry.1, value)) {
            return Some(index);
        }
        index += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found() {
        for index in 1..=LEN {
            let (text, value) = get(index).unwrap();
            let name = name(text).unwrap();
            assert_eq!(find(name, value), Some(index as u8));
            assert!(find(name, b"?").is_none());
        }
        assert_eq!((get(0), get(62), get(63), get(64)), (None, None, None, None));
        assert_eq!(get(16), Some((&b"accept-encoding"[..], &b"gzip, deflate"[..])));
    }
}
