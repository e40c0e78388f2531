//! What a packet link promises: the rate, the queue, marks, faults as often as asked, and nothing unaccounted for.

use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;
use wirelace_sim::{
    Backlog, BlackHole, Blackouts, DatagramSettings, Ecn, EcnPath, Fate, Faults, Link, LinkSettings, Marking,
    Packet,
};

/// Fills the line for a millisecond at 10 Mbit/s, with 28 octets of headers.
const MILLISECOND: usize = 1222;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn packet(number: u32, len: usize, ecn: Ecn) -> Packet {
    let mut octets = number.to_be_bytes().to_vec();
    octets.resize(len.max(4), 7);
    Packet {
        source: "10.0.0.1:5000".parse().unwrap(),
        destination: "10.0.0.2:443".parse().unwrap(),
        ecn,
        data: octets.into(),
    }
}

fn number(packet: &Packet) -> u32 {
    u32::from_be_bytes(*packet.data.first_chunk().unwrap())
}

/// All that still arrives, with the time since `start`.
fn drain(link: &mut Link, start: Instant) -> Vec<(Duration, Packet)> {
    let mut received = Vec::new();
    while let Some(at) = link.next_at() {
        received.push((at - start, link.receive(at).expect("it has arrived")));
    }
    assert_eq!(link.in_flight(), 0);
    received
}

/// Sends `count` packets of `len` octets, one each `gap`, and returns what arrives.
fn transfer(
    seed: u64,
    settings: LinkSettings,
    count: u32,
    len: usize,
    gap: Duration,
) -> (Vec<(Duration, Packet)>, Link) {
    let start = Instant::now();
    let mut link = Link::new(seed, settings, start);
    for sent in 0..count {
        link.send(start + gap * sent, packet(sent, len, Ecn::NotEct));
    }
    (drain(&mut link, start), link)
}

fn numbers(received: &[(Duration, Packet)]) -> Vec<u32> {
    received.iter().map(|(_, packet)| number(packet)).collect()
}

#[test]
fn the_default_delivers_at_once_and_in_order() {
    let (received, _) = transfer(1, LinkSettings::default(), 100, 20, Duration::ZERO);
    assert!(numbers(&received).into_iter().eq(0..100));
    assert!(received.iter().all(|(at, _)| at.is_zero()));
}

#[test]
fn the_line_has_its_rate() {
    let settings = LinkSettings { queue: Backlog::UNBOUNDED, ..LinkSettings::interop() };
    let (received, _) = transfer(1, settings.clone(), 1000, MILLISECOND, Duration::ZERO);
    for (sent, (at, packet)) in (0..).zip(&received) {
        assert_eq!((*at, number(packet)), (ms(u64::from(sent) + 1 + 15), sent));
    }
    assert_eq!(received.len(), 1000);
    // Odd sizes and rates: within a nanosecond each.
    for rate in [9_999_991, 56_000, 1_000_000_007, 100_000_000_000] {
        let settings = LinkSettings { rate: Some(rate), delay: Duration::ZERO, ..settings.clone() };
        let (received, _) = transfer(1, settings, 1000, 333, Duration::ZERO);
        let expected = 1000.0 * (333.0 + 28.0) * 8.0 / rate as f64;
        let took = received.last().unwrap().0.as_secs_f64();
        assert!(took >= expected - 1e-9 && took <= expected + 1e-6 + 1e-9, "{took} {expected}");
    }
}

#[test]
fn a_full_queue_drops_what_comes_last() {
    let start = Instant::now();
    let mut link = Link::new(1, LinkSettings::interop(), start);
    let fates: Vec<Fate> =
        (0..30).map(|sent| link.send(start, packet(sent, MILLISECOND, Ecn::Ect0))).collect();
    // One is on the line, 25 wait.
    assert!(fates[..26].iter().all(|fate| *fate == Fate::Travels));
    assert!(fates[26..].iter().all(|fate| *fate == Fate::QueueFull));
    assert_eq!(link.queued(start), 25);
    assert_eq!(link.queued(start + ms(1)), 24);
    // There is room for one more each millisecond.
    assert_eq!(link.send(start + ms(1), packet(30, MILLISECOND, Ecn::NotEct)), Fate::Travels);
    assert_eq!(link.send(start + ms(1), packet(31, MILLISECOND, Ecn::NotEct)), Fate::QueueFull);
    let received = drain(&mut link, start);
    assert_eq!(received.last().map(|(at, packet)| (*at, number(packet))), Some((ms(27 + 15), 30)));
    let counts = link.counts();
    assert_eq!((counts.travelling, counts.queue_full, counts.longest_queue), (27, 5, 25));
}

#[test]
fn a_queue_may_be_measured_in_octets() {
    let settings = LinkSettings { queue: Backlog::Octets(3000), ..LinkSettings::interop() };
    let start = Instant::now();
    let mut link = Link::new(1, settings, start);
    let fates: Vec<Fate> = [1222, 1222, 1222, 1222, 472]
        .iter()
        .map(|len| link.send(start, packet(0, *len, Ecn::Ect0)))
        .collect();
    use Fate::{QueueFull, Travels};
    assert_eq!(fates, [Travels, Travels, Travels, QueueFull, Travels]);
}

#[test]
fn marks_are_for_the_capable_only() {
    for drops_others in [false, true] {
        let marking = Some(Marking { above: Backlog::Packets(5), drops_others });
        let settings = LinkSettings { marking, ..LinkSettings::interop() };
        let start = Instant::now();
        let mut link = Link::new(1, settings, start);
        let all = [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce];
        let mut expected = Vec::new();
        for sent in 0..20 {
            let ecn = all[sent as usize % 4];
            let above = sent >= 6; // one on the line, five wait
            let fate = link.send(start, packet(sent, MILLISECOND, ecn));
            if above && drops_others && ecn == Ecn::NotEct {
                assert_eq!(fate, Fate::QueueFull);
                continue;
            }
            assert_eq!(fate, Fate::Travels);
            expected.push(if above && ecn.is_capable() { Ecn::Ce } else { ecn });
        }
        let received: Vec<Ecn> = drain(&mut link, start).iter().map(|(_, packet)| packet.ecn).collect();
        assert_eq!(received, expected);
        // Of 14 above the mark, numbers 8, 12 and 16 are not capable and 7, 11, 15 and 19 are marked already.
        assert_eq!(link.counts().marked, 7);
    }
}

#[test]
fn paths_may_treat_ecn_badly() {
    use Ecn::{Ce, Ect0, Ect1, NotEct};
    for (ecn, expected) in [
        (EcnPath::Keeps, [NotEct, Ect0, Ect1, Ce]),
        (EcnPath::Clears, [NotEct; 4]),
        (EcnPath::Swaps, [NotEct, Ect1, Ect0, Ce]),
        (EcnPath::MarksAll, [NotEct, Ce, Ce, Ce]),
    ] {
        let start = Instant::now();
        let mut link = Link::new(1, LinkSettings { ecn, ..LinkSettings::default() }, start);
        for sent in [NotEct, Ect0, Ect1, Ce] {
            link.send(start, packet(0, 4, sent));
        }
        let received: Vec<Ecn> = drain(&mut link, start).iter().map(|(_, packet)| packet.ecn).collect();
        assert_eq!(received, expected, "{ecn:?}");
    }
}

#[test]
fn the_mtu_may_shrink() {
    let settings = LinkSettings {
        mtu: 1400,
        black_hole: Some(BlackHole { from: ms(100), mtu: 1200 }),
        ..LinkSettings::default()
    };
    let start = Instant::now();
    let mut link = Link::new(1, settings, start);
    for (at, len, fate) in [
        (0, 1401, Fate::TooLong),
        (0, 1400, Fate::Travels),
        (99, 1400, Fate::Travels),
        (100, 1201, Fate::TooLong),
        (100, 1200, Fate::Travels),
    ] {
        assert_eq!(link.send(start + ms(at), packet(0, len, Ecn::NotEct)), fate, "{at} {len}");
    }
    assert_eq!(link.counts().too_long, 2);
}

#[test]
fn blackouts_take_what_leaves_the_line_in_them() {
    let settings = LinkSettings {
        blackouts: Blackouts::At(vec![ms(3)..ms(5), ms(7)..ms(8)]),
        ..LinkSettings::interop()
    };
    // They leave the line after 1, 2, 3, … ms.
    let (received, link) = transfer(1, settings, 10, MILLISECOND, Duration::ZERO);
    assert_eq!(numbers(&received), [0, 1, 4, 5, 7, 8, 9]);
    assert_eq!(link.counts().blackout, 3);
    let (received, _) = transfer(1, LinkSettings::interop_blackhole(), 1400, 20, ms(10));
    assert!(received.iter().all(|(at, _)| (*at - ms(15)).as_millis() % 7000 < 5000));
    assert!((999..=1001).contains(&received.len()), "{}", received.len());
}

#[test]
fn named_packets_are_dropped() {
    let (received, link) = transfer(1, LinkSettings::interop_amplificationlimit(), 10, 1200, ms(10));
    // The first has the number 1 there, 0 here.
    assert_eq!(numbers(&received), [0, 7, 8, 9]);
    assert_eq!((link.counts().listed, link.counts().lost), (6, 0));
}

#[test]
fn jitter_reorders_where_it_may() {
    let settings = LinkSettings { delay: ms(10), jitter: ms(30), ..LinkSettings::default() };
    let (received, link) = transfer(1, settings.clone(), 1000, 20, ms(1));
    assert!(numbers(&received).into_iter().eq(0..1000));
    assert_eq!(link.counts().overtaken, 0);
    let spread = |received: &[(Duration, Packet)]| {
        let delays: Vec<Duration> =
            received.iter().map(|(at, packet)| *at - ms(number(packet).into())).collect();
        (*delays.iter().min().unwrap(), *delays.iter().max().unwrap())
    };
    let (least, most) = spread(&received);
    assert!(least >= ms(10) && most <= ms(40) && most > ms(38), "{least:?} {most:?}");

    let (received, link) = transfer(1, LinkSettings { reorders: true, ..settings }, 1000, 20, ms(1));
    let mut order = numbers(&received);
    assert!(!order.is_sorted() && link.counts().overtaken > 500);
    order.sort_unstable();
    assert!(order.into_iter().eq(0..1000));
    let (least, most) = spread(&received);
    assert!(least >= ms(10) && least < ms(11) && most <= ms(40) && most > ms(39), "{least:?} {most:?}");
}

#[test]
fn loss_is_as_often_as_asked_over_many_seeds() {
    let mut total = 0;
    for seed in 0..200 {
        let (received, link) = transfer(seed, LinkSettings::interop_transferloss(), 1000, 20, ms(1));
        let lost = link.counts().lost;
        // Six standard deviations.
        assert!(lost <= 20 + 27, "{lost}");
        assert_eq!(received.len() as u64, 1000 - lost);
        total += lost;
    }
    assert!((3700..4300).contains(&total), "{total}");
}

#[test]
fn bursts_of_loss_are_capped() {
    let mut total = 0;
    let mut longest = 0;
    for seed in 0..100 {
        let (received, link) = transfer(seed, LinkSettings::interop_handshakeloss(), 1000, 20, ms(1));
        let received = numbers(&received);
        for pair in received.windows(2) {
            longest = longest.max(pair[1] - pair[0] - 1);
        }
        total += link.counts().lost;
    }
    assert_eq!(longest, 3);
    // 29.43 % of 100 000.
    assert!((28_800..30_100).contains(&total), "{total}");
}

#[test]
fn copies_are_changed_and_cut_short() {
    let settings = LinkSettings {
        duplication: Faults::percent(50),
        corruption: Faults::percent(30).at_most_in_a_row(3),
        truncation: Faults::percent(20),
        ..LinkSettings::default()
    };
    let (received, link) = transfer(1, settings, 10_000, 40, ms(1));
    let counts = link.counts();
    assert_eq!(counts.delivered, counts.travelling + counts.duplicated);
    assert!((4700..5300).contains(&counts.duplicated), "{counts:?}");
    assert!((4200..4630).contains(&counts.corrupted), "{counts:?}");
    assert!((2800..3200).contains(&counts.truncated), "{counts:?}");
    let shorter = received.iter().filter(|(_, packet)| packet.data.len() < 40).count() as u64;
    assert_eq!(shorter, counts.truncated);
    let start = Instant::now();
    let settings = LinkSettings { corruption: Faults::percent(100), ..LinkSettings::default() };
    let mut link = Link::new(1, settings, start);
    let original = packet(1, 40, Ecn::Ect0);
    for _ in 0..1000 {
        link.send(start, original.clone());
        let changed = link.receive(start).unwrap();
        let bits: u32 =
            changed.data.iter().zip(&original.data).map(|(one, other)| (one ^ other).count_ones()).sum();
        assert!((1..=3).contains(&bits) && changed.data.len() == 40);
    }
    let empty = Packet { data: Bytes::new(), ..original };
    link.send(start, empty.clone());
    assert_eq!(link.receive(start), Some(empty));
}

#[test]
fn a_change_leaves_alone_what_is_on_its_way() {
    let start = Instant::now();
    let mut link = Link::new(1, LinkSettings::interop(), start);
    link.send(start, packet(0, MILLISECOND, Ecn::NotEct));
    link.send(start, packet(1, MILLISECOND, Ecn::NotEct));
    link.change(LinkSettings { rate: Some(1_000_000), ..LinkSettings::interop() });
    link.send(start, packet(2, MILLISECOND, Ecn::NotEct));
    let times: Vec<Duration> = drain(&mut link, start).into_iter().map(|(at, _)| at).collect();
    // The third waits for the others, then takes ten times as long.
    assert_eq!(times, [ms(16), ms(17), ms(27)]);
}

#[test]
fn settings_of_datagram_links_mean_the_same() {
    let old = DatagramSettings { loss: 20, delay: ms(5)..=ms(30), mtu: 1000, ..DatagramSettings::default() };
    let (received, link) = transfer(1, old.into(), 1000, 1000, ms(1));
    assert!(received.iter().all(|(at, packet)| {
        let delay = *at - ms(number(packet).into());
        delay >= ms(5) && delay <= ms(30)
    }));
    assert!((150..250).contains(&link.counts().lost) && link.counts().overtaken > 0);
}

fn faults() -> impl Strategy<Value = Faults> {
    (0u16..=1000, 0usize..5, 0usize..5).prop_map(|(share, run, kind)| match kind {
        0 => Faults::NEVER,
        1 => Faults::per_mille(share).at_most_in_a_row(run),
        2 => Faults::per_mille(share).in_bursts(1..=run),
        _ => Faults::per_mille(share),
    })
}

proptest! {
    #[test]
    fn seeds_decide_and_nothing_is_unaccounted_for(
        seed: u64,
        (loss, duplication, corruption, truncation) in (faults(), faults(), faults(), faults()),
        rate in prop::option::of(1_000u64..100_000_000),
        queue in 0usize..30,
        jitter in 0u64..50,
        reorders: bool,
        drops in prop::collection::vec(1u64..120, 0..5),
        gap in 0u64..5,
    ) {
        let settings = LinkSettings {
            loss, duplication, corruption, truncation, rate, reorders, drops,
            queue: Backlog::Packets(queue),
            jitter: ms(jitter),
            blackouts: Blackouts::Cycle { on: ms(50), off: ms(10) },
            ..LinkSettings::default()
        };
        let (one, link) = transfer(seed, settings.clone(), 100, 200, ms(gap));
        let (other, _) = transfer(seed, settings, 100, 200, ms(gap));
        prop_assert_eq!(&one, &other);
        let counts = link.counts();
        let gone = counts.too_long + counts.queue_full + counts.listed + counts.blackout + counts.lost;
        prop_assert_eq!(counts.sent, counts.travelling + gone);
        prop_assert_eq!(counts.delivered, counts.travelling + counts.duplicated);
        prop_assert!(counts.longest_queue <= queue);
        prop_assert!(one.iter().map(|(at, _)| at).is_sorted());
    }
}
