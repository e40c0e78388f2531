//! Fields and requests as RFC 9113 §8.2 and §8.3 have them, beyond what RFC 7540 asked for.

use wirelace_http2_frames::{ErrorCode, Flags};

use super::block::Block;
use super::conn::{Conn, WHOLE};
use super::generic::answered;
use super::messages::refused;
use crate::conformance::case::{Case, case};
use crate::conformance::verdict::Verdict;

pub(super) const CASES: &[Case] = &[
    case("rfc9113/8.2/1", "RFC 9113 §8.2.1", "an empty field name", |c| {
        let request = c.request("GET").with("", "ok");
        c.send(1, &request);
        // Decoders that refuse it have a reason of their own.
        c.refused_for(1, &[ErrorCode::PROTOCOL_ERROR, ErrorCode::COMPRESSION_ERROR])
    }),
    case("rfc9113/8.2/2", "RFC 9113 §8.2.1", "a blank in a field name", |c| field(c, b"x test", b"ok")),
    case("rfc9113/8.2/3", "RFC 9113 §8.2.1", "NUL in a field name", |c| field(c, b"x\0test", b"ok")),
    case("rfc9113/8.2/4", "RFC 9113 §8.2.1", "CR and LF in a field name", |c| field(c, b"x\r\ntest", b"ok")),
    case("rfc9113/8.2/5", "RFC 9113 §8.2.1", "DEL in a field name", |c| field(c, b"x\x7ftest", b"ok")),
    case("rfc9113/8.2/6", "RFC 9113 §8.2.1", "0x80 in a field name", |c| field(c, b"x\x80test", b"ok")),
    case("rfc9113/8.2/7", "RFC 9113 §8.2.1", "a colon inside a field name", |c| field(c, b"x:test", b"ok")),
    case("rfc9113/8.2/8", "RFC 9113 §8.2.1", "NUL in a field value", |c| field(c, b"x-test", b"o\0k")),
    case("rfc9113/8.2/9", "RFC 9113 §8.2.1", "LF in a field value", |c| field(c, b"x-test", b"o\nk")),
    case("rfc9113/8.2/10", "RFC 9113 §8.2.1", "CR in a field value", |c| field(c, b"x-test", b"o\rk")),
    case("rfc9113/8.2/11", "RFC 9113 §8.2.1", "a field value that is a line of HTTP/1.1 more", |c| {
        field(c, b"x-test", b"ok\r\ntransfer-encoding: chunked")
    }),
    case("rfc9113/8.2/12", "RFC 9113 §8.2.1", "a field value that begins with a blank", |c| {
        field(c, b"x-test", b" ok")
    }),
    case("rfc9113/8.2/13", "RFC 9113 §8.2.1", "a field value that ends with a blank", |c| {
        field(c, b"x-test", b"ok ")
    }),
    case("rfc9113/8.2/14", "RFC 9113 §8.2.1", "a field value that begins with a tab", |c| {
        field(c, b"x-test", b"\tok")
    }),
    case("rfc9113/8.2/15", "RFC 9113 §8.2.1", "a field value that ends with a tab", |c| {
        field(c, b"x-test", b"ok\t")
    }),
    case("rfc9113/8.2/16", "RFC 9113 §8.2.1", "an empty field value (legal)", |c| fine(c, b"x-test", b"")),
    case("rfc9113/8.2/17", "RFC 9113 §8.2.1", "0x80 to 0xff in a field value (legal)", |c| {
        fine(c, b"x-test", b"\x80\xc3\xa9\xff")
    }),
    case("rfc9113/8.2/18", "RFC 9113 §8.2.1", "LF in a field value of trailers", |c| {
        trailers(c, b"x-test", b"o\nk")
    }),
    case("rfc9113/8.2/19", "RFC 9113 §8.2.1", "a field name in upper case in trailers", |c| {
        trailers(c, b"X-Test", b"ok")
    }),
    case("rfc9113/8.2.2/1", "RFC 9113 §8.2.2", "proxy-connection", |c| {
        field(c, b"proxy-connection", b"close")
    }),
    case("rfc9113/8.2.2/2", "RFC 9113 §8.2.2", "keep-alive", |c| field(c, b"keep-alive", b"timeout=5")),
    case("rfc9113/8.2.2/3", "RFC 9113 §8.2.2", "transfer-encoding", |c| {
        field(c, b"transfer-encoding", b"chunked")
    }),
    case("rfc9113/8.2.2/4", "RFC 9113 §8.2.2", "upgrade", |c| field(c, b"upgrade", b"websocket")),
    case("rfc9113/8.2.2/5", "RFC 9113 §8.2.2", "te: trailers (legal)", |c| fine(c, b"te", b"trailers")),
    case("rfc9113/8.2.2/6", "RFC 9113 §8.2.2", "a connection-specific field in trailers", |c| {
        trailers(c, b"transfer-encoding", b"chunked")
    }),
    case("rfc9113/8.2.3/1", "RFC 9113 §8.2.3", "cookie in several fields (legal)", |c| {
        let request = c.request("GET").with("cookie", "a=b").with("cookie", "c=d").with("cookie", "e=f");
        c.send(1, &request);
        answered(c, 1)
    }),
    case("rfc9113/8.3/1", "RFC 9113 §8.3", "a pseudo-field alone in trailers", |c| {
        trailers(c, b":method", b"POST")
    }),
    case("rfc9113/8.3/2", "RFC 9113 §8.3", "an unknown pseudo-field without a name", |c| {
        field(c, b":", b"ok")
    }),
    case("rfc9113/8.3.1/1", "RFC 9113 §8.3.1", "two :authority", |c| {
        let authority = c.authority();
        refused(c, |request| request.with(":authority", authority))
    }),
    case("rfc9113/8.3.1/2", "RFC 9113 §8.3.1", "a user in :authority", |c| {
        let authority = format!("user@{}", c.authority());
        refused(c, |request| request.changed(":authority", authority))
    })
    .strict(),
    case("rfc9113/8.3.1/3", "RFC 9113 §8.3.1", "host is another than :authority", |c| {
        refused(c, |request| request.with("host", "other.example"))
    })
    .strict(),
    case("rfc9113/8.3.1/4", "RFC 9113 §8.3.1", "host instead of :authority (legal)", |c| {
        let request = c.request("GET").without(":authority").with("host", c.authority());
        c.send(1, &request);
        answered(c, 1)
    }),
    case("rfc9113/8.3.1/5", "RFC 9113 §8.3.1", "host and the same :authority (legal)", |c| {
        let request = c.request("GET").with("host", c.authority());
        c.send(1, &request);
        answered(c, 1)
    }),
    case("rfc9113/8.3.1/6", "RFC 9113 §8.3.1", "a :path without `/` before it", |c| {
        refused(c, |request| request.changed(":path", "index.html"))
    }),
    case("rfc9113/8.3.1/7", "RFC 9113 §8.3.1", "CR and LF in :path", |c| {
        refused(c, |request| request.changed(":path", "/ HTTP/1.1\r\nhost: other\r\n\r\n"))
    }),
    case("rfc9113/8.3.1/8", "RFC 9113 §8.3.1", "a blank in :path", |c| {
        refused(c, |request| request.changed(":path", "/a b"))
    }),
    case("rfc9113/8.3.1/9", "RFC 9113 §8.3.1", "LF in :authority", |c| {
        let authority = format!("{}\nx-test: ok", c.authority());
        refused(c, |request| request.changed(":authority", authority))
    }),
    case("rfc9113/8.3.1/10", "RFC 9110 §9.1", "a blank in :method", |c| {
        refused(c, |request| request.changed(":method", "GET /other HTTP/1.1"))
    }),
    case("rfc9113/8.3.1/11", "RFC 9110 §9.1", "an empty :method", |c| {
        refused(c, |request| request.changed(":method", ""))
    }),
    case("rfc9113/8.3.1/12", "RFC 9113 §8.3.1", "OPTIONS with `*` as :path (legal)", |c| {
        let request = c.request("OPTIONS").changed(":path", "*");
        c.send(1, &request);
        answered(c, 1)
    }),
    case("rfc9113/8.3.1/13", "RFC 9113 §8.3.1", "pseudo-fields in another order (legal)", |c| {
        let request = c.request("GET");
        let (method, path) = ("GET", c.path());
        let request = request.without(":method").without(":path").with(":path", path).with(":method", method);
        c.send(1, &request);
        answered(c, 1)
    }),
    case(
        "rfc9113/8.1.1/1",
        "RFC 9113 §8.1.1",
        "a malformed request ends its stream, not the connection",
        |c| {
            let request = c.request("GET").with("X-Test", "ok");
            c.send(1, &request);
            c.malformed(1)?;
            c.get(3);
            answered_despite(c, 3)
        },
    )
    .strict(),
];

fn field(c: &mut Conn, name: &[u8], value: &[u8]) -> Verdict {
    refused(c, |request| request.with(name, value))
}

fn fine(c: &mut Conn, name: &[u8], value: &[u8]) -> Verdict {
    let request = c.request("GET").with(name, value);
    c.send(1, &request);
    answered(c, 1)
}

/// A body, and then a field that trailers may not have.
fn trailers(c: &mut Conn, name: &[u8], value: &[u8]) -> Verdict {
    c.post(1);
    c.data(1, Flags::NONE, b"test");
    c.headers(1, WHOLE, &Block::default().field(name, value));
    c.malformed(1)
}

/// A response, although another stream was reset.
fn answered_despite(c: &mut Conn, stream: u32) -> Verdict {
    c.response(stream)?;
    match c.seen(stream).reset {
        Some(code) if code != ErrorCode::NO_ERROR => {
            crate::conformance::verdict::failed("a response", "RST_STREAM")
        }
        _ => c.alive(),
    }
}
