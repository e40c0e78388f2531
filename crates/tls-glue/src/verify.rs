//! Whether the peer's certificate is accepted, and if not, why.

use std::fmt;

use crate::alert::Alert;

/// The rule that a certificate breaks.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateRule {
    /// None was shown.
    Missing,
    /// It cannot be parsed.
    Encoding,
    /// Its time is over.
    Expired {
        /// Seconds since 1970; `None`: not known.
        not_after: Option<u64>,
    },
    /// Its time has not come.
    NotYetValid {
        /// Seconds since 1970; `None`: not known.
        not_before: Option<u64>,
    },
    /// It is for other names.
    WrongHost {
        /// The name that was asked for.
        expected: String,
        /// Those that the certificate is for.
        presented: Vec<String>,
    },
    /// It leads to no authority that is trusted.
    UnknownIssuer,
    /// It has no issuer but itself, and is not trusted.
    SelfSigned,
    /// Its authority has taken it back.
    Revoked,
    /// Whether it was taken back is not known, or what says so is out of date.
    RevocationUnknown,
    /// Its signature is wrong.
    BadSignature,
    /// It is signed in a way that is too weak, or not known.
    SignatureAlgorithm,
    /// It is not meant for this use.
    Purpose,
    /// It has an extension that must be understood, and is not.
    CriticalExtension,
    /// Its key is none of those that are expected.
    Pin,
    /// It was not logged as it must be (Certificate Transparency).
    Transparency,
    /// What rustls says.
    Other(String),
}

/// Why the peer's certificate is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateError {
    /// The rule.
    pub rule: CertificateRule,
    /// Which certificate of the chain: 0 is the peer's own. `None`: the chain as a whole.
    pub position: Option<usize>,
    /// Whose it is.
    pub subject: Option<String>,
}

impl CertificateError {
    pub(crate) const fn missing() -> CertificateError {
        CertificateError { rule: CertificateRule::Missing, position: None, subject: None }
    }

    /// What to tell the peer.
    #[must_use]
    pub fn alert(&self) -> Alert {
        Alert(match self.rule {
            CertificateRule::Missing => 116,
            CertificateRule::Expired { .. } | CertificateRule::NotYetValid { .. } => 45,
            CertificateRule::UnknownIssuer | CertificateRule::SelfSigned => 48,
            CertificateRule::Revoked => 44,
            CertificateRule::Purpose | CertificateRule::CriticalExtension => 43,
            CertificateRule::BadSignature => 51,
            CertificateRule::Encoding | CertificateRule::WrongHost { .. } => 42,
            _ => 46,
        })
    }

    /// What to do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self.rule {
            CertificateRule::Expired { .. } => "renew it, or look at this machine's clock",
            CertificateRule::NotYetValid { .. } => "look at this machine's clock",
            CertificateRule::WrongHost { .. } => "use one of its names, or have one issued for this name",
            CertificateRule::UnknownIssuer => {
                "trust its authority, or have the server send the certificates between"
            }
            CertificateRule::SelfSigned => "trust it by name, or have it signed by an authority",
            CertificateRule::Revoked => "have a new one issued",
            CertificateRule::RevocationUnknown => "get newer revocation lists",
            CertificateRule::SignatureAlgorithm => {
                "have it issued with SHA-256 and RSA of 2048 bits, or ECDSA"
            }
            CertificateRule::Purpose => "have one issued for servers (or clients)",
            CertificateRule::Pin => "look whether the server's key was changed on purpose",
            CertificateRule::Transparency => "have one issued by an authority that logs it",
            _ => "have a new one issued",
        }
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(0) | None => f.write_str("the peer's certificate")?,
            Some(position) => write!(f, "certificate {position} of the peer's chain")?,
        }
        if let Some(subject) = &self.subject {
            write!(f, " ({subject})")?;
        }
        match &self.rule {
            CertificateRule::Missing => f.write_str(" is missing")?,
            CertificateRule::Encoding => f.write_str(" cannot be parsed")?,
            CertificateRule::Expired { .. } => f.write_str(" has expired")?,
            CertificateRule::NotYetValid { .. } => f.write_str(" is not valid yet")?,
            CertificateRule::WrongHost { expected, presented } => {
                write!(f, " is not for {expected}, but for {}", presented.join(", "))?;
            }
            CertificateRule::UnknownIssuer => f.write_str(" comes from an authority that is not trusted")?,
            CertificateRule::SelfSigned => f.write_str(" is self-signed and not trusted")?,
            CertificateRule::Revoked => f.write_str(" was revoked")?,
            CertificateRule::RevocationUnknown => f.write_str(" may have been revoked")?,
            CertificateRule::BadSignature => f.write_str(" has a wrong signature")?,
            CertificateRule::SignatureAlgorithm => {
                f.write_str(" is signed in a way that is too weak or not supported")?;
            }
            CertificateRule::Purpose => f.write_str(" is not meant for this use")?,
            CertificateRule::CriticalExtension => {
                f.write_str(" has a critical extension that is not known")?
            }
            CertificateRule::Pin => f.write_str(" has a key that is not among the pinned ones")?,
            CertificateRule::Transparency => {
                f.write_str(" is not in the logs of Certificate Transparency")?
            }
            CertificateRule::Other(why) => write!(f, " is not accepted: {why}")?,
        }
        write!(f, "; {}", self.hint())
    }
}

impl From<rustls::CertificateError> for CertificateError {
    fn from(error: rustls::CertificateError) -> CertificateError {
        use rustls::CertificateError as E;
        let rule = match error {
            E::BadEncoding => CertificateRule::Encoding,
            E::Expired => CertificateRule::Expired { not_after: None },
            E::ExpiredContext { not_after, .. } => {
                CertificateRule::Expired { not_after: Some(not_after.as_secs()) }
            }
            E::NotValidYet => CertificateRule::NotYetValid { not_before: None },
            E::NotValidYetContext { not_before, .. } => {
                CertificateRule::NotYetValid { not_before: Some(not_before.as_secs()) }
            }
            E::Revoked => CertificateRule::Revoked,
            E::UnknownRevocationStatus
            | E::ExpiredRevocationList
            | E::ExpiredRevocationListContext { .. } => CertificateRule::RevocationUnknown,
            E::UnhandledCriticalExtension => CertificateRule::CriticalExtension,
            E::UnknownIssuer => CertificateRule::UnknownIssuer,
            E::BadSignature => CertificateRule::BadSignature,
            E::UnsupportedSignatureAlgorithmContext { .. }
            | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                CertificateRule::SignatureAlgorithm
            }
            E::NotValidForNameContext { expected, presented } => CertificateRule::WrongHost {
                expected: expected.to_str().into_owned(),
                presented: presented.iter().map(|name| unwrapped(name)).collect(),
            },
            E::InvalidPurpose | E::InvalidPurposeContext { .. } => CertificateRule::Purpose,
            error => CertificateRule::Other(error.to_string()),
        };
        CertificateError { rule, position: None, subject: None }
    }
}

/// webpki writes `DnsName("example.com")`.
fn unwrapped(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"').to_owned()
}
