//! `http1`'s chunked decoder: in pieces, and against a slow one that sees the whole body.

use crate::input::Choices;
use wirelace_http1::chunked::{ChunkedDecoder, ChunkedError, Step, write_chunk_start};
use wirelace_wire::field::trim_ows_start;
use wirelace_wire::token::is_tchar;

/// Any way to cut the input and any window give the same data; what is accepted, and where the
/// trailer section begins, is what a simple reading of the grammar says.
pub fn decode(data: &[u8]) {
    let (payload, mut choices) = Choices::split(data, 16);
    let window = usize::from(choices.byte()) + 1;
    let pieces = choices.pieces(payload);
    let whole = run(&[payload], usize::MAX);
    assert_eq!(run(&pieces, window), whole, "cutting the input changes what it means");
    match (&whole, reference(payload)) {
        (Ok((data, Some(end))), Some((expected, expected_end))) => {
            assert_eq!((data, *end), (&expected, expected_end));
        }
        (Ok((_, Some(_))), None) => panic!("accepted against the grammar"),
        (_, Some(_)) => panic!("not accepted: {whole:?}"),
        (_, None) => {}
    }
    round_trip(&pieces);
}

/// What is written chunk by chunk is read back.
fn round_trip(pieces: &[&[u8]]) {
    let mut coded = Vec::new();
    for piece in pieces {
        write_chunk_start(&mut coded, piece.len());
        coded.extend_from_slice(piece);
        coded.extend_from_slice(b"\r\n");
    }
    let end = coded.len() + 3;
    coded.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(run(&[&coded], usize::MAX), Ok((pieces.concat(), Some(end))));
}

/// The decoded data, and where the trailer section begins if the last chunk came.
type Decoded = (Vec<u8>, Option<usize>);

fn run(pieces: &[&[u8]], window: usize) -> Result<Decoded, ChunkedError> {
    let mut decoder = ChunkedDecoder::new(usize::MAX);
    let (mut data, mut read) = (Vec::new(), 0);
    let mut buffer: Vec<u8> = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while !buffer.is_empty() {
            let taken = match decoder.step(&buffer, window)? {
                Step::More { consumed } => {
                    assert_eq!(consumed, buffer.len(), "stopped for no reason");
                    consumed
                }
                Step::Data { skip, len } => {
                    assert!(len > 0 && len <= window);
                    data.extend_from_slice(&buffer[skip..skip + len]);
                    skip + len
                }
                Step::Trailers { consumed } => {
                    assert!(decoder.is_done());
                    return Ok((data, Some(read + consumed)));
                }
            };
            read += taken;
            buffer.drain(..taken);
        }
    }
    Ok((data, None))
}

/// RFC 9112 §7.1 line by line; `None` when the input is wrong or has no last chunk.
fn reference(input: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut data = Vec::new();
    let mut at = 0;
    loop {
        let rest = &input[at..];
        let line_end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let line = &rest[..line_end];
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = std::str::from_utf8(&line[..digits]).ok()?;
        if !(1..=16).contains(&digits) || !are_extensions(&line[digits..]) {
            return None;
        }
        let size = usize::try_from(u64::from_str_radix(size, 16).ok()?).ok()?;
        at += line_end + 2;
        if size == 0 {
            return Some((data, at));
        }
        let end = at.checked_add(size)?;
        data.extend_from_slice(input.get(at..end)?);
        if input.get(end..end + 2)? != b"\r\n" {
            return None;
        }
        at = end + 2;
    }
}

/// `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`
fn are_extensions(mut text: &[u8]) -> bool {
    let space = |text: &mut &[u8]| *text = trim_ows_start(text);
    let take = |text: &mut &[u8], byte: u8| match text.strip_prefix(&[byte]) {
        Some(rest) => {
            *text = rest;
            true
        }
        None => false,
    };
    let token = |text: &mut &[u8]| {
        let length = text.iter().take_while(|&&byte| is_tchar(byte)).count();
        *text = &text[length..];
        length > 0
    };
    while !text.is_empty() {
        space(&mut text);
        if !take(&mut text, b';') {
            return false;
        }
        space(&mut text);
        if !token(&mut text) {
            return false;
        }
        let mut value = text;
        space(&mut value);
        if !take(&mut value, b'=') {
            continue;
        }
        space(&mut value);
        if take(&mut value, b'"') {
            match quoted_length(value) {
                Some(length) => value = &value[length..],
                None => return false,
            }
        } else if !token(&mut value) {
            return false;
        }
        text = value;
    }
    true
}

/// The length of the rest of a quoted string with its closing quote.
fn quoted_length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let allowed = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
        match text.get(at).filter(|byte| allowed(byte))? {
            b'"' => return Some(at + 1),
            b'\\' => {
                text.get(at + 1).filter(|byte| allowed(byte))?;
                at += 2;
            }
            _ => at += 1,
        }
    }
}
