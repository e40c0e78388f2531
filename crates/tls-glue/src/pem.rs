//! PEM files (RFC 7468), and what is wrong with them in words that help.

use bytes::Bytes;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why something is not in a PEM text.
#[derive(Debug)]
pub(crate) enum Absent {
    /// It is not there; something else may be.
    Missing(String),
    /// A section of it is broken.
    Broken(String),
    /// A key, and it is encrypted.
    Encrypted(&'static str),
}

/// All certificates, at least one.
pub(crate) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Absent> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let all = all.map_err(|error| Absent::Broken(reason(error)))?;
    if all.is_empty() { Err(Absent::Missing(found(text))) } else { Ok(all) }
}

/// The same, for those who know nothing of rustls.
pub(crate) fn octets(certificates: Vec<CertificateDer<'static>>) -> Vec<Bytes> {
    certificates.into_iter().map(|der| Bytes::from(der.to_vec())).collect()
}

/// The first private key.
pub(crate) fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, Absent> {
    if has(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(text, "Proc-Type: 4,ENCRYPTED") {
        return Err(Absent::Encrypted(
            "it is encrypted; `openssl pkey -in FILE` writes it without its password",
        ));
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound => Absent::Missing(found(text)),
        error => Absent::Broken(reason(error)),
    })
}

fn has(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

/// What there is instead.
fn found(text: &[u8]) -> String {
    const BEGIN: &str = "-----BEGIN ";
    // The tag and the length of a long SEQUENCE.
    if text.starts_with(&[0x30, 0x82]) {
        return "it is in DER; `openssl x509 -inform der` or `openssl pkey -inform der` writes PEM"
            .to_owned();
    }
    let text = String::from_utf8_lossy(text);
    let sections = text.lines().filter_map(|line| line.strip_prefix(BEGIN)?.split("-----").next());
    let sections: Vec<_> = sections.map(|section| section.escape_debug().to_string()).take(3).collect();
    if text.trim().is_empty() {
        "it is empty".to_owned()
    } else if sections.is_empty() {
        "it is no PEM file, which has a line `-----BEGIN …-----`".to_owned()
    } else {
        format!("it has {}", sections.join(", "))
    }
}

fn reason(error: pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            format!("the line `{}` is missing, the file may be cut", end_marker.escape_ascii())
        }
        pem::Error::IllegalSectionStart { line } => {
            format!("`{}` begins nothing", line.escape_ascii())
        }
        pem::Error::Base64Decode(why) => format!("its base64 does not decode: {why}"),
        error => error.to_string(),
    }
}
