//! Streams and what they may receive (RFC 9113 §5.1, §5.3).

use wirelace_http2_frames::{ErrorCode, Flags, FrameType, SettingId};

use super::block::Block;
use super::conn::{Conn, WHOLE, dependency_of};
use super::receive::Seen;
use crate::conformance::case::{Case, case};
use crate::conformance::verdict::{Verdict, failed, skipped};

const INITIAL_WINDOW: u16 = SettingId::INITIAL_WINDOW_SIZE.0;
const CLOSED: &[ErrorCode] = &[ErrorCode::STREAM_CLOSED];
const PROTOCOL: &[ErrorCode] = &[ErrorCode::PROTOCOL_ERROR];
const EITHER: &[ErrorCode] = &[ErrorCode::STREAM_CLOSED, ErrorCode::PROTOCOL_ERROR];

/// With this a request stays half-closed (remote): no DATA may come.
const HELD: &[(u16, u32)] = &[(INITIAL_WINDOW, 0)];

/// More streams than this are not opened to see what comes then.
const MANY: u32 = 2000;

pub(super) const CASES: &[Case] = &[
    case("http2/5.1/1", "RFC 9113 §5.1", "idle: DATA", |c| {
        c.data(1, Flags::END_STREAM, b"test");
        c.connection_error(EITHER)
    }),
    case("http2/5.1/2", "RFC 9113 §5.1", "idle: RST_STREAM", |c| {
        c.reset(1, ErrorCode::CANCEL);
        c.connection_error(PROTOCOL)
    }),
    case("http2/5.1/3", "RFC 9113 §5.1", "idle: WINDOW_UPDATE", |c| {
        c.window_update(1, 100);
        c.connection_error(PROTOCOL)
    }),
    case("http2/5.1/4", "RFC 9113 §5.1", "idle: CONTINUATION", |c| {
        let block = c.request("GET").block();
        c.continuation(1, Flags::END_HEADERS, &block.0);
        c.connection_error(PROTOCOL)
    }),
    case("http2/5.1/5", "RFC 9113 §5.1", "half-closed (remote): DATA", |c| {
        c.get(1);
        c.data(1, Flags::END_STREAM, b"test");
        c.stream_error(1, CLOSED)
    })
    .with(HELD),
    case("http2/5.1/6", "RFC 9113 §5.1", "half-closed (remote): HEADERS", |c| {
        c.get(1);
        c.get(1);
        c.stream_error(1, CLOSED)
    })
    .with(HELD),
    case("http2/5.1/7", "RFC 9113 §5.1", "half-closed (remote): CONTINUATION", |c| {
        c.get(1);
        let block = Block::default().field("x-more", "1");
        c.continuation(1, Flags::END_HEADERS, &block.0);
        c.connection_error(EITHER)
    })
    .with(HELD),
    case("http2/5.1/8", "RFC 9113 §6.1", "closed by the client's RST_STREAM: DATA", |c| {
        c.post(1);
        c.reset(1, ErrorCode::CANCEL);
        c.data(1, Flags::END_STREAM, b"test");
        c.error_unless_ignored(1, CLOSED)
    }),
    case("http2/5.1/9", "RFC 9113 §5.1", "closed by the client's RST_STREAM: HEADERS", |c| {
        c.post(1);
        c.reset(1, ErrorCode::CANCEL);
        c.get(1);
        c.error_unless_ignored(1, EITHER)
    }),
    case("http2/5.1/10", "RFC 9113 §6.10", "closed by the client's RST_STREAM: CONTINUATION", |c| {
        c.post(1);
        c.reset(1, ErrorCode::CANCEL);
        let block = Block::default().field("x-more", "1");
        c.continuation(1, Flags::END_HEADERS, &block.0);
        c.connection_error(EITHER)
    }),
    case("http2/5.1/11", "RFC 9113 §6.1", "closed: DATA", |c| {
        c.get(1);
        c.response(1)?;
        c.data(1, Flags::END_STREAM, b"test");
        c.error_unless_ignored(1, CLOSED)
    }),
    case("http2/5.1/12", "RFC 9113 §5.1", "closed: HEADERS", |c| {
        c.get(1);
        c.response(1)?;
        c.get(1);
        c.error_unless_ignored(1, EITHER)
    }),
    case("http2/5.1/13", "RFC 9113 §6.10", "closed: CONTINUATION", |c| {
        c.get(1);
        c.response(1)?;
        let block = c.request("GET").block();
        c.continuation(1, Flags::END_HEADERS, &block.0);
        c.connection_error(EITHER)
    }),
    case("http2/5.1.1/1", "RFC 9113 §5.1.1", "a request on a stream with an even number", |c| {
        c.get(2);
        c.connection_error(PROTOCOL)
    }),
    case("http2/5.1.1/2", "RFC 9113 §5.1.1", "a request on a stream below one that was used", |c| {
        c.get(5);
        c.response(5)?;
        c.get(3);
        // It is closed since the higher one was opened.
        c.connection_error(EITHER)
    }),
    case("http2/5.1.2/1", "RFC 9113 §5.1.2", "one request more than MAX_CONCURRENT_STREAMS", too_many)
        .with(HELD),
    case("http2/5.3.1/1", "RFC 7540 §5.3.1", "HEADERS depend on their own stream", |c| {
        let block = c.request("GET").block();
        let payload = [&dependency_of(1, false, 15), &*block.0].concat();
        c.frame(FrameType::HEADERS, WHOLE | Flags::PRIORITY, 1, &payload);
        c.error_unless_ignored(1, PROTOCOL)
    }),
    case("http2/5.3.1/2", "RFC 7540 §5.3.1", "PRIORITY depends on its own stream", |c| {
        c.post(1);
        c.priority(1, 1, false, 15);
        c.error_unless_ignored(1, PROTOCOL)
    }),
];

fn too_many(c: &mut Conn) -> Verdict {
    let most = match c.setting(SettingId::MAX_CONCURRENT_STREAMS) {
        Some(most) if most <= MANY => most,
        Some(most) => return skipped(format!("the server takes {most} streams at once")),
        None => return skipped("the server takes any number of streams at once"),
    };
    // Their bodies never come, and their responses have no window.
    (0..most).for_each(|at| c.post(2 * at + 1));
    let last = 2 * most + 1;
    c.get(last);
    let codes = [ErrorCode::REFUSED_STREAM, ErrorCode::PROTOCOL_ERROR];
    let deadline = c.deadline();
    loop {
        match c.next(deadline)? {
            Seen::Reset(stream, code) if stream == last && codes.contains(&code) => return Ok(()),
            Seen::GoAway(_, code) if codes.contains(&code) => return Ok(()),
            Seen::Closed => return Ok(()),
            // Another one is over: there is room for the last.
            Seen::Reset(stream, _) if stream != last => {
                return skipped("requests end before their bodies came: the limit is not reached");
            }
            Seen::Silence => {
                return failed("RST_STREAM (REFUSED_STREAM or PROTOCOL_ERROR) for the last", "none");
            }
            _ => {}
        }
    }
}
