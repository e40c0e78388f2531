//! What the encoder writes, and when it does without the table.

mod support;

use bytes::BytesMut;
use support::{NO_LIMITS, Pair, fields, hex, pairs};
use wirelace_qpack::hpack::{Indexing, Name, StaticName};
use wirelace_qpack::{Decoder, Encoder, Error, HeaderBlock, Limits, Section};

fn encoder(capacity: u64, blocked_streams: u64) -> Encoder {
    let mut encoder = Encoder::new(capacity);
    encoder.set_peer_limits(capacity, blocked_streams).unwrap();
    encoder
}

fn write(encoder: &mut Encoder, stream: u64, section: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.section(stream, &mut out, |writer| {
        for (name, value) in section {
            writer.field((*name).into(), value.as_bytes(), Indexing::Auto);
        }
    });
    out
}

fn acknowledge(encoder: &mut Encoder, text: &str) -> Result<(), Error> {
    let mut input = BytesMut::from(&hex(text)[..]);
    let result = encoder.decoder_stream(&mut input);
    assert!(result.is_err() || input.is_empty());
    result
}

/// Whether a section refers to the dynamic table.
fn refers(section: &[u8]) -> bool {
    section[0] != 0
}

fn instructions(encoder: &mut Encoder) -> Vec<u8> {
    std::mem::take(encoder.output())
}

/// A decoder that takes all of it.
fn decoder(capacity: u64) -> Decoder {
    Decoder::new(Limits { table_capacity: capacity, blocked_streams: 1 << 20, blocked_bytes: 1 << 30 })
}

fn decode(decoder: &mut Decoder, encoder: &mut Encoder, stream: u64, section: &[u8]) -> Vec<Pair> {
    decoder.encoder_stream(&mut BytesMut::from(&instructions(encoder)[..])).unwrap();
    let mut out = HeaderBlock::new();
    let done = decoder.section(stream, section.to_vec().into(), &NO_LIMITS, &mut out);
    assert_eq!(done, Ok(Section::Decoded));
    fields(&out)
}

const FIELD: (&str, &str) = ("user-agent", "a client of some kind");

#[test]
fn without_a_table_there_are_literals() {
    for (cap, capacity, blocked) in [(0, 4096, 100), (4096, 0, 0), (4096, 0, 100), (4096, 31, 100)] {
        let mut encoder = Encoder::new(cap);
        encoder.set_peer_limits(capacity, blocked).unwrap();
        for stream in 0..10 {
            let section = write(&mut encoder, stream, &[(":method", "GET"), FIELD, ("x-a", "b")]);
            assert!(!refers(&section));
            let got = decode(&mut decoder(0), &mut encoder, stream, &section);
            assert_eq!(got, pairs(&[(":method", "GET"), FIELD, ("x-a", "b")]));
        }
        assert!(instructions(&mut encoder).is_empty());
        assert_eq!(encoder.unacknowledged_sections(), 0);
    }
    // Before SETTINGS there is none either.
    let mut early = Encoder::new(4096);
    assert!(!refers(&write(&mut early, 0, &[FIELD])));
}

#[test]
fn streams_that_may_be_blocked_are_counted() {
    let mut encoder = encoder(4096, 2);
    assert!(refers(&write(&mut encoder, 0, &[("x-a", "1")])));
    assert!(refers(&write(&mut encoder, 4, &[("x-b", "1")])));
    // A third may not be blocked, not even by what others wait for; those two may once more.
    assert!(!refers(&write(&mut encoder, 8, &[("x-a", "1")])));
    assert!(!refers(&write(&mut encoder, 8, &[("x-c", "1")])));
    assert!(refers(&write(&mut encoder, 4, &[("x-a", "1")])));
    // It has all that stream 0 needs.
    acknowledge(&mut encoder, "01").unwrap();
    assert!(refers(&write(&mut encoder, 12, &[("x-b", "1")])));
    assert!(!refers(&write(&mut encoder, 16, &[("x-b", "1")])));
    assert!(refers(&write(&mut encoder, 16, &[("x-a", "1")])));
    // A stream that is cancelled does not wait.
    acknowledge(&mut encoder, "44").unwrap();
    assert!(refers(&write(&mut encoder, 20, &[("x-b", "1")])));
    assert!(!refers(&write(&mut encoder, 24, &[("x-b", "1")])));
    // Nor one that has never been heard of.
    encoder.cancelled(20);
    assert!(refers(&write(&mut encoder, 24, &[("x-b", "1")])));
    acknowledge(&mut encoder, "98").unwrap();
    assert!(refers(&write(&mut encoder, 28, &[("x-b", "1"), ("x-a", "1")])));
}

/// RFC 9204 §2.1.2: with a limit of zero only what the peer is known to have is referred to. It is worth it.
#[test]
fn no_stream_may_be_blocked() {
    let (mut encoder, mut decoder) = (encoder(4096, 0), decoder(4096));
    let section = [(":method", "GET"), FIELD, ("x-a", "1"), ("x-b", "a value that takes some octets")];
    let mut lengths = Vec::new();
    for stream in 0..20 {
        let out = write(&mut encoder, stream, &section);
        assert_eq!(refers(&out), stream > 0);
        lengths.push(out.len());
        assert_eq!(decode(&mut decoder, &mut encoder, stream, &out), pairs(&section));
        encoder.decoder_stream(&mut BytesMut::from(&decoder.output()[..])).unwrap();
        decoder.output().clear();
    }
    assert!(lengths[0] > 40);
    assert!(lengths[1..].iter().all(|&length| length == 6), "{lengths:?}");
}

#[test]
fn what_is_not_acknowledged_stays() {
    let (mut encoder, mut decoder) = (encoder(128, 100), decoder(128));
    // Two entries fill the table.
    let first = write(&mut encoder, 0, &[("x-a", &"1".repeat(29)), ("x-b", &"1".repeat(29))]);
    let table = instructions(&mut encoder);
    for stream in 1..200 {
        let (name, value) = (format!("x-{stream}"), format!("{stream}"));
        let section = write(&mut encoder, stream, &[(&name, &value)]);
        assert!(!refers(&section));
    }
    assert_eq!(instructions(&mut encoder), hex(""));
    // The decoder has the entries, but not the section that refers to them.
    acknowledge(&mut encoder, "02").unwrap();
    for stream in 1..200 {
        write(&mut encoder, stream, &[(&format!("x-{stream}"), "1")]);
    }
    assert_eq!(instructions(&mut encoder), hex(""));
    decoder.encoder_stream(&mut BytesMut::from(&table[..])).unwrap();
    assert_eq!(decode(&mut decoder, &mut encoder, 0, &first).len(), 2);
    acknowledge(&mut encoder, "80").unwrap();
    // Now there is room.
    let mut inserted = false;
    for stream in 201..400 {
        write(&mut encoder, stream, &[("x-c", "1")]);
        inserted |= !instructions(&mut encoder).is_empty();
    }
    assert!(inserted);
}

/// No section refers to them, and yet: the decoder may still need them to make sense of what follows.
#[test]
fn what_the_decoder_may_not_have_stays() {
    let mut encoder = encoder(128, 0);
    write(&mut encoder, 0, &[("x-a", &"1".repeat(29)), ("x-b", &"1".repeat(29))]);
    assert!(!instructions(&mut encoder).is_empty());
    for stream in 1..200 {
        write(&mut encoder, stream, &[("x-c", "1")]);
    }
    assert_eq!(instructions(&mut encoder), hex(""));
    // The first may go, the second not yet.
    acknowledge(&mut encoder, "01").unwrap();
    write(&mut encoder, 200, &[("x-c", "1")]);
    assert!(!instructions(&mut encoder).is_empty());
    write(&mut encoder, 204, &[("x-d", &"1".repeat(60))]);
    write(&mut encoder, 208, &[("x-d", &"1".repeat(60))]);
    assert_eq!(instructions(&mut encoder), hex(""));
}

#[test]
fn a_cancelled_section_no_longer_holds_its_entries() {
    for how in ["40", "cancelled"] {
        let mut encoder = encoder(128, 100);
        write(&mut encoder, 0, &[("x-a", &"1".repeat(29)), ("x-b", &"1".repeat(29))]);
        acknowledge(&mut encoder, "02").unwrap();
        match how {
            "cancelled" => encoder.cancelled(0),
            _ => acknowledge(&mut encoder, how).unwrap(),
        }
        assert_eq!(encoder.unacknowledged_sections(), 0);
        instructions(&mut encoder);
        for stream in 1..20 {
            write(&mut encoder, stream, &[("x-c", "1")]);
        }
        assert!(!instructions(&mut encoder).is_empty());
        // Cancelled again, or never seen: nothing to do (RFC 9204 §4.4.2).
        acknowledge(&mut encoder, "40 7fff03").unwrap();
        assert!(matches!(
            acknowledge(&mut encoder, "80"),
            Err(Error::NothingToAcknowledge { stream: 0, .. })
        ));
    }
}

#[test]
fn sections_of_a_stream_are_acknowledged_in_order() {
    let mut encoder = encoder(4096, 1);
    let first = write(&mut encoder, 0, &[("x-a", "1")]);
    // Static and literals only: it is not waited for.
    let second = write(&mut encoder, 0, &[(":method", "GET")]);
    let third = write(&mut encoder, 0, &[("x-b", "1")]);
    assert!(refers(&first) && !refers(&second) && refers(&third));
    assert_eq!(encoder.unacknowledged_sections(), 2);
    acknowledge(&mut encoder, "80").unwrap();
    // The first is known now, the second entry not yet.
    assert!(!refers(&write(&mut encoder, 4, &[("x-b", "1")])));
    assert!(refers(&write(&mut encoder, 4, &[("x-a", "1")])));
    acknowledge(&mut encoder, "80").unwrap();
    assert!(refers(&write(&mut encoder, 8, &[("x-b", "1")])));
    assert!(matches!(
        acknowledge(&mut encoder, "80"),
        Err(Error::NothingToAcknowledge { stream: 0, offset: 2 })
    ));
}

#[test]
fn broken_decoder_streams() {
    for (text, expected) in [
        ("00", Error::IncrementZero { offset: 0 }),
        ("0100", Error::IncrementZero { offset: 1 }),
        ("03", Error::IncrementTooLarge { offset: 0, increment: 3, left: 2 }),
        ("0102", Error::IncrementTooLarge { offset: 1, increment: 2, left: 1 }),
        ("8001", Error::IncrementTooLarge { offset: 1, increment: 1, left: 0 }),
        ("84", Error::NothingToAcknowledge { offset: 0, stream: 4 }),
        ("8080", Error::NothingToAcknowledge { offset: 1, stream: 0 }),
        ("4080", Error::NothingToAcknowledge { offset: 1, stream: 0 }),
        (
            "3f ffffffffffffffffff7f",
            Error::IntegerOverflow { place: wirelace_qpack::Place::DecoderStream, offset: 0 },
        ),
        ("3f c0ffffffffffffff3f", Error::IncrementTooLarge { offset: 0, increment: (1 << 62) - 1, left: 2 }),
    ] {
        let mut encoder = encoder(4096, 100);
        write(&mut encoder, 0, &[("x-a", "1"), ("x-b", "1")]);
        let got = acknowledge(&mut encoder, text);
        assert_eq!(got, Err(expected), "{text}");
        assert_eq!(expected.code(), 0x202);
    }
}

#[test]
fn decoder_streams_cut_anywhere() {
    let text = hex("01 80 ff8107 7f8207 01");
    for cut in 0..=text.len() {
        let mut encoder = encoder(4096, 100);
        write(&mut encoder, 0, &[("x-a", "1"), ("x-b", "1")]);
        write(&mut encoder, 1024, &[("x-b", "1")]);
        write(&mut encoder, 961, &[("x-c", "1")]);
        let mut input = BytesMut::new();
        for piece in [&text[..cut], &text[cut..]] {
            input.extend_from_slice(piece);
            encoder.decoder_stream(&mut input).unwrap();
        }
        assert!(input.is_empty());
        assert_eq!(encoder.unacknowledged_sections(), 0);
        assert!(matches!(acknowledge(&mut encoder, "01"), Err(Error::IncrementTooLarge { offset: 9, .. })));
    }
}

/// RFC 9204 §2.1.3: what cannot be sent whole is not begun.
#[test]
fn instructions_need_credit() {
    let mut encoder = encoder(4096, 100);
    // Three octets set the capacity, six insert x-a: 1.
    for credit in 0..9 {
        encoder.set_credit(credit);
        assert!(!refers(&write(&mut encoder, 0, &[("x-a", "1")])));
        assert!(encoder.output().is_empty());
    }
    encoder.set_credit(9);
    assert!(refers(&write(&mut encoder, 0, &[("x-a", "1")])));
    assert_eq!(encoder.output().len(), 9);
    // What waits to be sent counts.
    encoder.set_credit(12);
    assert!(!refers(&write(&mut encoder, 4, &[("x-b", "1")])));
    assert!(refers(&write(&mut encoder, 4, &[("x-a", "1")])));
    instructions(&mut encoder);
    assert!(refers(&write(&mut encoder, 8, &[("x-b", "1")])));
    assert!(encoder.output().len() <= 12);
}

#[test]
fn secrets_go_to_no_table() {
    let mut encoder = encoder(4096, 100);
    let mut out = Vec::new();
    for stream in 0..10 {
        out.clear();
        encoder.section(stream, &mut out, |writer| {
            writer.field(StaticName::AUTHORIZATION.into(), b"Basic YTpi", Indexing::Auto);
            writer.field(StaticName::COOKIE.into(), b"id=1", Indexing::Auto);
            writer.field(Name::Literal(b"x-token"), b"secret", Indexing::Never);
            writer.field(Name::Literal(b"x-frame-options"), b"deny", Indexing::Never);
            writer.field(Name::Literal(b"x-once"), b"value", Indexing::Without);
        });
        assert!(encoder.output().is_empty() && !refers(&out));
        let mut block = HeaderBlock::new();
        decoder(0).section(0, out.clone().into(), &NO_LIMITS, &mut block).unwrap();
        let sensitive: Vec<bool> = block.iter().map(|field| field.sensitive).collect();
        assert_eq!(sensitive, [true, true, true, true, false]);
    }
    // Not even what is there already.
    write(&mut encoder, 20, &[("x-token", "secret")]);
    out.clear();
    encoder.section(24, &mut out, |writer| writer.field("x-token".into(), b"secret", Indexing::Never));
    assert!(refers(&out) && out[2] & 0xf0 == 0x60);
}

#[test]
fn early_data_is_sent_by_remembered_limits() {
    let changed = |remembered: (u64, u64), arrived: (u64, u64)| {
        let mut encoder = Encoder::new(4096);
        encoder.set_peer_limits(remembered.0, remembered.1).unwrap();
        write(&mut encoder, 0, &[FIELD]);
        encoder.set_peer_limits(arrived.0, arrived.1)
    };
    assert_eq!(changed((4096, 16), (4096, 16)), Ok(()));
    assert_eq!(changed((4096, 16), (4096, 17)), Ok(()));
    assert_eq!(changed((0, 0), (4096, 16)), Ok(()));
    for arrived in [(4095, 16), (4097, 16), (0, 16), (4096, 15), (4096, 0)] {
        let error = changed((4096, 16), arrived).unwrap_err();
        assert_eq!(error, Error::SettingsChanged { capacity: 4096, blocked_streams: 16 });
        assert_eq!((error.code(), error.offset()), (0x109, None));
    }
    // The capacity that counts for Required Insert Counts is the peer's, that of the table may be less.
    let mut encoder = Encoder::new(100);
    encoder.set_peer_limits(1 << 20, 100).unwrap();
    let section = write(&mut encoder, 0, &[("x-a", "1")]);
    assert_eq!(encoder.output()[..2], hex("3f45"));
    assert_eq!(decode(&mut decoder(1 << 20), &mut encoder, 0, &section), pairs(&[("x-a", "1")]));
}

/// Sections that are never acknowledged are remembered within a bound; those beyond do without the table.
#[test]
fn sections_are_remembered_within_a_bound() {
    let mut encoder = encoder(4096, 0);
    write(&mut encoder, 0, &[("x-a", "1")]);
    acknowledge(&mut encoder, "01").unwrap();
    for stream in 1..=5000 {
        let section = write(&mut encoder, stream, &[("x-a", "1")]);
        assert_eq!(refers(&section), stream <= 4096);
    }
    assert_eq!(encoder.unacknowledged_sections(), 4096);
    acknowledge(&mut encoder, "81").unwrap();
    assert!(refers(&write(&mut encoder, 6000, &[("x-a", "1")])));
}

/// What comes all the time is made new before it is evicted, for an octet or two.
#[test]
fn what_is_of_use_is_made_new() {
    let (mut encoder, mut decoder) = (encoder(1024, 100), decoder(1024));
    let useful = ("x-useful", "which every section has and which is not short");
    let mut literals = 0;
    for stream in 0..500 {
        let value = stream.to_string();
        let section = [useful, ("x-a", &value), ("x-a", &value)];
        let out = write(&mut encoder, stream, &section);
        if encoder.output().len() > 40 || out.len() > 40 {
            literals += 1;
        }
        assert_eq!(decode(&mut decoder, &mut encoder, stream, &out), pairs(&section));
        encoder.decoder_stream(&mut BytesMut::from(&decoder.output()[..])).unwrap();
        decoder.output().clear();
    }
    assert_eq!(literals, 1);
}

/// A copy that the decoder is not known to have cannot be referred to; there is to be no second one for that.
#[test]
fn what_is_of_use_is_made_new_once() {
    let mut encoder = encoder(1024, 0);
    // 28 entries of 36 octets; the fourth will soon be evicted, after three that may be.
    let names: Vec<String> =
        (b'a'..=b'z').chain(*b"01").map(|octet| format!("x-{}", octet as char)).collect();
    for (stream, name) in (0..).zip(&names) {
        write(&mut encoder, stream, &[(name, "1")]);
    }
    acknowledge(&mut encoder, "1c").unwrap();
    instructions(&mut encoder);
    for stream in 40..50 {
        assert!(refers(&write(&mut encoder, stream, &[(&names[3], "1")])));
    }
    assert_eq!(instructions(&mut encoder), hex("18"));
}

/// Long prefixes and short ones, in front of sections of all lengths.
#[test]
fn prefixes_of_all_lengths() {
    let (mut encoder, mut decoder) = (encoder(1 << 16, 100), decoder(1 << 16));
    for stream in 0..2000 {
        let value = format!("{stream}");
        let mut section = vec![("x-a", value.as_str()); 1 + stream as usize % 3];
        if stream % 7 == 0 {
            section = vec![(":method", "GET")];
        }
        let out = write(&mut encoder, stream, &section);
        assert_eq!(decode(&mut decoder, &mut encoder, stream, &out), pairs(&section));
        encoder.decoder_stream(&mut BytesMut::from(&decoder.output()[..])).unwrap();
        decoder.output().clear();
    }
    // Sections are appended.
    let mut out = vec![1, 2, 3];
    encoder.section(9000, &mut out, |writer| writer.field(":method".into(), b"GET", Indexing::Auto));
    assert_eq!(out, [1, 2, 3, 0, 0, 0xd1]);
}
