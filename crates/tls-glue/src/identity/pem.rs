//! Files of certificates and keys, as openssl, mkcert and authorities write them: PEM (RFC 7468), or DER.

use rustls::pki_types::pem::{Error, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::IdentityError;

/// Files that are not text begin with a SEQUENCE.
const SEQUENCE: u8 = 0x30;

/// All certificates of a file; at least one.
pub(crate) fn certificates(text: &[u8], place: &str) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    if is_der(text) {
        return Ok(vec![CertificateDer::from(text.to_vec())]);
    }
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(without_mark(text)).collect();
    let all =
        all.map_err(|error| IdentityError::Broken { place: place.to_owned(), reason: reason(&error) })?;
    if all.is_empty() {
        return Err(IdentityError::NoCertificate { place: place.to_owned(), found: found(text) });
    }
    Ok(all)
}

/// The first private key of a file.
pub(super) fn private_key(text: &[u8], place: &str) -> Result<PrivateKeyDer<'static>, IdentityError> {
    let place = || place.to_owned();
    if is_der(text) {
        let wrong = |why: &str| IdentityError::Key { place: place(), reason: why.to_owned() };
        return PrivateKeyDer::try_from(text.to_vec()).map_err(|_| wrong("it is no key in DER"));
    }
    if has(text, b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(text, b"Proc-Type: 4,ENCRYPTED") {
        let reason = "it is encrypted; `openssl pkey -in FILE` writes it without its password".to_owned();
        return Err(IdentityError::Key { place: place(), reason });
    }
    match PrivateKeyDer::from_pem_slice(without_mark(text)) {
        Ok(key) => Ok(key),
        Err(Error::NoItemsFound) => Err(IdentityError::NoKey { place: place(), found: found(text) }),
        Err(error) => Err(IdentityError::Broken { place: place(), reason: reason(&error) }),
    }
}

/// Some editors begin a file with a byte order mark.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

fn is_der(text: &[u8]) -> bool {
    text.first() == Some(&SEQUENCE) && !has(text, b"-----BEGIN ")
}

fn has(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// What a PEM file has instead.
fn found(text: &[u8]) -> Option<&'static str> {
    if text.trim_ascii().is_empty() {
        return Some("nothing: it is empty");
    }
    let known: [(&[u8], &str); 8] = [
        (b"CERTIFICATE REQUEST-----", "a request for one, that an authority signs"),
        (
            b"BEGIN TRUSTED CERTIFICATE-----",
            "a `TRUSTED CERTIFICATE` of openssl's own, that `openssl x509 -in FILE` rewrites",
        ),
        (b"BEGIN CERTIFICATE-----", "a certificate"),
        (b"PUBLIC KEY-----", "a public key"),
        (b"OPENSSH PRIVATE KEY-----", "one of OpenSSH's own, that `ssh-keygen -p -m PEM -f FILE` rewrites"),
        (b"DSA PRIVATE KEY-----", "one for DSA"),
        (b"PRIVATE KEY-----", "a private key"),
        (b"X509 CRL-----", "a revocation list"),
    ];
    known.into_iter().find(|(label, _)| has(text, label)).map(|(_, name)| name)
}

/// What is wrong with a PEM file.
pub(crate) fn reason(error: &Error) -> String {
    match error {
        Error::MissingSectionEnd { end_marker } => {
            format!("it is cut short, without `-----END {}-----`", label(end_marker))
        }
        Error::IllegalSectionStart { line } => format!("a line is wrong: `{}`", label(line)),
        Error::Base64Decode(_) => "it is not Base64 between BEGIN and END".to_owned(),
        error => error.to_string(),
    }
}

/// What fits on a line of an error.
fn label(octets: &[u8]) -> String {
    let text = octets.get(..octets.len().min(64)).unwrap_or_default();
    crate::x509::name::shown(String::from_utf8_lossy(text).trim_end())
}
