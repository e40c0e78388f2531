//! The keys that logs sign with (RFC 6962 §2.1.4).

use ring::digest;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

use super::der::{self, Value};
use super::error::DerError;
use super::sct::{LogId, Sct};

/// 1.2.840.10045.2.1
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
/// 1.2.840.10045.3.1.7
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
/// 1.3.132.0.34
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];
/// 1.2.840.113549.1.1.1
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// SHA-256 as a hash of TLS 1.2.
const SHA256: u8 = 4;

/// What kind of key a log has.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA with P-256.
    EcdsaP256,
    /// ECDSA with P-384.
    EcdsaP384,
    /// RSA.
    Rsa {
        /// Bits of its modulus: 2048 to 8192.
        bits: usize,
    },
    /// One that no SCT is accepted from: another curve, another algorithm, or RSA of fewer bits or more.
    Unsupported,
}

/// A log's public key.
#[derive(Debug, Clone)]
pub(super) struct LogKey {
    pub(super) kind: KeyKind,
    /// What ring wants: a point, or `RSAPublicKey`.
    octets: Vec<u8>,
}

impl LogKey {
    /// From `SubjectPublicKeyInfo`.
    pub(super) fn parse(data: &[u8]) -> Result<LogKey, DerError> {
        let mut outer = der::single(data, der::SEQUENCE)?.inside();
        let mut algorithm = outer.expect(der::SEQUENCE)?.inside();
        let bits = outer.expect(der::BIT_STRING)?;
        outer.finish()?;
        let id = algorithm.expect(der::OBJECT_IDENTIFIER)?.content;
        let curve = algorithm.optional(der::OBJECT_IDENTIFIER)?.map(|curve| curve.content);
        // The first octet says how many bits at the end do not belong to it.
        let Some((0, octets)) = bits.content.split_first() else {
            return Ok(LogKey { kind: KeyKind::Unsupported, octets: Vec::new() });
        };
        let kind = match (id, curve) {
            (EC, Some(P256)) if point(octets, 32) => KeyKind::EcdsaP256,
            (EC, Some(P384)) if point(octets, 48) => KeyKind::EcdsaP384,
            (RSA, None) => match modulus_bits(octets)? {
                bits @ 2048..=8192 => KeyKind::Rsa { bits },
                _ => KeyKind::Unsupported,
            },
            _ => KeyKind::Unsupported,
        };
        Ok(LogKey { kind, octets: octets.to_vec() })
    }

    /// Whether the SCT says that it is signed in the way that this key signs.
    pub(super) fn fits(&self, sct: &Sct<'_>) -> bool {
        let algorithm = match self.kind {
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 => 3,
            KeyKind::Rsa { .. } => 1,
            KeyKind::Unsupported => return false,
        };
        sct.hash == SHA256 && sct.algorithm == algorithm
    }

    /// Whether it signed this.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &dyn VerificationAlgorithm = match self.kind {
            KeyKind::EcdsaP256 => &signature::ECDSA_P256_SHA256_ASN1,
            KeyKind::EcdsaP384 => &signature::ECDSA_P384_SHA256_ASN1,
            KeyKind::Rsa { .. } => &signature::RSA_PKCS1_2048_8192_SHA256,
            KeyKind::Unsupported => return false,
        };
        UnparsedPublicKey::new(algorithm, &self.octets).verify(message, signature).is_ok()
    }
}

/// An uncompressed point with coordinates of so many octets.
fn point(octets: &[u8], coordinate: usize) -> bool {
    octets.first() == Some(&4) && octets.len() == 1 + 2 * coordinate
}

fn modulus_bits(octets: &[u8]) -> Result<usize, DerError> {
    let outer: Value<'_> = der::single(octets, der::SEQUENCE)?;
    let modulus = outer.inside().expect(der::INTEGER)?.content;
    let zeros = modulus.iter().take_while(|&&octet| octet == 0).count();
    let digits = modulus.get(zeros..).unwrap_or_default();
    let unused = digits.first().map_or(0, |first| first.leading_zeros());
    Ok((digits.len() * 8).saturating_sub(usize::try_from(unused).unwrap_or_default()))
}

/// The id of the log with this key, given as `SubjectPublicKeyInfo` (RFC 6962 §3.2).
pub(super) fn log_id(public_key: &[u8]) -> LogId {
    let mut id = [0; 32];
    id.copy_from_slice(digest::digest(&digest::SHA256, public_key).as_ref());
    LogId(id)
}
