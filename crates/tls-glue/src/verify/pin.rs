//! Keys that are known beforehand.

use std::fmt;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ring::digest::{SHA256, digest};

use crate::x509::Certificate;

/// A public key that is expected: the SHA-256 of its `SubjectPublicKeyInfo`. As text `sha256//` and Base64, as curl
/// has it (`--pinnedpubkey`); 64 hex digits are read, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin(pub [u8; 32]);

/// A pin that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no pin, expected `sha256//` and 44 characters of Base64, or 64 hex digits")]
pub struct PinError(String);

impl Pin {
    /// Of a certificate's key; `None`: it is no certificate.
    #[must_use]
    pub fn of_certificate(der: &[u8]) -> Option<Pin> {
        Certificate::parse(der).map(|certificate| Pin::of_key(certificate.spki))
    }

    /// Of a `SubjectPublicKeyInfo` in DER.
    #[must_use]
    pub fn of_key(spki: &[u8]) -> Pin {
        let mut octets = [0; 32];
        octets.copy_from_slice(digest(&SHA256, spki).as_ref());
        Pin(octets)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256//{}", BASE64_STANDARD.encode(self.0))
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Pin, PinError> {
        let octets = match text.strip_prefix("sha256//") {
            Some(text) => BASE64_STANDARD.decode(text).ok(),
            None => hex(text),
        };
        let octets = octets.and_then(|octets| octets.try_into().ok());
        octets.map(Pin).ok_or_else(|| PinError(text.chars().take(100).collect()))
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let pin = Pin::of_key(b"a key");
        let text = pin.to_string();
        assert_eq!(text.len(), 52);
        assert_eq!(text.parse(), Ok(pin));
        assert_eq!(crate::x509::hex(&pin.0).parse(), Ok(pin));
        assert_eq!(crate::x509::hex(&pin.0).to_uppercase().parse(), Ok(pin));
        // RFC 4648 §10 has the shorter ones; this is of `printf '' | openssl dgst -sha256 -binary | base64`.
        assert_eq!(Pin::of_key(b"").to_string(), "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        for broken in [
            "",
            "sha256//",
            "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "abcd",
            "sha256//=",
            // Bits left over that are not 0.
            "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
            "sha256//a-_=",
        ] {
            assert!(broken.parse::<Pin>().is_err(), "{broken}");
        }
        assert_eq!(Pin::of_certificate(b"no"), None);
    }
}
