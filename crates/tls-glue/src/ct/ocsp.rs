//! The SCTs in an OCSP response (RFC 6960 §4.2.1, RFC 6962 §3.3). Its signature is not looked at: the SCTs have their
//! own, over the certificate.

use super::certificate::{OCSP_SCTS, sct_list};
use super::der::{self, Value};
use super::error::{DerError, DerRule};

/// 1.3.6.1.5.5.7.48.1.1: the basic response.
const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
/// Answers of one response that are looked at.
const MAX_ANSWERS: usize = 64;

/// The list of SCTs in the answer for the certificate with this serial number.
pub(super) fn scts<'a>(response: &'a [u8], serial: &[u8]) -> Result<Option<&'a [u8]>, DerError> {
    let mut outer = der::single(response, der::SEQUENCE)?.inside();
    outer.expect(der::ENUMERATED)?;
    // A failure has no more than its status.
    let Some(wrapper) = outer.optional(der::CONTEXT_0)? else {
        outer.finish()?;
        return Ok(None);
    };
    outer.finish()?;
    let mut body = der::only(&wrapper, der::SEQUENCE)?.inside();
    let kind = body.expect(der::OBJECT_IDENTIFIER)?;
    if kind.content != BASIC {
        return Err(kind.error(DerRule::Content("an OCSP response of a kind that is not known")));
    }
    let octets = body.expect(der::OCTET_STRING)?;
    body.finish()?;
    let mut basic = der::only(&octets, der::SEQUENCE)?.inside();
    let mut data = basic.expect(der::SEQUENCE)?.inside();
    data.optional(der::CONTEXT_0)?;
    // Who answers, by name or by key.
    data.any()?;
    data.expect(der::GENERALIZED_TIME)?;
    let mut answers = data.expect(der::SEQUENCE)?.inside();
    for _ in 0..MAX_ANSWERS {
        if answers.is_empty() {
            return Ok(None);
        }
        let answer = answers.expect(der::SEQUENCE)?;
        if let Some(list) = of_answer(&answer, serial)? {
            return Ok(Some(list));
        }
    }
    Ok(None)
}

fn of_answer<'a>(answer: &Value<'a>, serial: &[u8]) -> Result<Option<&'a [u8]>, DerError> {
    let mut parts = answer.inside();
    let mut id = parts.expect(der::SEQUENCE)?.inside();
    id.expect(der::SEQUENCE)?;
    id.expect(der::OCTET_STRING)?;
    id.expect(der::OCTET_STRING)?;
    let of = id.expect(der::INTEGER)?.content;
    id.finish()?;
    // The status; then the times of this answer and of the next.
    parts.any()?;
    parts.expect(der::GENERALIZED_TIME)?;
    parts.optional(der::CONTEXT_0)?;
    let extensions = parts.optional(der::CONTEXT_1)?;
    parts.finish()?;
    match extensions {
        Some(wrapper) if of == serial => sct_list(&der::only(&wrapper, der::SEQUENCE)?, OCSP_SCTS),
        _ => Ok(None),
    }
}
