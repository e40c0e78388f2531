//! Prefaces, the frame format, field blocks, errors (RFC 9113 §3.4, §4, §5.4, §5.5, §7).

use wirelace_http2_frames::{ErrorCode, Flags, FrameType};

use super::block::Block;
use super::conn::{Conn, WHOLE};
use super::generic::answered;
use crate::conformance::case::{Case, case};
use crate::conformance::verdict::{Verdict, skipped};

pub(super) const CASES: &[Case] = &[
    case("http2/3.5/1", "RFC 9113 §3.4", "a valid preface", |c| {
        c.begin(&[])?;
        c.alive()
    })
    .raw(),
    case("http2/3.5/2", "RFC 9113 §3.4", "an invalid preface", |c| {
        c.raw(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "a preface that ends in XX instead of SM");
        c.settings(&[]);
        c.closes_somehow()
    })
    .raw(),
    case("http2/4.1/1", "RFC 9113 §4.1", "a frame of unknown type", |c| {
        c.frame(FrameType(0xff), Flags::NONE, 0, b"unknown");
        c.alive()
    }),
    case("http2/4.1/2", "RFC 9113 §4.1", "an undefined flag", |c| {
        c.frame(FrameType::PING, Flags(0x16), 0, b"flagged!");
        c.until("PING with ACK and the same octets", |c| c.has_pong(*b"flagged!"))
    }),
    case("http2/4.1/3", "RFC 9113 §4.1", "the reserved bit of the stream is set", |c| {
        c.raw(&[0, 0, 8, 6, 0, 0x80, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], "PING with the reserved bit");
        c.until("PING with ACK and the same octets", |c| c.has_pong([1, 2, 3, 4, 5, 6, 7, 8]))
    }),
    case("http2/4.2/1", "RFC 9113 §4.2", "DATA of 2^14 octets", |c| {
        c.post(1);
        c.data(1, Flags::END_STREAM, &[b'x'; 1 << 14]);
        answered(c, 1)
    }),
    case("http2/4.2/2", "RFC 9113 §4.2", "DATA above MAX_FRAME_SIZE", |c| {
        let data = too_long(c)?;
        c.post(1);
        c.data(1, Flags::END_STREAM, &data);
        c.stream_error(1, &[ErrorCode::FRAME_SIZE_ERROR])
    }),
    case("http2/4.2/3", "RFC 9113 §4.2", "HEADERS above MAX_FRAME_SIZE", |c| {
        let value = too_long(c)?;
        let block = c.request("GET").with("x-large", value).block();
        c.headers(1, WHOLE, &block);
        c.connection_error(&[ErrorCode::FRAME_SIZE_ERROR])
    }),
    case("http2/4.3/1", "RFC 9113 §4.3", "a field block that cannot be decoded", |c| {
        // A literal with a name that is longer than the block.
        c.headers(1, WHOLE, &Block::default().bytes(&[0x00, 0x7f, 0x80, 0x01, b'x']));
        c.connection_error(&[ErrorCode::COMPRESSION_ERROR])
    }),
    case("http2/4.3/2", "RFC 9113 §4.3", "PRIORITY inside a field block", |c| {
        begun(c);
        c.priority(1, 0, false, 15);
        c.connection_error(&[ErrorCode::PROTOCOL_ERROR])
    }),
    case("http2/4.3/3", "RFC 9113 §4.3", "HEADERS of another stream inside a field block", |c| {
        begun(c);
        c.get(3);
        c.connection_error(&[ErrorCode::PROTOCOL_ERROR])
    }),
    case("http2/5.4.1/1", "RFC 9113 §5.4.1", "a PING of a wrong length: the connection is closed", |c| {
        c.frame(FrameType::PING, Flags::NONE, 0, &[0; 6]);
        c.closes()
    }),
    case("http2/5.5/1", "RFC 9113 §5.5", "a frame of unknown type on a stream", |c| {
        c.post(1);
        c.frame(FrameType(0xee), Flags(0xff), 1, b"unknown");
        c.data(1, Flags::END_STREAM, b"test");
        answered(c, 1)
    }),
    case("http2/5.5/2", "RFC 9113 §5.5", "a frame of unknown type inside a field block", |c| {
        begun(c);
        c.frame(FrameType(0xff), Flags::NONE, 1, b"unknown");
        c.connection_error(&[ErrorCode::PROTOCOL_ERROR])
    }),
    case("http2/7/1", "RFC 9113 §7", "GOAWAY with an unknown code", |c| {
        c.frame(FrameType::GOAWAY, Flags::NONE, 0, &[0, 0, 0, 0, 0, 0, 0, 0xff]);
        c.error_or_ignored(&[])
    }),
    case("http2/7/2", "RFC 9113 §7", "RST_STREAM with an unknown code", |c| {
        c.post(1);
        c.reset(1, ErrorCode(0xff));
        c.alive()
    }),
];

/// HEADERS without END_HEADERS: the block of a whole request, which could go on.
pub(super) fn begun(c: &mut Conn) {
    let block = c.request("GET").block();
    c.headers(1, Flags::END_STREAM, &block);
}

/// One octet more than the server takes in a frame.
pub(super) fn too_long(c: &Conn) -> Verdict<Vec<u8>> {
    match c.largest_frame() {
        16_777_215 => skipped("the server takes frames of any length"),
        most => Ok(vec![b'x'; most + 1]),
    }
}
