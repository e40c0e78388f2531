//! Credit, seen from outside (RFC 9113 §5.2, §6.9).

use wirelace_http2_frames::{ErrorCode, Flags, SettingId};

use super::conn::Conn;
use super::generic::answered;
use super::receive::Seen;
use crate::conformance::case::{Case, case};
use crate::conformance::verdict::{Verdict, failed, skipped};

const INITIAL_WINDOW: u16 = SettingId::INITIAL_WINDOW_SIZE.0;

/// What is sent through a window has to be a multiple of it.
const ROUNDS: i64 = 4;

pub(super) const CASES: &[Case] = &[
    case(
        "rfc9113/6.9/1",
        "RFC 9113 §6.9.1",
        "half of each DATA frame is padding: credit comes back for all of it",
        |c| through(c, &[&[255u8][..], &[b'x'; 256], &[0; 255]].concat(), Flags::PADDED),
    ),
    case("rfc9113/6.9/2", "RFC 9113 §6.9.1", "bodies of several windows: credit comes back", |c| {
        through(c, &[b'x'; 8192], Flags::NONE)
    }),
    case(
        "rfc9113/6.9/3",
        "RFC 9113 §6.9",
        "DATA of streams that are reset: the connection's credit comes back",
        reset,
    ),
    case("rfc9113/6.9/4", "RFC 9113 §6.9.1", "credit only for what was sent", |c| {
        c.post(1);
        c.data(1, Flags::END_STREAM, &[b'x'; 100]);
        let before = c.credit(0);
        c.response(1)?;
        c.alive()?;
        // The initial window may be widened by any amount: what is looked for is above all windows.
        match c.credit(0) - before {
            more if more <= 0x7fff_ffff - 65_535 + 100 => Ok(()),
            more => failed("windows of at most 2^31 - 1", format!("credit of {more}")),
        }
    }),
    case(
        "rfc9113/6.9/5",
        "RFC 9113 §6.9.1",
        "a window of 0: the head comes, and no DATA before there is credit",
        |c| {
            c.gives_credit = false;
            c.get(1);
            let head = c.head(1)?;
            if head.ended {
                return skipped("the response has no body: another --path is needed");
            }
            c.exactly(1, 0)?;
            c.gives_credit = true;
            c.window_update(1, 1 << 20);
            answered(c, 1)
        },
    )
    .with(&[(INITIAL_WINDOW, 0)]),
    case("rfc9113/6.9/6", "RFC 9113 §6.9.1", "the connection's window is shared by all streams", |c| {
        c.gives_credit = false;
        (0..50).for_each(|at| c.get(2 * at + 1));
        // What breaks the window is noticed when it comes.
        c.head(99)?;
        c.alive()
    }),
    case(
        "rfc9113/6.9/7",
        "RFC 9113 §6.9.2",
        "INITIAL_WINDOW_SIZE does not change the connection's window",
        |c| {
            c.gives_credit = false;
            c.settings(&[(INITIAL_WINDOW, 0x7fff_ffff)]);
            c.settings_acknowledged()?;
            (0..50).for_each(|at| c.get(2 * at + 1));
            c.head(99)?;
            c.alive()
        },
    ),
    case("rfc9113/6.9/8", "RFC 9113 §6.9.2", "INITIAL_WINDOW_SIZE makes a stream's window overflow", |c| {
        c.post(1);
        c.window_update(1, 0x7fff_ffff - 65_535);
        // One more than the stream can have. Some end the stream alone.
        c.settings(&[(INITIAL_WINDOW, 65_536)]);
        let codes = [ErrorCode::FLOW_CONTROL_ERROR];
        let verdict = if c.is_strict() { c.connection_error(&codes) } else { c.stream_error(1, &codes) };
        match verdict {
            Err(_) if c.seen(1).ended => skipped("the response does not wait for the body"),
            verdict => verdict,
        }
    }),
    case(
        "rfc9113/6.9/9",
        "RFC 9113 §6.9",
        "WINDOW_UPDATE and RST_STREAM for a stream that was just closed (legal)",
        |c| {
            c.get(1);
            c.response(1)?;
            c.window_update(1, 10);
            c.reset(1, ErrorCode::NO_ERROR);
            c.get(3);
            answered(c, 3)
        },
    ),
];

/// Sends several windows of DATA in frames like this one, as far as there is credit.
fn through(c: &mut Conn, frame: &[u8], flags: Flags) -> Verdict {
    let flow = frame.len() as i64;
    let initial = i64::from(c.setting(SettingId::INITIAL_WINDOW_SIZE).unwrap_or(65_535));
    let (mut sent, mut stream, mut on_stream) = (0, 1, 0);
    c.post(stream);
    let mut windows = None;
    loop {
        // The windows are at their widest once the server has seen the request.
        let connection = 65_535 + c.credit(0);
        let wanted = *windows.get_or_insert(ROUNDS * 65_535);
        if sent >= wanted {
            break;
        }
        let over = c.seen(stream).ended || c.seen(stream).reset.is_some();
        if over {
            if stream > 400 {
                return skipped("requests end before their bodies came");
            }
            if c.seen(stream).reset.is_none() {
                c.data(stream, Flags::END_STREAM, b"");
            }
            (stream, on_stream) = (stream + 2, 0);
            c.post(stream);
        }
        if sent + flow <= connection && on_stream + flow <= initial + c.credit(stream) {
            c.data(stream, flags, frame);
            (sent, on_stream) = (sent + flow, on_stream + flow);
            continue;
        }
        waits(c, sent, stream)?;
    }
    if !c.seen(stream).ended && c.seen(stream).reset.is_none() {
        c.data(stream, Flags::END_STREAM, b"");
        c.until("a response", |c| {
            let response = c.seen(stream);
            (response.ended || response.reset.is_some()).then_some(())
        })?;
    }
    c.alive()
}

/// Until there is credit, or the stream is over.
fn waits(c: &mut Conn, sent: i64, stream: u32) -> Verdict {
    let deadline = c.deadline();
    loop {
        match c.next(deadline)? {
            Seen::WindowUpdate => return Ok(()),
            Seen::Fields(other) | Seen::Data(other) if other == stream && c.seen(stream).ended => {
                return Ok(());
            }
            Seen::Reset(other, _) if other == stream => return Ok(()),
            Seen::Silence | Seen::Closed | Seen::GoAway(..) => {
                return failed("WINDOW_UPDATE for what was received", format!("none after {sent} octets"));
            }
            _ => {}
        }
    }
}

/// Several windows of DATA, on streams that are reset before their end.
fn reset(c: &mut Conn) -> Verdict {
    const FRAME: usize = 16_384;
    let mut sent = 0;
    for at in 0..16 {
        let stream = 2 * at + 1;
        while sent + FRAME as i64 > 65_535 + c.credit(0) {
            waits(c, sent, 0)?;
        }
        c.post(stream);
        c.data(stream, Flags::NONE, &[b'x'; FRAME]);
        sent += FRAME as i64;
        // So that it is no flood.
        c.alive()?;
        c.reset(stream, ErrorCode::CANCEL);
    }
    c.get(99);
    c.response(99)?;
    c.alive()
}
