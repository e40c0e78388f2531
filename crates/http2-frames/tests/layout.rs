//! Frames octet by octet, and each rule that a frame alone decides (RFC 9113 §4, §6).

use wirelace_http2_frames::{
    Dependency, ErrorCode, FRAME_HEADER_LEN, Flags, Frame, FrameError, FrameHeader, FrameRule, FrameType,
    MAX_PAYLOAD, Origins, SettingId, Settings, data_range, write_data_header, write_goaway, write_headers,
    write_origin, write_ping, write_push_promise, write_rst_stream, write_settings, write_settings_ack,
    write_window_update,
};

fn written(frame: Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    frame.write(&mut out);
    out
}

fn parse(bytes: &[u8]) -> Result<Frame<'_>, FrameError> {
    let header = FrameHeader::read(bytes).expect("a header");
    assert_eq!(bytes.len(), FRAME_HEADER_LEN + header.length as usize);
    Frame::parse(header, &bytes[FRAME_HEADER_LEN..])
}

#[test]
fn every_type_octet_by_octet() {
    let dependency = Dependency { stream: 3, exclusive: true, weight: 15 };
    let settings = [0, 4, 0, 1, 0, 0, 0, 3, 0, 0, 0, 100];
    let pairs: Vec<(Frame<'_>, Vec<u8>)> = vec![
        (
            Frame::Data { stream: 1, data: b"hi", end_stream: true, flow_length: 2 },
            vec![0, 0, 2, 0, 1, 0, 0, 0, 1, b'h', b'i'],
        ),
        (
            Frame::Headers {
                stream: 5,
                fragment: &[0x82],
                dependency: Some(dependency),
                end_stream: false,
                end_headers: true,
            },
            vec![0, 0, 6, 1, 0x24, 0, 0, 0, 5, 0x80, 0, 0, 3, 15, 0x82],
        ),
        (Frame::Priority { stream: 5, dependency }, vec![0, 0, 5, 2, 0, 0, 0, 0, 5, 0x80, 0, 0, 3, 15]),
        (
            Frame::RstStream { stream: 7, code: ErrorCode::CANCEL },
            vec![0, 0, 4, 3, 0, 0, 0, 0, 7, 0, 0, 0, 8],
        ),
        (
            Frame::Settings { ack: false, settings: Settings::new(&settings) },
            [&[0, 0, 12, 4, 0, 0, 0, 0, 0][..], &settings].concat(),
        ),
        (Frame::Settings { ack: true, settings: Settings::new(&[]) }, vec![0, 0, 0, 4, 1, 0, 0, 0, 0]),
        (
            Frame::PushPromise { stream: 1, promised: 2, fragment: &[0x82], end_headers: false },
            vec![0, 0, 5, 5, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0x82],
        ),
        (
            Frame::Ping { ack: true, data: *b"12345678" },
            [&[0, 0, 8, 6, 1, 0, 0, 0, 0][..], b"12345678"].concat(),
        ),
        (
            Frame::GoAway { last_stream: 9, code: ErrorCode::ENHANCE_YOUR_CALM, debug: b"no" },
            vec![0, 0, 10, 7, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 11, b'n', b'o'],
        ),
        (
            Frame::WindowUpdate { stream: 0, increment: 0x7fff_ffff },
            vec![0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff],
        ),
        (
            Frame::Continuation { stream: 1, fragment: b"x", end_headers: true },
            vec![0, 0, 1, 9, 4, 0, 0, 0, 1, b'x'],
        ),
        (
            Frame::PriorityUpdate { stream: 3, value: b"u=1" },
            vec![0, 0, 7, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 3, b'u', b'=', b'1'],
        ),
        (
            Frame::AltSvc { stream: 0, origin: b"a", value: b"h3" },
            vec![0, 0, 5, 10, 0, 0, 0, 0, 0, 0, 1, b'a', b'h', b'3'],
        ),
        (
            Frame::Origin { origins: Origins::new(b"\0\x01a\0\x02bc") },
            [&[0, 0, 7, 12, 0, 0, 0, 0, 0][..], b"\0\x01a\0\x02bc"].concat(),
        ),
    ];
    for (frame, bytes) in pairs {
        assert_eq!(written(frame), bytes, "{frame:?}");
        assert_eq!(parse(&bytes), Ok(frame));
    }
    let unknown = parse(&[0, 0, 1, 0xee, 7, 0, 0, 0, 9, 1]).unwrap();
    assert!(matches!(unknown, Frame::Unknown { payload: [1], .. }));
    assert_eq!(written(unknown), [0, 0, 1, 0xee, 7, 0, 0, 0, 9, 1]);
}

#[test]
fn the_reserved_bit_is_dropped() {
    assert_eq!(FrameHeader::read(&[0, 0, 0, 6, 0, 0x80, 0, 0, 1]).unwrap().stream, 1);
    let frame = parse(&[0, 0, 4, 8, 0, 0, 0, 0, 1, 0x80, 0, 0, 1]).unwrap();
    assert_eq!(frame, Frame::WindowUpdate { stream: 1, increment: 1 });
    let frame = parse(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0]).unwrap();
    assert!(matches!(frame, Frame::GoAway { last_stream: 1, .. }));
}

#[test]
fn a_header_needs_nine_octets() {
    for len in 0..9 {
        assert_eq!(FrameHeader::read(&[0; 9][..len]), None);
    }
}

/// Type, flags, stream, payload; the rule and where it is broken, its code, whether it ends the stream only.
#[test]
fn each_rule_has_its_code() {
    type Case = (FrameType, u8, u32, &'static [u8], (FrameRule, usize), ErrorCode, bool);
    const PROTOCOL: ErrorCode = ErrorCode::PROTOCOL_ERROR;
    const SIZE: ErrorCode = ErrorCode::FRAME_SIZE_ERROR;
    let (length, short) = (|expected| FrameRule::Length { expected }, |least| FrameRule::TooShort { least });
    let (zero, not_zero) = ((FrameRule::StreamZero, 0), (FrameRule::StreamNotZero, 0));
    let (padding, increment) = ((FrameRule::Padding, 0), (FrameRule::Increment, 0));
    let cases: &[Case] = &[
        (FrameType::DATA, 0, 0, b"", zero, PROTOCOL, false),
        (FrameType::DATA, 8, 1, b"", (short(1), 0), SIZE, false),
        (FrameType::DATA, 8, 1, b"\x01", padding, PROTOCOL, false),
        (FrameType::DATA, 8, 1, b"\x03ab", padding, PROTOCOL, false),
        (FrameType::DATA, 8, 1, b"\xffab", padding, PROTOCOL, false),
        (FrameType::HEADERS, 4, 0, b"", zero, PROTOCOL, false),
        (FrameType::HEADERS, 0x0c, 1, b"", (short(1), 0), SIZE, false),
        (FrameType::HEADERS, 0x0c, 1, b"\x02a", padding, PROTOCOL, false),
        (FrameType::HEADERS, 0x24, 1, b"\0\0\0\0", (short(5), 4), SIZE, false),
        (FrameType::HEADERS, 0x2c, 1, b"\0\0\0\0\0", (short(6), 5), SIZE, false),
        (FrameType::HEADERS, 0x2c, 1, b"\x01\0\0\0\0\x01", padding, PROTOCOL, false),
        (FrameType::PRIORITY, 0, 0, b"\0\0\0\0\0", zero, PROTOCOL, false),
        (FrameType::PRIORITY, 0, 0, b"\0", zero, PROTOCOL, false),
        (FrameType::PRIORITY, 0, 1, b"\0\0\0\0", (length(5), 4), SIZE, true),
        (FrameType::PRIORITY, 0, 1, b"\0\0\0\0\0\0", (length(5), 5), SIZE, true),
        (FrameType::RST_STREAM, 0, 0, b"\0\0\0\0", zero, PROTOCOL, false),
        (FrameType::RST_STREAM, 0, 1, b"\0\0\0", (length(4), 3), SIZE, false),
        (FrameType::RST_STREAM, 0, 1, b"\0\0\0\0\0", (length(4), 4), SIZE, false),
        (FrameType::SETTINGS, 0, 1, b"", not_zero, PROTOCOL, false),
        (FrameType::SETTINGS, 1, 1, b"", not_zero, PROTOCOL, false),
        (FrameType::SETTINGS, 1, 0, b"\0\0\0\0\0\0", (FrameRule::AckPayload, 0), SIZE, false),
        (FrameType::SETTINGS, 1, 0, b"\0", (FrameRule::AckPayload, 0), SIZE, false),
        (FrameType::SETTINGS, 0, 0, b"\0\0\0\0\0", (FrameRule::Settings, 0), SIZE, false),
        (FrameType::SETTINGS, 0, 0, b"\0\x01\0\0\0\0\0", (FrameRule::Settings, 6), SIZE, false),
        (FrameType::PUSH_PROMISE, 4, 0, b"\0\0\0\x02", zero, PROTOCOL, false),
        (FrameType::PUSH_PROMISE, 4, 1, b"\0\0\0", (short(4), 3), SIZE, false),
        (FrameType::PUSH_PROMISE, 0x0c, 1, b"\0\0\0\x02", (short(5), 4), SIZE, false),
        (FrameType::PUSH_PROMISE, 4, 1, b"\x80\0\0\0", (FrameRule::Promised, 0), PROTOCOL, false),
        (FrameType::PUSH_PROMISE, 0x0c, 1, b"\0\0\0\0\0", (FrameRule::Promised, 1), PROTOCOL, false),
        (FrameType::PUSH_PROMISE, 0x0c, 1, b"\x01\0\0\0\x02", padding, PROTOCOL, false),
        (FrameType::PING, 0, 1, b"12345678", not_zero, PROTOCOL, false),
        (FrameType::PING, 0, 0, b"1234567", (length(8), 7), SIZE, false),
        (FrameType::PING, 1, 0, b"123456789", (length(8), 8), SIZE, false),
        (FrameType::GOAWAY, 0, 1, b"\0\0\0\0\0\0\0\0", not_zero, PROTOCOL, false),
        (FrameType::GOAWAY, 0, 0, b"\0\0\0\0\0\0\0", (short(8), 7), SIZE, false),
        (FrameType::WINDOW_UPDATE, 0, 0, b"\0\0\0\0", increment, PROTOCOL, false),
        (FrameType::WINDOW_UPDATE, 0, 1, b"\0\0\0\0", increment, PROTOCOL, true),
        (FrameType::WINDOW_UPDATE, 0, 1, b"\x80\0\0\0", increment, PROTOCOL, true),
        (FrameType::WINDOW_UPDATE, 0, 1, b"\0\0\0", (length(4), 3), SIZE, false),
        (FrameType::WINDOW_UPDATE, 0, 1, b"\0\0\0\x01\0", (length(4), 4), SIZE, false),
        (FrameType::CONTINUATION, 4, 0, b"", zero, PROTOCOL, false),
        (FrameType::PRIORITY_UPDATE, 0, 1, b"\0\0\0\x01", not_zero, PROTOCOL, false),
        (FrameType::PRIORITY_UPDATE, 0, 0, b"\0\0\0", (short(4), 3), SIZE, false),
        (FrameType::PRIORITY_UPDATE, 0, 0, b"\0\0\0\0", (FrameRule::Prioritized, 0), PROTOCOL, false),
        (FrameType::ALTSVC, 0, 0, b"\0", (short(2), 1), SIZE, false),
        (FrameType::ALTSVC, 0, 0, b"\0\x02a", (FrameRule::AltSvcOrigin, 0), SIZE, false),
    ];
    for &(frame_type, flags, stream, payload, (rule, offset), code, stream_error) in cases {
        let header = FrameHeader { length: payload.len() as u32, frame_type, flags: Flags(flags), stream };
        let error = Frame::parse(header, payload).unwrap_err();
        let what = format!("{frame_type} {flags:#x} on {stream}: {error}");
        assert_eq!((error.rule(), error.offset()), (rule, offset), "{what}");
        assert_eq!((error.code(), error.is_stream_error()), (code, stream_error), "{what}");
        assert_eq!((error.frame_type(), error.stream()), (frame_type, stream));
        assert!(error.to_string().contains("RFC "), "{what}");
        if frame_type == FrameType::DATA {
            assert_eq!(data_range(header, payload).unwrap_err(), error);
        }
    }
}

#[test]
fn a_payload_may_be_as_long_as_the_setting_says() {
    let header =
        FrameHeader { length: 16_385, frame_type: FrameType::HEADERS, flags: Flags::NONE, stream: 7 };
    assert_eq!(header.check_length(16_385), Ok(()));
    let error = header.check_length(16_384).unwrap_err();
    assert_eq!(error.rule(), FrameRule::TooLong { length: 16_385, limit: 16_384 });
    assert_eq!((error.code(), error.is_stream_error()), (ErrorCode::FRAME_SIZE_ERROR, false));
    assert_eq!(
        error.to_string(),
        "HEADERS on stream 7, octet 0 of the payload: payload of 16385 octets, expected at most 16384 \
         (SETTINGS_MAX_FRAME_SIZE, RFC 9113 §4.2)"
    );
}

/// Type, flags, a payload, and how many octets of it there must be; `None`: exactly as many as there are.
#[test]
fn every_length_is_enough_or_refused() {
    type Case = (FrameType, u8, u32, &'static [u8], Option<usize>);
    let cases: &[Case] = &[
        (FrameType::DATA, 0, 1, b"data", Some(0)),
        (FrameType::DATA, 8, 1, b"\x02data\0\0", Some(3)),
        (FrameType::HEADERS, 4, 1, b"\x82\x86", Some(0)),
        (FrameType::HEADERS, 0x2c, 1, b"\x02\0\0\0\x03\x0f\x82\0\0", Some(8)),
        (FrameType::PRIORITY, 0, 1, b"\0\0\0\x03\x0f", None),
        (FrameType::RST_STREAM, 0, 1, b"\0\0\0\x08", None),
        (FrameType::PUSH_PROMISE, 0x0c, 1, b"\x01\0\0\0\x02\x82\0", Some(6)),
        (FrameType::PING, 0, 0, b"12345678", None),
        (FrameType::GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\0why", Some(8)),
        (FrameType::WINDOW_UPDATE, 0, 0, b"\0\0\0\x01", None),
        (FrameType::CONTINUATION, 4, 1, b"\x82", Some(0)),
        (FrameType::PRIORITY_UPDATE, 0, 0, b"\0\0\0\x01u=1", Some(4)),
        (FrameType::ALTSVC, 0, 0, b"\0\x01ah3", Some(3)),
        (FrameType::ORIGIN, 0, 0, b"\0\x01a", Some(0)),
        (FrameType(0x20), 0xff, 1, b"??", Some(0)),
    ];
    for &(frame_type, flags, stream, payload, least) in cases {
        for len in 0..=payload.len() {
            let header = FrameHeader { length: len as u32, frame_type, flags: Flags(flags), stream };
            let parsed = Frame::parse(header, &payload[..len]);
            let enough = len >= least.unwrap_or(payload.len());
            assert_eq!(parsed.is_ok(), enough, "{frame_type}, {len} octets: {parsed:?}");
        }
        let longer = [payload, &[0; 3]].concat();
        let header = FrameHeader { length: longer.len() as u32, frame_type, flags: Flags(flags), stream };
        assert_eq!(Frame::parse(header, &longer).is_ok(), least.is_some(), "{frame_type}");
    }
    for len in 0..40 {
        let (frame_type, flags) = (FrameType::SETTINGS, Flags::NONE);
        let header = FrameHeader { length: len as u32, frame_type, flags, stream: 0 };
        let parsed = Frame::parse(header, &[0; 40][..len]);
        assert_eq!(parsed.is_ok(), len.is_multiple_of(6), "{len} octets");
    }
}

#[test]
fn flags_that_a_type_does_not_have_mean_nothing() {
    let cases: &[(FrameType, u8, u32, &[u8])] = &[
        (FrameType::DATA, 0x09, 1, b"data"),
        (FrameType::HEADERS, 0x2d, 1, b"\x82"),
        (FrameType::PRIORITY, 0, 1, b"\0\0\0\x03\x0f"),
        (FrameType::RST_STREAM, 0, 1, b"\0\0\0\x08"),
        (FrameType::SETTINGS, 0x01, 0, b""),
        (FrameType::PUSH_PROMISE, 0x0c, 1, b"\0\0\0\x02\x82"),
        (FrameType::PING, 0x01, 0, b"12345678"),
        (FrameType::GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\0why"),
        (FrameType::WINDOW_UPDATE, 0, 0, b"\0\0\0\x01"),
        (FrameType::CONTINUATION, 0x04, 1, b"\x82"),
        (FrameType::PRIORITY_UPDATE, 0, 0, b"\0\0\0\x01u=1"),
        (FrameType::ALTSVC, 0, 0, b"\0\x01ah3"),
        (FrameType::ORIGIN, 0x0f, 0, b"\0\x01a"),
    ];
    for &(frame_type, defined, stream, payload) in cases {
        let parse = |flags| {
            let header = FrameHeader { length: payload.len() as u32, frame_type, flags, stream };
            Frame::parse(header, payload)
        };
        let none = parse(Flags::NONE);
        assert!(none.is_ok());
        assert_eq!(parse(Flags(!defined)), none, "{frame_type}");
        for bit in (0..8).map(|bit| 1 << bit) {
            let same = parse(Flags(bit)) == none;
            assert_eq!(same, defined & bit == 0, "{frame_type}, flag {bit:#x}");
        }
    }
}

#[test]
fn origins_that_are_to_be_ignored_are_unknown() {
    let payload = b"\0\x01a";
    for (flags, stream, ignored) in [
        (0, 0, false),
        (0xf0, 0, false),
        (0, 1, true),
        (1, 0, true),
        (2, 0, true),
        (4, 0, true),
        (8, 0, true),
    ] {
        let header = FrameHeader { length: 3, frame_type: FrameType::ORIGIN, flags: Flags(flags), stream };
        let unknown = matches!(Frame::parse(header, payload), Ok(Frame::Unknown { .. }));
        assert_eq!(unknown, ignored, "flags {flags:#x}, stream {stream}");
    }
}

#[test]
fn what_no_frame_can_carry_is_left_out() {
    let long = vec![7; MAX_PAYLOAD as usize + 10];
    let mut out = written(Frame::Data { stream: 1, data: &long, end_stream: true, flow_length: 0 });
    Frame::Ping { ack: false, data: [1; 8] }.write(&mut out);
    let header = FrameHeader::read(&out).unwrap();
    assert_eq!(header.length, MAX_PAYLOAD);
    assert_eq!(&out[FRAME_HEADER_LEN + MAX_PAYLOAD as usize..][..4], [0, 0, 8, 6]);
    // Blocks are split before.
    let mut out = Vec::new();
    write_headers(&mut out, 1, &long, false, usize::MAX);
    let header = FrameHeader::read(&out).unwrap();
    assert_eq!((header.length, header.flags), (MAX_PAYLOAD, Flags::NONE));
    let next = FrameHeader::read(&out[FRAME_HEADER_LEN + MAX_PAYLOAD as usize..]).unwrap();
    assert_eq!((next.length, next.frame_type, next.flags), (10, FrameType::CONTINUATION, Flags::END_HEADERS));
    // Numbers lose their reserved bit only.
    let out = written(Frame::WindowUpdate { stream: u32::MAX, increment: u32::MAX });
    assert_eq!(parse(&out), Ok(Frame::WindowUpdate { stream: 0x7fff_ffff, increment: 0x7fff_ffff }));
    // An origin is as long as its length says.
    let out = written(Frame::AltSvc { stream: 0, origin: &long[..70_000], value: b"v" });
    assert_eq!(parse(&out), Ok(Frame::AltSvc { stream: 0, origin: &long[..65_535], value: b"v" }));
}

#[test]
fn padding_is_counted_and_not_handed_out() {
    let mut out = Vec::new();
    Frame::Data { stream: 1, data: b"data", end_stream: false, flow_length: 4 }.write_padded(&mut out, 7);
    let header = FrameHeader::read(&out).unwrap();
    assert_eq!(header.length, 4 + 1 + 7);
    let expected = Frame::Data { stream: 1, data: b"data", end_stream: false, flow_length: 12 };
    assert_eq!(parse(&out), Ok(expected));
    assert_eq!(data_range(header, &out[9..]), Ok(1..5));
    // All of it may be padding.
    let bytes = [0, 0, 3, 0, 8, 0, 0, 0, 1, 2, 0, 0];
    assert!(matches!(parse(&bytes), Ok(Frame::Data { data: b"", flow_length: 3, .. })));
    let mut out = Vec::new();
    let promise = Frame::PushPromise { stream: 1, promised: 2, fragment: b"f", end_headers: true };
    promise.write_padded(&mut out, 0);
    assert_eq!(parse(&out), Ok(promise));
    // Others have none.
    let mut out = Vec::new();
    Frame::Ping { ack: false, data: [0; 8] }.write_padded(&mut out, 9);
    assert_eq!(out.len(), 17);
}

#[test]
fn blocks_are_split_where_frames_end() {
    let block: Vec<u8> = (0..100).collect();
    for max_frame in [1, 7, 50, 99, 100, 101] {
        for promise in [false, true] {
            let mut out = Vec::new();
            if promise {
                write_push_promise(&mut out, 1, 2, &block, max_frame.max(5));
            } else {
                write_headers(&mut out, 1, &block, true, max_frame);
            }
            let (mut joined, mut frames, mut rest) = (Vec::new(), 0, &out[..]);
            while !rest.is_empty() {
                let header = FrameHeader::read(rest).unwrap();
                assert!(header.length as usize <= max_frame.max(if promise { 5 } else { 1 }));
                let (frame, after) = rest.split_at(9 + header.length as usize);
                rest = after;
                let (fragment, end_headers) = match parse(frame).unwrap() {
                    Frame::Headers { fragment, end_headers, end_stream: true, .. } => (fragment, end_headers),
                    Frame::PushPromise { fragment, end_headers, .. } => (fragment, end_headers),
                    Frame::Continuation { fragment, end_headers, .. } => (fragment, end_headers),
                    other => panic!("{other:?}"),
                };
                joined.extend_from_slice(fragment);
                frames += 1;
                assert_eq!(end_headers, rest.is_empty());
            }
            assert_eq!(joined, block, "{frames} frames");
        }
    }
}

#[test]
fn what_machines_write_is_what_frames_are() {
    let mut out = Vec::new();
    write_data_header(&mut out, 1, 2, true);
    out.extend_from_slice(b"hi");
    assert_eq!(out, written(Frame::Data { stream: 1, data: b"hi", end_stream: true, flow_length: 2 }));
    let mut out = Vec::new();
    write_settings(&mut out, &[(SettingId::ENABLE_PUSH, 0), (SettingId(0xabcd), 7)]);
    let Ok(Frame::Settings { ack: false, settings }) = parse(&out) else { panic!("SETTINGS") };
    assert_eq!(settings.iter().collect::<Vec<_>>(), [(SettingId::ENABLE_PUSH, 0), (SettingId(0xabcd), 7)]);
    assert_eq!((settings.len(), settings.is_empty()), (2, false));
    let mut out = Vec::new();
    write_settings_ack(&mut out);
    write_ping(&mut out, false, [1; 8]);
    write_rst_stream(&mut out, 3, ErrorCode::NO_ERROR);
    write_window_update(&mut out, 3, 5);
    write_goaway(&mut out, 1, ErrorCode(99), b"why");
    let mut expected = written(Frame::Settings { ack: true, settings: Settings::new(&[]) });
    Frame::Ping { ack: false, data: [1; 8] }.write(&mut expected);
    Frame::RstStream { stream: 3, code: ErrorCode::NO_ERROR }.write(&mut expected);
    Frame::WindowUpdate { stream: 3, increment: 5 }.write(&mut expected);
    Frame::GoAway { last_stream: 1, code: ErrorCode(99), debug: b"why" }.write(&mut expected);
    assert_eq!(out, expected);
    let mut out = Vec::new();
    write_origin(&mut out, &[b"https://a.example", b"https://b.example"]);
    let Ok(Frame::Origin { origins }) = parse(&out) else { panic!("ORIGIN") };
    assert_eq!(origins.iter().collect::<Vec<_>>(), [b"https://a.example", b"https://b.example"]);
    // An entry that is cut ends the list.
    assert_eq!(Origins::new(b"\0\x01a\0\x09b").iter().count(), 1);
}

#[test]
fn names_are_those_of_the_rfcs() {
    assert_eq!(ErrorCode(0xd).name(), Some("HTTP_1_1_REQUIRED"));
    assert_eq!(ErrorCode(0xe).to_string(), "error code 0xe");
    assert_eq!((0..0x12u8).filter(|&code| FrameType(code).name().is_some()).count(), 13);
    assert_eq!(FrameType(0xb).to_string(), "frame of type 0x0b");
    assert_eq!(SettingId(9).to_string(), "SETTINGS_NO_RFC7540_PRIORITIES");
    assert_eq!(SettingId(7).to_string(), "setting 0x7");
    assert_eq!((0..14).filter(|&code| ErrorCode(code).name().is_none()).count(), 0);
}
