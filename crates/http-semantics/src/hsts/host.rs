//! Host names as HSTS compares them.

use alloc::string::String;
use core::fmt;

/// Octets of a host name, at most (RFC 1035 §2.3.4).
pub(super) const MAX_HOST: usize = 253;
/// Octets of one of its labels.
const MAX_LABEL: usize = 63;

/// A host name that HSTS can apply to: in lower case, without the dot at its end, and no IP address (RFC 6797 §8.1.1).
///
/// Names in other scripts have to be in their ASCII form (`xn--…`, RFC 5891) already.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HstsHost(String);

impl HstsHost {
    /// The host part of an authority or of a URL; `None` for IP addresses (with brackets or without) and for what is
    /// no host name.
    #[must_use]
    pub fn new(host: &str) -> Option<HstsHost> {
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.len() > MAX_HOST || !host.split('.').all(is_label) || ends_in_a_number(host) {
            return None;
        }
        Some(HstsHost(host.to_ascii_lowercase()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, then each of those above it, up to one label: `a.b.c`, `b.c`, `c`.
    pub(super) fn with_superdomains(&self) -> impl Iterator<Item = &str> {
        core::iter::successors(Some(self.as_str()), |name| Some(name.split_once('.')?.1))
    }
}

impl fmt::Display for HstsHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Letters, digits and hyphens; underscores too, since hosts have them.
fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_LABEL).contains(&label.len()) && label.bytes().all(plain)
}

/// What resolvers take for an IPv4 address: `127.1` and `0x7f000001` are some, too.
fn ends_in_a_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    last.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (host, expected) in [
            ("example.com", Some("example.com")),
            ("EXAMPLE.Com", Some("example.com")),
            ("example.com.", Some("example.com")),
            ("localhost", Some("localhost")),
            ("a_b.example", Some("a_b.example")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("1.example", Some("1.example")),
            ("1.2.3.4.example", Some("1.2.3.4.example")),
            ("0xg", Some("0xg")),
            ("", None),
            (".", None),
            ("example.com..", None),
            (".example.com", None),
            ("a..b", None),
            ("1.2.3.4", None),
            ("1.2.3.4.", None),
            ("127.1", None),
            ("2130706433", None),
            ("0x7f000001", None),
            ("0x", None),
            ("a.0X7F", None),
            ("::1", None),
            ("[::1]", None),
            ("bücher.example", None),
            ("ex%61mple.com", None),
            ("example.com:80", None),
            ("a b", None),
        ] {
            assert_eq!(HstsHost::new(host).as_ref().map(HstsHost::as_str), expected, "{host}");
        }
    }

    #[test]
    fn lengths() {
        let label = "a".repeat(63);
        assert!(HstsHost::new(&label).is_some() && HstsHost::new(&alloc::format!("{label}a")).is_none());
        let longest = alloc::format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(longest.len(), MAX_HOST);
        assert!(HstsHost::new(&longest).is_some());
        assert!(HstsHost::new(&alloc::format!("{longest}.")).is_some());
        assert!(HstsHost::new(&alloc::format!("{longest}a")).is_none());
    }

    #[test]
    fn superdomains() {
        let host = HstsHost::new("a.b.c").unwrap();
        let all: alloc::vec::Vec<&str> = host.with_superdomains().collect();
        assert_eq!(all, ["a.b.c", "b.c", "c"]);
    }
}
