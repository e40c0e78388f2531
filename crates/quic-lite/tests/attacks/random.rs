//! Whatever comes, sealed with the right keys: a connection goes on or ends with a code that there is, and holds little.

use std::time::Duration;

use bytes::Bytes;
use wirelace_quic_lite::frame::PacketType;
use wirelace_quic_lite::{CloseReason, Direction, Event};
use wirelace_tls_glue::quic::Side;

use crate::peer::{KINDS, Shape};
use crate::wire::{Random, crypto, new_connection_id, numbers, stream, varint, with};
use crate::world::{BOTH, Setup, World};

const SEEDS: u64 = 2000;
const HELD: i64 = 4 << 20;

/// A frame whose numbers are mostly such that it has a meaning.
fn frame(random: &mut Random) -> Vec<u8> {
    let id = random.below(40);
    let length = random.below(40) as usize;
    let data = random.octets(length);
    match random.below(27) {
        0 => vec![0; 1 + random.below(20) as usize],
        1 => vec![0x01],
        2 => {
            let largest = random.below(40);
            let first = random.below(largest + 1);
            numbers(&[0x02, largest, random.number(), 0, first])
        }
        3 => {
            let ranges = random.below(4);
            let mut frame = numbers(&[
                0x02 + random.below(2),
                random.below(60),
                random.number(),
                ranges,
                random.below(9),
            ]);
            (0..ranges).for_each(|_| frame.extend(numbers(&[random.below(5), random.below(5)])));
            frame.extend(numbers(&[random.below(9), random.below(9), random.below(9)]));
            frame
        }
        4 => numbers(&[0x04, id, random.number(), random.below(100)]),
        5 => numbers(&[0x05, id, random.number()]),
        6 => crypto(random.below(2000), &data),
        7 => with(&[0x07, data.len() as u64], &data),
        8..12 => stream(id, random.below(200), &data, random.below(8) == 0),
        12 => stream(random.number(), random.number().min(1 << 60), &data, false),
        13 => [varint(0x08 | random.below(8)), varint(id), data].concat(),
        14 => numbers(&[0x10, random.number()]),
        15 => numbers(&[0x11, id, random.number()]),
        16 => numbers(&[0x12 + random.below(2), random.number().min(1 << 60)]),
        17 => numbers(&[0x14, random.number()]),
        18 => numbers(&[0x15, id, random.number()]),
        19 => numbers(&[0x16 + random.below(2), random.number().min(1 << 60)]),
        20 => {
            let sequence = random.below(6);
            let retire = random.below(sequence + 1);
            new_connection_id(sequence, retire, &[sequence as u8; 8], &[sequence as u8; 16])
        }
        21 => numbers(&[0x19, random.below(6)]),
        22 => with(&[0x1a + random.below(2)], &random.next().to_be_bytes()),
        23 => vec![0x1e],
        24 => with(&[0x31, data.len() as u64], &data),
        25 if random.below(10) == 0 => with(&[0x1c + random.below(2), random.number(), 0, 0], &[]),
        _ => data,
    }
}

/// A frame that breaks no rule, at least not alone.
fn polite(random: &mut Random, subject: Side) -> Vec<u8> {
    let id = random.below(20) << 2 | u64::from(subject == Side::Client);
    let length = random.below(40);
    match random.below(12) {
        0 => vec![0; 1 + random.below(20) as usize],
        1 => vec![0x01],
        2 => numbers(&[0x02, 0, random.number(), 0, 0]),
        // The same octets at the same place, and the same end.
        3..7 => {
            let offset = random.below(200);
            stream(id, offset, &vec![7; length as usize], offset + length == 239)
        }
        7 => numbers(&[0x05, id, random.number()]),
        8 => numbers(&[0x10, random.number(), 0x11, id, random.number()]),
        9 => {
            let sequence = 1 + random.below(3);
            new_connection_id(sequence, 0, &[sequence as u8; 8], &[sequence as u8; 16])
        }
        10 => with(&[0x1a], &random.next().to_be_bytes()),
        _ => with(&[0x31, length], &vec![7; length as usize]),
    }
}

/// The codes of RFC 9000 §20.1, and alerts.
fn is_known(code: u64) -> bool {
    code <= 0x10 || code >> 8 == 1
}

#[track_caller]
fn sane(world: &mut World, what: &str) {
    assert!(world.held < HELD, "{what}: {} octets are held", world.held);
    if let Some((code, frame_type)) = world.peer.close {
        assert!(frame_type.is_none() || is_known(code) && code != 0x01, "{what}: code {code:#x}");
    }
    if world.subject.is_closing() {
        assert!(world.reason().is_some(), "{what}: its owner has not heard of it");
        if let Some(CloseReason::Transport(error)) = world.reason() {
            assert!(is_known(error.code.value()) && error.code.value() != 0x01, "{what}: {error:?}");
        }
        world.pass(Duration::from_secs(60));
        assert!(world.subject.is_closed(), "{what}: it does not end");
    }
}

/// What a usual application does with what happens.
fn application(world: &mut World, random: &mut Random) {
    for event in std::mem::take(&mut world.events) {
        match event {
            Event::Readable { stream } if random.below(4) > 0 => {
                while let Ok(Some(chunk)) = world.subject.read(stream, 1 + random.below(100) as usize) {
                    world.subject.consumed(stream, chunk.data.len());
                    if chunk.fin {
                        break;
                    }
                }
            }
            Event::Opened { stream } => match random.below(5) {
                0 => world.subject.stop(stream, 1),
                1 => world.subject.reset(stream, 2),
                2 => {
                    let _ =
                        world.subject.write(stream, Bytes::from_static(b"an answer"), random.below(2) == 0);
                }
                _ => {}
            },
            closed @ Event::Closed(_) => world.events.push(closed),
            _ => {}
        }
    }
}

#[test]
fn frames_of_an_open_connection() {
    let (mut ended, mut went_on) = (0, 0);
    for subject in BOTH {
        for seed in 0..SEEDS {
            let mut random = Random::new(seed);
            let mut world = World::open_with(subject, Setup { seed, ..Setup::default() });
            world.peer.records = false;
            world.events.clear();
            world.held = 0;
            if random.below(2) == 0 {
                let id = world.subject.open(Direction::Bidirectional).unwrap();
                let length = random.below(100_000) as usize;
                world.subject.write(id, vec![7; length].into(), random.below(2) == 0).unwrap();
            }
            let wild = seed % 2 == 0;
            for _ in 0..20 {
                let mut payload = Vec::new();
                for _ in 0..=random.below(6) {
                    let frame = if wild { frame(&mut random) } else { polite(&mut random, subject) };
                    payload.extend(frame);
                }
                if wild && random.below(20) == 0 {
                    let at = random.below(payload.len() as u64) as usize;
                    payload[at] ^= 1 << random.below(8);
                }
                world.peer.acks = random.below(3) > 0;
                if random.below(20) == 0 {
                    let port = 50_000 + random.below(3);
                    world.from.set_port(port as u16);
                }
                let mut shape = Shape::new(PacketType::OneRtt);
                if random.below(40) == 0 {
                    shape.number = Some(world.peer.next[2] + random.below(1000));
                }
                world.send_shape(&shape, &payload);
                application(&mut world, &mut random);
                if random.below(3) == 0 {
                    world.pass(Duration::from_millis(random.below(300)));
                }
                if world.subject.is_closing() {
                    break;
                }
            }
            if world.subject.is_closing() {
                ended += 1
            } else {
                went_on += 1
            }
            sane(&mut world, &format!("{subject:?} {seed}"));
        }
    }
    // Both happen, or the frames are no good.
    assert!(ended > SEEDS / 2 && went_on > SEEDS / 2, "{ended} ended, {went_on} went on");
}

#[test]
fn packets_that_were_changed() {
    for subject in BOTH {
        for seed in 0..SEEDS {
            let mut random = Random::new(seed);
            let mut world = World::open_with(subject, Setup { seed, ..Setup::default() });
            world.held = 0;
            for _ in 0..10 {
                let payload = frame(&mut random);
                let mut shape = Shape::new(KINDS[random.below(3) as usize]);
                if world.peer.keys[crate::peer::space(shape.kind)].is_none() {
                    shape.kind = PacketType::OneRtt;
                }
                if random.below(8) == 0 {
                    shape.bits = 1 << random.below(8);
                }
                let mut packet = world.peer.packet(&shape, &payload);
                match random.below(5) {
                    0 => packet.truncate(random.below(packet.len() as u64 + 1) as usize),
                    1 => {
                        let at = random.below(packet.len() as u64) as usize;
                        packet[at] ^= 1 << random.below(8);
                    }
                    2 => packet.extend(random.octets(30)),
                    3 => packet = [packet.clone(), packet].concat(),
                    _ => {}
                }
                world.deliver(&packet);
                world.pump();
                if world.subject.is_closing() {
                    break;
                }
            }
            sane(&mut world, &format!("{subject:?} {seed}"));
        }
    }
}

#[test]
fn frames_during_the_handshake() {
    for subject in BOTH {
        for seed in 0..SEEDS {
            let mut random = Random::new(seed);
            let mut world = World::begin(subject, Setup { seed, ..Setup::default() });
            world.held = 0;
            world.peer.mute = random.below(2) == 0;
            for _ in 0..6 {
                world.collect();
                world.peer.pull();
                let kind = KINDS[random.below(3) as usize];
                if world.peer.keys[crate::peer::space(kind)].is_none() {
                    continue;
                }
                let size = if kind == PacketType::Initial { 1200 } else { 0 };
                let payload = match random.below(4) {
                    0 => crypto(random.below(300), &world.peer.outgoing[0].clone()),
                    1 => vec![0x01],
                    _ => frame(&mut random),
                };
                world.send_shape(&Shape { size, ..Shape::new(kind) }, &payload);
                if random.below(4) == 0 {
                    world.pass(Duration::from_millis(random.below(2000)));
                }
            }
            world.peer.mute = false;
            sane(&mut world, &format!("{subject:?} {seed}"));
        }
    }
}

#[test]
fn tls_messages_that_were_changed() {
    for subject in BOTH {
        for seed in 0..300 {
            let mut random = Random::new(seed);
            let edit = Box::new(move |_, mut data: Vec<u8>| {
                if random.below(3) == 0 && !data.is_empty() {
                    let at = random.below(data.len() as u64) as usize;
                    match random.below(3) {
                        0 => data[at] ^= 1 << random.below(8),
                        1 => data.truncate(at),
                        _ => data.extend(random.octets(9)),
                    }
                }
                data
            });
            let mut world = World::begin(subject, Setup { edit: Some(edit), seed, ..Setup::default() });
            world.held = 0;
            world.pump();
            world.pass(Duration::from_secs(15));
            sane(&mut world, &format!("{subject:?} {seed}"));
        }
    }
}
