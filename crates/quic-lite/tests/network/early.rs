//! Early data (0-RTT): taken, refused, lost, limited.

use std::time::Duration;

use wirelace_quic_lite::header::{Header, LongType};
use wirelace_quic_lite::{ClientConfig, Event, ServerConfig};
use wirelace_sim::{Faults, LinkSettings};

use crate::app::Exchange;
use crate::host::{Host, Welcome};
use crate::trust::Trust;
use crate::world::{Plan, World};

const REQUEST: Exchange = Exchange { up: 250, down: 32 };

fn early(trust: &Trust, limits: &'static str) -> (ClientConfig, ServerConfig) {
    let (mut client, mut server) = (trust.client.clone(), trust.server.clone());
    client.tls = client.tls.early_data(true);
    server.tls = server.tls.early_data(limits).unwrap();
    (client, server)
}

/// A world whose client has been there once.
fn world(plan: Plan) -> World {
    let mut trust = Trust::new();
    (trust.client, trust.server) = early(&trust, "limits");
    let mut world = World::new(&trust, plan);
    world.connect(&[REQUEST]);
    world.finish();
    assert!(!world.client().session().saw(|event| matches!(event, Event::EarlyData { .. })));
    (world.client_mut().expects, world.server_mut().expects) = (2, 2);
    world
}

/// The second connection, to its end.
fn again(world: &mut World, requests: &[Exchange]) {
    world.connect(requests).early = true;
    world.finish();
    for host in [world.client(), world.server()] {
        assert_eq!((host.session().app.complete, host.session().app.broken), (requests.len(), 0));
    }
}

fn accepted(world: &World) -> Option<bool> {
    let answers: Vec<bool> = world
        .client()
        .session()
        .events
        .iter()
        .filter_map(|event| match event {
            Event::EarlyData { accepted } => Some(*accepted),
            _ => None,
        })
        .collect();
    assert!(answers.len() < 2);
    answers.first().copied()
}

/// Streams that a server saw before the handshake was complete.
fn early_streams(host: &Host) -> usize {
    let events = &host.session().events;
    let complete = events.iter().position(|event| matches!(event, Event::Complete(_))).unwrap();
    events[..complete].iter().filter(|event| matches!(event, Event::Opened { .. })).count()
}

#[test]
fn zerortt() {
    let mut world = world(Plan::new(LinkSettings::interop()));
    let before = world.sent_by(world.client).count();
    again(&mut world, &[REQUEST; 40]);
    assert_eq!(accepted(&world), Some(true));
    assert_eq!(early_streams(world.server()), 40);
    let (mut early, mut late) = (0, 0);
    for sent in world.sent_by(world.client).skip(before) {
        let mut data = &sent.packet.data[..];
        while let Ok(header) = Header::parse(data, 8) {
            let length = header.packet_length().min(data.len());
            match header {
                Header::Long { kind: LongType::ZeroRtt, .. } => early += length,
                Header::Short { .. } => late += length,
                _ => {}
            }
            data = &data[length..];
        }
    }
    assert!(early >= 40 * 258 && late <= early / 2, "{early} {late}");
}

#[test]
fn refused_early_data_are_sent_again() {
    for seed in 0..20 {
        let link = if seed == 0 { LinkSettings::interop() } else { LinkSettings::interop_handshakeloss() };
        let plan = Plan::new(link).seed(seed).limits(|limits| {
            limits.handshake_timeout = Duration::from_secs(60);
            limits.idle_timeout = Duration::from_secs(60);
        });
        let mut world = world(plan);
        let mut config = world.server_config.clone();
        config.tls = config.tls.early_data("other limits").unwrap();
        world.server_mut().endpoint.set_server(Some(config));
        again(&mut world, &[Exchange { up: 2000, down: 3000 }; 40]);
        assert_eq!(accepted(&world), Some(false));
        assert_eq!(early_streams(world.server()), 0);
    }
}

#[test]
fn early_data_under_loss() {
    for seed in 0..20 {
        let link = LinkSettings {
            jitter: Duration::from_millis(30),
            reorders: true,
            duplication: Faults::percent(10),
            ..LinkSettings::interop_handshakeloss()
        };
        let plan = Plan::new(link).seed(seed).limits(|limits| {
            limits.handshake_timeout = Duration::from_secs(60);
            limits.idle_timeout = Duration::from_secs(60);
        });
        let mut world = world(plan);
        again(&mut world, &[Exchange { up: 2000, down: 3000 }; 40]);
        assert_eq!(accepted(&world), Some(true));
    }
}

#[test]
fn early_data_go_again_behind_a_retry() {
    let mut world = world(Plan::new(LinkSettings::interop()));
    world.server_mut().welcome = Welcome::Retry;
    again(&mut world, &[REQUEST; 40]);
    assert_eq!(accepted(&world), Some(true));
    // The pacer holds some of them back now.
    assert!(early_streams(world.server()) > 10);
}

#[test]
fn no_more_than_the_server_has_allowed_before() {
    let mut world = world(Plan::new(LinkSettings::interop()));
    let requests = [Exchange { up: 100_000, down: 10 }; 150];
    // More streams than allowed, and more data than the first window lets go.
    again(&mut world, &requests);
    assert_eq!(accepted(&world), Some(true));
    assert!(early_streams(world.server()) <= 100);
}

#[test]
fn a_server_that_has_forgotten_takes_none() {
    let mut world = world(Plan::new(LinkSettings::interop()));
    let trust = Trust::new();
    // The same certificates, but no sessions: as after a start.
    let mut config = world.server_config.clone();
    config.tls = config.tls.early_data("limits of another run").unwrap();
    config.tokens = trust.server.tokens;
    world.server_mut().endpoint.set_server(Some(config));
    again(&mut world, &[REQUEST; 3]);
    assert_eq!(accepted(&world), Some(false));
    assert!(!world.client().session().report().unwrap().resumed);
}
