//! The 52 names of the static table.

use core::fmt;
use core::num::NonZeroU8;

use crate::octets::same;
use crate::tables_static::{ENTRIES, FIRST, NAME_FACTOR, NAME_SHIFT, NAME_SLOTS};

/// A name of the static table (RFC 7541 Appendix A): one octet that stands for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StaticName(NonZeroU8);

const fn index(index: u8) -> NonZeroU8 {
    match NonZeroU8::new(index) {
        Some(index) => index,
        None => NonZeroU8::MIN,
    }
}

macro_rules! names {
    ($($constant:ident = $index:literal, $text:literal;)*) => {
        impl StaticName {
            $(#[doc = concat!("`", $text, "`")]
            pub const $constant: Self = Self(index($index));)*
        }

        #[cfg(test)]
        const NAMES: &[(StaticName, u8, &str)] = &[$((StaticName::$constant, $index, $text)),*];
    };
}

names! {
    AUTHORITY = 1, ":authority";
    METHOD = 2, ":method";
    PATH = 4, ":path";
    SCHEME = 6, ":scheme";
    STATUS = 8, ":status";
    ACCEPT_CHARSET = 15, "accept-charset";
    ACCEPT_ENCODING = 16, "accept-encoding";
    ACCEPT_LANGUAGE = 17, "accept-language";
    ACCEPT_RANGES = 18, "accept-ranges";
    ACCEPT = 19, "accept";
    ACCESS_CONTROL_ALLOW_ORIGIN = 20, "access-control-allow-origin";
    AGE = 21, "age";
    ALLOW = 22, "allow";
    AUTHORIZATION = 23, "authorization";
    CACHE_CONTROL = 24, "cache-control";
    CONTENT_DISPOSITION = 25, "content-disposition";
    CONTENT_ENCODING = 26, "content-encoding";
    CONTENT_LANGUAGE = 27, "content-language";
    CONTENT_LENGTH = 28, "content-length";
    CONTENT_LOCATION = 29, "content-location";
    CONTENT_RANGE = 30, "content-range";
    CONTENT_TYPE = 31, "content-type";
    COOKIE = 32, "cookie";
    DATE = 33, "date";
    ETAG = 34, "etag";
    EXPECT = 35, "expect";
    EXPIRES = 36, "expires";
    FROM = 37, "from";
    HOST = 38, "host";
    IF_MATCH = 39, "if-match";
    IF_MODIFIED_SINCE = 40, "if-modified-since";
    IF_NONE_MATCH = 41, "if-none-match";
    IF_RANGE = 42, "if-range";
    IF_UNMODIFIED_SINCE = 43, "if-unmodified-since";
    LAST_MODIFIED = 44, "last-modified";
    LINK = 45, "link";
    LOCATION = 46, "location";
    MAX_FORWARDS = 47, "max-forwards";
    PROXY_AUTHENTICATE = 48, "proxy-authenticate";
    PROXY_AUTHORIZATION = 49, "proxy-authorization";
    RANGE = 50, "range";
    REFERER = 51, "referer";
    REFRESH = 52, "refresh";
    RETRY_AFTER = 53, "retry-after";
    SERVER = 54, "server";
    SET_COOKIE = 55, "set-cookie";
    STRICT_TRANSPORT_SECURITY = 56, "strict-transport-security";
    TRANSFER_ENCODING = 57, "transfer-encoding";
    USER_AGENT = 58, "user-agent";
    VARY = 59, "vary";
    VIA = 60, "via";
    WWW_AUTHENTICATE = 61, "www-authenticate";
}

impl StaticName {
    /// The name that `name` is, in lower case.
    #[inline]
    #[must_use]
    pub fn of(name: &[u8]) -> Option<Self> {
        let (&first, &last) = (name.first()?, name.last()?);
        // The lengths of names fit an octet; a longer one is told apart by the comparison.
        let key = (name.len() as u32) << 16 | u32::from(first) << 8 | u32::from(last);
        let slot = key.wrapping_mul(NAME_FACTOR) >> NAME_SHIFT;
        let found = Self(NonZeroU8::new(NAME_SLOTS.get(slot as usize).copied()?)?);
        same(found.as_bytes(), name).then_some(found)
    }

    /// The name of the entry with that index of the static table.
    #[inline(always)]
    #[must_use]
    pub fn of_entry(index: u8) -> Option<Self> {
        NonZeroU8::new(FIRST.get(usize::from(index)).copied()?).map(Self)
    }

    /// Index of the first entry of the static table with this name.
    #[inline(always)]
    #[must_use]
    pub const fn index(self) -> u8 {
        self.0.get()
    }

    /// The name itself.
    #[inline(always)]
    #[must_use]
    pub fn as_bytes(self) -> &'static [u8] {
        ENTRIES.get(usize::from(self.0.get())).map_or(&[], |entry| entry.0)
    }
}

impl fmt::Debug for StaticName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaticName({})", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_the_entries() {
        assert_eq!(NAMES.len(), 52);
        for &(name, index, text) in NAMES {
            assert_eq!((name.index(), name.as_bytes()), (index, text.as_bytes()));
            assert_eq!(StaticName::of(text.as_bytes()), Some(name));
            assert_eq!(StaticName::of_entry(index), Some(name));
        }
    }

    #[test]
    fn other_names_are_none() {
        for name in [&b""[..], b"x", b"Accept", b"accepT", b"accept ", b"aXcept", b":pat", b"x-accept"] {
            assert_eq!(StaticName::of(name), None);
        }
        assert_eq!(StaticName::of_entry(0), None);
        assert_eq!(StaticName::of_entry(62), None);
        assert_eq!(StaticName::of_entry(255), None);
    }
}
