//! DATAGRAM frames, the size of datagrams, marks, and packets that nobody of the two has sent.

use std::time::Duration;

use bytes::Bytes;
use wirelace_quic_lite::header::{Header, LongType};
use wirelace_sim::{Backlog, BlackHole, Ecn, EcnPath, LinkSettings, Marking, Packet, Rng, mutate};

use crate::app::Exchange;
use crate::host::Welcome;
use crate::trust::Trust;
use crate::world::{Plan, World};

const MEGABYTE: u64 = 1_000_000;

#[test]
fn datagrams_under_loss() {
    let mut world = World::on(LinkSettings::interop_transferloss());
    world.connect(&[]).closes = false;
    world.until_confirmed();
    for number in 0_u32..1000 {
        let connection = world.client_mut().session_mut().connection();
        let mut data = number.to_be_bytes().to_vec();
        data.resize(4 + number as usize % 900, number as u8);
        connection.send_datagram(data.into()).unwrap();
        world.run_for(Duration::from_millis(2));
    }
    world.run_for(Duration::from_secs(1));
    let came = &world.server().session().datagrams;
    assert!(came.len() > 950 && came.len() < 1000, "{}", came.len());
    let mut last = None;
    for data in came {
        let number = u32::from_be_bytes(data[..4].try_into().unwrap());
        assert_eq!(data.len(), 4 + number as usize % 900);
        assert!(data[4..].iter().all(|octet| *octet == number as u8));
        assert!(last < Some(number), "once, and here in order");
        last = Some(number);
    }
    let now = world.network.now();
    world.client_mut().session_mut().connection().close(now, 0, b"");
    world.finish();
}

#[test]
fn the_largest_datagram_goes_and_one_more_octet_does_not() {
    let mut world = World::base();
    world.connect(&[]);
    world.until_confirmed();
    world.run_for(Duration::from_secs(1));
    let connection = world.client_mut().session_mut().connection();
    let most = connection.max_datagram().unwrap();
    assert!(most > 1400, "{most}");
    connection.send_datagram(Bytes::from(vec![1; most])).unwrap();
    connection.send_datagram(Bytes::from(vec![1; most + 1])).unwrap_err();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.server().session().datagrams, [vec![1; most]]);
}

#[test]
fn every_mtu_is_found() {
    for mtu in [1200, 1252, 1280, 1333, 1400, 1452, 1472] {
        let mut world = World::on(LinkSettings { mtu, ..LinkSettings::interop() });
        world.connect(&[Exchange { up: MEGABYTE, down: MEGABYTE }]);
        world.finish();
        for host in [world.client(), world.server()] {
            let found = usize::from(host.session().stats.datagram_size);
            assert!(found <= mtu && found + 30 >= mtu.min(1452), "{mtu}: {found}");
        }
    }
}

#[test]
fn a_path_that_becomes_narrower() {
    for exchange in [Exchange::down(5 * MEGABYTE), Exchange::up(5 * MEGABYTE)] {
        let hole = BlackHole { from: Duration::from_secs(2), mtu: 1250 };
        let mut world = World::on(LinkSettings { black_hole: Some(hole), ..LinkSettings::interop() });
        world.connect(&[exchange]);
        let outcome = world.finish();
        assert_eq!(world.server().session().app.complete, 1);
        assert!(outcome.elapsed < Duration::from_secs(15), "{:?}", outcome.elapsed);
    }
}

#[test]
fn marks_reduce_the_window_and_nothing_is_lost() {
    let marking = Marking { above: Backlog::Packets(10), drops_others: false };
    let link =
        LinkSettings { marking: Some(marking), queue: Backlog::Packets(200), ..LinkSettings::interop() };
    let mut world = World::on(link);
    world.connect(&[Exchange::down(5 * MEGABYTE)]);
    let outcome = world.finish();
    let (stats, counts) = (world.server().session().stats, world.network.link(world.down).counts());
    assert!(counts.marked > 0 && counts.queue_full == 0, "{counts:?}");
    assert!(stats.congestion_events > 0 && stats.packets_lost == 0, "{stats:?}");
    assert!(outcome.elapsed < Duration::from_secs(6), "{:?}", outcome.elapsed);
}

#[test]
fn a_path_that_does_not_carry_marks() {
    for ecn in [EcnPath::Clears, EcnPath::Swaps] {
        let mut world = World::on(LinkSettings { ecn, ..LinkSettings::interop() });
        world.connect(&[Exchange { up: MEGABYTE, down: MEGABYTE }]);
        world.finish();
        for host in [world.client, world.server] {
            let marks: Vec<Ecn> = world.sent_by(host).map(|sent| sent.packet.ecn).collect();
            assert_eq!(marks[0], Ecn::Ect0);
            assert!(marks[marks.len() / 2..].iter().all(|mark| *mark == Ecn::NotEct), "{ecn:?}");
        }
    }
}

#[test]
fn a_path_that_marks_everything() {
    let mut world = World::on(LinkSettings { ecn: EcnPath::MarksAll, ..LinkSettings::interop() });
    world.connect(&[Exchange::down(MEGABYTE)]);
    world.finish();
}

/// What others can do: old packets again, changed ones, garbage, late answers.
#[test]
fn packets_that_neither_side_has_sent() {
    for seed in 0..20 {
        let mut world = World::new(&Trust::new(), Plan::new(LinkSettings::interop()).seed(seed));
        world.server_mut().welcome = if seed % 2 == 0 { Welcome::Accept } else { Welcome::Retry };
        world.connect(&[Exchange { up: MEGABYTE, down: MEGABYTE }]);
        let mut rng = Rng::new(seed);
        for _ in 0..150 {
            world.run_for(Duration::from_millis(rng.below(20) as u64));
            let sent = world.network.sent();
            let old = sent[rng.below(sent.len())].packet.clone();
            let packet = match rng.below(4) {
                0 => old,
                1 => Packet { data: mutate(&mut rng, &old.data).into(), ..old },
                2 => {
                    let length = rng.below(1400);
                    let mut data = rng.bytes(length);
                    // To the connection: its id stays.
                    let same = data.len().min(9).min(old.data.len());
                    data[..same].copy_from_slice(&old.data[..same]);
                    Packet { data: data.into(), ..old }
                }
                _ => Packet { data: answer_to_initial(&mut rng, &old.data).into(), ..old },
            };
            let now_is_server = packet.destination == world.server().address;
            if !now_is_server || packet.data.len() > 20 {
                world.network.inject(packet);
            }
        }
        world.server_mut().expects = 1;
        let (client, server) = (world.client, world.server);
        let outcome = world.network.run_until(|network| {
            network.host(client).past.len() == 1
                && network.host(server).past.iter().any(|session| session.app.complete == 1)
        });
        assert_eq!(outcome.end, wirelace_sim::NetworkEnd::Met, "{outcome:?} {}", world.describe());
        assert_eq!(world.client().session().app.complete, 1);
        // Initial packets that come again make connections that die.
        world.run_for(Duration::from_secs(100));
        assert!(world.server().endpoint.is_empty());
    }
}

/// Version Negotiation or Retry with the ids of a packet.
fn answer_to_initial(rng: &mut Rng, packet: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    let Ok(Header::Long { kind: LongType::Initial, source, destination, .. }) = Header::parse(packet, 8)
    else {
        return rng.bytes(50);
    };
    let retry = rng.percent(50);
    data.push(if retry { 0xf0 } else { 0x80 });
    data.extend_from_slice(&u32::from(retry).to_be_bytes());
    for id in [source, destination] {
        data.push(id.as_slice().len() as u8);
        data.extend_from_slice(id.as_slice());
    }
    let rest = if retry { rng.bytes(60) } else { [0xff, 0, 0, 1].repeat(3) };
    data.extend(rest);
    data
}
