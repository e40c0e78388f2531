//! How connections end, and that nothing is left of them.

use std::time::Duration;

use wirelace_quic_lite::{CloseReason, TransportErrorCode};
use wirelace_sim::{Blackouts, Faults, LinkSettings, Packet};

use crate::app::Exchange;
use crate::host::Welcome;
use crate::trust::Trust;
use crate::world::{Plan, World};

const MEGABYTE: u64 = 1_000_000;

fn nothing_passes() -> LinkSettings {
    LinkSettings { loss: Faults::percent(100), ..LinkSettings::interop() }
}

#[test]
fn a_server_that_has_forgotten_resets() {
    for exchange in [Exchange::down(10 * MEGABYTE), Exchange::up(10 * MEGABYTE)] {
        let mut world = World::base();
        world.connect(&[exchange]);
        world.run_for(Duration::from_secs(2));
        world.server_mut().forget();
        let forgot = world.network.elapsed();
        world.finish();
        let client = world.client().session();
        assert!(matches!(client.closed(), Some(CloseReason::Reset)), "{:?}", client.closed());
        assert!(world.server().answers > 0);
        let last = world.sent_by(world.server).last().unwrap();
        assert!(last.at >= forgot && last.packet.data.len() <= 42);
    }
}

#[test]
fn nobody_gets_the_token_of_a_connection_that_lives() {
    let mut world = World::base();
    world.connect(&[Exchange::down(10 * MEGABYTE)]);
    world.run_for(Duration::from_secs(2));
    let newest = world.sent_by(world.client).last().unwrap().packet.clone();
    for bits in [0x00, 0x20, 0x3f] {
        // No packet of QUIC, but with the id of the connection.
        let mut data = newest.data.to_vec();
        data[0] = bits;
        data.resize(100, 0);
        world.network.inject(Packet { data: data.into(), ..newest.clone() });
    }
    world.finish();
    assert_eq!(world.server().answers, 0);
    assert_eq!(world.client().session().app.complete, 1);
}

#[test]
fn silence_ends_both_sides() {
    let mut world = World::base();
    world.connect(&[]);
    world.until_confirmed();
    let outcome = world.finish();
    for host in [world.client(), world.server()] {
        let reason = host.session().closed();
        assert!(matches!(reason, Some(CloseReason::Idle)), "{reason:?}");
    }
    assert!(outcome.elapsed >= Duration::from_secs(30) && outcome.elapsed < Duration::from_secs(32));
    // Nobody says anything about it.
    assert!(world.network.sent().iter().all(|sent| sent.at < Duration::from_secs(2)));
}

#[test]
fn a_peer_that_vanishes() {
    for exchange in [Exchange::down(10 * MEGABYTE), Exchange::up(10 * MEGABYTE)] {
        let mut world = World::base();
        world.connect(&[exchange]);
        world.run_for(Duration::from_secs(1));
        for link in [world.up, world.down] {
            world.network.link_mut(link).change(nothing_passes());
        }
        let outcome = world.finish();
        for host in [world.client(), world.server()] {
            let reason = host.session().closed();
            assert!(matches!(reason, Some(CloseReason::Idle)), "{reason:?}");
        }
        assert!(outcome.elapsed < Duration::from_secs(40), "{:?}", outcome.elapsed);
        // Ever less is sent into the void.
        let late = world.network.sent().iter().filter(|sent| sent.at > Duration::from_secs(2)).count();
        assert!(late < 40, "{late}");
    }
}

#[test]
fn keep_alive_keeps_it_alive() {
    for client in [false, true] {
        let mut plan = Plan::new(LinkSettings::interop());
        let limits = if client { &mut plan.client_limits } else { &mut plan.server_limits };
        limits.keep_alive = Some(Duration::from_secs(10));
        let mut world = World::new(&Trust::new(), plan);
        world.connect(&[]);
        world.run_for(Duration::from_secs(600));
        assert!(world.client().session().closed().is_none() && world.server().session().closed().is_none());
        // A packet and its acknowledgement each ten seconds.
        let sent = world.network.sent().len();
        assert!((110..200).contains(&sent), "{sent}");
        let now = world.network.now();
        world.client_mut().session_mut().connection().close(now, 3, b"enough");
        world.finish();
    }
}

#[test]
fn nobody_is_there() {
    let mut world = World::on(nothing_passes());
    world.server_mut().expects = 0;
    world.connect(&[Exchange::down(1)]);
    let outcome = world.finish();
    let reason = world.client().session().closed();
    assert!(matches!(reason, Some(CloseReason::HandshakeTimeout)), "{reason:?}");
    assert_eq!(outcome.elapsed, Duration::from_secs(10));
    assert!(world.sent_by(world.client).count() <= 12);
}

#[test]
fn closed_at_any_time_of_the_handshake() {
    for client in [false, true] {
        for milliseconds in (0..100).step_by(4) {
            let mut world = World::base();
            world.connect(&[Exchange::down(MEGABYTE)]);
            world.run_for(Duration::from_millis(milliseconds));
            let now = world.network.now();
            let host = if client { world.client_mut() } else { world.server_mut() };
            if host.live.is_empty() {
                continue; // The server has not heard of it yet.
            }
            host.session_mut().connection().close(now, 7, b"changed my mind");
            // A server need not hear of a client that left before its first packet went.
            world.server_mut().expects = usize::from(milliseconds > 0);
            world.finish();
            let other = if client { world.server() } else { world.client() };
            let Some(reason) = other.past.last().and_then(|session| session.closed()) else { continue };
            match reason {
                CloseReason::Application { code: 7, reason } => assert_eq!(&reason[..], b"changed my mind"),
                // What the application said is not shown to everyone.
                CloseReason::Peer { code, .. } => assert_eq!(*code, TransportErrorCode::APPLICATION_ERROR),
                other => panic!("{milliseconds} {client} {other:?}"),
            }
        }
    }
}

#[test]
fn a_close_that_is_lost_is_said_again_where_packets_still_come() {
    let mut world = World::base();
    world.connect(&[Exchange::up(10 * MEGABYTE)]);
    world.run_for(Duration::from_secs(1));
    let elapsed = world.network.elapsed();
    let settings = LinkSettings {
        blackouts: Blackouts::At(vec![elapsed..elapsed + Duration::from_millis(20)]),
        ..LinkSettings::interop()
    };
    world.network.link_mut(world.down).change(settings);
    let now = world.network.now();
    world.server_mut().session_mut().connection().close(now, 9, b"");
    world.finish();
    let reason = world.client().session().closed();
    assert!(matches!(reason, Some(CloseReason::Application { code: 9, .. })), "{reason:?}");
}

#[test]
fn refused() {
    let mut world = World::base();
    world.server_mut().welcome = Welcome::Refuse;
    world.server_mut().expects = 0;
    world.connect(&[Exchange::down(1)]);
    world.finish();
    let reason = world.client().session().closed();
    assert!(
        matches!(reason, Some(CloseReason::Peer { code, .. }) if *code == TransportErrorCode::CONNECTION_REFUSED),
        "{reason:?}"
    );
    assert_eq!(world.server().made, 0);
}

#[test]
fn nothing_is_left_of_many_connections() {
    let mut world = World::base();
    let exchanges = [Exchange { up: 5000, down: 5000 }; 3];
    for _ in 0..50 {
        world.connect(&exchanges);
    }
    (world.client_mut().expects, world.server_mut().expects) = (50, 50);
    world.finish();
    for host in [world.client(), world.server()] {
        assert_eq!((host.made, host.past.len(), host.endpoint.len()), (50, 50, 0));
        assert!(host.past.iter().all(|session| session.app.complete == 3));
    }
    // Whatever comes now is for nobody.
    let (client, server) = (world.client().address, world.server().address);
    let late: Vec<Packet> = world.network.sent().iter().map(|sent| sent.packet.clone()).collect();
    let (made, past) = (world.server().made, world.server().past.len());
    for packet in late.iter().filter(|packet| packet.data[0] & 0x80 == 0) {
        world.network.inject(packet.clone());
    }
    world.run_for(Duration::from_secs(100));
    assert_eq!((world.server().made, world.server().past.len()), (made, past));
    let _ = (client, server);
}
