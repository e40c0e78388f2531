//! Addresses that are not what they seem (RFC 9000 §9.3, §21.5).

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use wirelace_quic_lite::frame::{Frame, PacketType};
use wirelace_quic_lite::{Direction, Event};
use wirelace_tls_glue::quic::Side;

use crate::peer::Shape;
use crate::wire::{new_connection_id, with};
use crate::world::{CLIENT, SERVER, World};

const SECOND: Duration = Duration::from_secs(1);
const ELSEWHERE: &str = "203.0.113.9:4444";

/// A server with much to say, whose client has given it some ids.
fn talking() -> World {
    let mut world = World::open(Side::Server);
    for number in 1..=3_u8 {
        world.frames(&new_connection_id(number.into(), 0, &[number; 8], &[number; 16]));
    }
    world.subject.ping();
    world.pass(SECOND);
    let stream = world.subject.open(Direction::Bidirectional).unwrap();
    world.peer.acks = false;
    world.subject.write(stream, Bytes::from(vec![7; 200_000]), true).unwrap();
    world
}

fn challenges(world: &World) -> Vec<[u8; 8]> {
    let frames = world.peer.came.iter().flat_map(|came| came.frames().collect::<Vec<_>>());
    frames
        .filter_map(|frame| match frame {
            Frame::PathChallenge(data) => Some(data),
            _ => None,
        })
        .collect()
}

#[test]
fn a_new_address_gets_three_times_what_comes_from_it() {
    for size in [30, 100, 1200] {
        let mut world = talking();
        world.peer.mute = true;
        let elsewhere: SocketAddr = ELSEWHERE.parse().unwrap();
        world.from = elsewhere;
        let mut received = 0;
        for _ in 0..5 {
            let packet = world.peer.packet(&Shape { size, ..Shape::new(PacketType::OneRtt) }, &[0x01]);
            received += packet.len();
            world.deliver(&packet);
            world.pump();
            world.pass(SECOND / 10);
            let sent = world.sent_to.get(&elsewhere).copied().unwrap_or(0);
            assert!(sent <= 3 * received, "{sent} for {received}");
        }
        assert!(world.sent_to.contains_key(&elsewhere));
    }
}

#[test]
fn a_packet_that_somebody_forwards_moves_nothing_for_long() {
    // The peer is where it was, and answers there; nobody answers elsewhere.
    let mut world = talking();
    let packet = world.peer.packet(&Shape::new(PacketType::OneRtt), &[0x01]);
    world.from = ELSEWHERE.parse().unwrap();
    world.deliver(&packet);
    world.pump();
    assert_eq!(world.subject.remote(), world.from);
    world.from = CLIENT.parse().unwrap();
    for data in challenges(&world) {
        // Of all that went, the old place has seen one; the new one's is lost.
        let to_old = world.peer.came.iter().any(|came| {
            came.payload.len() > 1000 && came.frames().any(|frame| frame == Frame::PathChallenge(data))
        });
        if to_old {
            world.frames(&with(&[0x1b], &data));
        }
    }
    world.pass(20 * SECOND);
    assert_eq!(world.subject.remote(), world.from);
    world.peer.acks = true;
    world.goes_on();
}

#[test]
fn an_address_that_never_answers() {
    // The peer has gone without a trace: the old path is tried again, and the connection ends in time.
    let mut world = talking();
    world.from = ELSEWHERE.parse().unwrap();
    world.frames(&[0x01]);
    world.peer.mute = true;
    for _ in 0..100 {
        world.pass(SECOND);
    }
    assert!(world.subject.is_closed() || world.reason().is_some());
    let sent = world.sent_to.get(&world.from).copied().unwrap_or(0);
    assert!(sent <= 200, "{sent}");
}

#[test]
fn a_peer_that_moves_with_each_packet() {
    let mut world = talking();
    world.peer.acks = true;
    world.held = 0;
    for number in 0..500 {
        world.from = format!("203.0.113.{}:{}", number % 200, 1000 + number).parse().unwrap();
        world.frames(&[0x01]);
        if world.subject.is_closing() {
            break;
        }
        world.pass(Duration::from_millis(1));
    }
    assert!(world.held < 512 * 1024, "{} held", world.held);
    assert!(
        world.subject.is_closing() || !world.events.iter().any(|event| matches!(event, Event::Closed(_)))
    );
}

#[test]
fn answers_to_challenges_that_nobody_sent() {
    for subject in [Side::Server, Side::Client] {
        let mut world = World::open(subject);
        for number in 0..100_u64 {
            world.frames(&with(&[0x1b], &number.to_be_bytes()));
        }
        world.goes_on();
    }
    let mut world = talking();
    world.peer.mute = true;
    world.from = ELSEWHERE.parse().unwrap();
    world.frames(&[0x01]);
    let before = world.sent_to.get(&world.from).copied().unwrap_or(0);
    world.frames(&with(&[0x1b], &[9; 8]));
    let after = world.sent_to.get(&world.from).copied().unwrap_or(0);
    assert!(after - before <= 3 * 60, "a wrong answer has opened the path");
}

#[test]
fn clients_take_nothing_from_elsewhere() {
    let mut world = World::open(Side::Client);
    world.from = ELSEWHERE.parse().unwrap();
    let before = world.subject.stats().packets_received;
    for _ in 0..10 {
        let packet = world.peer.packet(&Shape::new(PacketType::OneRtt), &[0x01]);
        world.deliver(&packet);
        world.pump();
    }
    assert_eq!(world.subject.stats().packets_received, before);
    assert!(!world.sent_to.contains_key(&world.from));
    world.from = SERVER.parse().unwrap();
    world.goes_on();
}

#[test]
fn a_peer_that_acknowledges_but_answers_no_challenge() {
    // It seems to move each time that it is given up: that goes on, slowly.
    let mut world = World::open(Side::Server);
    world.from.set_port(50_001);
    world.frames(&with(&[0x01, 0x1a], &[8; 8]));
    let before = world.sent;
    world.held = 0;
    world.pass(60 * SECOND);
    let (datagrams, octets) = (world.sent.0 - before.0, world.sent.1 - before.1);
    assert!(datagrams < 200 && octets < 40_000 && world.held < 64 * 1024, "{datagrams} {octets}");
    // And ends when it falls silent.
    world.peer.mute = true;
    world.pass(100 * SECOND);
    assert!(world.subject.is_closed());
}
