//! Every limit is hit: memory stays bounded, the peer is told the right code, and nothing else breaks.

mod raw;

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use raw::{Raw, Seen};
use wirelace_http_semantics::{Event, Head, HttpMachine, Reason, ResponseHead, SendError, StreamId};
use wirelace_http2::{Error, ErrorCode, Flood, Limits, PREFACE, Timeouts};
use wirelace_http2_frames::{
    Dependency, Flags, Frame, FrameHeader, FrameType, SettingId, Settings, write_settings,
};
use wirelace_wire::Machine as _;

const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")];

fn ok() -> ResponseHead {
    ResponseHead::new(StatusCode::OK)
}

fn flooded(raw: &Raw, flood: Flood) {
    assert_eq!(raw.error, Some(Error::Flood(flood)));
    assert_eq!(raw.go_away().map(|(_, code)| code), Some(ErrorCode::ENHANCE_YOUR_CALM));
}

/// Sends until the machine has enough; returns how often it took it.
fn until_error(raw: &mut Raw, most: usize, mut send: impl FnMut(&mut Raw, usize)) -> usize {
    for turn in 0..most {
        send(raw, turn);
        raw.events.clear();
        if raw.error.is_some() {
            return turn;
        }
    }
    panic!("nothing happened after {most} turns");
}

#[test]
fn streams_beyond_the_limit_are_refused_and_the_others_go_on() {
    let mut raw = Raw::client(Limits { streams: 3, ..Limits::default() });
    for stream in [1, 3, 5, 7] {
        raw.request(stream, true);
    }
    assert_eq!(raw.reset_of(7), Some(ErrorCode::REFUSED_STREAM));
    assert!(!raw.has_head(7) && raw.has_head(5));
    raw.machine.send_message(StreamId(1), ok(), Bytes::from_static(b"x")).unwrap();
    raw.request(9, true);
    assert!(raw.has_head(9), "one has ended");
    assert_eq!(raw.error, None);
}

#[test]
fn frames_larger_than_allowed() {
    for frame in [FrameType::DATA, FrameType::HEADERS, FrameType(0xfe)] {
        let mut raw = Raw::client(Limits::default());
        let mut out = Vec::new();
        let flags = Flags::END_HEADERS;
        FrameHeader { length: 16_385, frame_type: frame, flags, stream: 1 }.write(&mut out);
        // The payload need not be there.
        raw.send_bytes(&out);
        assert_eq!(raw.error, Some(Error::FrameSize { length: 16_385, limit: 16_384 }));
        assert_eq!(raw.go_away(), Some((0, ErrorCode::FRAME_SIZE_ERROR)));
    }
}

#[test]
fn a_header_list_that_is_too_large_is_answered_and_the_connection_lives() {
    let mut raw = Raw::client(Limits { header_list: 1000, ..Limits::default() });
    let long = "v".repeat(900);
    let mut fields = GET.to_vec();
    fields.push(("x-long", &long));
    raw.headers(1, &fields, true);
    assert_eq!(raw.status_of(1).as_deref(), Some("431"));
    assert!(!raw.has_head(1));
    // The table of the decoder is as the encoder has it.
    raw.headers(3, &GET, true);
    assert!(raw.has_head(3) && raw.error.is_none());
}

#[test]
fn many_fields_of_one_octet_each_are_answered_and_cost_no_memory() {
    let mut raw = Raw::client(Limits::default());
    let mut block = raw.block(&GET);
    let named = raw.block(&[("x-bomb", &"b".repeat(3000))]);
    block.extend_from_slice(&named);
    // 16,000 references to the entry that has just been made.
    block.resize(block.len() + 13_000, 0x80 | 62);
    for stream in [1, 3, 5] {
        let fragment = if stream == 1 { block.clone() } else { vec![0x80 | 62; 16_000] };
        raw.send(Frame::Headers {
            stream,
            fragment: &fragment,
            dependency: None,
            end_stream: true,
            end_headers: true,
        });
        assert_eq!(raw.status_of(stream).as_deref(), Some("431"), "stream {stream}");
    }
    assert!(raw.events.is_empty() && raw.error.is_none());
}

#[test]
fn field_blocks_in_too_many_parts_or_too_large() {
    for (limit, size, empty) in [(16, 10, false), (16, 0, true), (1000, 16_000, false)] {
        let mut raw = Raw::client(Limits { continuations: limit, ..Limits::default() });
        let block = raw.block(&GET);
        raw.send(Frame::Headers {
            stream: 1,
            fragment: &block,
            dependency: None,
            end_stream: true,
            end_headers: false,
        });
        let part = vec![0u8; if empty { 0 } else { size }];
        let sent = until_error(&mut raw, 1001, |raw, _| {
            raw.send(Frame::Continuation { stream: 1, fragment: &part, end_headers: false });
        });
        assert!(sent <= 16, "{sent}");
        assert_eq!(raw.error, Some(Error::BlockTooLarge));
        assert_eq!(raw.go_away(), Some((0, ErrorCode::ENHANCE_YOUR_CALM)));
    }
}

#[test]
fn resets_of_what_was_just_asked_for() {
    let mut raw = Raw::client(Limits::default());
    let turns = until_error(&mut raw, 10_000, |raw, turn| {
        let stream = turn as u32 * 2 + 1;
        raw.request(stream, true);
        raw.send(Frame::RstStream { stream, code: ErrorCode::CANCEL });
    });
    assert_eq!(turns, 500);
    flooded(&raw, Flood::Resets);
    assert!(raw.machine.is_finished());
}

#[test]
fn resets_that_the_peer_makes_this_side_send() {
    let mut raw = Raw::client(Limits::default());
    let turns = until_error(&mut raw, 10_000, |raw, turn| {
        let stream = turn as u32 * 2 + 1;
        raw.request(stream, false);
        raw.send(Frame::WindowUpdate { stream, increment: (1 << 31) - 1 });
    });
    assert_eq!(turns, 500);
    flooded(&raw, Flood::Faults);
}

#[test]
fn malformed_requests() {
    let mut raw = Raw::client(Limits::default());
    let turns = until_error(&mut raw, 10_000, |raw, turn| {
        raw.headers(turn as u32 * 2 + 1, &[(":method", "GET")], true);
    });
    assert_eq!(turns, 500);
    flooded(&raw, Flood::Faults);
}

#[test]
fn frames_that_move_nothing() {
    let dependency = Dependency { stream: 0, exclusive: false, weight: 1 };
    type Send = Box<dyn Fn(&mut Raw)>;
    let floods: [(&str, Send); 7] = [
        ("PING", Box::new(|raw| raw.send(Frame::Ping { ack: false, data: [0; 8] }))),
        ("PING answers", Box::new(|raw| raw.send(Frame::Ping { ack: true, data: [0; 8] }))),
        ("PRIORITY", Box::new(move |raw| raw.send(Frame::Priority { stream: 1001, dependency }))),
        ("PRIORITY_UPDATE", Box::new(|raw| raw.send(Frame::PriorityUpdate { stream: 1, value: b"u=1" }))),
        ("WINDOW_UPDATE", Box::new(|raw| raw.send(Frame::WindowUpdate { stream: 0, increment: 1 }))),
        (
            "GOAWAY",
            Box::new(|raw| {
                raw.send(Frame::GoAway { last_stream: 0, code: ErrorCode::NO_ERROR, debug: b"" });
            }),
        ),
        ("unknown", Box::new(|raw| raw.send_bytes(&[0, 0, 0, 0xee, 0, 0, 0, 0, 0]))),
    ];
    for (name, flood) in floods {
        let mut raw = Raw::client(Limits::default());
        raw.request(1, true); // Else GOAWAY ends it at once.
        let turns = until_error(&mut raw, 20_000, |raw, _| flood(raw));
        assert!((3000..=4000).contains(&turns), "{name}: {turns}");
        flooded(&raw, Flood::Controls);
    }
}

#[test]
fn window_updates_for_data_that_went_are_no_flood() {
    let mut raw = Raw::client(Limits::default());
    raw.request(1, true);
    raw.machine.send_head(StreamId(1), Head::Response(ok()), false).unwrap();
    for _ in 0..20_000 {
        raw.machine.send_data(StreamId(1), Bytes::from_static(b"some data"), false).unwrap();
        raw.poll();
        raw.send(Frame::WindowUpdate { stream: 1, increment: 9 });
        raw.send(Frame::WindowUpdate { stream: 0, increment: 9 });
        raw.seen.clear();
        raw.events.clear();
    }
    assert_eq!(raw.error, None);
}

#[test]
fn settings_over_and_over() {
    let mut raw = Raw::client(Limits::default());
    let turns = until_error(&mut raw, 1000, |raw, turn| {
        let mut out = Vec::new();
        write_settings(&mut out, &[(SettingId::INITIAL_WINDOW_SIZE, turn as u32)]);
        raw.send_bytes(&out);
    });
    assert!(turns < 60, "{turns}");
    flooded(&raw, Flood::Settings);
}

#[test]
fn data_without_data() {
    let mut raw = Raw::client(Limits::default());
    raw.request(1, false);
    let turns = until_error(&mut raw, 1000, |raw, turn| {
        raw.data(1, b"", (turn % 2 == 0).then_some(0), false);
    });
    assert_eq!(turns, 100);
    flooded(&raw, Flood::EmptyData);
}

#[test]
fn answers_that_are_not_read() {
    let mut raw = Raw::client(Limits { output: 1000, ..Limits::default() });
    let mut input = bytes::BytesMut::new();
    let mut frame = Vec::new();
    Frame::Ping { ack: false, data: [7; 8] }.write(&mut frame);
    let mut most = 0;
    let error = loop {
        input.extend_from_slice(&frame);
        match raw.machine.poll_event(raw.now, &mut input) {
            Ok(None) => most = most.max(raw.machine.output().len()),
            other => break other,
        }
    };
    // Whichever comes first.
    assert!(matches!(error, Err(Error::Flood(Flood::Unread | Flood::Controls))), "{error:?}");
    assert!(most <= 1000 + 64 * 1024 + 17, "{most}");
}

#[test]
fn requests_wait_while_answers_are_not_read() {
    let mut raw = Raw::client(Limits { output: 4000, ..Limits::default() });
    let block = raw.block(&GET);
    let mut input = bytes::BytesMut::new();
    let mut answered = 0u32;
    for stream in (1..2001).step_by(2) {
        let mut out = Vec::new();
        let fragment = if stream == 1 { &block[..] } else { &[0x82, 0x86, 0x84, 0xbe] };
        Frame::Headers { stream, fragment, dependency: None, end_stream: true, end_headers: true }
            .write(&mut out);
        input.extend_from_slice(&out);
        while let Ok(Some(event)) = raw.machine.poll_event(raw.now, &mut input) {
            if let Event::Head { stream, .. } = event {
                answered += 1;
                raw.machine.send_message(stream, ok(), Bytes::from_static(&[b'x'; 200])).unwrap();
            }
        }
        if !raw.machine.wants_input() && input.len() > 16_384 {
            break;
        }
    }
    assert!(answered < 40 && raw.machine.output().len() < 4400, "{answered}");
    // Once they are read, it goes on.
    raw.read();
    assert!(matches!(raw.machine.poll_event(raw.now, &mut input), Ok(Some(Event::Head { .. }))));
}

#[test]
fn bodies_larger_than_allowed() {
    let limits = Limits { body: 1000, ..Limits::default() };
    let mut raw = Raw::client(limits.clone());
    let mut fields = GET.to_vec();
    fields[0].1 = "POST";
    fields.push(("content-length", "1001"));
    raw.headers(1, &fields, false);
    assert_eq!(raw.status_of(1).as_deref(), Some("413"));
    assert_eq!(raw.reset_of(1), Some(ErrorCode::NO_ERROR));
    raw.request(3, false);
    raw.data(3, &[0; 1000], None, false);
    raw.data(3, &[0; 1], None, false);
    assert_eq!(raw.reset_of(3), Some(ErrorCode::CANCEL));
    let reason = raw.events.iter().find_map(|event| match event {
        Event::Reset { stream: StreamId(3), reason } => Some(*reason),
        _ => None,
    });
    assert_eq!(reason, Some(Reason::Limit));
    assert_eq!(raw.error, None);
}

#[test]
fn data_beyond_the_windows() {
    let mut raw = Raw::client(Limits::default());
    raw.request(1, false);
    for _ in 0..3 {
        raw.data(1, &[0; 16_384], None, false);
    }
    raw.data(1, &[0; 16_383], None, false);
    raw.data(1, &[0; 1], None, false);
    assert_eq!(raw.reset_of(1), Some(ErrorCode::FLOW_CONTROL_ERROR));
    assert_eq!(raw.error, None, "the connection's window is larger");
    let mut raw = Raw::client(Limits { streams: 1, window_reserve: 0, ..Limits::default() });
    raw.request(1, false);
    for _ in 0..3 {
        raw.data(1, &[0; 16_384], None, false);
    }
    raw.data(1, &[0; 16_383], None, false);
    raw.data(1, &[0; 1], None, false);
    assert_eq!(raw.error, Some(Error::FlowControl));
}

#[test]
fn priorities_of_streams_to_come_are_bounded() {
    let mut raw = Raw::client(Limits { streams: 10, ..Limits::default() });
    for stream in (1..2001).step_by(2) {
        raw.send(Frame::PriorityUpdate { stream, value: b"u=0, i" });
    }
    raw.request(1, true);
    assert_eq!(raw.machine.priority(StreamId(1)).urgency(), 3, "forgotten");
    raw.request(1999, true);
    assert_eq!(raw.machine.priority(StreamId(1999)).urgency(), 0);
    assert_eq!(raw.error, None);
}

#[test]
fn a_peer_that_says_nothing_or_half_of_it() {
    let limits = Limits::default();
    for bytes in [&b""[..], &PREFACE[..10], &PREFACE[..]] {
        let mut raw = Raw::silent_client(limits.clone());
        raw.send_bytes(bytes);
        raw.wait(Duration::from_secs(29));
        assert_eq!(raw.error, None);
        raw.wait(Duration::from_secs(2));
        assert_eq!(raw.error, Some(Error::HeadTimeout));
    }
    let mut raw = Raw::client(limits);
    let block = raw.block(&GET);
    raw.send(Frame::Headers {
        stream: 1,
        fragment: &block,
        dependency: None,
        end_stream: true,
        end_headers: false,
    });
    raw.wait(Duration::from_secs(31));
    assert_eq!(raw.error, Some(Error::HeadTimeout));
}

#[test]
fn settings_that_are_not_acknowledged() {
    let mut raw = Raw::silent_client(Limits::default());
    let mut out = PREFACE.to_vec();
    Frame::Settings { ack: false, settings: Settings::new(&[]) }.write(&mut out);
    raw.send_bytes(&out);
    raw.wait(Duration::from_secs(31));
    assert_eq!(raw.error, Some(Error::SettingsTimeout));
    assert_eq!(raw.go_away(), Some((0, ErrorCode::SETTINGS_TIMEOUT)));
}

#[test]
fn an_idle_connection_is_ended_politely() {
    let mut raw = Raw::client(Limits::default());
    raw.pongs = false;
    raw.wait(Duration::from_secs(76));
    assert_eq!(raw.go_away(), Some(((1 << 31) - 1, ErrorCode::NO_ERROR)));
    // A request that was on its way is still answered.
    raw.request(1, true);
    assert!(raw.has_head(1));
    raw.wait(Duration::from_secs(2));
    assert_eq!(raw.go_away(), Some((1, ErrorCode::NO_ERROR)));
    assert!(!raw.machine.is_finished());
    raw.machine.send_message(StreamId(1), ok(), Bytes::new()).unwrap();
    raw.poll();
    assert!(raw.machine.is_finished() && raw.error.is_none());
}

#[test]
fn a_peer_that_does_not_answer_pings() {
    let timeouts = Timeouts { keep_alive: Some(Duration::from_secs(10)), ..Timeouts::default() };
    let mut raw = Raw::client(Limits { timeouts, ..Limits::default() });
    raw.pongs = false;
    raw.request(1, true);
    raw.wait(Duration::from_secs(11));
    assert!(raw.seen.contains(&Seen::Ping { ack: false }));
    raw.wait(Duration::from_secs(21));
    assert_eq!(raw.error, Some(Error::PingTimeout));
}

#[test]
fn a_body_that_does_not_come_ends_its_stream_only() {
    let mut raw = Raw::client(Limits::default());
    raw.request(1, false);
    raw.request(3, false);
    for _ in 0..12 {
        raw.wait(Duration::from_secs(5));
        raw.data(3, &[0; 300], None, false);
        raw.machine.consumed(StreamId(3), 300);
    }
    assert_eq!(raw.reset_of(1), Some(ErrorCode::CANCEL));
    assert_eq!((raw.reset_of(3), raw.error), (None, None));
}

#[test]
fn a_window_of_zero_ends_its_stream_only() {
    let mut raw = Raw::client(Limits::default());
    let mut out = Vec::new();
    write_settings(&mut out, &[(SettingId::INITIAL_WINDOW_SIZE, 0)]);
    raw.send_bytes(&out);
    raw.request(1, true);
    raw.request(3, true);
    raw.machine.send_message(StreamId(1), ok(), Bytes::from_static(b"never wanted")).unwrap();
    raw.machine.send_head(StreamId(3), Head::Response(ok()), false).unwrap();
    assert_eq!(raw.machine.capacity(StreamId(3)), 0);
    for _ in 0..20 {
        raw.wait(Duration::from_secs(5));
    }
    assert_eq!(raw.reset_of(1), Some(ErrorCode::CANCEL));
    assert_eq!((raw.reset_of(3), raw.error), (None, None), "nothing of it waits");
}

#[test]
fn output_that_is_not_taken_ends_the_connection() {
    let mut raw = Raw::client(Limits::default());
    raw.request(1, true);
    raw.machine.send_message(StreamId(1), ok(), Bytes::from_static(b"x")).unwrap();
    let mut input = bytes::BytesMut::new();
    assert!(raw.machine.poll_event(raw.now, &mut input).unwrap().is_none());
    let late = raw.now + Duration::from_secs(61);
    assert!(raw.machine.deadline().unwrap() <= late);
    raw.machine.on_deadline(late);
    assert_eq!(raw.machine.poll_event(late, &mut input).unwrap_err(), Error::WriteTimeout);
    assert!(raw.machine.output().is_empty());
}

#[test]
fn a_client_keeps_its_own_limits() {
    use wirelace_http_semantics::{FieldId, RequestHead};
    let get = || {
        let mut head = RequestHead::new(http::Method::GET, "/").unwrap();
        head.fields.push(FieldId::HOST, "a").unwrap();
        head
    };
    let mut raw = Raw::server(Limits { interim: 3, streams: 2, ..Limits::default() });
    raw.machine.send_request(get(), true).unwrap();
    raw.machine.send_request(get(), true).unwrap();
    assert_eq!(raw.machine.send_request(get(), true), Err(SendError::Blocked));
    raw.poll();
    for _ in 0..4 {
        raw.headers(1, &[(":status", "103")], false);
    }
    assert_eq!(raw.reset_of(1), Some(ErrorCode::ENHANCE_YOUR_CALM));
    raw.headers(3, &[(":status", "200")], true);
    assert_eq!(raw.error, None);
    let mut out = Vec::new();
    write_settings(&mut out, &[(SettingId::MAX_CONCURRENT_STREAMS, 1)]);
    raw.send_bytes(&out);
    raw.machine.send_request(get(), true).unwrap();
    assert_eq!(
        (raw.machine.send_request(get(), true), raw.machine.available()),
        (Err(SendError::Blocked), 0)
    );
}

#[test]
fn a_client_that_leaves_may_still_have_requests_on_their_way() {
    let mut raw = Raw::client(Limits::default());
    raw.pongs = false;
    raw.send(Frame::GoAway { last_stream: 0, code: ErrorCode::NO_ERROR, debug: b"" });
    raw.request(1, true);
    assert!(raw.has_head(1) && !raw.machine.is_finished());
    raw.machine.send_message(StreamId(1), ok(), Bytes::from_static(b"x")).unwrap();
    raw.wait(Duration::from_secs(2));
    assert_eq!(raw.go_away(), Some((1, ErrorCode::NO_ERROR)));
    assert!(raw.machine.is_finished() && raw.error.is_none());
}

#[test]
fn every_table_size_of_settings_is_heard() {
    let mut raw = Raw::client(Limits::default());
    let mut out = Vec::new();
    write_settings(&mut out, &[(SettingId::HEADER_TABLE_SIZE, 0), (SettingId::HEADER_TABLE_SIZE, 4096)]);
    raw.send_bytes(&out);
    raw.request(1, true);
    raw.seen.clear();
    raw.machine.send_head(StreamId(1), Head::Response(ok()), true).unwrap();
    let block: Vec<u8> = raw.machine.output().chunks().flatten().skip(9).copied().collect();
    // Size updates to 0 and to 4,096, then `:status: 200` (RFC 7541 §4.2, §6.3).
    assert_eq!(block, [0x20, 0x3f, 0xe1, 0x1f, 0x88]);
}

#[test]
fn small_frames_for_a_stream_that_was_reset_are_a_flood() {
    let mut raw = Raw::client(Limits::default());
    raw.request(1, false);
    raw.machine.reset(StreamId(1), Reason::Cancel);
    let turns = until_error(&mut raw, 10_000, |raw, _| raw.data(1, b"", None, false));
    // A window full of the smallest frames may have been on its way, then it counts.
    assert!((7000..=8100).contains(&turns), "{turns}");
    flooded(&raw, Flood::Controls);
    let mut raw = Raw::client(Limits::default());
    raw.request(1, false);
    raw.machine.reset(StreamId(1), Reason::Cancel);
    let turns = until_error(&mut raw, 10_000, |raw, _| raw.headers(1, &[("x", "y")], true));
    assert_eq!(turns, 500);
    flooded(&raw, Flood::Faults);
}
