//! `wire`: the fast scanners against plain loops, and numbers there and back.

use crate::input::Choices;
use wirelace_wire::{field, number, prefix_int, scan, token, varint};

/// The position of the first byte from `from` on for which `stop` holds.
fn slow(buf: &[u8], from: usize, stop: impl Fn(u8) -> bool) -> usize {
    (from..buf.len()).find(|&at| stop(buf[at])).unwrap_or(buf.len())
}

/// Every scanner, from every choice of start, finds what a plain loop finds.
pub fn scan(data: &[u8]) {
    let (buf, mut choices) = Choices::split(data, 1);
    let from = usize::from(choices.byte()).min(buf.len());
    let is_control = |byte: u8| byte < 0x20 || byte == 0x7f;
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);

    assert_eq!(scan::end_of_field_value(buf, from), slow(buf, from, |b| is_control(b) && b != b'\t'));
    assert_eq!(scan::end_of_target(buf, from), slow(buf, from, |b| !(0x21..=0x7e).contains(&b)));
    assert_eq!(token::end_of_token(buf, from), slow(buf, from, |b| !is_tchar(b)));

    let crlf = buf.windows(2).skip(from).position(|pair| pair == b"\r\n").map(|at| at + from);
    assert_eq!(scan::find_crlf(buf, from), crlf);
    // `from` may lie inside the empty line: it then ends after it.
    let first = from.saturating_sub(3);
    let empty = buf.windows(4).skip(first).position(|four| four == b"\r\n\r\n").map(|at| at + first + 4);
    assert_eq!(scan::find_empty_line_end(buf, from), empty);

    assert_eq!(token::is_token(buf), !buf.is_empty() && buf.iter().all(|&byte| is_tchar(byte)));
    let trimmed = field::trim_ows(buf);
    assert!(!trimmed.first().copied().is_some_and(field::is_ows));
    assert!(!trimmed.last().copied().is_some_and(field::is_ows));
    assert_eq!(field::is_field_value(buf), field::has_field_octets(buf) && trimmed.len() == buf.len());
}

/// Integers survive being written and read, and more input never changes what was read.
pub fn numbers(data: &[u8]) {
    if let Some((value, taken)) = varint::decode_varint(data) {
        let mut out = Vec::new();
        assert!(varint::write_varint_sized(&mut out, value, taken));
        assert_eq!(out, data[..taken]);
        assert!(varint::varint_len(value).is_some_and(|shortest| shortest <= taken));
        assert_eq!(varint::decode_varint(&data[..taken - 1]), None);
    }

    let (encoded, mut choices) = Choices::split(data, 2);
    let bits = u32::from(choices.byte() % 8) + 1;
    let max = u64::MAX >> (choices.byte() % 64);
    match prefix_int::prefix_int(encoded, bits, max) {
        Ok((rest, value)) => {
            assert!(value <= max.min(prefix_int::PREFIX_INT_MAX));
            let taken = encoded.len() - rest.len();
            let mut out = Vec::new();
            prefix_int::write_prefix_int(&mut out, bits, encoded[0], value);
            assert_eq!(out.len(), prefix_int::prefix_int_len(bits, value));
            // Only padding makes an encoding longer than ours.
            assert!(out.len() <= taken);
            if out.len() == taken {
                assert_eq!(out, encoded[..taken]);
            }
            let again = prefix_int::prefix_int(&out, bits, max).map(|(rest, value)| (rest.len(), value));
            assert_eq!(again, Ok((0, value)));
            for end in 0..taken {
                let cut = prefix_int::prefix_int(&encoded[..end], bits, max);
                assert!(cut.is_err_and(|error| error.is_incomplete()), "complete too early");
            }
        }
        Err(nom::Err::Incomplete(_)) => assert!(encoded.len() <= 11, "never complete"),
        Err(_) => {}
    }

    let text: Vec<u8> = encoded.iter().copied().take_while(u8::is_ascii_digit).collect();
    if let Some(value) = number::parse_decimal(&text) {
        let mut out = Vec::new();
        number::write_decimal(&mut out, value);
        assert_eq!(number::parse_decimal(&out), Some(value));
        let zeros = text.iter().take_while(|&&digit| digit == b'0').count();
        assert!(text[zeros..] == out || value == 0);
    }
    if let Some(value) = number::parse_hex(encoded) {
        let mut out = Vec::new();
        number::write_hex(&mut out, value);
        assert_eq!(number::parse_hex(&out), Some(value));
        assert!(out.len() <= encoded.len());
    }
}
