//! Which server.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::get::Url;
use crate::origin::{Origin, port_number};

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) origin: Origin,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Target, String> {
        if text.contains("://") {
            let url = Url::parse(text)?;
            let plain = || format!("{text}: there is no TLS to look at, expected https");
            return if url.origin.tls { Ok(Target { origin: url.origin }) } else { Err(plain()) };
        }
        let wrong = || format!("{text:?} is neither HOST nor HOST:PORT");
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(wrong)?;
                host.parse::<Ipv6Addr>().map_err(|_| wrong())?;
                (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or_else(wrong)?) })
            }
            None if text.parse::<Ipv6Addr>().is_ok() => (text, None),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = port.map_or(Some(443), port_number).ok_or_else(wrong)?;
        if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
            return Err(wrong());
        }
        Ok(Target { origin: Origin { tls: true, host: host.to_ascii_lowercase(), port } })
    }
}

/// `--connect ADDR[:PORT]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Connect {
    address: IpAddr,
    /// `None`: the target's.
    port: Option<u16>,
}

impl Connect {
    pub(super) fn to(self, target: &Target) -> SocketAddr {
        SocketAddr::new(self.address, self.port.unwrap_or(target.origin.port))
    }
}

impl FromStr for Connect {
    type Err = String;

    fn from_str(text: &str) -> Result<Connect, String> {
        if let Ok(both) = text.parse::<SocketAddr>() {
            return Ok(Connect { address: both.ip(), port: Some(both.port()) });
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let wrong = |_| format!("{text:?} is neither an IP address nor one with a port");
        Ok(Connect { address: bare.parse().map_err(wrong)?, port: None })
    }
}

/// As one writes it in a URL.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { host, port, .. } = &self.origin;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        for (text, expected) in [
            ("example.com", "example.com:443"),
            ("Example.com:8443", "example.com:8443"),
            ("127.0.0.1", "127.0.0.1:443"),
            ("::1", "[::1]:443"),
            ("[::1]", "[::1]:443"),
            ("[::1]:8443", "[::1]:8443"),
            ("https://example.com/a?b", "example.com:443"),
            ("https://[::1]:8443", "[::1]:8443"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "",
            ":443",
            "a:",
            "a:b",
            "a:+1",
            "a:65536",
            "a:1:2",
            "a/b",
            "[a]:443",
            "[::1]8443",
            "[::1",
            "http://a",
            "https://",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_to_connect_to() {
        let target = "example.com:8443".parse::<Target>().unwrap();
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1:8443"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("::1", "[::1]:8443"),
            ("[::1]", "[::1]:8443"),
            ("[::1]:1", "[::1]:1"),
        ] {
            assert_eq!(text.parse::<Connect>().unwrap().to(&target).to_string(), expected, "{text}");
        }
        for text in ["", "localhost", "127.0.0.1:", "127.0.0.1:65536", "[::1", "1"] {
            assert!(text.parse::<Connect>().is_err(), "{text}");
        }
    }
}
