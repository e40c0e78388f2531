//! The annotated tree: one line a field, with its offset and the section of the RFC that defines it.

use std::fmt::{self, Display};
use std::io::{self, Write};

/// Bytes of a value that are shown.
const SHOWN: usize = 72;

/// Writes the lines.
pub(super) struct Tree<W> {
    out: W,
    depth: usize,
}

impl<W: Write> Tree<W> {
    pub(super) fn new(out: W) -> Tree<W> {
        Tree { out, depth: 0 }
    }

    /// One line: the offset of its first byte, where it is defined, what it is.
    pub(super) fn line(&mut self, offset: usize, section: &str, text: impl Display) -> io::Result<()> {
        writeln!(self.out, "{offset:>8}  {section:<18} {:indent$}{text}", "", indent = self.depth * 2)
    }

    /// A line with others below it, until [`close`](Tree::close).
    pub(super) fn open(&mut self, offset: usize, section: &str, text: impl Display) -> io::Result<()> {
        self.line(offset, section, text)?;
        self.depth += 1;
        Ok(())
    }

    /// Ends the last [`open`](Tree::open).
    pub(super) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// So many of what a word says.
pub(super) struct Count(pub(super) usize, pub(super) &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count(count, word) = *self;
        match (count, word.strip_suffix('y')) {
            (1, _) => write!(f, "1 {word}"),
            (_, Some(stem)) => write!(f, "{count} {stem}ies"),
            (_, None) => write!(f, "{count} {word}s"),
        }
    }
}

/// Bytes in quotes, escaped, cut where they are long.
pub(super) struct Quoted<'a>(pub(super) &'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        escaped(self.0, true, f)?;
        f.write_str("\"")
    }
}

/// As [`Quoted`], without the quotes.
pub(super) struct Plain<'a>(pub(super) &'a [u8]);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(self.0, false, f)
    }
}

/// Nothing that a terminal would act on gets through.
fn escaped(bytes: &[u8], quoted: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for &byte in bytes.iter().take(SHOWN) {
        match byte {
            b'"' | b'\'' if !quoted || byte == b'\'' => write!(f, "{}", char::from(byte))?,
            byte => write!(f, "{}", byte.escape_ascii())?,
        }
    }
    if bytes.len() > SHOWN { f.write_str("…") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        let words = [0, 1, 2].map(|count| format!("{}, {}", Count(count, "octet"), Count(count, "entry")));
        assert_eq!(words, ["0 octets, 0 entries", "1 octet, 1 entry", "2 octets, 2 entries"]);
    }

    #[test]
    fn values_are_escaped_and_cut() {
        assert_eq!(Quoted(b"a\"b'\r\n\x1b[31m\xff").to_string(), r#""a\"b'\r\n\x1b[31m\xff""#);
        assert_eq!(Plain(b"W/\"x\"").to_string(), r#"W/"x""#);
        assert_eq!(Plain(&[b'a'; 100]).to_string(), "a".repeat(SHOWN) + "…");
    }
}
