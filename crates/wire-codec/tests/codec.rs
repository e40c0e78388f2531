//! Frames of both forms: vectors written by hand, round trips, every cut, and what is wrong.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use wirelace_sim::{Rng, mutate};
use wirelace_wire::Output;
use wirelace_wire_codec::base::{self, Batch, FrameType, Frames};
use wirelace_wire_codec::extended::{self, Checksum, Frame, Hello, Role, Rules, Settings};
use wirelace_wire_codec::{DecodeError, ErrorCode, HelloRule};

const RULES: Rules = Rules { max_length: 1 << 16, checksum: Checksum::Either };

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn base_vectors() {
    for (octets, kind, payload) in [
        ("0a 01 00000000", FrameType::HEARTBEAT, &b""[..]),
        ("0a 02 00000005 68656c6c6f", FrameType::REQUEST, b"hello"),
        ("0a 03 00000001 00", FrameType::RESPONSE, b"\0"),
        ("0a 04 00000002 6e6f", FrameType::ERROR, b"no"),
        ("0a ff 00000000", FrameType(0xff), b""),
    ] {
        let octets = hex(octets);
        let frame = base::Frame { kind, payload };
        assert_eq!(base::decode(&octets, 5), Ok(Some((frame, octets.len()))));
        let mut encoded = Vec::new();
        frame.encode_into(&mut encoded).unwrap();
        assert_eq!(encoded, octets);
        let mut output = Output::new(100);
        base::encode(&mut output, kind, Bytes::copy_from_slice(payload)).unwrap();
        assert_eq!(output.chunks().flatten().copied().collect::<Vec<_>>(), octets);
        for cut in 0..octets.len() {
            assert_eq!(base::decode(&octets[..cut], 5), Ok(None), "cut at {cut}");
            let end = base::decode_end(&octets[..cut]);
            assert_eq!(end.is_ok(), cut == 0, "cut at {cut}: {end:?}");
        }
    }
}

#[test]
fn base_frames_that_are_wrong() {
    for version in (0..=255).filter(|version| *version != base::VERSION) {
        let error = DecodeError::Version { found: version, expected: 10 };
        // Seen from the first octet on.
        for octets in [&[version][..], &[version, 1, 0, 0, 0, 0]] {
            assert_eq!(base::decode(octets, 5), Err(error));
        }
    }
    let huge = hex("0a 02 ffffffff");
    let error = base::decode(&huge, 1 << 20).unwrap_err();
    assert_eq!(error, DecodeError::FrameTooLong { length: u32::MAX, limit: 1 << 20 });
    assert_eq!((error.code(), error.offset()), (ErrorCode::FRAME_TOO_LONG, 2));
    assert_eq!(error.to_string(), "length 4294967295 at offset 2 is above the limit of 1048576 octets");
    assert_eq!(
        base::decode_end(&hex("0a 02 00000005 6865")),
        Err(DecodeError::Truncated { offset: 8, missing: 3 })
    );
    let text = base::Frame { kind: FrameType::ERROR, payload: b"ab\xff" };
    assert_eq!(text.text(), Err(DecodeError::Utf8 { offset: 8 }));
}

#[test]
fn frames_of_a_slice_stop_at_what_is_wrong() {
    let octets = hex("0a01 00000000 0a02 00000001 41 0b");
    let mut frames = Frames::new(&octets, 10);
    assert_eq!(frames.next().unwrap().unwrap().kind, FrameType::HEARTBEAT);
    assert_eq!(frames.next().unwrap().unwrap().payload, b"A");
    assert!(frames.next().unwrap().is_err());
    assert!(frames.next().is_none());
    assert_eq!(frames.rest(), [0x0b]);
}

#[test]
fn batches_take_what_is_complete_and_right() {
    let octets = hex("0a0200000002 6869 0a0100000000 0a03000000017e");
    let whole = |frame: base::Frame<&[u8]>| (frame.kind, frame.payload.to_vec());
    let frames: Vec<_> = Frames::new(&octets, 10).map(|frame| whole(frame.unwrap())).collect();
    let ends = [0, 8, 14, 21];
    for cut in 0..=octets.len() {
        let mut input = BytesMut::from(&octets[..cut]);
        let batch = Batch::take(&mut input, 10).unwrap();
        let complete = ends.iter().filter(|end| **end <= cut).count() - 1;
        assert!(batch.frames().map(whole).eq(frames[..complete].iter().cloned()), "cut at {cut}");
        assert_eq!(batch.is_empty(), complete == 0);
        assert_eq!(
            (&batch.octets()[..], &input[..]),
            (&octets[..ends[complete]], &octets[ends[complete]..cut])
        );
    }
    for (wrong, error) in [
        ("0b", DecodeError::Version { found: 11, expected: 10 }),
        ("0a020000000b", DecodeError::FrameTooLong { length: 11, limit: 10 }),
    ] {
        let mut input = BytesMut::from(&[&octets[..], &hex(wrong)].concat()[..]);
        assert_eq!(Batch::take(&mut input, 10).unwrap().frames().count(), 3);
        assert_eq!(Batch::take(&mut input, 10).unwrap_err(), error);
        assert_eq!(&input[..], hex(wrong), "nothing is taken of it");
    }
}

#[test]
fn extended_vectors() {
    for (octets, frame) in [
        ("14 02 00000003 01 01 41", Frame::Request { id: 1, end: true, timeout: None, payload: &b"A"[..] }),
        (
            "14 02 00000005 04 01 43e8 42",
            Frame::Request { id: 1, end: false, timeout: Some(1000), payload: b"B" },
        ),
        ("14 03 00000004 01 4041 43", Frame::Response { id: 65, end: true, payload: b"C" }),
        ("14 04 00000005 00 01 0a 6e6f", Frame::Error { id: 1, code: ErrorCode::REFUSED, text: b"no" }),
        ("14 05 00000002 01 02", Frame::Data { id: 2, end: true, payload: b"" }),
        ("14 06 00000004 00 00 4400", Frame::Credit { id: 0, bytes: 1024 }),
        ("14 07 00000003 00 03 08", Frame::Cancel { id: 3, code: ErrorCode::CANCELLED }),
        ("14 08 00000004 00 00 07 0c", Frame::GoAway { last: 7, code: ErrorCode::SHUTTING_DOWN, text: b"" }),
        ("14 09 00000003 00 00 4d", Frame::Message { payload: b"M" }),
        ("14 01 00000004 01 00 3132", Frame::Ping { answer: true, payload: b"12" }),
        ("14 7f 00000003 00 05 aa", Frame::Unknown { kind: FrameType(0x7f), id: 5, payload: b"\xaa" }),
    ] {
        let octets = hex(octets);
        assert_eq!(extended::decode(&octets, RULES), Ok(Some((frame, octets.len()))), "{frame:?}");
        let mut encoded = Vec::new();
        frame.encode_into(&mut encoded, false).unwrap();
        assert_eq!(encoded, octets, "{frame:?}");
    }
}

#[test]
fn extended_frames_that_are_wrong() {
    let length = |offset| DecodeError::Length { offset };
    for (octets, error) in [
        ("0a 02 00000003 01 01 41", DecodeError::Version { found: 10, expected: 20 }),
        ("14 02 00000000", length(6)),
        ("14 02 00000001 01", length(7)),
        ("14 02 00000002 01 00", DecodeError::Id { id: 0, kind: 2 }),
        ("14 09 00000002 00 01", DecodeError::Id { id: 1, kind: 9 }),
        ("14 02 00000002 09 01", DecodeError::Flags { found: 9, allowed: 7 }),
        ("14 03 00000002 04 01", DecodeError::Flags { found: 4, allowed: 3 }),
        ("14 06 00000004 00 00 01 02", length(9)),
        ("14 06 00000002 00 00", length(8)),
        ("14 04 00000004 00 01 01 ff", DecodeError::Utf8 { offset: 9 }),
        ("14 05 00000003 02 01 41", length(9)),
    ] {
        let octets = hex(octets);
        assert_eq!(extended::decode(&octets, RULES), Err(error), "{octets:02x?}");
    }
    let mut ping = Vec::new();
    Frame::Ping { answer: false, payload: &[0; 65][..] }.encode_into(&mut ping, false).unwrap();
    assert_eq!(extended::decode(&ping, RULES), Err(length(8 + 64)));
}

#[test]
fn every_flipped_bit_shows_in_the_checksum() {
    let frame = Frame::Request { id: 9, end: true, timeout: Some(5), payload: &b"payload"[..] };
    let mut octets = Vec::new();
    frame.encode_into(&mut octets, true).unwrap();
    let rules = Rules { checksum: Checksum::On, ..RULES };
    assert_eq!(extended::decode(&octets, rules).unwrap().unwrap().0, frame);
    for bit in 0..octets.len() * 8 {
        let mut flipped = octets.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // A longer frame is not complete; a shorter one has its checksum elsewhere.
        assert!(!matches!(extended::decode(&flipped, rules), Ok(Some(_))), "bit {bit}");
    }
    let without = Rules { checksum: Checksum::Off, ..RULES };
    assert_eq!(extended::decode(&octets, without), Err(DecodeError::ChecksumFlag { found: true }));
}

#[test]
fn hellos() {
    let settings =
        Settings { max_frame: 1024, exchange_window: 1, connection_window: 2, exchanges: 3, heartbeat_ms: 4 };
    let hello = Hello { role: Role::Initiator, min_version: 20, max_version: 21, checksum: true, settings };
    let octets = hello.encode();
    assert_eq!(octets, hex("574c5800 00 14 15 01 01 4400 02 01 03 02 04 03 05 04"));
    assert_eq!(Hello::decode(&octets), Some(Ok(hello)));
    assert_eq!(Hello::decode(b"WLX"), None);
    let wrong = |rule, offset| Some(Err(DecodeError::Hello { rule, offset }));
    for (octets, expected) in [
        ("574c5800 00 14 15", wrong(HelloRule::Truncated, 7)),
        ("574c5800 02 14 15 00", wrong(HelloRule::Role, 4)),
        ("574c5800 00 16 15 00", wrong(HelloRule::Versions, 5)),
        ("574c5800 00 14 15 00 0201 0201", wrong(HelloRule::Repeated, 10)),
        ("574c5800 00 14 15 00 01 43ff", wrong(HelloRule::Range, 8)),
        ("574c5800 00 14 15 00 0201 03", wrong(HelloRule::Truncated, 11)),
    ] {
        assert_eq!(Hello::decode(&hex(octets)), expected, "{octets}");
    }
    // What is not known is skipped.
    let newer = Hello::decode(&hex("574c5800 00 14 15 fe 4100 05")).unwrap().unwrap();
    assert_eq!((newer.settings, newer.checksum), (Settings::default(), false));
}

fn any_frame() -> impl Strategy<Value = Frame<Vec<u8>>> {
    let id = 1u64..(1 << 62);
    let number = 0u64..(1 << 62);
    let payload = prop::collection::vec(any::<u8>(), 0..300);
    let timeout = prop::option::of(number.clone());
    prop_oneof![
        (any::<bool>(), prop::collection::vec(any::<u8>(), 0..=64))
            .prop_map(|(answer, payload)| Frame::Ping { answer, payload }),
        (id.clone(), any::<bool>(), timeout, payload.clone())
            .prop_map(|(id, end, timeout, payload)| Frame::Request { id, end, timeout, payload }),
        (id.clone(), any::<bool>(), payload.clone()).prop_map(|(id, end, payload)| Frame::Response {
            id,
            end,
            payload
        }),
        (id.clone(), any::<bool>(), payload.clone()).prop_map(|(id, end, payload)| Frame::Data {
            id,
            end,
            payload
        }),
        (number.clone(), number.clone(), ".*").prop_map(|(id, code, text)| Frame::Error {
            id,
            code: ErrorCode(code),
            text: text.into_bytes()
        }),
        (number.clone(), number.clone()).prop_map(|(id, bytes)| Frame::Credit { id, bytes }),
        (id, number.clone()).prop_map(|(id, code)| Frame::Cancel { id, code: ErrorCode(code) }),
        (number.clone(), number.clone(), ".*").prop_map(|(last, code, text)| Frame::GoAway {
            last,
            code: ErrorCode(code),
            text: text.into_bytes()
        }),
        payload.clone().prop_map(|payload| Frame::Message { payload }),
        (10u8.., number, payload).prop_map(|(kind, id, payload)| Frame::Unknown {
            kind: FrameType(kind),
            id,
            payload
        }),
    ]
}

proptest! {
    #[test]
    fn base_round_trip(kind: u8, payload in prop::collection::vec(any::<u8>(), 0..2000)) {
        let frame = base::Frame { kind: FrameType(kind), payload: Bytes::from(payload) };
        let mut octets = Vec::new();
        frame.encode_into(&mut octets).unwrap();
        octets.extend_from_slice(&[10, 1]);
        let mut input = Bytes::from(octets);
        prop_assert_eq!(base::decode_owned(&mut input, 2000).unwrap().unwrap(), frame);
        prop_assert_eq!(&input[..], &[10, 1]);
        prop_assert_eq!(base::decode_owned(&mut input, 2000), Ok(None));
    }

    #[test]
    fn extended_round_trip(frame in any_frame(), checksum: bool) {
        let mut octets = Vec::new();
        frame.encode_into(&mut octets, checksum).unwrap();
        let mut output = Output::new(100);
        frame.clone().map(Bytes::from).encode(&mut output, checksum).unwrap();
        prop_assert_eq!(output.chunks().flatten().copied().collect::<Vec<_>>(), octets.clone());
        for cut in 0..octets.len() {
            prop_assert_eq!(extended::decode(&octets[..cut], RULES), Ok(None));
        }
        let mut input = Bytes::from(octets);
        let decoded = extended::decode_owned(&mut input, RULES).unwrap().unwrap();
        prop_assert!(input.is_empty());
        prop_assert_eq!(decoded.map(|payload| payload.to_vec()), frame);
    }

    #[test]
    fn mutants_are_refused_or_come_back_the_same(frame in any_frame(), seed: u64) {
        let mut octets = Vec::new();
        frame.encode_into(&mut octets, false).unwrap();
        let mutant = mutate(&mut Rng::new(seed), &octets);
        let _ = base::decode(&mutant, 1000);
        if let Ok(Some((frame, taken))) = extended::decode(&mutant, Rules { checksum: Checksum::Off, ..RULES }) {
            let mut again = Vec::new();
            frame.encode_into(&mut again, false).unwrap();
            // Numbers may have been written longer than needed, and unknown types lose their flags.
            let reread = extended::decode(&again, RULES).unwrap().unwrap().0;
            prop_assert_eq!(reread, frame);
            prop_assert!(again.len() <= taken);
        }
    }
}
