//! Packet numbers, spaces, paths, and peers that acknowledge wrong things or nothing.

use super::super::*;
use super::*;

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
