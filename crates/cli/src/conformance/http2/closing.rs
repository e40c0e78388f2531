//! Settings, PING, GOAWAY and errors, as far as they show outside (RFC 9113 §4, §5.4, §6.5, §6.7, §6.8).

use wirelace_http2_frames::{ErrorCode, Flags, FrameType, SettingId};

use super::block::Block;
use super::conn::{Conn, WHOLE};
use super::generic::answered;
use super::receive::Seen;
use crate::conformance::case::{Case, case};
use crate::conformance::verdict::{Verdict, failed};

pub(super) const CASES: &[Case] = &[
    case(
        "rfc9113/3.4/1",
        "RFC 9113 §3.4",
        "a request right after the preface, before the server's SETTINGS",
        |c| {
            c.raw(wirelace_http2_frames::PREFACE, "the preface");
            c.settings(&[]);
            c.get(1);
            c.server_preface()?;
            answered(c, 1)
        },
    )
    .raw(),
    case("rfc9113/3.4/2", "RFC 9113 §3.4", "the preface without SETTINGS behind it", |c| {
        c.raw(wirelace_http2_frames::PREFACE, "the preface");
        c.get(1);
        c.connection_error(&[ErrorCode::PROTOCOL_ERROR])
    })
    .raw(),
    case("rfc9113/4.2/1", "RFC 9113 §4.2", "an unknown frame above MAX_FRAME_SIZE", |c| {
        let payload = super::framing::too_long(c)?;
        c.frame(FrameType(0xf0), Flags::NONE, 0, &payload);
        c.connection_error(&[ErrorCode::FRAME_SIZE_ERROR])
    })
    .strict(),
    case("rfc9113/4.2/2", "RFC 9113 §4.2", "an unknown frame of 2^14 octets (legal)", |c| {
        c.frame(FrameType(0xf0), Flags(0xff), 0, &[0; 1 << 14]);
        c.alive()
    }),
    case(
        "rfc9113/4.3/1",
        "RFC 9113 §4.3",
        "HEADERS without a fragment, the block in CONTINUATION (legal)",
        |c| {
            let block = c.request("GET").block();
            c.headers(1, Flags::END_STREAM, &Block::default());
            c.continuation(1, Flags::END_HEADERS, &block.0);
            answered(c, 1)
        },
    ),
    case("rfc9113/4.3/2", "RFC 9113 §4.3", "a field in two frames, cut inside its value (legal)", |c| {
        let block = c.request("GET").with("x-test", "a rather long value").block().0;
        let (first, rest) = block.split_at(block.len() - 7);
        c.headers(1, Flags::END_STREAM, &Block(first.to_vec()));
        c.continuation(1, Flags::END_HEADERS, rest);
        answered(c, 1)
    }),
    case("rfc9113/4.3/3", "RFC 9113 §4.3", "SETTINGS inside a field block", |c| {
        super::framing::begun(c);
        c.frame(FrameType::SETTINGS, Flags::NONE, 0, &[]);
        c.connection_error(&[ErrorCode::PROTOCOL_ERROR])
    }),
    case("rfc9113/4.3/4", "RFC 9113 §4.3", "RST_STREAM of the same stream inside a field block", |c| {
        super::framing::begun(c);
        c.reset(1, ErrorCode::CANCEL);
        c.connection_error(&[ErrorCode::PROTOCOL_ERROR])
    }),
    case("rfc9113/6.5/1", "RFC 9113 §6.5.3", "three SETTINGS at once: three acknowledgements", |c| {
        for most in [100, 200, 300] {
            c.settings(&[(SettingId::MAX_CONCURRENT_STREAMS.0, most)]);
        }
        c.settings_acknowledged()?;
        c.alive()
    }),
    case("rfc9113/6.5/2", "RFC 9113 §6.5.3", "SETTINGS without entries", |c| {
        c.settings(&[]);
        c.settings_acknowledged()
    }),
    case(
        "rfc9113/6.5/3",
        "RFC 9113 §6.5.2",
        "MAX_HEADER_LIST_SIZE 0, HEADER_TABLE_SIZE 2^32 - 1 (legal)",
        |c| {
            c.settings(&[(SettingId::MAX_HEADER_LIST_SIZE.0, 0), (SettingId::HEADER_TABLE_SIZE.0, u32::MAX)]);
            c.settings_acknowledged()?;
            c.get(1);
            // What is too long for the client may be left out, or the stream be reset.
            c.until("an answer of any kind", |c| {
                let response = c.seen(1);
                (response.status.is_some() || response.reset.is_some()).then_some(())
            })?;
            c.alive()
        },
    ),
    case("rfc9113/6.5/4", "RFC 9113 §6.5.2", "MAX_FRAME_SIZE 2^24 - 1 (legal)", |c| {
        c.get(1);
        answered(c, 1)
    })
    .with(&[(SettingId::MAX_FRAME_SIZE.0, 0xff_ffff)]),
    case("rfc9113/6.7/1", "RFC 9113 §6.7", "several PINGs: all are answered, in their order", |c| {
        let all: Vec<[u8; 8]> = (0..8).map(|at| [at; 8]).collect();
        all.iter().for_each(|data| c.ping(*data));
        c.until("eight PINGs with ACK", |c| (c.pongs.len() >= all.len()).then_some(()))?;
        if c.pongs == all { Ok(()) } else { failed("the octets of the PINGs", format!("{:?}", c.pongs)) }
    }),
    case("rfc9113/6.7/2", "RFC 9113 §6.7", "PING while a response waits for its window", |c| {
        c.get(1);
        c.head(1)?;
        c.alive()
    })
    .with(&[(SettingId::INITIAL_WINDOW_SIZE.0, 0)]),
    case("rfc9113/6.8/1", "RFC 9113 §6.8", "GOAWAY after a request: its response still comes", |c| {
        c.get(1);
        c.frame(FrameType::GOAWAY, Flags::NONE, 0, &[0; 8]);
        c.response(1).map(|_| ())
    }),
    case(
        "rfc9113/6.8/2",
        "RFC 9113 §6.8",
        "an error after a response: GOAWAY names the stream that was answered",
        |c| {
            c.get(1);
            c.response(1)?;
            c.get(3);
            c.response(3)?;
            c.frame(FrameType::PING, Flags::NONE, 5, &[0; 8]);
            last_stream(c, 3)
        },
    ),
    case("rfc9113/5.4.1/1", "RFC 9113 §5.4.1", "a connection error is announced with GOAWAY", |c| {
        c.frame(FrameType::PING, Flags::NONE, 1, &[0; 8]);
        announced(c, ErrorCode::PROTOCOL_ERROR)
    })
    .strict(),
    case(
        "rfc9113/5.4.1/2",
        "RFC 9113 §5.4.1",
        "a field block that cannot be decoded is announced with GOAWAY",
        |c| {
            c.headers(1, WHOLE, &Block::default().bytes(&[0x80]));
            announced(c, ErrorCode::COMPRESSION_ERROR)
        },
    )
    .strict(),
    case("rfc9113/5.1.1/1", "RFC 9113 §5.1.1", "the first request on stream 13 (legal)", |c| {
        (1..6).for_each(|at| c.priority(2 * at + 1, 0, false, 15));
        c.get(13);
        answered(c, 13)
    }),
    case(
        "rfc9113/5.1.1/2",
        "RFC 9113 §5.1.1",
        "the first request on the highest stream, 2^31 - 1 (legal)",
        |c| {
            c.get(0x7fff_ffff);
            answered(c, 0x7fff_ffff)
        },
    ),
    case("rfc9113/5.1/1", "RFC 9113 §5.1", "thirty requests at once: all are answered", |c| {
        let streams: Vec<u32> = (0..30).map(|at| 2 * at + 1).collect();
        streams.iter().for_each(|stream| c.get(*stream));
        for stream in streams {
            c.response(stream)?;
        }
        c.accepted()
    }),
];

/// GOAWAY with that last stream, or one above it that was used, or none at all.
fn last_stream(c: &mut Conn, answered: u32) -> Verdict {
    let deadline = c.deadline();
    let mut said = None;
    loop {
        match c.next(deadline)? {
            Seen::GoAway(last, _) => said = Some(last),
            Seen::Closed => break,
            Seen::Silence => return failed("the end of the connection", "nothing"),
            _ => {}
        }
    }
    match said {
        Some(last) if last < answered => {
            failed(format!("GOAWAY with {answered} as the last stream"), last.to_string())
        }
        _ => Ok(()),
    }
}

fn announced(c: &mut Conn, code: ErrorCode) -> Verdict {
    c.connection_error(&[code])?;
    match c.goaway {
        Some(_) => c.closes(),
        None => failed(format!("GOAWAY ({})", super::words::code(code.0)), "the end of the connection alone"),
    }
}
