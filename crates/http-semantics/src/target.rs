//! Request targets and authorities (RFC 9112 §3.2, RFC 3986 §3.2).

use thiserror::Error;

/// The four forms of a request-target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetForm {
    /// `/path?query` (RFC 9112 §3.2.1).
    Origin,
    /// `http://host/path` (RFC 9112 §3.2.2).
    Absolute,
    /// `host:port`, CONNECT only (RFC 9112 §3.2.3).
    Authority,
    /// `*`, OPTIONS only (RFC 9112 §3.2.4).
    Asterisk,
}

/// A request-target that no form fits.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TargetError {
    /// It starts with neither `/` nor a scheme, and is not `*`.
    #[error("request target is neither a path, an absolute URI nor `*` (RFC 9112 §3.2)")]
    Form,
    /// `*` with a method other than OPTIONS.
    #[error("request target `*` is for OPTIONS only (RFC 9112 §3.2.4)")]
    Asterisk,
    /// CONNECT with anything but `host:port`.
    #[error("CONNECT wants `host:port` (RFC 9112 §3.2.3)")]
    Connect,
    /// The authority of an absolute URI is not `host[:port]`.
    #[error("authority of the request target is not `host[:port]` (RFC 9110 §4.2)")]
    Authority,
    /// It has a fragment, white space, a control character or a byte beyond ASCII.
    #[error(
        "request target has a `#`, white space, a control character or a byte beyond ASCII (RFC 9112 §3.2)"
    )]
    Byte,
}

impl TargetForm {
    /// The form of `target` for this method name.
    ///
    /// # Errors
    /// No form fits, or one that the method does not allow.
    #[inline]
    pub fn of<M: AsRef<str> + ?Sized>(method: &M, target: &[u8]) -> Result<TargetForm, TargetError> {
        let method = method.as_ref();
        // No early exit: this form is vectorised.
        if target.iter().fold(false, |bad, &byte| bad | !(0x21..=0x7e).contains(&byte) | (byte == b'#')) {
            return Err(TargetError::Byte);
        }
        if method == "CONNECT" {
            return match host_port(target) {
                Some((host, Some(port))) if !host.is_empty() && !port.is_empty() => Ok(TargetForm::Authority),
                _ => Err(TargetError::Connect),
            };
        }
        match target {
            [b'/', ..] => Ok(TargetForm::Origin),
            b"*" if method == "OPTIONS" => Ok(TargetForm::Asterisk),
            b"*" => Err(TargetError::Asterisk),
            _ => match split_absolute(target) {
                // No host is no authority, whatever the port (RFC 9110 §4.2.1).
                Some((_, b"" | [b':', ..], _)) => Err(TargetError::Authority),
                Some((_, authority, _)) if is_authority(authority) => Ok(TargetForm::Absolute),
                Some(_) => Err(TargetError::Authority),
                None => Err(TargetError::Form),
            },
        }
    }
}

/// `scheme://authority/path` as scheme, authority and the rest.
pub(crate) fn split_absolute(target: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let colon = target.iter().position(|&byte| byte == b':')?;
    let (scheme, rest) = (target.get(..colon)?, target.get(colon + 1..)?);
    let [first, others @ ..] = scheme else { return None };
    let scheme_byte = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !first.is_ascii_alphabetic() || !others.iter().all(scheme_byte) {
        return None;
    }
    let rest = rest.strip_prefix(b"//")?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    Some((scheme, rest.get(..end)?, rest.get(end..)?))
}

#[cfg(feature = "std")]
pub(crate) fn split_path_query(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// True for a valid Host field value: `uri-host [":" port]`, empty allowed (RFC 9110 §7.2).
#[inline]
#[must_use]
pub fn is_authority(value: &[u8]) -> bool {
    // The common case in one pass: a name of plain letters, digits, dots and hyphens, perhaps with a port.
    let mut rest = value;
    while let [byte, after @ ..] = rest {
        match PLAIN.get(usize::from(*byte)) {
            Some(true) => rest = after,
            _ => break,
        }
    }
    match rest {
        [] => true,
        [b':', port @ ..] if port.len() <= 5 => {
            let number = port.iter().fold(0, |number, &digit| match digit {
                b'0'..=b'9' => number * 10 + u32::from(digit - b'0'),
                _ => u32::from(u16::MAX) + 1, // And it only grows.
            });
            number <= u32::from(u16::MAX)
        }
        _ => host_port(value).is_some(),
    }
}

/// Letters, digits, dots and hyphens.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        #[allow(clippy::indexing_slicing)] // Evaluated by the compiler.
        {
            plain[byte] =
                (byte as u8).is_ascii_alphanumeric() || byte == b'.' as usize || byte == b'-' as usize;
        }
        byte += 1;
    }
    plain
};

/// Host and port of `host[:port]`; `None` when it is not of that form.
#[must_use]
pub fn host_port(value: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let (host, rest) = if value.first() == Some(&b'[') {
        let end = value.iter().position(|&byte| byte == b']')?;
        let inner = value.get(1..end)?;
        if !is_ip_literal(inner) {
            return None;
        }
        value.split_at_checked(end + 1)?
    } else {
        let end = value.iter().position(|&byte| byte == b':').unwrap_or(value.len());
        let (host, rest) = value.split_at_checked(end)?;
        if !is_reg_name(host) {
            return None;
        }
        (host, rest)
    };
    match rest {
        [] => Some((host, None)),
        [b':', port @ ..] if port.len() <= 5 && port.iter().all(u8::is_ascii_digit) => {
            let number = port.iter().fold(0u32, |number, digit| number * 10 + u32::from(digit - b'0'));
            (number <= 65_535).then_some((host, Some(port)))
        }
        _ => None,
    }
}

/// IPv6address or IPvFuture, without the brackets (RFC 3986 §3.2.2).
fn is_ip_literal(inner: &[u8]) -> bool {
    if let [b'v' | b'V', rest @ ..] = inner {
        let Some(dot) = rest.iter().position(|&byte| byte == b'.') else { return false };
        let (version, address) = rest.split_at(dot);
        let address = address.get(1..).unwrap_or_default();
        return !version.is_empty()
            && version.iter().all(u8::is_ascii_hexdigit)
            && !address.is_empty()
            && address.iter().all(|&byte| is_unreserved_or_sub_delim(byte) || byte == b':');
    }
    core::str::from_utf8(inner).is_ok_and(|text| text.parse::<core::net::Ipv6Addr>().is_ok())
}

fn is_reg_name(host: &[u8]) -> bool {
    let mut rest = host;
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest,
            // A comma is a sub-delim, but Host is no list, and proxies have been fooled by one (RFC 9110 §7.2).
            [b',', ..] => return false,
            [byte, rest @ ..] if is_unreserved_or_sub_delim(*byte) => rest,
            _ => return false,
        }
    }
}

fn is_unreserved_or_sub_delim(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (method, target, form) in [
            ("GET", "/", Ok(TargetForm::Origin)),
            ("GET", "/a?b=c%20", Ok(TargetForm::Origin)),
            ("GET", "//a", Ok(TargetForm::Origin)),
            ("GET", "http://a/b", Ok(TargetForm::Absolute)),
            ("GET", "http://[::1]:80?x", Ok(TargetForm::Absolute)),
            ("GET", "http://", Err(TargetError::Authority)),
            ("GET", "http://:80/", Err(TargetError::Authority)),
            ("GET", "http://u@h/", Err(TargetError::Authority)),
            ("GET", "a/b", Err(TargetError::Form)),
            ("GET", "", Err(TargetError::Form)),
            ("GET", "*", Err(TargetError::Asterisk)),
            ("GET", "/a#b", Err(TargetError::Byte)),
            ("GET", "/\u{7f}", Err(TargetError::Byte)),
            ("OPTIONS", "*", Ok(TargetForm::Asterisk)),
            ("CONNECT", "a:443", Ok(TargetForm::Authority)),
            ("CONNECT", "[::1]:443", Ok(TargetForm::Authority)),
            ("CONNECT", "a", Err(TargetError::Connect)),
            ("CONNECT", "a:", Err(TargetError::Connect)),
            ("CONNECT", ":1", Err(TargetError::Connect)),
            ("CONNECT", "/", Err(TargetError::Connect)),
            ("CONNECT", "http://a:1/", Err(TargetError::Connect)),
        ] {
            assert_eq!(TargetForm::of(method, target.as_bytes()), form, "{method} {target}");
        }
    }

    #[test]
    fn authorities() {
        for good in ["", "a", "a:1", "a:", "1.2.3.4", "[::1]", "[::1]:8", "[v1.x]", "a_b", "%41", "a~"] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "a b", "a/b", "u@a", "a,b", "a:b", "a:1:2", "[::1", "::1", "[:::]", "a:99999", "%4", "[v.x]",
            "\u{e9}",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }
}
