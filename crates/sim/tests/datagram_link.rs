//! What a datagram link promises: whole datagrams, never early, lost, repeated and changed as often as asked.

use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;
use wirelace_sim::{Clock, DatagramLink, DatagramSettings};

/// The number that a datagram starts with, and filler.
fn datagram(number: u32, len: usize) -> Bytes {
    let mut octets = number.to_be_bytes().to_vec();
    octets.resize(len.max(4), 7);
    octets.into()
}

/// Sends `count` datagrams, one a millisecond, and returns what arrives with its time.
fn transfer(seed: u64, settings: DatagramSettings, count: u32) -> (Vec<(Duration, Bytes)>, DatagramLink) {
    let mut clock = Clock::new();
    let mut link = DatagramLink::new(seed, settings);
    let mut received = Vec::new();
    for number in 0..count {
        clock.advance(Duration::from_millis(1));
        link.send(clock.now(), datagram(number, 20));
        while let Some(datagram) = link.receive(clock.now()) {
            received.push((clock.elapsed(), datagram));
        }
    }
    while let Some(at) = link.next_at() {
        clock.advance_to(at);
        let datagram = link.receive(clock.now()).expect("it has arrived");
        received.push((clock.elapsed(), datagram));
    }
    assert_eq!(link.in_flight(), 0);
    (received, link)
}

fn number(datagram: &Bytes) -> u32 {
    u32::from_be_bytes(*datagram.first_chunk().unwrap())
}

fn bits(one: &[u8], other: &[u8]) -> u32 {
    one.iter().zip(other).map(|(one, other)| (one ^ other).count_ones()).sum()
}

#[test]
fn ideal_is_at_once_and_in_order() {
    let now = Instant::now();
    let mut link = DatagramLink::new(1, DatagramSettings::ideal());
    for number in 0..100 {
        link.send(now, datagram(number, 4));
    }
    link.send(now, Bytes::new());
    for expected in 0..100 {
        assert_eq!(link.next_at(), Some(now));
        assert_eq!(link.receive(now), Some(datagram(expected, 4)));
    }
    assert_eq!((link.receive(now), link.receive(now), link.next_at()), (Some(Bytes::new()), None, None));
}

#[test]
fn what_is_delayed_arrives_later_and_in_another_order() {
    let delay = Duration::from_millis(5)..=Duration::from_millis(30);
    let settings = DatagramSettings { delay: delay.clone(), ..DatagramSettings::default() };
    let (received, _) = transfer(2, settings, 1000);
    for (at, datagram) in &received {
        let sent = Duration::from_millis(u64::from(number(datagram)) + 1);
        // The sender looks once a millisecond.
        assert!(*at >= sent + *delay.start() && *at <= sent + *delay.end() + Duration::from_millis(1));
    }
    let mut numbers: Vec<u32> = received.iter().map(|(_, datagram)| number(datagram)).collect();
    assert!(!numbers.is_sorted());
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..1000));
}

#[test]
fn never_early() {
    let now = Instant::now();
    let delay = Duration::from_millis(10)..=Duration::from_millis(10);
    let mut link = DatagramLink::new(3, DatagramSettings { delay, ..DatagramSettings::default() });
    link.send(now, datagram(0, 4));
    let at = now + Duration::from_millis(10);
    assert_eq!((link.next_at(), link.receive(at - Duration::from_nanos(1))), (Some(at), None));
    assert!(link.receive(at).is_some());
}

#[test]
fn shares_are_about_as_asked() {
    let settings = DatagramSettings { loss: 30, duplication: 20, corruption: 10, ..Default::default() };
    let (received, link) = transfer(4, settings, 10_000);
    let counts = link.counts();
    assert_eq!(counts.sent, 10_000);
    assert!((2800..3200).contains(&counts.lost), "{counts:?}");
    assert!((1250..1550).contains(&counts.duplicated), "{counts:?}");
    assert!((740..940).contains(&counts.corrupted), "{counts:?}");
    assert_eq!(counts.delivered, counts.sent - counts.lost + counts.duplicated);
    assert_eq!(received.len() as u64, counts.delivered);
}

#[test]
fn all_and_nothing() {
    let all = DatagramSettings { loss: 100, ..DatagramSettings::default() };
    assert_eq!(transfer(5, all, 100).0, []);
    let twice = DatagramSettings { duplication: 100, ..DatagramSettings::default() };
    let mut numbers: Vec<u32> =
        transfer(5, twice, 100).0.iter().map(|(_, datagram)| number(datagram)).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq((0..100).flat_map(|number| [number, number])));
}

#[test]
fn corrupted_copies_differ_in_one_to_three_bits() {
    let settings = DatagramSettings { corruption: 100, ..DatagramSettings::ideal() };
    let mut link = DatagramLink::new(6, settings);
    let now = Instant::now();
    let original = datagram(7, 40);
    let mut seen = [0; 4];
    for _ in 0..1000 {
        link.send(now, original.clone());
        let received = link.receive(now).unwrap();
        assert_eq!(received.len(), original.len());
        seen[bits(&received, &original) as usize] += 1;
    }
    assert!(seen[0] == 0 && seen[1..].iter().all(|&count| count > 200), "{seen:?}");
    link.send(now, Bytes::new());
    assert_eq!(link.receive(now), Some(Bytes::new()));
}

#[test]
fn the_mtu_counts_octets() {
    let now = Instant::now();
    let mut link = DatagramLink::new(7, DatagramSettings { mtu: 100, ..DatagramSettings::ideal() });
    link.send(now, datagram(0, 101));
    link.send(now, datagram(1, 100));
    assert_eq!((link.receive(now), link.receive(now)), (Some(datagram(1, 100)), None));
    assert_eq!((link.counts().too_long, link.counts().lost), (1, 0));
}

#[test]
fn a_change_leaves_alone_what_is_on_its_way() {
    let now = Instant::now();
    let mut link = DatagramLink::new(8, DatagramSettings::ideal());
    link.send(now, datagram(0, 4));
    link.change(DatagramSettings { loss: 100, ..DatagramSettings::ideal() });
    link.send(now, datagram(1, 4));
    assert_eq!((link.receive(now), link.receive(now)), (Some(datagram(0, 4)), None));
}

proptest! {
    #[test]
    fn seeds_decide(seed: u64, loss in 0u8..=100, duplication in 0u8..=100, corruption in 0u8..=100) {
        let settings = DatagramSettings { loss, duplication, corruption, ..DatagramSettings::default() };
        let (one, _) = transfer(seed, settings.clone(), 50);
        let (other, link) = transfer(seed, settings, 50);
        prop_assert_eq!(&one, &other);
        let counts = link.counts();
        prop_assert_eq!(counts.delivered, counts.sent - counts.lost + counts.duplicated);
    }
}
