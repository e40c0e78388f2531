use core::ops::Range;

use wirelace_wire::scan::{end_of_field_value, end_of_printable};

use super::error::{HeadError, HeadErrorKind};
use super::fields::{Rules, field_lines, resume_field_lines};
use super::request::read_version;
use super::resume::{HeadScan, Line, Stop, chunk, clamp, error, odd_line_end};
use super::types::{FieldSink, HeadLimits, ResponseLeniency, Status, Version};

/// Where the parts of a status line lie in the buffer (RFC 9112 §4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseIndex {
    /// The version.
    pub version: Version,
    /// The status code, 100 to 999.
    pub status: u16,
    /// The reason phrase, perhaps empty.
    pub reason: Range<usize>,
    /// The length of the whole head: where the body begins.
    pub len: usize,
}

/// Scans the head of a response at the start of `buf`, or goes on with it; of `limits` only
/// [`head`](HeadLimits::head) counts.
///
/// Field lines go to `sink` one by one as they are complete; `Complete` resets `scan` for the next
/// head.
///
/// # Errors
/// The first broken rule, as soon as the bytes that break it are there.
#[inline]
pub fn scan_response<S: FieldSink>(
    buf: &[u8],
    scan: &mut HeadScan<ResponseIndex>,
    limits: &HeadLimits,
    leniency: ResponseLeniency,
    sink: &mut S,
) -> Result<Status<ResponseIndex>, HeadError> {
    if !scan.is_fresh() {
        return resume(buf, scan, limits, leniency, sink);
    }
    let seen = clamp(buf, limits.head);
    let mut index = match status_line(seen, leniency, Line::at(0)) {
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

const fn rules(leniency: ResponseLeniency) -> Rules {
    Rules { bare_lf: leniency.bare_lf, fold: leniency.fold, space_before_colon: leniency.space_before_colon }
}

#[cold]
fn resume<S: FieldSink>(
    buf: &[u8],
    scan: &mut HeadScan<ResponseIndex>,
    limits: &HeadLimits,
    leniency: ResponseLeniency,
    sink: &mut S,
) -> Result<Status<ResponseIndex>, HeadError> {
    let seen = clamp(buf, limits.head);
    let (index, line) = match scan.index.take() {
        Some(index) => (index, scan.line),
        None => match status_line(seen, leniency, scan.line) {
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
            Ok(Status::Complete(ResponseIndex { len, ..index }))
        }
        Err(stop) => {
            scan.index = Some(index);
            scan.stopped(stop, seen.len(), limits.head)
        }
    }
}

/// The status line; its `len` is where the next line starts.
#[inline(always)]
fn status_line(buf: &[u8], leniency: ResponseLeniency, line: Line) -> Result<ResponseIndex, Stop> {
    let start = match chunk(buf, 9) {
        Some(&[a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b' '])
            if chunk(buf, 0) == Some(b"HTTP/1.1 ") =>
        {
            Start { version: Version::Http11, status: code(a, b, c), reason: Some(13) }
        }
        _ => odd_start(buf, leniency)?,
    };
    let Start { version, status, reason } = start;
    let (reason, mut line_end) = match reason {
        Some(reason) => (reason, end_of_printable(buf, line.from(reason))),
        None => (12, 12),
    };
    let len = if chunk(buf, line_end) == Some(b"\r\n") {
        line_end + 2
    } else {
        if line_end > 12 {
            line_end = end_of_field_value(buf, line_end);
        }
        odd_line_end(buf, line_end, leniency.bare_lf, Line::at(0), HeadErrorKind::Reason)?
    };
    Ok(ResponseIndex { version, status, reason: reason..line_end, len })
}

/// What comes before the reason phrase, and where that begins, if it may.
struct Start {
    version: Version,
    status: u16,
    reason: Option<usize>,
}

#[inline(always)]
const fn code(a: u8, b: u8, c: u8) -> u16 {
    (a - b'0') as u16 * 100 + (b - b'0') as u16 * 10 + (c - b'0') as u16
}

/// A start that is not exactly `HTTP/1.1`, SP, a status code and SP.
#[cold]
fn odd_start(buf: &[u8], leniency: ResponseLeniency) -> Result<Start, Stop> {
    // Few bytes: they are looked at again from the start.
    let partial = Line::at(0);
    let version = read_version(buf, 0, partial)?;
    match buf.get(8) {
        None => return Err(Stop::Partial(partial)),
        Some(b' ') => {}
        Some(_) => return error(HeadErrorKind::Version, 8),
    }
    let Some(version) = version else { return error(HeadErrorKind::UnsupportedVersion, 0) };
    let mut status = 0;
    for at in 9..12 {
        match buf.get(at) {
            None => return Err(Stop::Partial(partial)),
            Some(&digit) if digit.is_ascii_digit() && (at > 9 || digit != b'0') => {
                status = status * 10 + u16::from(digit - b'0');
            }
            Some(_) => return error(HeadErrorKind::StatusCode, at),
        }
    }
    let reason = match buf.get(12) {
        None => return Err(Stop::Partial(partial)),
        Some(b' ') => Some(13),
        Some(b'\r' | b'\n') if leniency.missing_reason => None,
        Some(_) => return error(HeadErrorKind::StatusCode, 12),
    };
    Ok(Start { version, status, reason })
}
