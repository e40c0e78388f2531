//! What cannot be read, and where.

/// A rule of DER, or of what a certificate consists of, that is broken.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DerRule {
    /// The input ends too early, or a length says more than there is.
    #[error("the input ends inside a value")]
    Truncated,
    /// A tag of more than one octet.
    #[error("a tag of more than one octet")]
    LongTag,
    /// A length that says "until the end".
    #[error("an indefinite length")]
    Indefinite,
    /// A length that takes more octets than it needs.
    #[error("a length that is not in its shortest form")]
    LengthNotMinimal,
    /// Another value was expected.
    #[error("a value with tag {found:#04x}, expected {expected:#04x}")]
    Tag {
        /// The tag that belongs there.
        expected: u8,
        /// The one that is there.
        found: u8,
    },
    /// Something follows the last value.
    #[error("something follows the last value")]
    Trailing,
    /// The content is not what belongs there.
    #[error("{0}")]
    Content(&'static str),
}

/// A certificate or an OCSP response that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule} (at octet {offset})")]
pub struct DerError {
    /// The broken rule.
    pub rule: DerRule,
    /// Where the value begins, in octets.
    pub offset: usize,
}

/// A rule for a list of SCTs, or for one of them, that is broken (RFC 6962 §3.2, §3.3).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SctRule {
    /// A length says more than there is, or a fixed part is cut.
    #[error("it ends too early")]
    Truncated,
    /// Something follows.
    #[error("something follows its end")]
    Trailing,
    /// A list, or an entry, without content.
    #[error("it is empty")]
    Empty,
    /// More SCTs than are looked at.
    #[error("more than {limit} SCTs in a list")]
    TooMany {
        /// How many are allowed.
        limit: usize,
    },
    /// A version other than 1, which is written as 0.
    #[error("its version is {version}, expected 0")]
    Version {
        /// The version octet.
        version: u8,
    },
}

/// A list of SCTs, or one of them, that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule} (at octet {offset} of the list)")]
pub struct SctError {
    /// The broken rule.
    pub rule: SctRule,
    /// Where in the list, in octets.
    pub offset: usize,
}
