//! The examples of RFC 9204 Appendix B.

mod support;

use bytes::{Bytes, BytesMut};
use support::{NO_LIMITS, Pair, fields, hex, pairs};
use wirelace_qpack::hpack::{Indexing, StaticName};
use wirelace_qpack::{Decoder, Encoder, Error, HeaderBlock, Limits, Section};

fn decoder() -> Decoder {
    Decoder::new(Limits { table_capacity: 220, blocked_streams: 100, ..Limits::default() })
}

fn instructions(decoder: &mut Decoder, text: &str) {
    let mut input = BytesMut::from(&hex(text)[..]);
    decoder.encoder_stream(&mut input).unwrap();
    assert!(input.is_empty());
}

fn section(decoder: &mut Decoder, stream: u64, text: &str) -> Result<Vec<Pair>, Error> {
    let mut out = HeaderBlock::new();
    assert_eq!(decoder.section(stream, hex(text).into(), &NO_LIMITS, &mut out)?, Section::Decoded);
    Ok(fields(&out))
}

/// What the decoder stream has, taken away.
fn output(decoder: &mut Decoder) -> Vec<u8> {
    std::mem::take(decoder.output())
}

/// The entry with that number, seen by a section that needs `inserted` inserts.
fn entry(decoder: &mut Decoder, inserted: u8, number: u8) -> Result<Vec<Pair>, Error> {
    let reference = [inserted % 12 + 1, 0, 0x80 | (inserted - 1 - number)];
    let mut out = HeaderBlock::new();
    decoder.section(1000, Bytes::copy_from_slice(&reference), &NO_LIMITS, &mut out).map(|_| fields(&out))
}

const AUTHORITY: (&str, &str) = (":authority", "www.example.com");
const PATH: (&str, &str) = (":path", "/sample/path");
const CUSTOM: (&str, &str) = ("custom-key", "custom-value");

const B2: &str = "3fbd01 c00f 7777 772e 6578 616d 706c 652e 636f 6d c10c 2f73 616d 706c 652f 7061 7468";
const B3: &str = "4a63 7573 746f 6d2d 6b65 790c 6375 7374 6f6d 2d76 616c 7565";
const B5: &str = "810d 6375 7374 6f6d 2d76 616c 7565 32";

#[test]
fn b1_literal_with_name_reference() {
    let mut decoder = decoder();
    let got = section(&mut decoder, 4, "0000 510b 2f69 6e64 6578 2e68 746d 6c").unwrap();
    assert_eq!(got, pairs(&[(":path", "/index.html")]));
    // Nothing that anyone waits for: no acknowledgment.
    assert!(output(&mut decoder).is_empty());
}

#[test]
fn b2_to_b5() {
    let mut decoder = decoder();
    // B.2, but the section comes first.
    let early = hex("0381 1011");
    let mut out = HeaderBlock::new();
    assert_eq!(decoder.section(4, early.into(), &NO_LIMITS, &mut out), Ok(Section::Blocked));
    instructions(&mut decoder, B2);
    assert_eq!(decoder.unblocked(&NO_LIMITS, &mut out), Some(Ok(4)));
    assert_eq!(fields(&out), pairs(&[AUTHORITY, PATH]));
    assert_eq!(decoder.unblocked(&NO_LIMITS, &mut out), None);
    assert_eq!(output(&mut decoder), hex("84"));
    // B.3.
    instructions(&mut decoder, B3);
    assert_eq!(output(&mut decoder), hex("01"));
    // B.4: the section is lost with its stream.
    instructions(&mut decoder, "02");
    decoder.cancel(8);
    assert_eq!(output(&mut decoder), hex("4801"));
    for (number, pair) in [AUTHORITY, PATH, CUSTOM, AUTHORITY].into_iter().enumerate() {
        assert_eq!(entry(&mut decoder, 4, number as u8).unwrap(), pairs(&[pair]));
    }
    output(&mut decoder);
    let got = section(&mut decoder, 8, "0500 80c1 81").unwrap();
    assert_eq!(got, pairs(&[AUTHORITY, (":path", "/"), CUSTOM]));
    assert_eq!(output(&mut decoder), hex("88"));
    // B.5: the oldest goes.
    instructions(&mut decoder, B5);
    let left = [PATH, CUSTOM, AUTHORITY, ("custom-key", "custom-value2")];
    for (number, pair) in (1..).zip(left) {
        assert_eq!(entry(&mut decoder, 5, number).unwrap(), pairs(&[pair]));
    }
    assert!(matches!(entry(&mut decoder, 5, 0), Err(Error::DynamicIndex { index: 4, offset: 2, .. })));
}

#[test]
fn the_same_cut_anywhere() {
    let stream = hex(&[B2, B3, "02", B5].join(" "));
    for step in 1..=stream.len() {
        for first in 0..step {
            let mut decoder = decoder();
            let mut input = BytesMut::new();
            let (head, rest) = stream.split_at(first.min(stream.len()));
            for piece in [head].into_iter().chain(rest.chunks(step)) {
                input.extend_from_slice(piece);
                decoder.encoder_stream(&mut input).unwrap();
            }
            assert!(input.is_empty());
            assert_eq!(entry(&mut decoder, 5, 4).unwrap(), pairs(&[("custom-key", "custom-value2")]));
            assert_eq!(output(&mut decoder), hex("ff e906"));
        }
    }
}

/// With Huffman codes, which the examples are without, our encoder does the same as B.2.
#[test]
fn b2_encoded() {
    let mut encoder = Encoder::new(220);
    encoder.set_peer_limits(220, 100).unwrap();
    let mut out = Vec::new();
    encoder.section(4, &mut out, |fields| {
        fields.field(StaticName::AUTHORITY.into(), AUTHORITY.1.as_bytes(), Indexing::Auto);
        fields.field(StaticName::METHOD.into(), b"GET", Indexing::Auto);
    });
    assert_eq!(out, hex("0280 10d1"));
    assert_eq!(*encoder.output(), hex("3fbd01 c08c f1e3 c2e5 f23a 6ba0 ab90 f4ff"));
    assert_eq!(encoder.unacknowledged_sections(), 1);
    encoder.decoder_stream(&mut BytesMut::from(&hex("84")[..])).unwrap();
    assert_eq!(encoder.unacknowledged_sections(), 0);
    // Once more, from before the Base.
    out.clear();
    encoder.section(8, &mut out, |fields| {
        fields.field(StaticName::AUTHORITY.into(), AUTHORITY.1.as_bytes(), Indexing::Auto);
    });
    assert_eq!(out, hex("0200 80"));
}
