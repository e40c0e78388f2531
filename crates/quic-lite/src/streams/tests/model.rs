//! Random traffic over a channel that loses, reorders and duplicates.
//!
//! `WIRELACE_SEEDS` is the number of seeds (400 otherwise), `WIRELACE_SEED` runs a single one with its trace.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use wirelace_sim::Rng;

use super::frames::deliver;
use super::pair::{Packet, ack, introduce, lose, pair, write};
use crate::stream_id::{Direction, StreamId};
use crate::streams::{ReadError, StreamEvent, StreamLimits, Streams, WriteError};

/// The octet of a stream at an offset.
fn octet(id: StreamId, offset: u64) -> u8 {
    (id.0.wrapping_mul(31) ^ offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24) as u8
}

/// What a side's application knows of one of its streams.
#[derive(Debug, Default)]
struct Known {
    sends: bool,
    to_write: u64,
    written: u64,
    ended: bool,
    blocked: bool,
    reset: Option<u64>,
    stopped_by_peer: bool,
    finished: bool,
    receives: bool,
    readable: bool,
    read: u64,
    taken: u64,
    end_read: bool,
    reset_by_peer: Option<u64>,
    stopped: bool,
}

#[derive(Debug, Default)]
struct App {
    known: BTreeMap<StreamId, Known>,
    opened_by_peer: [u64; 2],
    no_more: [bool; 2],
}

struct World {
    rng: Rng,
    pair: [Streams; 2],
    apps: [App; 2],
    limits: [StreamLimits; 2],
    flying: Vec<Packet>,
    arrived: Vec<Packet>,
    now: Instant,
    /// Streams that may still be opened.
    to_open: usize,
    trace: bool,
}

fn limits(rng: &mut Rng) -> StreamLimits {
    let stream_window = rng.within(1..=4000) as u64;
    let data_window = rng.within(1..=9000) as u64;
    StreamLimits {
        data_window,
        max_data_window: data_window + rng.below(20_000) as u64,
        stream_window,
        max_stream_window: stream_window + rng.below(8000) as u64,
        bidirectional_streams: rng.within(1..=5) as u64,
        unidirectional_streams: rng.within(1..=5) as u64,
        send_buffer: rng.within(1..=5000),
        pieces: 4096,
        shared_pieces: rng.below(10),
    }
}

impl World {
    fn new(seed: u64, trace: bool) -> World {
        let mut rng = Rng::new(seed);
        let both = [limits(&mut rng), limits(&mut rng)];
        let mut world = World {
            pair: pair(&both[0], &both[1]),
            limits: both,
            apps: Default::default(),
            flying: Vec::new(),
            arrived: Vec::new(),
            now: Instant::now(),
            to_open: rng.within(1..=20),
            rng,
            trace,
        };
        if world.rng.percent(25) {
            world.early();
        }
        world
    }

    /// The client has sent under limits that it remembered, and the server did not take it.
    fn early(&mut self) {
        let remembered = StreamLimits {
            data_window: self.rng.below(9000) as u64,
            stream_window: self.rng.below(4000) as u64,
            bidirectional_streams: self.rng.below(9) as u64,
            unidirectional_streams: self.rng.below(9) as u64,
            ..StreamLimits::default()
        };
        self.pair[0] = Streams::new(wirelace_tls_glue::quic::Side::Client, &self.limits[0]);
        introduce(&mut self.pair[0], &remembered);
        for _ in 0..self.rng.below(30) {
            self.act(0, true);
            if self.rng.percent(50) {
                let packet = write(&mut self.pair, 0, 1200, true);
                if self.trace {
                    println!("early {:?}", packet.map(|packet| packet.frames));
                }
            }
        }
        let first = self.rng.percent(50);
        if first {
            self.pair[0].reject_early_data();
        }
        introduce(&mut self.pair[0], &self.limits[1].clone());
        if !first {
            self.pair[0].reject_early_data();
        }
    }

    fn plan(&mut self, side: usize, id: StreamId, own: bool) {
        let both = id.direction() == Direction::Bidirectional;
        let to_write = if self.rng.percent(20) { 0 } else { self.rng.below(12_000) as u64 };
        let known = Known { sends: own || both, receives: !own || both, to_write, ..Known::default() };
        assert!(self.apps[side].known.insert(id, known).is_none());
    }

    fn events(&mut self, side: usize) {
        while let Some(event) = self.pair[side].poll_event() {
            if self.trace {
                println!("{side} {event:?}");
            }
            let app = &mut self.apps[side];
            match event {
                StreamEvent::Opened { id } => {
                    let kind = usize::from(id.direction() == Direction::Unidirectional);
                    assert_eq!(app.opened_by_peer[kind], id.index(), "each one, in order");
                    app.opened_by_peer[kind] += 1;
                    self.plan(side, id, false);
                }
                StreamEvent::Readable { id } => app.known.get_mut(&id).unwrap().readable = true,
                StreamEvent::Writable { id } => {
                    assert!(self.pair[side].capacity(id) > 0);
                    app.known.get_mut(&id).unwrap().blocked = false;
                }
                StreamEvent::Stopped { id, code } => {
                    assert_eq!(code, id.0 + 7);
                    let known = app.known.get_mut(&id).unwrap();
                    assert!(!known.finished && !known.stopped_by_peer);
                    known.stopped_by_peer = true;
                    let written = self.pair[side].write(id, Bytes::new(), true);
                    assert!(written == Err(WriteError::Stopped(code)) || written == Err(WriteError::Unknown));
                }
                StreamEvent::Reset { id, code } => {
                    let known = app.known.get_mut(&id).unwrap();
                    assert!(known.reset_by_peer.is_none() && !known.stopped && !known.end_read);
                    known.reset_by_peer = Some(code);
                }
                StreamEvent::Finished { id } => {
                    let known = app.known.get_mut(&id).unwrap();
                    // All of it may have been acknowledged before the reset.
                    assert!(known.ended && !known.finished);
                    known.finished = true;
                }
                StreamEvent::Available { direction } => {
                    app.no_more[usize::from(direction == Direction::Unidirectional)] = false;
                }
            }
        }
    }

    /// The application of a side does something. `wild`: or gives up on something.
    fn act(&mut self, side: usize, wild: bool) {
        self.events(side);
        if self.to_open > 0 && self.rng.percent(10) {
            let kind = self.rng.below(2);
            let direction = [Direction::Bidirectional, Direction::Unidirectional][kind];
            if !self.apps[side].no_more[kind] {
                match self.pair[side].open(direction) {
                    Some(id) => {
                        self.to_open -= 1;
                        self.plan(side, id, true);
                    }
                    None => self.apps[side].no_more[kind] = true,
                }
            }
        }
        let ids: Vec<StreamId> = self.apps[side].known.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        for _ in 0..4 {
            let id = *self.rng.pick(&ids);
            self.act_on(side, id, wild);
        }
    }

    fn act_on(&mut self, side: usize, id: StreamId, wild: bool) {
        let World { rng, pair, apps, .. } = self;
        let (streams, known) = (&mut pair[side], apps[side].known.get_mut(&id).unwrap());
        if wild && rng.percent(1) && known.sends && known.reset.is_none() && !known.finished {
            streams.reset(id, id.0 + 9);
            assert!(streams.write(id, Bytes::new(), true).is_err());
            known.reset = Some(known.written);
        }
        if wild && rng.percent(1) && known.receives && !known.end_read && known.reset_by_peer.is_none() {
            streams.stop(id, id.0 + 7);
            known.stopped = true;
        }
        if rng.percent(5) {
            streams.set_priority(id, rng.below(10) as u8, rng.percent(50));
        }
        if known.sends && !known.ended && !known.blocked && !known.stopped_by_peer && known.reset.is_none() {
            let capacity = streams.capacity(id);
            let left = known.to_write - known.written;
            if capacity == 0 && left > 0 {
                known.blocked = true;
            } else {
                // All of it is taken, however much there is.
                let most = if rng.percent(10) { capacity + 500 } else { capacity };
                let octets = left.min(rng.below(most + 1) as u64);
                let data: Vec<u8> = (known.written..known.written + octets).map(|at| octet(id, at)).collect();
                let fin = known.written + octets == known.to_write;
                match streams.write(id, data.into(), fin) {
                    Ok(()) => {
                        known.written += octets;
                        known.ended = fin;
                    }
                    // The event has not been read yet.
                    Err(WriteError::Stopped(_)) => {}
                    Err(error) => panic!("{error} for {octets} octets with a capacity of {capacity}"),
                }
            }
        }
        if known.receives && known.readable && !known.stopped {
            let max = if rng.percent(50) { usize::MAX } else { rng.within(1..=700) };
            match streams.read(id, max) {
                Ok(Some(chunk)) => {
                    assert!(!known.end_read && chunk.data.len() <= max);
                    for got in &chunk.data {
                        assert_eq!(*got, octet(id, known.read), "stream {id} at {}", known.read);
                        known.read += 1;
                    }
                    known.end_read = chunk.fin;
                }
                Ok(None) => known.readable = false,
                Err(ReadError::Reset(_)) => known.readable = false,
                Err(ReadError::Unknown) => {
                    assert!(known.end_read || known.reset_by_peer.is_some());
                    known.readable = false;
                }
            }
        }
        if known.receives && known.taken < known.read && (!wild || rng.percent(30)) {
            let octets = if wild {
                rng.below((known.read - known.taken) as usize + 1) as u64
            } else {
                known.read - known.taken
            };
            streams.consumed(id, octets as usize);
            known.taken += octets;
        }
    }

    fn step(&mut self, wild: bool) {
        let side = self.rng.below(2);
        self.now += self.rng.duration(&(Duration::ZERO..=Duration::from_millis(3)));
        let now = self.now;
        self.pair[side].set_clock(now, Duration::from_millis(20));
        match self.rng.below(4) {
            0 => self.act(side, wild),
            1 => {
                let room = if wild { self.rng.within(1..=1400) } else { 1400 };
                let last = self.rng.percent(50);
                if let Some(packet) = write(&mut self.pair, side, room, last) {
                    if self.trace {
                        println!("{side} sends {:?}", packet.frames);
                    }
                    self.flying.push(packet);
                }
            }
            2 if !self.flying.is_empty() => {
                let at = if self.rng.percent(40) { self.rng.below(self.flying.len()) } else { 0 };
                let packet = self.flying[at].clone();
                match self.rng.below(20) {
                    // Thought lost, it arrives all the same later.
                    0 => lose(&mut self.pair, &packet),
                    1 | 2 => lose(&mut self.pair, &self.flying.remove(at)),
                    // Duplicated.
                    3 => {
                        if let Err(error) = deliver(&mut self.pair[1 - packet.from], &packet.octets) {
                            panic!("{error} for {:?}", packet.frames);
                        }
                    }
                    _ => {
                        if let Err(error) = deliver(&mut self.pair[1 - packet.from], &packet.octets) {
                            panic!("{error} for {:?}", packet.frames);
                        }
                        self.arrived.push(self.flying.remove(at));
                    }
                }
            }
            3 if !self.arrived.is_empty() => {
                let at = self.rng.below(self.arrived.len());
                ack(&mut self.pair, &self.arrived.remove(at));
            }
            _ => {}
        }
        for side in [0, 1] {
            let stats = self.pair[side].stats();
            let window = &self.pair[side].data_in;
            assert!(window.received() <= window.granted());
            assert!(window.granted() - window.consumed() <= window.size());
            assert!(stats.shared_pieces <= self.limits[side].shared_pieces);
            let own = stats.copied as u64;
            assert!(own <= 2 * stats.bytes_held + 64 * stats.pieces as u64, "{stats:?}");
        }
    }

    fn is_done(&self) -> bool {
        let all = |app: &App| {
            app.known.values().all(|known| {
                let sent = !known.sends || known.finished || known.reset.is_some() || known.stopped_by_peer;
                let received =
                    !known.receives || known.stopped || known.reset_by_peer.is_some() || known.end_read;
                sent && received
            })
        };
        self.apps.iter().all(all)
            && self.flying.is_empty()
            && self.arrived.is_empty()
            && self.pair.iter().all(|streams| !streams.wants_to_send() && streams.table.len() == 0)
    }
}

/// Octets that were read, streams.
fn check(seed: u64, trace: bool) -> (u64, u64) {
    let mut world = World::new(seed, trace);
    for _ in 0..world.rng.within(100..=3000) {
        world.step(true);
    }
    world.to_open = 0;
    let mut steps = 0;
    while !world.is_done() {
        world.step(false);
        steps += 1;
        assert!(steps < 400_000, "it stalls: {:#?} {:#?}", world.pair, world.apps);
    }
    let mut totals = (0, 0);
    for side in [0, 1] {
        world.events(side);
        let [one, other] = [&world.pair[side], &world.pair[1 - side]];
        let stats = one.stats();
        assert_eq!((stats.pieces, stats.shared_pieces, stats.copied, stats.bytes_held), (0, 0, 0, 0));
        assert_eq!(one.data_in.received(), other.data_out.used, "credit is counted alike");
        assert_eq!(one.data_in.granted(), other.data_out.limit);
        for (peers, own) in [(&one.peers.bidi, &other.own.bidi), (&one.peers.uni, &other.own.uni)] {
            assert_eq!(peers.window.granted(), own.window.limit);
            assert_eq!(peers.window.received(), peers.window.consumed(), "all of them are over");
        }
        for (id, known) in &world.apps[side].known {
            totals.0 += known.read;
            totals.1 += 1;
            let Some(peer) = world.apps[1 - side].known.get(id) else {
                // It was reset by the one that opened it and never used.
                continue;
            };
            if known.end_read {
                assert_eq!(known.read, peer.written, "stream {id}");
            }
            if known.finished && !peer.stopped && peer.reset_by_peer.is_none() {
                assert!(peer.end_read);
            }
        }
    }
    totals
}

#[test]
fn all_data_arrive_once_and_in_order() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    if let Some(seed) = number("WIRELACE_SEED") {
        check(seed, true);
        return;
    }
    let seeds = number("WIRELACE_SEEDS").unwrap_or(400);
    let (mut octets, mut streams) = (0, 0);
    for seed in 0..seeds {
        let outcome = std::panic::catch_unwind(|| check(seed, false));
        let Ok((more, opened)) = outcome else { panic!("seed {seed}") };
        octets += more;
        streams += opened;
    }
    println!("{seeds} seeds: {octets} octets read, {streams} ends of streams");
    assert!(octets > seeds * 5000 && streams > seeds * 8);
}
