//! What a certificate says.

use bytes::Bytes;
use ring::digest::{SHA256, digest};

use super::extensions::{self, SctReport};
use crate::ct::der::{self, Reader, Value};
use crate::ct::{DerError, DerRule};
use crate::verify::Pin;
use crate::x509::der::Element;
use crate::x509::time::{rfc3339, seconds};
use crate::x509::{hex, key, name, oid, rsa_bits};

/// A certificate that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate: {0}")]
pub struct ReportError(pub DerError);

/// What a certificate says (RFC 5280). Nothing of it is checked: see
/// [`Verification`](crate::Verification) for whether it was. Text from it has no control characters.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateReport {
    /// Its place in the chain: 0 is the peer's own.
    pub position: usize,
    /// Whose it is, in the order of the certificate: `C=US, O=Example, CN=example.com`.
    pub subject: String,
    /// Who has signed it, as it says.
    pub issuer: String,
    /// Issuer and subject are the same.
    pub self_signed: bool,
    /// The serial number in hex, without the octet of 0 that only says that it is positive.
    pub serial: String,
    /// The first second that it is valid in.
    pub not_before: Moment,
    /// The last second that it is valid in.
    pub not_after: Moment,
    /// The host names that it is for, `*.example.com` among them.
    pub dns_names: Vec<String>,
    /// The addresses that it is for.
    pub addresses: Vec<String>,
    /// Other names, with their kind in front: `email:`, `URI:`, `DirName:`.
    pub other_names: Vec<String>,
    /// Its key.
    pub key: KeyReport,
    /// How it is signed: `ECDSA with SHA-256`; an object identifier where that has no name here.
    pub signature_algorithm: String,
    /// It may sign others.
    pub is_ca: bool,
    /// So many authorities may be below it; `None`: any number.
    pub path_length: Option<u32>,
    /// What its key may be used for, by the names of RFC 5280 §4.2.1.3; empty: it does not say.
    pub key_usages: Vec<&'static str>,
    /// What it is for (§4.2.1.12): `TLS server`, `TLS client`, or an object identifier; empty: it does not say.
    pub purposes: Vec<String>,
    /// The logs that say they have it, as it says itself.
    pub scts: Vec<SctReport>,
    /// Extensions that are shown above, and that cannot be read; by their object identifiers.
    pub unreadable: Vec<String>,
    /// The SHA-256 of the whole of it.
    pub fingerprint: [u8; 32],
}

/// A second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970.
    pub seconds: i64,
    /// As RFC 3339 has it, in UTC.
    pub text: String,
}

impl Moment {
    /// Of the seconds since 1970.
    #[must_use]
    pub fn new(seconds: i64) -> Moment {
        Moment { seconds, text: rfc3339(seconds) }
    }

    /// Of the milliseconds since 1970; what is left of the second is cut off.
    #[must_use]
    pub fn from_milliseconds(milliseconds: u64) -> Moment {
        // In range: a thousandth of it.
        Moment::new(i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX))
    }
}

/// A public key.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReport {
    /// `RSA`, `P-256`, `Ed25519`; an object identifier where that has no name here.
    pub algorithm: String,
    /// Its size in bits; `None`: not known.
    pub bits: Option<usize>,
    /// The SHA-256 of its `SubjectPublicKeyInfo`.
    pub pin: Pin,
}

impl CertificateReport {
    /// Of a certificate in DER.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn new(der: &[u8], position: usize) -> Result<CertificateReport, ReportError> {
        read(der, position).map_err(ReportError)
    }

    /// Of all certificates that a peer has shown, its own first. What cannot be read is left out; the positions tell.
    #[must_use]
    pub fn chain(certificates: &[Bytes]) -> Vec<CertificateReport> {
        let all = certificates.iter().enumerate();
        all.filter_map(|(position, der)| CertificateReport::new(der, position).ok()).collect()
    }
}

/// RFC 5280 §4.1.
fn read(der: &[u8], position: usize) -> Result<CertificateReport, DerError> {
    let mut outer = der::single(der, der::SEQUENCE)?.inside();
    let tbs = outer.expect(der::SEQUENCE)?;
    let signature_algorithm = outer.expect(der::SEQUENCE)?.inside().expect(der::OBJECT_IDENTIFIER)?;
    outer.expect(der::BIT_STRING)?;
    outer.finish()?;

    let mut fields = tbs.inside();
    // The version.
    fields.optional(der::CONTEXT_0)?;
    let serial = fields.expect(der::INTEGER)?.content;
    // How it is signed, once more.
    fields.expect(der::SEQUENCE)?;
    let issuer = fields.expect(der::SEQUENCE)?;
    let mut validity = fields.expect(der::SEQUENCE)?.inside();
    let (not_before, not_after) = (moment(&mut validity)?, moment(&mut validity)?);
    validity.finish()?;
    let subject = fields.expect(der::SEQUENCE)?;
    let spki = fields.expect(der::SEQUENCE)?;
    // issuerUniqueID and subjectUniqueID.
    fields.optional(0x81)?;
    fields.optional(0x82)?;
    let wrapper = fields.optional(der::CONTEXT_3)?;
    fields.finish()?;

    let found = match wrapper {
        Some(wrapper) => extensions::read(&der::only(&wrapper, der::SEQUENCE)?)?,
        None => extensions::Extensions::default(),
    };
    Ok(CertificateReport {
        position,
        subject: name::text(subject.content),
        issuer: name::text(issuer.content),
        self_signed: subject.content == issuer.content,
        serial: hex(match serial {
            [0, rest @ ..] if !rest.is_empty() => rest,
            whole => whole,
        }),
        not_before,
        not_after,
        dns_names: found.dns_names,
        addresses: found.addresses,
        other_names: found.other_names,
        key: key_report(&spki)?,
        signature_algorithm: oid::named(signature_algorithm.content),
        is_ca: found.is_ca,
        path_length: found.path_length,
        key_usages: found.key_usages,
        purposes: found.purposes,
        scts: found.scts,
        unreadable: found.unreadable,
        fingerprint: sha256(der),
    })
}

fn moment(fields: &mut Reader<'_>) -> Result<Moment, DerError> {
    let time = fields.any()?;
    let seconds = seconds(Element { tag: time.tag, content: time.content, whole: time.whole });
    let seconds = seconds.ok_or_else(|| time.error(DerRule::Content("not a time in UTC")))?;
    Ok(Moment::new(seconds))
}

fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, octets).as_ref());
    hash
}

fn key_report(spki: &Value<'_>) -> Result<KeyReport, DerError> {
    let mut fields = spki.inside();
    let mut algorithm = fields.expect(der::SEQUENCE)?.inside();
    fields.expect(der::BIT_STRING)?;
    let kind = algorithm.expect(der::OBJECT_IDENTIFIER)?.content;
    // ECDSA has its curve for a parameter.
    let curve = algorithm.optional(der::OBJECT_IDENTIFIER)?.map(|curve| curve.content);
    let algorithm = oid::named(curve.unwrap_or(kind));
    let bits = match algorithm.as_str() {
        "P-192" => Some(192),
        "P-224" => Some(224),
        "P-256" | "secp256k1" | "Ed25519" => Some(256),
        "P-384" => Some(384),
        "P-521" => Some(521),
        "Ed448" => Some(456),
        _ => key(spki.content).and_then(|(algorithm, key)| rsa_bits(algorithm, key)),
    };
    Ok(KeyReport { algorithm, bits, pin: Pin::of_key(spki.whole) })
}
