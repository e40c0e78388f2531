use core::ops::Range;

use wirelace_wire::field::{trim_ows_end, trim_ows_start};
use wirelace_wire::scan::{end_of_field_value, end_of_printable};
use wirelace_wire::token::end_of_token;

use super::error::{HeadError, HeadErrorKind};
use super::resume::{HeadScan, Line, Stop, chunk, clamp, error, odd_line_end};
use super::types::{FieldSink, Status};

/// What may deviate in field lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) bare_lf: bool,
    pub(super) fold: bool,
    pub(super) space_before_colon: bool,
}

/// Scans a trailer section (RFC 9112 §7.1.2): field lines and the empty line that ends a chunked
/// message, always strictly. `limit` is the largest section in bytes; `Complete` gives its length.
///
/// # Errors
/// The first broken rule; [`TooLarge`](HeadErrorKind::TooLarge) beyond `limit`.
pub fn scan_trailers<S: FieldSink>(
    buf: &[u8],
    scan: &mut HeadScan<()>,
    limit: usize,
    sink: &mut S,
) -> Result<Status<usize>, HeadError> {
    const STRICT: Rules = Rules { bare_lf: false, fold: false, space_before_colon: false };
    let seen = clamp(buf, limit);
    let result = if scan.is_fresh() {
        field_lines(seen, 0, Line::at(0), STRICT, sink)
    } else {
        resume_field_lines(seen, 0, scan.line, STRICT, sink)
    };
    match result {
        Ok(len) => {
            *scan = HeadScan::new();
            Ok(Status::Complete(len))
        }
        Err(stop) => scan.stopped(stop, seen.len(), limit),
    }
}

#[cold]
pub(super) fn resume_field_lines<S: FieldSink>(
    buf: &[u8],
    section: usize,
    line: Line,
    rules: Rules,
    sink: &mut S,
) -> Result<usize, Stop> {
    field_lines(buf, section, line, rules, sink)
}

/// The position after the empty line that ends the section which starts at `section`; `line` is
/// where to go on.
#[inline(always)]
pub(super) fn field_lines<S: FieldSink>(
    buf: &[u8],
    section: usize,
    mut line: Line,
    rules: Rules,
    sink: &mut S,
) -> Result<usize, Stop> {
    loop {
        let start = line.start;
        let name_end = if line.first != 0 { line.first } else { end_of_token(buf, line.from(start)) };
        let value = if line.second != 0 && line.first != start {
            line.second
        } else if name_end != start && chunk(buf, name_end) == Some(b": ") {
            name_end + 2
        } else if name_end != start && buf.get(name_end) == Some(&b':') {
            name_end + 1
        } else if name_end == start && chunk(buf, start) == Some(b"\r\n") {
            return Ok(start + 2);
        } else {
            match odd_line(buf, section, name_end, line, rules)? {
                Odd::Value(at) => at,
                Odd::End(at) => return Ok(at),
                Odd::Folded { fold, more, next } => {
                    // The first test is decided by the compiler: requests have no code for folds.
                    if !rules.fold || !sink.folded(fold, more) {
                        return error(HeadErrorKind::Fold, start);
                    }
                    line = Line::at(next);
                    continue;
                }
            }
        };
        let mut line_end = end_of_printable(buf, line.from(value));
        let next = if chunk(buf, line_end) == Some(b"\r\n") {
            line_end + 2
        } else {
            line_end = end_of_field_value(buf, line_end);
            let line = Line { start, first: name_end, second: value, scanned: 0 };
            odd_line_end(buf, line_end, rules.bare_lf, line, HeadErrorKind::FieldValue)?
        };
        // No octet of a value but SP and HTAB is below 0x21, and a line end is.
        let is_space = |at: usize| buf.get(at).is_some_and(|&byte| byte <= b' ');
        let value = if is_space(value) || is_space(line_end - 1) {
            trim(buf, value, line_end)
        } else {
            value..line_end
        };
        if !sink.field(start..name_end, value) {
            return error(HeadErrorKind::TooManyFields, start);
        }
        line = Line::at(next);
    }
}

/// `start..end` without the whitespace at its ends; where nothing is left, the end.
// `start` of an empty value is behind one space or not, depending on how the line came.
#[inline]
fn trim(buf: &[u8], start: usize, end: usize) -> Range<usize> {
    let value = trim_ows_start(buf.get(start..end).unwrap_or_default());
    let start = end - value.len();
    start..start + trim_ows_end(value).len()
}

enum Odd {
    /// The colon was found after whitespace; the value comes here.
    Value(usize),
    /// The section ends here.
    End(usize),
    /// The line folds the one before; see [`FieldSink::folded`].
    Folded { fold: Range<usize>, more: Range<usize>, next: usize },
}

/// A line that does not begin with a name and a colon: incomplete, wrong, or lenient.
// Without the sink, which the fast path then may keep in registers.
#[cold]
#[inline(never)]
fn odd_line(buf: &[u8], section: usize, name_end: usize, line: Line, rules: Rules) -> Result<Odd, Stop> {
    let start = line.start;
    if name_end != start {
        return match buf.get(name_end) {
            None => Err(Stop::Partial(Line { scanned: name_end, ..Line::at(start) })),
            Some(b' ' | b'\t') if rules.space_before_colon => late_colon(buf, name_end, line),
            Some(b' ' | b'\t' | b'\r' | b'\n') => error(HeadErrorKind::Colon, name_end),
            Some(_) => error(HeadErrorKind::FieldName, name_end),
        };
    }
    match buf.get(start) {
        Some(b' ' | b'\t') if rules.fold && start != section => folded(buf, line, rules.bare_lf),
        Some(b' ' | b'\t') => error(HeadErrorKind::Fold, start),
        _ => odd_line_end(buf, start, rules.bare_lf, Line::at(start), HeadErrorKind::FieldName).map(Odd::End),
    }
}

/// The start of the value behind whitespace and a colon.
fn late_colon(buf: &[u8], name_end: usize, line: Line) -> Result<Odd, Stop> {
    let mut at = line.from(name_end);
    while let Some(b' ' | b'\t') = buf.get(at) {
        at += 1;
    }
    match buf.get(at) {
        Some(b':') => Ok(Odd::Value(at + 1)),
        Some(_) => error(HeadErrorKind::Colon, at),
        None => Err(Stop::Partial(Line { start: line.start, first: name_end, second: 0, scanned: at })),
    }
}

fn folded(buf: &[u8], line: Line, bare_lf: bool) -> Result<Odd, Stop> {
    let start = line.start;
    let mut more = if line.second != 0 { line.second } else { start };
    while let Some(b' ' | b'\t') = buf.get(more) {
        more += 1;
    }
    let line_end = end_of_field_value(buf, line.from(more));
    // A name that ends where it starts marks this kind of line for the next attempt.
    let open = Line { start, first: start, second: more, scanned: 0 };
    let next = odd_line_end(buf, line_end, bare_lf, open, HeadErrorKind::FieldValue)?;
    let fold = match buf.get(..start) {
        Some([.., b'\r', b'\n']) => start - 2,
        _ => start - 1,
    };
    Ok(Odd::Folded { fold: fold..more, more: trim(buf, more, line_end), next })
}
