//! Base64 (RFC 4648 §4), as byte sequences in structured fields and `Sec-WebSocket-Key` have it.

use alloc::vec::Vec;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends `data` in base64, with padding.
pub fn encode(data: &[u8], out: &mut Vec<u8>) {
    out.reserve(data.len().div_ceil(3) * 4);
    for chunk in data.chunks(3) {
        let (bits, characters) = match *chunk {
            [a, b, c] => (u32::from_be_bytes([0, a, b, c]), 4),
            [a, b] => (u32::from_be_bytes([0, a, b, 0]), 3),
            [a] => (u32::from_be_bytes([0, a, 0, 0]), 2),
            _ => continue,
        };
        for position in 0..4 {
            out.push(if position < characters { character(bits >> (18 - 6 * position)) } else { b'=' });
        }
    }
}

/// Decodes base64. Padding may be missing and unused bits may be set, as RFC 9651 §4.2.7 asks; whitespace, other
/// characters, misplaced padding and impossible lengths are refused with `None`.
pub fn decode(mut text: &[u8]) -> Option<Vec<u8>> {
    if let (0, Some(body)) = (text.len() % 4, text.strip_suffix(b"=")) {
        text = body.strip_suffix(b"=").unwrap_or(body);
    }
    let mut data = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.chunks(4) {
        let mut bits = 0;
        for &byte in chunk {
            bits = bits << 6 | u32::from(value(byte)?);
        }
        match chunk.len() {
            4 => data.extend(bits.to_be_bytes().into_iter().skip(1)),
            3 => data.extend((bits >> 2).to_be_bytes().into_iter().skip(2)),
            2 => data.extend((bits >> 4).to_be_bytes().into_iter().skip(3)),
            _ => return None,
        }
    }
    Some(data)
}

fn character(bits: u32) -> u8 {
    ALPHABET.get(bits as usize & 63).copied().unwrap_or(b'A')
}

fn value(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
