//! Which authorities a client trusts, and what they have taken back.

use bytes::Bytes;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateRevocationListDer, TrustAnchor};
use webpki::BorrowedCertRevocationList;

use crate::error::TlsError;
use crate::identity::{certificates, pem_reason};
use crate::verify::{Pin, Revocation, reason};

/// Which authorities a client trusts.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum Roots {
    /// Those of the operating system, read at [`build`](crate::ClientTlsBuilder::build). `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name others.
    #[cfg(feature = "system-roots")]
    System,
    /// Those that Firefox trusts, as they were when this program was built.
    #[cfg(feature = "mozilla-roots")]
    Mozilla,
    /// These, in DER. A certificate that is no authority's is trusted as it is.
    Only(Vec<Bytes>),
    /// None: the server's own certificate has one of these keys. Its names and times, and who has signed it, are not
    /// asked. For servers that are known beforehand.
    Pinned(Vec<Pin>),
    /// **Nobody is asked for anything: whoever sits on the way can read and change everything, and nobody notices.**
    /// For tests, and for a look at a server's certificates. The report says so
    /// ([`Verification::NotVerified`](crate::Verification::NotVerified)).
    Insecure,
}

impl Roots {
    /// The certificates of a PEM text; also one in DER.
    ///
    /// # Errors
    ///
    /// It is broken, has none, or one cannot be read.
    pub fn from_pem(text: &[u8]) -> Result<Roots, TlsError> {
        let all = certificates(text, "the authorities' file");
        let all = all.map_err(|error| TlsError::Local(error.to_string()))?;
        for (position, der) in all.iter().enumerate() {
            webpki::anchor_from_trusted_cert(der).map_err(|error| {
                TlsError::Local(format!("authority {} cannot be read: {}", position + 1, reason(&error)))
            })?;
        }
        Ok(Roots::Only(all.into_iter().map(|der| Bytes::from(der.to_vec())).collect()))
    }

    /// Authorities that are ready for use, beside those that are given; `None`: no chain is asked for.
    #[allow(clippy::unnecessary_wraps, reason = "without the features there is nothing that can fail")]
    pub(crate) fn anchors(&self) -> Result<Option<Vec<TrustAnchor<'static>>>, TlsError> {
        Ok(match self {
            #[cfg(feature = "system-roots")]
            Roots::System => Some(system()?),
            #[cfg(feature = "mozilla-roots")]
            Roots::Mozilla => Some(webpki_roots::TLS_SERVER_ROOTS.to_vec()),
            Roots::Only(_) => Some(Vec::new()),
            Roots::Pinned(_) | Roots::Insecure => None,
        })
    }
}

impl Revocation {
    /// The lists of a PEM text; what is no PEM is one list in DER.
    ///
    /// # Errors
    ///
    /// The PEM is broken, it has no list, or one cannot be read.
    pub fn lists_from(octets: &[u8]) -> Result<Vec<Bytes>, TlsError> {
        let begin = b"-----BEGIN ";
        let lists = if octets.windows(begin.len()).any(|window| window == begin) {
            let all: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(octets).collect();
            let all = all.map_err(|error| {
                TlsError::Local(format!("the lists' PEM is broken: {}", pem_reason(&error)))
            })?;
            all.into_iter().map(|der| Bytes::from(der.to_vec())).collect()
        } else {
            vec![Bytes::copy_from_slice(octets)]
        };
        if lists.is_empty() {
            return Err(TlsError::Local("no revocation list in it".to_owned()));
        }
        for (position, der) in lists.iter().enumerate() {
            BorrowedCertRevocationList::from_der(der).map_err(|error| {
                TlsError::Local(format!(
                    "revocation list {} cannot be read: {}",
                    position + 1,
                    reason(&error)
                ))
            })?;
        }
        Ok(lists)
    }
}

/// What cannot be read of them is left out: one broken file must not take all away.
#[cfg(feature = "system-roots")]
fn system() -> Result<Vec<TrustAnchor<'static>>, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let anchors: Vec<_> = found
        .certs
        .iter()
        .filter_map(|der| Some(webpki::anchor_from_trusted_cert(der).ok()?.to_owned()))
        .collect();
    if anchors.is_empty() {
        let why: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        let why = if why.is_empty() { "none is there".to_owned() } else { why.join("; ") };
        return Err(TlsError::Local(format!(
            "the operating system's authorities cannot be read ({why}); SSL_CERT_FILE can name a file of them"
        )));
    }
    Ok(anchors)
}
