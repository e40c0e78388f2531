//! Writing numbers.

/// Appends a number as a variable-length integer (RFC 9000 §16); those of this crate are below 2^62.
pub(crate) fn put_varint(out: &mut Vec<u8>, value: u64) {
    let fits = wirelace_wire::varint::write_varint(out, value);
    debug_assert!(fits, "{value} is larger than a varint");
}
