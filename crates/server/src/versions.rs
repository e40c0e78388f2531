//! Which versions of HTTP a server speaks, and how a connection begins.

use std::io;

use http::Version;

/// The application protocol (ALPN) of HTTP/2 over TLS (RFC 9113 §3.2).
const H2: &str = "h2";

/// Versions that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Versions {
    http1: bool,
    http2: bool,
    http3: bool,
}

/// How a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    Http1,
    Http2,
    /// Its first bytes decide.
    Undecided,
}

impl Versions {
    #[cfg(test)]
    pub(crate) const ALL: Versions = Versions { http1: true, http2: true, http3: false };

    /// # Errors
    /// There are none, or others than are spoken here.
    pub(crate) fn of(versions: &[Version]) -> io::Result<Versions> {
        let refused = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        let mut spoken = Versions { http1: false, http2: false, http3: false };
        for version in versions {
            match *version {
                Version::HTTP_10 | Version::HTTP_11 => spoken.http1 = true,
                Version::HTTP_2 => spoken.http2 = true,
                #[cfg(feature = "http3")]
                Version::HTTP_3 => spoken.http3 = true,
                other => return refused(format!("{other:?} is not spoken here: HTTP/1.1 and HTTP/2.0 are")),
            }
        }
        if versions.is_empty() {
            return refused("a server speaks at least one version of HTTP".to_owned());
        }
        if spoken.http3 && !spoken.http1 && !spoken.http2 {
            return refused("HTTP/3 is spoken beside HTTP/1 or HTTP/2, which tell clients of it".to_owned());
        }
        Ok(spoken)
    }

    /// Whether HTTP/3 is, beside TLS.
    #[cfg(feature = "http3")]
    pub(crate) fn http3(self) -> bool {
        self.http3
    }

    /// Application protocols (ALPN), the preferred one first.
    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "nothing is agreed on"))]
    pub(crate) fn protocols(self) -> impl Iterator<Item = &'static str> {
        let http2 = self.http2.then_some(H2);
        let http1 = self.http1.then_some(["http/1.1", "http/1.0"]);
        http2.into_iter().chain(http1.into_iter().flatten())
    }

    /// How a connection begins where TLS agreed on this application protocol, or on none.
    pub(crate) fn begin(self, alpn: Option<&[u8]>) -> Begin {
        match (alpn, self) {
            (Some(protocol), _) if protocol == H2.as_bytes() => Begin::Http2,
            (Some(_), _) | (None, Versions { http2: false, .. }) => Begin::Http1,
            (None, Versions { http1: false, .. }) => Begin::Http2,
            (None, _) => Begin::Undecided,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(versions: &[Version]) -> Versions {
        Versions::of(versions).unwrap()
    }

    #[test]
    fn versions() {
        assert_eq!(of(&[Version::HTTP_2, Version::HTTP_10]), Versions::ALL);
        assert_eq!(of(&[Version::HTTP_11]).protocols().collect::<Vec<_>>(), ["http/1.1", "http/1.0"]);
        assert_eq!(of(&[Version::HTTP_2]).protocols().collect::<Vec<_>>(), ["h2"]);
        assert_eq!(Versions::ALL.protocols().next(), Some("h2"));
        for wrong in [&[][..], &[Version::HTTP_3], &[Version::HTTP_11, Version::HTTP_09]] {
            assert_eq!(Versions::of(wrong).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn what_was_agreed_on_decides_and_otherwise_the_first_bytes() {
        let (one, two) = (of(&[Version::HTTP_11]), of(&[Version::HTTP_2]));
        for (versions, alpn, begin) in [
            (Versions::ALL, Some("h2"), Begin::Http2),
            (Versions::ALL, Some("http/1.1"), Begin::Http1),
            (Versions::ALL, None, Begin::Undecided),
            (one, None, Begin::Http1),
            (two, None, Begin::Http2),
            (two, Some("h2"), Begin::Http2),
        ] {
            assert_eq!(versions.begin(alpn.map(str::as_bytes)), begin, "{versions:?} {alpn:?}");
        }
    }
}
