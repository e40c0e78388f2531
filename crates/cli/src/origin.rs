//! Whom to connect to, and the addresses behind a name.

use std::net::{IpAddr, SocketAddr};

/// Whom to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    /// Over TLS.
    pub(crate) tls: bool,
    /// A name or an address, without brackets, in small letters.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Digits alone: `parse` takes a sign, too.
pub(crate) fn port_number(text: &str) -> Option<u16> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// `--resolve HOST:PORT:ADDR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolve {
    host: String,
    port: u16,
    address: IpAddr,
}

impl std::str::FromStr for Resolve {
    type Err = String;

    fn from_str(text: &str) -> Result<Resolve, String> {
        let wrong = || "expected HOST:PORT:ADDR, such as example.com:80:127.0.0.1".to_owned();
        // Both ends may hold colons within brackets.
        let (host, rest) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once("]:").ok_or_else(wrong)?,
            None => text.split_once(':').ok_or_else(wrong)?,
        };
        let (port, address) = rest.split_once(':').ok_or_else(wrong)?;
        let address = address.trim_start_matches('[').trim_end_matches(']');
        Ok(Resolve {
            host: host.to_ascii_lowercase(),
            port: port_number(port).ok_or_else(wrong)?,
            address: address.parse().map_err(|_| wrong())?,
        })
    }
}

impl Origin {
    /// The addresses to try, in order.
    ///
    /// # Errors
    /// The name is not known.
    pub(crate) async fn addresses(&self, pinned: &[Resolve]) -> std::io::Result<Vec<SocketAddr>> {
        let pinned: Vec<_> = pinned
            .iter()
            .filter(|pin| pin.host == self.host && pin.port == self.port)
            .map(|pin| SocketAddr::new(pin.address, self.port))
            .collect();
        if !pinned.is_empty() {
            return Ok(pinned);
        }
        Ok(tokio::net::lookup_host((self.host.as_str(), self.port)).await?.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins() {
        for text in ["a:80:127.0.0.1", "a:80:::1", "a:80:[::1]", "[::1]:80:127.0.0.1"] {
            assert!(text.parse::<Resolve>().is_ok(), "{text}");
        }
        for text in ["a", "a:80", "a:x:127.0.0.1", "a:+80:127.0.0.1", "a:80:b", "a:80:"] {
            assert!(text.parse::<Resolve>().is_err(), "{text}");
        }
    }
}
