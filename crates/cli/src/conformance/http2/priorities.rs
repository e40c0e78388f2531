//! Priorities of RFC 9218, for servers that say that they use them.

use wirelace_http2_frames::{ErrorCode, Flags, FrameType, SettingId};

use super::conn::{Conn, WHOLE};
use super::generic::answered;
use super::receive::Seen;
use crate::conformance::case::{Case, case};
use crate::conformance::verdict::{Verdict, failed, skipped};

const PROTOCOL: &[ErrorCode] = &[ErrorCode::PROTOCOL_ERROR];
const HELD: &[(u16, u32)] = &[(SettingId::INITIAL_WINDOW_SIZE.0, 0)];

pub(super) const CASES: &[Case] = &[
    case("rfc9218/2.1/1", "RFC 9218 §2.1", "SETTINGS_NO_RFC7540_PRIORITIES 1 (legal)", |c| {
        c.get(1);
        answered(c, 1)
    })
    .with(&[(SettingId::NO_RFC7540_PRIORITIES.0, 1)]),
    case("rfc9218/2.1/2", "RFC 9218 §2.1", "SETTINGS_NO_RFC7540_PRIORITIES 2", |c| {
        spoken(c)?;
        c.frame(FrameType::SETTINGS, Flags::NONE, 0, &[0, 9, 0, 0, 0, 2]);
        c.connection_error(PROTOCOL)
    }),
    case(
        "rfc9218/2.1/3",
        "RFC 9218 §2.1",
        "SETTINGS_NO_RFC7540_PRIORITIES changes after the first SETTINGS",
        |c| {
            c.frame(FrameType::SETTINGS, Flags::NONE, 0, &[0, 9, 0, 0, 0, 1]);
            c.error_or_ignored(PROTOCOL)
        },
    ),
    case("rfc9218/4/1", "RFC 9218 §4", "the field priority (legal)", |c| {
        let request = c.request("GET").with("priority", "u=1, i");
        c.send(1, &request);
        answered(c, 1)
    }),
    case("rfc9218/4/2", "RFC 9218 §4", "the field priority with values that do not exist: ignored", |c| {
        let request = c.request("GET").with("priority", "u=9, i=?1, x=\"y\";z, q");
        c.send(1, &request);
        answered(c, 1)
    }),
    case("rfc9218/4/3", "RFC 9218 §4", "the field priority that is no dictionary: ignored", |c| {
        let request = c.request("GET").with("priority", "u=,;;\"");
        c.send(1, &request);
        answered(c, 1)
    }),
    case("rfc9218/7.1/1", "RFC 9218 §7.1", "PRIORITY_UPDATE for an open stream (legal)", |c| {
        c.get(1);
        update(c, 0, 1, b"u=0, i");
        c.window_update(1, 1 << 20);
        answered(c, 1)
    })
    .with(HELD),
    case("rfc9218/7.1/2", "RFC 9218 §7.1", "PRIORITY_UPDATE for an idle stream (legal)", |c| {
        update(c, 0, 1, b"u=0");
        c.get(1);
        answered(c, 1)
    }),
    case("rfc9218/7.1/3", "RFC 9218 §7.1", "PRIORITY_UPDATE for a closed stream: ignored", |c| {
        c.get(1);
        c.response(1)?;
        update(c, 0, 1, b"u=0");
        c.accepted()
    }),
    case("rfc9218/7.1/4", "RFC 9218 §7.1", "PRIORITY_UPDATE on a stream", |c| {
        spoken(c)?;
        c.post(1);
        update(c, 1, 1, b"u=0");
        c.connection_error(PROTOCOL)
    }),
    case("rfc9218/7.1/5", "RFC 9218 §7.1", "PRIORITY_UPDATE for stream 0", |c| {
        spoken(c)?;
        update(c, 0, 0, b"u=0");
        c.connection_error(PROTOCOL)
    }),
    case("rfc9218/7.1/6", "RFC 9218 §7.1", "PRIORITY_UPDATE of three octets", |c| {
        spoken(c)?;
        c.frame(FrameType::PRIORITY_UPDATE, Flags::NONE, 0, &[0, 0, 1]);
        c.connection_error(&[ErrorCode::FRAME_SIZE_ERROR])
    }),
    case("rfc9218/7.1/7", "RFC 9218 §7.1", "PRIORITY_UPDATE for a push that was not promised", |c| {
        spoken(c)?;
        update(c, 0, 2, b"u=0");
        c.connection_error(PROTOCOL)
    }),
    case("rfc9218/7.1/8", "RFC 9218 §7.1", "PRIORITY_UPDATE with a value that is no dictionary", |c| {
        c.post(1);
        update(c, 0, 1, b"u=,;;\"");
        c.error_or_ignored(PROTOCOL)
    }),
    case("rfc9218/7.1/9", "RFC 9218 §7.1", "PRIORITY_UPDATE inside a field block", |c| {
        super::framing::begun(c);
        update(c, 0, 1, b"u=0");
        c.connection_error(PROTOCOL)
    }),
    case("rfc9218/10/1", "RFC 9218 §10", "a more urgent response is sent first", |c| {
        first(c, "u=5", "u=1", false)
    })
    .strict(),
    case(
        "rfc9218/10/2",
        "RFC 9218 §10",
        "a response that PRIORITY_UPDATE makes urgent is sent first",
        |c| first(c, "u=3", "u=3", true),
    )
    .strict(),
];

/// The server says that it uses RFC 9218, and not RFC 7540's scheme.
fn spoken(c: &Conn) -> Verdict {
    match c.setting(SettingId::NO_RFC7540_PRIORITIES) {
        Some(1) => Ok(()),
        _ => skipped("the server does not say that it uses RFC 9218 (SETTINGS_NO_RFC7540_PRIORITIES)"),
    }
}

fn update(c: &mut Conn, on: u32, stream: u32, value: &[u8]) {
    let payload = [&stream.to_be_bytes()[..], value].concat();
    c.frame(FrameType::PRIORITY_UPDATE, Flags::NONE, on, &payload);
}

/// Two responses that wait for the connection's window: the second is the more urgent one, and comes first.
fn first(c: &mut Conn, one: &str, other: &str, later: bool) -> Verdict {
    spoken(c)?;
    c.gives_credit = false;
    // All of the connection's window is used up.
    let mut stream = 1;
    while c.window > 0 {
        if stream > 4000 {
            return skipped("the window of the connection is not used up: another --path is needed");
        }
        c.get(stream);
        c.until("a response as far as the window goes", |c| {
            (c.seen(stream).ended || c.window == 0).then_some(())
        })?;
        stream += 2;
    }
    let (slow, urgent) = (stream, stream + 2);
    for (stream, priority) in [(slow, one), (urgent, other)] {
        let request = c.request("GET").with("priority", priority);
        c.headers(stream, WHOLE, &request.block());
        if c.head(stream)?.ended {
            return skipped("the response has no body: another --path is needed");
        }
    }
    if later {
        update(c, 0, urgent, b"u=0");
    }
    c.alive()?;
    // Those before are of no interest any more.
    (1..slow)
        .step_by(2)
        .filter(|stream| !c.seen(*stream).ended)
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|stream| c.reset(stream, ErrorCode::CANCEL));
    c.alive()?;
    c.window_update(0, 65_535);
    let deadline = c.deadline();
    loop {
        match c.next(deadline)? {
            Seen::Data(stream) if stream == urgent => return Ok(()),
            Seen::Data(stream) if stream == slow => {
                return failed(format!("DATA on stream {urgent}"), format!("DATA on stream {slow}"));
            }
            Seen::Silence | Seen::Closed => return failed(format!("DATA on stream {urgent}"), "none"),
            _ => {}
        }
    }
}
