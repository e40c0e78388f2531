//! What the window makes of losses, marks and pauses.

use super::super::*;
use super::*;

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
