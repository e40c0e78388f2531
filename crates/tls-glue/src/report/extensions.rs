//! The extensions of a certificate (RFC 5280 §4.2) that a report shows.

use bytes::Bytes;

use crate::ct::der::{self, Value};
use crate::ct::{DerError, DerRule, EMBEDDED_SCTS, parse_list};
use crate::x509::name::{self, General};
use crate::x509::oid;

/// What a log of Certificate Transparency has signed (RFC 6962 §3.2); [`ct`](crate::ct) checks it.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SctReport {
    /// The SHA-256 of the log's key.
    pub log_id: [u8; 32],
    /// Milliseconds since 1970.
    pub timestamp: u64,
    /// All of it.
    pub raw: Bytes,
}

/// What they say; see [`CertificateReport`](super::CertificateReport).
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub(super) dns_names: Vec<String>,
    pub(super) addresses: Vec<String>,
    pub(super) other_names: Vec<String>,
    pub(super) is_ca: bool,
    pub(super) path_length: Option<u32>,
    pub(super) key_usages: Vec<&'static str>,
    pub(super) purposes: Vec<String>,
    pub(super) scts: Vec<SctReport>,
    pub(super) unreadable: Vec<String>,
}

type Read = fn(&mut Extensions, &[u8]) -> Result<(), DerError>;

const SHOWN: [(&[u8], Read); 5] = [
    (&[0x55, 29, 15], key_usages),
    (&[0x55, 29, 17], names),
    (&[0x55, 29, 19], constraints),
    (&[0x55, 29, 37], purposes),
    (EMBEDDED_SCTS, scts),
];

/// The bits of a `KeyUsage`, from the first.
const USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

/// What is broken inside one that is shown is told beside the others.
pub(super) fn read(extensions: &Value<'_>) -> Result<Extensions, DerError> {
    let mut found = Extensions::default();
    let mut all = extensions.inside();
    let mut seen = [false; SHOWN.len()];
    while !all.is_empty() {
        let mut parts = all.expect(der::SEQUENCE)?.inside();
        let id = parts.expect(der::OBJECT_IDENTIFIER)?.content;
        parts.optional(der::BOOLEAN)?;
        let value = parts.expect(der::OCTET_STRING)?.content;
        parts.finish()?;
        let known = SHOWN.iter().zip(&mut seen).find(|((shown, _), _)| *shown == id);
        let Some(((_, read), seen)) = known else { continue };
        // There may be one of a kind.
        if std::mem::replace(seen, true) || read(&mut found, value).is_err() {
            found.unreadable.push(oid::dotted(id));
        }
    }
    Ok(found)
}

fn key_usages(found: &mut Extensions, value: &[u8]) -> Result<(), DerError> {
    let bits = der::single(value, der::BIT_STRING)?;
    let Some((0..=7, octets)) = bits.content.split_first() else {
        return Err(bits.error(DerRule::Content("not a string of bits")));
    };
    let set = |bit: usize| octets.get(bit / 8).is_some_and(|octet| octet & (0x80 >> (bit % 8)) != 0);
    let named = USAGES.into_iter().enumerate().filter(|(bit, _)| set(*bit));
    found.key_usages = named.map(|(_, name)| name).collect();
    Ok(())
}

fn names(found: &mut Extensions, value: &[u8]) -> Result<(), DerError> {
    // Each of them is a value.
    let mut all = der::single(value, der::SEQUENCE)?.inside();
    while !all.is_empty() {
        all.any()?;
    }
    for name in name::general(value) {
        match name {
            General::Dns(name) => found.dns_names.push(name),
            General::Ip(address) => found.addresses.push(address),
            General::Other(name) => found.other_names.push(name),
        }
    }
    Ok(())
}

fn constraints(found: &mut Extensions, value: &[u8]) -> Result<(), DerError> {
    let mut fields = der::single(value, der::SEQUENCE)?.inside();
    let authority = fields.optional(der::BOOLEAN)?.is_some_and(|value| value.content != [0]);
    let length = match fields.optional(der::INTEGER)? {
        None => None,
        Some(length) => {
            let wrong = || length.error(DerRule::Content("not a number of authorities"));
            let sign = length.content.first().ok_or_else(wrong)?;
            let zeros = length.content.iter().take_while(|octet| **octet == 0).count();
            let digits = length.content.get(zeros..).unwrap_or_default();
            if sign & 0x80 != 0 || digits.len() > 4 {
                return Err(wrong());
            }
            Some(digits.iter().fold(0, |sum, digit| sum << 8 | u32::from(*digit)))
        }
    };
    fields.finish()?;
    (found.is_ca, found.path_length) = (authority, length);
    Ok(())
}

fn purposes(found: &mut Extensions, value: &[u8]) -> Result<(), DerError> {
    let mut all = der::single(value, der::SEQUENCE)?.inside();
    let mut purposes = Vec::new();
    while !all.is_empty() {
        purposes.push(oid::named(all.expect(der::OBJECT_IDENTIFIER)?.content));
    }
    found.purposes = purposes;
    Ok(())
}

/// RFC 6962 §3.3. Those of a later version are not known here.
fn scts(found: &mut Extensions, value: &[u8]) -> Result<(), DerError> {
    let list = der::single(value, der::OCTET_STRING)?;
    let wrong = || list.error(DerRule::Content("not a list of SCTs"));
    let all = parse_list(list.content).map_err(|_| wrong())?;
    let mut broken = false;
    for sct in all {
        let Ok(sct) = sct else {
            broken = true;
            continue;
        };
        let mut raw = Vec::new();
        sct.write(&mut raw);
        found.scts.push(SctReport { log_id: sct.log.0, timestamp: sct.timestamp, raw: Bytes::from(raw) });
    }
    if broken { Err(wrong()) } else { Ok(()) }
}
