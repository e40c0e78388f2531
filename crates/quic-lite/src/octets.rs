//! Writing numbers.

/// Appends a number as a variable-length integer (RFC 9000 §16); those of this crate are below 2^62.
pub(crate) fn put_varint(out: &mut Vec<u8>, value: u64) {
    let fits = wirelace_wire::varint::write_varint(out, value);
    debug_assert!(fits, "{value} is larger than a varint");
}

/// Octets of a variable-length integer.
pub(crate) const fn varint_length(value: u64) -> usize {
    match value {
        0..0x40 => 1,
        0x40..0x4000 => 2,
        0x4000..0x4000_0000 => 4,
        _ => 8,
    }
}
