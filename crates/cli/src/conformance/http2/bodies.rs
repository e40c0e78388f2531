//! Bodies, their lengths, and responses that have none (RFC 9113 §8.1; RFC 9110 §6.4, §8.6, §10.1.1).

use wirelace_http2_frames::{ErrorCode, Flags};

use super::block::{Block, Request};
use super::conn::{Conn, WHOLE};
use super::generic::answered;
use crate::conformance::case::{Case, case};
use crate::conformance::verdict::{Verdict, failed, skipped};

pub(super) const CASES: &[Case] = &[
    case("rfc9113/8.1/1", "RFC 9113 §8.1", "DATA after the trailers", |c| {
        c.post(1);
        c.data(1, Flags::NONE, b"test");
        c.headers(1, WHOLE, &Block::default().field("x-test", "ok"));
        c.data(1, Flags::END_STREAM, b"test");
        c.stream_error(1, &[ErrorCode::STREAM_CLOSED])
    }),
    case("rfc9113/8.1/2", "RFC 9113 §8.1", "trailers without END_STREAM right after the head", |c| {
        c.post(1);
        c.headers(1, Flags::END_HEADERS, &Block::default().field("x-test", "ok"));
        c.malformed(1)
    }),
    case("rfc9113/8.1/3", "RFC 9113 §8.1", "a body that ends in an empty DATA frame (legal)", |c| {
        posted(c, &["4"]);
        c.data(1, Flags::NONE, b"test");
        c.data(1, Flags::END_STREAM, b"");
        answered(c, 1)
    }),
    case("rfc9113/8.1/4", "RFC 9113 §8.1", "a body that is padding only (legal)", |c| {
        posted(c, &["0"]);
        c.data(1, Flags::END_STREAM | Flags::PADDED, b"\x04\0\0\0\0");
        answered(c, 1)
    }),
    case("rfc9113/8.1/5", "RFC 9113 §8.1", "trailers without fields (legal)", |c| {
        c.post(1);
        c.data(1, Flags::NONE, b"test");
        c.headers(1, WHOLE, &Block::default());
        answered(c, 1)
    }),
    case("rfc9113/8.1/6", "RFC 9110 §10.1.1", "expect: 100-continue", |c| {
        let request = c.request("POST").with("expect", "100-continue").with("content-length", "4");
        c.headers(1, Flags::END_HEADERS, &request.block());
        let expected = "100 (Continue), or a final response";
        let done = c.until(expected, |c| {
            let response = c.seen(1);
            (response.status.is_some() || response.interim.contains(&100)).then_some(response)
        })?;
        if done.status.is_none() {
            c.data(1, Flags::END_STREAM, b"test");
        }
        c.response(1).map(|_| ())
    }),
    case("rfc9113/8.1.1/2", "RFC 9113 §8.1.1", "content-length that padding is not part of (legal)", |c| {
        posted(c, &["4"]);
        c.data(1, Flags::NONE | Flags::PADDED, b"\x03te\0\0\0");
        c.data(1, Flags::END_STREAM | Flags::PADDED, b"\x00st");
        answered(c, 1)
    }),
    case("rfc9113/8.1.1/3", "RFC 9113 §8.1.1", "content-length of DATA and its padding", |c| {
        posted(c, &["8"]);
        c.data(1, Flags::END_STREAM | Flags::PADDED, b"\x03test\0\0\0");
        c.malformed(1)
    }),
    case("rfc9113/8.1.1/4", "RFC 9113 §8.1.1", "content-length 4, and END_STREAM in the head", |c| {
        let request = c.request("POST").with("content-length", "4");
        c.send(1, &request);
        c.malformed(1)
    }),
    case("rfc9113/8.1.1/5", "RFC 9113 §8.1.1", "content-length 8, and four octets", |c| {
        posted(c, &["8"]);
        c.data(1, Flags::END_STREAM, b"test");
        c.malformed(1)
    }),
    case("rfc9113/8.1.1/6", "RFC 9113 §8.1.1", "content-length 8, four octets, and trailers", |c| {
        posted(c, &["8"]);
        c.data(1, Flags::NONE, b"test");
        c.headers(1, WHOLE, &Block::default().field("x-test", "ok"));
        c.malformed(1)
    }),
    case("rfc9113/8.1.1/7", "RFC 9110 §8.6", "content-length that is no number", |c| {
        posted(c, &["+4"]);
        c.data(1, Flags::END_STREAM, b"test");
        c.malformed(1)
    }),
    case("rfc9113/8.1.1/8", "RFC 9110 §8.6", "two different content-length", |c| {
        posted(c, &["4", "5"]);
        c.data(1, Flags::END_STREAM, b"test");
        c.malformed(1)
    }),
    case("rfc9113/8.1.1/9", "RFC 9110 §8.6", "content-length beyond 64 bits", |c| {
        posted(c, &["18446744073709551620"]);
        c.data(1, Flags::END_STREAM, b"test");
        c.malformed(1)
    }),
    case(
        "rfc9113/8.1.1/10",
        "RFC 9110 §9.3.2",
        "HEAD: the length of what GET would give, and no DATA",
        |c| {
            let request = c.request("HEAD");
            c.send(1, &request);
            let head = c.response(1)?;
            c.get(3);
            let get = c.response(3)?;
            let length =
                |fields: &super::response::Response| fields.field("content-length").map(<[u8]>::to_vec);
            match (length(&head), length(&get)) {
                _ if head.body != 0 => failed("no DATA", format!("{} octets", head.body)),
                (Some(one), Some(other)) if one != other && head.status == get.status => {
                    failed("the same content-length as for GET", String::from_utf8_lossy(&one))
                }
                _ => c.accepted(),
            }
        },
    ),
    case("rfc9113/8.1.1/11", "RFC 9110 §15.3.5", "204 has no content", |c| bare(c, 204)),
    case("rfc9113/8.1.1/12", "RFC 9110 §15.4.5", "304 has no content", |c| bare(c, 304)),
    case(
        "rfc9113/8.1.1/13",
        "RFC 9113 §8.1.1",
        "content-length of a response is the length of its body",
        |c| {
            c.get(1);
            let response = c.response(1)?;
            let Some(length) = response.field("content-length") else { return c.accepted() };
            match std::str::from_utf8(length).ok().and_then(|length| length.parse::<usize>().ok()) {
                Some(length) if response.body == length => c.accepted(),
                _ => failed(format!("content-length {}", response.body), String::from_utf8_lossy(length)),
            }
        },
    ),
];

/// POST on stream 1 with these lengths.
fn posted(c: &mut Conn, lengths: &[&str]) {
    let request: Request =
        lengths.iter().fold(c.request("POST"), |request, length| request.with("content-length", length));
    c.headers(1, Flags::END_HEADERS, &request.block());
}

/// A response of a status that has no content, from servers that can be asked for one.
fn bare(c: &mut Conn, status: u16) -> Verdict {
    let request = c.request("GET").changed(":path", format!("/status/{status}"));
    c.send(1, &request);
    let response = c.response(1)?;
    if response.status != Some(status) {
        return skipped(format!("GET /status/{status} does not give {status}"));
    }
    match response.body {
        0 => c.accepted(),
        octets => failed("no DATA", format!("{octets} octets of DATA")),
    }
}
