//! 0-RTT: nobody has shown anything yet, and anybody may say it again (RFC 9001 §9.2).

use std::time::SystemTime;

use wirelace_quic_lite::frame::PacketType;
use wirelace_quic_lite::{Endpoint, Event, Limits, Routed, StreamId};
use wirelace_tls_glue::quic::{QuicClientTls, QuicServerTls, Side};

use crate::peer::Shape;
use crate::wire::{crypto, numbers, stream, with};
use crate::world::{CLIENT, Setup, World, datagram, early_tls, server_config};

fn setup(tls: &(QuicServerTls, QuicClientTls)) -> Setup {
    Setup { tls: Some(tls.clone()), ..Setup::default() }
}

/// A server whose client has sent its hello, and has keys for early data.
fn early() -> World {
    let tls = early_tls();
    World::open_with(Side::Server, setup(&tls));
    let world = World::begin(Side::Server, setup(&tls));
    assert!(world.peer.early.is_some(), "no session is resumed");
    world
}

fn opened(world: &World) -> usize {
    world.events.iter().filter(|event| matches!(event, Event::Opened { .. })).count()
}

#[test]
fn row_18_crypto_in_a_0rtt_packet() {
    for frame in [
        crypto(0, b"x"),
        numbers(&[0x02, 0, 0, 0, 0]),
        numbers(&[0x07, 1, 1]),
        numbers(&[0x19, 0]),
        with(&[0x1b], &[7; 8]),
        vec![0x1e],
    ] {
        let mut world = early();
        world.send(PacketType::ZeroRtt, &frame);
        world.ended(0x0a);
    }
}

#[test]
fn reserved_bits_and_no_frames_in_a_0rtt_packet() {
    for bits in [0x04, 0x08] {
        let mut world = early();
        world.send_shape(&Shape { bits, ..Shape::new(PacketType::ZeroRtt) }, &[0x01]);
        world.ended(0x0a);
    }
    let mut world = early();
    world.send(PacketType::ZeroRtt, &[]);
    world.ended(0x0a);
}

#[test]
fn early_data_do_not_show_where_the_client_is() {
    let mut world = early();
    world.peer.mute = true;
    let mut received = 1200;
    for number in 0..4 {
        let packet =
            world.peer.packet(&Shape::new(PacketType::ZeroRtt), &stream(number * 4, 0, b"get", true));
        received += packet.len();
        world.deliver(&packet);
        world.collect();
    }
    assert_eq!(opened(&world), 4);
    // However much there is to say.
    for number in 0..4 {
        world.subject.write(StreamId(number * 4), vec![7; 100_000].into(), true).unwrap();
    }
    for _ in 0..10 {
        world.pass(std::time::Duration::from_millis(500));
    }
    assert!(world.sent.1 > 0 && world.sent.1 <= 3 * received, "{} for {received}", world.sent.1);
}

#[test]
fn early_data_that_come_again_are_not_taken() {
    let tls = early_tls();
    World::open_with(Side::Server, setup(&tls));
    let mut world = World::begin(Side::Server, setup(&tls));
    let packet = world.peer.packet(&Shape::new(PacketType::ZeroRtt), &stream(0, 0, b"buy", true));
    let hello = world.peer.outgoing[0].clone();
    let again = world.peer.packet(
        &Shape { size: 1200, number: Some(0), ..Shape::new(PacketType::Initial) },
        &crypto(0, &hello),
    );
    world.deliver(&packet);
    world.pump();
    assert_eq!(opened(&world), 1);
    world.goes_on();
    // The same octets, at another endpoint of the same server.
    let mut config = server_config(&Limits::default());
    config.tls = tls.0;
    let mut endpoint = Endpoint::new(Some(config), &[5; 32]);
    let (from, mut out) = (CLIENT.parse().unwrap(), Vec::new());
    let again = endpoint.route(world.now, SystemTime::now(), datagram(from, &again), &mut out);
    let Routed::Incoming(incoming) = again else { panic!("{again:?}") };
    let (_, mut connection) = endpoint.accept(world.now, *incoming).unwrap();
    connection.receive(world.now, datagram(from, &packet));
    while let Some(event) = connection.poll_event() {
        assert!(!matches!(event, Event::Opened { .. }));
    }
    assert!(connection.is_handshaking());
}
