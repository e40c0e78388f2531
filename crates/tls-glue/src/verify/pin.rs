//! Keys that are known beforehand.

use std::fmt;
use std::str::FromStr;

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

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

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
        f.write_str("sha256//")?;
        for group in self.0.chunks(3) {
            let bits =
                group.iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet)) << (8 * (3 - group.len()));
            for index in 0..4 {
                let digit = ALPHABET.get((bits >> (18 - 6 * index)) as usize & 63).copied();
                let digit = digit.filter(|_| index <= group.len());
                write!(f, "{}", char::from(digit.unwrap_or(b'=')))?;
            }
        }
        Ok(())
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Pin, PinError> {
        let octets = match text.strip_prefix("sha256//") {
            Some(text) => text.strip_suffix('=').and_then(|text| digits(text, 6, base64)),
            None => digits(text, 4, |digit| char::from(digit).to_digit(16)),
        };
        let octets = octets.and_then(|octets| octets.try_into().ok());
        octets.map(Pin).ok_or_else(|| PinError(text.chars().take(100).collect()))
    }
}

fn base64(digit: u8) -> Option<u32> {
    ALPHABET.iter().position(|letter| *letter == digit).and_then(|index| u32::try_from(index).ok())
}

/// Octets of digits of so many bits; the bits that are left over are 0.
fn digits(text: &str, width: u32, value: impl Fn(u8) -> Option<u32>) -> Option<Vec<u8>> {
    let (mut octets, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes() {
        bits = bits << width | value(digit)?;
        count += width;
        if count >= 8 {
            count -= 8;
            octets.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (bits == 0).then_some(octets)
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
