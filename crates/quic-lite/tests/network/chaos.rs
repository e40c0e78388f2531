//! Any network, any behaviour: content is right, nothing hangs, nothing is left.

use std::time::Duration;

use bytes::Bytes;
use wirelace_quic_lite::{CloseReason, TransportErrorCode};
use wirelace_sim::{
    Backlog, BlackHole, Blackouts, EcnPath, Faults, LinkSettings, Marking, Nat, NetworkEnd, Rebind, Rng,
};

use crate::app::Exchange;
use crate::host::{Host, Session, Welcome};
use crate::trust::Trust;
use crate::world::{Plan, World};

const MILLISECOND: Duration = Duration::from_millis(1);

fn faults(rng: &mut Rng, choices: &[u8]) -> Faults {
    let share = Faults::percent(*rng.pick(choices));
    match rng.below(3) {
        0 => share,
        1 => share.at_most_in_a_row(rng.within(1..=3)),
        _ => share.in_bursts(1..=rng.within(1..=5)),
    }
}

fn link(rng: &mut Rng) -> LinkSettings {
    let queue = match rng.below(3) {
        0 => Backlog::Packets(rng.within(4..=50)),
        1 => Backlog::Packets(1000),
        _ => Backlog::UNBOUNDED,
    };
    let marks = rng.percent(30);
    LinkSettings {
        loss: faults(rng, &[0, 0, 1, 2, 5, 10]),
        duplication: faults(rng, &[0, 0, 1, 20]),
        corruption: faults(rng, &[0, 0, 1, 5]),
        truncation: faults(rng, &[0, 0, 0, 3]),
        delay: MILLISECOND * *rng.pick(&[0, 1, 5, 15, 50, 200]),
        jitter: MILLISECOND * *rng.pick(&[0, 0, 1, 10, 40]),
        reorders: rng.percent(50),
        rate: *rng.pick(&[None, Some(1_000_000), Some(10_000_000), Some(100_000_000)]),
        queue,
        marking: marks
            .then(|| Marking { above: Backlog::Packets(rng.within(2..=10)), drops_others: rng.percent(20) }),
        mtu: *rng.pick(&[1200, 1280, 1400, 1452, 1472, 9000]),
        black_hole: rng.percent(15).then(|| BlackHole {
            from: MILLISECOND * rng.within(0..=4000) as u32,
            mtu: rng.within(1200..=1450),
        }),
        blackouts: match rng.below(8) {
            0 => {
                let on = rng.within(500..=5000) as u32;
                Blackouts::Cycle { on: MILLISECOND * on, off: MILLISECOND * (on / rng.within(2..=50) as u32) }
            }
            1 => {
                let from = MILLISECOND * rng.within(0..=3000) as u32;
                Blackouts::At(vec![from..from + MILLISECOND * rng.within(1..=4000) as u32])
            }
            _ => Blackouts::Never,
        },
        ecn: *rng.pick(&[
            EcnPath::Keeps,
            EcnPath::Keeps,
            EcnPath::Keeps,
            EcnPath::Clears,
            EcnPath::Swaps,
            EcnPath::MarksAll,
        ]),
        ..LinkSettings::default()
    }
}

/// Plans what the router in front of the client does. Not before the handshake is confirmed: nobody can move then.
fn rebind(rng: &mut Rng, nat: &mut Nat, elapsed: Duration) {
    let what = *rng.pick(&[Rebind::Port, Rebind::Address, Rebind::Both]);
    let first = elapsed + MILLISECOND * rng.within(1..=3000) as u32;
    match rng.below(3) {
        0 => {}
        1 => nat.rebind_at(first, what),
        _ => nat.rebind_every(first, MILLISECOND * rng.within(5000..=12_000) as u32, what),
    }
}

fn exchange(rng: &mut Rng) -> Exchange {
    let mut octets = || *rng.pick(&[0, 1, 100, 5000, 100_000, 400_000]);
    Exchange { up: octets(), down: octets() }
}

/// Something that an application does. `true`: nothing is promised to be complete after it.
fn act(rng: &mut Rng, host: &mut Host, now: std::time::Instant) {
    let Some(session) = host.live.values_mut().next_back() else { return };
    let streams = session.app.streams();
    let Some(connection) = &mut session.connection else { return };
    if connection.is_closing() {
        return;
    }
    match rng.below(12) {
        0 if !streams.is_empty() => {
            let stream = *rng.pick(&streams);
            connection.reset(stream, 0x11);
            connection.stop(stream, 0x12);
            session.app.give_up(stream);
        }
        1 if !streams.is_empty() => {
            let stream = *rng.pick(&streams);
            connection.stop(stream, 0x13);
            session.app.stop(stream, connection);
        }
        2..=4 if !streams.is_empty() => {
            let stream = *rng.pick(&streams);
            connection.set_priority(stream, rng.below(8) as u8, rng.percent(50));
        }
        5 => connection.ping(),
        6 | 7 => {
            let _ = connection.update_keys().unwrap();
        }
        8 => session.app.lazy = !session.app.lazy,
        9 => {
            let length = rng.below(1500);
            let _ = connection.send_datagram(Bytes::from(vec![7; length]));
        }
        10 => {
            let _ = connection.migrate(now, None);
        }
        11 if rng.percent(10) => connection.close(now, 0x99, b"chaos"),
        _ => {}
    }
}

fn run(seed: u64, trust: &Trust) {
    let mut rng = Rng::new(seed ^ 0xc0a5);
    let mut plan = Plan::new(LinkSettings::default()).seed(seed).limits(|limits| {
        limits.handshake_timeout = Duration::from_secs(300);
        limits.idle_timeout = Duration::from_secs(300);
        // A client that only reads, and whose only packet behind a new mapping got lost, has nothing else to say.
        limits.keep_alive = Some(Duration::from_secs(7));
    });
    (plan.up, plan.down) = (link(&mut rng), link(&mut rng));
    for limits in [&mut plan.client_limits, &mut plan.server_limits] {
        limits.data_window = *rng.pick(&[10_000, 100_000, 8 << 20]);
        limits.stream_window = *rng.pick(&[1000, 20_000, 1 << 20]);
        limits.max_stream_window = limits.stream_window * *rng.pick(&[1, 8]);
        limits.bidirectional_streams = *rng.pick(&[1, 3, 100]);
        limits.send_buffer = *rng.pick(&[2000, 100_000, 1 << 20]);
        limits.datagram_buffer = *rng.pick(&[0, 3000, 1 << 20]);
    }
    let described = format!("seed {seed}: {:?} {:?}", plan.up, plan.down);
    let mut world = World::new(trust, plan);
    world.server_mut().welcome = if rng.percent(25) { Welcome::Retry } else { Welcome::Accept };
    world.client_mut().segments = *rng.pick(&[1, 2, 10, 40]);
    world.server_mut().segments = *rng.pick(&[1, 2, 10, 40]);
    let address = world.client().address.ip();
    let moves = rng.percent(40);
    if moves {
        let nat = Nat::new("203.0.113.1".parse().unwrap(), world.network.now());
        world.network.put_behind(address, nat);
    }
    let wanted: Vec<Exchange> = (0..rng.within(1..=12)).map(|_| exchange(&mut rng)).collect();
    world.connect(&wanted).early = rng.percent(50);
    if moves {
        let (client, server) = (world.client, world.server);
        world.network.run_until(|network| {
            let confirmed = |host: &Host| host.live.values().chain(&host.past).any(Session::is_confirmed);
            confirmed(network.host(client)) && confirmed(network.host(server))
        });
        let elapsed = world.network.elapsed();
        rebind(&mut rng, world.network.nat_mut(address).expect("it was put there"), elapsed);
    }
    let calm = rng.percent(30);
    for _ in 0..if calm { 0 } else { rng.within(1..=40) } {
        let step = rng.within(0..=200) as u64;
        world.run_for(Duration::from_millis(step));
        let now = world.network.now();
        let host = if rng.percent(50) { world.client } else { world.server };
        act(&mut rng, world.network.host_mut(host), now);
    }
    for host in [world.client, world.server] {
        for session in world.network.host_mut(host).live.values_mut() {
            session.app.lazy = false;
        }
    }
    world.client_mut().session_mut().anyway = true;
    // A server whose client is gone may have heard of neither.
    world.server_mut().expects = 0;
    let outcome = world.network.run();
    let state = || format!("{described}\n{outcome:?}\n{}\n{}", world.describe(), world.network.trace());
    assert_eq!(outcome.end, NetworkEnd::Done, "{}", state());
    assert!(world.client().endpoint.is_empty() && world.server().endpoint.is_empty());
    let client = world.client().session();
    let reason = client.closed().unwrap_or_else(|| panic!("{}", state()));
    let fine = match reason {
        CloseReason::Local => client.app.complete + client.app.broken == wanted.len() || !calm,
        CloseReason::Application { code: 0x99, .. } => !calm,
        // The same, said in the handshake.
        CloseReason::Peer { code: TransportErrorCode::APPLICATION_ERROR, .. } => !calm,
        // Ever fewer first packets, none of which arrived as it was.
        CloseReason::Idle if client.stats.packets_received == 0 => {
            world.server().past.iter().all(|session| session.stats.packets_received < 2)
        }
        // A close that was lost.
        CloseReason::Idle | CloseReason::Reset => {
            !calm
                && world
                    .server()
                    .past
                    .iter()
                    .any(|session| matches!(session.closed(), Some(CloseReason::Local)))
        }
        _ => false,
    };
    assert!(fine, "{reason:?} {}", state());
    if calm && matches!(reason, CloseReason::Local) {
        assert_eq!((client.app.complete, client.app.broken), (wanted.len(), 0), "{}", state());
    }
}

#[test]
fn whatever_the_network_and_the_applications_do() {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let (first, count) = (number("WIRELACE_SEED").unwrap_or(0), number("WIRELACE_SEEDS").unwrap_or(30));
    let trust = Trust::new();
    for seed in first..first + count {
        println!("seed {seed}");
        run(seed, &trust);
    }
}
