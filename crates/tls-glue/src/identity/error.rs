//! Why a certificate and its key cannot be used.

use std::fmt;
use std::path::PathBuf;

/// Why a certificate and key cannot be used; names the file where there is one, else `memory`.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// No certificate is there.
    #[error("no certificate in {place}{} (a PEM file begins with `-----BEGIN CERTIFICATE-----`)", But(.found))]
    NoCertificate {
        /// The file.
        place: String,
        /// What it has instead.
        found: Option<&'static str>,
    },
    /// No private key is there.
    #[error("no private key in {place}{} (a PEM file begins with `-----BEGIN PRIVATE KEY-----`)", But(.found))]
    NoKey {
        /// The file.
        place: String,
        /// What it has instead.
        found: Option<&'static str>,
    },
    /// It is not what it says it is.
    #[error("{place} is broken: {reason}")]
    Broken {
        /// The file, and which certificate of it.
        place: String,
        /// Why.
        reason: String,
    },
    /// The key is encrypted, or of a kind that is not supported.
    #[error("the private key in {place} cannot be used: {reason}")]
    Key {
        /// The file.
        place: String,
        /// Why.
        reason: String,
    },
    /// The key is not the certificate's.
    #[error("the private key in {key} does not belong to the certificate in {certificate}")]
    Mismatch {
        /// Where the certificate is from.
        certificate: String,
        /// Where the key is from.
        key: String,
    },
    /// The key is that of a certificate that is not the first one.
    #[error(
        "the private key in {key} belongs to certificate {} in {certificate}, and not to the first: the server's own \
         comes first, then the one that has signed it",
        .position + 1
    )]
    Order {
        /// Where the certificates are from.
        certificate: String,
        /// Where the key is from.
        key: String,
        /// The key's certificate, from 0.
        position: usize,
    },
}

/// `, but a public key`.
struct But<'a>(&'a Option<&'static str>);

impl fmt::Display for But<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |found| write!(f, ", but {found}"))
    }
}
