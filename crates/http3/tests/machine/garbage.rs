//! Damaged input: the server refuses it or not, but never falls over, and says why.

use wirelace_http3::ErrorCode;
use wirelace_http3::quic::Direction;
use wirelace_sim::Rng;

use crate::world::{GET, POST, Setup, frame, headers};

fn valid(rng: &mut Rng) -> (Direction, Vec<u8>) {
    match rng.below(6) {
        0 => (Direction::Unidirectional, [&[0x00][..], &frame(4, &[0x06, 0x40, 0xff, 0x33, 0x01])].concat()),
        1 => (Direction::Unidirectional, vec![0x02, 0x3f, 0x45, 0xc0, 0x03, b'a', b'b', b'c', 0x00]),
        2 => (Direction::Unidirectional, vec![0x03, 0x44, 0x48]),
        3 => (Direction::Bidirectional, headers(GET)),
        4 => (
            Direction::Bidirectional,
            [headers(POST), frame(0, b"some data"), frame(0x21, b"x"), headers(&[("a", "b")])].concat(),
        ),
        _ => (
            Direction::Unidirectional,
            [&[0x00, 0x04, 0x00][..], &frame(0xf0700, b"\0u=1"), &frame(0x0d, &[3])].concat(),
        ),
    }
}

#[test]
fn damaged_streams_are_refused_or_answered() {
    let seeds = std::env::var("WIRELACE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(100);
    let (mut refused, mut taken) = (0, 0);
    for seed in 0..seeds {
        let mut rng = Rng::new(seed);
        let mut world = Setup { seed, client: None, ..Setup::default() }.connected();
        for _ in 0..rng.within(1..=6) {
            let (direction, mut octets) = valid(&mut rng);
            for _ in 0..rng.below(3) {
                let at = rng.below(octets.len());
                octets[at] = rng.below(256) as u8;
            }
            let cut = rng.within(1..=octets.len());
            octets.truncate(cut);
            if world.client.quic().available(direction) > 0 {
                let end = rng.percent(40);
                let stream = world.client.stream(direction, &octets, end);
                if rng.percent(10) {
                    world.client.quic().reset(stream, 0x10c);
                }
            }
        }
        world.rest();
        match (&world.server.error, world.client.closed()) {
            (Some(error), Some(code)) => {
                refused += 1;
                assert_eq!(error.code().0, code);
                assert_ne!(error.code(), ErrorCode::H3_INTERNAL_ERROR);
                assert!(ErrorCode(code).name().is_some());
            }
            (None, None) => taken += 1,
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    assert!(refused > 0 && taken > 0);
}
