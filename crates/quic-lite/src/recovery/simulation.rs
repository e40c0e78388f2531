//! Recovery on simulated paths: a sender with a receiver that acknowledges, over a bottleneck that they share with others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use wirelace_sim::Rng;

use super::*;
use crate::config::CongestionControl;

const MS: Duration = Duration::from_millis(1);
const DATAGRAM: u16 = 1200;
const MAX_ACK_DELAY: Duration = Duration::from_millis(25);
const BOTH: [CongestionControl; 2] = [CongestionControl::NewReno, CongestionControl::Cubic];

/// The bottleneck, and the way back without one.
#[derive(Debug, Clone)]
struct Path {
    /// Bytes in a second.
    rate: u64,
    /// One way.
    delay: Duration,
    /// Bytes that wait at most.
    queue: u64,
    /// Packets marked CE when more bytes wait.
    mark: u64,
    /// Percent lost, both ways.
    loss: u8,
    /// Percent that take up to 20 ms longer.
    reordered: u8,
    /// The sender's timers fire at multiples of it only.
    tick: Duration,
    /// Nothing gets through then.
    outage: Option<(Duration, Duration)>,
}

impl Path {
    /// 20 Mbit/s, 40 ms there and back, a queue of what fits on the path.
    fn usual() -> Path {
        Path {
            rate: 2_500_000,
            delay: 20 * MS,
            queue: 100_000,
            mark: u64::MAX,
            loss: 0,
            reordered: 0,
            tick: Duration::ZERO,
            outage: None,
        }
    }
}

#[derive(Debug)]
struct Receiver {
    received: RangeSet,
    unacknowledged: u32,
    largest_at: Instant,
    deadline: Option<Instant>,
    ecn: EcnCounts,
}

struct Flow {
    start: Instant,
    recovery: Recovery<u64>,
    entropy: Entropy,
    receiver: Receiver,
    probes: u8,
    /// Frames still to send, beyond those to repeat.
    fresh: u64,
    next_frame: u64,
    repeat: VecDeque<u64>,
    /// How often a frame is in flight, and how often it came back.
    outstanding: BTreeMap<u64, u32>,
    acknowledged: u64,
    /// Bytes in a second that the application has, if it is less than all.
    application: Option<u64>,
    sent_bytes: u64,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Packet { number: u64, asks: bool, ecn: bool, marked: bool },
    Ack { ranges: Vec<(u64, u64)>, delay: Duration, ecn: EcnOrd },
}

type EcnOrd = (u64, u64, u64);

struct World {
    path: Path,
    start: Instant,
    now: Instant,
    /// When the bottleneck has sent all that waits.
    free: Instant,
    longest_queue: u64,
    rng: Rng,
    events: BinaryHeap<Reverse<(Instant, u64, usize, Event)>>,
    count: u64,
    flows: Vec<Flow>,
}

impl World {
    fn new(path: Path, seed: u64) -> World {
        let start = Instant::now();
        World {
            path,
            start,
            now: start,
            free: start,
            longest_queue: 0,
            rng: Rng::new(seed),
            events: BinaryHeap::new(),
            count: 0,
            flows: Vec::new(),
        }
    }

    /// A flow with so many frames to send that begins after `delay`.
    fn add(&mut self, congestion: CongestionControl, frames: u64, delay: Duration) -> &mut Flow {
        let start = self.start + delay;
        let settings = RecoverySettings { congestion, ..RecoverySettings::default() };
        let mut recovery = Recovery::new(&settings, start);
        recovery.set_handshake_state(true, true, true);
        recovery.set_max_ack_delay(MAX_ACK_DELAY);
        let mut seed = [0; 32];
        seed.copy_from_slice(&self.rng.bytes(32));
        self.flows.push(Flow {
            start,
            recovery,
            entropy: Entropy::new(&seed),
            receiver: Receiver {
                received: RangeSet::new(32),
                unacknowledged: 0,
                largest_at: start,
                deadline: None,
                ecn: EcnCounts::default(),
            },
            probes: 0,
            fresh: frames,
            next_frame: 0,
            repeat: VecDeque::new(),
            outstanding: BTreeMap::new(),
            acknowledged: 0,
            application: None,
            sent_bytes: 0,
        });
        self.flows.last_mut().unwrap()
    }

    fn rounded(&self, at: Instant) -> Instant {
        let tick = self.path.tick.as_nanos().max(1);
        let nanos = (at - self.start).as_nanos().next_multiple_of(tick);
        self.start + Duration::from_nanos(nanos as u64)
    }

    fn is_out(&self, at: Instant) -> bool {
        self.path.outage.is_some_and(|(from, to)| at >= self.start + from && at < self.start + to)
    }

    fn arrive(&mut self, at: Instant, flow: usize, event: Event) {
        self.count += 1;
        self.events.push(Reverse((at, self.count, flow, event)));
    }

    /// A packet reaches the bottleneck.
    fn transmit(&mut self, flow: usize, size: u64, event: Event) {
        if self.is_out(self.now) || self.rng.percent(self.path.loss) {
            return;
        }
        let waits = self.free.saturating_duration_since(self.now);
        let queue = (waits.as_nanos() * u128::from(self.path.rate) / 1_000_000_000) as u64;
        if queue + size > self.path.queue {
            return;
        }
        self.longest_queue = self.longest_queue.max(queue + size);
        self.free = self.now.max(self.free) + Duration::from_nanos(size * 1_000_000_000 / self.path.rate);
        let mut at = self.free + self.path.delay;
        if self.rng.percent(self.path.reordered) {
            at += self.rng.duration(&(Duration::ZERO..=20 * MS));
        }
        let event = match event {
            Event::Packet { number, asks, ecn, .. } => {
                Event::Packet { number, asks, ecn, marked: ecn && queue > self.path.mark }
            }
            ack => ack,
        };
        self.arrive(at, flow, event);
    }

    /// Runs until `time` after the start, or until all is done.
    fn run(&mut self, time: Duration) {
        let end = self.start + time;
        loop {
            for flow in 0..self.flows.len() {
                self.drive(flow);
            }
            let next_event = self.events.peek().map(|Reverse((at, ..))| *at);
            let timers =
                self.flows.iter().filter_map(|flow| flow.next(self.now)).min().map(|at| self.rounded(at));
            let Some(next) = [next_event, timers].into_iter().flatten().min() else { break };
            if next > end {
                break;
            }
            assert!(next >= self.now);
            self.now = next;
            while let Some(Reverse((at, ..))) = self.events.peek()
                && *at <= self.now
            {
                let Some(Reverse((_, _, flow, event))) = self.events.pop() else { break };
                self.take(flow, event);
            }
        }
        self.now = self.now.max(end.min(self.now));
    }

    fn take(&mut self, flow: usize, event: Event) {
        let now = self.now;
        match event {
            Event::Packet { number, asks, ecn, marked } => {
                let receiver = &mut self.flows[flow].receiver;
                if !receiver.received.insert(number) {
                    return;
                }
                receiver.ecn.ect0 += u64::from(ecn && !marked);
                receiver.ecn.ce += u64::from(marked);
                let in_order = receiver.received.largest() == Some(number) && receiver.received.len() == 1;
                if receiver.received.largest() == Some(number) {
                    receiver.largest_at = now;
                }
                if !asks {
                    return;
                }
                receiver.unacknowledged += 1;
                if !in_order || marked || receiver.unacknowledged >= 2 {
                    self.acknowledge(flow);
                } else {
                    receiver.deadline.get_or_insert(now + MAX_ACK_DELAY);
                }
            }
            Event::Ack { ranges, delay, ecn } => {
                let ranges = ranges.into_iter().map(|(start, end)| start..=end);
                let (mut acked, mut lost) = (Vec::new(), Vec::new());
                let ecn = EcnCounts { ect0: ecn.0, ect1: ecn.1, ce: ecn.2 };
                let flow = &mut self.flows[flow];
                flow.recovery
                    .on_ack(now, Space::Data, ranges, delay, Some(ecn), &mut acked, &mut lost)
                    .unwrap();
                flow.came_back(&acked, &lost);
            }
        }
    }

    fn acknowledge(&mut self, flow: usize) {
        let receiver = &mut self.flows[flow].receiver;
        receiver.unacknowledged = 0;
        receiver.deadline = None;
        let ack = Event::Ack {
            ranges: receiver.received.iter().map(|range| range.into_inner()).collect(),
            delay: self.now - receiver.largest_at,
            ecn: (receiver.ecn.ect0, receiver.ecn.ect1, receiver.ecn.ce),
        };
        if !self.is_out(self.now) && !self.rng.percent(self.path.loss) {
            self.arrive(self.now + self.path.delay, flow, ack);
        }
    }

    /// Timers, and all that may be sent.
    fn drive(&mut self, index: usize) {
        let now = self.now;
        if now < self.flows[index].start {
            return;
        }
        if self.flows[index].receiver.deadline.is_some_and(|at| at <= now) {
            self.acknowledge(index);
        }
        let flow = &mut self.flows[index];
        if flow.recovery.deadline().is_some_and(|at| at <= now) {
            let mut lost = Vec::new();
            if let Timeout::Probe { count, .. } = flow.recovery.on_timeout(now, &mut lost) {
                flow.probes = count;
            }
            flow.came_back(&[], &lost);
        }
        while let Some((number, ecn)) = self.flows[index].send(now) {
            let packet = Event::Packet { number, asks: true, ecn, marked: false };
            self.transmit(index, u64::from(DATAGRAM), packet);
        }
    }

    fn seconds(&self) -> f64 {
        (self.now - self.start).as_secs_f64()
    }
}

impl Flow {
    fn has_data(&self, now: Instant) -> bool {
        let share = self.application.is_none_or(|rate| {
            let allowed =
                now.saturating_duration_since(self.start).as_nanos() * u128::from(rate) / 1_000_000_000;
            u128::from(self.sent_bytes) < allowed
        });
        share && (self.fresh > 0 || !self.repeat.is_empty())
    }

    fn is_done(&self) -> bool {
        self.fresh == 0 && self.repeat.is_empty() && self.outstanding.is_empty()
    }

    /// When it has something to do. An application at a rate looks each 5 ms.
    fn next(&self, now: Instant) -> Option<Instant> {
        if now < self.start {
            return Some(self.start);
        }
        let pacer = self.recovery.next_send().filter(|_| self.has_data(now)).map(|at| at.max(now));
        let application = self.application.filter(|_| !self.has_data(now)).map(|_| now + 5 * MS);
        let recovery = self.recovery.deadline().map(|at| at.max(now));
        [pacer, application, recovery, self.receiver.deadline].into_iter().flatten().min()
    }

    /// Sends one packet if it may.
    fn send(&mut self, now: Instant) -> Option<(u64, bool)> {
        let window = self.recovery.allowance(now) >= usize::from(DATAGRAM);
        let probe = self.probes > 0;
        let may = window && self.has_data(now);
        if !probe && !may {
            return None;
        }
        if window {
            assert!(self.recovery.in_flight() + u64::from(DATAGRAM) <= self.recovery.window());
        }
        self.probes = self.probes.saturating_sub(1);
        let frame = match self.repeat.pop_front() {
            Some(frame) => Some(frame),
            None if self.fresh > 0 => {
                self.fresh -= 1;
                self.next_frame += 1;
                Some(self.next_frame)
            }
            // A probe repeats what is in flight, or only asks.
            None => self.outstanding.keys().next().copied(),
        };
        let number = self.recovery.next_number(Space::Data, &mut self.entropy);
        let ecn = self.recovery.ecn();
        let sent = Sent { time: now, size: DATAGRAM, ack_eliciting: true, in_flight: true, ecn, path: 0 };
        self.recovery.on_sent(Space::Data, number, sent, frame.as_slice());
        self.sent_bytes += u64::from(DATAGRAM);
        if let Some(frame) = frame {
            *self.outstanding.entry(frame).or_default() += 1;
        }
        Some((number, ecn))
    }

    fn came_back(&mut self, acked: &[u64], lost: &[u64]) {
        for &frame in acked {
            self.uncount(frame);
            self.acknowledged += 1;
        }
        for &frame in lost {
            self.uncount(frame);
            self.repeat.push_back(frame);
        }
    }

    fn uncount(&mut self, frame: u64) {
        let count = self.outstanding.get_mut(&frame).unwrap();
        *count -= 1;
        if *count == 0 {
            self.outstanding.remove(&frame);
        }
    }

    fn acknowledged_bytes(&self) -> u64 {
        self.acknowledged * u64::from(DATAGRAM)
    }
}

/// Part of the bottleneck's rate that arrives between two times.
fn utilisation(world: &mut World, from: Duration, to: Duration) -> f64 {
    let total = |world: &World| world.flows.iter().map(Flow::acknowledged_bytes).sum::<u64>();
    world.run(from);
    let before = total(world);
    world.run(to);
    (total(world) - before) as f64 / (world.path.rate as f64 * (to - from).as_secs_f64())
}

#[test]
fn the_bottleneck_is_full() {
    for congestion in BOTH {
        for seed in 0..3 {
            for (rate, delay) in [(125_000, 50 * MS), (2_500_000, 20 * MS), (12_500_000, 5 * MS)] {
                let queue = rate * delay.as_millis() as u64 * 2 / 1000;
                let path = Path { rate, delay, queue, ..Path::usual() };
                let mut world = World::new(path, seed);
                world.add(congestion, u64::MAX, Duration::ZERO);
                let used = utilisation(&mut world, 4000 * MS, 24_000 * MS);
                assert!(used >= 0.85, "{congestion:?} at {rate}: {used}");
            }
        }
    }
}

#[test]
fn coarse_timers_do_not_slow_fast_paths() {
    for congestion in BOTH {
        for delay in [100, 1000, 10_000].map(Duration::from_micros) {
            let rate = 125_000_000;
            let queue = (delay.as_nanos() as u64 * rate * 2 / 1_000_000_000).max(100_000);
            let path = Path { rate, delay, queue, tick: MS, ..Path::usual() };
            let mut world = World::new(path, 8);
            world.add(congestion, u64::MAX, Duration::ZERO);
            let used = utilisation(&mut world, 1000 * MS, 3000 * MS);
            assert!(used >= 0.85, "{congestion:?} at {delay:?}: {used}");
        }
    }
}

#[test]
fn the_start_is_fast() {
    for congestion in BOTH {
        let mut world = World::new(Path::usual(), 1);
        world.add(congestion, u64::MAX, Duration::ZERO);
        // 84 datagrams are on the path: from ten on, three doublings of 40 ms.
        let used = utilisation(&mut world, Duration::ZERO, 1000 * MS);
        assert!(used >= 0.7, "{congestion:?}: {used}");
    }
}

#[test]
fn an_application_below_the_rate_neither_queues_nor_opens_the_window() {
    for congestion in BOTH {
        let path = Path { queue: u64::MAX / 2, ..Path::usual() };
        let mut world = World::new(path, 5);
        world.add(congestion, u64::MAX, Duration::ZERO).application = Some(1_250_000);
        // What waited while the window was small is gone then.
        world.run(5000 * MS);
        let window = world.flows[0].recovery.window();
        world.longest_queue = 0;
        world.run(30_000 * MS);
        let flow = &world.flows[0];
        assert_eq!(flow.recovery.window(), window, "{congestion:?}");
        assert!(world.longest_queue <= 10 * u64::from(DATAGRAM), "{}", world.longest_queue);
        assert_eq!(flow.recovery.stats().lost, 0);
        assert!(flow.acknowledged_bytes() as f64 >= 1_250_000.0 * world.seconds() - 60_000.0);
    }
}

#[test]
fn slow_start_does_not_flood_a_deep_queue() {
    for congestion in BOTH {
        let path = Path { queue: u64::MAX / 2, ..Path::usual() };
        let mut world = World::new(path, 6);
        world.add(congestion, u64::MAX, Duration::ZERO);
        world.run(3000 * MS);
        // The growing round trip ends it, after five careful rounds; doubling would have queued 7.5 MB by then.
        assert!(world.longest_queue <= 1_500_000, "{congestion:?}: {}", world.longest_queue);
        assert!(!world.flows[0].recovery.congestion.in_slow_start());
    }
}

#[test]
fn a_path_that_loses_30_percent_gets_all_through() {
    for congestion in BOTH {
        for seed in 0..20 {
            let mut world = World::new(Path { loss: 30, ..Path::usual() }, seed);
            world.add(congestion, 300, Duration::ZERO);
            world.run(600_000 * MS);
            let flow = &world.flows[0];
            assert!(flow.is_done(), "{congestion:?} with seed {seed}");
            assert_eq!(flow.recovery.in_flight(), 0);
            assert_eq!(flow.recovery.deadline(), None);
        }
    }
}

#[test]
fn a_small_transfer_is_resolved_without_a_probe() {
    let mut world = World::new(Path::usual(), 1);
    world.add(CongestionControl::Cubic, 25, Duration::ZERO);
    world.run(10_000 * MS);
    let flow = &world.flows[0];
    assert!(flow.is_done());
    assert_eq!((flow.recovery.in_flight(), flow.recovery.deadline()), (0, None));
    assert_eq!((flow.recovery.stats().probe_timeouts, flow.recovery.stats().lost), (0, 0));
}

#[test]
fn an_outage_collapses_the_window_and_is_overcome() {
    for congestion in BOTH {
        let outage = Some((5000 * MS, 10_000 * MS));
        let mut world = World::new(Path { outage, ..Path::usual() }, 3);
        world.add(congestion, u64::MAX, Duration::ZERO);
        world.run(9900 * MS);
        assert_eq!(world.flows[0].recovery.stats().persistent_congestion, 0);
        let probes = world.flows[0].recovery.stats().probe_timeouts;
        assert!((4..=8).contains(&probes), "{probes}");
        // The last probe may have gone shortly before: one more of up to 5 s.
        world.run(16_000 * MS);
        assert_eq!(world.flows[0].recovery.stats().persistent_congestion, 1);
        let used = utilisation(&mut world, 20_000 * MS, 30_000 * MS);
        assert!(used >= 0.85, "{congestion:?}: {used}");
    }
}

#[test]
fn two_flows_share_the_path() {
    for (one, two) in [(BOTH[0], BOTH[0]), (BOTH[1], BOTH[1]), (BOTH[0], BOTH[1])] {
        let mut world = World::new(Path::usual(), 9);
        world.add(one, u64::MAX, Duration::ZERO);
        world.add(two, u64::MAX, 3000 * MS);
        world.run(15_000 * MS);
        let before: Vec<u64> = world.flows.iter().map(Flow::acknowledged_bytes).collect();
        world.run(75_000 * MS);
        let share: Vec<u64> =
            world.flows.iter().zip(before).map(|(flow, before)| flow.acknowledged_bytes() - before).collect();
        let (most, least) = (share[0].max(share[1]), share[0].min(share[1]));
        assert!(most <= least * 3, "{one:?} and {two:?}: {share:?}");
        assert!((most + least) as f64 >= 0.85 * 2_500_000.0 * 60.0, "{one:?} and {two:?}: {share:?}");
    }
}

#[test]
fn marks_keep_the_queue_short_without_loss() {
    for congestion in BOTH {
        let mut world = World::new(Path { mark: 50_000, queue: 400_000, ..Path::usual() }, 4);
        world.add(congestion, u64::MAX, Duration::ZERO);
        let used = utilisation(&mut world, 4000 * MS, 24_000 * MS);
        assert!(used >= 0.85, "{congestion:?}: {used}");
        let stats = world.flows[0].recovery.stats();
        assert_eq!(stats.lost, 0);
        assert!(stats.ecn_events > 3 && stats.ecn_events == stats.congestion_events);
        assert!(world.flows[0].recovery.ecn());
    }
}

#[test]
fn reordering_is_learnt() {
    let mut world = World::new(Path { reordered: 2, queue: 400_000, ..Path::usual() }, 4);
    world.add(CongestionControl::Cubic, u64::MAX, Duration::ZERO);
    let used = utilisation(&mut world, 4000 * MS, 24_000 * MS);
    let spurious = world.flows[0].recovery.stats().spurious;
    assert!(spurious > 0 && spurious < 100, "{spurious}");
    assert!(used >= 0.7, "{used}");
}

#[test]
fn one_percent_of_loss_is_survived() {
    for congestion in BOTH {
        let mut world = World::new(Path { loss: 1, ..Path::usual() }, 4);
        world.add(congestion, u64::MAX, Duration::ZERO);
        // Some 1.22 / sqrt(0.01) datagrams in a round trip for NewReno: a seventh of this path.
        let used = utilisation(&mut world, 4000 * MS, 24_000 * MS);
        assert!(used >= 0.1, "{congestion:?}: {used}");
    }
}
