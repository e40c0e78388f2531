use core::ops::Range;

use wirelace_wire::scan::end_of_target;
use wirelace_wire::token::end_of_token;

use super::error::{HeadError, HeadErrorKind};
use super::fields::{Rules, field_lines, resume_field_lines};
use super::resume::{HeadScan, Line, Stop, chunk, clamp, error, odd_line_end};
use super::types::{FieldSink, HeadLimits, MAX_EMPTY_LINES, RequestLeniency, Status, Version};

/// Where the parts of a request line lie in the buffer (RFC 9112 §3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestIndex {
    /// The method, a token.
    pub method: Range<usize>,
    /// The target, its form not checked.
    pub target: Range<usize>,
    /// The version.
    pub version: Version,
    /// The length of the whole head: where the body begins.
    pub len: usize,
}

/// Scans the head of a request at the start of `buf`, or goes on with it.
///
/// Field lines go to `sink` one by one as they are complete; `Complete` resets `scan` for the next
/// head.
///
/// # Errors
/// The first broken rule, as soon as the bytes that break it are there.
#[inline]
pub fn scan_request<S: FieldSink>(
    buf: &[u8],
    scan: &mut HeadScan<RequestIndex>,
    limits: &HeadLimits,
    leniency: RequestLeniency,
    sink: &mut S,
) -> Result<Status<RequestIndex>, HeadError> {
    if !scan.is_fresh() {
        return resume(buf, scan, limits, leniency, sink);
    }
    let seen = clamp(buf, limits.head);
    let mut index = match request_line(seen, limits, leniency.bare_lf, Line::at(0)) {
        Ok(index) => index,
        Err(stop) => return scan.stopped(stop, seen.len(), limits.head),
    };
    match field_lines(seen, index.len, Line::at(index.len), rules(leniency), sink) {
        Ok(len) => {
            index.len = len;
            Ok(Status::Complete(index))
        }
        Err(stop) => {
            scan.index = Some(index);
            scan.stopped(stop, seen.len(), limits.head)
        }
    }
}

const fn rules(leniency: RequestLeniency) -> Rules {
    Rules { bare_lf: leniency.bare_lf, fold: false, space_before_colon: false }
}

#[cold]
fn resume<S: FieldSink>(
    buf: &[u8],
    scan: &mut HeadScan<RequestIndex>,
    limits: &HeadLimits,
    leniency: RequestLeniency,
    sink: &mut S,
) -> Result<Status<RequestIndex>, HeadError> {
    let seen = clamp(buf, limits.head);
    let (index, line) = match scan.index.take() {
        Some(index) => (index, scan.line),
        None => match request_line(seen, limits, leniency.bare_lf, scan.line) {
            Ok(index) => {
                let line = Line::at(index.len);
                (index, line)
            }
            Err(stop) => return scan.stopped(stop, seen.len(), limits.head),
        },
    };
    match resume_field_lines(seen, index.len, line, rules(leniency), sink) {
        Ok(len) => {
            *scan = HeadScan::new();
            Ok(Status::Complete(RequestIndex { len, ..index }))
        }
        Err(stop) => {
            scan.index = Some(index);
            scan.stopped(stop, seen.len(), limits.head)
        }
    }
}

/// The request line; its `len` is where the next line starts.
#[inline(always)]
fn request_line(
    buf: &[u8],
    limits: &HeadLimits,
    bare_lf: bool,
    mut line: Line,
) -> Result<RequestIndex, Stop> {
    let buf = clamp(buf, limits.start_line);
    let mut method_end = line.first;
    if method_end == 0 {
        // Most requests are this one.
        method_end = match chunk(buf, 0) {
            Some(first) if first == b"GET " && line.start == 0 => 3,
            _ => end_of_token(buf, line.from(line.start)),
        };
        if method_end == line.start {
            line = Line::at(empty_lines(buf, bare_lf)?);
            method_end = end_of_token(buf, line.start);
        }
        if method_end - line.start > limits.method {
            return error(HeadErrorKind::MethodTooLong, line.start + limits.method);
        }
        if buf.get(method_end) != Some(&b' ') || method_end == line.start {
            return odd_method(buf, method_end, line, limits);
        }
    }
    let target = method_end + 1;
    let target_end = if line.second != 0 { line.second } else { end_of_target(buf, line.from(target)) };
    let index = |version, len| RequestIndex {
        method: line.start..method_end,
        target: target..target_end,
        version,
        len,
    };
    if target_end != target {
        // Comparisons, not patterns: those look at each byte alone.
        let rest = chunk(buf, target_end);
        if rest == Some(b" HTTP/1.1\r\n") {
            return Ok(index(Version::Http11, target_end + 11));
        }
        if rest == Some(b" HTTP/1.0\r\n") {
            return Ok(index(Version::Http10, target_end + 11));
        }
    }
    let line = Line { start: line.start, first: method_end, second: 0, scanned: target_end };
    match odd_version(buf, target_end, target_end == target, bare_lf, line) {
        Ok((version, len)) => Ok(index(version, len)),
        Err(Stop::Partial(_)) if buf.len() >= limits.start_line => {
            error(HeadErrorKind::TargetTooLong, limits.start_line)
        }
        Err(stop) => Err(stop),
    }
}

/// The start of the request line behind empty lines (RFC 9112 §2.2).
#[cold]
fn empty_lines(buf: &[u8], bare_lf: bool) -> Result<usize, Stop> {
    let mut at = 0;
    for _ in 0..=MAX_EMPTY_LINES {
        match buf.get(at) {
            Some(b'\r' | b'\n') => {
                at = match odd_line_end(buf, at, bare_lf, Line::at(0), HeadErrorKind::Method) {
                    // Few bytes: they are looked at again from the start.
                    Err(Stop::Partial(_)) => return Err(Stop::Partial(Line::at(0))),
                    other => other?,
                };
            }
            _ => return Ok(at),
        }
    }
    error(HeadErrorKind::EmptyLines, at)
}

/// A method that no space follows: incomplete or wrong.
#[cold]
fn odd_method(buf: &[u8], method_end: usize, line: Line, limits: &HeadLimits) -> Result<RequestIndex, Stop> {
    if method_end < buf.len() {
        return error(HeadErrorKind::Method, method_end);
    }
    if buf.len() >= limits.start_line {
        return error(HeadErrorKind::MethodTooLong, limits.start_line);
    }
    Err(Stop::Partial(match method_end - line.start {
        // Empty lines at most: they are looked at again from the start.
        0 => Line::at(0),
        _ => Line { scanned: method_end, ..line },
    }))
}

/// What follows the target, where it is not exactly ` HTTP/1.1` and CRLF.
#[cold]
fn odd_version(
    buf: &[u8],
    target_end: usize,
    empty_target: bool,
    bare_lf: bool,
    line: Line,
) -> Result<(Version, usize), Stop> {
    match buf.get(target_end) {
        None => return Err(Stop::Partial(line)),
        Some(_) if empty_target => return error(HeadErrorKind::Target, target_end),
        Some(b' ') => {}
        Some(b'\r' | b'\n') => return error(HeadErrorKind::Version, target_end),
        Some(_) => return error(HeadErrorKind::Target, target_end),
    }
    let line = Line { second: target_end, ..line };
    let at = target_end + 1;
    let version = read_version(buf, at, line)?;
    let len = odd_line_end(buf, at + 8, bare_lf, line, HeadErrorKind::Version)?;
    match version {
        Some(version) => Ok((version, len)),
        None => error(HeadErrorKind::UnsupportedVersion, at),
    }
}

/// `HTTP/x.y` at `at`; `None` for versions other than 1.0 and 1.1. `line` is for the case that it
/// is not all there.
pub(super) fn read_version(buf: &[u8], at: usize, line: Line) -> Result<Option<Version>, Stop> {
    const PATTERN: &[u8; 8] = b"HTTP/0.0";
    for (offset, &expected) in PATTERN.iter().enumerate() {
        match buf.get(at + offset) {
            None => return Err(Stop::Partial(line)),
            Some(&byte) if byte == expected || (expected == b'0' && byte.is_ascii_digit()) => {}
            Some(_) => return error(HeadErrorKind::Version, at + offset),
        }
    }
    Ok(match chunk(buf, at) {
        Some(b"HTTP/1.1") => Some(Version::Http11),
        Some(b"HTTP/1.0") => Some(Version::Http10),
        _ => None,
    })
}
