//! The static table (RFC 9204 §3.1, Appendix A).

use wirelace_hpack::StaticName;
use wirelace_hpack::octets::same;

use crate::tables_static::{ENTRIES, HPACK_NAMES, NAME_FACTOR, NAME_SHIFT, NAME_SLOTS, NEXT, OF_HPACK};

/// How many entries it has: indices are 0 to 98.
pub const LEN: usize = 99;

/// No entry has that index.
const NONE: u8 = u8::MAX;

/// Name and value of the entry with that index; `None` for what is beyond.
#[inline]
#[must_use]
pub fn get(index: u64) -> Option<(&'static [u8], &'static [u8])> {
    usize::try_from(index).ok().and_then(|index| ENTRIES.get(index)).copied()
}

/// The name of the entry with that index, if HPACK's table has it too.
#[inline]
#[must_use]
pub fn hpack_name(index: u64) -> Option<StaticName> {
    let first = usize::try_from(index).ok().and_then(|index| HPACK_NAMES.get(index)).copied()?;
    StaticName::of_entry(first)
}

/// Index of the first entry with that name. `static_name` is what HPACK knows it as: [`StaticName::of`] the name.
#[inline]
#[must_use]
pub fn name(static_name: Option<StaticName>, name: &[u8]) -> Option<u8> {
    if let Some(name) = static_name {
        return OF_HPACK.get(usize::from(name.index())).copied().filter(|&index| index != NONE);
    }
    let [.., before, last] = name else { return None };
    // The lengths of names fit an octet; a longer one is told apart by the comparison.
    let key = (name.len() as u32) << 16 | u32::from(*before) << 8 | u32::from(*last);
    let slot = key.wrapping_mul(NAME_FACTOR) >> NAME_SHIFT;
    let index = NAME_SLOTS.get(slot as usize).copied()?;
    ENTRIES.get(usize::from(index)).is_some_and(|entry| same(entry.0, name)).then_some(index)
}

/// Index of the entry with that value, among those that have the name of entry `first` and come after it; or that.
#[inline]
#[must_use]
pub fn find(first: u8, value: &[u8]) -> Option<u8> {
    let mut index = first;
    while let Some(entry) = ENTRIES.get(usize::from(index)) {
        if same(entry.1, value) {
            return Some(index);
        }
        index = NEXT.get(usize::from(index)).copied()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found() {
        for index in 0..LEN as u64 {
            let (text, value) = get(index).unwrap();
            assert_eq!(hpack_name(index), StaticName::of(text));
            let first = name(StaticName::of(text), text).unwrap();
            assert_eq!(get(u64::from(first)).unwrap().0, text);
            assert_eq!(find(first, value), Some(index as u8));
            assert_eq!(find(first, b"?"), None);
        }
        assert_eq!((get(99), get(u64::MAX), hpack_name(99)), (None, None, None));
        assert_eq!(get(98), Some((&b"x-frame-options"[..], &b"sameorigin"[..])));
    }

    #[test]
    fn other_names_have_none() {
        let lacking = (1..=61).filter_map(StaticName::of_entry).filter(|&known| {
            let index = name(Some(known), known.as_bytes());
            assert!(index.is_none_or(|index| get(u64::from(index)).unwrap().0 == known.as_bytes()));
            index.is_none()
        });
        assert_eq!(lacking.count(), 19);
        for other in [&b""[..], b"x", b"origix", b"Origin", b"orgin", b"x-forwarded-fir"] {
            assert_eq!(name(StaticName::of(other), other), None);
        }
    }
}
