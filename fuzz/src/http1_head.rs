//! `http1`'s head parser: against itself in pieces, and against httparse.

use crate::input::Choices;
use std::ops::Range;
use wirelace_http1::head::{
    FieldLine, FieldSink, HeadError, HeadLimits, HeadScan, RequestIndex, RequestLeniency, ResponseIndex,
    ResponseLeniency, Status, parse_request, parse_response, scan_request, scan_response, scan_trailers,
};
use wirelace_wire::{field, token};

/// Field lines that both parsers have room for.
const MAX_FIELDS: usize = 64;

#[derive(Debug, Default, PartialEq, Eq)]
struct Lines {
    lines: Vec<(Range<usize>, Range<usize>)>,
    folds: Vec<(Range<usize>, Range<usize>)>,
}

impl FieldSink for Lines {
    fn field(&mut self, name: Range<usize>, value: Range<usize>) -> bool {
        // Where an empty value lies depends on what was known of the line; that it is empty does not.
        self.lines.push((name, if value.is_empty() { 0..0 } else { value }));
        self.lines.len() <= MAX_FIELDS
    }

    fn folded(&mut self, fold: Range<usize>, more: Range<usize>) -> bool {
        self.folds.push((fold, more));
        true
    }
}

/// Any way to cut the input gives the same head, the same lines and the same error.
pub fn resumed(data: &[u8]) {
    let (payload, mut choices) = Choices::split(data, 16);
    let bits = choices.byte();
    let requests = RequestLeniency::STRICT.bare_lf(bits & 1 != 0);
    let responses = ResponseLeniency::STRICT
        .bare_lf(bits & 1 != 0)
        .fold(bits & 2 != 0)
        .space_before_colon(bits & 4 != 0)
        .missing_reason(bits & 8 != 0);
    let limits = match choices.byte() {
        0 => HeadLimits::default(),
        size => HeadLimits {
            head: usize::from(size) * 4,
            start_line: usize::from(size) * 2,
            method: usize::from(size % 32) + 1,
        },
    };
    let pieces = choices.pieces(payload);
    let fold = bits & 2 != 0;

    let request = in_pieces(&pieces, |buf, scan: &mut HeadScan<RequestIndex>, sink| {
        scan_request(buf, scan, &limits, requests, sink)
    });
    let mut whole = Lines::default();
    let once = scan_request(payload, &mut HeadScan::new(), &limits, requests, &mut whole);
    check(payload, (&request.0, &request.1), (&once, &whole), false);
    if let Ok(Status::Complete(index)) = &once {
        assert!(token::is_token(&payload[index.method.clone()]));
        assert!(payload[index.target.clone()].iter().all(|byte| (0x21..=0x7e).contains(byte)));
        assert!(index.len <= payload.len().min(limits.head) && index.method.len() <= limits.method);
    }

    let response = in_pieces(&pieces, |buf, scan: &mut HeadScan<ResponseIndex>, sink| {
        scan_response(buf, scan, &limits, responses, sink)
    });
    let mut whole = Lines::default();
    let once = scan_response(payload, &mut HeadScan::new(), &limits, responses, &mut whole);
    check(payload, (&response.0, &response.1), (&once, &whole), fold);
    if let Ok(Status::Complete(index)) = &once {
        assert!((100..=999).contains(&index.status));
        assert!(field::has_field_octets(&payload[index.reason.clone()]));
        assert!(index.len <= payload.len().min(limits.head));
    }

    let trailers =
        in_pieces(&pieces, |buf, scan: &mut HeadScan<()>, sink| scan_trailers(buf, scan, limits.head, sink));
    let mut whole = Lines::default();
    let once = scan_trailers(payload, &mut HeadScan::new(), limits.head, &mut whole);
    check(payload, (&trailers.0, &trailers.1), (&once, &whole), false);
}

/// Scans a growing buffer until something other than `Partial` comes.
fn in_pieces<I, T>(
    pieces: &[&[u8]],
    mut scan: impl FnMut(&[u8], &mut HeadScan<I>, &mut Lines) -> Result<Status<T>, HeadError>,
) -> (Result<Status<T>, HeadError>, Lines) {
    let mut state = HeadScan::new();
    let mut lines = Lines::default();
    let mut buffer = Vec::new();
    let mut result = Ok(Status::Partial);
    for piece in pieces {
        buffer.extend_from_slice(piece);
        result = scan(&buffer, &mut state, &mut lines);
        if !matches!(result, Ok(Status::Partial)) {
            break;
        }
        assert!(state.scanned() <= buffer.len());
    }
    (result, lines)
}

type Outcome<'a, T> = (&'a Result<Status<T>, HeadError>, &'a Lines);

fn check<T: PartialEq + std::fmt::Debug>(
    payload: &[u8],
    pieces: Outcome<'_, T>,
    whole: Outcome<'_, T>,
    fold: bool,
) {
    if payload.is_empty() {
        return;
    }
    assert_eq!(pieces, whole, "cutting the input changes what it means");
    for (name, value) in &whole.1.lines {
        assert!(token::is_token(&payload[name.clone()]));
        assert!(field::is_field_value(&payload[value.clone()]));
    }
    for (gap, more) in &whole.1.folds {
        assert!(fold, "folded without being allowed to");
        assert!(payload[gap.clone()].iter().all(|byte| b"\r\n \t".contains(byte)));
        assert!(field::is_field_value(&payload[more.clone()]));
    }
}

/// What we take for a head, httparse takes for the same head.
pub fn differential(data: &[u8]) {
    differential_request(data);
    differential_response(data);
}

fn differential_request(data: &[u8]) {
    let mut fields = [FieldLine::default(); MAX_FIELDS];
    let mut headers = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut peer = httparse::Request::new(&mut headers);
    let theirs = peer.parse(data);
    match parse_request(data, &mut fields, RequestLeniency::STRICT) {
        Ok(Status::Complete(ours)) => {
            assert_eq!(theirs, Ok(httparse::Status::Complete(ours.len)));
            assert_eq!(peer.method.map(str::as_bytes), Some(ours.method));
            assert_eq!(peer.path.map(str::as_bytes), Some(ours.target));
            assert_eq!(peer.version, Some(u8::from(ours.version == wirelace_http1::head::Version::Http11)));
            same_fields(ours.fields, peer.headers);
        }
        Ok(Status::Partial) => assert!(!matches!(theirs, Ok(httparse::Status::Complete(_)))),
        Err(_) => {}
    }
}

fn differential_response(data: &[u8]) {
    let mut fields = [FieldLine::default(); MAX_FIELDS];
    let mut headers = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut peer = httparse::Response::new(&mut headers);
    let theirs = peer.parse(data);
    match parse_response(data, &mut fields, ResponseLeniency::STRICT) {
        Ok(Status::Complete(ours)) => {
            assert_eq!(theirs, Ok(httparse::Status::Complete(ours.len)));
            assert_eq!(peer.code, Some(ours.status));
            assert_eq!(peer.version, Some(u8::from(ours.version == wirelace_http1::head::Version::Http11)));
            // httparse hides a reason phrase that is not ASCII.
            if ours.reason.is_ascii() {
                assert_eq!(peer.reason.map(str::as_bytes), Some(ours.reason));
            }
            same_fields(ours.fields, peer.headers);
        }
        Ok(Status::Partial) => assert!(!matches!(theirs, Ok(httparse::Status::Complete(_)))),
        Err(_) => {}
    }
}

fn same_fields(ours: &[FieldLine<'_>], theirs: &[httparse::Header<'_>]) {
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours.name, theirs.name.as_bytes());
        assert_eq!(ours.value, theirs.value);
    }
}
