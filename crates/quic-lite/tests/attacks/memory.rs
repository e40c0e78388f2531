//! What a peer can make a connection hold: each attack with a bound in octets.

use std::time::Duration;

use wirelace_quic_lite::frame::{Frame, PacketType};
use wirelace_quic_lite::{Event, Limits};
use wirelace_tls_glue::quic::Side;

use crate::peer::Shape;
use crate::wire::{crypto, new_connection_id, numbers, stream, with};
use crate::world::{BOTH, Setup, World};

const KIB: i64 = 1024;
const MIB: i64 = 1024 * KIB;

/// A connection whose application does nothing, from now on counted.
fn idle(subject: Side) -> World {
    let mut world = World::open(subject);
    world.listens = false;
    world.held = 0;
    world
}

fn first(subject: Side) -> u64 {
    u64::from(subject == Side::Client)
}

/// Sends packets full of frames, made by `frame`, until the connection ends or all have gone.
fn flood(world: &mut World, count: u64, mut frame: impl FnMut(u64) -> Vec<u8>) -> u64 {
    let (mut number, mut octets) = (0, 0);
    while number < count && !world.subject.is_closing() {
        let mut payload = Vec::new();
        while payload.len() < 1100 && number < count {
            payload.extend(frame(number));
            number += 1;
        }
        octets += payload.len() as u64;
        world.frames(&payload);
    }
    octets
}

#[test]
fn tiny_fragments_with_gaps_on_all_streams() {
    for subject in BOTH {
        let mut world = idle(subject);
        // Every other octet of 100 streams of both kinds.
        let octets = flood(&mut world, 600_000, |number| {
            let id = ((number % 100) << 2) | first(subject) | (((number / 100) & 1) << 1);
            stream(id, 1 + number / 200 * 2, b"x", false)
        });
        eprintln!("{subject:?} {octets} octets, {} held, {:?}", world.held, world.code());
        assert!(world.held < 16 * MIB, "{} octets are held for {octets}", world.held);
    }
}

#[test]
fn small_fragments_in_full_datagrams_on_all_streams() {
    for subject in BOTH {
        let mut limits = Limits::default();
        limits.data_window = 8 << 20;
        let mut world = World::open_with(subject, Setup { limits, ..Setup::default() });
        (world.listens, world.held) = (false, 0);
        // 8 MiB of window in parts of 600 octets; each comes in a datagram of its own.
        for number in 0..13_000 {
            let id = (((number % 200) / 2) << 2) | first(subject) | ((number & 1) << 1);
            let mut payload = stream(id, 20 + number / 200 * 620, &[7; 600], false);
            payload.resize(1400, 0);
            if world.subject.is_closing() {
                break;
            }
            world.frames(&payload);
        }
        eprintln!("{subject:?} {} held, {:?}", world.held, world.code());
        assert!(world.held < 32 * MIB, "{} octets are held", world.held);
    }
}

#[test]
fn large_buffers_for_small_pieces() {
    // A receiver that cuts datagrams out of trains: each piece would keep 64 KiB alive.
    for subject in BOTH {
        let mut world = idle(subject);
        for number in 0..400 {
            let id = (((number % 200) / 2) << 2) | first(subject) | ((number & 1) << 1);
            let frame = stream(id, 50 + number / 200 * 2000, &[7; 1100], false);
            let packet = world.peer.packet(&Shape::new(PacketType::OneRtt), &frame);
            world.deliver_in(64 * 1024, &packet);
            world.pump();
        }
        eprintln!("{subject:?} {} held, {:?}", world.held, world.code());
        assert!(world.held < 8 * MIB, "{} octets are held", world.held);
        world.goes_on();
    }
}

#[test]
fn small_frames_in_order_are_no_attack() {
    // A peer that writes little by little, and an application that takes its time.
    for size in [1, 50, 700] {
        for subject in BOTH {
            let mut world = idle(subject);
            let data = vec![7; size];
            for number in 0..1200 {
                world.frames(&stream(first(subject), number * size as u64, &data, false));
            }
            assert_eq!(world.code(), None, "{:?}", world.peer.close);
            eprintln!("{subject:?} {size}: {} held", world.held);
            assert!(world.held < 1200 * size as i64 * 3 + 64 * KIB, "{} octets are held", world.held);
            world.goes_on();
        }
    }
}

#[test]
fn a_full_window_is_no_attack() {
    for subject in BOTH {
        let mut limits = Limits::default();
        (limits.data_window, limits.stream_window) = (4 << 20, 4 << 20);
        let mut world = World::open_with(subject, Setup { limits, ..Setup::default() });
        world.listens = false;
        for number in 0..(4 << 20) / 1024 {
            world.frames(&stream(first(subject), number * 1024, &[7; 1024], false));
        }
        world.goes_on();
    }
}

#[test]
fn crypto_at_high_offsets() {
    for subject in BOTH {
        for offset in [32 * 1024, 1 << 20, (1 << 62) - 2] {
            let mut world = idle(subject);
            let base = world.peer.sent[2] as u64;
            let offset = if offset < 1 << 30 { base + offset } else { offset };
            world.frames(&crypto(offset, b"x"));
            assert_eq!(world.code(), Some(0x0d), "offset {offset}");
            assert!(world.held < 4 * KIB);
        }
    }
}

#[test]
fn crypto_in_fragments() {
    for subject in BOTH {
        let mut world = idle(subject);
        let base = world.peer.sent[2] as u64;
        let octets = flood(&mut world, 200_000, |number| crypto(base + 1 + number * 2 % 32_700, b"x"));
        eprintln!("{subject:?} {octets} octets, {} held, {:?}", world.held, world.code());
        assert!(world.held < 256 * KIB, "{} octets are held for {octets}", world.held);
    }
}

#[test]
fn crypto_that_never_makes_a_message() {
    // In order, without an end: the beginning of a message that is too long, and of one that is not.
    for (length, code) in [([0xff, 0xff, 0xff], Some(0x12f)), ([0x00, 0xff, 0xff], None)] {
        for subject in BOTH {
            let mut world = idle(subject);
            let base = world.peer.sent[2] as u64;
            world.frames(&crypto(base, &[&[4][..], &length].concat()));
            flood(&mut world, 60, |number| crypto(base + 4 + number * 1000, &[0; 1000]));
            eprintln!("{subject:?} {} held, {:?}", world.held, world.code());
            assert!(world.held < 160 * KIB, "{} octets are held", world.held);
            if code.is_some() {
                assert!(world.code().is_some_and(|code| code >> 8 == 1), "{:?}", world.code());
            }
        }
    }
}

#[test]
fn connection_ids_that_are_retired_at_once() {
    // Each makes this side retire the one before (CVE-2024-22189); acknowledgements never come.
    for subject in BOTH {
        let mut world = idle(subject);
        world.peer.acks = false;
        let octets = flood(&mut world, 100_000, |number| {
            let sequence = number + 1;
            new_connection_id(sequence, sequence, &sequence.to_be_bytes(), &[7; 16])
        });
        assert_eq!(world.code(), Some(0x09));
        assert!(octets < 4000 && world.held < 64 * KIB, "{} octets are held for {octets}", world.held);
    }
}

#[test]
fn the_same_connection_id_again_and_again() {
    for subject in BOTH {
        let mut world = idle(subject);
        let same = new_connection_id(1, 0, b"another!", &[1; 16]);
        flood(&mut world, 10_000, |_| same.clone());
        assert!(world.held < 64 * KIB);
        world.goes_on();
        // With another id, number or token it is another story.
        for other in [
            new_connection_id(1, 0, b"and more", &[1; 16]),
            new_connection_id(1, 0, b"another!", &[2; 16]),
            new_connection_id(2, 0, b"another!", &[1; 16]),
        ] {
            let mut world = idle(subject);
            world.frames(&same);
            world.frames(&other);
            assert_eq!(world.code(), Some(0x0a));
        }
    }
}

#[test]
fn more_connection_ids_than_this_side_keeps() {
    for subject in BOTH {
        let mut world = idle(subject);
        flood(&mut world, 3, |number| {
            new_connection_id(number + 1, 0, &[number as u8; 8], &[number as u8; 16])
        });
        world.goes_on();
        world.frames(&new_connection_id(4, 0, b"too many", &[9; 16]));
        assert_eq!(world.code(), Some(0x09));
    }
}

#[test]
fn retired_ids_that_were_never_given() {
    for subject in BOTH {
        let mut world = idle(subject);
        world.frames(&numbers(&[0x19, 1 << 40]));
        assert_eq!(world.code(), Some(0x0a));
        // One after the other, as soon as they are made and before they can have been heard of.
        let mut world = idle(subject);
        world.peer.acks = false;
        let mut payload = Vec::new();
        (1..300).for_each(|number| payload.extend(numbers(&[0x19, number])));
        let before = world.sent.1;
        world.frames(&payload);
        eprintln!("{subject:?} {} held, {} sent, {:?}", world.held, world.sent.1 - before, world.code());
        assert_eq!(world.code(), Some(0x0a));
        assert!(world.held < 64 * KIB && world.sent.1 - before < 2000);
    }
}

#[test]
fn the_id_of_the_packet_itself_is_retired() {
    for subject in BOTH {
        let mut world = idle(subject);
        world.frames(&numbers(&[0x19, 0]));
        assert_eq!(world.code(), Some(0x0a));
    }
}

#[test]
fn challenges_by_the_thousand() {
    for subject in BOTH {
        let mut world = idle(subject);
        world.peer.came.clear();
        let mut datagrams = 0;
        for _ in 0..100 {
            let before = world.sent.0;
            let mut payload = Vec::new();
            (0..120_u64).for_each(|number| payload.extend(with(&[0x1a], &number.to_be_bytes())));
            world.frames(&payload);
            datagrams = datagrams.max(world.sent.0 - before);
        }
        let responses = world.peer.came.iter().flat_map(|came| came.frames().collect::<Vec<_>>());
        let responses = responses.filter(|frame| matches!(frame, Frame::PathResponse(_))).count();
        eprintln!("{subject:?}: {responses} responses, at most {datagrams} datagrams, {} held", world.held);
        assert!(responses <= 400 && datagrams <= 6 && world.held < 128 * KIB);
        world.goes_on();
    }
}

#[test]
fn tokens_by_the_thousand() {
    let mut world = idle(Side::Client);
    let octets = flood(&mut world, 50_000, |_| numbers(&[0x07, 1, 1]));
    eprintln!("{octets} octets, {} held", world.held);
    assert!(world.held < 256 * KIB, "{} octets are held for {octets}", world.held);
}

#[test]
fn empty_datagram_frames_by_the_thousand() {
    for subject in BOTH {
        let mut world = idle(subject);
        let octets = flood(&mut world, 200_000, |_| vec![0x31, 0]);
        eprintln!("{subject:?} {octets} octets, {} held", world.held);
        assert!(world.held < 4 * MIB, "{} octets are held for {octets}", world.held);
    }
}

#[test]
fn small_datagram_frames_in_large_packets() {
    for subject in BOTH {
        let mut world = idle(subject);
        for _ in 0..20_000 {
            let mut payload = vec![0x31, 1, 7];
            payload.resize(1300, 0);
            world.frames(&payload);
        }
        eprintln!("{subject:?} {} held", world.held);
        assert!(world.held < 6 * MIB, "{} octets are held", world.held);
    }
}

#[test]
fn packets_that_cannot_be_opened_yet() {
    // 1-RTT packets before the handshake is complete.
    let mut world = World::begin(Side::Server, Setup::default());
    world.held = 0;
    for number in 0..1000_u32 {
        let mut packet = vec![0x40];
        packet.extend_from_slice(&world.peer.destination.clone());
        packet.extend_from_slice(&number.to_be_bytes());
        packet.resize(1200, 7);
        world.collect();
        packet[1..9].copy_from_slice(&world.peer.destination.clone());
        world.deliver(&packet);
    }
    eprintln!("{} held", world.held);
    assert!(world.held < 64 * KIB, "{} octets are held", world.held);
    world.pump();
    world.goes_on();
}

#[test]
fn holes_between_packet_numbers() {
    for subject in BOTH {
        let mut world = idle(subject);
        world.peer.records = false;
        for number in 0..5000 {
            let shape = Shape { number: Some(1000 + number * 2), ..Shape::new(PacketType::OneRtt) };
            world.send_shape(&shape, &[0x01]);
        }
        world.peer.next[2] = 20_000;
        eprintln!("{subject:?} {} held", world.held);
        assert!(world.held < 768 * KIB, "{} octets are held", world.held);
        world.peer.records = true;
        world.goes_on();
    }
}

#[test]
fn streams_opened_and_reset_without_an_application() {
    for subject in BOTH {
        let mut world = idle(subject);
        let octets = flood(&mut world, 10_000, |number| {
            let id = (number << 2) | first(subject);
            [stream(id, 0, b"x", false), numbers(&[0x04, id, 0, 1]), numbers(&[0x05, id, 0])].concat()
        });
        // Credit comes when the application has done with a stream, not before.
        assert_eq!(world.code(), Some(0x04));
        assert!(world.held < 256 * KIB, "{} octets are held for {octets}", world.held);
    }
}

#[test]
fn streams_opened_and_reset_under_an_application() {
    for subject in BOTH {
        let mut world = World::open(subject);
        world.peer.records = false;
        world.events.clear();
        world.held = 0;
        for number in 0..5000 {
            let id = (number << 2) | first(subject);
            let frames =
                [stream(id, 0, b"x", false), numbers(&[0x04, id, 0, 1]), numbers(&[0x05, id, 0])].concat();
            world.frames(&frames);
            for event in std::mem::take(&mut world.events) {
                if let Event::Reset { stream, .. } = event {
                    assert!(world.subject.read(stream, 1).is_err());
                }
            }
            assert!(!world.subject.is_closing(), "stream {number} {:?}", world.peer.close);
            world.pass(Duration::from_millis(1));
        }
        eprintln!("{subject:?} {} held", world.held);
        assert!(world.held < 768 * KIB, "{} octets are held", world.held);
        world.peer.records = true;
        world.goes_on();
    }
}
