//! What each type of frame has to be like (RFC 9113 §6).

use wirelace_http2_frames::{ErrorCode, Flags, FrameType, SettingId};

use super::block::Block;
use super::conn::{Conn, WHOLE};
use super::framing::begun;
use super::generic::answered;
use crate::conformance::case::{Case, case};

const INITIAL_WINDOW: u16 = SettingId::INITIAL_WINDOW_SIZE.0;
const MAX_FRAME: u16 = SettingId::MAX_FRAME_SIZE.0;
const PROTOCOL: &[ErrorCode] = &[ErrorCode::PROTOCOL_ERROR];
const SIZE: &[ErrorCode] = &[ErrorCode::FRAME_SIZE_ERROR];
const FLOW: &[ErrorCode] = &[ErrorCode::FLOW_CONTROL_ERROR];

pub(super) const CASES: &[Case] = &[
    case("http2/6.1/1", "RFC 9113 §6.1", "DATA on stream 0", |c| {
        c.data(0, Flags::END_STREAM, b"test");
        c.connection_error(PROTOCOL)
    }),
    case(
        "http2/6.1/2",
        "RFC 9113 §6.1",
        "DATA on a stream that is neither open nor half-closed (local)",
        |c| {
            c.get(1);
            c.data(1, Flags::NONE, b"test");
            c.stream_error(1, &[ErrorCode::STREAM_CLOSED])
        },
    ),
    case("http2/6.1/3", "RFC 9113 §6.1", "DATA with more padding than payload", |c| {
        c.post(1);
        c.data(1, Flags::END_STREAM | Flags::PADDED, b"\x05test");
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.2/1", "RFC 9113 §6.2", "HEADERS without END_HEADERS, then PRIORITY", |c| {
        begun(c);
        c.priority(1, 0, false, 15);
        c.connection_error(PROTOCOL)
    }),
    case(
        "http2/6.2/2",
        "RFC 9113 §6.2",
        "HEADERS without END_HEADERS, then HEADERS of another stream",
        |c| {
            begun(c);
            c.get(3);
            c.connection_error(PROTOCOL)
        },
    ),
    case("http2/6.2/3", "RFC 9113 §6.2", "HEADERS on stream 0", |c| {
        c.get(0);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.2/4", "RFC 9113 §6.2", "HEADERS with more padding than payload", |c| {
        let block = c.request("GET").block();
        let length = block.0.len() as u8;
        let payload = [&[length + 1], &*block.0].concat();
        c.frame(FrameType::HEADERS, WHOLE | Flags::PADDED, 1, &payload);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.3/1", "RFC 9113 §6.3", "PRIORITY on stream 0", |c| {
        c.priority(0, 1, false, 15);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.3/2", "RFC 9113 §6.3", "PRIORITY of four octets", |c| {
        c.post(1);
        c.frame(FrameType::PRIORITY, Flags::NONE, 1, &[0, 0, 0, 0]);
        c.stream_error(1, SIZE)
    }),
    case("http2/6.4/1", "RFC 9113 §6.4", "RST_STREAM on stream 0", |c| {
        c.reset(0, ErrorCode::CANCEL);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.4/2", "RFC 9113 §6.4", "RST_STREAM on an idle stream", |c| {
        c.reset(1, ErrorCode::CANCEL);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.4/3", "RFC 9113 §6.4", "RST_STREAM of three octets", |c| {
        c.post(1);
        c.frame(FrameType::RST_STREAM, Flags::NONE, 1, &[0, 0, 0]);
        c.connection_error(SIZE)
    }),
    case("http2/6.5/1", "RFC 9113 §6.5", "SETTINGS with ACK and a payload", |c| {
        c.frame(FrameType::SETTINGS, Flags::ACK, 0, &[0; 6]);
        c.connection_error(SIZE)
    }),
    case("http2/6.5/2", "RFC 9113 §6.5", "SETTINGS on a stream", |c| {
        c.frame(FrameType::SETTINGS, Flags::NONE, 1, &[0, 3, 0, 0, 0, 100]);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.5/3", "RFC 9113 §6.5", "SETTINGS of five octets", |c| {
        c.frame(FrameType::SETTINGS, Flags::NONE, 0, &[0, 3, 0, 0, 0]);
        c.connection_error(SIZE)
    }),
    case("http2/6.5.2/1", "RFC 9113 §6.5.2", "ENABLE_PUSH 2", |c| {
        setting(c, SettingId::ENABLE_PUSH, 2);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.5.2/2", "RFC 9113 §6.5.2", "INITIAL_WINDOW_SIZE 2^31", |c| {
        setting(c, SettingId::INITIAL_WINDOW_SIZE, 1 << 31);
        c.connection_error(FLOW)
    }),
    case("http2/6.5.2/3", "RFC 9113 §6.5.2", "MAX_FRAME_SIZE 2^14 - 1", |c| {
        setting(c, SettingId::MAX_FRAME_SIZE, (1 << 14) - 1);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.5.2/4", "RFC 9113 §6.5.2", "MAX_FRAME_SIZE 2^24", |c| {
        setting(c, SettingId::MAX_FRAME_SIZE, 1 << 24);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.5.2/5", "RFC 9113 §6.5.2", "an unknown setting", |c| {
        c.settings(&[(0xff, 1)]);
        c.settings_acknowledged()?;
        c.alive()
    }),
    case(
        "http2/6.5.3/1",
        "RFC 9113 §6.5.3",
        "INITIAL_WINDOW_SIZE 100 and then 1 in the same SETTINGS",
        |c| {
            c.gives_credit = false;
            c.settings(&[(INITIAL_WINDOW, 100), (INITIAL_WINDOW, 1)]);
            c.settings_acknowledged()?;
            c.get(1);
            c.exactly(1, 1)
        },
    ),
    case("http2/6.5.3/2", "RFC 9113 §6.5.3", "SETTINGS without ACK", |c| {
        c.settings(&[(MAX_FRAME, 16_384)]);
        c.settings_acknowledged()
    }),
    case("http2/6.7/1", "RFC 9113 §6.7", "PING", |c| c.pong(*b"h2 ping!")),
    case("http2/6.7/2", "RFC 9113 §6.7", "PING with ACK", |c| {
        c.frame(FrameType::PING, Flags::ACK, 0, b"nobody's");
        // An answer to it would come first.
        c.pong(*b"h2 ping!")
    }),
    case("http2/6.7/3", "RFC 9113 §6.7", "PING on a stream", |c| {
        c.frame(FrameType::PING, Flags::NONE, 1, &[0; 8]);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.7/4", "RFC 9113 §6.7", "PING of six octets", |c| {
        c.frame(FrameType::PING, Flags::NONE, 0, &[0; 6]);
        c.connection_error(SIZE)
    }),
    case("http2/6.8/1", "RFC 9113 §6.8", "GOAWAY on a stream", |c| {
        c.frame(FrameType::GOAWAY, Flags::NONE, 1, &[0; 8]);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.9/1", "RFC 9113 §6.9", "WINDOW_UPDATE of 0 for the connection", |c| {
        increment(c, 0, 0);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.9/2", "RFC 9113 §6.9", "WINDOW_UPDATE of 0 for a stream", |c| {
        c.post(1);
        increment(c, 1, 0);
        c.stream_error(1, PROTOCOL)
    }),
    case("http2/6.9/3", "RFC 9113 §6.9", "WINDOW_UPDATE of three octets", |c| {
        c.frame(FrameType::WINDOW_UPDATE, Flags::NONE, 0, &[0, 0, 1]);
        c.connection_error(SIZE)
    }),
    case("http2/6.9.1/1", "RFC 9113 §6.9.1", "a request whose response has a window of 1", |c| {
        c.gives_credit = false;
        c.get(1);
        c.exactly(1, 1)
    })
    .with(&[(INITIAL_WINDOW, 1)]),
    case("http2/6.9.1/2", "RFC 9113 §6.9.1", "credit above 2^31 - 1 for the connection", |c| {
        increment(c, 0, 0x7fff_ffff);
        increment(c, 0, 0x7fff_ffff);
        c.connection_error(FLOW)
    }),
    case("http2/6.9.1/3", "RFC 9113 §6.9.1", "credit above 2^31 - 1 for a stream", |c| {
        c.post(1);
        increment(c, 1, 0x7fff_ffff);
        increment(c, 1, 0x7fff_ffff);
        c.stream_error(1, FLOW)
    }),
    case("http2/6.9.2/1", "RFC 9113 §6.9.2", "INITIAL_WINDOW_SIZE grows from 0 to 1 after a request", |c| {
        c.gives_credit = false;
        c.get(1);
        c.head(1)?;
        c.exactly(1, 0)?;
        c.settings(&[(INITIAL_WINDOW, 1)]);
        c.exactly(1, 1)
    })
    .with(&[(INITIAL_WINDOW, 0)]),
    case("http2/6.9.2/2", "RFC 9113 §6.9.2", "INITIAL_WINDOW_SIZE shrinks: the window is negative", |c| {
        c.gives_credit = false;
        c.get(1);
        c.exactly(1, 3)?;
        c.settings(&[(INITIAL_WINDOW, 2)]);
        c.settings_acknowledged()?;
        // From -1 to 0, and to 1.
        c.window_update(1, 1);
        c.exactly(1, 3)?;
        c.window_update(1, 1);
        c.exactly(1, 4)
    })
    .with(&[(INITIAL_WINDOW, 3)]),
    case("http2/6.9.2/3", "RFC 9113 §6.9.2", "INITIAL_WINDOW_SIZE above 2^31 - 1", |c| {
        setting(c, SettingId::INITIAL_WINDOW_SIZE, u32::MAX);
        c.connection_error(FLOW)
    }),
    case("http2/6.10/1", "RFC 9113 §6.10", "several CONTINUATION frames", |c| {
        let block = c.request("GET").block();
        c.headers(1, Flags::END_STREAM, &block);
        c.continuation(1, Flags::NONE, &Block::default().field("x-one", "1").0);
        c.continuation(1, Flags::END_HEADERS, &Block::default().field("x-two", "2").0);
        answered(c, 1)
    }),
    case("http2/6.10/2", "RFC 9113 §6.10", "CONTINUATION without END_HEADERS, then DATA", |c| {
        let block = c.request("POST").block();
        c.headers(1, Flags::NONE, &block);
        c.continuation(1, Flags::NONE, &Block::default().field("x-one", "1").0);
        c.data(1, Flags::END_STREAM, b"test");
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.10/3", "RFC 9113 §6.10", "CONTINUATION on stream 0", |c| {
        begun(c);
        c.continuation(0, Flags::END_HEADERS, &Block::default().field("x-one", "1").0);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.10/4", "RFC 9113 §6.10", "CONTINUATION after HEADERS with END_HEADERS", |c| {
        c.post(1);
        c.continuation(1, Flags::END_HEADERS, &Block::default().field("x-one", "1").0);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.10/5", "RFC 9113 §6.10", "CONTINUATION after CONTINUATION with END_HEADERS", |c| {
        let block = c.request("POST").block();
        c.headers(1, Flags::NONE, &block);
        c.continuation(1, Flags::END_HEADERS, &Block::default().field("x-one", "1").0);
        c.continuation(1, Flags::END_HEADERS, &Block::default().field("x-two", "2").0);
        c.connection_error(PROTOCOL)
    }),
    case("http2/6.10/6", "RFC 9113 §6.10", "CONTINUATION after DATA", |c| {
        c.post(1);
        c.data(1, Flags::NONE, b"test");
        c.continuation(1, Flags::END_HEADERS, &Block::default().field("x-one", "1").0);
        c.connection_error(PROTOCOL)
    }),
];

/// A setting that no server can apply, and that is not waited for.
fn setting(c: &mut Conn, id: SettingId, value: u32) {
    let [a, b] = id.0.to_be_bytes();
    let [d, e, f, g] = value.to_be_bytes();
    c.frame(FrameType::SETTINGS, Flags::NONE, 0, &[a, b, d, e, f, g]);
}

/// Credit that the server cannot use.
fn increment(c: &mut Conn, stream: u32, increment: u32) {
    c.frame(FrameType::WINDOW_UPDATE, Flags::NONE, stream, &increment.to_be_bytes());
}
