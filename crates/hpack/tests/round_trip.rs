//! Whatever goes in comes out, and nothing that comes in does harm.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::{NO_LIMITS, Pair, decode, fields};
use wirelace_hpack::{BlockLimits, Decoder, Encoder, HeaderBlock, Indexing, StaticName};

/// Names and values of which many come again.
fn field() -> impl Strategy<Value = (Pair, Indexing)> {
    let known = (1usize..=61).prop_map(|index| wirelace_hpack::static_table::get(index).unwrap().0.to_vec());
    let name = prop_oneof![known, "[a-d]{1,3}".prop_map(String::into_bytes), vec(any::<u8>(), 1..60)];
    let value = prop_oneof![
        Just(b"GET".to_vec()),
        Just(b"gzip, deflate".to_vec()),
        "[a-c]{0,2}".prop_map(String::into_bytes),
        "[ -~]{0,80}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..400),
    ];
    let indexing =
        prop_oneof![8 => Just(Indexing::Auto), 1 => Just(Indexing::Without), 1 => Just(Indexing::Never)];
    ((name, value), indexing)
}

/// A block, and the limits that the peer sets before it.
type Block = (Vec<usize>, Vec<(Pair, Indexing)>);

fn blocks() -> impl Strategy<Value = Vec<Block>> {
    let limits = prop_oneof![6 => Just(vec![]), 1 => vec(0usize..600, 1..3), 1 => vec(0usize..10_000, 1..3)];
    vec((limits, vec(field(), 0..20)), 1..12)
}

fn encode(encoder: &mut Encoder, block: &[(Pair, Indexing)]) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.start(&mut out);
    for ((name, value), indexing) in block {
        encoder.field(&mut out, name.as_slice().into(), value, *indexing);
    }
    out
}

proptest! {
    #[test]
    fn connections(cap in prop_oneof![Just(4096usize), 0usize..300, 0usize..20_000], blocks in blocks()) {
        let (mut encoder, mut decoder) = (Encoder::new(cap), Decoder::new(4096));
        let mut out = HeaderBlock::new();
        for (limits, block) in &blocks {
            for &limit in limits {
                encoder.set_peer_limit(limit);
                decoder.set_max_table_size(limit);
            }
            let wire = encode(&mut encoder, block);
            prop_assert_eq!(decoder.decode(&wire, &NO_LIMITS, &mut out), Ok(()));
            let expected: Vec<Pair> = block.iter().map(|(pair, _)| pair.clone()).collect();
            prop_assert_eq!(fields(&out), expected);
            for (field, ((name, value), indexing)) in out.iter().zip(block) {
                prop_assert_eq!(field.static_name, StaticName::of(name));
                prop_assert!(field.sensitive || *indexing != Indexing::Never);
                if field.static_index != 0 {
                    let entry = wirelace_hpack::static_table::get(usize::from(field.static_index));
                    prop_assert_eq!(entry, Some((&name[..], &value[..])));
                }
            }
        }
    }

    /// Limits leave out the end of a block, and nothing else.
    #[test]
    fn limited(blocks in blocks(), count in 0usize..15, list_size in 0usize..2000) {
        let (mut encoder, mut full, mut limited) = (Encoder::new(4096), Decoder::new(4096), Decoder::new(4096));
        let (mut all, mut some) = (HeaderBlock::new(), HeaderBlock::new());
        for (_, block) in &blocks {
            let wire = encode(&mut encoder, block);
            full.decode(&wire, &NO_LIMITS, &mut all).unwrap();
            limited.decode(&wire, &BlockLimits { fields: count, list_size }, &mut some).unwrap();
            let (all, kept) = (fields(&all), fields(&some));
            prop_assert_eq!(&all[..kept.len()], &kept[..]);
            prop_assert!(kept.len() <= count && some.list_size() <= list_size);
            prop_assert_eq!(some.exceeded().is_some(), kept.len() < all.len());
        }
    }

    /// A block that is cut is refused, or ends between two fields.
    #[test]
    fn beginnings(block in vec(field(), 1..8)) {
        let wire = encode(&mut Encoder::new(4096), &block);
        let all: Vec<Pair> = block.iter().map(|(pair, _)| pair.clone()).collect();
        for end in 0..wire.len() {
            match decode(&mut Decoder::new(4096), &wire[..end]) {
                Ok(fields) => {
                    prop_assert!(fields.len() < all.len());
                    prop_assert_eq!(&fields[..], &all[..fields.len()]);
                }
                Err(error) => prop_assert!(error.offset() <= end),
            }
        }
    }

    #[test]
    fn damage(blocks in blocks(), at in any::<prop::sample::Index>(), octet: u8) {
        let (mut encoder, mut decoder) = (Encoder::new(4096), Decoder::new(4096));
        let limits = BlockLimits { fields: 50, list_size: 4000 };
        let mut out = HeaderBlock::new();
        for (_, block) in &blocks {
            let mut wire = encode(&mut encoder, block);
            if !wire.is_empty() {
                let at = at.index(wire.len());
                wire[at] = octet;
            }
            match decoder.decode(&wire, &limits, &mut out) {
                Ok(()) => _ = fields(&out),
                Err(error) => {
                    prop_assert!(error.offset() <= wire.len());
                    prop_assert!(!error.to_string().is_empty());
                    break;
                }
            }
        }
    }

    #[test]
    fn noise(wire in vec(any::<u8>(), 0..200), size in 0usize..5000) {
        let mut decoder = Decoder::new(size);
        if let Err(error) = decode(&mut decoder, &wire) {
            prop_assert!(error.offset() <= wire.len());
        }
    }
}
