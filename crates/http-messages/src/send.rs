//! Messages to field sections (RFC 9113 §8.1 to §8.5, RFC 9114 §4.2 to §4.4).

use http::{Method, StatusCode};
use wirelace_hpack::{Indexing, Name, StaticName};
use wirelace_http_semantics::framing::Framing;
use wirelace_http_semantics::target::TargetForm;
use wirelace_http_semantics::{Field, FieldError, FieldId, Fields, RequestHead, ResponseHead, SendError};
use wirelace_wire::field::{is_field_name, is_field_value};
use wirelace_wire::number::format_decimal;

use crate::lines::FieldLines;
use crate::tables::static_name;

/// A request that can be sent, and is to be written.
#[derive(Debug)]
pub struct RequestLines<'a> {
    head: &'a RequestHead,
    scheme: Option<&'a [u8]>,
    authority: &'a [u8],
    path: Option<&'a [u8]>,
    announced: Option<u64>,
}

impl<'a> RequestLines<'a> {
    /// Checks a request. `secure`: its scheme is `https` where the target names none.
    ///
    /// # Errors
    /// It cannot be sent.
    #[inline]
    pub fn new(head: &'a RequestHead, secure: bool) -> Result<RequestLines<'a>, SendError> {
        let announced = check(&head.fields)?;
        let connect = head.method == Method::CONNECT;
        let tunnel = connect && head.protocol.is_none();
        if head.protocol.is_some() && !connect {
            return Err(SendError::Head);
        }
        let authority = head.authority().filter(|authority| !authority.is_empty());
        let (scheme, path) = match head.form {
            TargetForm::Authority if tunnel => (None, None),
            TargetForm::Origin | TargetForm::Asterisk if !tunnel => {
                let scheme: &[u8] = if secure { b"https" } else { b"http" };
                (Some(scheme), Some(&head.target[..]))
            }
            TargetForm::Absolute if !tunnel => {
                let (scheme, path) = split(&head.target).ok_or(SendError::Head)?;
                (Some(scheme), Some(if path.is_empty() { b"/" } else { path }))
            }
            _ => return Err(SendError::Head),
        };
        let authority = authority.ok_or(SendError::Head)?;
        if !is_field_value(authority) {
            return Err(SendError::Field(FieldError::Value));
        }
        Ok(RequestLines { head, scheme, authority, path, announced })
    }

    /// What Content-Length says.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.announced
    }

    /// Writes it.
    #[inline]
    pub fn write(&self, lines: &mut impl FieldLines) {
        let method = self.head.method.as_str().as_bytes();
        lines.field(Name::Static(StaticName::METHOD), method, Indexing::Auto);
        if let Some(scheme) = self.scheme {
            lines.field(Name::Static(StaticName::SCHEME), scheme, Indexing::Auto);
        }
        lines.field(Name::Static(StaticName::AUTHORITY), self.authority, Indexing::Auto);
        if let Some(path) = self.path {
            lines.field(Name::Static(StaticName::PATH), path, Indexing::Auto);
        }
        if let Some(protocol) = &self.head.protocol {
            lines.field(Name::Literal(b":protocol"), protocol.as_bytes(), Indexing::Auto);
        }
        write_fields(lines, &self.head.fields);
    }
}

/// `scheme://authority/path` as scheme and path.
fn split(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = target.iter().position(|&byte| byte == b':')?;
    let rest = target.get(colon + 1..)?.strip_prefix(b"//")?;
    let path = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    Some((target.get(..colon)?, rest.get(path..)?))
}

/// A response that can be sent, and is to be written.
#[derive(Debug)]
pub struct ResponseLines<'a> {
    head: &'a ResponseHead,
    announced: Option<u64>,
    /// To be added.
    length: Option<u64>,
}

impl<'a> ResponseLines<'a> {
    /// Checks a response. `length`: a Content-Length to add where the head has none.
    ///
    /// # Errors
    /// It cannot be sent.
    #[inline]
    pub fn new(head: &'a ResponseHead, length: Option<u64>) -> Result<ResponseLines<'a>, SendError> {
        let announced = check(&head.fields)?;
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(SendError::Head);
        }
        Ok(ResponseLines { head, announced, length: length.filter(|_| announced.is_none()) })
    }

    /// What Content-Length says, an added one too.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.announced.or(self.length)
    }

    /// Writes it.
    #[inline]
    pub fn write(&self, lines: &mut impl FieldLines) {
        let status = self.head.status.as_str().as_bytes();
        lines.field(Name::Static(StaticName::STATUS), status, Indexing::Auto);
        write_fields(lines, &self.head.fields);
        if let Some(length) = self.length {
            let mut digits = [0; 20];
            let digits = format_decimal(length, &mut digits);
            lines.field(Name::Static(StaticName::CONTENT_LENGTH), digits, Indexing::Auto);
        }
    }
}

/// A trailer section that can be sent, and is to be written.
#[derive(Debug)]
pub struct TrailerLines<'a>(&'a Fields);

impl<'a> TrailerLines<'a> {
    /// Checks that the fields may be a trailer section (RFC 9110 §6.5.1).
    ///
    /// # Errors
    /// They may not.
    pub fn new(fields: &'a Fields) -> Result<TrailerLines<'a>, SendError> {
        check(fields)?;
        if fields.iter().any(|field| field.id.is_forbidden_trailer()) {
            return Err(SendError::Trailer);
        }
        Ok(TrailerLines(fields))
    }

    /// Writes it.
    pub fn write(&self, lines: &mut impl FieldLines) {
        write_fields(lines, self.0);
    }
}

/// Checks all fields before the first is encoded: a section that is begun changes the table for good. Returns the
/// Content-Length.
#[inline]
fn check(fields: &Fields) -> Result<Option<u64>, SendError> {
    let mut framing = Framing::default();
    for field in fields.iter() {
        if !field.is_checked() {
            if !field.id.is_known() && !is_field_name(field.name) {
                return Err(SendError::Field(FieldError::Name));
            }
            if !is_field_value(field.value) {
                return Err(SendError::Field(FieldError::Value));
            }
        }
        if field.id == FieldId::CONTENT_LENGTH {
            framing.observe(field.id, field.value)?;
        }
    }
    Ok(framing.content_length)
}

/// Fields of one connection only, which end here so that what was written for HTTP/1 works as it is (RFC 9113 §8.2.2,
/// RFC 9114 §4.2). Host has become `:authority`.
#[inline]
fn stays_behind(field: &Field<'_>) -> bool {
    match field.id {
        FieldId::CONNECTION
        | FieldId::PROXY_CONNECTION
        | FieldId::KEEP_ALIVE
        | FieldId::TRANSFER_ENCODING
        | FieldId::UPGRADE
        | FieldId::HTTP2_SETTINGS
        | FieldId::HOST => true,
        FieldId::TE => !field.value.eq_ignore_ascii_case(b"trailers"),
        _ => false,
    }
}

#[inline]
fn write_fields(lines: &mut impl FieldLines, fields: &Fields) {
    let named = fields.contains(FieldId::CONNECTION);
    for field in fields.iter() {
        if stays_behind(&field) || named && is_named(fields, field.name) {
            continue;
        }
        let indexing = if field.sensitive { Indexing::Never } else { Indexing::Auto };
        if let Some(name) = static_name(field.id) {
            lines.field(Name::Static(name), field.value, indexing);
        } else if field.id.is_known() {
            lines.field(Name::Literal(field.id.name().as_bytes()), field.value, indexing);
        } else if field.name.iter().any(u8::is_ascii_uppercase) {
            // Names are lower-case here (RFC 9113 §8.2.1, RFC 9114 §4.2).
            let name = field.name.to_ascii_lowercase();
            lines.field(Name::Literal(&name), field.value, indexing);
        } else {
            lines.field(Name::Literal(field.name), field.value, indexing);
        }
    }
}

/// Whether Connection names the field as one of this connection only (RFC 9110 §7.6.1).
#[cold]
fn is_named(fields: &Fields, name: &[u8]) -> bool {
    fields.list(FieldId::CONNECTION).any(|option| option.eq_ignore_ascii_case(name))
}
