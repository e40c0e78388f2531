//! Why the peer's certificate is not accepted, in words.

use std::fmt;

use bytes::Bytes;

use crate::alert::Alert;
use crate::ct::CtVerdict;
use crate::x509::time::rfc3339;

/// The rule that a certificate breaks.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateRule {
    /// None was shown.
    Missing,
    /// It cannot be parsed.
    Encoding(String),
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
    UnknownIssuer {
        /// The authority that signed it, as the certificate says; empty: it does not say.
        issuer: String,
    },
    /// It has no issuer but itself, and is not trusted.
    SelfSigned,
    /// Its authority has taken it back.
    Revoked {
        /// Seconds since 1970.
        since: Option<u64>,
        /// Why, by the name of RFC 5280 §5.3.1.
        reason: Option<&'static str>,
    },
    /// No revocation list of its authority is there.
    RevocationUnknown {
        /// The authority.
        issuer: String,
    },
    /// The revocation list of its authority is out of date.
    RevocationListExpired {
        /// When there should have been a newer one; seconds since 1970.
        next_update: u64,
    },
    /// The revocation list of its authority cannot be used.
    RevocationList(String),
    /// Its signature is not its issuer's.
    BadSignature,
    /// The peer's handshake is not signed with its key.
    BadHandshakeSignature,
    /// It is signed in a way that is too weak, or not known.
    SignatureAlgorithm {
        /// The way.
        algorithm: String,
    },
    /// Its key is too short. Without a position: that of the authority that is trusted.
    WeakKey {
        /// The bits of its RSA modulus.
        bits: usize,
    },
    /// Its key is of a kind that is too weak, or not known.
    UnsupportedKey {
        /// The kind.
        algorithm: String,
    },
    /// It is not meant for this use.
    Purpose {
        /// What it is needed for.
        required: &'static str,
        /// What it is meant for.
        presented: Vec<String>,
    },
    /// It has signed another certificate, and is no authority.
    NotAnAuthority,
    /// It is an authority's, and stands for a peer.
    AuthorityAsPeer,
    /// It is an authority's with more authorities below it than it may have.
    PathLength,
    /// More certificates, or more ways between them, than are followed.
    TooManyWays,
    /// It is for a name that an authority above it may not give.
    NameConstraint,
    /// It has an extension that must be understood, and is not.
    CriticalExtension {
        /// Its object identifier.
        oid: String,
    },
    /// Its key is none of those that are expected.
    Pin,
    /// It was not logged as it must be (Certificate Transparency).
    Transparency(Box<CtVerdict>),
    /// What the library says.
    Other(String),
}

impl CertificateRule {
    /// One word for programs, which stays as it is.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            CertificateRule::Missing => "missing",
            CertificateRule::Encoding(_) => "encoding",
            CertificateRule::Expired { .. } => "expired",
            CertificateRule::NotYetValid { .. } => "not_yet_valid",
            CertificateRule::WrongHost { .. } => "wrong_host",
            CertificateRule::UnknownIssuer { .. } => "unknown_issuer",
            CertificateRule::SelfSigned => "self_signed",
            CertificateRule::Revoked { .. } => "revoked",
            CertificateRule::RevocationUnknown { .. } => "revocation_unknown",
            CertificateRule::RevocationListExpired { .. } => "revocation_list_expired",
            CertificateRule::RevocationList(_) => "revocation_list",
            CertificateRule::BadSignature => "bad_signature",
            CertificateRule::BadHandshakeSignature => "bad_handshake_signature",
            CertificateRule::SignatureAlgorithm { .. } => "signature_algorithm",
            CertificateRule::WeakKey { .. } => "weak_key",
            CertificateRule::UnsupportedKey { .. } => "unsupported_key",
            CertificateRule::Purpose { .. } => "purpose",
            CertificateRule::NotAnAuthority => "not_an_authority",
            CertificateRule::AuthorityAsPeer => "authority_as_peer",
            CertificateRule::PathLength => "path_length",
            CertificateRule::TooManyWays => "too_many_ways",
            CertificateRule::NameConstraint => "name_constraint",
            CertificateRule::CriticalExtension { .. } => "critical_extension",
            CertificateRule::Pin => "pin",
            CertificateRule::Transparency(_) => "transparency",
            CertificateRule::Other(_) => "other",
        }
    }
}

/// Why the peer's certificate is not accepted.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateError {
    /// The rule.
    pub rule: CertificateRule,
    /// Which certificate of the chain: 0 is the peer's own. `None`: the chain as a whole.
    pub position: Option<usize>,
    /// Whose it is.
    pub subject: Option<String>,
    /// What the peer has shown, in DER and in its order: nobody vouches for it.
    pub certificates: Vec<Bytes>,
}

impl CertificateError {
    pub(crate) const fn new(rule: CertificateRule) -> CertificateError {
        CertificateError { rule, position: None, subject: None, certificates: Vec::new() }
    }

    pub(crate) const fn missing() -> CertificateError {
        CertificateError::new(CertificateRule::Missing)
    }

    /// What to tell the peer.
    #[must_use]
    pub const fn alert(&self) -> Alert {
        Alert(match self.rule {
            CertificateRule::Missing => 116,
            CertificateRule::Expired { .. } | CertificateRule::NotYetValid { .. } => 45,
            CertificateRule::UnknownIssuer { .. } | CertificateRule::SelfSigned => 48,
            CertificateRule::Revoked { .. } => 44,
            CertificateRule::Purpose { .. } | CertificateRule::AuthorityAsPeer => 43,
            CertificateRule::BadSignature | CertificateRule::BadHandshakeSignature => 51,
            CertificateRule::Encoding(_)
            | CertificateRule::WrongHost { .. }
            | CertificateRule::SignatureAlgorithm { .. }
            | CertificateRule::WeakKey { .. }
            | CertificateRule::UnsupportedKey { .. }
            | CertificateRule::NotAnAuthority
            | CertificateRule::PathLength
            | CertificateRule::NameConstraint
            | CertificateRule::CriticalExtension { .. } => 42,
            _ => 46,
        })
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match &self.rule {
            CertificateRule::Missing => "have it show one",
            CertificateRule::Expired { .. } => "renew it, or look at this machine's clock",
            CertificateRule::NotYetValid { .. } => "look at this machine's clock, or wait",
            CertificateRule::WrongHost { presented, .. } if presented.is_empty() => {
                "have one issued with the name as a subjectAltName"
            }
            CertificateRule::WrongHost { .. } => "use one of its names, or have one issued for this name",
            CertificateRule::UnknownIssuer { .. } => {
                "trust its authority, or have the peer send the certificates between"
            }
            CertificateRule::SelfSigned if matches!(self.position, None | Some(0)) => {
                "trust this very certificate, or have one issued by an authority"
            }
            CertificateRule::SelfSigned => "trust this authority if it is known",
            CertificateRule::Revoked { .. } => "have a new one issued, with a new key",
            CertificateRule::RevocationUnknown { .. } => "get the list of its authority",
            CertificateRule::RevocationListExpired { .. } => "get a newer list",
            CertificateRule::RevocationList(_) => "get another list",
            CertificateRule::SignatureAlgorithm { .. } => {
                "have one issued with SHA-256 or better, and ECDSA, Ed25519 or RSA"
            }
            CertificateRule::WeakKey { .. } => "have one issued for RSA of 2048 bits or more, or ECDSA",
            CertificateRule::UnsupportedKey { .. } => {
                "have one issued for ECDSA with P-256 or P-384, Ed25519, or RSA of 2048 bits or more"
            }
            CertificateRule::Purpose { .. } => "have one issued for this use",
            CertificateRule::NotAnAuthority | CertificateRule::PathLength => "look who has issued the chain",
            CertificateRule::TooManyWays => {
                "have the peer send the certificates between its own and its authority's, and no others"
            }
            CertificateRule::AuthorityAsPeer => "have this authority issue one for the peer",
            CertificateRule::BadHandshakeSignature => {
                "look whether the peer's key belongs to its certificate"
            }
            CertificateRule::Pin => "look whether the key was changed on purpose",
            CertificateRule::Transparency(verdict) => verdict.outcome.hint(),
            _ => "have a new one issued",
        }
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            None if matches!(self.rule, CertificateRule::WeakKey { .. }) => {
                f.write_str("the authority that the peer's chain leads to")?;
            }
            Some(0) | None => f.write_str("the peer's certificate")?,
            Some(position) => write!(f, "certificate {position} of the peer's chain")?,
        }
        if let Some(subject) = &self.subject {
            write!(f, " ({subject})")?;
        }
        write!(f, " {}; {}", self.rule, self.hint())
    }
}

/// What is true of the certificate.
impl fmt::Display for CertificateRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CertificateRule::Missing => f.write_str("is missing"),
            CertificateRule::Encoding(why) => write!(f, "cannot be parsed: {why}"),
            CertificateRule::Expired { not_after } => write!(f, "has expired{}", at(" on ", *not_after)),
            CertificateRule::NotYetValid { not_before } => {
                write!(f, "is not valid{}", at(" before ", *not_before))
            }
            CertificateRule::WrongHost { expected, presented } if presented.is_empty() => {
                write!(f, "is not for {expected}: it names no host")
            }
            CertificateRule::WrongHost { expected, presented } => {
                write!(f, "is not for {expected}, but for {}", some(presented))
            }
            CertificateRule::UnknownIssuer { issuer } if issuer.is_empty() => {
                f.write_str("comes from an authority that is not trusted")
            }
            CertificateRule::UnknownIssuer { issuer } => {
                write!(f, "comes from an authority that is not trusted ({issuer})")
            }
            CertificateRule::SelfSigned => f.write_str("is self-signed and not trusted"),
            CertificateRule::Revoked { since, reason } => {
                write!(f, "was revoked{}", at(" on ", *since))?;
                reason.map_or(Ok(()), |reason| write!(f, " ({reason})"))
            }
            CertificateRule::RevocationUnknown { issuer } => {
                write!(f, "may have been revoked: there is no list of its authority ({issuer})")
            }
            CertificateRule::RevocationListExpired { next_update } => {
                let at = at(" on ", Some(*next_update));
                write!(f, "may have been revoked: the list of its authority has expired{at}")
            }
            CertificateRule::RevocationList(why) => {
                write!(f, "may have been revoked: the list of its authority cannot be used ({why})")
            }
            CertificateRule::BadSignature => f.write_str("has a signature that is not its issuer's"),
            CertificateRule::BadHandshakeSignature => {
                f.write_str("does not fit the key that signed the handshake")
            }
            CertificateRule::SignatureAlgorithm { algorithm } => {
                write!(f, "is signed in a way that is too weak or not supported ({algorithm})")
            }
            CertificateRule::WeakKey { bits } => {
                write!(f, "has an RSA key of {bits} bits, at least 2048 are needed")
            }
            CertificateRule::UnsupportedKey { algorithm } => {
                write!(f, "has a key of a kind that is too weak or not supported ({algorithm})")
            }
            CertificateRule::Purpose { required, presented } if presented.is_empty() => {
                write!(f, "is not meant for a {required}")
            }
            CertificateRule::Purpose { required, presented } => {
                write!(f, "is not meant for a {required}, but for {}", some(presented))
            }
            CertificateRule::NotAnAuthority => f.write_str("signs others and is not an authority's"),
            CertificateRule::AuthorityAsPeer => f.write_str("is an authority's, not a peer's"),
            CertificateRule::PathLength => f.write_str("has more authorities below it than it may have"),
            CertificateRule::TooManyWays => {
                f.write_str("comes with more certificates, or more ways between them, than are followed")
            }
            CertificateRule::NameConstraint => f.write_str("is for a name that its authority may not give"),
            CertificateRule::CriticalExtension { oid } if oid.is_empty() => {
                f.write_str("has a critical extension that is not known")
            }
            CertificateRule::CriticalExtension { oid } => {
                write!(f, "has a critical extension that is not known ({oid})")
            }
            CertificateRule::Pin => f.write_str("has a key that is not among the pinned ones"),
            CertificateRule::Transparency(verdict) => {
                write!(f, "does not comply with Certificate Transparency: {}", verdict.outcome)?;
                verdict.faults(f)
            }
            CertificateRule::Other(why) => write!(f, "is not accepted: {why}"),
        }
    }
}

/// What fits on a screen of them.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = names.get(..names.len().min(SHOWN)).unwrap_or_default().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn at(before: &str, seconds: Option<u64>) -> String {
    let text = seconds.and_then(|seconds| i64::try_from(seconds).ok()).map(rfc3339);
    text.map(|text| format!("{before}{text}")).unwrap_or_default()
}
