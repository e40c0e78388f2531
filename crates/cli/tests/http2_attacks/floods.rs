//! Frames that cost the sender nothing, as many as it has (RFC 9113 §10.5).

use wirelace_http2_frames::{ErrorCode, Flags, FrameType, SettingId};

use super::attacker::{Attacker, End, request};
use super::inbox::Came;
use super::victim::{QUIET, Victim};

const CALM: End = End::Closed(Some(ErrorCode::ENHANCE_YOUR_CALM));
const MANY: usize = 200_000;

/// The flood is ended by the server, with ENHANCE_YOUR_CALM.
fn ends(make: impl FnMut(&mut Attacker, u32)) {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    assert_eq!(attacker.flood(MANY, make), CALM, "after {} bytes", attacker.written);
    victim.survived(QUIET, attacker.written);
}

/// The flood comes from someone who reads nothing: the server takes no more, or ends it.
fn stops_unread(settings: &[(u16, u32)], make: impl FnMut(&mut Attacker, u32)) {
    let victim = Victim::new();
    let mut attacker = Attacker::deaf(victim.address(), settings);
    let end = attacker.flood(40 * MANY, make);
    assert!(matches!(end, End::Closed(_) | End::Held), "all {} bytes were taken", attacker.written);
    victim.survived(QUIET, attacker.written);
}

/// CVE-2023-44487.
#[test]
fn rapid_reset() {
    ends(|attacker, round| {
        attacker.get(2 * round + 1, "/delay/60000");
        attacker.reset(2 * round + 1);
    });
}

/// The same, with bodies that never come.
#[test]
fn rapid_reset_of_uploads() {
    ends(|attacker, round| {
        attacker.post(2 * round + 1, "/upload");
        attacker.data(2 * round + 1, Flags::NONE, b"x");
        attacker.reset(2 * round + 1);
    });
}

/// CVE-2025-8671: the server is made to reset streams itself.
#[test]
fn made_you_reset_by_credit_of_nothing() {
    ends(|attacker, round| {
        attacker.get(2 * round + 1, "/delay/60000");
        attacker.window_update(2 * round + 1, 0);
    });
}

#[test]
fn made_you_reset_by_credit_beyond_the_maximum() {
    ends(|attacker, round| {
        attacker.get(2 * round + 1, "/delay/60000");
        attacker.window_update(2 * round + 1, 0x7fff_ffff);
    });
}

#[test]
fn made_you_reset_by_data_after_the_end() {
    ends(|attacker, round| {
        attacker.get(2 * round + 1, "/delay/60000");
        attacker.data(2 * round + 1, Flags::END_STREAM, b"");
    });
}

#[test]
fn made_you_reset_by_headers_after_the_end() {
    ends(|attacker, round| {
        attacker.get(2 * round + 1, "/delay/60000");
        attacker.get(2 * round + 1, "/delay/60000");
    });
}

#[test]
fn made_you_reset_by_priority_of_a_wrong_length() {
    ends(|attacker, round| {
        attacker.get(2 * round + 1, "/delay/60000");
        attacker.frame(FrameType::PRIORITY, Flags::NONE, 2 * round + 1, &[0; 4]);
    });
}

#[test]
fn made_you_reset_by_a_dependency_on_itself() {
    ends(|attacker, round| {
        let stream = 2 * round + 1;
        attacker.get(stream, "/delay/60000");
        let payload = [&stream.to_be_bytes()[..], &[0]].concat();
        attacker.frame(FrameType::PRIORITY, Flags::NONE, stream, &payload);
    });
}

#[test]
fn made_you_reset_by_malformed_requests() {
    ends(|attacker, round| {
        let block = [request("GET", "/hello"), vec![0x00, 1, b'X', 1, b'1']].concat();
        attacker.frame(FrameType::HEADERS, Flags(5), 2 * round + 1, &block);
    });
}

#[test]
fn made_you_reset_by_a_length_that_is_wrong() {
    ends(|attacker, round| {
        // content-length: 1
        let block = [request("POST", "/upload"), vec![0x0f, 0x0d, 1, b'1']].concat();
        attacker.frame(FrameType::HEADERS, Flags::END_HEADERS, 2 * round + 1, &block);
        attacker.data(2 * round + 1, Flags::END_STREAM, b"two");
    });
}

/// Streams beyond SETTINGS_MAX_CONCURRENT_STREAMS.
#[test]
fn more_streams_than_allowed() {
    ends(|attacker, round| attacker.post(2 * round + 1, "/upload"));
}

/// CVE-2019-9514: nobody reads what says that streams were reset.
#[test]
fn resets_that_are_not_read() {
    stops_unread(&[], |attacker, round| {
        let block = [request("GET", "/hello"), vec![0x00, 1, b'X', 1, b'1']].concat();
        attacker.frame(FrameType::HEADERS, Flags(5), 2 * round + 1, &block);
    });
}

/// CVE-2019-9512.
#[test]
fn pings() {
    ends(|attacker, round| attacker.frame(FrameType::PING, Flags::NONE, 0, &[round as u8; 8]));
}

#[test]
fn pings_that_are_not_read() {
    stops_unread(&[], |attacker, round| {
        attacker.frame(FrameType::PING, Flags::NONE, 0, &[round as u8; 8]);
    });
}

#[test]
fn answers_to_pings_that_nobody_sent() {
    ends(|attacker, round| attacker.frame(FrameType::PING, Flags::ACK, 0, &[round as u8; 8]));
}

/// CVE-2019-9515.
#[test]
fn settings() {
    ends(|attacker, _| attacker.frame(FrameType::SETTINGS, Flags::NONE, 0, &[]));
}

#[test]
fn settings_that_are_not_read() {
    stops_unread(&[], |attacker, _| attacker.frame(FrameType::SETTINGS, Flags::NONE, 0, &[]));
}

#[test]
fn acknowledgements_of_settings_that_nobody_sent() {
    ends(|attacker, _| attacker.frame(FrameType::SETTINGS, Flags::ACK, 0, &[]));
}

/// Each changes the windows of all streams.
#[test]
fn settings_with_many_changes() {
    let entry =
        |value: u32| [&SettingId::INITIAL_WINDOW_SIZE.0.to_be_bytes()[..], &value.to_be_bytes()].concat();
    let payload: Vec<u8> = (0..2700).flat_map(|at| entry(at % 2)).collect();
    ends(|attacker, round| {
        if round < 100 {
            attacker.get(2 * round + 1, "/bytes/1000000");
        }
        attacker.frame(FrameType::SETTINGS, Flags::NONE, 0, &payload);
    });
}

/// CVE-2019-9513.
#[test]
fn priorities() {
    ends(|attacker, round| {
        let [a, b, c, d] = ((round + 3) % 64).to_be_bytes();
        attacker.frame(FrameType::PRIORITY, Flags::NONE, 2 * (round % 64) + 1, &[a | 0x80, b, c, d, 15]);
    });
}

/// RFC 9218 §7: for streams that may never come.
#[test]
fn priority_updates_for_idle_streams() {
    ends(|attacker, round| {
        let payload = [&(2 * round + 1).to_be_bytes()[..], b"u=1, i"].concat();
        attacker.frame(FrameType::PRIORITY_UPDATE, Flags::NONE, 0, &payload);
    });
}

#[test]
fn priority_updates_with_long_values() {
    ends(|attacker, round| {
        let payload = [&(2 * round + 1).to_be_bytes()[..], &[b' '; 16_000]].concat();
        attacker.frame(FrameType::PRIORITY_UPDATE, Flags::NONE, 0, &payload);
    });
}

/// CVE-2019-9518.
#[test]
fn data_without_data() {
    ends(|attacker, round| {
        if round == 0 {
            attacker.post(1, "/upload");
        }
        attacker.data(1, Flags::NONE, b"");
    });
}

#[test]
fn data_that_is_padding() {
    ends(|attacker, round| {
        if round == 0 {
            attacker.post(1, "/upload");
        }
        attacker.data(1, Flags::PADDED, &[0]);
    });
}

#[test]
fn data_on_closed_streams() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    attacker.get(1, "/hello");
    assert!(attacker.wait(|frame| frame.header.flags.contains(Flags::END_STREAM)).is_some());
    let end = attacker.flood(MANY, |attacker, _| attacker.data(1, Flags::NONE, b""));
    let codes = [ErrorCode::STREAM_CLOSED, ErrorCode::ENHANCE_YOUR_CALM];
    assert!(matches!(end, End::Closed(Some(code)) if codes.contains(&code)), "{end:?}");
    victim.survived(QUIET, attacker.written);
}

/// The server has reset it, and forgives what was under way; not for ever.
#[test]
fn data_on_a_stream_that_was_reset() {
    ends(|attacker, round| {
        if round == 0 {
            attacker.post(1, "/upload");
            attacker.window_update(1, 0);
        }
        attacker.data(1, Flags::NONE, b"");
    });
}

#[test]
fn headers_on_a_stream_that_was_reset() {
    ends(|attacker, round| {
        if round == 0 {
            attacker.post(1, "/upload");
            attacker.window_update(1, 0);
        }
        attacker.get(1, "/hello");
    });
}

/// Frames for a server that leaves, beyond the last stream that it takes.
#[test]
fn requests_for_a_server_that_leaves() {
    let mut victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    attacker.get(1, "/delay/3000");
    assert!(attacker.is_alive());
    victim.leave();
    let last = |frame: &Came| frame.header.frame_type == FrameType::GOAWAY && frame.number(0) == 1;
    assert!(attacker.wait(last).is_some());
    let end = attacker.flood(MANY, |attacker, round| attacker.get(2 * round + 3, "/hello"));
    assert_eq!(end, CALM);
    drop(attacker);
    victim.left();
}

#[test]
fn window_updates() {
    ends(|attacker, _| attacker.window_update(0, 1));
}

#[test]
fn window_updates_of_a_stream() {
    ends(|attacker, round| {
        if round == 0 {
            attacker.get(1, "/delay/60000");
        }
        attacker.window_update(1, 1);
    });
}

#[test]
fn window_updates_beyond_the_maximum() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    let end = attacker.flood(MANY, |attacker, _| attacker.window_update(0, 0x7fff_ffff));
    assert_eq!(end, End::Closed(Some(ErrorCode::FLOW_CONTROL_ERROR)));
    victim.survived(QUIET, attacker.written);
}

#[test]
fn frames_of_unknown_types() {
    ends(|attacker, round| attacker.frame(FrameType(0xf0 | round as u8), Flags(0xff), round, b"?"));
}

#[test]
fn goaways() {
    ends(|attacker, round| {
        if round == 0 {
            // Else the server has no reason to stay.
            attacker.get(1, "/delay/60000");
        }
        attacker.frame(FrameType::GOAWAY, Flags::NONE, 0, &[0; 8]);
    });
}

#[test]
fn resets_of_closed_streams() {
    ends(|attacker, round| {
        if round == 0 {
            attacker.get(1, "/hello");
            assert!(attacker.wait(|frame| frame.header.flags.contains(Flags::END_STREAM)).is_some());
        }
        attacker.reset(1);
    });
}
