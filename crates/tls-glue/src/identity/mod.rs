//! A certificate chain and its private key.

mod error;
mod key;
mod pem;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

pub use self::error::IdentityError;
pub(crate) use self::pem::{certificates, reason as pem_reason};
use crate::provider::Provider;
use crate::verify::reason;
use crate::x509::Certificate;

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
    /// From two PEM files, as openssl and mkcert write them. The chain may also be in one file with the key. A file in
    /// DER is one certificate, or the key.
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
        let key = pem::private_key(key, key_place)?;
        Identity::new(certificates, key, chain_place, key_place)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        chain_place: &str,
        key_place: &str,
    ) -> Result<Identity, IdentityError> {
        let Some(first) = chain.first() else {
            return Err(IdentityError::NoCertificate { place: chain_place.to_owned(), found: None });
        };
        let broken = |position: usize, reason| IdentityError::Broken {
            place: format!("certificate {} in {chain_place}", position + 1),
            reason,
        };
        let names = {
            let parsed = webpki::EndEntityCert::try_from(first).map_err(|error| broken(0, reason(&error)))?;
            parsed.valid_dns_names().map(str::to_ascii_lowercase).collect()
        };
        let unreadable = chain.iter().position(|der| Certificate::parse(der).is_none());
        if let Some(position) = unreadable {
            return Err(broken(position, reason(&webpki::Error::BadDer)));
        }
        let signer = Provider::Ring.rustls().key_provider.load_private_key(key.clone_key());
        let signer = signer
            .map_err(|_| IdentityError::Key { place: key_place.to_owned(), reason: key::refusal(&key) })?;
        let certified = CertifiedKey::new(chain, signer);
        match certified.keys_match() {
            Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
                Err(mismatch(&certified, chain_place.to_owned(), key_place.to_owned()))
            }
            _ => Ok(Identity { key: Arc::new(certified), names }),
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

/// The certificates of a file in DER: authorities for [`ClientCertificates`](crate::ClientCertificates), for instance.
///
/// # Errors
///
/// It cannot be read, is broken, or has none: the error names it.
pub fn certificates_from_pem_file(path: &Path) -> Result<Vec<Bytes>, IdentityError> {
    let all = certificates(&read(path)?, &path.display().to_string())?;
    Ok(all.into_iter().map(|der| Bytes::from(der.to_vec())).collect())
}

fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    std::fs::read(path).map_err(|error| IdentityError::Read { path: path.to_owned(), error })
}

/// The key may be that of another certificate of the chain.
fn mismatch(certified: &CertifiedKey, certificate: String, key: String) -> IdentityError {
    let public = certified.key.public_key();
    let of_key = |der: &CertificateDer<'_>| {
        let spki = Certificate::parse(der)?.spki;
        public.as_ref().map(|public| public.as_ref() == spki)
    };
    match certified.cert.iter().position(|der| of_key(der) == Some(true)) {
        Some(position) => IdentityError::Order { certificate, key, position },
        None => IdentityError::Mismatch { certificate, key },
    }
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
