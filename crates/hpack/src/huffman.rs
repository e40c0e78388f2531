//! The Huffman code for strings (RFC 7541 §5.2, Appendix B), as HPACK and QPACK use it.
//!
//! ```
//! use wirelace_hpack::huffman;
//!
//! let mut coded = Vec::new();
//! huffman::encode(b"www.example.com", &mut coded);
//! assert_eq!(coded, b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff");
//! assert_eq!(huffman::encoded_len(b"www.example.com"), coded.len());
//!
//! let mut text = Vec::new();
//! huffman::decode(&coded, &mut text, 100)?;
//! assert_eq!(text, b"www.example.com");
//! # Ok::<(), huffman::HuffmanError>(())
//! ```

use alloc::vec::Vec;

mod decode;
mod encode;

pub use decode::HuffmanError;
pub(crate) use decode::{decode_into, room};
pub(crate) use encode::encode_shorter;

/// How many octets [`encode`] writes.
#[must_use]
pub fn encoded_len(text: &[u8]) -> usize {
    encode::encoded_len(text)
}

/// Appends the code of `text`, filled up to a whole octet with the beginning of EOS.
pub fn encode(text: &[u8], out: &mut Vec<u8>) {
    encode::encode(text, out);
}

/// Appends the text of `coded`, a whole string. `max` is the most that it may be, in octets.
///
/// # Errors
/// A string that is no code, or longer than `max`; `out` is then as it was. Offsets are within `coded`.
pub fn decode(coded: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), HuffmanError> {
    let start = out.len();
    // What `max` does not allow needs no room either.
    let most = (coded.len().saturating_mul(8) / 5).min(max);
    out.resize(start + room(most), 0);
    let decoded = match out.get_mut(start..) {
        Some(space) => decode_into(coded, coded.len(), space),
        None => Ok(0),
    };
    match decoded {
        Ok(length) if length <= max => {
            out.truncate(start + length);
            Ok(())
        }
        Ok(_) => {
            out.truncate(start);
            Err(HuffmanError::TooLong { offset: coded.len() })
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}
