//! What would be something else in HTTP/1.1 (RFC 9113 §8.2.1, §10.3), and must not reach the application.

use wirelace_http2_frames::{Flags, FrameType};

use super::attacker::{Attacker, field, request, text};
use super::victim::{QUIET, Victim};

/// A request's pseudo-fields, given in their order.
fn pseudo(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| field(0, name.as_bytes(), value.as_bytes())).collect()
}

fn with(name: &[u8], value: &[u8]) -> Vec<u8> {
    [request("GET", "/headers"), field(0, name, value)].concat()
}

/// Blocks that are no request.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    let (method, scheme, path) = ((":method", "GET"), (":scheme", "http"), (":path", "/headers"));
    let authority = (":authority", "localhost");
    vec![
        ("CR and LF in a value", with(b"x", b"a\r\nhost: other")),
        ("LF in a value", with(b"x", b"a\nhost: other")),
        ("CR in a value", with(b"x", b"a\rb")),
        ("NUL in a value", with(b"x", b"a\0b")),
        ("a blank before a value", with(b"x", b" a")),
        ("a tab after a value", with(b"x", b"a\t")),
        ("upper case in a name", with(b"Transfer-encoding", b"chunked")),
        ("CR and LF in a name", with(b"x: a\r\nhost", b"other")),
        ("a colon in a name", with(b"host: other", b"a")),
        ("a blank in a name", with(b"content-length ", b"0")),
        ("transfer-encoding", with(b"transfer-encoding", b"chunked")),
        ("connection", with(b"connection", b"close")),
        ("keep-alive", with(b"keep-alive", b"timeout=1")),
        ("proxy-connection", with(b"proxy-connection", b"keep-alive")),
        ("upgrade", with(b"upgrade", b"h2c")),
        ("te", with(b"te", b"gzip")),
        ("another host", with(b"host", b"other.example")),
        ("two lengths", [with(b"content-length", b"0"), field(0, b"content-length", b"1")].concat()),
        ("a length that is no number", with(b"content-length", b"0x0")),
        ("a list of lengths that differ", with(b"content-length", b"0, 1")),
        ("a length without a body", with(b"content-length", b"5")),
        ("an unknown pseudo-field", with(b":x", b"a")),
        ("a response's pseudo-field", with(b":status", b"200")),
        ("a pseudo-field after a field", [pseudo(&[method, scheme, ("x", "a"), path, authority])].concat()),
        ("two methods", pseudo(&[method, method, scheme, path, authority])),
        ("two paths", pseudo(&[method, scheme, path, (":path", "/admin"), authority])),
        ("two authorities", pseudo(&[method, scheme, path, authority, (":authority", "other")])),
        ("no method", pseudo(&[scheme, path, authority])),
        ("no scheme", pseudo(&[method, path, authority])),
        ("no path", pseudo(&[method, scheme, authority])),
        ("an empty path", pseudo(&[method, scheme, (":path", ""), authority])),
        (
            "a path that is a request line",
            pseudo(&[method, scheme, (":path", "/ HTTP/1.1\r\nx: y"), authority]),
        ),
        ("a blank in the path", pseudo(&[method, scheme, (":path", "/headers HTTP/1.1"), authority])),
        (
            "a method that is a request line",
            pseudo(&[(":method", "GET /x HTTP/1.1\r\nx:"), scheme, path, authority]),
        ),
        ("LF in the authority", pseudo(&[method, scheme, path, (":authority", "localhost\nx: y")])),
        ("a path in the authority", pseudo(&[method, scheme, path, (":authority", "localhost/x")])),
        ("a scheme that is a line", pseudo(&[method, (":scheme", "http\r\nx: y"), path, authority])),
    ]
}

#[test]
fn nothing_malformed_reaches_the_application() {
    let victim = Victim::new();
    for (what, block) in malformed() {
        let mut attacker = Attacker::connect(victim.address(), &[]);
        attacker.frame(FrameType::HEADERS, Flags(5), 1, &block);
        assert!(attacker.is_refused(1), "{what}");
        assert_eq!(attacker.count(FrameType::DATA), 0, "{what}");
    }
    // The same fields, but good: the application has them.
    let mut honest = Attacker::connect(victim.address(), &[]);
    honest.frame(FrameType::HEADERS, Flags(5), 1, &with(b"x-good", b"a b"));
    let body = honest.wait(|frame| frame.header.frame_type == FrameType::DATA).expect("an answer");
    assert!(String::from_utf8(body.payload).unwrap().contains("x-good"));
    victim.survived(QUIET, 0);
}

#[test]
fn nothing_malformed_is_taken_in_trailers() {
    let victim = Victim::new();
    for (name, value) in [
        (&b":path"[..], &b"/"[..]),
        (b":status", b"200"),
        (b"X", b"a"),
        (b"x", b"a\r\nb: c"),
        (b"x", b"a\0"),
        (b"transfer-encoding", b"chunked"),
        (b"connection", b"close"),
        (b"", b"a"),
    ] {
        let mut attacker = Attacker::connect(victim.address(), &[]);
        attacker.post(1, "/upload");
        attacker.data(1, Flags::NONE, b"test");
        attacker.frame(FrameType::HEADERS, Flags(5), 1, &field(0, name, value));
        assert!(attacker.is_refused(1), "{}: {}", name.escape_ascii(), value.escape_ascii());
    }
    victim.survived(QUIET, 0);
}

#[test]
fn bodies_have_the_length_that_they_say() {
    let victim = Victim::new();
    for (length, parts) in
        [(1, &[&b"test"[..]][..]), (5, &[b"te", b"st"]), (7, &[b"te", b"st", b"test"]), (0, &[b"x"])]
    {
        let mut attacker = Attacker::connect(victim.address(), &[]);
        let length = text(length.to_string().as_bytes());
        let block = [request("POST", "/upload"), vec![0x0f, 0x0d], length.clone()].concat();
        attacker.frame(FrameType::HEADERS, Flags::END_HEADERS, 1, &block);
        for part in parts {
            attacker.data(1, Flags::NONE, part);
        }
        attacker.data(1, Flags::END_STREAM, b"");
        assert!(attacker.is_refused(1), "{length:?} {parts:?}");
    }
    victim.survived(QUIET, 0);
}
