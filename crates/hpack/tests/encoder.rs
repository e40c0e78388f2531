//! What the encoder chooses, and how it says so.

mod support;

use support::{Pair, decode, encode, hex, pairs};
use wirelace_hpack::{Decoder, Encoder, HeaderBlock, Indexing, Name, StaticName};

/// One field in a block of its own.
fn field(encoder: &mut Encoder, name: &str, value: &str, indexing: Indexing) -> Vec<u8> {
    let mut block = Vec::new();
    encoder.start(&mut block);
    encoder.field(&mut block, name.into(), value.as_bytes(), indexing);
    block
}

fn start(encoder: &mut Encoder) -> Vec<u8> {
    let mut block = Vec::new();
    encoder.start(&mut block);
    block
}

#[test]
fn size_updates_say_the_smallest_and_the_last() {
    let after = |cap: usize, limits: &[usize]| {
        let mut encoder = Encoder::new(cap);
        limits.iter().for_each(|&limit| encoder.set_peer_limit(limit));
        let first = start(&mut encoder);
        assert!(start(&mut encoder).is_empty(), "said twice");
        first
    };
    // Both sides begin with 4096.
    assert!(after(4096, &[]).is_empty());
    assert!(after(100_000, &[]).is_empty());
    assert!(after(4096, &[4096]).is_empty());
    assert_eq!(after(0, &[]), hex("20"));
    assert_eq!(after(100, &[]), hex("3f45"));
    assert_eq!(after(100, &[4096]), hex("3f45"));
    // The smaller of the two counts.
    assert!(after(4096, &[65_536]).is_empty());
    assert_eq!(after(4096, &[100]), hex("3f45"));
    assert_eq!(after(10_000, &[65_536]), hex("3ff14d"));
    // Down and up again: the smallest, then the last.
    assert_eq!(after(4096, &[0, 4096]), hex("20 3fe11f"));
    assert_eq!(after(4096, &[100, 0, 100]), hex("20 3f45"));
    assert_eq!(after(4096, &[100, 0]), hex("20"));
    assert_eq!(after(65_536, &[8192, 4096]), hex("3fe11f"));
}

#[test]
fn a_smaller_table_evicts() {
    let (mut encoder, mut decoder) = (Encoder::new(4096), Decoder::new(4096));
    let fields = pairs(&[("a", "b"), ("c", "d"), ("e", "f")]);
    let block = encode(&mut encoder, &fields);
    assert_eq!(decode(&mut decoder, &block), Ok(fields.clone()));
    assert_eq!(encode(&mut encoder, &fields), hex("c0 bf be"));

    encoder.set_peer_limit(68);
    decoder.set_max_table_size(68);
    let block = encode(&mut encoder, &fields);
    assert_eq!(block[..3], hex("3f25 40"));
    assert_eq!(decode(&mut decoder, &block), Ok(fields.clone()));

    encoder.set_peer_limit(0);
    encoder.set_peer_limit(4096);
    decoder.set_max_table_size(0);
    decoder.set_max_table_size(4096);
    let block = encode(&mut encoder, &fields);
    assert_eq!(block[..5], hex("20 3fe11f 40"));
    assert_eq!(decode(&mut decoder, &block), Ok(fields.clone()));
    let block = encode(&mut encoder, &fields);
    assert_eq!(block, hex("c0 bf be"));
}

#[test]
fn shortest_representation() {
    let mut encoder = Encoder::new(4096);
    let auto = Indexing::Auto;
    assert_eq!(field(&mut encoder, ":status", "200", auto), hex("88"));
    assert_eq!(field(&mut encoder, "accept-encoding", "gzip, deflate", auto), hex("90"));
    assert_eq!(field(&mut encoder, ":authority", "", auto), hex("81"));
    assert_eq!(field(&mut encoder, "via", "", auto), hex("bc"));
    // Huffman where that is shorter, and only there.
    assert_eq!(field(&mut encoder, "server", "aa", auto), hex("76 02 6161"));
    assert_eq!(field(&mut encoder, "server", "aaa", auto), hex("76 82 18c7"));
    assert_eq!(field(&mut encoder, "x", "\\", auto), hex("40 01 78 01 5c"));
    // Name by index, of either table.
    assert_eq!(field(&mut encoder, "x", "#", auto), hex("7e 01 23"));
    assert_eq!(field(&mut encoder, "server", "aa", auto), hex("c1"));
    // A name that is static is so, however it is given.
    let mut block = Vec::new();
    encoder.field(&mut block, StaticName::SERVER.into(), b"aaa", auto);
    encoder.field(&mut block, Name::from(&b"server"[..]), b"aaa", auto);
    assert_eq!(block, hex("c0 c0"));
}

#[test]
fn secrets_are_never_indexed() {
    let mut encoder = Encoder::new(4096);
    let never = |encoder: &mut Encoder, name: &str, value: &str, indexing| {
        for _ in 0..3 {
            let block = field(encoder, name, value, indexing);
            assert_eq!(block[0] & 0xf0, 0x10, "{name}: {value}");
            let mut out = HeaderBlock::new();
            Decoder::new(4096).decode(&block, &support::NO_LIMITS, &mut out).unwrap();
            assert!(out.iter().all(|field| field.sensitive && field.value == value.as_bytes()));
        }
    };
    let auto = Indexing::Auto;
    never(&mut encoder, "authorization", "Bearer a-token-that-is-rather-long-and-secret", auto);
    never(&mut encoder, "proxy-authorization", "Basic YTpi", auto);
    never(&mut encoder, "cookie", "a=0123456789abcdefg", auto);
    never(&mut encoder, "x-secret", "hidden", Indexing::Never);
    never(&mut encoder, ":method", "GET", Indexing::Never);
    // Long cookies are worth a place.
    field(&mut encoder, "cookie", "a=0123456789abcdefgh", auto);
    assert_eq!(field(&mut encoder, "cookie", "a=0123456789abcdefgh", auto), hex("be"));
    // A secret does not use what is in the table by itself.
    assert_eq!(field(&mut encoder, "cookie", "a=0123456789abcdefgh", Indexing::Never)[0], 0x1f);
}

#[test]
fn without_indexing() {
    let mut encoder = Encoder::new(4096);
    for _ in 0..3 {
        assert_eq!(field(&mut encoder, "x", "#", Indexing::Without), hex("00 01 78 01 23"));
        assert_eq!(field(&mut encoder, "via", "#", Indexing::Without), hex("0f2d 01 23"));
        assert_eq!(field(&mut encoder, ":method", "GET", Indexing::Without), hex("82"));
    }
}

#[test]
fn values_that_change_stay_out_of_the_table() {
    let mut encoder = Encoder::new(4096);
    let incremental = (0..20)
        .filter(|number| {
            let block = field(&mut encoder, "x-request-id", &format!("#{number}"), Indexing::Auto);
            block[0] & 0x40 != 0
        })
        .count();
    assert_eq!(incremental, 3);
    // Paths go in when they come again.
    let path = |encoder: &mut Encoder| field(encoder, ":path", "/a", Indexing::Auto)[0] & 0xc0;
    assert_eq!([path(&mut encoder), path(&mut encoder), path(&mut encoder)], [0, 0x40, 0x80]);
}

#[test]
fn large_fields_stay_out_of_the_table() {
    let mut encoder = Encoder::new(4096);
    let small = pairs(&[("a", "b")]);
    encode(&mut encoder, &small);
    let large = [(b"x".to_vec(), vec![b'v'; 3072 - 32])];
    (0..3).for_each(|_| assert_eq!(encode(&mut encoder, &large)[0], 0));
    assert_eq!(encode(&mut encoder, &small), hex("be"));
}

#[test]
fn strings_of_all_lengths() {
    let (mut encoder, mut decoder) = (Encoder::new(4096), Decoder::new(4096));
    for length in (0..300).chain([16_000, 16_383, 16_384, 100_000]) {
        // Shorter, and not shorter, when coded.
        for octet in [b'a', b'X', b'\\', 0xff] {
            let fields: Vec<Pair> =
                vec![(vec![b'n'; length + 1], vec![octet; length]), (b"x".to_vec(), vec![octet; length])];
            let block = encode(&mut encoder, &fields);
            assert_eq!(decode(&mut decoder, &block), Ok(fields));
        }
    }
}

/// More insertions than the ring has room for, of many lengths: all entries are right at all times.
#[test]
fn the_table_turns_around() {
    for size in [33, 64, 200, 1000, 4096, 16_384] {
        let (mut encoder, mut decoder) = (Encoder::new(size), Decoder::new(4096.max(size)));
        encoder.set_peer_limit(size);
        decoder.set_max_table_size(size);
        for round in 0..400usize {
            let value = |step: usize| vec![b'a' + (round % 26) as u8; (round * step) % 97];
            let fields: Vec<Pair> =
                (1..6).map(|step| (format!("n{step}").into_bytes(), value(step))).collect();
            let block = encode(&mut encoder, &fields);
            assert_eq!(decode(&mut decoder, &block), Ok(fields), "size {size}, round {round}");
        }
    }
}
