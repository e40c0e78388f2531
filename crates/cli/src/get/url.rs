//! URLs.

use http::Uri;
use http::uri::PathAndQuery;

use crate::origin::{Origin, port_number};

/// A URL that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    /// As it was given.
    pub(crate) text: String,
    pub(crate) origin: Origin,
    /// What goes into Host.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
    /// It was an http URL, and HSTS made this of it.
    pub(crate) upgraded: bool,
}

impl Url {
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn parse(text: &str) -> Result<Url, String> {
        let wrong = |what: &str| format!("{text}: {what}");
        let uri: Uri = text.parse().map_err(|error| wrong(&format!("not a URL: {error}")))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(other) => return Err(wrong(&format!("not an http or https URL: {other}"))),
            None => return Err(wrong("not a URL: it has to begin with http:// or https://")),
        };
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
            None | Some((_, "")) => {
                if tls {
                    443
                } else {
                    80
                }
            }
            Some((_, port)) => port_number(port).ok_or_else(|| wrong("no port number below 65536"))?,
        };
        let target = match uri.path_and_query().map_or("/", PathAndQuery::as_str) {
            "" => "/".to_owned(),
            query if query.starts_with('?') => format!("/{query}"),
            target => target.to_owned(),
        };
        let origin = Origin { tls, host, port };
        let authority = authority.as_str().to_owned();
        Ok(Url { text: text.to_owned(), origin, authority, target, upgraded: false })
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
            ("https://a", "a", 443, "a", "/"),
            ("https://a:8443/x", "a", 8443, "a:8443", "/x"),
            ("HTTPS://[::1]:/", "::1", 443, "[::1]:", "/"),
        ] {
            let url = Url::parse(text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((url.origin.host.as_str(), url.origin.port), (host, port), "{text}");
            assert_eq!((url.authority.as_str(), url.target.as_str()), (authority, target), "{text}");
            assert_eq!(url.origin.tls, text.to_ascii_lowercase().starts_with("https:"), "{text}");
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
    }
}
