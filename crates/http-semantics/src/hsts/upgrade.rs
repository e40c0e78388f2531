//! From `http:` to `https:` (RFC 6797 §8.3).

use alloc::format;
use alloc::string::String;

use crate::target::{host_port, split_absolute};

/// An absolute URL, as far as HSTS looks at it.
pub(super) struct PlainUrl<'a> {
    secure_scheme: &'static str,
    user: &'a str,
    pub(super) host: &'a str,
    port: Option<&'a str>,
    rest: &'a str,
}

impl<'a> PlainUrl<'a> {
    /// `None` unless it is an absolute `http:` or `ws:` URL with a host.
    pub(super) fn parse(url: &'a str) -> Option<PlainUrl<'a>> {
        let (scheme, authority, _) = split_absolute(url.as_bytes())?;
        let secure_scheme = match scheme {
            _ if scheme.eq_ignore_ascii_case(b"http") => "https",
            _ if scheme.eq_ignore_ascii_case(b"ws") => "wss",
            _ => return None,
        };
        let after_scheme = url.get(scheme.len() + "://".len()..)?;
        let (authority, mut rest) = after_scheme.split_at_checked(authority.len())?;
        let mut authority = authority;
        if let Some(at) = authority.find('#') {
            (authority, rest) = after_scheme.split_at_checked(at)?;
        }
        let host_at = authority.rfind('@').map_or(0, |at| at + 1);
        let (user, host_and_port) = authority.split_at_checked(host_at)?;
        // Some take `\` for `/`, and what is before it for the host.
        if !user.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return None;
        }
        let (host, port) = host_port(host_and_port.as_bytes())?;
        let host = host_and_port.get(..host.len()).filter(|host| !host.is_empty())?;
        let port = port.and_then(|port| host_and_port.get(host_and_port.len() - port.len()..));
        Some(PlainUrl { secure_scheme, user, host, port, rest })
    }

    /// Port 80 becomes 443, another one stays, none stays none.
    pub(super) fn upgraded(&self) -> String {
        let PlainUrl { secure_scheme, user, host, rest, .. } = self;
        let port = match self.port {
            None => return format!("{secure_scheme}://{user}{host}{rest}"),
            Some(port) if port.parse() == Ok(80u16) => "443",
            Some(port) => port,
        };
        format!("{secure_scheme}://{user}{host}:{port}{rest}")
    }
}

/// The same URL over TLS: `https:` for `http:`, `wss:` for `ws:`, and port 443 for an explicit port 80, other ports
/// being kept (RFC 6797 §8.3). `None` for what is not an absolute URL of those schemes.
#[must_use]
pub fn upgrade_url(url: &str) -> Option<String> {
    PlainUrl::parse(url).map(|url| url.upgraded())
}
