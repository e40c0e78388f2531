//! CONNECT (RFC 9113 §8.5), and extended CONNECT (RFC 8441).

use wirelace_http2_frames::{ErrorCode, Flags, FrameType, SettingId};

use super::block::Request;
use super::conn::Conn;
use crate::conformance::case::{Case, case};
use crate::conformance::verdict::{Verdict, failed, skipped};

pub(super) const CASES: &[Case] = &[
    case("rfc9113/8.5/1", "RFC 9113 §8.5", "CONNECT with :scheme and :path", |c| {
        let request = c.request("CONNECT");
        malformed(c, &request)
    }),
    case("rfc9113/8.5/2", "RFC 9113 §8.5", "CONNECT without :authority", |c| {
        malformed(c, &Request::default().with(":method", "CONNECT"))
    }),
    case("rfc9113/8.5/3", "RFC 9113 §8.5", "CONNECT with an authority without a port", |c| {
        malformed(c, &Request::default().with(":method", "CONNECT").with(":authority", "localhost"))
    })
    .strict(),
    case("rfc9113/8.5/4", "RFC 9113 §8.5", "CONNECT: any answer, and the connection goes on", |c| {
        let request = Request::default().with(":method", "CONNECT").with(":authority", "127.0.0.1:9");
        c.send(1, &request);
        any_answer(c)
    }),
    case("rfc8441/3/1", "RFC 8441 §3", "SETTINGS_ENABLE_CONNECT_PROTOCOL from a client: no effect", |c| {
        c.frame(FrameType::SETTINGS, Flags::NONE, 0, &[0, 8, 0, 0, 0, 1]);
        c.settings_acknowledged()?;
        c.alive()
    }),
    case(
        "rfc8441/4/1",
        "RFC 8441 §3",
        ":protocol: malformed, if the server has not said that it takes it",
        |c| {
            let request = c.request("CONNECT").with(":protocol", "websocket");
            if !allowed(c) {
                return malformed(c, &request);
            }
            c.headers(1, Flags::END_HEADERS, &request.block());
            any_answer(c)?;
            match c.seen(1).reset {
                Some(ErrorCode::PROTOCOL_ERROR) => {
                    failed("an answer, as SETTINGS promise", "RST_STREAM (PROTOCOL_ERROR)")
                }
                _ => Ok(()),
            }
        },
    ),
    case("rfc8441/4/2", "RFC 8441 §4", ":protocol without :scheme", |c| without(c, ":scheme")),
    case("rfc8441/4/3", "RFC 8441 §4", ":protocol without :path", |c| without(c, ":path")),
    case("rfc8441/4/4", "RFC 8441 §4", ":protocol without :authority", |c| without(c, ":authority")),
    case("rfc8441/4/5", "RFC 8441 §4", ":protocol in a GET", |c| {
        let request = c.request("GET").with(":protocol", "websocket");
        malformed(c, &request)
    }),
    case("rfc8441/4/6", "RFC 8441 §4", "two :protocol", |c| {
        let request = c.request("CONNECT").with(":protocol", "websocket").with(":protocol", "websocket");
        malformed(c, &request)
    }),
    case(
        "rfc8441/4/7",
        "RFC 8441 §4",
        "an unknown :protocol: any answer but 2xx, and the connection goes on",
        |c| {
            if !allowed(c) {
                return skipped("the server does not take :protocol (SETTINGS_ENABLE_CONNECT_PROTOCOL)");
            }
            let request = c.request("CONNECT").with(":protocol", "x-unknown");
            c.headers(1, Flags::END_HEADERS, &request.block());
            any_answer(c)?;
            match c.seen(1).status {
                Some(status @ 200..=299) => failed("a status that says no", status.to_string()),
                _ => Ok(()),
            }
        },
    ),
];

fn allowed(c: &Conn) -> bool {
    c.setting(SettingId::ENABLE_CONNECT_PROTOCOL) == Some(1)
}

fn without(c: &mut Conn, name: &str) -> Verdict {
    if !allowed(c) {
        return skipped("the server does not take :protocol (SETTINGS_ENABLE_CONNECT_PROTOCOL)");
    }
    let request = c.request("CONNECT").with(":protocol", "websocket").without(name);
    malformed(c, &request)
}

/// A request for a tunnel that has something wrong.
fn malformed(c: &mut Conn, request: &Request) -> Verdict {
    c.headers(1, Flags::END_HEADERS, &request.block());
    c.malformed(1)
}

fn any_answer(c: &mut Conn) -> Verdict {
    c.until("an answer of any kind", |c| {
        let response = c.seen(1);
        response.status.is_some().then_some(())
    })
    .or_else(|trouble| match c.seen(1).reset {
        Some(_) => Ok(()),
        None => Err(trouble),
    })?;
    c.alive()
}
