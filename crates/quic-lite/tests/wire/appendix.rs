//! RFC 9000, Appendix A, and the numbers that are made of them: packet numbers, ids of streams.

use proptest::prelude::*;
use wirelace_quic_lite::frame::{Frame, Frames, PacketType};
use wirelace_quic_lite::{ConnectionId, Direction, StreamId, packet_number};
use wirelace_tls_glue::quic::Side;

use crate::samples::hex;

/// §A.1: the four examples, and one that is longer than it needs to be.
#[test]
fn variable_length_integers() {
    for (octets, value, shortest) in [
        ("c2197c5eff14e88c", 151_288_809_941_952_652, true),
        ("9d7f3e7d", 494_878_333, true),
        ("7bbd", 15_293, true),
        ("25", 37, true),
        ("4025", 37, false),
    ] {
        let payload = [vec![0x10], hex(octets)].concat();
        let frame = Frame::MaxData(value);
        assert_eq!(Frames::new(&payload, PacketType::OneRtt).collect::<Vec<_>>(), [Ok(frame)]);
        let mut out = Vec::new();
        frame.write(&mut out);
        assert_eq!(out == payload, shortest);
    }
}

/// §A.2 and §A.3.
#[test]
fn packet_numbers() {
    assert_eq!(packet_number::length(0xac5c02, Some(0xabe8b3)), 2);
    assert_eq!(packet_number::length(0xace8fe, Some(0xabe8b3)), 3);
    assert_eq!(packet_number::decode(0x9b32, 2, 0xa82f_30eb), 0xa82f_9b32);
}

/// §A.3 as the RFC has it, in numbers that cannot overflow.
fn by_the_book(truncated: u32, length: usize, expected: u64) -> u64 {
    let (expected, window) = (i128::from(expected), 1_i128 << (8 * length));
    let (half, mask) = (window / 2, window - 1);
    let candidate = (expected & !mask) | i128::from(truncated);
    let number = if candidate <= expected - half && candidate < (1 << 62) - window {
        candidate + window
    } else if candidate > expected + half && candidate >= window {
        candidate - window
    } else {
        candidate
    };
    number as u64
}

proptest! {
    #[test]
    fn packet_numbers_by_the_book(
        octets: u32, length in 1_usize..=4, expected in prop_oneof![0_u64..1 << 20, 0..=1_u64 << 62]
    ) {
        let truncated = (u64::from(octets) & ((1 << (8 * length)) - 1)) as u32;
        prop_assert_eq!(
            packet_number::decode(truncated, length, expected), by_the_book(truncated, length, expected)
        );
    }

    #[test]
    fn packet_numbers_come_back(acked in proptest::option::of(0_u64..1 << 61), ahead in 1_u64..1 << 30) {
        let number = acked.map_or(ahead - 1, |acked| acked + ahead);
        let length = packet_number::length(number, acked);
        let truncated = (number & ((1 << (8 * length)) - 1)) as u32;
        // The peer may know only what it has acknowledged, or all up to this one.
        for expected in [acked.map_or(0, |acked| acked + 1), number] {
            prop_assert_eq!(packet_number::decode(truncated, length, expected), number);
        }
    }

    #[test]
    fn stream_ids(index in 0_u64..1 << 60, server: bool, uni: bool) {
        let side = if server { Side::Server } else { Side::Client };
        let direction = if uni { Direction::Unidirectional } else { Direction::Bidirectional };
        let id = StreamId::new(side, direction, index);
        prop_assert_eq!((id.initiator(), id.direction(), id.index()), (side, direction, index));
        prop_assert_eq!(id.0, index * 4 + u64::from(uni) * 2 + u64::from(server));
        prop_assert_eq!((id.to_string(), format!("{id:?}")), (id.0.to_string(), id.0.to_string()));
    }

    #[test]
    fn connection_ids(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        match ConnectionId::new(&octets) {
            Some(id) => prop_assert_eq!(id.as_slice(), &octets[..]),
            None => prop_assert!(octets.len() > 20),
        }
    }
}

#[test]
fn connection_ids_are_equal_by_their_octets() {
    let id = |octets: &[u8]| ConnectionId::new(octets).unwrap();
    assert_ne!(id(&[0; 8]), id(&[0; 9]), "the same but for a length");
    assert_eq!(id(b""), ConnectionId::default());
    assert_eq!(format!("{:?}", id(b"\x0a\xff")), "0aff");
    assert!(ConnectionId::new(&[0; 21]).is_none() && ConnectionId::new(&[0; 276]).is_none());
}
