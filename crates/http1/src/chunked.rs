//! The chunked transfer coding (RFC 9112 §7.1).
//!
//! [`ChunkedDecoder`] takes the framing apart and says where in the input the data lies, so that whoever owns the
//! input can hand it on without a copy. It keeps its place at any byte. There is no leniency here: what two
//! recipients of a chunked body read differently is how requests are smuggled.

use alloc::vec::Vec;

use thiserror::Error;
use wirelace_wire::number::{hex_digit, write_hex};
use wirelace_wire::token::is_tchar;

/// More hexadecimal digits than a `u64` has are refused, leading zeros included.
const MAX_SIZE_DIGITS: u8 = 16;

/// The rule that a chunked body broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ChunkedErrorKind {
    /// A chunk does not begin with a hexadecimal digit.
    #[error("chunk size must begin with a hexadecimal digit")]
    Size,
    /// More than 16 digits.
    #[error("chunk size of more than 16 digits")]
    SizeTooLong,
    /// What follows the size is neither CRLF nor an extension.
    #[error("chunk size must be followed by CRLF or `;`")]
    AfterSize,
    /// An extension that is not `; name`, `; name=token` or `; name="string"`.
    #[error("malformed chunk extension")]
    Extension,
    /// More extension bytes than allowed.
    #[error("too many bytes of chunk extensions")]
    ExtensionsTooLong,
    /// CR without LF.
    #[error("chunk line must end with CRLF")]
    LineEnd,
    /// Chunk data that is not followed by CRLF.
    #[error("chunk data must be followed by CRLF")]
    DataEnd,
}

/// A chunked body that cannot be accepted, whatever comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("{kind} (byte {offset} of the coded body)")]
pub struct ChunkedError {
    /// The broken rule.
    pub kind: ChunkedErrorKind,
    /// The offset of the offending byte from the start of the coded body.
    pub offset: u64,
}

/// What a step of decoding found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// All input was framing, or no data is wanted: `consumed` bytes are done with.
    More {
        /// Bytes of the input to drop.
        consumed: usize,
    },
    /// Data of a chunk: `skip` bytes of framing, then `len` bytes of data.
    Data {
        /// Bytes of the input to drop.
        skip: usize,
        /// Bytes of data behind them; at least 1.
        len: usize,
    },
    /// The last chunk: the trailer section (perhaps just its empty line) begins after `consumed` bytes.
    Trailers {
        /// Bytes of the input to drop.
        consumed: usize,
    },
}

/// Decodes one chunked body, except for its trailer section.
#[derive(Debug, Clone)]
pub struct ChunkedDecoder {
    state: State,
    size: u64,
    extension_room: usize,
    offset: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the size, so many digits of which are read.
    Size(u8),
    /// In white space that an extension must follow.
    SizeSpace,
    /// Behind `;`.
    NameStart,
    Name,
    NameSpace,
    /// Behind `=`.
    ValueStart,
    Token,
    Quoted,
    QuotedPair,
    QuotedEnd,
    ValueSpace,
    /// Behind the CR of the size line.
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Done,
}

impl ChunkedDecoder {
    /// A decoder at the start of a body that may have `extensions` bytes of chunk extensions in all.
    #[must_use]
    pub const fn new(extensions: usize) -> ChunkedDecoder {
        ChunkedDecoder { state: State::Size(0), size: 0, extension_room: extensions, offset: 0 }
    }

    /// True once the last chunk has been seen.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Decodes until data (at most `window` bytes of it), the last chunk, or the end of the input is reached. The
    /// caller drops what the step names before the next call.
    ///
    /// # Errors
    /// The first broken rule. Decoding cannot go on after it.
    pub fn step(&mut self, input: &[u8], window: usize) -> Result<Step, ChunkedError> {
        if self.state == State::Done {
            return Ok(Step::Trailers { consumed: 0 });
        }
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            if self.state == State::Data {
                let available = input.len() - at;
                let len = usize::try_from(self.size).unwrap_or(usize::MAX).min(available).min(window);
                if len == 0 {
                    break;
                }
                self.size -= len as u64;
                if self.size == 0 {
                    self.state = State::DataCr;
                }
                self.offset += (at + len) as u64;
                return Ok(Step::Data { skip: at, len });
            }
            self.framing(byte).map_err(|kind| ChunkedError { kind, offset: self.offset + at as u64 })?;
            at += 1;
            if self.state == State::Done {
                self.offset += at as u64;
                return Ok(Step::Trailers { consumed: at });
            }
        }
        self.offset += at as u64;
        Ok(Step::More { consumed: at })
    }

    /// Takes one byte that is not data.
    #[inline]
    fn framing(&mut self, byte: u8) -> Result<(), ChunkedErrorKind> {
        use ChunkedErrorKind as Kind;
        self.state = match (self.state, byte) {
            (State::Size(digits), _) => match hex_digit(byte) {
                Some(_) if digits == MAX_SIZE_DIGITS => return Err(Kind::SizeTooLong),
                Some(digit) => {
                    self.size = self.size << 4 | u64::from(digit);
                    State::Size(digits + 1)
                }
                None if digits == 0 => return Err(Kind::Size),
                None => match byte {
                    b'\r' => State::SizeLf,
                    b';' => State::NameStart,
                    b' ' | b'\t' => State::SizeSpace,
                    _ => return Err(Kind::AfterSize),
                },
            },
            (State::SizeLf, b'\n') if self.size == 0 => State::Done,
            (State::SizeLf, b'\n') => State::Data,
            (State::SizeLf, _) => return Err(Kind::LineEnd),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size(0),
            (State::DataCr | State::DataLf, _) => return Err(Kind::DataEnd),
            (state, _) => {
                self.extension_room = self.extension_room.checked_sub(1).ok_or(Kind::ExtensionsTooLong)?;
                extension(state, byte)?
            }
        };
        Ok(())
    }
}

/// chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ), then CRLF.
fn extension(state: State, byte: u8) -> Result<State, ChunkedErrorKind> {
    use State::{
        Name, NameSpace, NameStart, Quoted, QuotedEnd, QuotedPair, SizeSpace, Token, ValueSpace, ValueStart,
    };
    let space = matches!(byte, b' ' | b'\t');
    Ok(match (state, byte) {
        (SizeSpace | NameStart | NameSpace | ValueStart | ValueSpace, _) if space => state,
        (SizeSpace, b';') => NameStart,
        (SizeSpace, _) => return Err(ChunkedErrorKind::AfterSize),
        (NameStart | Name, _) if is_tchar(byte) => Name,
        (Name, _) if space => NameSpace,
        (Name | NameSpace, b'=') => ValueStart,
        (ValueStart, b'"') => Quoted,
        (ValueStart | Token, _) if is_tchar(byte) => Token,
        (Quoted, b'"') => QuotedEnd,
        (Quoted, b'\\') => QuotedPair,
        // quoted-string: HTAB, SP, VCHAR and obs-text (RFC 9110 §5.6.4).
        (Quoted | QuotedPair, b'\t' | b' '..=b'~' | 0x80..) => Quoted,
        (Token | QuotedEnd, _) if space => ValueSpace,
        (Name | NameSpace | Token | QuotedEnd | ValueSpace, b';') => NameStart,
        (Name | Token | QuotedEnd, b'\r') => State::SizeLf,
        _ => return Err(ChunkedErrorKind::Extension),
    })
}

/// Writes the line before `len` bytes of data; the data and CRLF follow. A length of 0 would end the body:
/// nothing is written for it.
pub fn write_chunk_start(out: &mut Vec<u8>, len: usize) {
    if len > 0 {
        write_hex(out, len as u64);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    /// Data, and what is left behind the last chunk.
    type Decoded = (Vec<u8>, Vec<u8>);

    /// Decodes `input` in parts of at most `part` bytes.
    fn decode(input: &[u8], part: usize) -> Result<Option<Decoded>, ChunkedError> {
        let mut decoder = ChunkedDecoder::new(64);
        let mut data = Vec::new();
        let mut rest = input;
        while !rest.is_empty() {
            let offered = &rest[..rest.len().min(part)];
            match decoder.step(offered, usize::MAX)? {
                Step::More { consumed } => rest = &rest[consumed..],
                Step::Data { skip, len } => {
                    data.extend_from_slice(&rest[skip..skip + len]);
                    rest = &rest[skip + len..];
                }
                Step::Trailers { consumed } => return Ok(Some((data, rest[consumed..].to_vec()))),
            }
        }
        Ok(None)
    }

    #[test]
    fn good_bodies_in_parts_of_any_size() {
        for (input, expected) in [
            ("5\r\nhello\r\n0\r\n\r\n", "hello"),
            ("1\r\na\r\nA\r\n0123456789\r\n000\r\n\r\n", "a0123456789"),
            ("5;a=b;c=\"q;\\\"x\"\r\nhello\r\n0;z\r\n\r\n", "hello"),
            ("5 ; a = b\r\nhello\r\n0\r\n\r\n", "hello"),
            ("0\r\n\r\n", ""),
        ] {
            for part in 1..=input.len() {
                let (data, rest) = decode(input.as_bytes(), part).unwrap().unwrap();
                assert_eq!(String::from_utf8(data).unwrap(), expected, "{input:?} in {part}");
                assert_eq!(rest, b"\r\n");
            }
            for cut in 0..input.len() - 2 {
                assert_eq!(decode(&input.as_bytes()[..cut], usize::MAX), Ok(None), "{input:?} to {cut}");
            }
        }
    }

    #[test]
    fn bad_bodies_name_the_rule_and_the_byte() {
        use ChunkedErrorKind as Kind;
        for (input, kind, offset) in [
            ("\r\nhello", Kind::Size, 0),
            ("+5\r\n", Kind::Size, 0),
            ("-0\r\n", Kind::Size, 0),
            (" 5\r\n", Kind::Size, 0),
            ("5g\r\n", Kind::AfterSize, 1),
            ("0x5\r\n", Kind::AfterSize, 1),
            ("5_0\r\n", Kind::AfterSize, 1),
            ("5\nhello", Kind::AfterSize, 1),
            ("10000000000000005\r\n", Kind::SizeTooLong, 16),
            ("00000000000000000\r\n", Kind::SizeTooLong, 16),
            ("5\r\r\n", Kind::LineEnd, 2),
            ("5\r\nhelloX\r\n", Kind::DataEnd, 8),
            ("5\r\nhello\n", Kind::DataEnd, 8),
            ("5\r\nhello\rX", Kind::DataEnd, 9),
            ("5;\0a\r\n", Kind::Extension, 2),
            ("5;a\n", Kind::Extension, 3),
            ("5;\r\n", Kind::Extension, 2),
            ("5;=b\r\n", Kind::Extension, 2),
            ("5;a=\r\n", Kind::Extension, 4),
            ("5;a=\"b\r\n", Kind::Extension, 6),
            ("5;a \r\n", Kind::Extension, 4),
            ("5 \r\n", Kind::AfterSize, 2),
            ("5 abc\r\n", Kind::AfterSize, 2),
        ] {
            for part in 1..=input.len() {
                let error = decode(input.as_bytes(), part).unwrap_err();
                assert_eq!(error, ChunkedError { kind, offset }, "{input:?} in {part}");
            }
        }
    }

    #[test]
    fn extensions_are_bounded_over_the_whole_body() {
        let mut body = Vec::new();
        for _ in 0..20 {
            body.extend_from_slice(b"1;abc\r\nx\r\n");
        }
        assert_eq!(decode(&body, 7).unwrap_err().kind, ChunkedErrorKind::ExtensionsTooLong);
    }

    #[test]
    fn a_window_bounds_the_data_and_a_closed_one_stops() {
        let mut decoder = ChunkedDecoder::new(0);
        assert_eq!(decoder.step(b"5\r\nhello", 2), Ok(Step::Data { skip: 3, len: 2 }));
        assert_eq!(decoder.step(b"llo", 0), Ok(Step::More { consumed: 0 }));
        assert_eq!(decoder.step(b"llo\r\n", 9), Ok(Step::Data { skip: 0, len: 3 }));
    }
}
