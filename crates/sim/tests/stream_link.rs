//! What a link promises: all bytes, in order, never early, cut where asked.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use proptest::prelude::*;
use wirelace_sim::{Broken, Clock, Cut, Delivery, Rng, StreamLink, StreamSettings};

/// Writes everything as the window allows, reads everything, returns bytes, pieces and how it ended.
fn transfer(seed: u64, settings: StreamSettings, data: &[u8]) -> (Vec<u8>, Vec<(Duration, usize)>, Delivery) {
    let mut clock = Clock::new();
    let mut link = StreamLink::new(seed, settings, clock.now());
    let (mut written, mut received, mut pieces) = (0, BytesMut::new(), Vec::new());
    let mut closed = false;
    loop {
        while written < data.len() {
            match link.write(clock.now(), &data[written..]) {
                Ok(0) | Err(Broken) => break,
                Ok(len) => written += len,
            }
        }
        if written == data.len() && !closed {
            link.close(clock.now());
            closed = true;
        }
        match link.read(clock.now(), &mut received) {
            Delivery::Bytes(len) => pieces.push((clock.elapsed(), len)),
            Delivery::Nothing => {
                let at = link.next_at().expect("bytes or the end must be on their way");
                assert!(at > clock.now());
                clock.advance_to(at);
            }
            end => return (received.to_vec(), pieces, end),
        }
    }
}

fn settings() -> impl Strategy<Value = StreamSettings> {
    (
        1usize..3000,
        0u8..=100,
        0u8..=100,
        0u8..=100,
        0u64..50,
        prop::option::of(100u64..1_000_000),
        1usize..5000,
    )
        .prop_map(|(max_segment, single_bytes, partial_writes, coalesced_reads, delay, rate, window)| {
            StreamSettings {
                max_segment,
                single_bytes,
                partial_writes,
                coalesced_reads,
                delay: Duration::ZERO..=Duration::from_millis(delay),
                rate,
                window,
                cut: None,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_bytes_arrive_in_order(seed: u64, settings in settings(), data in prop::collection::vec(any::<u8>(), 0..5000)) {
        let (received, pieces, end) = transfer(seed, settings, &data);
        prop_assert_eq!(received, data);
        prop_assert_eq!(end, Delivery::Eof);
        prop_assert!(pieces.is_sorted_by_key(|(at, _)| *at));
    }

    #[test]
    fn cuts_are_exact(seed: u64, mut settings in settings(), data in prop::collection::vec(any::<u8>(), 0..3000), after in 0u64..4000, reset: bool) {
        settings.cut = Some(if reset { Cut::reset(after) } else { Cut::eof(after) });
        let (received, _, end) = transfer(seed, settings, &data);
        let expected = data.len().min(after as usize);
        prop_assert_eq!(received, &data[..expected]);
        let was_cut = after as usize <= data.len();
        prop_assert_eq!(end, if reset && was_cut { Delivery::Reset } else { Delivery::Eof });
    }

    #[test]
    fn the_seed_decides(seed: u64, settings in settings(), data in prop::collection::vec(any::<u8>(), 0..3000)) {
        let one = transfer(seed, settings.clone(), &data);
        prop_assert_eq!(one, transfer(seed, settings, &data));
    }
}

#[test]
fn other_seeds_split_differently() {
    let data = Rng::new(1).bytes(4000);
    let pieces: Vec<_> = (0..10).map(|seed| transfer(seed, StreamSettings::default(), &data).1).collect();
    assert!(pieces.iter().skip(1).all(|other| *other != pieces[0]));
    let lengths: Vec<usize> = pieces.iter().flatten().map(|(_, len)| *len).collect();
    assert!(lengths.contains(&1) && lengths.iter().any(|&len| len > 1000), "{lengths:?}");
}

#[test]
fn an_ideal_link_keeps_writes_whole() {
    let (received, pieces, _) = transfer(1, StreamSettings::ideal(), &[7; 100_000]);
    assert_eq!((received.len(), pieces), (100_000, vec![(Duration::ZERO, 100_000)]));
}

#[test]
fn the_window_holds_writers_back() {
    let now = Instant::now();
    let mut link = StreamLink::new(1, StreamSettings { window: 10, ..StreamSettings::ideal() }, now);
    assert_eq!(link.write(now, &[1; 100]), Ok(10));
    assert_eq!(link.write(now, &[1; 100]), Ok(0));
    let mut into = BytesMut::new();
    assert_eq!(link.read(now, &mut into), Delivery::Bytes(10));
    assert_eq!(link.write(now, &[1; 3]), Ok(3));
    assert_eq!((link.in_flight(), link.accepted(), link.delivered()), (3, 13, 10));
}

#[test]
fn the_rate_takes_its_time() {
    let settings =
        StreamSettings { rate: Some(1000), max_segment: 100, window: 1 << 20, ..StreamSettings::ideal() };
    let (_, pieces, _) = transfer(1, settings, &[0; 2500]);
    assert_eq!(pieces.last().unwrap().0, Duration::from_millis(2500));
}

#[test]
fn a_reset_loses_what_was_not_read() {
    let now = Instant::now();
    let mut link = StreamLink::new(1, StreamSettings::ideal(), now);
    link.write(now, b"lost").unwrap();
    link.reset(now);
    let mut into = BytesMut::new();
    assert_eq!(link.write(now, b"more"), Err(Broken));
    assert_eq!(link.read(now, &mut into), Delivery::Reset);
    assert_eq!(link.read(now, &mut into), Delivery::Nothing);
    assert!(into.is_empty() && link.next_at().is_none());
}

#[test]
fn a_closed_link_drains_first() {
    let now = Instant::now();
    let mut link = StreamLink::new(1, StreamSettings::ideal(), now);
    link.write(now, b"last words").unwrap();
    link.close(now);
    let mut into = BytesMut::new();
    assert_eq!(link.write(now, b"more"), Err(Broken));
    assert_eq!(link.read(now, &mut into), Delivery::Bytes(10));
    assert_eq!(link.read(now, &mut into), Delivery::Eof);
}

#[test]
fn a_discarding_receiver_never_blocks_the_sender() {
    let now = Instant::now();
    let mut link = StreamLink::new(1, StreamSettings { window: 10, ..StreamSettings::ideal() }, now);
    link.discard();
    for _ in 0..100 {
        assert_eq!(link.write(now, &[1; 10]), Ok(10));
    }
    assert_eq!(link.next_at(), None);
}
