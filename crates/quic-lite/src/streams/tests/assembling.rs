use bytes::Bytes;
use wirelace_sim::Rng;

use crate::streams::assembler::{Assembler, Pieces};
use crate::streams::held::{Full, Memory};

fn memory() -> Memory {
    Memory::new(1000, 8, 1 << 20)
}

#[test]
fn the_same_as_a_plain_array_whatever_comes_in_whatever_order() {
    for seed in 0..1500 {
        let mut rng = Rng::new(seed);
        let size = rng.within(1..=6000);
        let mut memory = Memory::new(100_000, rng.below(6), 1 << 20);
        let mut pieces = Pieces::default();
        let mut model = vec![None; size];
        let mut got = Vec::new();
        let longest = *rng.pick(&[1, 3, 40, 600, 3000]);
        for step in 0..rng.within(1..=400) {
            let start = rng.below(size);
            let length = rng.below(longest + 1).min(size - start);
            // What comes twice is not the same: what came first stays.
            let octet = step as u8;
            let before = pieces.end();
            let news = pieces.insert(&mut memory, start as u64, Bytes::from(vec![octet; length])).unwrap();
            for place in &mut model[start..start + length] {
                place.get_or_insert(octet);
            }
            let end = model.iter().position(Option::is_none).unwrap_or(size);
            assert_eq!((pieces.end(), news), (end as u64, end as u64 > before), "seed {seed}");
            if rng.percent(30) {
                let max = rng.within(1..=2000);
                if let Some(data) = pieces.read(&mut memory, max) {
                    assert!(!data.is_empty() && data.len() <= max);
                    got.extend_from_slice(&data);
                } else {
                    assert_eq!(pieces.end(), pieces.read_offset());
                }
                assert_eq!(pieces.read_offset(), got.len() as u64);
            }
        }
        while let Some(data) = pieces.read(&mut memory, usize::MAX) {
            got.extend_from_slice(&data);
        }
        let end = pieces.end() as usize;
        assert_eq!(got, model[..end].iter().map(|octet| octet.unwrap()).collect::<Vec<u8>>(), "seed {seed}");
        pieces.clear(&mut memory);
        assert_eq!((memory.pieces(), memory.shared(), memory.own()), (0, 0, 0), "seed {seed}");
    }
}

#[test]
fn what_is_in_order_is_not_copied() {
    let data = Bytes::from(vec![7; 3000]);
    let (mut memory, mut pieces) = (memory(), Pieces::default());
    assert_eq!(pieces.insert(&mut memory, 0, data.slice(..1000)), Ok(true));
    // A large piece behind a gap neither.
    assert_eq!(pieces.insert(&mut memory, 1500, data.slice(1500..)), Ok(false));
    assert_eq!(pieces.insert(&mut memory, 900, data.slice(900..1600)), Ok(true));
    for range in [0..1000, 1000..1500, 1500..3000] {
        let read = pieces.read(&mut memory, usize::MAX).unwrap();
        assert_eq!((read.as_ptr(), read.len()), (data[range.clone()].as_ptr(), range.len()));
    }
}

#[test]
fn no_piece_of_one_octet_keeps_a_large_buffer_alive() {
    let (mut memory, mut pieces) = (memory(), Pieces::default());
    for n in 0..500u64 {
        let buffer = Bytes::from(vec![n as u8; 65_536]);
        // In order, and behind gaps.
        pieces.insert(&mut memory, n, buffer.slice(..1)).unwrap();
        pieces.insert(&mut memory, 10_000 + 2 * n, buffer.slice(..1)).unwrap();
        assert_eq!(buffer.is_unique(), n >= 8, "{n}");
    }
    assert_eq!(memory.shared(), 8);
    assert!(memory.own() < 4096, "{memory:?}");
}

#[test]
fn one_piece_more_than_the_limit_is_refused() {
    let (mut memory, mut pieces) = (Memory::new(100, 8, 1 << 20), Pieces::default());
    for n in 0..100 {
        assert_eq!(pieces.insert(&mut memory, 1 + 2 * n, Bytes::from_static(b"x")), Ok(false));
    }
    assert_eq!(pieces.insert(&mut memory, 1001, Bytes::from_static(b"x")), Err(Full));
    // Those in order count too.
    let (mut memory, mut pieces) = (Memory::new(100, 200, 1 << 20), Pieces::default());
    for n in 0..100 {
        assert_eq!(pieces.insert(&mut memory, n, Bytes::from_static(b"x")), Ok(true));
    }
    assert_eq!(pieces.insert(&mut memory, 100, Bytes::from_static(b"x")), Err(Full));
}

#[test]
fn one_octet_more_than_the_limit_of_copies_is_refused() {
    let (mut memory, mut pieces) = (Memory::new(100, 0, 1000), Pieces::default());
    assert_eq!(pieces.insert(&mut memory, 5, Bytes::from(vec![0; 500])), Ok(false));
    assert_eq!(pieces.insert(&mut memory, 600, Bytes::from(vec![0; 500])), Ok(false));
    assert_eq!(pieces.insert(&mut memory, 1200, Bytes::from_static(b"x")), Err(Full));
}

#[test]
fn pieces_that_come_backwards_grow_together() {
    let (mut memory, mut pieces) = (memory(), Pieces::default());
    for at in (1..20_000).rev() {
        pieces.insert(&mut memory, at, Bytes::from_static(b"x")).unwrap();
    }
    assert!(memory.pieces() < 20_000 / 128, "{memory:?}");
    assert_eq!(pieces.insert(&mut memory, 0, Bytes::from_static(b"x")), Ok(true));
    assert_eq!(pieces.end(), 20_000);
}

#[test]
fn an_assembler_alone_takes_no_more_than_it_was_told() {
    let mut crypto = Assembler::new(1000);
    assert_eq!(crypto.insert(500, Bytes::from(vec![1; 501])), Err(Full));
    assert_eq!(crypto.insert(500, Bytes::from(vec![1; 500])), Ok(()));
    assert_eq!(crypto.insert(u64::MAX, Bytes::from_static(b"x")), Err(Full));
    assert_eq!((crypto.read(99), crypto.offset()), (None, 0));
    assert_eq!(crypto.insert(0, Bytes::from(vec![1; 500])), Ok(()));
    let mut octets = 0;
    while let Some(data) = crypto.read(99) {
        octets += data.len();
    }
    assert_eq!((octets, crypto.offset()), (1000, 1000));
    assert_eq!(crypto.insert(1999, Bytes::from_static(b"x")), Ok(()));
    assert_eq!(crypto.insert(2000, Bytes::from_static(b"x")), Err(Full));
}
