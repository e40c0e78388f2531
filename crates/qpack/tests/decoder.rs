//! What the decoder takes, and what it refuses.

mod support;

use bytes::{Bytes, BytesMut};
use support::{NO_LIMITS, Pair, fields, hex, pairs};
use wirelace_qpack::hpack::huffman::HuffmanError;
use wirelace_qpack::hpack::{BlockLimits, Exceeded, StaticName};
use wirelace_qpack::wire::prefix_int::write_prefix_int;
use wirelace_qpack::{Decoder, Error, HeaderBlock, Limits, Place, Section};

const LIMITS: Limits = Limits { table_capacity: 4096, blocked_streams: 2, blocked_bytes: 4096 };

fn feed(decoder: &mut Decoder, octets: &[u8]) -> Result<(), Error> {
    decoder.encoder_stream(&mut BytesMut::from(octets))
}

/// A decoder with a table of that capacity, into which these instructions have gone.
fn with_table(capacity: u64, instructions: &str) -> Decoder {
    let mut decoder = Decoder::new(LIMITS);
    let mut set_capacity = Vec::new();
    write_prefix_int(&mut set_capacity, 5, 0x20, capacity);
    feed(&mut decoder, &set_capacity).unwrap();
    feed(&mut decoder, &hex(instructions)).unwrap();
    decoder
}

fn section(decoder: &mut Decoder, stream: u64, text: &str) -> Result<Option<Vec<Pair>>, Error> {
    let mut out = HeaderBlock::new();
    let done = decoder.section(stream, hex(text).into(), &NO_LIMITS, &mut out)?;
    Ok((done == Section::Decoded).then(|| fields(&out)))
}

fn output(decoder: &mut Decoder) -> Vec<u8> {
    std::mem::take(decoder.output())
}

fn unblocked(decoder: &mut Decoder) -> Option<Result<(u64, Vec<Pair>), Error>> {
    let mut out = HeaderBlock::new();
    Some(decoder.unblocked(&NO_LIMITS, &mut out)?.map(|stream| (stream, fields(&out))))
}

/// a: 1
const INSERT: &str = "41 61 01 31";

#[test]
fn every_form_of_a_field() {
    // x: 1 as entry 0, x: 2 as entry 1, cookie: c as entry 2.
    let mut decoder = with_table(4096, "4178 0131 80 0132 c5 0163");
    let lines = [
        ("d1", (":method", "GET")),
        ("ff23", ("x-frame-options", "sameorigin")),
        ("81", ("x", "1")),
        ("80", ("x", "2")),
        ("10", ("cookie", "c")),
        ("5f1d 0162", ("content-type", "b")),
        ("5f53 0162", ("x-frame-options", "b")),
        ("41 0133", ("x", "3")),
        ("00 0164", ("cookie", "d")),
        ("2179 0134", ("y", "4")),
        ("29 f5 81 1f", ("y", "a")),
        ("2700 782d612d622d63 00", ("x-a-b-c", "")),
        // Whether that is a name is not asked here.
        ("20 00", ("", "")),
    ];
    let text: String = lines.iter().map(|line| line.0).collect();
    // Required 3, Base 2.
    let got = section(&mut decoder, 0, &format!("0480 {text}")).unwrap().unwrap();
    assert_eq!(got, pairs(&lines.iter().map(|line| line.1).collect::<Vec<_>>()));
    assert_eq!(output(&mut decoder), hex("80"));
}

#[test]
fn names_are_octets_or_hpacks() {
    let mut decoder = Decoder::new(LIMITS);
    let mut out = HeaderBlock::new();
    // :path as an entry, x-frame-options as one and by its name, host and origin as literals.
    let text = "0000 c1 ff22 5f53 0161 24686f7374 00 26 6f726967696e 00";
    decoder.section(0, hex(text).into(), &NO_LIMITS, &mut out).unwrap();
    let names: Vec<_> = out.iter().map(|field| (field.static_name, field.name)).collect();
    assert_eq!(
        names,
        [
            (Some(StaticName::PATH), &b":path"[..]),
            (None, b"x-frame-options"),
            (None, b"x-frame-options"),
            (Some(StaticName::HOST), b"host"),
            (None, b"origin"),
        ]
    );
    // The same from the dynamic table.
    let mut decoder = with_table(4096, "ffa2 00 0161 44686f7374 00 46 6f726967696e 00");
    decoder.section(0, hex("0400 82 81 80").into(), &NO_LIMITS, &mut out).unwrap();
    let names: Vec<_> = out.iter().map(|field| (field.static_name, field.name)).collect();
    assert_eq!(names[1..], [(Some(StaticName::HOST), &b"host"[..]), (None, b"origin")]);
}

#[test]
fn sensitive_is_what_may_never_be_indexed() {
    let mut decoder = with_table(4096, INSERT);
    let mut out = HeaderBlock::new();
    let text = "0280 75 00 55 00 60 00 40 00 31 78 00 21 78 00 08 00 00 00";
    // Base 0: a is after it, so no relative index leads anywhere.
    let refused = decoder.section(0, hex(text).into(), &NO_LIMITS, &mut out);
    assert!(matches!(refused, Err(Error::DynamicIndex { offset: 6, index: 0, .. })));
    let text = "0280 75 00 55 00 3178 00 2178 00 08 00 00 00";
    decoder.section(0, hex(text).into(), &NO_LIMITS, &mut out).unwrap();
    let sensitive: Vec<bool> = out.iter().map(|field| field.sensitive).collect();
    assert_eq!(sensitive, [true, false, true, false, true, false]);
    let text = "0200 60 00 40 00";
    decoder.section(0, hex(text).into(), &NO_LIMITS, &mut out).unwrap();
    let sensitive: Vec<bool> = out.iter().map(|field| field.sensitive).collect();
    assert_eq!(sensitive, [true, false]);
}

#[test]
fn broken_sections() {
    let place = Place::Section(4);
    let truncated = |offset| Error::Truncated { place, offset };
    for (text, expected) in [
        ("", truncated(0)),
        ("02", truncated(1)),
        ("0200 ff", truncated(2)),
        ("0200 51", truncated(3)),
        ("0200 51 0261", truncated(3)),
        ("0200 2361", truncated(2)),
        ("0200 2161", truncated(4)),
        ("0200 ff24", Error::StaticIndex { place, offset: 2, index: 99 }),
        ("0200 80 5f54 00", Error::StaticIndex { place, offset: 3, index: 99 }),
        ("0200 81", Error::DynamicIndex { place, offset: 2, index: 1 }),
        ("0200 41 00", Error::DynamicIndex { place, offset: 2, index: 1 }),
        ("0200 10", Error::BeyondRequired { place, offset: 2, index: 0, required: 1 }),
        ("0200 00 00", Error::BeyondRequired { place, offset: 2, index: 0, required: 1 }),
        ("0000 80", Error::DynamicIndex { place, offset: 2, index: 0 }),
        ("0001 80", Error::BeyondRequired { place, offset: 2, index: 0, required: 0 }),
        ("ff82 03 00", Error::RequiredInsertCount { place, encoded: 641 }),
        ("0281", Error::NegativeBase { place, required: 1, delta: 1 }),
        ("0200 bf ffffffffffffffffff7f", Error::IntegerOverflow { place, offset: 2 }),
        (
            "0200 51 81 00",
            Error::Huffman { place, offset: 4, error: HuffmanError::PaddingNotEos { offset: 0 } },
        ),
    ] {
        let mut decoder = with_table(4096, INSERT);
        let got = section(&mut decoder, 4, text);
        assert_eq!(got, Err(expected), "{text}");
        assert_eq!(expected.code(), 0x200);
        assert!(!expected.to_string().is_empty() && expected.offset().is_some());
    }
}

#[test]
fn broken_instructions() {
    let place = Place::EncoderStream;
    for (text, expected) in [
        // Offsets are from the start of the stream: 4 octets set the capacity to 100, 3 insert a.
        ("20 41 6100", Error::EntryTooLarge { offset: 8, size: 33, capacity: 0 }),
        ("3fe21f", Error::Capacity { offset: 7, capacity: 4097, limit: 4096 }),
        ("01", Error::DynamicIndex { place, offset: 7, index: 1 }),
        ("00 02", Error::DynamicIndex { place, offset: 8, index: 2 }),
        ("81 00", Error::DynamicIndex { place, offset: 7, index: 1 }),
        ("ff24", Error::StaticIndex { place, offset: 7, index: 99 }),
        ("bf ffffffffffffffffff7f", Error::IntegerOverflow { place, offset: 7 }),
        ("80 ff ffffffffffffffffff7f", Error::IntegerOverflow { place, offset: 8 }),
        ("80 81 00", Error::Huffman { place, offset: 9, error: HuffmanError::PaddingNotEos { offset: 0 } }),
        // 33 and 68 octets: refused before they are there.
        ("80 44", Error::EntryTooLarge { offset: 7, size: 101, capacity: 100 }),
        ("5f26", Error::EntryTooLarge { offset: 7, size: 101, capacity: 100 }),
        ("4161 44", Error::EntryTooLarge { offset: 7, size: 101, capacity: 100 }),
        // 2^62 - 1 octets, coded and not.
        ("80 7f80ffffffffffffff3f", Error::EntryTooLarge { offset: 7, size: (1 << 62) + 32, capacity: 100 }),
        (
            "80 ff80ffffffffffffff3f",
            Error::EntryTooLarge { offset: 7, size: 1 + 32 + u64::MAX.div_ceil(30), capacity: 100 },
        ),
        ("c0 44", Error::EntryTooLarge { offset: 7, size: 110, capacity: 100 }),
    ] {
        let mut decoder = Decoder::new(LIMITS);
        feed(&mut decoder, &hex("3f45 3f45 416100")).unwrap();
        let got = feed(&mut decoder, &hex(text));
        assert_eq!(got, Err(expected), "{text}");
        assert_eq!(expected.code(), 0x201);
        assert!(!expected.to_string().is_empty() && expected.offset().is_some());
    }
}

/// A text that fits by the length of its code, and not when it is decoded.
#[test]
fn entries_that_are_too_large_only_decoded() {
    for length in [67, 68, 100] {
        let mut text = Vec::new();
        wirelace_qpack::hpack::huffman::encode(&vec![b'a'; length], &mut text);
        let mut insert = vec![0x41, b'b'];
        write_prefix_int(&mut insert, 7, 0x80, text.len() as u64);
        insert.extend_from_slice(&text);
        let mut decoder = with_table(100, "");
        let got = feed(&mut decoder, &insert);
        if length == 67 {
            assert_eq!(got, Ok(()));
            assert_eq!(section(&mut decoder, 0, "0200 80").unwrap().unwrap()[0].1.len(), 67);
        } else {
            assert!(
                matches!(got, Err(Error::EntryTooLarge { offset: 2, size: 101.., capacity: 100 })),
                "{got:?}"
            );
        }
    }
}

/// Until an instruction is complete nothing of it is kept, and a name that waits for its value is not decoded again
/// and again: that would take minutes here.
#[test]
fn trickle() {
    let mut decoder = Decoder::new(Limits { table_capacity: 1 << 20, ..LIMITS });
    let mut input = BytesMut::new();
    let mut stream = Vec::new();
    write_prefix_int(&mut stream, 5, 0x20, 1 << 20);
    let mut name = Vec::new();
    wirelace_qpack::hpack::huffman::encode(&vec![b'x'; 500_000], &mut name);
    write_prefix_int(&mut stream, 5, 0x60, name.len() as u64);
    stream.extend_from_slice(&name);
    write_prefix_int(&mut stream, 7, 0x00, 500_000);
    stream.extend_from_slice(&vec![b'v'; 500_000]);
    for octet in stream {
        input.extend_from_slice(&[octet]);
        decoder.encoder_stream(&mut input).unwrap();
    }
    assert!(input.is_empty());
    let got = section(&mut decoder, 0, "0200 80").unwrap().unwrap();
    assert_eq!((got[0].0.len(), got[0].1.len()), (500_000, 500_000));
}

#[test]
fn capacity_comes_and_goes() {
    let mut decoder = Decoder::new(LIMITS);
    // Without a capacity there is no table.
    assert!(matches!(
        feed(&mut decoder, &hex(INSERT)),
        Err(Error::EntryTooLarge { size: 33, capacity: 0, .. })
    ));
    let mut decoder = with_table(4096, &INSERT.repeat(3));
    assert_eq!(section(&mut decoder, 0, "0400 80").unwrap(), Some(pairs(&[("a", "1")])));
    // Room for two, then for none.
    feed(&mut decoder, &hex("3f25")).unwrap();
    assert_eq!(section(&mut decoder, 0, "0400 81").unwrap(), Some(pairs(&[("a", "1")])));
    assert!(matches!(section(&mut decoder, 0, "0400 82"), Err(Error::DynamicIndex { index: 2, .. })));
    feed(&mut decoder, &hex("20")).unwrap();
    assert!(matches!(section(&mut decoder, 0, "0400 80"), Err(Error::DynamicIndex { index: 0, .. })));
    // What was inserted stays counted.
    feed(&mut decoder, &hex("3fe11f")).unwrap();
    feed(&mut decoder, &hex(INSERT)).unwrap();
    assert_eq!(section(&mut decoder, 0, "0500 80").unwrap(), Some(pairs(&[("a", "1")])));
    // A limit of zero is a limit.
    let mut none = Decoder::new(Limits { table_capacity: 0, ..LIMITS });
    feed(&mut none, &hex("20")).unwrap();
    assert_eq!(feed(&mut none, &hex("21")), Err(Error::Capacity { offset: 1, capacity: 1, limit: 0 }));
    // One that is beyond us is not offered.
    assert_eq!(Decoder::new(Limits { table_capacity: u64::MAX, ..LIMITS }).limits().table_capacity, 1 << 30);
}

/// An entry may be made of one that is evicted for it (RFC 9204 §3.2.2).
#[test]
fn made_of_what_is_evicted() {
    let long = "5f00 6161616161616161616161616161616161616161616161616161616161616161 01 31";
    let long = long.replace("5f00 61", "5f01 61");
    let mut decoder = with_table(70, &long);
    let name = "a".repeat(32);
    for (instruction, value, required) in
        [("80 0132", "2", "0300"), ("00", "2", "0400"), ("80 0133", "3", "0100")]
    {
        feed(&mut decoder, &hex(instruction)).unwrap();
        // Two entries at most: the count wraps at four.
        let required = if required == "0100" { "0500" } else { required };
        let got = section(&mut decoder, 0, &format!("{required} 80")).unwrap();
        assert_eq!(got, Some(pairs(&[(&name, value)])));
    }
}

#[test]
fn increments_are_coalesced() {
    let mut decoder = with_table(4096, INSERT);
    feed(&mut decoder, &hex(INSERT)).unwrap();
    assert_eq!(output(&mut decoder), hex("02"));
    assert_eq!(output(&mut decoder), hex(""));
    // An acknowledged section says the same.
    feed(&mut decoder, &hex(INSERT)).unwrap();
    section(&mut decoder, 4, "0400 80").unwrap();
    assert_eq!(output(&mut decoder), hex("84"));
    // One that needs less does not.
    feed(&mut decoder, &hex(INSERT)).unwrap();
    section(&mut decoder, 4, "0400 80").unwrap();
    section(&mut decoder, 4, "0000 d1").unwrap();
    assert_eq!(output(&mut decoder), hex("8401"));
}

#[test]
fn sections_wait_and_leave_in_order() {
    let mut decoder = with_table(4096, "");
    assert_eq!(section(&mut decoder, 8, "0300 80"), Ok(None));
    assert_eq!(section(&mut decoder, 4, "0200 80"), Ok(None));
    // What follows on the stream waits too, whatever it needs.
    assert_eq!(section(&mut decoder, 4, "0000 d1"), Ok(None));
    assert_eq!(decoder.waiting_streams(), 2);
    let full = section(&mut decoder, 12, "0200 80");
    assert_eq!(full, Err(Error::BlockedStreams { stream: 12, limit: 2 }));
    assert_eq!(full.unwrap_err().code(), 0x200);
    assert_eq!(section(&mut decoder, 16, "0000 d1").unwrap(), Some(pairs(&[(":method", "GET")])));
    assert_eq!(unblocked(&mut decoder), None);
    feed(&mut decoder, &hex(INSERT)).unwrap();
    let a = pairs(&[("a", "1")]);
    assert_eq!(unblocked(&mut decoder), Some(Ok((4, a.clone()))));
    assert_eq!(unblocked(&mut decoder), Some(Ok((4, pairs(&[(":method", "GET")])))));
    assert_eq!(unblocked(&mut decoder), None);
    feed(&mut decoder, &hex(INSERT)).unwrap();
    assert_eq!(unblocked(&mut decoder), Some(Ok((8, a))));
    assert_eq!(decoder.waiting_streams(), 0);
    assert_eq!(output(&mut decoder), hex("8488"));
}

#[test]
fn what_waits_may_be_wrong() {
    let mut decoder = with_table(4096, "");
    assert_eq!(section(&mut decoder, 8, "0200 81"), Ok(None));
    feed(&mut decoder, &hex(INSERT)).unwrap();
    let place = Place::Section(8);
    assert_eq!(unblocked(&mut decoder), Some(Err(Error::DynamicIndex { place, offset: 2, index: 1 })));
}

#[test]
fn cancelled_streams_give_back_what_they_held() {
    let mut decoder = Decoder::new(LIMITS);
    let long = format!("0200 {}", "d1".repeat(1900));
    for round in 0..1000 {
        let stream = round * 4;
        assert_eq!(section(&mut decoder, stream, &long), Ok(None));
        assert_eq!(section(&mut decoder, stream, &long), Ok(None));
        let full = section(&mut decoder, stream + 1, &long);
        assert_eq!(full, Err(Error::BlockedBytes { stream: stream + 1, octets: 1902, limit: 4096 }));
        assert_eq!(full.unwrap_err().code(), 0x107);
        decoder.cancel(stream);
        assert_eq!(decoder.waiting_streams(), 0);
    }
    output(&mut decoder);
    // One that held nothing is cancelled too; without a table nothing can be held.
    decoder.cancel(4);
    decoder.cancel(62);
    assert_eq!(output(&mut decoder), hex("447e"));
    decoder.cancel(63);
    assert_eq!(output(&mut decoder), hex("7f00"));
    let mut none = Decoder::new(Limits { table_capacity: 0, ..LIMITS });
    none.cancel(4);
    assert_eq!(output(&mut none), hex(""));
}

/// What waits does not keep the buffer that it arrived in.
#[test]
fn what_waits_is_a_copy() {
    let mut decoder = Decoder::new(LIMITS);
    let buffer = Bytes::from(vec![0x02; 100_000]);
    let mut out = HeaderBlock::new();
    assert_eq!(decoder.section(4, buffer.slice(..4), &NO_LIMITS, &mut out), Ok(Section::Blocked));
    assert!(buffer.is_unique());
}

#[test]
fn limits_on_what_is_decoded() {
    let mut decoder = with_table(4096, INSERT);
    let mut out = HeaderBlock::new();
    let encoded: Bytes = hex(&format!("0200 {} 51 01 61", "80".repeat(9))).into();
    let mut at = |fields, list_size| {
        let limits = BlockLimits { fields, list_size };
        assert_eq!(decoder.section(4, encoded.clone(), &limits, &mut out), Ok(Section::Decoded));
        assert_eq!(output(&mut decoder), hex("84"));
        (out.len(), out.exceeded())
    };
    assert_eq!(at(10, 1000), (10, None));
    assert_eq!(at(9, 1000), (9, Some(Exceeded::FieldCount)));
    assert_eq!(at(0, 1000), (0, Some(Exceeded::FieldCount)));
    // 9 x 34, and 5 + 1 + 32.
    assert_eq!(at(10, 344), (10, None));
    assert_eq!(at(10, 343), (9, Some(Exceeded::ListSize)));
    assert_eq!(at(10, 33), (0, Some(Exceeded::ListSize)));
}
