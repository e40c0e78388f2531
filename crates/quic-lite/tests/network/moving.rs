//! Clients that move on purpose, networks that move them, and attackers that would like to.

use std::time::Duration;

use wirelace_quic_lite::Event;
use wirelace_sim::{Blackouts, LinkSettings, Nat, Packet, Rebind};

use crate::app::Exchange;
use crate::trust::Trust;
use crate::world::{Plan, World};

const MEGABYTE: u64 = 1_000_000;
const ELSEWHERE: &str = "192.0.2.77";

fn migrated(event: &Event) -> bool {
    matches!(event, Event::Migrated { .. })
}

/// A client with a second address, and a link from there.
fn world(elsewhere: LinkSettings) -> World {
    let mut world = World::base();
    let (address, server) = (ELSEWHERE.parse().unwrap(), world.server().address.ip());
    world.network.add_address(world.client, address);
    world.network.connect(address, server, elsewhere.clone(), elsewhere);
    world
}

#[test]
fn connectionmigration() {
    for exchange in [Exchange::down(2 * MEGABYTE), Exchange::up(2 * MEGABYTE)] {
        let mut world = world(LinkSettings::interop());
        world.connect(&[exchange]);
        world.run_for(Duration::from_millis(500));
        let now = world.network.now();
        let before = world.sent_by(world.client).count();
        assert!(world.client_mut().session_mut().connection().migrate(now, Some(ELSEWHERE.parse().unwrap())));
        world.finish();
        for host in [world.client(), world.server()] {
            assert_eq!(host.session().count(migrated), 1);
            assert_eq!((host.made, host.session().app.complete), (1, 1));
        }
        let elsewhere: std::net::IpAddr = ELSEWHERE.parse().unwrap();
        let from: Vec<_> =
            world.sent_by(world.client).skip(before).map(|sent| sent.packet.source.ip()).collect();
        // The answer to the server's question at the old place is all that still goes from there.
        assert!(from.iter().filter(|address| **address != elsewhere).count() <= 3);
        // Nobody on the way sees the same id at both places.
        let old: std::collections::HashSet<_> =
            world.sent_by(world.client).take(before).map(|sent| sent.packet.data[1..9].to_vec()).collect();
        assert!(world.sent_by(world.client).skip(before).all(|sent| !old.contains(&sent.packet.data[1..9])));
    }
}

#[test]
fn there_and_back_and_there() {
    let mut world = world(LinkSettings { delay: Duration::from_millis(80), ..LinkSettings::interop() });
    world.connect(&[Exchange { up: 4 * MEGABYTE, down: 4 * MEGABYTE }]);
    let home = world.client().address.ip();
    for number in 0..6 {
        world.run_for(Duration::from_millis(600));
        let now = world.network.now();
        let place = if number % 2 == 0 { ELSEWHERE.parse().unwrap() } else { home };
        assert!(world.client_mut().session_mut().connection().migrate(now, Some(place)), "{number}");
    }
    world.finish();
    assert_eq!(world.server().session().app.complete, 1);
}

#[test]
fn a_way_that_does_not_work_is_left_again() {
    for exchange in [Exchange::down(2 * MEGABYTE), Exchange::up(2 * MEGABYTE)] {
        let nothing = LinkSettings {
            blackouts: Blackouts::Cycle { on: Duration::ZERO, off: Duration::from_secs(1) },
            ..LinkSettings::interop()
        };
        let mut world = world(nothing);
        world.connect(&[exchange]);
        world.run_for(Duration::from_millis(500));
        let now = world.network.now();
        assert!(world.client_mut().session_mut().connection().migrate(now, Some(ELSEWHERE.parse().unwrap())));
        world.finish();
        println!("{}", world.describe());
        assert_eq!(world.server().session().app.complete, 1);
        for host in [world.client(), world.server()] {
            assert_eq!(host.session().count(migrated), 0);
        }
    }
}

#[test]
fn a_server_that_wants_nobody_to_move() {
    let plan = Plan::new(LinkSettings::interop()).limits(|limits| limits.migration = false);
    let mut world = World::new(&Trust::new(), plan);
    world.connect(&[Exchange::down(MEGABYTE)]);
    world.until_confirmed();
    let now = world.network.now();
    assert!(!world.client_mut().session_mut().connection().migrate(now, None));
    world.finish();
}

#[test]
fn too_early_to_move() {
    let mut world = World::base();
    world.connect(&[Exchange::down(MEGABYTE)]);
    let now = world.network.now();
    assert!(!world.client_mut().session_mut().connection().migrate(now, None));
    world.finish();
}

#[test]
fn rebinding_in_a_blackout() {
    for seed in 0..10 {
        let link = LinkSettings {
            blackouts: Blackouts::At(vec![Duration::from_millis(900)..Duration::from_millis(4000)]),
            ..LinkSettings::interop()
        };
        let mut world = World::new(&Trust::new(), Plan::new(link).seed(seed));
        let (client, now) = (world.client().address.ip(), world.network.now());
        let mut nat = Nat::new("203.0.113.1".parse().unwrap(), now);
        nat.rebind_at(Duration::from_millis(1000 + 50 * seed), Rebind::Both);
        nat.rebind_at(Duration::from_millis(2000), Rebind::Port);
        nat.rebind_at(Duration::from_millis(4100), Rebind::Address);
        world.network.put_behind(client, nat);
        world.connect(&[Exchange { up: 3 * MEGABYTE, down: 3 * MEGABYTE }]);
        world.finish();
        assert_eq!(world.server().session().app.complete, 1);
    }
}

#[test]
fn a_forwarded_packet_does_not_move_the_path_for_long() {
    let attacker: std::net::SocketAddr = "203.0.113.66:666".parse().unwrap();
    for both_ways in [false, true] {
        let mut world = World::base();
        world.connect(&[Exchange::down(5 * MEGABYTE)]);
        world.run_for(Duration::from_millis(500));
        let server = world.server().address;
        for _ in 0..20 {
            // The newest packet, faster than by its own way.
            let newest = world.sent_by(world.client).last().unwrap().packet.clone();
            world.network.inject(Packet { source: attacker, destination: server, ..newest });
            world.run_for(Duration::from_millis(if both_ways { 100 } else { 7 }));
        }
        // No more than three times as much as came from there.
        let sent: usize = world
            .sent_by(world.server)
            .filter(|sent| sent.packet.destination == attacker)
            .map(|sent| sent.packet.data.len())
            .sum();
        assert!(sent <= 20 * 3 * 1452, "{sent}");
        world.finish();
        assert_eq!(world.client().session().app.complete, 1);
        assert_eq!(world.server().session().count(migrated), 0, "the client was never there");
    }
}
