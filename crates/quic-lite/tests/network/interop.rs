//! The cases of the QUIC interop runner, on its base link: 15 ms one way, 10 Mbit/s, a queue of 25 packets.

use std::time::Duration;

use wirelace_quic_lite::{CloseReason, Event};
use wirelace_sim::LinkSettings;

use crate::app::Exchange;
use crate::trust::Trust;
use crate::world::{Plan, World};

const MEGABYTE: u64 = 1_000_000;

/// Exactly one handshake, complete on both sides, and an end with code 0.
fn assert_one_handshake(world: &World) {
    let (client, server) = (world.client(), world.server());
    assert_eq!((client.made, server.made, server.answers), (1, 1, 0));
    for session in [client.session(), server.session()] {
        assert_eq!(session.count(|event| matches!(event, Event::Complete(_))), 1);
        assert_eq!(session.count(|event| matches!(event, Event::Confirmed)), 1);
    }
    assert!(matches!(client.session().closed(), Some(CloseReason::Local)));
    let reason = server.session().closed();
    assert!(matches!(reason, Some(CloseReason::Application { code: 0, .. })), "{reason:?}");
}

#[test]
fn handshake() {
    let mut world = World::base();
    world.connect(&[Exchange::down(1024)]);
    let outcome = world.finish();
    assert_one_handshake(&world);
    println!("{:?}", outcome.elapsed);
}

#[test]
fn transfer() {
    let mut world = World::base();
    world.connect(&[2, 3, 5].map(|size| Exchange::down(size * MEGABYTE)));
    let outcome = world.finish();
    assert_one_handshake(&world);
    println!("{:?} {}", outcome.elapsed, world.describe());
}

#[test]
fn longrtt() {
    let mut world = World::on(LinkSettings::interop_longrtt());
    world.connect(&[Exchange::down(1024)]);
    let outcome = world.finish();
    assert_one_handshake(&world);
    println!("{:?} {}", outcome.elapsed, world.describe());
}

#[test]
fn goodput() {
    let mut world = World::base();
    world.connect(&[Exchange::down(10 * MEGABYTE)]);
    world.until(|client, _| client.session().app.complete == 1);
    let took = world.network.elapsed();
    let goodput = 10.0 * MEGABYTE as f64 * 8.0 / took.as_secs_f64();
    println!("{goodput} {}", world.describe());
    assert!(goodput > 0.9 * 10_000_000.0, "{goodput}");
    world.finish();
}
