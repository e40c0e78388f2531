//! Field lines as they are sent.

use wirelace_http_semantics::FieldError;
use wirelace_wire::field::{is_field_name, is_field_value};

pub(super) use crate::encode::write_line;

/// Writes one field line.
///
/// # Errors
/// The name is no token, or the value could end the line.
#[inline]
pub(super) fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) -> Result<(), FieldError> {
    if !is_field_name(name) {
        return Err(FieldError::Name);
    }
    if !is_field_value(value) {
        return Err(FieldError::Value);
    }
    write_line(out, name, value);
    Ok(())
}
