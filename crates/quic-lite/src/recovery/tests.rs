//! What RFC 9002 leaves easy to get wrong.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::outcome::Acked;
use super::*;
use crate::config::CongestionControl;

const MS: Duration = Duration::from_millis(1);
const DATAGRAM: u16 = 1200;
const MAX_ACK_DELAY: Duration = Duration::from_millis(25);

struct Side {
    recovery: Recovery<u64>,
    now: Instant,
    acked: Vec<u64>,
    lost: Vec<u64>,
}

impl Side {
    fn new(settings: &RecoverySettings) -> Side {
        let now = Instant::now();
        Side { recovery: Recovery::new(settings, now), now, acked: Vec::new(), lost: Vec::new() }
    }

    fn client() -> Side {
        Side::new(&RecoverySettings::default())
    }

    /// After the handshake.
    fn confirmed() -> Side {
        let mut side = Side::client();
        side.recovery.set_max_ack_delay(MAX_ACK_DELAY);
        side.recovery.set_handshake_state(true, true, true);
        side
    }

    /// With a window of 100 packets.
    fn wide() -> Side {
        let mut side =
            Side::new(&RecoverySettings { initial_window_packets: 100, ..RecoverySettings::default() });
        side.recovery.set_handshake_state(true, true, true);
        side
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    fn packet(&self) -> Sent {
        Sent { time: self.now, size: DATAGRAM, ack_eliciting: true, in_flight: true, ecn: false, path: 0 }
    }

    fn quiet(&self) -> Sent {
        Sent { ack_eliciting: false, in_flight: false, ..self.packet() }
    }

    fn send(&mut self, space: Space, numbers: RangeInclusive<u64>) {
        for number in numbers {
            self.recovery.on_sent(space, number, self.packet(), &[number]);
        }
    }

    fn ack(&mut self, space: Space, ranges: &[RangeInclusive<u64>]) -> Acked {
        self.ack_with(space, ranges, Duration::ZERO, None).unwrap()
    }

    fn ack_with(
        &mut self,
        space: Space,
        ranges: &[RangeInclusive<u64>],
        delay: Duration,
        ecn: Option<EcnCounts>,
    ) -> Result<Acked, RecoveryError> {
        let ranges = ranges.iter().cloned();
        self.recovery.on_ack(self.now, space, ranges, delay, ecn, &mut self.acked, &mut self.lost)
    }

    fn timeout(&mut self) -> Timeout {
        self.now = self.now.max(self.recovery.deadline().unwrap());
        self.recovery.on_timeout(self.now, &mut self.lost)
    }

    /// Time until the timer.
    fn left(&self) -> Option<Duration> {
        self.recovery.deadline().map(|at| at.saturating_duration_since(self.now))
    }
}

#[test]
fn a_sample_needs_the_largest_newly_acknowledged_and_one_that_asks() {
    let mut side = Side::confirmed();
    side.send(Space::Data, 0..=2);
    side.recovery.on_sent(Space::Data, 3, side.quiet(), &[]);
    side.recovery.on_sent(Space::Data, 4, side.quiet(), &[]);
    side.wait(50 * MS);
    // Only a packet that does not ask: the peer may have waited with it.
    side.ack(Space::Data, &[4..=4]);
    assert_eq!(side.recovery.rtt().first_sample(), None);
    // The largest is known.
    assert_eq!(side.ack(Space::Data, &[4..=4, 2..=2]).newly, 1);
    assert_eq!(side.recovery.rtt().first_sample(), None);
    // The largest does not ask, but another does.
    let mut side = Side::confirmed();
    side.send(Space::Data, 0..=0);
    side.wait(10 * MS);
    side.recovery.on_sent(Space::Data, 1, side.quiet(), &[]);
    side.wait(40 * MS);
    side.ack(Space::Data, &[0..=1]);
    assert_eq!(side.recovery.rtt().latest(), 40 * MS);
}

/// The smoothed time after samples of 100 ms and then 200 ms with this delay.
fn smoothed(space: Space, confirmed: bool, delay: Duration) -> Duration {
    let mut side = Side::confirmed();
    side.recovery.set_handshake_state(true, true, confirmed);
    for (number, time, delay) in [(0, 100 * MS, Duration::ZERO), (1, 200 * MS, delay)] {
        side.send(space, number..=number);
        side.wait(time);
        side.ack_with(space, &[number..=number], delay, None).unwrap();
    }
    side.recovery.rtt().smoothed()
}

#[test]
fn the_peers_delay_counts_by_space_and_up_to_its_word() {
    let whole = Duration::from_micros(112_500);
    assert_eq!(smoothed(Space::Initial, false, 80 * MS), whole);
    assert_eq!(smoothed(Space::Handshake, false, 80 * MS), whole - 10 * MS);
    assert_eq!(smoothed(Space::Data, false, 80 * MS), whole - 10 * MS);
    assert_eq!(smoothed(Space::Data, true, 80 * MS), whole - MAX_ACK_DELAY / 8);
    assert_eq!(smoothed(Space::Data, true, 16 * MS), whole - 2 * MS);
}

#[test]
fn the_probe_timeout_doubles_and_an_acknowledgement_ends_that() {
    let mut side = Side::confirmed();
    side.send(Space::Data, 0..=0);
    side.wait(100 * MS);
    side.ack(Space::Data, &[0..=0]);
    assert_eq!(side.recovery.deadline(), None);
    let first = 100 * MS + 4 * 50 * MS + MAX_ACK_DELAY;
    for backoff in 0..3 {
        side.send(Space::Data, backoff + 1..=backoff + 1);
        assert_eq!(side.left(), Some(first * (1 << backoff)));
        assert_eq!(side.recovery.on_timeout(side.now, &mut Vec::new()), Timeout::Nothing);
        assert_eq!(side.timeout(), Timeout::Probe { space: Space::Data, count: 2 });
    }
    assert_eq!(side.recovery.stats().probe_timeouts, 3);
    assert_eq!(side.recovery.stats().lost, 0);
    side.send(Space::Data, 4..=4);
    // Only the last: its sample is the newest one.
    side.ack(Space::Data, &[2..=2]);
    assert_eq!(side.left(), Some(side.recovery.probe_timeout()));
}

#[test]
fn a_probe_has_what_is_oldest_to_carry() {
    let mut side = Side::client();
    side.send(Space::Initial, 0..=2);
    assert_eq!(side.timeout(), Timeout::Probe { space: Space::Initial, count: 2 });
    assert_eq!(side.lost, [0, 1]);
    assert_eq!((side.recovery.in_flight(), side.recovery.stats().lost), (3 * u64::from(DATAGRAM), 0));
    side.send(Space::Initial, 3..=4);
    side.timeout();
    assert_eq!(side.lost, [0, 1, 2, 3]);
    // The first ones did arrive; what they carried is in later packets by now.
    side.ack(Space::Initial, &[0..=4]);
    assert_eq!((side.acked.as_slice(), side.recovery.in_flight()), ([4].as_slice(), 0));
}

#[test]
fn a_client_keeps_the_backoff_until_the_server_knows_its_address() {
    let mut side = Side::client();
    side.send(Space::Initial, 0..=0);
    assert_eq!(side.left(), Some(999 * MS));
    side.timeout();
    side.send(Space::Initial, 1..=1);
    side.wait(100 * MS);
    side.ack(Space::Initial, &[1..=1]);
    side.send(Space::Initial, 2..=2);
    assert_eq!(side.left(), Some(2 * 300 * MS));
    side.recovery.set_handshake_state(true, true, false);
    side.wait(100 * MS);
    side.ack(Space::Initial, &[2..=2]);
    side.send(Space::Initial, 3..=3);
    assert!(side.left().unwrap() < 300 * MS);
}

#[test]
fn data_has_no_probe_timeout_before_the_handshake_is_confirmed() {
    let mut side = Side::client();
    side.recovery.set_handshake_state(true, true, false);
    side.send(Space::Data, 0..=0);
    assert_eq!(side.recovery.deadline(), None);
    side.send(Space::Handshake, 0..=0);
    assert_eq!(side.timeout(), Timeout::Probe { space: Space::Handshake, count: 2 });
    side.recovery.discard(Space::Handshake);
    side.recovery.set_handshake_state(true, true, true);
    assert_eq!(side.timeout(), Timeout::Probe { space: Space::Data, count: 2 });
}

#[test]
fn the_earliest_space_is_probed() {
    let mut side = Side::client();
    side.send(Space::Initial, 0..=0);
    side.wait(10 * MS);
    side.send(Space::Handshake, 0..=0);
    assert_eq!(side.left(), Some(989 * MS));
    assert_eq!(side.timeout(), Timeout::Probe { space: Space::Initial, count: 2 });
}

#[test]
fn losses_are_found_space_by_space_and_their_timer_comes_first() {
    let mut side = Side::confirmed();
    side.send(Space::Initial, 0..=0);
    side.send(Space::Handshake, 0..=4);
    side.wait(80 * MS);
    side.ack(Space::Handshake, &[2..=2]);
    // Nothing says anything of Initial packets; Handshake packets are due 9/8 of a round trip after they went.
    assert!(side.lost.is_empty());
    assert_eq!(side.left(), Some(10 * MS));
    assert_eq!(side.timeout(), Timeout::Lost);
    assert_eq!(side.lost, [0, 1]);
    assert!(matches!(side.timeout(), Timeout::Probe { space: Space::Initial, .. }));
}

#[test]
fn a_client_with_nothing_in_flight_still_probes() {
    let mut side = Side::client();
    side.send(Space::Initial, 0..=0);
    side.wait(100 * MS);
    side.ack(Space::Initial, &[0..=0]);
    assert_eq!(side.left(), Some(300 * MS));
    assert_eq!(side.timeout(), Timeout::Probe { space: Space::Initial, count: 1 });
    side.recovery.set_handshake_state(true, false, false);
    assert_eq!(side.left(), Some(600 * MS));
    assert_eq!(side.timeout(), Timeout::Probe { space: Space::Handshake, count: 1 });
    // 0-RTT packets in flight have no timeout of their own.
    side.send(Space::Data, 0..=0);
    assert_eq!(side.timeout(), Timeout::Probe { space: Space::Handshake, count: 1 });
    side.recovery.set_handshake_state(true, true, false);
    assert_eq!(side.recovery.deadline(), None);
}

#[test]
fn at_the_amplification_limit_only_losses_have_a_timer() {
    let mut side = Side::client();
    side.recovery.set_handshake_state(true, true, false);
    side.send(Space::Initial, 0..=1);
    side.recovery.set_amplification_limited(true);
    assert_eq!(side.recovery.deadline(), None);
    side.wait(5000 * MS);
    assert_eq!(side.recovery.on_timeout(side.now, &mut Vec::new()), Timeout::Nothing);
    side.recovery.set_amplification_limited(false);
    assert_eq!(side.left(), Some(Duration::ZERO));
    assert!(matches!(side.timeout(), Timeout::Probe { .. }));
    side.recovery.set_amplification_limited(true);
    side.ack(Space::Initial, &[1..=1]);
    assert!(side.recovery.deadline().is_some());
    assert_eq!(side.timeout(), Timeout::Lost);
}

#[test]
fn congestion_counts_once_for_what_was_on_its_way() {
    let mut side = Side::wide();
    side.send(Space::Data, 0..=99);
    side.wait(100 * MS);
    let window = side.recovery.window();
    assert!(side.ack(Space::Data, &[4..=10]).congestion);
    // What the same frame acknowledges makes nothing grow.
    let reduced = side.recovery.window();
    assert_eq!(reduced, window * 7 / 10);
    assert_eq!(side.lost, [0, 1, 2, 3]);
    side.wait(MS);
    side.send(Space::Data, 100..=110);
    // More of the same flight.
    assert!(!side.ack(Space::Data, &[20..=20]).congestion);
    assert_eq!(side.recovery.window(), reduced);
    side.wait(100 * MS);
    side.ack(Space::Data, &[21..=99]);
    assert_eq!(side.recovery.window(), reduced);
    // Of the next one.
    assert!(side.ack(Space::Data, &[110..=110]).congestion);
    assert!(side.recovery.window() < reduced);
    assert_eq!(side.recovery.stats().congestion_events, 2);
}

#[test]
fn what_went_before_the_reduction_makes_nothing_grow() {
    let mut side = Side::new(&RecoverySettings {
        initial_window_packets: 100,
        congestion: CongestionControl::NewReno,
        ..RecoverySettings::default()
    });
    side.send(Space::Data, 0..=99);
    side.wait(100 * MS);
    side.ack(Space::Data, &[4..=10]);
    side.wait(MS);
    side.send(Space::Data, 100..=110);
    side.wait(100 * MS);
    // 89 packets of before, which are more than the window, and one of after.
    side.ack(Space::Data, &[11..=100]);
    assert_eq!(side.recovery.window(), 60_000);
}

#[test]
fn a_pause_is_not_time_in_which_the_window_could_have_grown() {
    let mut side = Side::wide();
    side.send(Space::Data, 0..=99);
    side.wait(100 * MS);
    side.ack(Space::Data, &[4..=99]);
    let mut next = 100;
    let mut round = |side: &mut Side| {
        let before = side.recovery.window();
        let last = next + before / u64::from(DATAGRAM) - 1;
        side.wait(MS);
        side.send(Space::Data, next..=last);
        side.wait(100 * MS);
        side.ack(Space::Data, &[next..=last]);
        next = last + 1;
        side.recovery.window() - before
    };
    for _ in 0..20 {
        round(&mut side);
    }
    let before = round(&mut side);
    assert!(before > 0);
    side.wait(60_000 * MS);
    assert!(round(&mut side) <= before);
}

/// Packets 1 to 5 are lost, the first of them so long before the others.
fn silence(time: Duration) -> Side {
    let mut side = Side::wide();
    side.send(Space::Data, 0..=0);
    side.wait(100 * MS);
    side.ack(Space::Data, &[0..=0]);
    side.wait(MS);
    side.send(Space::Data, 1..=1);
    side.wait(time);
    side.send(Space::Data, 2..=8);
    side.wait(150 * MS);
    side.ack(Space::Data, &[8..=8]);
    assert_eq!(side.lost, [1, 2, 3, 4, 5]);
    side
}

#[test]
fn long_silence_collapses_the_window() {
    // With the sample that the acknowledgement itself is: three times 106.25 + 4 * 50 + 25 ms.
    let side = silence(994 * MS);
    assert_eq!(side.recovery.stats().persistent_congestion, 1);
    // What arrived counts for growth again.
    assert_eq!(side.recovery.window(), 3 * u64::from(DATAGRAM));
    assert_eq!(side.recovery.rtt().min(), 150 * MS);
    let side = silence(993 * MS);
    assert_eq!(side.recovery.stats().persistent_congestion, 0);
    assert!(side.recovery.window() > 3 * u64::from(DATAGRAM));
    assert_eq!(side.recovery.rtt().min(), 100 * MS);
}

#[test]
fn a_window_that_is_not_used_does_not_grow() {
    let mut side = Side::confirmed();
    let window = side.recovery.window();
    for round in 0..20u64 {
        side.send(Space::Data, round * 4..=round * 4 + 3);
        side.wait(50 * MS);
        side.ack(Space::Data, &[round * 4..=round * 4 + 3]);
    }
    assert_eq!(side.recovery.window(), window);
    // Five of ten are enough while it doubles.
    side.send(Space::Data, 80..=84);
    side.wait(50 * MS);
    side.ack(Space::Data, &[80..=84]);
    assert_eq!(side.recovery.window(), window + 5 * u64::from(DATAGRAM));
}

#[test]
fn lost_packets_that_arrive_are_noticed() {
    let mut side = Side::wide();
    side.send(Space::Data, 0..=20);
    side.wait(50 * MS);
    side.ack(Space::Data, &[10..=10]);
    assert_eq!(side.lost.len(), 8);
    let flight = side.recovery.in_flight();
    assert_eq!(side.recovery.window(), 84_000);
    let acked = side.ack(Space::Data, &[0..=10]);
    // There was no congestion, so the window is back. It does not grow, since a fifth of it was in use.
    assert_eq!(side.recovery.window(), 120_000);
    assert_eq!(acked.newly, 2);
    assert_eq!(side.recovery.stats().spurious, 8);
    assert_eq!(side.acked, [10, 8, 9]);
    assert_eq!(side.recovery.in_flight(), flight - 2 * u64::from(DATAGRAM));
    // Nothing is lost now for being ten packets behind.
    side.ack(Space::Data, &[20..=20, 0..=10]);
    assert_eq!(side.lost.len(), 8);
}

#[test]
fn marks_are_congestion_once_in_a_round_trip() {
    let mut side = Side::wide();
    let send = |side: &mut Side, numbers: RangeInclusive<u64>| {
        for number in numbers {
            side.recovery.on_sent(Space::Data, number, Sent { ecn: true, ..side.packet() }, &[number]);
        }
    };
    let counts = |ect0, ce| Some(EcnCounts { ect0, ect1: 0, ce });
    send(&mut side, 0..=19);
    side.wait(50 * MS);
    assert!(side.ack_with(Space::Data, &[0..=9], Duration::ZERO, counts(9, 1)).unwrap().congestion);
    let window = side.recovery.window();
    send(&mut side, 20..=29);
    assert!(!side.ack_with(Space::Data, &[0..=19], Duration::ZERO, counts(10, 10)).unwrap().congestion);
    assert_eq!(side.recovery.window(), window);
    side.wait(50 * MS);
    send(&mut side, 30..=39);
    side.wait(50 * MS);
    assert!(side.ack_with(Space::Data, &[0..=39], Duration::ZERO, counts(20, 20)).unwrap().congestion);
    assert_eq!((side.recovery.stats().congestion_events, side.recovery.stats().ecn_events), (2, 2));
    assert!(side.lost.is_empty() && side.recovery.ecn());
    // Counts that go back.
    send(&mut side, 40..=40);
    let acked = side.ack_with(Space::Data, &[40..=40], Duration::ZERO, counts(21, 19)).unwrap();
    assert!(acked.ecn_failed && !acked.congestion && !side.recovery.ecn());
}

#[test]
fn a_handshake_without_answer_goes_on_without_marks() {
    let send = |side: &mut Side, number| {
        let ecn = side.recovery.ecn();
        side.recovery.on_sent(Space::Initial, number, Sent { ecn, ..side.packet() }, &[number]);
    };
    let mut side = Side::client();
    send(&mut side, 0);
    side.timeout();
    assert!(side.recovery.ecn());
    send(&mut side, 1);
    side.timeout();
    assert!(!side.recovery.ecn());
    // Another path may be better.
    side.recovery.on_path_changed(side.now, 1, true);
    assert!(side.recovery.ecn());

    let mut proven = Side::client();
    send(&mut proven, 0);
    let counts = Some(EcnCounts { ect0: 1, ect1: 0, ce: 0 });
    proven.ack_with(Space::Initial, &[0..=0], Duration::ZERO, counts).unwrap();
    for _ in 0..3 {
        proven.timeout();
    }
    assert!(proven.recovery.ecn());
}

#[test]
fn acknowledging_the_unsent_is_an_error_that_changes_nothing() {
    let mut side = Side::confirmed();
    side.send(Space::Data, 0..=3);
    for largest in [4, 5, u64::MAX] {
        let error = side.ack_with(Space::Data, &[0..=largest], Duration::ZERO, None);
        assert_eq!(error, Err(RecoveryError::AckOfUnsent { number: largest }));
    }
    assert!(side.ack_with(Space::Initial, &[0..=0], Duration::ZERO, None).is_err());
    assert_eq!(side.recovery.in_flight(), 4 * u64::from(DATAGRAM));
    assert_eq!(side.ack(Space::Data, &[0..=3]).newly, 4);
}

#[test]
fn acknowledging_a_number_left_out_is_an_error_even_when_it_is_long_ago() {
    let mut side = Side::confirmed();
    let mut entropy = Entropy::new(&[3; 32]);
    let mut left_out = Vec::new();
    let mut next = 0;
    while left_out.len() < 3 {
        let number = side.recovery.next_number(Space::Data, &mut entropy);
        left_out.extend(next..number);
        next = number + 1;
        side.send(Space::Data, number..=number);
        side.wait(MS);
        side.ack(Space::Data, &[number..=number]);
    }
    let before = left_out[0];
    assert!(side.ack_with(Space::Data, &[next - 1..=next - 1, 0..=before - 1], Duration::ZERO, None).is_ok());
    for &number in &left_out {
        let error = side.ack_with(Space::Data, &[next - 1..=next - 1, 0..=number], Duration::ZERO, None);
        assert_eq!(error, Err(RecoveryError::AckOfUnsent { number: before }));
        let error = side.ack_with(Space::Data, &[number..=next - 1], Duration::ZERO, None);
        assert!(error.is_err());
    }
}

#[test]
fn a_discarded_space_leaves_the_flight_silently() {
    let mut side = Side::client();
    side.send(Space::Initial, 0..=4);
    side.send(Space::Handshake, 0..=0);
    side.timeout();
    side.recovery.discard(Space::Initial);
    assert_eq!(side.recovery.in_flight(), u64::from(DATAGRAM));
    assert_eq!(side.left(), Some(Duration::ZERO));
    side.timeout();
    // Only the first time: the backoff stays now.
    side.recovery.discard(Space::Initial);
    assert_eq!(side.left(), Some(999 * MS));
    assert_eq!(side.ack(Space::Initial, &[0..=4]), Acked::default());
    side.recovery.on_sent(Space::Initial, 5, side.packet(), &[5]);
    assert_eq!(side.recovery.in_flight(), u64::from(DATAGRAM));
    // What the probes are to carry, and no more.
    assert_eq!((side.acked.len(), side.lost.as_slice()), (0, [0, 1, 0].as_slice()));
    assert_eq!((side.recovery.stats().lost, side.recovery.stats().congestion_events), (0, 0));
}

#[test]
fn losing_all_is_no_congestion() {
    let mut side = Side::confirmed();
    let window = side.recovery.window();
    side.send(Space::Data, 0..=4);
    let mut lost = Vec::new();
    side.recovery.lose_all(Space::Data, &mut lost);
    assert_eq!(lost, [0, 1, 2, 3, 4]);
    assert_eq!((side.recovery.in_flight(), side.recovery.window()), (0, window));
    assert_eq!(side.recovery.deadline(), None);
    side.send(Space::Data, 5..=5);
    assert_eq!(side.ack(Space::Data, &[0..=5]).newly, 1);
}

#[test]
fn packets_of_an_old_path_touch_neither_time_nor_window() {
    let mut side = Side::wide();
    side.send(Space::Data, 0..=9);
    side.wait(50 * MS);
    side.ack(Space::Data, &[0..=3]);
    let initial = RecoverySettings::default().initial_rtt;
    side.recovery.on_path_changed(side.now, 1, true);
    assert_eq!((side.recovery.in_flight(), side.recovery.rtt().smoothed()), (0, initial));
    let window = side.recovery.window();
    for number in 10..=11 {
        side.recovery.on_sent(Space::Data, number, Sent { path: 1, ..side.packet() }, &[number]);
    }
    assert_eq!(side.ack(Space::Data, &[9..=9]).newly, 1);
    assert_eq!(side.lost, [4, 5, 6]);
    assert_eq!((side.recovery.window(), side.recovery.rtt().first_sample()), (window, None));
    assert_eq!(side.recovery.in_flight(), 2 * u64::from(DATAGRAM));
    side.wait(30 * MS);
    side.ack(Space::Data, &[9..=11]);
    assert_eq!((side.recovery.in_flight(), side.recovery.rtt().latest()), (0, 30 * MS));
}

#[test]
fn another_port_alone_changes_nothing() {
    let mut side = Side::wide();
    side.send(Space::Data, 0..=9);
    side.recovery.on_path_changed(side.now, 1, false);
    side.wait(50 * MS);
    side.ack(Space::Data, &[0..=9]);
    assert_eq!((side.recovery.in_flight(), side.recovery.rtt().latest()), (0, 50 * MS));
}

#[test]
fn a_probe_of_another_path_counts_once_it_is_the_path() {
    let mut side = Side::wide();
    side.recovery.on_sent(Space::Data, 0, Sent { path: 1, ..side.packet() }, &[0]);
    assert_eq!(side.recovery.in_flight(), 0);
    side.recovery.on_path_changed(side.now, 1, true);
    assert_eq!(side.recovery.in_flight(), u64::from(DATAGRAM));
    side.wait(50 * MS);
    side.ack(Space::Data, &[0..=0]);
    assert_eq!((side.recovery.in_flight(), side.recovery.rtt().latest()), (0, 50 * MS));
}

#[test]
fn a_lost_probe_for_larger_datagrams_is_no_congestion() {
    let mut side = Side::wide();
    side.recovery.on_sent(Space::Data, 0, Sent { in_flight: false, size: 1452, ..side.packet() }, &[0]);
    side.send(Space::Data, 1..=3);
    let window = side.recovery.window();
    side.wait(50 * MS);
    assert!(!side.ack(Space::Data, &[1..=3]).congestion);
    assert_eq!((side.lost.as_slice(), side.recovery.window()), ([0].as_slice(), window));
}

#[test]
fn a_peer_that_acknowledges_nothing_makes_no_endless_state() {
    let mut side = Side::confirmed();
    side.send(Space::Data, 0..=0);
    for number in 1..20_000 {
        side.recovery.on_sent(Space::Data, number, side.quiet(), &[number]);
        assert!(side.recovery.spaces.get(Space::Data).sent.len() <= MAX_QUIET as usize + 1);
    }
    // The packet that asked is given up; acknowledgements need no repeating.
    assert_eq!(side.recovery.in_flight(), 0);
    assert_eq!(side.timeout(), Timeout::Lost);
    assert_eq!(side.lost, [0]);
    assert_eq!(side.recovery.deadline(), None);
    assert!(side.recovery.wants_ping(Space::Data));
    side.send(Space::Data, 20_000..=20_000);
    assert!(!side.recovery.wants_ping(Space::Data));
    side.ack(Space::Data, &[20_000..=20_000]);
    // What was given up comes back with an acknowledgement too.
    side.send(Space::Data, 20_001..=20_001);
    for number in 20_002..25_000 {
        side.recovery.on_sent(Space::Data, number, side.quiet(), &[number]);
    }
    side.lost.clear();
    side.ack(Space::Data, &[24_999..=24_999]);
    assert_eq!(side.lost.first(), Some(&20_001));
    // Two packets before it may still arrive.
    assert_eq!(side.recovery.spaces.get(Space::Data).sent.len(), 3);
}

#[test]
fn window_and_pacer_let_go_together() {
    let mut side = Side::wide();
    side.send(Space::Data, 0..=9);
    // 90 packets of window, but the first burst is over.
    assert_eq!(side.recovery.allowance(side.now), 0);
    let next = side.recovery.next_send().unwrap();
    assert!(next > side.now && side.recovery.allowance(next) >= usize::from(DATAGRAM));
    side.wait(10_000 * MS);
    assert_eq!(side.recovery.allowance(side.now), 10 * usize::from(DATAGRAM));
    let mut side = Side::confirmed();
    side.send(Space::Data, 0..=8);
    assert_eq!(side.recovery.allowance(side.now), usize::from(DATAGRAM));
    side.send(Space::Data, 9..=9);
    // Now the window holds back, and no time will help.
    assert_eq!((side.recovery.allowance(side.now), side.recovery.next_send()), (0, None));
}

#[derive(Debug, Clone)]
enum Step {
    Send {
        space: u8,
        frames: usize,
        ask: bool,
        gap: u64,
        path: u8,
    },
    /// Ranges of up to so many numbers, counted from the newest.
    Ack {
        space: u8,
        back: u64,
        runs: Vec<(u64, u64)>,
    },
    Wait(u64),
    LoseAll(u8),
    Path(u8, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3u8, 0..4usize, any::<bool>(), 0..2u64, 0..2u8)
            .prop_map(|(space, frames, ask, gap, path)| Step::Send { space, frames, ask, gap, path }),
        4 => (0..3u8, 0..4u64, prop::collection::vec((0..4u64, 0..3u64), 1..5))
            .prop_map(|(space, back, runs)| Step::Ack { space, back, runs }),
        3 => (1..400u64).prop_map(Step::Wait),
        1 => (0..3u8).prop_map(Step::LoseAll),
        1 => (0..2u8, any::<bool>()).prop_map(|(path, reset)| Step::Path(path, reset)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]
    #[test]
    fn each_frame_comes_back_once(
        steps in prop::collection::vec(step(), 1..200),
        cubic in any::<bool>(),
    ) {
        let congestion = if cubic { CongestionControl::Cubic } else { CongestionControl::NewReno };
        let mut side = Side::new(&RecoverySettings { congestion, ..RecoverySettings::default() });
        side.recovery.set_handshake_state(true, true, true);
        let mut next = [0u64; 3];
        let mut frames = 0u64;
        for step in steps {
            match step {
                Step::Send { space, frames: count, ask, gap, path } => {
                    let number = &mut next[usize::from(space)];
                    *number += gap;
                    let sent = Sent { ack_eliciting: ask, in_flight: ask, path, ..side.packet() };
                    let carried: Vec<u64> = (frames..frames + count as u64).collect();
                    frames += count as u64;
                    side.recovery.on_sent(Space::ALL[usize::from(space)], *number, sent, &carried);
                    *number += 1;
                }
                Step::Ack { space, back, runs } => {
                    let mut ranges = Vec::new();
                    let mut top = next[usize::from(space)].checked_sub(1 + back);
                    for (length, gap) in runs {
                        let Some(end) = top else { break };
                        let start = end.saturating_sub(length);
                        ranges.push(start..=end);
                        top = start.checked_sub(2 + gap);
                    }
                    side.ack(Space::ALL[usize::from(space)], &ranges);
                }
                Step::Wait(time) => {
                    side.wait(Duration::from_millis(time));
                    side.recovery.on_timeout(side.now, &mut side.lost);
                }
                Step::LoseAll(space) => side.recovery.lose_all(Space::ALL[usize::from(space)], &mut side.lost),
                Step::Path(path, reset) => side.recovery.on_path_changed(side.now, path, reset),
            }
        }
        for space in Space::ALL {
            side.recovery.lose_all(space, &mut side.lost);
            prop_assert_eq!(side.recovery.spaces.get(space).sent.len(), 0);
            prop_assert_eq!(side.recovery.spaces.get(space).ack_eliciting, 0);
            prop_assert_eq!(side.recovery.spaces.get(space).quiet, 0);
        }
        prop_assert_eq!(side.recovery.in_flight(), 0);
        prop_assert_eq!(side.recovery.deadline(), None);
        let mut all = [side.acked, side.lost].concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..frames).collect::<Vec<_>>());
    }
}
