//! A certificate chain and its private key.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::pem::{self, Absent};
use crate::provider::provider;
use crate::verify::reason;

/// Why a certificate and key cannot be used; names the file where there is one.
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
    #[error("no certificate in {place}: {found}")]
    NoCertificate {
        /// The file, or `memory`.
        place: String,
        /// What there is instead.
        found: String,
    },
    /// No private key is there.
    #[error("no private key in {place}: {found}")]
    NoKey {
        /// The file, or `memory`.
        place: String,
        /// What there is instead.
        found: String,
    },
    /// It is not what it says it is.
    #[error("{place} is broken: {reason}")]
    Broken {
        /// The file, or `the certificate`, `the private key`.
        place: String,
        /// Why.
        reason: String,
    },
    /// The key is encrypted, or of a kind that is not supported.
    #[error("the private key in {place} cannot be used: {reason}")]
    Key {
        /// The file, or `memory`.
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
}

/// A certificate chain, its own certificate first, and the private key: RSA, ECDSA (P-256, P-384) or Ed25519.
#[derive(Clone)]
pub struct Identity {
    pub(crate) key: Arc<CertifiedKey>,
    names: Vec<String>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Identity {
    /// From two PEM files, as openssl and mkcert write them. The chain may also be in one file with the key.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is broken, or does not belong to the other.
    pub fn from_pem_files(certificates: &Path, key: &Path) -> Result<Identity, IdentityError> {
        let (chain, private) = (read(certificates)?, read(key)?);
        Identity::parse(&chain, &private, &certificates.display().to_string(), &key.display().to_string())
    }

    /// From PEM in memory.
    ///
    /// # Errors
    ///
    /// It is broken, or the key is not the certificate's.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Identity, IdentityError> {
        Identity::parse(certificates, key, "memory", "memory")
    }

    /// From DER: the chain, its own certificate first, and the key as PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    ///
    /// It is broken, or the key is not the certificate's.
    pub fn from_der(certificates: Vec<Bytes>, key: &[u8]) -> Result<Identity, IdentityError> {
        let chain: Vec<_> = certificates.into_iter().map(|der| CertificateDer::from(der.to_vec())).collect();
        let key = PrivateKeyDer::try_from(key.to_vec())
            .map_err(|reason| IdentityError::Key { place: "memory".to_owned(), reason: reason.to_owned() })?;
        Identity::new(chain, key, "memory", "memory")
    }

    fn parse(
        chain: &[u8],
        key: &[u8],
        chain_place: &str,
        key_place: &str,
    ) -> Result<Identity, IdentityError> {
        let certificates = certificates(chain, chain_place)?;
        let place = key_place.to_owned();
        let key = pem::private_key(key).map_err(|absent| match absent {
            Absent::Missing(found) => IdentityError::NoKey { place, found },
            Absent::Broken(reason) => IdentityError::Broken { place, reason },
            Absent::Encrypted(reason) => IdentityError::Key { place, reason: reason.to_owned() },
        })?;
        Identity::new(certificates, key, chain_place, key_place)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        chain_place: &str,
        key_place: &str,
    ) -> Result<Identity, IdentityError> {
        let Some(first) = chain.first() else {
            let (place, found) = (chain_place.to_owned(), "the chain is empty".to_owned());
            return Err(IdentityError::NoCertificate { place, found });
        };
        let names = {
            let parsed = webpki::EndEntityCert::try_from(first).map_err(|error| IdentityError::Broken {
                place: format!("the certificate in {chain_place}"),
                reason: reason(&error),
            })?;
            parsed.valid_dns_names().map(str::to_ascii_lowercase).collect()
        };
        let signer = provider().key_provider.load_private_key(key);
        // Why it cannot be used is not told.
        let signer = signer.map_err(|_| IdentityError::Key {
            place: key_place.to_owned(),
            reason:
                "it is none of RSA with 2048 bits and more, ECDSA with P-256 or P-384, and Ed25519, or broken"
                    .to_owned(),
        })?;
        let key = CertifiedKey::new(chain, signer);
        match key.keys_match() {
            Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
                Err(IdentityError::Mismatch {
                    certificate: chain_place.to_owned(),
                    key: key_place.to_owned(),
                })
            }
            _ => Ok(Identity { key: Arc::new(key), names }),
        }
    }

    /// The DNS names that the certificate is for, `*.example.com` among them.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The certificates in PEM, its own first; not the key.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.certificates().map(pem_text).collect()
    }

    /// The certificates in DER, its own first.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.key.cert.iter().map(|der| der.as_ref())
    }
}

/// The certificates of a PEM file in DER: authorities for [`ClientCertificates`](crate::ClientCertificates), for
/// instance.
///
/// # Errors
///
/// It cannot be read, is broken, or has none: the error names it.
pub fn certificates_from_pem_file(path: &Path) -> Result<Vec<Bytes>, IdentityError> {
    Ok(pem::octets(certificates(&read(path)?, &path.display().to_string())?))
}

fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    std::fs::read(path).map_err(|error| IdentityError::Read { path: path.to_owned(), error })
}

fn certificates(text: &[u8], place: &str) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let place = place.to_owned();
    pem::certificates(text).map_err(|absent| match absent {
        Absent::Missing(found) => IdentityError::NoCertificate { place, found },
        Absent::Broken(reason) => IdentityError::Broken { place, reason },
        Absent::Encrypted(reason) => IdentityError::Broken { place, reason: reason.to_owned() },
    })
}

fn pem_text(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
