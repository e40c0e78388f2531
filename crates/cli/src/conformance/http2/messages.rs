//! Requests that are malformed (RFC 9113 §8.1 to §8.4).

use wirelace_http2_frames::{ErrorCode, Flags, FrameType};

use super::block::{Block, Request};
use super::conn::{Conn, WHOLE};
use crate::conformance::case::{Case, case};
use crate::conformance::verdict::Verdict;

const PROTOCOL: &[ErrorCode] = &[ErrorCode::PROTOCOL_ERROR];

pub(super) const CASES: &[Case] = &[
    case("http2/8.1/1", "RFC 9113 §8.1", "a second HEADERS without END_STREAM", |c| {
        c.post(1);
        c.data(1, Flags::NONE, b"test");
        c.headers(1, Flags::END_HEADERS, &Block::default().field("x-test", "ok"));
        c.malformed(1)
    }),
    case("http2/8.1.2/1", "RFC 9113 §8.2.1", "a field name in upper case", |c| {
        refused(c, |request| request.with("X-Test", "ok"))
    }),
    case("http2/8.1.2.1/1", "RFC 9113 §8.3", "an unknown pseudo-field", |c| {
        refused(c, |request| request.with(":test", "ok"))
    }),
    case("http2/8.1.2.1/2", "RFC 9113 §8.3", "a response's pseudo-field", |c| {
        refused(c, |request| request.with(":status", "200"))
    }),
    case("http2/8.1.2.1/3", "RFC 9113 §8.3", "a field and a pseudo-field in trailers", |c| {
        c.post(1);
        c.data(1, Flags::NONE, b"test");
        c.headers(1, WHOLE, &Block::default().field("x-test", "ok").field(":method", "POST"));
        c.malformed(1)
    }),
    case("http2/8.1.2.1/4", "RFC 9113 §8.3", "a pseudo-field after a field", |c| {
        refused(c, |request| request.without(":path").with("x-test", "ok").with(":path", "/"))
    }),
    case("http2/8.1.2.2/1", "RFC 9113 §8.2.2", "a connection-specific field", |c| {
        refused(c, |request| request.with("connection", "keep-alive"))
    }),
    case("http2/8.1.2.2/2", "RFC 9113 §8.2.2", "te with something else than trailers", |c| {
        refused(c, |request| request.with("te", "trailers, deflate;q=0.5"))
    }),
    case("http2/8.1.2.3/1", "RFC 9113 §8.3.1", "an empty :path", |c| {
        refused(c, |request| request.changed(":path", ""))
    }),
    case("http2/8.1.2.3/2", "RFC 9113 §8.3.1", "no :method", |c| {
        refused(c, |request| request.without(":method"))
    }),
    case("http2/8.1.2.3/3", "RFC 9113 §8.3.1", "no :scheme", |c| {
        refused(c, |request| request.without(":scheme"))
    }),
    case("http2/8.1.2.3/4", "RFC 9113 §8.3.1", "no :path", |c| {
        refused(c, |request| request.without(":path"))
    }),
    case("http2/8.1.2.3/5", "RFC 9113 §8.3.1", "two :method", |c| {
        refused(c, |request| request.with(":method", "GET"))
    }),
    case("http2/8.1.2.3/6", "RFC 9113 §8.3.1", "two :scheme", |c| {
        let scheme = c.scheme();
        refused(c, |request| request.with(":scheme", scheme))
    }),
    case("http2/8.1.2.3/7", "RFC 9113 §8.3.1", "two :path", |c| {
        let path = c.path();
        refused(c, |request| request.with(":path", path))
    }),
    case("http2/8.1.2.6/1", "RFC 9113 §8.1.1", "content-length 1, and four octets in one DATA frame", |c| {
        let request = c.request("POST").with("content-length", "1");
        c.headers(1, Flags::END_HEADERS, &request.block());
        c.data(1, Flags::END_STREAM, b"test");
        c.malformed(1)
    }),
    case(
        "http2/8.1.2.6/2",
        "RFC 9113 §8.1.1",
        "content-length 1, and eight octets in two DATA frames",
        |c| {
            let request = c.request("POST").with("content-length", "1");
            c.headers(1, Flags::END_HEADERS, &request.block());
            c.data(1, Flags::NONE, b"test");
            c.data(1, Flags::END_STREAM, b"test");
            c.malformed(1)
        },
    ),
    case("http2/8.2/1", "RFC 9113 §8.4", "PUSH_PROMISE from a client", |c| {
        c.post(1);
        let block = c.request("GET").block();
        c.frame(FrameType::PUSH_PROMISE, Flags::END_HEADERS, 1, &[&[0, 0, 0, 2], &*block.0].concat());
        c.connection_error(PROTOCOL)
    }),
];

/// A request with a change that makes it malformed.
pub(super) fn refused(c: &mut Conn, change: impl FnOnce(Request) -> Request) -> Verdict {
    let request = change(c.request("GET"));
    c.send(1, &request);
    c.malformed(1)
}
