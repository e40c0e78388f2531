//! Certificates and revocation lists, read and not copied.

use super::der::{BIT_STRING, BOOLEAN, Element, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE};
use super::name::{self, General};
use super::time::seconds;

/// A certificate.
#[derive(Debug, Clone)]
pub(crate) struct Certificate<'a> {
    /// What is signed.
    pub(crate) signed: &'a [u8],
    pub(crate) serial: &'a [u8],
    /// The content of the `AlgorithmIdentifier`.
    pub(crate) signature_algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
    /// The content of the `Name`.
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    /// Seconds since 1970.
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    /// The whole `SubjectPublicKeyInfo`.
    pub(crate) spki: &'a [u8],
    /// The content of the `AlgorithmIdentifier`.
    pub(crate) key_algorithm: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) extensions: Vec<Extension<'a>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Extension<'a> {
    pub(crate) oid: &'a [u8],
    pub(crate) critical: bool,
    pub(crate) value: &'a [u8],
}

const SUBJECT_ALT_NAME: &[u8] = &[0x55, 29, 17];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 29, 19];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 29, 37];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

impl<'a> Certificate<'a> {
    /// `None`: it is none.
    pub(crate) fn parse(octets: &'a [u8]) -> Option<Certificate<'a>> {
        let mut outer = Reader::new(Reader::new(octets).expect(SEQUENCE)?);
        let tbs = outer.element(SEQUENCE)?;
        let signature_algorithm = outer.expect(SEQUENCE)?;
        let signature = bits(outer.expect(BIT_STRING)?)?;
        let mut tbs_fields = Reader::new(tbs.content);
        // The version.
        let _ = tbs_fields.element(0xa0);
        let serial = tbs_fields.expect(INTEGER)?;
        tbs_fields.expect(SEQUENCE)?;
        let issuer = tbs_fields.expect(SEQUENCE)?;
        let mut validity = Reader::new(tbs_fields.expect(SEQUENCE)?);
        let (not_before, not_after) = (seconds(validity.next()?)?, seconds(validity.next()?)?);
        let subject = tbs_fields.expect(SEQUENCE)?;
        let spki = tbs_fields.element(SEQUENCE)?;
        let (key_algorithm, key) = key(spki.content)?;
        let rest = tbs_fields.find(|element| element.tag == 0xa3);
        let extensions = rest.and_then(|rest| Reader::new(rest.content).expect(SEQUENCE)).unwrap_or_default();
        Some(Certificate {
            signed: tbs.whole,
            serial,
            signature_algorithm,
            signature,
            issuer,
            subject,
            not_before,
            not_after,
            spki: spki.whole,
            key_algorithm,
            key,
            extensions: Reader::new(extensions).filter_map(extension).collect(),
        })
    }

    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// What it is called: its subject, else its first name.
    pub(crate) fn called(&self) -> String {
        let subject = name::text(self.subject);
        if !subject.is_empty() {
            return subject;
        }
        self.names().into_iter().next().unwrap_or_else(|| "without a name".to_owned())
    }

    /// What the other certificates call its issuer.
    pub(crate) fn issued_by(&self) -> String {
        name::text(self.issuer)
    }

    /// DNS names and addresses.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = name::general(self.extension(SUBJECT_ALT_NAME).unwrap_or_default());
        let both = names.into_iter().filter_map(|name| match name {
            General::Dns(name) | General::Ip(name) => Some(name),
            General::Other(_) => None,
        });
        both.collect()
    }

    /// Whether it may issue others, and below it so many authorities at most.
    pub(crate) fn authority(&self) -> (bool, Option<u64>) {
        let value = self.extension(BASIC_CONSTRAINTS).unwrap_or_default();
        let mut fields = Reader::new(Reader::new(value).expect(SEQUENCE).unwrap_or_default());
        let authority = fields.expect(BOOLEAN).is_some_and(|value| value != [0]);
        let length = fields.expect(INTEGER).filter(|value| value.len() <= 8);
        (authority, length.map(|value| value.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet))))
    }

    /// What it may be used for, as object identifiers; `None`: for everything.
    pub(crate) fn purposes(&self) -> Option<Vec<&'a [u8]>> {
        let value = self.extension(EXTENDED_KEY_USAGE)?;
        let purposes = Reader::new(Reader::new(value).expect(SEQUENCE).unwrap_or_default());
        Some(purposes.filter(|purpose| purpose.tag == OID).map(|purpose| purpose.content).collect())
    }

    /// The bits of an RSA key's modulus; `None`: another kind of key.
    pub(crate) fn rsa_bits(&self) -> Option<usize> {
        rsa_bits(self.key_algorithm, self.key)
    }

    fn extension(&self, oid: &[u8]) -> Option<&'a [u8]> {
        self.extensions.iter().find(|extension| extension.oid == oid).map(|extension| extension.value)
    }
}

/// Algorithm and key of the content of a `SubjectPublicKeyInfo`.
pub(crate) fn key(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = Reader::new(spki);
    Some((fields.expect(SEQUENCE)?, bits(fields.expect(BIT_STRING)?)?))
}

/// `None`: not an RSA key.
pub(crate) fn rsa_bits(algorithm: &[u8], key: &[u8]) -> Option<usize> {
    if Reader::new(algorithm).expect(OID)? != RSA {
        return None;
    }
    let modulus = Reader::new(Reader::new(key).expect(SEQUENCE)?).expect(INTEGER)?;
    integer_bits(modulus)
}

/// The bits of a positive `INTEGER`; `None`: it is 0.
pub(crate) fn integer_bits(value: &[u8]) -> Option<usize> {
    let zeros = value.iter().take_while(|octet| **octet == 0).count();
    let first = value.get(zeros)?;
    Some((value.len() - zeros) * 8 - first.leading_zeros() as usize)
}

/// Keys and signatures have whole octets.
fn bits(content: &[u8]) -> Option<&[u8]> {
    match content.split_first()? {
        (0, bits) => Some(bits),
        _ => None,
    }
}

fn extension(element: Element<'_>) -> Option<Extension<'_>> {
    let mut fields = Reader::new(element.content);
    let oid = fields.expect(OID)?;
    let critical = fields.expect(BOOLEAN).is_some_and(|value| value != [0]);
    Some(Extension { oid, critical, value: fields.expect(OCTET_STRING)? })
}

/// A revocation list (RFC 5280 §5).
#[derive(Debug, Clone, Copy)]
pub(crate) struct List<'a> {
    pub(crate) issuer: &'a [u8],
    /// Seconds since 1970.
    pub(crate) next_update: Option<i64>,
}

impl<'a> List<'a> {
    pub(crate) fn parse(octets: &'a [u8]) -> Option<List<'a>> {
        let mut fields = Reader::new(Reader::new(Reader::new(octets).expect(SEQUENCE)?).expect(SEQUENCE)?);
        let _ = fields.element(INTEGER);
        fields.expect(SEQUENCE)?;
        let issuer = fields.expect(SEQUENCE)?;
        seconds(fields.next()?)?;
        Some(List { issuer, next_update: fields.next().and_then(seconds) })
    }
}
