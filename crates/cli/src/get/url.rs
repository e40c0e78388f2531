//! URLs, origins, and the addresses behind them.

use std::net::{IpAddr, SocketAddr};

use http::Uri;
use http::uri::PathAndQuery;

/// A URL that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    /// As it was given.
    pub(super) text: String,
    pub(super) origin: Origin,
    /// What goes into Host.
    pub(super) authority: String,
    /// Path and query.
    pub(super) target: String,
}

/// Whom to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    /// A name or an address, without brackets, in small letters.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Url {
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn parse(text: &str) -> Result<Url, String> {
        let wrong = |what: &str| format!("{text}: {what}");
        let uri: Uri = text.parse().map_err(|error| wrong(&format!("not a URL: {error}")))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(wrong("https is not supported yet")),
            Some(other) => return Err(wrong(&format!("not an http URL: {other}"))),
            None => return Err(wrong("not a URL: it has to begin with http://")),
        }
        let authority = uri.authority().ok_or_else(|| wrong("no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("user names in URLs are not supported; use -H 'Authorization: …'"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err(wrong("no host"));
        }
        let port = match authority
            .as_str()
            .rsplit_once(']')
            .map_or(authority.as_str(), |(_, rest)| rest)
            .split_once(':')
        {
            None | Some((_, "")) => 80,
            Some((_, port)) => port_number(port).ok_or_else(|| wrong("no port number below 65536"))?,
        };
        let target = match uri.path_and_query().map_or("/", PathAndQuery::as_str) {
            "" => "/".to_owned(),
            query if query.starts_with('?') => format!("/{query}"),
            target => target.to_owned(),
        };
        let origin = Origin { host, port };
        Ok(Url { text: text.to_owned(), origin, authority: authority.as_str().to_owned(), target })
    }
}

/// Digits alone: `parse` takes a sign, too.
fn port_number(text: &str) -> Option<u16> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// `--resolve HOST:PORT:ADDR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolve {
    origin: Origin,
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
            origin: Origin { host: host.to_ascii_lowercase(), port: port_number(port).ok_or_else(wrong)? },
            address: address.parse().map_err(|_| wrong())?,
        })
    }
}

impl Origin {
    /// The addresses to try, in order.
    ///
    /// # Errors
    /// The name is not known.
    pub(super) async fn addresses(&self, pinned: &[Resolve]) -> std::io::Result<Vec<SocketAddr>> {
        let pinned: Vec<_> = pinned
            .iter()
            .filter(|pin| pin.origin == *self)
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
    fn urls() {
        for (text, host, port, authority, target) in [
            ("http://a", "a", 80, "a", "/"),
            ("http://A.b:8080/c?d=e#f", "a.b", 8080, "A.b:8080", "/c?d=e"),
            ("http://a:/x", "a", 80, "a:", "/x"),
            ("http://[::1]:81/", "::1", 81, "[::1]:81", "/"),
            ("http://[::1]", "::1", 80, "[::1]", "/"),
            ("http://a?q", "a", 80, "a", "/?q"),
            ("HTTP://a/", "a", 80, "a", "/"),
        ] {
            let url = Url::parse(text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((url.origin.host.as_str(), url.origin.port), (host, port), "{text}");
            assert_eq!((url.authority.as_str(), url.target.as_str()), (authority, target), "{text}");
        }
        for text in [
            "",
            "not a url",
            "a/b",
            "/a",
            "ftp://a/",
            "http://",
            "http:///a",
            "http://u@a/",
            "http://a:99999/",
            "http://a:+80/",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
        assert!(Url::parse("https://a/").unwrap_err().contains("not supported yet"));
    }

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
