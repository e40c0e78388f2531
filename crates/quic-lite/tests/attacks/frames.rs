//! What frames and packets do that nobody should send: the connection ends with the right code, or goes on.

use std::time::Duration;

use bytes::Bytes;
use wirelace_quic_lite::frame::{Frame, PacketType};
use wirelace_quic_lite::{CloseReason, Direction, Event, Limits, StreamId};
use wirelace_tls_glue::quic::Side;

use crate::peer::Shape;
use crate::wire::{Random, crypto, new_connection_id, numbers, stream, with};
use crate::world::{BOTH, Setup, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn first(subject: Side) -> u64 {
    u64::from(subject == Side::Client)
}

/// The connection has a stream with data that wait.
fn sending(subject: Side, octets: usize) -> (World, StreamId) {
    let mut world = World::open_with(subject, Setup::default());
    world.peer.acks = false;
    let id = world.subject.open(Direction::Bidirectional).unwrap();
    let room = world.subject.capacity(id).min(octets);
    world.subject.write(id, Bytes::from(vec![7; room]), false).unwrap();
    (world, id)
}

#[test]
fn acknowledged_before_it_was_sent() {
    for subject in BOTH {
        for number in [1000, (1 << 62) - 1] {
            let mut world = World::open(subject);
            world.frames(&numbers(&[0x02, number, 0, 0, 0]));
            world.ended(0x0a);
        }
        // In a space in which nothing was sent at all.
        let mut world = World::begin(subject, Setup::default());
        world.peer.pull();
        world.send_shape(
            &Shape { size: 1200, ..Shape::new(PacketType::Initial) },
            &numbers(&[0x02, 77, 0, 0, 0]),
        );
        world.ended(0x0a);
    }
}

#[test]
fn who_acknowledges_everything_blindly_is_found_out() {
    // An optimistic peer acknowledges all up to the largest number, seen or not, and drops half of what comes.
    for subject in BOTH {
        let (mut world, id) = sending(subject, 1 << 18);
        let mut rounds = 0;
        while world.code().is_none() {
            rounds += 1;
            assert!(rounds < 5000, "it was never found out");
            world.now += MS;
            world.pump();
            let Some(largest) = world.peer.received[2].last().copied() else { continue };
            let room = world.subject.capacity(id).min(1 << 15);
            if room > 0 {
                let _ = world.subject.write(id, Bytes::from(vec![7; room]), false);
            }
            let mut frames = numbers(&[0x02, largest, 0, 0, largest]);
            frames.extend(numbers(&[0x10, 1 << 40, 0x11, id.0, 1 << 40]));
            world.frames(&frames);
        }
        world.ended(0x0a);
        assert!(rounds < 200, "{rounds} rounds");
    }
}

#[test]
fn acknowledgements_with_thousands_of_ranges() {
    // 250 ranges a packet, most below zero: cut; all below what was sent: work only for what is new.
    for subject in BOTH {
        let (mut world, _) = sending(subject, 1 << 18);
        world.pump();
        let largest = *world.peer.received[2].last().unwrap();
        let mut frames = numbers(&[0x02, largest, 0, 250, 0]);
        frames.extend(numbers(&[0, 0]).repeat(250));
        world.frames(&frames);
        world.ended(0x07);
        // More ranges are announced than there are.
        let mut world = World::open(subject);
        world.frames(&numbers(&[0x02, 2, 0, (1 << 62) - 1, 0, 0, 0]));
        world.ended(0x07);
    }
}

#[test]
fn nothing_is_ever_acknowledged() {
    for subject in BOTH {
        let (mut world, _) = sending(subject, 1 << 18);
        world.peer.records = false;
        world.held = 0;
        let before = world.sent;
        for _ in 0..200 {
            world.pass(SECOND / 2);
            if world.subject.is_closing() {
                break;
            }
            // It is there, but says nothing.
            world.frames(&[0x01]);
        }
        let sent = world.sent.1 - before.1;
        eprintln!("{subject:?}: {sent} octets sent, {} held, {} steps", world.held, world.steps);
        assert!(sent < 120_000 && world.held < 512 * 1024 && world.steps < 10_000);
    }
}

#[test]
fn only_packets_that_ask_for_nothing() {
    for subject in BOTH {
        let mut world = World::open(subject);
        world.held = 0;
        let before = world.sent.0;
        for number in 0..5000_u64 {
            world.frames(if number % 2 == 0 { &[0, 0, 0] } else { &[0x02, 0, 0, 0, 0] });
            assert!(!world.subject.is_closing(), "{:?}", world.reason());
        }
        let sent = world.sent.0 - before;
        eprintln!("{subject:?}: {sent} datagrams, {} held", world.held);
        assert!(sent < 20 && world.held < 64 * 1024);
        world.goes_on();
    }
}

#[test]
fn duplicates_are_read_once() {
    for subject in BOTH {
        let mut world = World::open(subject);
        let packet =
            world.peer.packet(&Shape::new(PacketType::OneRtt), &stream(first(subject), 0, b"once", true));
        let before = world.subject.stats().duplicates;
        for _ in 0..100 {
            world.deliver(&packet);
            world.pump();
        }
        assert_eq!(world.subject.stats().duplicates - before, 99);
        let opened = world.events.iter().filter(|event| matches!(event, Event::Opened { .. })).count();
        assert_eq!(opened, 1);
        world.goes_on();
    }
}

#[test]
fn packet_numbers_that_jump() {
    for subject in BOTH {
        let mut world = World::open(subject);
        // As far as four octets of a number reach, again and again.
        for _ in 0..100 {
            world.peer.next[2] += (1 << 31) - 10;
            world.goes_on();
        }
        assert!(world.peer.next[2] > 199 << 30);
    }
}

#[test]
fn a_reset_is_no_end() {
    // Without any data, and where all of it was read.
    for subject in BOTH {
        for data in [&b""[..], b"the first half"] {
            let mut world = World::open(subject);
            let id = first(subject);
            world.frames(&stream(id, 0, data, false));
            let stream = StreamId(id);
            if !data.is_empty() {
                assert_eq!(world.subject.read(stream, 100).unwrap().unwrap().data, data);
            }
            world.frames(&numbers(&[0x04, id, 9, data.len() as u64]));
            assert!(world.events.iter().any(|event| matches!(event, Event::Reset { code: 9, .. })));
            assert!(world.subject.read(stream, 100).is_err());
            world.goes_on();
        }
    }
}

#[test]
fn a_token_without_octets() {
    let mut world = World::open(Side::Client);
    world.frames(&numbers(&[0x07, 0]));
    world.ended(0x07);
}

#[test]
fn handshake_done_before_the_handshake_is_done() {
    let mut world = World::begin(Side::Client, Setup::default());
    world.peer.pull();
    for kind in [PacketType::Initial, PacketType::Handshake] {
        let mut world = World::begin(Side::Client, Setup::default());
        world.peer.pull();
        if kind == PacketType::Handshake {
            let hello = std::mem::take(&mut world.peer.outgoing[0]);
            let shape = Shape { size: 1200, ..Shape::new(PacketType::Initial) };
            let packet = world.peer.packet(&shape, &crypto(0, &hello));
            world.deliver(&packet);
        }
        world.send_shape(&Shape { size: 1200, ..Shape::new(kind) }, &[0x1e]);
        world.ended(0x0a);
    }
    // In a 1-RTT packet that the server has keys for: the client has none, and waits.
    let hello = std::mem::take(&mut world.peer.outgoing[0]);
    let shape = Shape { size: 1200, ..Shape::new(PacketType::Initial) };
    let packet = world.peer.packet(&shape, &crypto(0, &hello));
    world.deliver(&packet);
    let packet = world.peer.packet(&Shape::new(PacketType::OneRtt), &[0x1e]);
    world.deliver(&packet);
    assert!(world.subject.is_handshaking());
    assert!(!world.events.iter().any(|event| matches!(event, Event::Confirmed)));
}

#[test]
fn no_data_before_the_handshake_is_complete() {
    // A client that knows the server's keys sends at once; what it says must wait (RFC 9001 §5.7).
    let mut world = World::begin(Side::Server, Setup::default());
    world.collect();
    assert!(world.peer.complete);
    for number in 0..20 {
        let packet =
            world.peer.packet(&Shape::new(PacketType::OneRtt), &stream(number * 4, 0, b"early", false));
        world.deliver(&packet);
        world.collect();
    }
    assert!(!world.events.iter().any(|event| matches!(event, Event::Opened { .. })));
    world.pump();
    let opened = world.events.iter().filter(|event| matches!(event, Event::Opened { .. })).count();
    assert_eq!(opened, 10, "a few packets are kept until they can be opened");
    world.goes_on();
}

#[test]
fn key_updates_one_after_the_other() {
    for subject in BOTH {
        // In order: each is answered with the new keys.
        let mut world = World::open(subject);
        for count in 1..=20 {
            world.peer.update_keys();
            world.goes_on();
            world.pass(SECOND);
            assert_eq!(world.subject.stats().key_updates, count);
        }
        // Twice without an acknowledgement between: it cannot have one.
        let mut world = World::open(subject);
        let packets: Vec<_> = (0..3)
            .map(|_| {
                world.peer.update_keys();
                world.peer.packet(&Shape::new(PacketType::OneRtt), &[0x01])
            })
            .collect();
        packets.iter().for_each(|packet| world.deliver(packet));
        world.collect();
        assert!(matches!(world.reason(), Some(CloseReason::Transport(error)) if error.code.value() == 0x0e));
    }
}

#[test]
fn this_side_updates_its_keys_no_sooner_than_it_may() {
    for subject in BOTH {
        let mut world = World::open(subject);
        world.subject.ping();
        world.goes_on();
        assert!(world.subject.update_keys().unwrap());
        assert!(!world.subject.update_keys().unwrap(), "nobody has acknowledged the first");
        world.subject.ping();
        world.goes_on();
        world.pass(SECOND);
        assert!(world.subject.update_keys().unwrap());
        world.goes_on();
        assert_eq!(world.subject.stats().key_updates, 2);
    }
}

#[test]
fn an_id_that_was_given_up_comes_again() {
    // A retransmission of NEW_CONNECTION_ID behind a migration: its id must not be used again.
    let mut world = World::open(Side::Server);
    for number in 1..=3_u8 {
        world.frames(&new_connection_id(number.into(), 0, &[number; 8], &[number; 16]));
    }
    for (port, used) in [(1, 1), (2, 2)] {
        world.from = format!("192.0.2.1:{port}").parse().unwrap();
        world.frames(&[0x01]);
        let challenge =
            world.peer.came.iter().rev().flat_map(|came| came.frames().collect::<Vec<_>>()).find_map(
                |frame| match frame {
                    Frame::PathChallenge(data) => Some(data),
                    _ => None,
                },
            );
        world.frames(&with(&[0x1b], &challenge.unwrap()));
        // The peer's retransmissions.
        for number in 1..=3_u8 {
            world.frames(&new_connection_id(number.into(), 0, &[number; 8], &[number; 16]));
        }
        assert!(!world.subject.is_closing(), "{:?} {used}", world.reason());
    }
    world.goes_on();
    // All that were retired by now.
    let retired: Vec<u64> = world
        .peer
        .came
        .iter()
        .flat_map(|came| came.frames().collect::<Vec<_>>())
        .filter_map(|frame| match frame {
            Frame::RetireConnectionId { sequence } => Some(sequence),
            _ => None,
        })
        .collect();
    assert!(retired.contains(&0) && retired.contains(&1) && !retired.contains(&2), "{retired:?}");
}

#[test]
fn windows_of_nothing() {
    let zero = |parameters: Vec<u8>| {
        // The last of a kind is not allowed twice: the limits are left out, which means 0.
        let (mut rest, mut kept) = (&parameters[..], Vec::new());
        while let Some((&id, _)) = rest.split_first() {
            let length = usize::from(rest[1]) + 2;
            if !(4..=7).contains(&id) {
                kept.extend_from_slice(&rest[..length]);
            }
            rest = &rest[length..];
        }
        kept
    };
    for subject in BOTH {
        let mut world = World::open_with(subject, Setup { parameters: Box::new(zero), ..Setup::default() });
        let id = world.subject.open(Direction::Bidirectional).unwrap();
        assert_eq!(world.subject.capacity(id), 0);
        assert!(world.subject.write(id, Bytes::from_static(b"x"), false).is_err());
        // An end alone needs no window.
        world.subject.write(id, Bytes::new(), true).unwrap();
        let before = (world.steps, world.sent.0);
        for _ in 0..20 {
            world.pass(SECOND);
        }
        assert!(
            world.steps - before.0 < 400 && world.sent.0 - before.1 < 20,
            "{} steps",
            world.steps - before.0
        );
        world.goes_on();
    }
}

#[test]
fn a_window_that_opens_octet_by_octet() {
    for subject in BOTH {
        let (mut world, id) = sending(subject, 1 << 18);
        world.peer.acks = true;
        world.pump();
        for number in 1..500 {
            world.frames(&numbers(&[0x11, id.0, (1 << 18) + number]));
        }
        world.goes_on();
    }
}

#[test]
fn a_handshake_that_never_ends() {
    for subject in BOTH {
        let mut world = World::begin(subject, Setup::default());
        world.peer.mute = true;
        world.collect();
        let before = world.sent;
        for _ in 0..100 {
            // Something comes from time to time.
            world.pass(SECOND / 5);
            if world.subject.is_closing() {
                break;
            }
            world.peer.pull();
            let packet = world.peer.packet(&Shape { size: 1200, ..Shape::new(PacketType::Initial) }, &[0x01]);
            world.deliver(&packet);
            world.collect();
        }
        assert!(matches!(world.reason(), Some(CloseReason::HandshakeTimeout)), "{:?}", world.reason());
        let sent = world.sent.1 - before.1;
        eprintln!("{subject:?}: {sent} octets, {} steps", world.steps);
        assert!(sent < 200_000 && world.steps < 2000);
    }
}

#[test]
fn a_hello_octet_by_octet() {
    // A client hello in pieces of 20 octets, backwards.
    let mut world = World::begin(Side::Server, Setup::default());
    world.pump();
    let mut limits = Limits::default();
    limits.idle_timeout = 5 * SECOND;
    let mut world = World::begin(Side::Client, Setup { limits, ..Setup::default() });
    world.peer.pull();
    let hello = std::mem::take(&mut world.peer.outgoing[0]);
    let mut at = hello.len();
    while at > 0 {
        let from = at.saturating_sub(20);
        let shape = Shape { size: 1200, ..Shape::new(PacketType::Initial) };
        let packet = world.peer.packet(&shape, &crypto(from as u64, &hello[from..at]));
        world.deliver(&packet);
        at = from;
    }
    world.peer.sent[0] = 0;
    world.pump();
    world.goes_on();
}

#[test]
fn crypto_of_a_level_that_is_over() {
    // Octets at the Initial level behind the end of the hello: nobody will ever read them (RFC 9001 §4.1.3).
    for subject in BOTH {
        let mut world = World::begin(subject, Setup::default());
        world.peer.pull();
        let at = match subject {
            Side::Server => {
                world.collect();
                world.peer.sent[0] as u64
            }
            Side::Client => {
                let hello = std::mem::take(&mut world.peer.outgoing[0]);
                let shape = Shape { size: 1200, ..Shape::new(PacketType::Initial) };
                let packet = world.peer.packet(&shape, &crypto(0, &hello));
                world.deliver(&packet);
                hello.len() as u64
            }
        };
        let shape = Shape { size: 1200, ..Shape::new(PacketType::Initial) };
        world.send_shape(&shape, &crypto(at, b"more"));
        world.ended(0x0a);
    }
}

#[test]
fn the_peer_closes() {
    for subject in BOTH {
        for frame in [numbers(&[0x1c, 0x0a, 0, 0]), numbers(&[0x1d, 7, 0])] {
            let mut world = World::open(subject);
            let before = world.sent.0;
            world.frames(&frame);
            for _ in 0..100 {
                world.frames(&[0x01]);
            }
            assert!(world.reason().is_some() && world.sent.0 - before <= 1);
            world.pass(10 * SECOND);
            assert!(world.subject.is_closed());
        }
    }
}

#[test]
fn a_peer_that_does_not_hear_the_end() {
    for subject in BOTH {
        let mut world = World::open(subject);
        let now = world.now;
        world.subject.close(now, 1, b"");
        world.collect();
        let before = world.sent.0;
        for _ in 0..1000 {
            world.frames(&[0x01]);
        }
        assert!(world.sent.0 - before <= 12, "{} answers", world.sent.0 - before);
        world.pass(10 * SECOND);
        assert!(world.subject.is_closed());
    }
}

#[test]
fn garbage_in_all_sizes() {
    for subject in BOTH {
        let mut world = World::open(subject);
        let mut random = Random::new(1);
        world.held = 0;
        for size in (0..100).chain([1200, 1452, 1472]) {
            for head in [0x00, 0x40, 0x43, 0xc0, 0xd0, 0xe0, 0xf0] {
                let mut data = random.octets(size);
                if let Some(first) = data.first_mut() {
                    *first = head;
                }
                world.deliver(&data);
                world.pump();
            }
        }
        assert!(world.held < 4096, "{} held", world.held);
        world.goes_on();
    }
}

#[test]
fn parameters_that_are_cut_or_changed() {
    // One unauthenticated packet is enough to bring them (CVE-2026-31812).
    for subject in BOTH {
        for seed in 0..300 {
            let change = move |mut parameters: Vec<u8>| {
                let mut random = Random::new(seed);
                match random.below(3) {
                    0 => parameters.truncate(random.below(parameters.len() as u64) as usize),
                    1 => parameters.extend(random.octets(8)),
                    _ => {
                        for _ in 0..=random.below(4) {
                            let at = random.below(parameters.len() as u64) as usize;
                            parameters[at] = random.next() as u8;
                        }
                    }
                }
                parameters
            };
            let mut world = World::begin(subject, Setup { parameters: Box::new(change), ..Setup::default() });
            world.pump();
            if let Some(code) = world.code() {
                assert_eq!(code, 0x08, "seed {seed}");
            } else {
                world.goes_on();
            }
        }
    }
}
