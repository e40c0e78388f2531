//! Server push (RFC 9113 §6.6, §8.4), for servers that do it.

use wirelace_http2_frames::{ErrorCode, Flags, FrameType, SettingId};

use super::conn::Conn;
use super::generic::answered;
use crate::conformance::case::{Case, case};
use crate::conformance::verdict::{Verdict, failed, skipped};

/// Where `wirelace demo` pushes.
const PUSHING: &str = "/push";

pub(super) const CASES: &[Case] = &[
    case("rfc9113/8.4/1", "RFC 9113 §8.4", "ENABLE_PUSH 0: nothing is promised", |c| {
        get(c);
        answered(c, 1)
    })
    .with(&[(SettingId::ENABLE_PUSH.0, 0)]),
    case("rfc9113/8.4/2", "RFC 9113 §8.4.1", "promises are of GET or HEAD, with all pseudo-fields", |c| {
        let promises = promises(c)?;
        for promised in promises {
            let fields = c.seen(promised).promise;
            let value =
                |name: &str| fields.iter().find(|(found, _)| found == name.as_bytes()).map(|(_, v)| &**v);
            let method = value(":method");
            if !matches!(method, Some(b"GET" | b"HEAD")) {
                return failed("a method that is safe, cacheable and without content", format!("{method:?}"));
            }
            if [":scheme", ":path", ":authority"].iter().any(|name| value(name).is_none_or(<[u8]>::is_empty))
            {
                return failed(":scheme, :path and :authority", "not all of them");
            }
        }
        Ok(())
    })
    .with(&[(SettingId::ENABLE_PUSH.0, 1)]),
    case("rfc9113/8.4/3", "RFC 9113 §8.4.2", "what was promised comes", |c| {
        for promised in promises(c)? {
            let expected = format!("the promised response on stream {promised}");
            c.until(&expected, |c| c.seen(promised).ended.then_some(()))?;
        }
        c.alive()
    })
    .with(&[(SettingId::ENABLE_PUSH.0, 1)]),
    case("rfc9113/8.4/4", "RFC 9113 §8.4.2", "a promise is refused with RST_STREAM", |c| {
        for promised in promises(c)? {
            c.reset(promised, ErrorCode::REFUSED_STREAM);
        }
        c.response(1)?;
        c.get(3);
        c.response(3)?;
        c.alive()
    })
    .with(&[(SettingId::ENABLE_PUSH.0, 1), (SettingId::INITIAL_WINDOW_SIZE.0, 65_535)]),
    case("rfc9113/8.4/5", "RFC 9113 §8.4.2", "MAX_CONCURRENT_STREAMS 0: no promised response begins", |c| {
        get(c);
        c.response(1)?;
        c.alive()?;
        // Those that were promised may not be sent.
        let begun = c.promised.iter().find(|(promised, _)| c.seen(*promised).status.is_some());
        match begun {
            Some((promised, _)) => {
                failed("no response on promised streams", format!("one on stream {promised}"))
            }
            None => Ok(()),
        }
    })
    .with(&[(SettingId::ENABLE_PUSH.0, 1), (SettingId::MAX_CONCURRENT_STREAMS.0, 0)]),
    case("rfc9113/8.4/6", "RFC 9113 §8.4", "PUSH_PROMISE from a client on an idle stream", |c| {
        let block = c.request("GET").block();
        c.frame(FrameType::PUSH_PROMISE, Flags::END_HEADERS, 1, &[&[0, 0, 0, 2], &*block.0].concat());
        c.connection_error(&[ErrorCode::PROTOCOL_ERROR])
    }),
];

fn get(c: &mut Conn) {
    let request = c.request("GET").changed(":path", PUSHING);
    c.send(1, &request);
}

/// The promises that a request brings: two requests, if the path that is tested pushes, too.
fn promises(c: &mut Conn) -> Verdict<Vec<u32>> {
    get(c);
    c.head(1)?;
    c.alive()?;
    match c.promised.is_empty() {
        true => skipped(format!("GET {PUSHING} promises nothing")),
        false => Ok(c.promised.iter().map(|(promised, _)| *promised).collect()),
    }
}
