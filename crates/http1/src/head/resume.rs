use super::error::{HeadError, HeadErrorKind};
use super::types::Status;

/// How far the scan of one head has come: kept between calls while its input arrives.
///
/// The buffer must begin with the same bytes at each call, and the sink keeps what it was told.
/// `I` is what the first line gives: [`RequestIndex`](super::RequestIndex),
/// [`ResponseIndex`](super::ResponseIndex), or `()` for a trailer section.
#[derive(Debug, Clone)]
pub struct HeadScan<I> {
    /// The first line, once complete.
    pub(super) index: Option<I>,
    /// The line that is not complete.
    pub(super) line: Line,
}

impl<I> Default for HeadScan<I> {
    fn default() -> Self {
        Self { index: None, line: Line::at(0) }
    }
}

impl<I> HeadScan<I> {
    /// Nothing scanned yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { index: None, line: Line::at(0) }
    }

    /// How many bytes of the buffer need not be looked at again.
    #[must_use]
    pub const fn scanned(&self) -> usize {
        if self.line.scanned > self.line.start { self.line.scanned } else { self.line.start }
    }

    /// Whether the first line is complete.
    #[must_use]
    pub const fn has_first_line(&self) -> bool {
        self.index.is_some()
    }

    #[inline(always)]
    pub(super) fn is_fresh(&self) -> bool {
        self.index.is_none() && self.line.scanned == 0 && self.line.start == 0
    }

    /// What an interrupted scan of the first `limit` bytes means to the caller.
    #[cold]
    pub(super) fn stopped<T>(
        &mut self,
        stop: Stop,
        seen: usize,
        limit: usize,
    ) -> Result<Status<T>, HeadError> {
        match stop {
            Stop::Error(error) => Err(error),
            Stop::Partial(_) if seen >= limit => Err(HeadError::new(HeadErrorKind::TooLarge, limit)),
            Stop::Partial(line) => {
                self.line = line;
                Ok(Status::Partial)
            }
        }
    }
}

/// A line that is not all there: its start, the ends of its parts as far as they are known (0 when
/// not), and how far the part that is open has been checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) start: usize,
    /// End of the method or of the field name.
    pub(super) first: usize,
    /// End of the target, or start of the field value.
    pub(super) second: usize,
    pub(super) scanned: usize,
}

impl Line {
    #[inline(always)]
    pub(super) const fn at(start: usize) -> Self {
        Self { start, first: 0, second: 0, scanned: 0 }
    }

    /// Where to go on inside a part that starts at `part`.
    #[inline(always)]
    pub(super) fn from(&self, part: usize) -> usize {
        if self.scanned > part { self.scanned } else { part }
    }
}

/// Why a scan did not reach the end.
#[derive(Debug)]
pub(super) enum Stop {
    Partial(Line),
    Error(HeadError),
}

#[cold]
pub(super) fn error<T>(kind: HeadErrorKind, offset: usize) -> Result<T, Stop> {
    Err(Stop::Error(HeadError::new(kind, offset)))
}

/// The first `limit` bytes of `buf`.
#[inline(always)]
pub(super) fn clamp(buf: &[u8], limit: usize) -> &[u8] {
    buf.get(..limit).unwrap_or(buf)
}

#[inline(always)]
pub(super) fn chunk<const N: usize>(buf: &[u8], at: usize) -> Option<&[u8; N]> {
    buf.get(at..).and_then(|rest| rest.first_chunk::<N>())
}

/// The position after the line end at `at`, where the expected CRLF was not found.
///
/// `other` is the error when no line end begins there.
#[cold]
pub(super) fn odd_line_end(
    buf: &[u8],
    at: usize,
    bare_lf: bool,
    line: Line,
    other: HeadErrorKind,
) -> Result<usize, Stop> {
    match buf.get(at..).unwrap_or_default() {
        [] | [b'\r'] => Err(Stop::Partial(Line { scanned: at, ..line })),
        [b'\r', b'\n', ..] => Ok(at + 2),
        [b'\n', ..] if bare_lf => Ok(at + 1),
        [b'\r', _, ..] => error(HeadErrorKind::LineEnd, at + 1),
        [b'\n', ..] => error(HeadErrorKind::LineEnd, at),
        _ => error(other, at),
    }
}
