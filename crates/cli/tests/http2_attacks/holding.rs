//! Those who take what they asked for slowly, or never.

use wirelace_http2_frames::{ErrorCode, Flags, FrameType, SettingId};

use super::attacker::{Attacker, End};
use super::victim::{CONNECTION, QUIET, Victim};

const WINDOW: u16 = SettingId::INITIAL_WINDOW_SIZE.0;
const LARGE: &str = "/bytes/1000000000";

/// CVE-2019-9517: the windows are wide open, and nobody reads.
#[test]
fn responses_that_are_not_read() {
    let victim = Victim::new();
    let mut attacker = Attacker::deaf(victim.address(), &[(WINDOW, 0x7fff_ffff)]);
    attacker.window_update(0, 0x7fff_ffff - 65_535);
    for at in 0..100 {
        attacker.get(2 * at + 1, LARGE);
    }
    attacker.write().unwrap();
    // The server has begun with them, and others are served meanwhile.
    let end = attacker.flood(50_000_000, |attacker, round| attacker.get(2 * (round + 100) + 1, LARGE));
    assert!(matches!(end, End::Held | End::Closed(_)), "{end:?}");
    victim.survived(CONNECTION, attacker.written);
}

/// Streams whose windows stay at 0.
#[test]
fn windows_of_nothing() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[(WINDOW, 0)]);
    for at in 0..128 {
        attacker.get(2 * at + 1, LARGE);
    }
    assert!(attacker.is_alive());
    assert_eq!(attacker.count(FrameType::DATA), 0);
    victim.survived(CONNECTION, attacker.written);
}

/// CVE-2019-9511: credit comes by the octet.
#[test]
fn windows_of_one() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[(WINDOW, 1)]);
    for at in 0..100 {
        attacker.get(2 * at + 1, LARGE);
    }
    let end = attacker.flood(100_000, |attacker, round| attacker.window_update(2 * (round % 100) + 1, 1));
    assert!(matches!(end, End::Taken | End::Closed(Some(ErrorCode::ENHANCE_YOUR_CALM))), "{end:?}");
    victim.survived(CONNECTION, attacker.written);
}

/// The same, and the answers are not read.
#[test]
fn windows_of_one_that_are_not_read() {
    let victim = Victim::new();
    let mut attacker = Attacker::deaf(victim.address(), &[(WINDOW, 1)]);
    for at in 0..100 {
        attacker.get(2 * at + 1, LARGE);
    }
    let end = attacker.flood(10_000_000, |attacker, round| attacker.window_update(2 * (round % 100) + 1, 1));
    assert!(matches!(end, End::Held | End::Closed(_)), "{end:?}");
    victim.survived(CONNECTION, attacker.written);
}

/// Uploads that nobody takes, because their answers have no window: as much as the server allows.
#[test]
fn uploads_that_nobody_takes() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[(WINDOW, 0)]);
    let streams: Vec<u32> = (0..100).map(|at| 2 * at + 1).collect();
    for stream in &streams {
        attacker.post(*stream, "/echo");
    }
    let mut sent = 0;
    for stream in streams.iter().cycle().take(10_000) {
        assert!(attacker.is_alive());
        if attacker.may_send(*stream, 8192) {
            attacker.data(*stream, Flags::NONE, &[0; 8192]);
            sent += 8192;
        } else if streams.iter().all(|stream| !attacker.may_send(*stream, 8192)) {
            break;
        }
    }
    assert!(streams.iter().all(|stream| !attacker.may_send(*stream, 8192)), "{sent} bytes and no end");
    println!("{sent} bytes are held");
    victim.survived(CONNECTION, attacker.written);
}

/// The same, an octet a frame: what keeps it may cost many times as much as the octet.
#[test]
fn tiny_frames_that_nobody_takes() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[(WINDOW, 0)]);
    for at in 0..100 {
        attacker.post(2 * at + 1, "/echo");
    }
    // Taken or ended: it is the memory that counts.
    attacker.flood(60_000, |attacker, _| {
        for at in 0..100 {
            attacker.data(2 * at + 1, Flags::NONE, b"x");
        }
    });
    victim.survived(CONNECTION, attacker.written);
}

/// More than a stream's window allows: the stream ends, and what else comes on it is not kept.
#[test]
fn more_data_than_the_windows_allow() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[(WINDOW, 0)]);
    attacker.post(1, "/echo");
    let end = attacker.flood(10_000, |attacker, _| attacker.data(1, Flags::NONE, &[0; 16_384]));
    if end == End::Taken {
        assert_eq!(attacker.was_reset(1), Some(ErrorCode::FLOW_CONTROL_ERROR));
    } else {
        let codes = [ErrorCode::FLOW_CONTROL_ERROR, ErrorCode::ENHANCE_YOUR_CALM];
        assert!(matches!(end, End::Closed(Some(code)) if codes.contains(&code)), "{end:?}");
    }
    victim.survived(CONNECTION, attacker.written);
}

/// Frames that are never complete.
#[test]
fn frames_without_end() {
    let victim = Victim::new();
    let waiting: Vec<Attacker> = (0..200)
        .map(|_| {
            let mut attacker = Attacker::connect(victim.address(), &[]);
            attacker.post(1, "/upload");
            // One octet is missing.
            attacker.part(FrameType::DATA, 1, 16_384, 16_383);
            attacker.write().unwrap();
            attacker
        })
        .collect();
    victim.survived(200 * 96 * 1024, 200 * 16 * 1024);
    drop(waiting);
}

/// Connections with nothing but a preface.
#[test]
fn connections_that_do_nothing() {
    let victim = Victim::new();
    let idle: Vec<Attacker> = (0..300)
        .map(|_| {
            let mut attacker = Attacker::connect(victim.address(), &[]);
            assert!(attacker.is_alive());
            attacker
        })
        .collect();
    victim.survived(300 * 32 * 1024, 0);
    drop(idle);
}

/// Promises that nobody asked for, whose responses nobody takes.
#[test]
fn promises_that_are_held() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[(SettingId::ENABLE_PUSH.0, 1), (WINDOW, 0)]);
    let end = attacker.flood(2_000, |attacker, round| {
        attacker.get(2 * round + 1, "/push");
        if round % 50 == 49 {
            // The requests themselves are answered; what they promise is not taken.
            (0..50).for_each(|at| attacker.window_update(2 * (round - at) + 1, 65_535));
        }
    });
    assert!(matches!(end, End::Taken | End::Closed(Some(ErrorCode::ENHANCE_YOUR_CALM))), "{end:?}");
    assert!(attacker.count(FrameType::PUSH_PROMISE) > 0, "nothing was promised");
    victim.survived(CONNECTION, attacker.written);
}

/// Honest requests, for ever: what is remembered of them does not grow.
#[test]
fn requests_without_end() {
    served(2);
}

/// The same on every other stream: those between are closed without having been opened (RFC 9113 §5.1.1).
#[test]
fn streams_that_are_left_out() {
    served(4);
}

/// As many requests, on streams at this distance, all of which are answered.
fn served(distance: u32) {
    const REQUESTS: u32 = 30_000;
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[(WINDOW, 0x7fff_ffff)]);
    attacker.window_update(0, 0x7fff_ffff - 65_535);
    for first in (0..REQUESTS).step_by(100) {
        (first..first + 100).for_each(|at| attacker.get(distance * at + 1, "/hello"));
        let last = distance * (first + 99) + 1;
        let mut left = 100;
        let ended = attacker.until(|frame| {
            left -= usize::from(frame.header.flags.contains(Flags::END_STREAM) && frame.header.stream != 0);
            left == 0
        });
        assert!(ended, "the requests before {last} are not all answered");
        attacker.forget();
    }
    victim.survived(QUIET, 100 * REQUESTS as usize);
}
