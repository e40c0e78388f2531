//! Streams with data, on links of all kinds.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use wirelace_quic_lite::{Connection, Direction, Event, Limits, StreamId};
use wirelace_sim::{DatagramSettings, Rng};

use crate::world::{Side, Trust, World, plain};

/// The octet of a stream at an offset.
fn octet(stream: StreamId, offset: u64) -> u8 {
    (stream.0.wrapping_mul(31) ^ offset ^ offset >> 8) as u8
}

#[derive(Default)]
struct Reading {
    length: u64,
    end: bool,
}

/// Sends on streams, and checks what comes.
#[derive(Default)]
struct App {
    /// Octets that are still to be sent, by stream.
    sending: HashMap<StreamId, (u64, u64)>,
    reading: HashMap<StreamId, Reading>,
    seen: usize,
}

impl App {
    fn begin(&mut self, connection: &mut Connection, length: u64) -> Option<StreamId> {
        let stream = connection.open(Direction::Bidirectional)?;
        self.sending.insert(stream, (0, length));
        Some(stream)
    }

    fn work(&mut self, side: &mut Side, echo: bool) {
        let Some((_, connection)) = &mut side.connection else { return };
        let events = &side.events[self.seen..];
        self.seen = side.events.len();
        for event in events {
            match event {
                Event::Opened { stream } | Event::Readable { stream } => {
                    self.reading.entry(*stream).or_default();
                }
                Event::Closed(reason) => panic!("{reason}"),
                _ => {}
            }
        }
        for (stream, reading) in &mut self.reading {
            while !reading.end
                && let Some(chunk) = connection.read(*stream, usize::MAX).unwrap()
            {
                for (at, got) in chunk.data.iter().enumerate() {
                    assert_eq!(
                        *got,
                        octet(*stream, reading.length + at as u64),
                        "{stream} {}",
                        reading.length
                    );
                }
                reading.length += chunk.data.len() as u64;
                connection.consumed(*stream, chunk.data.len());
                reading.end |= chunk.fin;
                if reading.end && echo {
                    self.sending.insert(*stream, (0, reading.length));
                }
            }
        }
        self.sending.retain(|stream, (sent, length)| {
            while connection.capacity(*stream) > 0 || sent == length {
                let some = (*length - *sent).min(10_000);
                let data: Vec<u8> = (*sent..*sent + some).map(|offset| octet(*stream, offset)).collect();
                *sent += some;
                let end = sent == length;
                if connection.write(*stream, Bytes::from(data), end).is_err() {
                    *sent -= some;
                    return true;
                }
                if end {
                    return false;
                }
            }
            true
        });
    }
}

/// Streams of these lengths from the client, echoed by the server.
fn echo(world: &mut World, lengths: &[u64], time: Duration) {
    let (mut client, mut server) = (App::default(), App::default());
    let mut left = lengths.to_vec();
    let application = |world: &mut World| {
        while let Some(length) = left.last().copied() {
            if world.client().is_handshaking() || client.begin(world.client(), length).is_none() {
                break;
            }
            left.pop();
        }
        client.work(&mut world.client, false);
        server.work(&mut world.server, true);
    };
    let mut done = |world: &mut World| {
        let all = world.client.events.iter().filter(|event| matches!(event, Event::Finished { .. })).count();
        all == lengths.len()
            && world.server.events.iter().filter(|event| matches!(event, Event::Finished { .. })).count()
                == all
    };
    let finished = world.run(time, application, &mut done);
    let stats = (world.client().stats(), world.server.connection.as_ref().map(|(_, server)| server.stats()));
    assert!(finished, "{stats:?}");
    let read: u64 = client.reading.values().map(|reading| reading.length).sum();
    assert_eq!(read, lengths.iter().sum::<u64>());
    assert!(client.reading.values().all(|reading| reading.end));
}

#[test]
fn small_and_large_streams_there_and_back() {
    let mut world = World::new(1, &Trust::new(), plain());
    echo(&mut world, &[0, 1, 100, 1_000_000, 5_000_000], Duration::from_secs(60));
    let stats = world.client().stats();
    assert_eq!(stats.datagram_size, 1452, "the path was probed");
}

#[test]
fn more_streams_than_are_allowed_at_once() {
    let mut world = World::new(1, &Trust::new(), plain());
    let lengths: Vec<u64> = (0..1999).map(|_| 32).collect();
    echo(&mut world, &lengths, Duration::from_secs(60));
}

#[test]
fn whatever_the_network_does() {
    let seeds = std::env::var("WIRELACE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(20);
    let trust = Trust::new();
    let first = std::env::var("WIRELACE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..seeds {
        let mut rng = Rng::new(seed);
        let link = DatagramSettings {
            loss: *rng.pick(&[0, 1, 5, 20, 30]),
            duplication: *rng.pick(&[0, 0, 5, 20]),
            corruption: *rng.pick(&[0, 0, 2, 10]),
            delay: {
                let least = Duration::from_millis(rng.below(50) as u64);
                least..=least + Duration::from_millis(rng.below(40) as u64)
            },
            mtu: *rng.pick(&[1200, 1300, 1452, 1472, 9000]),
        };
        // Where a third is lost, a handshake may need more than ten seconds, and silence may be long.
        let mut limits = Limits::default();
        limits.handshake_timeout = Duration::ZERO;
        limits.idle_timeout = Duration::ZERO;
        let mut world = World::with_limits(seed, &trust, link.clone(), limits.clone(), limits);
        world.segments = *rng.pick(&[1, 2, 10, 64]);
        world.server.retry = rng.percent(20);
        let lengths: Vec<u64> = (0..rng.within(1..=5)).map(|_| rng.below(200_000) as u64).collect();
        std::eprintln!("seed {seed}: {link:?} {lengths:?}");
        echo(&mut world, &lengths, Duration::from_secs(6000));
    }
}
