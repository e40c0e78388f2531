//! What Certificate Transparency needs of a certificate (RFC 5280 §4.1), and what a log signed of it.

use super::der::{self, Reader, Value};
use super::error::{DerError, DerRule};
use super::time;

/// 1.3.6.1.4.1.11129.2.4.2: the SCTs inside a certificate (RFC 6962 §3.3).
pub(crate) const EMBEDDED_SCTS: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2];
/// 1.3.6.1.4.1.11129.2.4.3: the mark of a precertificate (RFC 6962 §3.1).
const POISON: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 3];
/// 1.3.6.1.4.1.11129.2.4.5: the SCTs inside an OCSP response (RFC 6962 §3.3).
pub(super) const OCSP_SCTS: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 5];

/// Views into a certificate's DER.
#[derive(Debug)]
pub(super) struct Certificate<'a> {
    /// The fields before the extensions, as they are.
    front: &'a [u8],
    /// The content of `Extensions`; `None`: there are none.
    extensions: Option<Value<'a>>,
    /// The serial number's octets.
    pub(super) serial: &'a [u8],
    /// The issuer's name.
    pub(super) issuer: &'a [u8],
    /// Its own name.
    pub(super) subject: &'a [u8],
    /// `SubjectPublicKeyInfo`.
    pub(super) public_key: &'a [u8],
    /// Milliseconds since 1970.
    pub(super) not_before: u64,
    /// Milliseconds since 1970.
    pub(super) not_after: u64,
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(data: &'a [u8]) -> Result<Certificate<'a>, DerError> {
        let mut outer = der::single(data, der::SEQUENCE)?.inside();
        let tbs = outer.expect(der::SEQUENCE)?;
        outer.expect(der::SEQUENCE)?;
        outer.expect(der::BIT_STRING)?;
        outer.finish()?;

        let mut fields = tbs.inside();
        fields.optional(der::CONTEXT_0)?;
        let serial = fields.expect(der::INTEGER)?.content;
        fields.expect(der::SEQUENCE)?;
        let issuer = fields.expect(der::SEQUENCE)?.whole;
        let mut validity = fields.expect(der::SEQUENCE)?.inside();
        let (not_before, not_after) = (read_time(&mut validity)?, read_time(&mut validity)?);
        validity.finish()?;
        let subject = fields.expect(der::SEQUENCE)?.whole;
        let public_key = fields.expect(der::SEQUENCE)?.whole;
        // issuerUniqueID and subjectUniqueID.
        fields.optional(0x81)?;
        fields.optional(0x82)?;
        let wrapper = fields.optional(der::CONTEXT_3)?;
        fields.finish()?;
        let behind = wrapper.as_ref().map_or(0, |wrapper| wrapper.whole.len());
        let front = tbs.content.len().saturating_sub(behind);
        let front = tbs.content.get(..front).unwrap_or_default();
        let extensions = wrapper.map(|wrapper| der::only(&wrapper, der::SEQUENCE)).transpose()?;
        Ok(Certificate { front, extensions, serial, issuer, subject, public_key, not_before, not_after })
    }

    /// The list of SCTs that it carries.
    pub(super) fn scts(&self) -> Result<Option<&'a [u8]>, DerError> {
        match &self.extensions {
            None => Ok(None),
            Some(extensions) => sct_list(extensions, EMBEDDED_SCTS),
        }
    }

    /// `TBSCertificate` as the logs saw it: without the SCTs, and without the mark of a precertificate
    /// (RFC 6962 §3.2).
    pub(super) fn precertificate(&self) -> Result<Vec<u8>, DerError> {
        let mut kept = Vec::new();
        if let Some(extensions) = &self.extensions {
            let mut all = extensions.inside();
            while !all.is_empty() {
                let extension = all.expect(der::SEQUENCE)?;
                let id = extension.inside().expect(der::OBJECT_IDENTIFIER)?.content;
                if id != EMBEDDED_SCTS && id != POISON {
                    kept.push(extension.whole);
                }
            }
        }
        // A list of extensions has at least one, or is not there (RFC 5280 §4.1).
        if kept.is_empty() {
            return Ok(der::encode(der::SEQUENCE, &[self.front]));
        }
        let extensions = der::encode(der::CONTEXT_3, &[&der::encode(der::SEQUENCE, &kept)]);
        Ok(der::encode(der::SEQUENCE, &[self.front, &extensions]))
    }
}

/// The list of SCTs in the extension `id`, of which there may be one.
pub(super) fn sct_list<'a>(extensions: &Value<'a>, id: &[u8]) -> Result<Option<&'a [u8]>, DerError> {
    let mut found = None;
    let mut all = extensions.inside();
    while !all.is_empty() {
        let extension = all.expect(der::SEQUENCE)?;
        let mut parts = extension.inside();
        if parts.expect(der::OBJECT_IDENTIFIER)?.content != id {
            continue;
        }
        if found.is_some() {
            return Err(extension.error(DerRule::Content("a second list of SCTs")));
        }
        parts.optional(der::BOOLEAN)?;
        let value = parts.expect(der::OCTET_STRING)?;
        parts.finish()?;
        found = Some(der::only(&value, der::OCTET_STRING)?.content);
    }
    Ok(found)
}

fn read_time(reader: &mut Reader<'_>) -> Result<u64, DerError> {
    let value = reader.any()?;
    let time = match value.tag {
        der::UTC_TIME => time::certificate_time(value.content, 2),
        der::GENERALIZED_TIME => time::certificate_time(value.content, 4),
        found => return Err(value.error(DerRule::Tag { expected: der::UTC_TIME, found })),
    };
    time.ok_or_else(|| value.error(DerRule::Content("not a time after 1970 in UTC")))
}

/// The `TBSCertificate` that logs sign, made from a certificate with SCTs inside or from a precertificate: the
/// extensions with SCTs and the mark of a precertificate are left out (RFC 6962 §3.2).
///
/// # Errors
///
/// It is not a certificate in DER.
pub fn precertificate_tbs(certificate: &[u8]) -> Result<Vec<u8>, DerError> {
    Certificate::parse(certificate)?.precertificate()
}
