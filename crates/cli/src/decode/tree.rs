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

/// Bytes in quotes, escaped, cut where they are long.
pub(super) struct Quoted<'a>(pub(super) &'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Quoted(bytes) = self;
        write!(f, "\"{}\"", Plain(bytes))
    }
}

/// As [`Quoted`], without the quotes.
pub(super) struct Plain<'a>(pub(super) &'a [u8]);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plain(bytes) = self;
        match bytes.split_at_checked(SHOWN) {
            Some((shown, rest)) if !rest.is_empty() => write!(f, "{}…", shown.escape_ascii()),
            _ => write!(f, "{}", bytes.escape_ascii()),
        }
    }
}
