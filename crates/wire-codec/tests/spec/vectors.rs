//! Vectors written by hand, and what is refused.

use crate::run::{decode, encoded, stream};
use wirelace_wire_codec::base;
use wirelace_wire_codec::spec::{FrameSpec, MAX_HEAD, Scan, SpecBuilder, SpecError, SpecFrameError};

#[test]
fn vectors() {
    let field = FrameSpec::length_field;
    let long = [b'x'; 300];
    let prefixed = |prefix: &[u8]| [prefix, &long].concat();
    for (spec, payload, octets) in [
        (field(1), &b"hi"[..], b"\x02hi".to_vec()),
        (field(2), b"hi", b"\0\x02hi".to_vec()),
        (field(3), &long, prefixed(b"\0\x01\x2c")),
        (field(4), b"", b"\0\0\0\0".to_vec()),
        (field(8), &long, prefixed(b"\0\0\0\0\0\0\x01\x2c")),
        (field(3).little_endian(), &long, prefixed(b"\x2c\x01\0")),
        (field(8).little_endian(), &long, prefixed(b"\x2c\x01\0\0\0\0\0\0")),
        // The length counts itself.
        (field(2).adjustment(-2), b"hi", b"\0\x04hi".to_vec()),
        // The length does not count two octets.
        (field(2).adjustment(2), b"hihi", b"\0\x02hihi".to_vec()),
        (field(2).offset(3), b"hi", b"\0\0\0\0\x02hi".to_vec()),
        (field(2).offset(3).skip(0), b"abc\0\x02hi", b"abc\0\x02hi".to_vec()),
        (field(2).offset(3).skip(1), b"bc\0\x02hi", b"\0bc\0\x02hi".to_vec()),
        (field(2).offset(3).skip(3), b"\0\x02hi", b"\0\0\0\0\x02hi".to_vec()),
        (field(2).offset(3).skip(5), b"hi", b"\0\0\0\0\x02hi".to_vec()),
        // Two octets after the length field go, too.
        (field(2).skip(4), b"hi", b"\0\x04\0\0hi".to_vec()),
        // The length counts the whole frame, as in many old protocols.
        (field(4).offset(2).adjustment(-6).skip(0), b"ab\0\0\0\x08hi", b"ab\0\0\0\x08hi".to_vec()),
        // PostgreSQL, a ready message.
        (field(4).offset(1).adjustment(-4).skip(0), b"Z\0\0\0\x05I", b"Z\0\0\0\x05I".to_vec()),
        // Kafka.
        (field(4).signed(), b"hello", b"\0\0\0\x05hello".to_vec()),
        // Protobuf.
        (FrameSpec::varint(), b"", b"\0".to_vec()),
        (FrameSpec::varint(), b"\x08\x96\x01", b"\x03\x08\x96\x01".to_vec()),
        (FrameSpec::varint(), &long, prefixed(b"\xac\x02")),
        // MQTT, a ping and a part of a publication.
        (FrameSpec::varint().offset(1).skip(0), b"\xc0\0", b"\xc0\0".to_vec()),
        (FrameSpec::varint().offset(1), b"", b"\0\0".to_vec()),
        (FrameSpec::quic_varint(), b"hi", b"\x02hi".to_vec()),
        (FrameSpec::quic_varint(), &long, prefixed(b"\x41\x2c")),
        // Out of the netstring paper.
        (FrameSpec::netstring(), b"hello world!", b"12:hello world!,".to_vec()),
        (FrameSpec::netstring(), b"", b"0:,".to_vec()),
        (FrameSpec::delimited(b"\n"), b"line", b"line\n".to_vec()),
        (FrameSpec::delimited(b"\r\n"), b"li\rne\r", b"li\rne\r\r\n".to_vec()),
        (FrameSpec::delimited([0]), b"", b"\0".to_vec()),
        (FrameSpec::delimited("--end--"), b"a-end", b"a-end--end--".to_vec()),
        // CRC32C of "123456789", the check value of the catalogues; the first octet stands for 49.
        (field(1).adjustment(-41).skip(0).checksum(), b"123456789", b"123456789\xe3\x06\x92\x83".to_vec()),
    ] {
        let what = format!("{spec:?}");
        let spec = spec.build().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(encoded(&spec, payload), octets, "{what}");
        assert_eq!(decode(&spec, &octets), Ok(Some((payload, octets.len()))), "{what}");
        for cut in 0..octets.len() {
            assert_eq!(decode(&spec, &octets[..cut]), Ok(None), "{what} cut at {cut}");
            let end = spec.decode_end(&octets[..cut], &mut Scan::new());
            match end {
                Ok(end) => assert_eq!((end, cut), (None, 0)),
                Err(SpecFrameError::Truncated { offset, missing }) => {
                    assert_eq!(offset, cut);
                    assert!((1..=octets.len() - cut).contains(&missing), "{what} cut at {cut}: {missing}");
                }
                Err(error) => panic!("{what} cut at {cut}: {error}"),
            }
        }
    }
}

#[test]
fn the_base_form_can_be_described() {
    let spec =
        FrameSpec::length_field(4).offset(2).skip(0).max_frame(base::HEADER_LEN + 1000).build().unwrap();
    let mut octets = Vec::new();
    for len in [0, 5, 1000] {
        base::Frame { kind: base::FrameType::REQUEST, payload: vec![b'x'; len] }
            .encode_into(&mut octets)
            .unwrap();
    }
    let mut rest = &octets[..];
    while let Some((frame, taken)) = base::decode(rest, 1000).unwrap() {
        let (whole, also_taken) = decode(&spec, rest).unwrap().unwrap();
        assert_eq!((also_taken, &whole[base::HEADER_LEN..]), (taken, frame.payload));
        assert_eq!(encoded(&spec, whole), whole);
        rest = &rest[taken..];
    }
    assert!(rest.is_empty());
    assert_eq!(spec.frames(&octets).count(), 3);
}

#[test]
fn frames_that_are_wrong() {
    use SpecFrameError as E;
    let field = FrameSpec::length_field;
    let small = |builder: SpecBuilder| builder.max_frame(10);
    let too_long = |length| E::TooLong { length, limit: 10 };
    for (builder, octets, error, text) in [
        (small(field(1)), &b"\x0b"[..], too_long(11), "a payload of 11 octets is above the limit of 10"),
        (
            small(field(8)),
            &[0xff; 8],
            too_long(u64::MAX),
            "a payload of 18446744073709551615 octets is above",
        ),
        (field(2).adjustment(-2), b"\0\x01", E::TooShort { length: 1, least: 2 }, "a length of 1 is below"),
        (field(2).skip(4), b"\0\x01", E::TooShort { length: 1, least: 2 }, "a length of 1 is below"),
        (field(2).skip(3).adjustment(-2), b"\0\x02", E::TooShort { length: 2, least: 3 }, "a length of 2 is"),
        (field(2).offset(1).signed(), b"\0\x80\0", E::Negative { offset: 1 }, "the length at offset 1 is"),
        (FrameSpec::varint(), b"\x80\0", E::Overlong { offset: 1 }, "the varint is longer than its value"),
        (
            FrameSpec::varint(),
            &[0xff; 10],
            E::Overflow { offset: 9 },
            "the varint is above 64 bits at offset 9",
        ),
        (small(FrameSpec::varint()), b"\x0b", too_long(11), "a payload of 11"),
        (small(FrameSpec::quic_varint()), b"\x40\x0b", too_long(11), "a payload of 11"),
        (small(FrameSpec::netstring()), b"11", too_long(11), "a payload of 11"),
        (FrameSpec::netstring(), b":", E::Digit { offset: 0, found: b':' }, "the octet 0x3a at offset 0"),
        (FrameSpec::netstring(), b"01", E::Digit { offset: 1, found: b'1' }, "the octet 0x31 at offset 1"),
        (FrameSpec::netstring(), b"00", E::Digit { offset: 1, found: b'0' }, "the octet 0x30 at offset 1"),
        (FrameSpec::netstring(), b"1-", E::Digit { offset: 1, found: b'-' }, "the octet 0x2d at offset 1"),
        (FrameSpec::netstring(), b"1:ab", E::Comma { offset: 3, found: b'b' }, "the octet 0x62 at offset 3"),
        (small(FrameSpec::delimited("\r\n")), b"0123456789\ra", too_long(11), "a payload of 11"),
        (
            field(1).checksum(),
            b"\0\0\0\0\0",
            E::Checksum { offset: 1, found: 0, expected: 0x527d_5351 },
            "the checksum at offset 1 is 0x00000000, the frame's is 0x527d5351",
        ),
    ] {
        let what = format!("{builder:?} {octets:?}");
        let spec = builder.build().unwrap();
        assert_eq!(decode(&spec, octets), Err(error), "{what}");
        assert!(error.to_string().starts_with(text), "{what}: {error}");
        // It is wrong from that octet on, however the input comes.
        assert_eq!(stream(&spec, octets.chunks(1)), (vec![], Some(error)), "{what}");
        for cut in 0..octets.len() {
            assert_eq!(decode(&spec, &octets[..cut]), Ok(None), "{what} cut at {cut}");
        }
        let mut frames = spec.frames(octets);
        assert_eq!((frames.next(), frames.next(), frames.rest()), (Some(Err(error)), None, octets));
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidData);
    }
}

#[test]
fn payloads_that_are_refused() {
    use SpecFrameError as E;
    let field = FrameSpec::length_field;
    let too_long = |length, limit| E::TooLong { length, limit };
    for (builder, payload, error) in [
        // The field has eight bits: 256 octets must not become 0.
        (field(1), &[0; 256][..], too_long(256, 255)),
        (field(1).signed(), &[0; 128], too_long(128, 127)),
        (field(1).adjustment(-5), &[0; 251], too_long(251, 250)),
        (field(1).skip(4), &[0; 253], too_long(253, 252)),
        (field(4).max_frame(3), &[0; 4], too_long(4, 3)),
        (FrameSpec::varint().max_frame(3), &[0; 4], too_long(4, 3)),
        (FrameSpec::netstring().max_frame(3), &[0; 4], too_long(4, 3)),
        (FrameSpec::delimited("\n").max_frame(3), &[0; 4], too_long(4, 3)),
        (field(1).adjustment(3), b"ab", E::TooShort { length: 2, least: 3 }),
        (field(2).offset(2).skip(0), b"ab\0", E::TooShort { length: 3, least: 4 }),
        (field(2).offset(2).skip(0), b"ab\0\x01hi", E::Mismatch { described: 5, length: 6 }),
        (field(2).offset(2).skip(0), b"ab\0\x03hi", E::Mismatch { described: 7, length: 6 }),
        (field(1).skip(0).max_frame(3), b"\x03hi!", too_long(4, 3)),
        (FrameSpec::varint().skip(0), b"\x81\0h", E::Overlong { offset: 1 }),
        (FrameSpec::delimited("\n"), b"a\nb", E::Delimiter { offset: 1 }),
        // The delimiter's own beginning would end it too early.
        (FrameSpec::delimited("abab"), b"xyab", E::Delimiter { offset: 2 }),
        (FrameSpec::delimited("aaa"), b"xaa", E::Delimiter { offset: 1 }),
        (FrameSpec::delimited("\r\n\r\n"), b"x\r\n", E::Delimiter { offset: 1 }),
    ] {
        let what = format!("{builder:?} {payload:?}");
        let spec = builder.build().unwrap();
        let mut out = b"before".to_vec();
        assert_eq!(spec.encode_into(payload, &mut out), Err(error), "{what}");
        assert_eq!(out, b"before", "{what}");
        let mut output = wirelace_wire::Output::new(10);
        assert_eq!(spec.encode(bytes::Bytes::copy_from_slice(payload), &mut output), Err(error), "{what}");
        assert!(output.is_empty());
    }
}

#[test]
fn what_cannot_be_built() {
    use SpecError as E;
    let field = FrameSpec::length_field;
    let max = |max_frame, least, most| E::MaxFrame { max_frame, least, most };
    let option = |option, framing| E::Option { option, framing };
    let head = |option, octets| E::Head { option, octets };
    for (builder, error) in [
        (field(0), E::FieldWidth { octets: 0 }),
        (field(9), E::FieldWidth { octets: 9 }),
        (field(1).max_frame(256), max(256, 0, 255)),
        (field(1).signed().max_frame(128), max(128, 0, 127)),
        (field(4).signed().max_frame(1 << 31), max(1 << 31, 0, (1 << 31) - 1)),
        (field(1).adjustment(-5).max_frame(251), max(251, 0, 250)),
        (field(1).adjustment(5).max_frame(4), max(4, 5, 260)),
        (field(1).adjustment(5).max_frame(261), max(261, 5, 260)),
        (field(1).skip(4).max_frame(253), max(253, 0, 252)),
        (field(1).offset(3).skip(1).max_frame(2), max(2, 3, 258)),
        (FrameSpec::varint().offset(3).skip(1).max_frame(2), max(2, 3, isize::MAX as usize - 1024)),
        (field(1).adjustment(-256), E::Adjustment { adjustment: -256 }),
        (field(8).adjustment(i64::MAX), E::Adjustment { adjustment: i64::MAX }),
        (field(1).adjustment(i64::MIN), E::Adjustment { adjustment: i64::MIN }),
        (field(1).skip(255).adjustment(-2), E::Adjustment { adjustment: -2 }),
        (field(4).offset(MAX_HEAD + 1), head("offset", 256)),
        (field(4).skip(usize::MAX), head("skip", usize::MAX)),
        (field(4).offset(2).skip(3), E::Skip { skip: 3, start: 2 }),
        (field(4).offset(2).skip(5), E::Skip { skip: 5, start: 2 }),
        (FrameSpec::varint().skip(1), E::Skip { skip: 1, start: 0 }),
        (FrameSpec::quic_varint().offset(1).skip(9), E::Skip { skip: 9, start: 1 }),
        (FrameSpec::varint().little_endian(), option("little_endian", "varint")),
        (FrameSpec::quic_varint().signed(), option("signed", "varint")),
        (field(1).last_without_delimiter(), option("last_without_delimiter", "length field")),
        (FrameSpec::netstring().offset(0), option("offset", "netstring")),
        (FrameSpec::netstring().checksum(), option("checksum", "netstring")),
        (FrameSpec::delimited("\n").skip(0), option("skip", "delimiter")),
        (FrameSpec::delimited("\n").adjustment(0), option("adjustment", "delimiter")),
        (FrameSpec::delimited(""), E::Delimiter { octets: 0 }),
        (FrameSpec::delimited([7; 256]), E::Delimiter { octets: 256 }),
        (FrameSpec::netstring().max_frame(usize::MAX), max(usize::MAX, 0, isize::MAX as usize - 1024)),
        (FrameSpec::delimited("\n").max_frame(usize::MAX), max(usize::MAX, 0, isize::MAX as usize - 1024)),
        (field(8).max_frame(usize::MAX), max(usize::MAX, 0, isize::MAX as usize - 1024)),
    ] {
        let what = format!("{builder:?}");
        assert_eq!(builder.build().unwrap_err(), error, "{what}");
    }
}

#[test]
fn extremes_that_can_be_built() {
    let largest = isize::MAX as usize - 1024;
    for builder in [
        FrameSpec::length_field(8).offset(MAX_HEAD).max_frame(largest).checksum(),
        FrameSpec::length_field(8).adjustment(i64::MIN).max_frame(largest),
        FrameSpec::length_field(8).adjustment(largest as i64).max_frame(largest),
        FrameSpec::varint().offset(MAX_HEAD).skip(0).max_frame(largest).checksum(),
        FrameSpec::quic_varint().adjustment(-(1 << 62) + 1),
        FrameSpec::netstring().max_frame(largest),
        FrameSpec::delimited([7; 255]).max_frame(largest),
    ] {
        let what = format!("{builder:?}");
        let spec = builder.build().unwrap();
        let all = [[0; 600], [0xff; 600], [0x7f; 600], [0x80; 600], [b'9'; 600], [b'1'; 600]];
        for octets in all {
            for len in [1, 10, 20, 300, 600] {
                // No overflow, whatever the answer is.
                let decoded = decode(&spec, &octets[..len]);
                if let Ok(Some((payload, taken))) = decoded {
                    assert!(payload.len() <= spec.max_frame() && taken <= len, "{what}");
                }
            }
        }
    }
}

#[test]
fn the_default_maximum_fits_the_field() {
    for (builder, max) in [
        (FrameSpec::length_field(1), 255),
        (FrameSpec::length_field(2).signed(), 32_767),
        (FrameSpec::length_field(2).adjustment(-2), 65_533),
        (FrameSpec::length_field(3), 8 << 20),
        (FrameSpec::length_field(8), 8 << 20),
        (FrameSpec::delimited("\n"), 8 << 20),
    ] {
        assert_eq!(builder.build().unwrap().max_frame(), max);
    }
}

/// `LengthDelimitedCodec` compares its maximum with the length field before the adjustment.
#[test]
fn the_maximum_counts_the_payload_whatever_the_field_counts() {
    // The field does not count six octets: 4 stands for 10, 5 for 11.
    let less = FrameSpec::length_field(1).adjustment(6).max_frame(10).build().unwrap();
    assert_eq!(decode(&less, b"\x040123456789"), Ok(Some((&b"0123456789"[..], 11))));
    assert_eq!(decode(&less, b"\x05"), Err(SpecFrameError::TooLong { length: 11, limit: 10 }));
    // The field counts six octets too many: 16 stands for 10.
    let more = FrameSpec::length_field(1).adjustment(-6).max_frame(10).build().unwrap();
    assert_eq!(decode(&more, b"\x100123456789"), Ok(Some((&b"0123456789"[..], 11))));
    assert_eq!(decode(&more, b"\x11"), Err(SpecFrameError::TooLong { length: 11, limit: 10 }));
}

#[test]
fn the_last_frame_may_end_with_the_stream() {
    let open = FrameSpec::delimited("\r\n").last_without_delimiter().max_frame(4).build().unwrap();
    let closed = FrameSpec::delimited("\r\n").max_frame(4).build().unwrap();
    let octets = b"one\r\n\r\ntwo\r";
    let all = [&b"one"[..], b"", b"two\r"];
    for step in 1..octets.len() {
        assert_eq!(stream(&open, octets.chunks(step)), (all.map(<[u8]>::to_vec).to_vec(), None));
        let (frames, error) = stream(&closed, octets.chunks(step));
        assert_eq!((frames.len(), error), (2, Some(SpecFrameError::Truncated { offset: 4, missing: 1 })));
        // Nothing is left over: no last frame.
        assert_eq!(
            stream(&open, octets[..7].chunks(step)),
            (all[..2].iter().map(|l| l.to_vec()).collect(), None)
        );
    }
    let long = open.decode_end(b"12345", &mut Scan::new());
    assert_eq!(long, Err(SpecFrameError::TooLong { length: 5, limit: 4 }));
}
