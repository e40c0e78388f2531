//! Round trips, probes and the one timer.

use super::super::*;
use super::*;

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
