//! The cases of the QUIC interop runner, on its base link: 15 ms one way, 10 Mbit/s, a queue of 25 packets.

use std::time::Duration;

use wirelace_quic_lite::header::{Header, LongType};
use wirelace_quic_lite::tls::quic::Version;
use wirelace_quic_lite::{CloseReason, Event};
use wirelace_sim::{Ecn, Fate, HostId, LinkSettings, Nat, Rebind};

use crate::app::Exchange;
use crate::host::Welcome;
use crate::trust::Trust;
use crate::world::{Plan, World};

const MEGABYTE: u64 = 1_000_000;

/// Exactly one handshake, complete on both sides, and an end with code 0.
fn assert_one_handshake(world: &World) {
    let (client, server) = (world.client(), world.server());
    assert_eq!((client.made, server.made, server.answers), (1, 1, 0));
    assert_complete(world);
}

fn assert_complete(world: &World) {
    let (client, server) = (world.client().session(), world.server().session());
    for session in [client, server] {
        assert_eq!(session.count(|event| matches!(event, Event::Complete(_))), 1);
        assert_eq!(session.count(|event| matches!(event, Event::Confirmed)), 1);
        assert_eq!(session.app.broken, 0);
    }
    assert!(matches!(client.closed(), Some(CloseReason::Local)), "{:?}", client.closed());
    let reason = server.closed();
    assert!(matches!(reason, Some(CloseReason::Application { code: 0, .. })), "{reason:?}");
}

fn is(header: &Header, wanted: LongType) -> bool {
    matches!(header, Header::Long { kind, .. } if *kind == wanted)
}

fn count(world: &World, host: HostId, wanted: impl Fn(&Header) -> bool) -> usize {
    world.headers_by(host).iter().filter(|header| wanted(header)).count()
}

#[test]
fn handshake() {
    let mut world = World::base();
    world.connect(&[Exchange::down(1024)]);
    world.finish();
    assert_one_handshake(&world);
    assert_eq!(count(&world, world.server, |header| matches!(header, Header::Retry { .. })), 0);
}

#[test]
fn transfer() {
    let mut world = World::base();
    world.connect(&[2, 3, 5].map(|size| Exchange::down(size * MEGABYTE)));
    world.finish();
    assert_one_handshake(&world);
    // More than 8 MiB in all, and more than 1 MiB on each stream: both windows have grown.
    assert_eq!(world.client().session().app.received, 10 * MEGABYTE);
}

#[test]
fn longrtt() {
    let mut world = World::on(LinkSettings::interop_longrtt());
    world.connect(&[Exchange::down(1024)]);
    world.finish();
    assert_one_handshake(&world);
    let hellos = count(&world, world.client, |header| is(header, LongType::Initial));
    assert!((2..=6).contains(&hellos), "{hellos}");
}

#[test]
fn multiplexing() {
    let mut world = World::base();
    assert!(world.server_config.limits.bidirectional_streams <= 1000);
    world.connect(&vec![Exchange::down(32); 1999]);
    world.finish();
    assert_one_handshake(&world);
    assert_eq!(world.client().session().app.complete, 1999);
}

#[test]
fn retry() {
    let mut world = World::base();
    world.server_mut().welcome = Welcome::Retry;
    world.connect(&[Exchange::down(1024)]);
    world.finish();
    assert_complete(&world);
    assert_eq!((world.server().made, world.server().answers), (1, 1));
    assert_eq!(count(&world, world.server, |header| matches!(header, Header::Retry { .. })), 1);
}

#[test]
fn versionnegotiation() {
    let mut world = World::base();
    // A client whose version is changed on the way stands for one that speaks another.
    world.connect(&[Exchange::down(1024)]);
    let now = world.network.now();
    let mut packet = wirelace_sim::Endpoint::transmit(world.client_mut(), now).unwrap();
    let mut data = packet.data.to_vec();
    data[1..5].copy_from_slice(&0x1a2a_3a4a_u32.to_be_bytes());
    packet.data = data.into();
    let back = packet.source;
    assert!(world.network.inject(packet));
    let now = world.network.now();
    let answer = wirelace_sim::Endpoint::transmit(world.server_mut(), now).unwrap();
    let Ok(Header::VersionNegotiation { versions, .. }) = Header::parse(&answer.data, 8) else {
        panic!("no Version Negotiation")
    };
    assert!(versions.contains(&1) && versions.contains(&Version::V2.number()));
    assert_eq!(answer.destination, back);
    // Our version is in it: it is a lie, and ignored (RFC 9000 §6.2).
    assert!(world.network.inject(answer.clone()));
    world.run_for(Duration::from_millis(10));
    assert!(world.client().session().closed().is_none());
    // Without it, the client gives up.
    let mut data = answer.data.to_vec();
    for at in (data.len() - 12..data.len()).step_by(4) {
        data[at..at + 4].copy_from_slice(&0x1a2a_3a4a_u32.to_be_bytes());
    }
    assert!(world.network.inject(wirelace_sim::Packet { data: data.into(), ..answer }));
    let reason = world.client().session().closed();
    assert!(
        matches!(reason, Some(CloseReason::Version { versions }) if versions.contains(&0x1a2a_3a4a)),
        "{reason:?}"
    );
}

#[test]
fn resumption() {
    let mut world = World::base();
    for (number, resumed) in [false, true, true].into_iter().enumerate() {
        world.client_mut().expects = number + 1;
        world.server_mut().expects = number + 1;
        world.connect(&[Exchange::down(1024)]);
        world.finish();
        assert_complete(&world);
        for host in [world.client(), world.server()] {
            assert_eq!(host.session().report().unwrap().resumed, resumed);
            assert_eq!(host.made, number + 1);
        }
    }
}

#[test]
fn blackhole() {
    let mut world = World::on(LinkSettings::interop_blackhole());
    world.connect(&[Exchange::down(10 * MEGABYTE)]);
    world.finish();
    assert_one_handshake(&world);
}

/// Updates keys on one side or the other after each so many octets.
fn key_updates(link: LinkSettings, seed: u64, sides: &[bool]) {
    let trust = Trust::new();
    let mut world = World::new(&trust, Plan::new(link).seed(seed));
    world.connect(&[Exchange { up: 3 * MEGABYTE, down: 3 * MEGABYTE }]);
    for (number, sides) in sides.chunks(1).enumerate() {
        let octets = 100_000 * (number as u64 + 1);
        world.until(|_, server| !server.live.is_empty() && server.session().app.received >= octets);
        for client in sides {
            let host = if *client { world.client_mut() } else { world.server_mut() };
            host.session_mut().connection().update_keys().unwrap();
        }
    }
    world.finish();
    assert_one_handshake(&world);
    let updates = [world.client(), world.server()].map(|host| host.session().stats.key_updates);
    assert_eq!(updates[0], updates[1]);
    assert!(updates[0] >= 1 && updates[0] <= sides.len() as u64, "{updates:?}");
}

#[test]
fn keyupdate_by_the_client() {
    key_updates(LinkSettings::interop(), 1, &[true]);
}

#[test]
fn keyupdate_by_the_server() {
    key_updates(LinkSettings::interop(), 1, &[false]);
}

#[test]
fn keyupdates_by_turns() {
    key_updates(LinkSettings::interop(), 1, &[true, false, true, true, false]);
}

#[test]
fn keyupdates_under_loss_and_reordering() {
    for seed in 0..10 {
        let link = LinkSettings {
            jitter: Duration::from_millis(20),
            reorders: true,
            ..LinkSettings::interop_transferloss()
        };
        key_updates(link, seed, &[true, false, false, true, true, false]);
    }
}

#[test]
fn keyupdate_by_both_at_once() {
    for seed in 0..5 {
        let mut world = World::new(&Trust::new(), Plan::new(LinkSettings::interop_transferloss()).seed(seed));
        world.connect(&[Exchange { up: 3 * MEGABYTE, down: 3 * MEGABYTE }]);
        for octets in [100_000, 1_000_000, 2_000_000] {
            world.until(|_, server| !server.live.is_empty() && server.session().app.received >= octets);
            assert!(world.client_mut().session_mut().connection().update_keys().unwrap());
            assert!(world.server_mut().session_mut().connection().update_keys().unwrap());
        }
        world.finish();
        assert_one_handshake(&world);
        let updates = [world.client(), world.server()].map(|host| host.session().stats.key_updates);
        assert_eq!(updates, [3, 3]);
    }
}

/// The last so many datagrams of a host were marked ECT(0).
fn marks_at_the_end(world: &World, host: HostId) -> bool {
    let marks: Vec<Ecn> = world.sent_by(host).map(|sent| sent.packet.ecn).collect();
    marks[marks.len() * 9 / 10..marks.len() - 5].iter().all(|mark| *mark == Ecn::Ect0)
}

#[test]
fn ecn() {
    let mut world = World::base();
    world.connect(&[Exchange { up: MEGABYTE, down: MEGABYTE }]);
    world.finish();
    assert_one_handshake(&world);
    for host in [world.client, world.server] {
        assert_eq!(world.sent_by(host).next().unwrap().packet.ecn, Ecn::Ect0);
        // Without an echo of it, neither would still do it.
        assert!(marks_at_the_end(&world, host));
    }
}

#[test]
fn ipv6() {
    let mut plan = Plan::new(LinkSettings { overhead: 48, mtu: 1452, ..LinkSettings::interop() });
    plan.addresses = ["[2001:db8::1]:50000", "[2001:db8::2]:443"].map(|address| address.parse().unwrap());
    let mut world = World::new(&Trust::new(), plan);
    world.connect(&[Exchange::down(MEGABYTE)]);
    world.finish();
    assert_one_handshake(&world);
}

#[test]
fn version_2_from_the_beginning() {
    let mut world = World::base();
    world.client_config.version = Version::V2;
    world.connect(&[Exchange::down(MEGABYTE)]);
    world.finish();
    assert_one_handshake(&world);
    for host in [world.client, world.server] {
        for header in world.headers_by(host) {
            assert!(!matches!(header, Header::Long { version, .. } if version != Version::V2));
        }
    }
    world.server_mut().welcome = Welcome::Retry;
    world.client_mut().expects = 2;
    world.server_mut().expects = 2;
    world.connect(&[Exchange::down(1024)]);
    world.finish();
    assert_complete(&world);
}

#[test]
fn amplificationlimit() {
    // As large as the runner's chain of nine; no more than six authorities between are followed.
    let trust = Trust::with_chain(7, 150);
    let mut plan = Plan::new(LinkSettings::interop());
    plan.up = LinkSettings::interop_amplificationlimit();
    let mut world = World::new(&trust, plan);
    world.connect(&[Exchange::down(1024)]);
    world.finish();
    assert_one_handshake(&world);
    // Until the first Handshake packet arrives, which shows where the client is.
    let (mut came, mut went, mut most) = (0, 0, 0.0_f64);
    let mut arrivals: Vec<(Duration, i64)> = Vec::new();
    let mut shown = None;
    for sent in world.network.sent() {
        let size = sent.packet.data.len() as i64;
        if sent.by == world.server {
            arrivals.push((sent.at, -size));
        } else if sent.fate == Some(Fate::Travels) {
            let at = sent.at + Duration::from_millis(15);
            arrivals.push((at, size));
            let handshake =
                Header::parse(&sent.packet.data, 8).is_ok_and(|header| is(&header, LongType::Handshake));
            if handshake && shown.is_none() {
                shown = Some(at);
            }
        }
    }
    arrivals.sort();
    for (at, size) in arrivals {
        if shown.is_some_and(|shown| at >= shown) {
            break;
        }
        if size > 0 {
            came += size;
        } else {
            went -= size;
            most = most.max(went as f64 / came as f64);
        }
    }
    assert!(most <= 3.0 && most > 2.0, "{most}");
    let handshake: usize = world
        .sent_by(world.server)
        .filter(|sent| {
            Header::parse(&sent.packet.data, 8).is_ok_and(|header| !matches!(header, Header::Short { .. }))
        })
        .map(|sent| sent.packet.data.len())
        .sum();
    assert!(handshake >= 7_500, "{handshake}");
}

/// Fifty handshakes, one after the other.
fn handshakes(link: LinkSettings) {
    let trust = Trust::new();
    let mut longest = Duration::ZERO;
    for seed in 0..50 {
        let plan = Plan::new(link.clone()).seed(seed).limits(|limits| {
            limits.handshake_timeout = Duration::from_secs(60);
            limits.idle_timeout = Duration::from_secs(60);
        });
        let mut world = World::new(&trust, plan);
        world.connect(&[Exchange::down(1024)]);
        world.until(|client, _| client.session().app.complete == 1);
        longest = longest.max(world.network.elapsed());
        world.finish();
        assert_eq!((world.client().made, world.server().made), (1, 1));
        assert_eq!(world.client().session().app.complete, 1);
    }
    println!("the longest took {longest:?}");
}

#[test]
fn handshakeloss() {
    handshakes(LinkSettings::interop_handshakeloss());
}

#[test]
fn handshakecorruption() {
    handshakes(LinkSettings::interop_handshakecorruption());
}

fn lossy_transfer(link: LinkSettings) {
    let trust = Trust::new();
    for seed in 0..5 {
        let mut world = World::new(&trust, Plan::new(link.clone()).seed(seed));
        world.connect(&[Exchange::down(2 * MEGABYTE)]);
        world.until(|client, _| client.session().app.complete == 1);
        println!("{:?}", world.network.elapsed());
        world.finish();
        assert_eq!((world.client().made, world.server().made), (1, 1));
        assert!(world.server().session().stats.packets_lost > 0);
    }
}

#[test]
fn transferloss() {
    lossy_transfer(LinkSettings::interop_transferloss());
}

#[test]
fn transfercorruption() {
    lossy_transfer(LinkSettings::interop_transfercorruption());
}

/// The destinations that a host's packets with short headers have, in order, without repetition.
fn ids(world: &World, host: HostId) -> Vec<wirelace_quic_lite::ConnectionId> {
    let mut ids = Vec::new();
    for header in world.headers_by(host) {
        if let Header::Short { destination, .. } = header
            && ids.last() != Some(&destination)
        {
            ids.push(destination);
        }
    }
    ids
}

fn rebind(what: Rebind, exchange: Exchange) {
    let mut world = World::base();
    let client = world.client().address;
    let nat = Nat::interop("203.0.113.1".parse().unwrap(), world.network.now(), what);
    world.network.put_behind(client.ip(), nat);
    world.connect(&[exchange]);
    world.until(|client, _| client.session().app.complete == 1);
    println!("{what:?}: {:?} {}", world.network.elapsed(), world.describe());
    let rebound = world.network.nat(client.ip()).unwrap().counts().rebound;
    world.finish();
    assert_one_handshake(&world);
    assert!(rebound >= 2, "{rebound}");
    let migrated = world.server().session().count(|event| matches!(event, Event::Migrated { .. }));
    assert!(migrated as u64 >= rebound, "{migrated} {rebound}");
    // A new id of the client's with each new path, none of them used again.
    let ids = ids(&world, world.server);
    let distinct: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), distinct.len());
    assert!(ids.len() > migrated, "{} {migrated}", ids.len());
}

#[test]
fn rebind_port() {
    rebind(Rebind::Port, Exchange::down(10 * MEGABYTE));
}

#[test]
fn rebind_addr() {
    rebind(Rebind::Address, Exchange::down(10 * MEGABYTE));
}

#[test]
fn rebind_while_the_client_sends() {
    rebind(Rebind::Both, Exchange::up(10 * MEGABYTE));
}

#[test]
fn goodput() {
    let mut world = World::base();
    world.connect(&[Exchange::down(10 * MEGABYTE)]);
    world.until(|client, _| client.session().app.complete == 1);
    let took = world.network.elapsed();
    let goodput = 10.0 * MEGABYTE as f64 * 8.0 / took.as_secs_f64();
    assert!(goodput > 0.9 * 10_000_000.0, "{goodput}");
    world.finish();
}
