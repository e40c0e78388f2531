//! What kind of key a private key is, for who has to say that it is not supported.

use rustls::pki_types::PrivateKeyDer;

use crate::x509::der::{INTEGER, OCTET_STRING, OID, Reader, SEQUENCE};
use crate::x509::oid;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// Why a key that is not taken may be so.
pub(super) fn refusal(key: &PrivateKeyDer<'_>) -> String {
    let reason = match key {
        PrivateKeyDer::Pkcs1(key) => rsa(key.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(key) => curve(key.secret_sec1_der()),
        PrivateKeyDer::Pkcs8(key) => pkcs8(key.secret_pkcs8_der()),
        _ => None,
    };
    reason.unwrap_or_else(|| "it is cut short, or no key of RSA, ECDSA or Ed25519".to_owned())
}

/// RFC 5958 §2.
fn pkcs8(der: &[u8]) -> Option<String> {
    let mut fields = Reader::new(Reader::new(der).expect(SEQUENCE)?);
    fields.expect(INTEGER)?;
    let mut algorithm = Reader::new(fields.expect(SEQUENCE)?);
    let kind = algorithm.expect(OID)?;
    if kind == RSA {
        return rsa(fields.expect(OCTET_STRING)?);
    }
    let curve = algorithm.expect(OID);
    Some(unknown(&oid::named(curve.unwrap_or(kind))))
}

/// RFC 8017 Appendix A.1.2.
fn rsa(der: &[u8]) -> Option<String> {
    let mut fields = Reader::new(Reader::new(der).expect(SEQUENCE)?);
    fields.expect(INTEGER)?;
    let bits = crate::x509::integer_bits(fields.expect(INTEGER)?)?;
    Some(match bits {
        ..2048 => format!("it is an RSA key of {bits} bits, at least 2048 are needed"),
        2048..=4096 => return None,
        _ => format!("it is an RSA key of {bits} bits, at most 4096 are supported"),
    })
}

/// RFC 5915 §3.
fn curve(der: &[u8]) -> Option<String> {
    let mut fields = Reader::new(Reader::new(der).expect(SEQUENCE)?);
    fields.expect(INTEGER)?;
    fields.expect(OCTET_STRING)?;
    let parameters = fields.expect(0xa0)?;
    Some(unknown(&oid::named(Reader::new(parameters).expect(OID)?)))
}

fn unknown(kind: &str) -> String {
    if matches!(kind, "P-256" | "P-384" | "Ed25519") {
        return format!("it is a broken key of the kind {kind}");
    }
    format!("its kind is {kind}, supported are RSA, ECDSA with P-256 or P-384, and Ed25519")
}
