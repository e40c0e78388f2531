//! Messages to field blocks (RFC 9113 §8.1 to §8.5).

use http::{Method, StatusCode};
use wirelace_hpack::{Encoder, Indexing, Name, StaticName};
use wirelace_http_semantics::framing::Framing;
use wirelace_http_semantics::target::TargetForm;
use wirelace_http_semantics::{Field, FieldError, FieldId, Fields, RequestHead, ResponseHead, SendError};
use wirelace_wire::field::{is_field_name, is_field_value};
use wirelace_wire::number::format_decimal;

use super::tables::static_name;

/// What a head says of its body's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeadLength {
    /// The value of Content-Length.
    pub(crate) announced: Option<u64>,
}

/// Appends the block of a request. Nothing is appended and the encoder is untouched on error.
pub(crate) fn write_request(
    encoder: &mut Encoder,
    out: &mut Vec<u8>,
    head: &RequestHead,
    secure: bool,
) -> Result<HeadLength, SendError> {
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
    encoder.start(out);
    encoder.field(out, Name::Static(StaticName::METHOD), head.method.as_str().as_bytes(), Indexing::Auto);
    if let Some(scheme) = scheme {
        encoder.field(out, Name::Static(StaticName::SCHEME), scheme, Indexing::Auto);
    }
    encoder.field(out, Name::Static(StaticName::AUTHORITY), authority, Indexing::Auto);
    if let Some(path) = path {
        encoder.field(out, Name::Static(StaticName::PATH), path, Indexing::Auto);
    }
    if let Some(protocol) = &head.protocol {
        encoder.field(out, Name::Literal(b":protocol"), protocol.as_bytes(), Indexing::Auto);
    }
    write_fields(encoder, out, &head.fields);
    Ok(HeadLength { announced })
}

/// `scheme://authority/path` as scheme and path.
fn split(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = target.iter().position(|&byte| byte == b':')?;
    let rest = target.get(colon + 1..)?.strip_prefix(b"//")?;
    let path = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    Some((target.get(..colon)?, rest.get(path..)?))
}

/// Appends the block of a response. `length`: a Content-Length to add where the head has none. Nothing is appended
/// and the encoder is untouched on error.
pub(crate) fn write_response(
    encoder: &mut Encoder,
    out: &mut Vec<u8>,
    head: &ResponseHead,
    length: Option<u64>,
) -> Result<HeadLength, SendError> {
    let announced = check(&head.fields)?;
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(SendError::Head);
    }
    encoder.start(out);
    encoder.field(out, Name::Static(StaticName::STATUS), head.status.as_str().as_bytes(), Indexing::Auto);
    write_fields(encoder, out, &head.fields);
    if let (Some(length), None) = (length, announced) {
        let mut digits = [0; 20];
        let digits = format_decimal(length, &mut digits);
        encoder.field(out, Name::Static(StaticName::CONTENT_LENGTH), digits, Indexing::Auto);
    }
    Ok(HeadLength { announced: announced.or(length) })
}

/// Whether the fields may be a trailer section (RFC 9110 §6.5.1).
pub(crate) fn check_trailers(fields: &Fields) -> Result<(), SendError> {
    check(fields)?;
    if fields.iter().any(|field| field.id.is_forbidden_trailer()) {
        return Err(SendError::Trailer);
    }
    Ok(())
}

/// Appends the block of a trailer section that [`check_trailers`] let pass.
pub(crate) fn write_trailers(encoder: &mut Encoder, out: &mut Vec<u8>, fields: &Fields) {
    encoder.start(out);
    write_fields(encoder, out, fields);
}

/// Checks all fields before the first is encoded: a block that is begun changes the table for good. Returns the
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

/// Fields of one connection only, which end here so that what was written for HTTP/1 works as it is (RFC 9113
/// §8.2.2). Host has become `:authority`.
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
fn write_fields(encoder: &mut Encoder, out: &mut Vec<u8>, fields: &Fields) {
    let named = fields.contains(FieldId::CONNECTION);
    for field in fields.iter() {
        if stays_behind(&field) || named && is_named(fields, field.name) {
            continue;
        }
        let indexing = if field.sensitive { Indexing::Never } else { Indexing::Auto };
        if let Some(name) = static_name(field.id) {
            encoder.field(out, Name::Static(name), field.value, indexing);
        } else if field.id.is_known() {
            encoder.field(out, Name::Literal(field.id.name().as_bytes()), field.value, indexing);
        } else if field.name.iter().any(u8::is_ascii_uppercase) {
            // Names are lower-case here (RFC 9113 §8.2.1).
            let name = field.name.to_ascii_lowercase();
            encoder.field(out, Name::Literal(&name), field.value, indexing);
        } else {
            encoder.field(out, Name::Literal(field.name), field.value, indexing);
        }
    }
}

/// Whether Connection names the field as one of this connection only (RFC 9110 §7.6.1).
#[cold]
fn is_named(fields: &Fields, name: &[u8]) -> bool {
    fields.list(FieldId::CONNECTION).any(|option| option.eq_ignore_ascii_case(name))
}
