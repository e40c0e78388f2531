//! Every frame, there and back.

use proptest::prelude::*;
use wirelace_quic_lite::frame::{Ack, AckEcn, Frame, Frames, PacketType};
use wirelace_quic_lite::{ConnectionId, Direction, StreamId, TransportErrorCode};

use crate::samples::hex;

const MAX: u64 = (1 << 62) - 1;

fn id(octets: &[u8]) -> ConnectionId {
    ConnectionId::new(octets).unwrap()
}

/// A frame with what it carries, for those who cannot lend it.
#[derive(Debug, Clone)]
enum Owned {
    Ack {
        ranges: Vec<(u64, u64)>,
        delay: u64,
        ecn: Option<AckEcn>,
    },
    /// Its octets beside it.
    Other(Frame<'static>, Vec<u8>),
}

impl Owned {
    /// The frame; what ACK has borrowed is in `buffer`.
    fn lend<'a>(&'a self, buffer: &'a mut Vec<u8>) -> Frame<'a> {
        let (frame, data) = match self {
            Owned::Ack { ranges, delay, ecn } => {
                let ranges = ranges.iter().map(|(start, end)| *start..=*end);
                return Frame::Ack(Ack::new(ranges, *delay, *ecn, buffer).expect("they are in order"));
            }
            Owned::Other(frame, data) => (*frame, &data[..]),
        };
        match frame {
            Frame::Crypto { offset, .. } => Frame::Crypto { offset, data },
            Frame::NewToken { .. } => Frame::NewToken { token: data },
            Frame::Stream { id, offset, fin, .. } => Frame::Stream { id, offset, data, fin },
            Frame::ConnectionClose { code, frame_type, .. } => {
                Frame::ConnectionClose { code, frame_type, reason: data }
            }
            Frame::ApplicationClose { code, .. } => Frame::ApplicationClose { code, reason: data },
            Frame::Datagram { .. } => Frame::Datagram { data },
            other => other,
        }
    }
}

fn number() -> impl Strategy<Value = u64> + Clone {
    prop_oneof![0_u64..64, 0..1_u64 << 14, 0..1_u64 << 30, 0..=MAX, Just(MAX)]
}

fn ack() -> impl Strategy<Value = Owned> {
    let ecn = proptest::option::of((number(), number(), number()));
    let steps = proptest::collection::vec((0_u64..1 << 20, 0_u64..1 << 20), 1..40);
    (0..1_u64 << 61, steps, number(), ecn).prop_map(|(lowest, steps, delay, ecn)| {
        let (mut start, mut ranges) = (lowest, Vec::new());
        for (below, gap) in steps {
            ranges.push((start, start + below));
            start += below + gap + 2;
        }
        ranges.reverse();
        let ecn = ecn.map(|(ect0, ect1, ce)| AckEcn { ect0, ect1, ce });
        Owned::Ack { ranges, delay, ecn }
    })
}

fn frame() -> impl Strategy<Value = Owned> {
    let direction = prop_oneof![Just(Direction::Bidirectional), Just(Direction::Unidirectional)];
    let other = (0..24_u8, number(), number(), number(), direction, any::<bool>());
    let data = proptest::collection::vec(any::<u8>(), 1..300);
    let more = (any::<[u8; 16]>(), any::<[u8; 8]>(), proptest::collection::vec(any::<u8>(), 1..=20));
    let other = (other, data, more);
    let other = other.prop_map(|((kind, a, b, c, direction, bit), data, (token, challenge, octets))| {
        let stream = StreamId(a);
        let length = data.len() as u64;
        let frame = match kind {
            0 => Frame::Padding { octets: (b % 500 + 1) as usize },
            1 => Frame::Ping,
            2 => Frame::ResetStream { id: stream, code: b, final_size: c },
            3 => Frame::StopSending { id: stream, code: b },
            4 => Frame::Crypto { offset: b.min(MAX - length), data: &[] },
            5 => Frame::NewToken { token: &[] },
            6 | 7 => Frame::Stream { id: stream, offset: b.min(MAX - length), data: &[], fin: bit },
            8 => Frame::Stream { id: stream, offset: 0, data: &[], fin: bit },
            9 => Frame::MaxData(a),
            10 => Frame::MaxStreamData { id: stream, value: b },
            11 => Frame::MaxStreams { direction, value: b.min(1 << 60) },
            12 => Frame::DataBlocked(a),
            13 => Frame::StreamDataBlocked { id: stream, value: b },
            14 => Frame::StreamsBlocked { direction, value: b.min(1 << 60) },
            15 => Frame::NewConnectionId {
                sequence: a.max(b),
                retire_prior_to: a.min(b),
                id: id(&octets),
                token,
            },
            16 => Frame::RetireConnectionId { sequence: a },
            17 => Frame::PathChallenge(challenge),
            18 => Frame::PathResponse(challenge),
            19 => {
                Frame::ConnectionClose { code: TransportErrorCode::from_code(a), frame_type: b, reason: &[] }
            }
            20 => Frame::ApplicationClose { code: a, reason: &[] },
            21 => Frame::HandshakeDone,
            _ => Frame::Datagram { data: &[] },
        };
        Owned::Other(frame, data)
    });
    prop_oneof![1 => ack(), 8 => other]
}

proptest! {
    #[test]
    fn there_and_back(owned in frame()) {
        let (mut buffer, mut out) = (Vec::new(), b"before".to_vec());
        let frame = owned.lend(&mut buffer);
        frame.write(&mut out);
        let payload = out.strip_prefix(b"before").unwrap();
        prop_assert_eq!(u64::from(payload[0]), frame.frame_type());
        let mut frames = Frames::new(payload, PacketType::OneRtt);
        prop_assert_eq!(frames.next(), Some(Ok(frame)));
        prop_assert_eq!(frames.offset(), payload.len());
        prop_assert_eq!(frames.next(), None);
        if let (Frame::Ack(ack), Owned::Ack { ranges, .. }) = (frame, &owned) {
            prop_assert_eq!(ack.ranges().map(|range| range.into_inner()).collect::<Vec<_>>(), &ranges[..]);
        }
    }

    /// Each frame says where it ends: others can follow.
    #[test]
    fn many_in_a_packet(owned in proptest::collection::vec(frame(), 1..20)) {
        let mut buffers = vec![Vec::new(); owned.len()];
        let all: Vec<Frame<'_>> =
            owned.iter().zip(&mut buffers).map(|(owned, buffer)| owned.lend(buffer)).collect();
        let (mut payload, mut ends) = (Vec::new(), Vec::new());
        for frame in &all {
            frame.write(&mut payload);
            ends.push(payload.len());
        }
        let mut read = Vec::new();
        let mut frames = Frames::new(&payload, PacketType::OneRtt);
        while let Some(frame) = frames.next() {
            read.push(frame.unwrap());
            if !matches!(read.last(), Some(Frame::Padding { .. })) {
                prop_assert!(ends.contains(&frames.offset()));
            }
        }
        // Padding that follows padding is one frame.
        let mut expected: Vec<Frame<'_>> = Vec::new();
        for frame in all {
            match (expected.last_mut(), frame) {
                (Some(Frame::Padding { octets }), Frame::Padding { octets: more }) => *octets += more,
                _ => expected.push(frame),
            }
        }
        prop_assert_eq!(read, expected);
    }

    /// Cut at any place, a frame is cut, or is another that it begins with.
    #[test]
    fn truncated_at_every_position(owned in frame()) {
        let (mut buffer, mut out) = (Vec::new(), Vec::new());
        let frame = owned.lend(&mut buffer);
        frame.write(&mut out);
        for end in 1..out.len() {
            let items: Vec<_> = Frames::new(&out[..end], PacketType::OneRtt).collect();
            match (&items[..], frame) {
                ([Ok(Frame::Padding { octets })], Frame::Padding { .. }) => prop_assert_eq!(*octets, end),
                ([Err(error)], _) => {
                    prop_assert_eq!(error.code, TransportErrorCode::FRAME_ENCODING_ERROR);
                    prop_assert_eq!(error.offset, Some(end));
                    prop_assert_eq!(error.frame_type, Some(frame.frame_type()));
                    prop_assert!(error.reason.contains("cut by the end"), "{}", error);
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}

/// RFC 9000 §19, octet for octet: written by hand, not by the code.
#[test]
fn the_layout_of_each() {
    let ecn = Some(AckEcn { ect0: 1, ect1: 2, ce: 3 });
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let token = *b"0123456789abcdef";
    let rows: [(&str, Frame<'_>); 30] = [
        ("000000", Frame::Padding { octets: 3 }),
        ("01", Frame::Ping),
        (
            "02 4064 0a 02 05 03 04 00 00",
            Frame::Ack(Ack::new([95..=100, 86..=90, 84..=84], 10, None, &mut first).unwrap()),
        ),
        ("03 05 00 00 05 01 02 03", Frame::Ack(Ack::new([0..=5], 0, ecn, &mut second).unwrap())),
        ("04 04 4100 80010000", Frame::ResetStream { id: StreamId(4), code: 256, final_size: 65_536 }),
        ("05 04 07", Frame::StopSending { id: StreamId(4), code: 7 }),
        ("06 05 03 616263", Frame::Crypto { offset: 5, data: b"abc" }),
        ("07 02 6869", Frame::NewToken { token: b"hi" }),
        ("0a 08 02 6869", Frame::Stream { id: StreamId(8), offset: 0, data: b"hi", fin: false }),
        ("0b 08 00", Frame::Stream { id: StreamId(8), offset: 0, data: b"", fin: true }),
        ("0e 08 4080 02 6869", Frame::Stream { id: StreamId(8), offset: 128, data: b"hi", fin: false }),
        ("0f 08 4080 02 6869", Frame::Stream { id: StreamId(8), offset: 128, data: b"hi", fin: true }),
        ("10 7fff", Frame::MaxData(16_383)),
        ("11 00 80004000", Frame::MaxStreamData { id: StreamId(0), value: 16_384 }),
        ("12 3f", Frame::MaxStreams { direction: Direction::Bidirectional, value: 63 }),
        ("13 d000000000000000", Frame::MaxStreams { direction: Direction::Unidirectional, value: 1 << 60 }),
        ("14 ffffffffffffffff", Frame::DataBlocked(MAX)),
        ("15 01 02", Frame::StreamDataBlocked { id: StreamId(1), value: 2 }),
        ("16 01", Frame::StreamsBlocked { direction: Direction::Bidirectional, value: 1 }),
        ("17 01", Frame::StreamsBlocked { direction: Direction::Unidirectional, value: 1 }),
        (
            "18 02 01 04 61626364 30313233343536373839616263646566",
            Frame::NewConnectionId { sequence: 2, retire_prior_to: 1, id: id(b"abcd"), token },
        ),
        ("19 01", Frame::RetireConnectionId { sequence: 1 }),
        ("1a 3132333435363738", Frame::PathChallenge(*b"12345678")),
        ("1b 3132333435363738", Frame::PathResponse(*b"12345678")),
        (
            "1c 0a 06 02 6e6f",
            Frame::ConnectionClose {
                code: TransportErrorCode::PROTOCOL_VIOLATION,
                frame_type: 6,
                reason: b"no",
            },
        ),
        (
            "1c 4150 00 00",
            Frame::ConnectionClose { code: TransportErrorCode::from_code(0x150), frame_type: 0, reason: b"" },
        ),
        ("1d 4100 00", Frame::ApplicationClose { code: 0x100, reason: b"" }),
        ("1e", Frame::HandshakeDone),
        ("31 02 6869", Frame::Datagram { data: b"hi" }),
        ("31 00", Frame::Datagram { data: b"" }),
    ];
    for (octets, frame) in rows {
        let octets = hex(octets);
        let mut out = Vec::new();
        frame.write(&mut out);
        assert_eq!(out, octets, "{frame:?}");
        let read: Vec<_> = Frames::new(&octets, PacketType::OneRtt).collect();
        assert_eq!(read, [Ok(frame)]);
    }
}

/// Forms that are read and never written: without a length, with an offset of 0, longer than they need to be.
#[test]
fn other_forms() {
    let stream = |offset, data, fin| Frame::Stream { id: StreamId(8), offset, data, fin };
    for (octets, frame) in [
        ("08 08", stream(0, b"", false)),
        ("08 08 6869", stream(0, b"hi", false)),
        ("09 08 6869", stream(0, b"hi", true)),
        ("0c 08 05 6869", stream(5, b"hi", false)),
        ("0d 08 05 6869", stream(5, b"hi", true)),
        ("0e 08 00 02 6869", stream(0, b"hi", false)),
        ("0a 4008 80000002 6869", stream(0, b"hi", false)),
        ("30", Frame::Datagram { data: b"" }),
        ("30 6869", Frame::Datagram { data: b"hi" }),
    ] {
        let read: Vec<_> =
            Frames::new(&hex(octets), PacketType::OneRtt).map(|frame| frame.map(|_| ())).collect();
        assert_eq!(read, [Ok(())], "{octets}");
        assert_eq!(Frames::new(&hex(octets), PacketType::OneRtt).next(), Some(Ok(frame)), "{octets}");
    }
}

#[test]
fn numbers_that_no_frame_can_say_are_cut() {
    let mut out = Vec::new();
    Frame::MaxData(u64::MAX).write(&mut out);
    assert_eq!(out, hex("10 ffffffffffffffff"));
    out.clear();
    Frame::Padding { octets: 0 }.write(&mut out);
    assert_eq!(out, b"");
}

#[test]
fn ranges_that_are_no_ack() {
    let mut buffer = Vec::new();
    let mut new = |ranges: &[(u64, u64)]| {
        Ack::new(ranges.iter().map(|(start, end)| *start..=*end), 0, None, &mut buffer).is_some()
    };
    assert!(new(&[(5, 9), (0, 3)]) && new(&[(MAX, MAX), (0, 0)]));
    assert!(!new(&[]), "none");
    assert!(!new(&[(9, 5)]) && !new(&[(8, 9), (5, 3)]), "empty ones");
    assert!(!new(&[(5, 9), (0, 4)]), "without a number between them");
    assert!(!new(&[(0, 3), (5, 9)]), "the smallest first");
    assert!(!new(&[(0, MAX + 1)]), "beyond all packet numbers");
}

#[test]
fn padding_of_every_length() {
    for octets in 1..100 {
        let payload = [vec![0; octets], vec![1, 0]].concat();
        let frames: Vec<_> = Frames::new(&payload, PacketType::Initial).collect();
        let padding = |octets| Ok(Frame::Padding { octets });
        assert_eq!(frames, [padding(octets), Ok(Frame::Ping), padding(1)]);
    }
}

/// RFC 9002 §2 and RFC 9000 §9.1, each frame.
#[test]
fn what_asks_and_what_probes() {
    for first in (0_u8..=0x1e).chain([0x30, 0x31]) {
        let mut payload = [1; 64];
        payload[0] = first;
        // A connection id of one octet, and no ranges.
        if first == 2 || first == 3 {
            payload[3] = 0;
        }
        let frame = Frames::new(&payload, PacketType::OneRtt).next().unwrap().unwrap();
        assert_eq!(frame.is_ack_eliciting(), !matches!(first, 0 | 2 | 3 | 0x1c | 0x1d), "{first:#x}");
        assert_eq!(frame.is_probing(), matches!(first, 0 | 0x18 | 0x1a | 0x1b), "{first:#x}");
        let same = match first {
            0x08..=0x0f => first & 0x01 | 0x0a | if first & 0x04 != 0 { 0x04 } else { 0 },
            0x30 => 0x31,
            first => first,
        };
        assert_eq!(frame.frame_type(), u64::from(same), "{first:#x}");
    }
}
