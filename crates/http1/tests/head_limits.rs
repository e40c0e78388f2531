//! Limits of heads, in every split, and that a head which comes byte by byte is not looked at again
//! and again.

mod head_support;

use head_support::{
    Kind as _, Lines, REQUESTS, RESPONSES, Requests, Responses, every_split, in_pieces, once,
};
use wirelace_http1::head::{
    HeadErrorKind as Kind, HeadLimits, HeadScan, RequestIndex, RequestLeniency, ResponseLeniency, Status,
    scan_trailers,
};

const LIMITS: HeadLimits = HeadLimits { head: 64, start_line: 32, method: 8 };
const SMALL: Requests = Requests(LIMITS, RequestLeniency::STRICT);

#[test]
fn limits_hold_exactly() {
    let line = |target: usize| format!("GET /{} HTTP/1.1\r\n", "a".repeat(target - 1));
    let fits = format!("{}\r\n", line(17));
    assert_eq!(fits.len(), 34);
    let method = |len: usize| format!("{} / HTTP/1.1\r\n\r\n", "M".repeat(len));
    let head = |value: usize| format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(value));
    assert_eq!(head(41).len(), 64);
    for (input, expected) in [
        (fits, None),
        (format!("{}\r\n", line(18)), Some((Kind::TargetTooLong, 32, 414))),
        (line(5000), Some((Kind::TargetTooLong, 32, 414))),
        (method(8), None),
        (method(9), Some((Kind::MethodTooLong, 8, 501))),
        (method(5000), Some((Kind::MethodTooLong, 8, 501))),
        (head(41), None),
        (head(42), Some((Kind::TooLarge, 64, 431))),
        (head(5000), Some((Kind::TooLarge, 64, 431))),
        (format!("{}: b\r\n", "a".repeat(70_000)), Some((Kind::MethodTooLong, 8, 501))),
        (format!("GET / HTTP/1.1\r\n{}: b\r\n", "a".repeat(70_000)), Some((Kind::TooLarge, 64, 431))),
        // What is wrong beyond the limit does not count; what is wrong before it does.
        (format!("GET / HTTP/1.1\r\nA: {}\0\r\n\r\n", "b".repeat(60)), Some((Kind::TooLarge, 64, 431))),
        (format!("GET / HTTP/1.1\r\nA: \0{}\r\n\r\n", "b".repeat(60)), Some((Kind::FieldValue, 19, 400))),
        // Skipped empty lines count.
        (format!("\r\n\r\n{}", method(8)), None),
        (format!("\r\n\r\n{}\r\n", line(17)), Some((Kind::TargetTooLong, 32, 414))),
    ] {
        let (result, _) = if input.len() < 200 {
            every_split(&SMALL, input.as_bytes())
        } else {
            let (_, whole) = in_pieces(&SMALL, input.as_bytes(), [1, 31, 32, 33, 63, 64, 65]);
            assert_eq!(whole, once(&SMALL, input.as_bytes()));
            whole
        };
        let verdict = match result {
            Ok(status) => {
                assert_eq!(status.complete().unwrap().len, input.len());
                None
            }
            Err(error) => Some((error.kind, error.offset, error.status())),
        };
        assert_eq!(verdict, expected, "{input:?}");
    }
}

#[test]
fn response_limits() {
    let responses = Responses(LIMITS, ResponseLeniency::STRICT);
    // The start line of a response has no limit of its own.
    let head = |reason: usize| format!("HTTP/1.1 200 {}\r\n\r\n", "a".repeat(reason));
    assert_eq!(head(47).len(), 64);
    assert!(every_split(&responses, head(47).as_bytes()).0.unwrap().complete().is_some());
    let error = every_split(&responses, head(48).as_bytes()).0.unwrap_err();
    assert_eq!((error.kind, error.offset), (Kind::TooLarge, 64));
}

#[test]
fn default_limits_take_what_the_rfc_wants() {
    let requests = Requests(HeadLimits::default(), RequestLeniency::STRICT);
    let input = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(8000));
    assert!(once(&requests, input.as_bytes()).0.unwrap().complete().is_some());
}

#[test]
fn the_sink_may_be_full() {
    let input = b"GET / HTTP/1.1\r\nA: b\r\nC: d\r\nE: f\r\n\r\n";
    for (room, expected) in [(3, None), (2, Some(28)), (1, Some(22))] {
        for cut in 0..=input.len() {
            let mut scan = HeadScan::new();
            let mut lines = Lines { room, ..Lines::default() };
            let mut result = Ok(Status::Partial);
            for end in [cut, input.len()] {
                if result == Ok(Status::Partial) {
                    result = REQUESTS.scan(&input[..end], &mut scan, &mut lines);
                }
            }
            match expected {
                None => assert_eq!(result.unwrap().complete().unwrap().len, input.len()),
                Some(offset) => {
                    let error = result.unwrap_err();
                    assert_eq!(
                        (error.kind, error.offset, error.status()),
                        (Kind::TooManyFields, offset, 431)
                    );
                }
            }
        }
    }
}

/// Bytes that an incomplete head may have looked at again: less than a status line's fixed part or a
/// version.
const AGAIN: usize = 16;

#[test]
fn what_was_scanned_stays_scanned() {
    let spaces = " ".repeat(3000);
    let long = "a".repeat(3000);
    for input in [
        format!("{long} / HTTP/1.1\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{long}: b\r\n{spaces}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nA:{spaces}b{spaces}{long}{spaces}\r\nB: c\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(1000)),
    ] {
        let mut scan = HeadScan::<RequestIndex>::new();
        let mut lines = Lines::default();
        for end in 1..input.len() {
            match REQUESTS.scan(&input.as_bytes()[..end], &mut scan, &mut lines) {
                Ok(Status::Partial) => assert!(scan.scanned() + AGAIN > end, "{} of {end}", scan.scanned()),
                Ok(Status::Complete(index)) => panic!("complete at {end}: {index:?}"),
                // Only the line of spaces is wrong, and it is refused at its first byte.
                Err(error) => {
                    assert_eq!((error.kind, error.offset + 1), (Kind::Fold, end));
                    break;
                }
            }
        }
    }
    let lenient = Responses(
        HeadLimits::NONE,
        ResponseLeniency::STRICT.fold(true).space_before_colon(true).missing_reason(true),
    );
    for input in [
        format!("HTTP/1.1 200 {long}\r\n\r\n"),
        format!("HTTP/1.1 200\r\nA{spaces}: b\r\n{spaces}{long}\r\n{spaces}\r\n\r\n"),
    ] {
        let mut scan = HeadScan::new();
        let mut lines = Lines::default();
        for end in 1..input.len() {
            let result = lenient.scan(&input.as_bytes()[..end], &mut scan, &mut lines);
            assert_eq!(result, Ok(Status::Partial));
            assert!(scan.scanned() + AGAIN > end, "{} of {end}", scan.scanned());
        }
    }
}

#[test]
fn a_scan_starts_anew_after_a_head() {
    let mut scan = HeadScan::new();
    for input in ["GET /a HTTP/1.1\r\nA: b\r\n\r\n", "PUT /bc HTTP/1.0\r\n\r\n"] {
        let mut lines = Lines::default();
        let mut found = None;
        for end in 0..=input.len() {
            if let Status::Complete(index) =
                REQUESTS.scan(&input.as_bytes()[..end], &mut scan, &mut lines).unwrap()
            {
                found = Some(index);
            }
        }
        assert_eq!(found.unwrap(), once(&REQUESTS, input.as_bytes()).0.unwrap().complete().unwrap());
        assert!(!scan.has_first_line());
        assert_eq!(scan.scanned(), 0);
    }
    // A response in the same way.
    let (_, (result, _)) = in_pieces(&RESPONSES, b"HTTP/1.1 200 OK\r\n\r\n", 0..18);
    assert_eq!(result.unwrap().complete().unwrap().len, 19);
}

#[test]
fn trailer_sections() {
    let scan_all = |input: &[u8], limit: usize, cuts: Vec<usize>| {
        let mut scan = HeadScan::new();
        let mut lines = Lines::default();
        for end in cuts.into_iter().chain([input.len()]) {
            match scan_trailers(&input[..end], &mut scan, limit, &mut lines) {
                Ok(Status::Partial) => {}
                other => return (other, lines),
            }
        }
        (Ok(Status::Partial), lines)
    };
    for (input, expected) in [
        ("\r\n", Ok(2)),
        ("A: b\r\nC:\r\n\r\nGET", Ok(12)),
        ("A: b\r\n c\r\n\r\n", Err((Kind::Fold, 6))),
        (" A: b\r\n\r\n", Err((Kind::Fold, 0))),
        ("A : b\r\n\r\n", Err((Kind::Colon, 1))),
        ("foo\r\n\r\n", Err((Kind::Colon, 3))),
        ("A: b\n\r\n", Err((Kind::LineEnd, 4))),
        ("\n", Err((Kind::LineEnd, 0))),
        ("A: b\0\r\n\r\n", Err((Kind::FieldValue, 4))),
        ("A: bbbbbbbbbbbb\r\n\r\n", Err((Kind::TooLarge, 16))),
    ] {
        let whole = scan_all(input.as_bytes(), 16, vec![]);
        let bytewise = scan_all(input.as_bytes(), 16, (0..input.len()).collect());
        assert_eq!(bytewise, whole, "{input:?}");
        for cut in 0..input.len() {
            assert_eq!(scan_all(input.as_bytes(), 16, vec![cut]), whole, "{input:?} cut at {cut}");
        }
        match (whole.0, expected) {
            (Ok(Status::Complete(len)), Ok(expected)) => assert_eq!(len, expected),
            (Err(error), Err(expected)) => assert_eq!((error.kind, error.offset), expected, "{input:?}"),
            (found, expected) => panic!("{input:?}: {found:?}, expected {expected:?}"),
        }
    }
}
