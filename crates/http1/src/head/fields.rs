use wirelace_wire::field::is_ows;
use wirelace_wire::scan::end_of_field_value;
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
        let mut value = if line.second != 0 && line.first != start {
            line.second
        } else if name_end != start && buf.get(name_end) == Some(&b':') {
            name_end + 1
        } else if name_end == start && chunk(buf, start) == Some(b"\r\n") {
            return Ok(start + 2);
        } else {
            match odd_line(buf, section, name_end, line, rules, sink)? {
                Odd::Value(at) => at,
                Odd::Line(at) => {
                    line = Line::at(at);
                    continue;
                }
                Odd::End(at) => return Ok(at),
            }
        };
        while let Some(b' ' | b'\t') = buf.get(value) {
            value += 1;
        }
        let line_end = end_of_field_value(buf, line.from(value));
        let next = if chunk(buf, line_end) == Some(b"\r\n") {
            line_end + 2
        } else {
            let line = Line { start, first: name_end, second: value, scanned: 0 };
            odd_line_end(buf, line_end, rules.bare_lf, line, HeadErrorKind::FieldValue)?
        };
        let value_end = trim_end(buf, value, line_end);
        if !sink.field(start..name_end, value..value_end) {
            return error(HeadErrorKind::TooManyFields, start);
        }
        line = Line::at(next);
    }
}

/// `end` moved back over whitespace, to `start` at most.
#[inline(always)]
fn trim_end(buf: &[u8], start: usize, mut end: usize) -> usize {
    while end > start && buf.get(end - 1).copied().is_some_and(is_ows) {
        end -= 1;
    }
    end
}

enum Odd {
    /// The colon was found after whitespace; the value comes here.
    Value(usize),
    /// A folded line was taken; the next one starts here.
    Line(usize),
    /// The section ends here.
    End(usize),
}

/// A line that does not begin with a name and a colon: incomplete, wrong, or lenient.
#[cold]
#[inline(never)]
fn odd_line<S: FieldSink>(
    buf: &[u8],
    section: usize,
    name_end: usize,
    line: Line,
    rules: Rules,
    sink: &mut S,
) -> Result<Odd, Stop> {
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
        Some(b' ' | b'\t') if rules.fold && start != section => {
            folded(buf, line, rules.bare_lf, sink).map(Odd::Line)
        }
        Some(b' ' | b'\t') => error(HeadErrorKind::Fold, start),
        _ => odd_line_end(buf, start, rules.bare_lf, Line::at(start), HeadErrorKind::FieldName)
            .map(Odd::End),
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

/// The start of the line after a folded one.
fn folded<S: FieldSink>(buf: &[u8], line: Line, bare_lf: bool, sink: &mut S) -> Result<usize, Stop> {
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
    if !sink.folded(fold..more, more..trim_end(buf, more, line_end)) {
        return error(HeadErrorKind::Fold, start);
    }
    Ok(next)
}
