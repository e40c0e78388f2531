//! String literals (RFC 7541 §5.2, RFC 9204 §4.1.2).

use alloc::vec::Vec;

use wirelace_wire::prefix_int::write_prefix_int;

use crate::huffman::{encode, encode_shorter, encoded_len};

/// Appends a string, Huffman-coded if that is shorter. Its length has a prefix of `prefix` bits (2 to 7, in HPACK
/// always 7); the bit above them says whether it is coded, and `flags` are those above that.
#[inline(always)]
pub fn write_string(out: &mut Vec<u8>, prefix: u32, flags: u8, text: &[u8]) {
    let coded_flag = 1u8 << (prefix & 7);
    if text.len() + 1 < usize::from(coded_flag) {
        // One octet for the length, whatever it becomes.
        let at = out.len();
        out.push(0);
        let (flag, length) = if encode_shorter(text, out) {
            (coded_flag, out.len() - at - 1)
        } else {
            out.extend_from_slice(text);
            (0, text.len())
        };
        if let Some(first) = out.get_mut(at) {
            *first = flags | flag | length as u8;
        }
        return;
    }
    let coded = encoded_len(text);
    if coded < text.len() {
        write_prefix_int(out, prefix, flags | coded_flag, coded as u64);
        encode(text, out);
    } else {
        write_prefix_int(out, prefix, flags, text.len() as u64);
        out.extend_from_slice(text);
    }
}
