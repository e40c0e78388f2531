//! From the verifier to the one who asked rustls.
//!
//! rustls resumes a session only under the very verifier that it began with (by address), so that one verifier serves
//! all connections, and its errors have no room for what it found out. It is called while a connection's records are
//! processed, though: in the same thread, and the error comes back before anything else happens there.

use std::cell::RefCell;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use super::chain::Chain;
use super::error::{CertificateError, CertificateRule};
use crate::ct::CtVerdict;

thread_local! {
    static REFUSAL: RefCell<Option<CertificateError>> = const { RefCell::new(None) };
    static TRANSPARENCY: RefCell<Option<Box<CtVerdict>>> = const { RefCell::new(None) };
}

/// Keeps `error`, and has rustls send its alert.
pub(super) fn put_aside(error: CertificateError) -> rustls::Error {
    use rustls::CertificateError as E;
    let alert = match error.alert().0 {
        42 => E::BadEncoding,
        43 => E::InvalidPurpose,
        44 => E::Revoked,
        45 => E::Expired,
        48 => E::UnknownIssuer,
        51 => E::BadSignature,
        // certificate_unknown.
        _ => E::Other(rustls::OtherError(Arc::new(std::io::Error::other(error.to_string())))),
    };
    REFUSAL.set(Some(error));
    rustls::Error::InvalidCertificate(alert)
}

/// The handshake is not signed with the certificate's key.
pub(super) fn bad_handshake_signature(error: rustls::Error, own: &CertificateDer<'_>) -> rustls::Error {
    match error {
        rustls::Error::InvalidCertificate(_) => {
            put_aside(Chain::new(own, &[]).error(CertificateRule::BadHandshakeSignature, Some(0)))
        }
        error => error,
    }
}

/// Nothing is known of this certificate yet.
pub(super) fn forget() {
    REFUSAL.set(None);
    TRANSPARENCY.set(None);
}

/// Keeps what Certificate Transparency says of an accepted certificate.
pub(super) fn keep(verdict: Option<Box<CtVerdict>>) {
    TRANSPARENCY.set(verdict);
}

/// Lets rustls work on a connection, and says what was kept meanwhile.
pub(crate) fn watch<T>(work: impl FnOnce() -> T) -> (T, Option<Box<CtVerdict>>) {
    TRANSPARENCY.set(None);
    let result = work();
    (result, TRANSPARENCY.take())
}

/// What was put aside; else what rustls itself says.
pub(crate) fn refusal(error: &rustls::CertificateError) -> CertificateError {
    let kept = REFUSAL.take();
    kept.unwrap_or_else(|| CertificateError::new(CertificateRule::Other(error.to_string())))
}
