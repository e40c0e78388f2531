//! A body in the chunked transfer coding, and its trailer section.

use std::io::{self, Write};
use std::ops::Range;

use wirelace::http1::chunked::{ChunkedDecoder, Step};
use wirelace::http1::head::{FieldSink, HeadScan, Status, scan_trailers};

use super::sections;
use super::tree::{Plain, Quoted, Tree};
use super::wrong::{Stop, wrong};

/// Writes the tree of the body that starts at `start` and returns where it ends.
pub(super) fn decode(input: &[u8], start: usize, tree: &mut Tree<impl Write>) -> Result<usize, Stop> {
    let mut decoder = ChunkedDecoder::new(usize::MAX);
    let mut at = start;
    loop {
        let rest = input.get(at..).unwrap_or_default();
        let step = decoder.step(rest, usize::MAX).map_err(|error| {
            // Offsets of the decoder count from the start of the body.
            let offset = start.saturating_add(usize::try_from(error.offset).unwrap_or(usize::MAX));
            wrong(offset, format_args!("{} (RFC 9112 §7.1)", error.kind))
        })?;
        match step {
            Step::Data { skip, len } => {
                let size = size_line(input, at..at + skip, tree)?;
                let data = input.get(at + skip..at + skip + len).unwrap_or_default();
                let text = format_args!("data, {len} bytes: {}", Quoted(data));
                tree.line(at + skip, "RFC 9112 §7.1", text)?;
                at += skip + len;
                if size > len as u64 {
                    let rule =
                        format!("the input ends within a chunk, {} bytes before its end", size - len as u64);
                    return Err(wrong(at, rule + " (RFC 9112 §7.1)"));
                }
            }
            Step::Trailers { consumed } => {
                size_line(input, at..at + consumed, tree)?;
                return trailers(input, at + consumed, tree);
            }
            Step::More { consumed } => {
                return Err(wrong(at + consumed, "the input ends within the chunked body (RFC 9112 §7.1)"));
            }
        }
    }
}

/// The line before a chunk's data. The decoder has found it to be right; `range` may begin with the CRLF after
/// the data before.
fn size_line(input: &[u8], range: Range<usize>, tree: &mut Tree<impl Write>) -> io::Result<u64> {
    let line = input.get(range.clone()).unwrap_or_default();
    let text = line.strip_prefix(b"\r\n").unwrap_or(line);
    let start = range.start + (line.len() - text.len());
    let text = text.strip_suffix(b"\r\n").unwrap_or(text);
    let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, extension) = text.split_at(digits);
    let size = digits
        .iter()
        .fold(0u64, |size, &digit| size << 4 | u64::from(char::from(digit).to_digit(16).unwrap_or_default()));
    let last = if size == 0 { ", the last chunk" } else { "" };
    tree.line(start, "RFC 9112 §7.1", format_args!("chunk size: {} ({size}){last}", Plain(digits)))?;
    if !extension.is_empty() {
        let text = format_args!("chunk extension: {}", Plain(extension));
        tree.line(start + digits.len(), "RFC 9112 §7.1.1", text)?;
    }
    Ok(size)
}

fn trailers(input: &[u8], at: usize, tree: &mut Tree<impl Write>) -> Result<usize, Stop> {
    let section = input.get(at..).unwrap_or_default();
    let mut fields = Collected(Vec::new());
    let found = scan_trailers(section, &mut HeadScan::new(), usize::MAX, &mut fields);
    for (name, value) in fields.0 {
        let offset = at + name.start;
        let name = section.get(name).unwrap_or_default();
        let value = section.get(value).unwrap_or_default();
        let section = match sections::of_field(name) {
            "RFC 9110 §5" => "RFC 9112 §7.1.2",
            section => section,
        };
        tree.line(offset, section, format_args!("trailer {}: {}", Plain(name), Plain(value)))?;
    }
    match found {
        Ok(Status::Complete(length)) => {
            tree.line(at + length - 2, "RFC 9112 §7.1", "end of the chunked body")?;
            Ok(at + length)
        }
        Ok(Status::Partial) => {
            Err(wrong(input.len(), "the input ends within the trailer section (RFC 9112 §7.1.2)"))
        }
        Err(error) => {
            let rule = format_args!("{} ({})", error.kind, sections::of_rule(error.kind));
            Err(wrong(at + error.offset, rule))
        }
    }
}

struct Collected(Vec<(Range<usize>, Range<usize>)>);

impl FieldSink for Collected {
    fn field(&mut self, name: Range<usize>, value: Range<usize>) -> bool {
        self.0.push((name, value));
        true
    }
}
