//! The names of the static table (RFC 7541 Appendix A).

use core::fmt;

use crate::static_table;

/// A name of the static table, by the index of its first entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StaticName(u8);

macro_rules! names {
    ($($name:ident = $index:literal,)*) => {
        #[allow(missing_docs)] // The constant is the name.
        impl StaticName {
            $(pub const $name: StaticName = StaticName($index);)*
        }

        const FIRST: &[u8] = &[$($index,)*];
    };
}

names! {
    AUTHORITY = 1,
    METHOD = 2,
    PATH = 4,
    SCHEME = 6,
    STATUS = 8,
    ACCEPT_CHARSET = 15,
    ACCEPT_ENCODING = 16,
    ACCEPT_LANGUAGE = 17,
    ACCEPT_RANGES = 18,
    ACCEPT = 19,
    ACCESS_CONTROL_ALLOW_ORIGIN = 20,
    AGE = 21,
    ALLOW = 22,
    AUTHORIZATION = 23,
    CACHE_CONTROL = 24,
    CONTENT_DISPOSITION = 25,
    CONTENT_ENCODING = 26,
    CONTENT_LANGUAGE = 27,
    CONTENT_LENGTH = 28,
    CONTENT_LOCATION = 29,
    CONTENT_RANGE = 30,
    CONTENT_TYPE = 31,
    COOKIE = 32,
    DATE = 33,
    ETAG = 34,
    EXPECT = 35,
    EXPIRES = 36,
    FROM = 37,
    HOST = 38,
    IF_MATCH = 39,
    IF_MODIFIED_SINCE = 40,
    IF_NONE_MATCH = 41,
    IF_RANGE = 42,
    IF_UNMODIFIED_SINCE = 43,
    LAST_MODIFIED = 44,
    LINK = 45,
    LOCATION = 46,
    MAX_FORWARDS = 47,
    PROXY_AUTHENTICATE = 48,
    PROXY_AUTHORIZATION = 49,
    RANGE = 50,
    REFERER = 51,
    REFRESH = 52,
    RETRY_AFTER = 53,
    SERVER = 54,
    SET_COOKIE = 55,
    STRICT_TRANSPORT_SECURITY = 56,
    TRANSFER_ENCODING = 57,
    USER_AGENT = 58,
    VARY = 59,
    VIA = 60,
    WWW_AUTHENTICATE = 61,
}

const HASH_BITS: u32 = 7;
/// Found by search: no two names share a slot, which [`SLOTS`] checks when it is built.
const HASH_FACTOR: u32 = 0x7eab_91c7;

/// Slot of a name of at least one octet: its length, first, last and fourth-last octet, multiplied.
const fn slot(length: usize, first: u8, fourth_last: u8, last: u8) -> usize {
    let key = ((length as u32) << 24) | ((first as u32) << 16) | ((fourth_last as u32) << 8) | last as u32;
    (key.wrapping_mul(HASH_FACTOR) >> (32 - HASH_BITS)) as usize
}

#[allow(clippy::indexing_slicing)] // Evaluated by the compiler.
static SLOTS: [u8; 1 << HASH_BITS] = {
    let mut slots = [0u8; 1 << HASH_BITS];
    let mut at = 0;
    while at < FIRST.len() {
        let name = static_table::ENTRIES[FIRST[at] as usize - 1].0;
        let slot = slot(name.len(), name[0], name[name.len().saturating_sub(4)], name[name.len() - 1]);
        assert!(slots[slot] == 0, "two names share a slot: search another factor");
        slots[slot] = FIRST[at];
        at += 1;
    }
    slots
};

impl StaticName {
    /// The name that `name` is, in lower case; `None` when the static table does not have it.
    #[inline]
    #[must_use]
    pub fn of(name: &[u8]) -> Option<StaticName> {
        let (&first, &last) = (name.first()?, name.last()?);
        let fourth_last = name.get(name.len().saturating_sub(4)).copied().unwrap_or(first);
        let index = SLOTS.get(slot(name.len(), first, fourth_last, last)).copied().unwrap_or(0);
        let found = StaticName::at(index)?;
        (found.as_bytes() == name).then_some(found)
    }

    /// The name of an entry of the static table.
    #[inline]
    pub(crate) fn at(index: u8) -> Option<StaticName> {
        match index {
            0 | 62.. => None,
            3 => Some(StaticName::METHOD),
            5 => Some(StaticName::PATH),
            7 => Some(StaticName::SCHEME),
            9..=14 => Some(StaticName::STATUS),
            _ => Some(StaticName(index)),
        }
    }

    /// The first entry of the static table that has it, 1 to 61.
    #[inline]
    #[must_use]
    pub const fn index(self) -> u8 {
        self.0
    }

    /// The name.
    #[inline]
    #[must_use]
    pub fn as_bytes(self) -> &'static [u8] {
        static_table::ENTRIES.get(usize::from(self.0).wrapping_sub(1)).map_or(&[], |entry| entry.0)
    }
}

impl fmt::Debug for StaticName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_itself_and_no_other() {
        for (at, (name, _)) in static_table::ENTRIES.iter().enumerate() {
            let found = StaticName::of(name).unwrap();
            assert_eq!(found.as_bytes(), *name);
            assert_eq!(StaticName::at(at as u8 + 1), Some(found));
            assert!(found.index() as usize <= at + 1);
        }
        for other in [&b""[..], b"x", b"Accept", b":path ", b"contenT-type", b"vary2", b"hosu"] {
            assert_eq!(StaticName::of(other), None);
        }
        assert_eq!((StaticName::at(0), StaticName::at(62)), (None, None));
    }
}
