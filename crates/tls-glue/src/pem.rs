//! PEM files (RFC 7468), and what is wrong with them in words that help.

use bytes::Bytes;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why something is not in a PEM text.
#[derive(Debug)]
pub(crate) enum Absent {
    /// It is not there; something else may be.
    Missing(String),
    /// A section is broken.
    Broken(String),
    /// It is a key, and encrypted.
    Encrypted(&'static str),
}

/// All certificates, at least one.
pub(crate) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Absent> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(without_mark(text)).collect();
    let all = all.map_err(|error| Absent::Broken(reason(error)))?;
    if all.is_empty() { Err(Absent::Missing(instead(text, "PRIVATE KEY", "x509"))) } else { Ok(all) }
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
    PrivateKeyDer::from_pem_slice(without_mark(text)).map_err(|error| match error {
        pem::Error::NoItemsFound => Absent::Missing(instead(text, "CERTIFICATE", "pkey")),
        error => Absent::Broken(reason(error)),
    })
}

/// Some editors begin a file with a byte order mark.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

fn has(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

/// What there is instead. `other`: what the file beside it has; `command`: of openssl, for files of this kind.
fn instead(text: &[u8], other: &str, command: &str) -> String {
    // The tag and a length of more than one octet.
    if matches!(text, [0x30, 0x81..=0x84, ..]) {
        return format!("it is in DER; `openssl {command} -inform der -in FILE` writes PEM");
    }
    let text = String::from_utf8_lossy(text);
    let sections = text.lines().filter_map(|line| line.strip_prefix("-----BEGIN ")?.split("-----").next());
    let sections: Vec<_> = sections.map(|section| section.escape_debug().to_string()).take(3).collect();
    if text.trim().is_empty() {
        "it is empty".to_owned()
    } else if sections.is_empty() {
        "it is no PEM file, which has a line `-----BEGIN …-----`".to_owned()
    } else {
        let swapped = sections.iter().any(|section| section.ends_with(other));
        let hint = if swapped { ", perhaps it was mistaken for the other file" } else { "" };
        format!("it has {}{hint}", sections.join(", "))
    }
}

fn reason(error: pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            format!("the line `-----END {}-----` is missing, the file may be cut", end_marker.escape_ascii())
        }
        pem::Error::IllegalSectionStart { line } => {
            format!("the line `{}` begins nothing", line.escape_ascii())
        }
        pem::Error::Base64Decode(_) => "its base64 does not decode".to_owned(),
        error => error.to_string(),
    }
}
