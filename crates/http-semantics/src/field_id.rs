//! Well-known field names as numbers.

/// The number of a well-known field name, or [`FieldId::OTHER`].
///
/// Codecs resolve names once, while they parse; everything above compares numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FieldId(u8);

macro_rules! field_ids {
    ($($id:ident = $name:literal,)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, dead_code)]
        #[repr(u8)]
        enum Number { Other = 0, $($id,)* }

        #[allow(missing_docs)] // The constant is the name.
        impl FieldId {
            $(pub const $id: FieldId = FieldId(Number::$id as u8);)*
        }

        const NAMES: &[&str] = &["", $($name,)*];

        #[cfg(feature = "std")]
        static HEADER_NAMES: [http::HeaderName; NAMES.len() - 1] = [$(http::HeaderName::from_static($name),)*];
    };
}

field_ids! {
    ACCEPT = "accept",
    ACCEPT_CHARSET = "accept-charset",
    ACCEPT_ENCODING = "accept-encoding",
    ACCEPT_LANGUAGE = "accept-language",
    ACCEPT_RANGES = "accept-ranges",
    ACCESS_CONTROL_ALLOW_CREDENTIALS = "access-control-allow-credentials",
    ACCESS_CONTROL_ALLOW_HEADERS = "access-control-allow-headers",
    ACCESS_CONTROL_ALLOW_METHODS = "access-control-allow-methods",
    ACCESS_CONTROL_ALLOW_ORIGIN = "access-control-allow-origin",
    ACCESS_CONTROL_EXPOSE_HEADERS = "access-control-expose-headers",
    ACCESS_CONTROL_MAX_AGE = "access-control-max-age",
    ACCESS_CONTROL_REQUEST_HEADERS = "access-control-request-headers",
    ACCESS_CONTROL_REQUEST_METHOD = "access-control-request-method",
    AGE = "age",
    ALLOW = "allow",
    ALT_SVC = "alt-svc",
    AUTHORIZATION = "authorization",
    CACHE_CONTROL = "cache-control",
    CDN_CACHE_CONTROL = "cdn-cache-control",
    CACHE_STATUS = "cache-status",
    CONNECTION = "connection",
    CONTENT_DISPOSITION = "content-disposition",
    CONTENT_ENCODING = "content-encoding",
    CONTENT_LANGUAGE = "content-language",
    CONTENT_LENGTH = "content-length",
    CONTENT_LOCATION = "content-location",
    CONTENT_RANGE = "content-range",
    CONTENT_SECURITY_POLICY = "content-security-policy",
    CONTENT_TYPE = "content-type",
    COOKIE = "cookie",
    DATE = "date",
    EARLY_DATA = "early-data",
    ETAG = "etag",
    EXPECT = "expect",
    EXPIRES = "expires",
    FORWARDED = "forwarded",
    FROM = "from",
    HOST = "host",
    HTTP2_SETTINGS = "http2-settings",
    IF_MATCH = "if-match",
    IF_MODIFIED_SINCE = "if-modified-since",
    IF_NONE_MATCH = "if-none-match",
    IF_RANGE = "if-range",
    IF_UNMODIFIED_SINCE = "if-unmodified-since",
    KEEP_ALIVE = "keep-alive",
    LAST_EVENT_ID = "last-event-id",
    LAST_MODIFIED = "last-modified",
    LINK = "link",
    LOCATION = "location",
    MAX_FORWARDS = "max-forwards",
    ORIGIN = "origin",
    PRAGMA = "pragma",
    PRIORITY = "priority",
    PROXY_AUTHENTICATE = "proxy-authenticate",
    PROXY_AUTHORIZATION = "proxy-authorization",
    PROXY_CONNECTION = "proxy-connection",
    PURPOSE = "purpose",
    RANGE = "range",
    REFERER = "referer",
    REFRESH = "refresh",
    RETRY_AFTER = "retry-after",
    SEC_FETCH_DEST = "sec-fetch-dest",
    SEC_FETCH_MODE = "sec-fetch-mode",
    SEC_FETCH_SITE = "sec-fetch-site",
    SEC_FETCH_USER = "sec-fetch-user",
    SEC_WEBSOCKET_ACCEPT = "sec-websocket-accept",
    SEC_WEBSOCKET_EXTENSIONS = "sec-websocket-extensions",
    SEC_WEBSOCKET_KEY = "sec-websocket-key",
    SEC_WEBSOCKET_PROTOCOL = "sec-websocket-protocol",
    SEC_WEBSOCKET_VERSION = "sec-websocket-version",
    SERVER = "server",
    SERVER_TIMING = "server-timing",
    SET_COOKIE = "set-cookie",
    STRICT_TRANSPORT_SECURITY = "strict-transport-security",
    TE = "te",
    TIMING_ALLOW_ORIGIN = "timing-allow-origin",
    TRACEPARENT = "traceparent",
    TRACESTATE = "tracestate",
    TRAILER = "trailer",
    TRANSFER_ENCODING = "transfer-encoding",
    UPGRADE = "upgrade",
    UPGRADE_INSECURE_REQUESTS = "upgrade-insecure-requests",
    USER_AGENT = "user-agent",
    VARY = "vary",
    VIA = "via",
    WWW_AUTHENTICATE = "www-authenticate",
    X_CONTENT_TYPE_OPTIONS = "x-content-type-options",
    X_FORWARDED_FOR = "x-forwarded-for",
    X_FORWARDED_HOST = "x-forwarded-host",
    X_FORWARDED_PROTO = "x-forwarded-proto",
    X_FRAME_OPTIONS = "x-frame-options",
    X_REQUEST_ID = "x-request-id",
    X_XSS_PROTECTION = "x-xss-protection",
    DNT = "dnt",
    SEC_CH_UA = "sec-ch-ua",
    SEC_CH_UA_MOBILE = "sec-ch-ua-mobile",
    SEC_CH_UA_PLATFORM = "sec-ch-ua-platform",
}

const HASH_BITS: u32 = 9;
/// Found by search: no two names share a slot, which [`SLOTS`] checks when it is built.
const HASH_FACTOR: u32 = 0x0970_e72f;

/// Slot of a name of at least one byte: its length, first, last and fourth-last byte, lower-cased, multiplied.
const fn slot(length: usize, first: u8, fourth_last: u8, last: u8) -> usize {
    let key = ((length as u32) << 24)
        | (((first | 0x20) as u32) << 16)
        | (((fourth_last | 0x20) as u32) << 8)
        | ((last | 0x20) as u32);
    (key.wrapping_mul(HASH_FACTOR) >> (32 - HASH_BITS)) as usize
}

#[allow(clippy::indexing_slicing)] // Evaluated by the compiler.
static SLOTS: [u8; 1 << HASH_BITS] = {
    let mut slots = [0u8; 1 << HASH_BITS];
    let mut id = 1;
    while id < NAMES.len() {
        let name = NAMES[id].as_bytes();
        let slot = slot(name.len(), name[0], name[name.len().saturating_sub(4)], name[name.len() - 1]);
        assert!(slots[slot] == 0, "two names share a slot: search another factor");
        slots[slot] = id as u8;
        id += 1;
    }
    slots
};

/// `name` in any case is `known`, a lower-case one of letters, digits and hyphens: eight bytes at a time.
#[inline]
fn equals(name: &[u8], known: &[u8]) -> bool {
    /// Differing bits, but for bit 5 of letters (the bytes of `known` that have bit 6).
    const fn differ(name: u64, known: u64) -> u64 {
        (name ^ known) & !((known & 0x4040_4040_4040_4040) >> 1)
    }
    if name.len() != known.len() {
        return false;
    }
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    if let (Some(name_last), Some(known_last)) = (name.last_chunk::<8>(), known.last_chunk::<8>()) {
        let pairs = name.as_chunks::<8>().0.iter().zip(known.as_chunks::<8>().0);
        let mut different = differ(word(name_last), word(known_last));
        for (name, known) in pairs {
            different |= differ(word(name), word(known));
        }
        return different == 0;
    }
    let pairs = name.iter().zip(known);
    pairs.fold(0, |different, (name, known)| different | differ(u64::from(*name), u64::from(*known))) == 0
}

impl FieldId {
    /// A name that has no number.
    pub const OTHER: FieldId = FieldId(0);

    /// The number of `name`, in any case; [`FieldId::OTHER`] when it is not well known.
    #[inline]
    #[must_use]
    pub fn of(name: &[u8]) -> FieldId {
        let (Some(&first), Some(&last)) = (name.first(), name.last()) else { return FieldId::OTHER };
        let fourth_last = name.get(name.len().saturating_sub(4)).copied().unwrap_or(first);
        let id = SLOTS.get(slot(name.len(), first, fourth_last, last)).copied().unwrap_or(0);
        let known = NAMES.get(usize::from(id)).copied().unwrap_or("");
        // `OTHER` has the empty name, which equals none.
        if equals(name, known.as_bytes()) { FieldId(id) } else { FieldId::OTHER }
    }

    /// The name in lower case; empty for [`FieldId::OTHER`].
    #[inline]
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("")
    }

    /// True unless this is [`FieldId::OTHER`].
    #[inline]
    #[must_use]
    pub fn is_known(self) -> bool {
        self.0 != 0
    }

    /// A small number of its own for each well-known name, from 1 on: for tables. [`FieldId::OTHER`] has 0.
    #[inline]
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Whether it frames, routes, authorises or describes the message, so that a recipient needs it before the body
    /// and it must not be a trailer (RFC 9110 §6.5.1).
    #[must_use]
    pub fn is_forbidden_trailer(self) -> bool {
        matches!(
            self,
            FieldId::CONTENT_LENGTH
                | FieldId::TRANSFER_ENCODING
                | FieldId::CONNECTION
                | FieldId::HOST
                | FieldId::TE
                | FieldId::TRAILER
                | FieldId::UPGRADE
                | FieldId::EXPECT
                | FieldId::AUTHORIZATION
                | FieldId::PROXY_AUTHORIZATION
                | FieldId::COOKIE
                | FieldId::SET_COOKIE
                | FieldId::CONTENT_ENCODING
                | FieldId::CONTENT_RANGE
                | FieldId::CONTENT_TYPE
        )
    }

    /// The `http` crate's name; `None` for [`FieldId::OTHER`].
    #[cfg(feature = "std")]
    #[must_use]
    pub fn header_name(self) -> Option<&'static http::HeaderName> {
        HEADER_NAMES.get(usize::from(self.0).checked_sub(1)?)
    }
}

impl core::fmt::Debug for FieldId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if self.is_known() { self.name() } else { "(other)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_itself_in_any_case() {
        for (id, name) in NAMES.iter().enumerate().skip(1) {
            assert_eq!(usize::from(FieldId::of(name.as_bytes()).0), id, "{name}");
            assert_eq!(usize::from(FieldId::of(name.to_ascii_uppercase().as_bytes()).0), id, "{name}");
            assert_eq!(FieldId::of(name.as_bytes()).header_name().unwrap().as_str(), *name);
        }
        assert_eq!(FieldId::HOST.name(), "host");
    }

    #[test]
    fn comparison_is_that_of_ascii_case() {
        for known in NAMES.iter().skip(1) {
            for at in 0..known.len() {
                for byte in 0..=255u8 {
                    let mut name = known.as_bytes().to_vec();
                    name[at] = byte;
                    assert_eq!(
                        equals(&name, known.as_bytes()),
                        name.eq_ignore_ascii_case(known.as_bytes()),
                        "{known} with {byte:#x} at {at}"
                    );
                }
            }
        }
    }

    #[test]
    fn near_misses_are_other() {
        for name in ["", "h", "hosts", "hos", "Transfer_Encoding", "content-lengt\u{2f}", "x-unknown"] {
            assert_eq!(FieldId::of(name.as_bytes()), FieldId::OTHER, "{name}");
        }
    }
}
