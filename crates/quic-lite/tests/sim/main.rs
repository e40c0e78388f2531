//! Connections over a simulated network.

mod transfer;
#[path = "../support/trust.rs"]
#[allow(dead_code)] // The other suite uses all of it.
mod trust;
mod world;

use std::time::Duration;

use wirelace_quic_lite::{CloseReason, Event};
use world::{Trust, World, plain};

const MINUTE: Duration = Duration::from_secs(60);

fn confirmed(world: &mut World) -> bool {
    let both = [&world.client, &world.server];
    both.into_iter().all(|side| side.saw(|event| matches!(event, Event::Confirmed)))
}

#[test]
fn a_handshake_in_two_round_trips() {
    let mut world = World::new(1, &Trust::new(), plain());
    let begin = world.now();
    assert!(world.run(MINUTE, |_| {}, confirmed), "{:?} {:?}", world.client.events, world.server.events);
    // One for the handshake, half a one for HANDSHAKE_DONE: 10 ms each way.
    assert_eq!(world.now() - begin, Duration::from_millis(40));
    let (client, server) = (world.client().stats(), world.server().stats());
    assert_eq!((client.packets_lost, server.packets_lost), (0, 0));
    assert_eq!((client.packets_dropped, server.packets_dropped), (0, 0));
    assert!(!world.client().is_handshaking() && world.server().handshake().is_some());
}

#[test]
fn a_retry_shows_where_the_client_is() {
    let mut world = World::new(1, &Trust::new(), plain());
    world.server.retry = true;
    assert!(world.run(MINUTE, |_| {}, confirmed), "{:?} {:?}", world.client.events, world.server.events);
    assert_eq!(world.server.answers, 1);
}

#[test]
fn closing_is_heard_by_the_other_side() {
    let mut world = World::new(1, &Trust::new(), plain());
    assert!(world.run(MINUTE, |_| {}, confirmed));
    let now = world.now();
    world.client().close(now, 7, b"enough");
    let closed = |world: &mut World| world.client().is_closed() && world.server().is_closed();
    assert!(world.run(MINUTE, |_| {}, closed));
    let application = |event: &Event| matches!(event, Event::Closed(CloseReason::Application { code: 7, reason }) if &reason[..] == b"enough");
    assert!(world.server.saw(application), "{:?}", world.server.events);
    assert!(world.client.saw(|event| matches!(event, Event::Closed(CloseReason::Local))));
}

#[test]
fn a_silent_connection_ends() {
    let mut world = World::new(1, &Trust::new(), plain());
    assert!(world.run(MINUTE, |_| {}, confirmed));
    let closed = |world: &mut World| world.client().is_closed() && world.server().is_closed();
    let begin = world.now();
    assert!(world.run(MINUTE, |_| {}, closed));
    let took = world.now() - begin;
    assert!(took >= Duration::from_secs(29) && took < Duration::from_secs(32), "{took:?}");
    for side in [&world.client, &world.server] {
        assert!(side.saw(|event| matches!(event, Event::Closed(CloseReason::Idle))));
    }
}
