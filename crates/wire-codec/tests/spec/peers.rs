//! Against `tokio-util`'s codecs, which describe a part of it.

use crate::model::{Config, Length, config};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use tokio_util::codec::{
    AnyDelimiterCodec, Decoder as _, Encoder as _, LengthDelimitedCodec, length_delimited,
};
use wirelace_wire_codec::spec::{FrameSpec, Scan, SpecFrameError};

const MAX: usize = 4096;

/// The same framing there, and its adjustment: it counts from the end of what is dropped, not of the length field.
fn peer(config: &Config) -> Option<(length_delimited::Builder, i64)> {
    let Length::Fixed { octets, little, signed: false } = config.length else { return None };
    if config.checksum {
        return None;
    }
    let head = config.offset + octets;
    let skip = config.skip.unwrap_or(head);
    let mut builder = LengthDelimitedCodec::builder();
    builder.length_field_offset(config.offset).length_field_length(octets).num_skip(skip);
    let adjustment = config.adjustment + head as i64 - skip as i64;
    builder.length_adjustment(adjustment as isize);
    builder.max_frame_length(MAX + 1000);
    Some((if little { *builder.little_endian() } else { builder }, adjustment))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn length_fields(
        mut config in config(),
        heads in any::<[u8; 32]>(),
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..5),
        tail in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        config.max = None;
        let (Some((peer, adjustment)), Ok(spec)) = (peer(&config), config.builder().build()) else { return Ok(()) };
        let frames: Vec<_> = bodies.iter().filter_map(|body| config.frame(&heads.repeat(8), body)).collect();
        let mut octets: Vec<u8> = frames.iter().flat_map(|(octets, _)| octets.clone()).collect();
        octets.extend(&tail);
        let (mut theirs, mut input) = (peer.new_codec(), BytesMut::from(&octets[..]));
        let mut rest = &octets[..];
        let mut count = 0;
        loop {
            match spec.decode(rest, &mut Scan::new()) {
                Ok(Some((payload, taken))) => {
                    // It compares its maximum with the field as it is, and takes the adjustment into account for
                    // that maximum: lengths close to what the field can hold are lost.
                    let field = payload.len() as i64 - adjustment;
                    if payload.len() > MAX || field > theirs.max_frame_length() as i64 {
                        break;
                    }
                    prop_assert_eq!(&theirs.decode(&mut input).unwrap().unwrap()[..], payload);
                    rest = &rest[taken..];
                    prop_assert_eq!(input.len(), rest.len());
                    count += 1;
                }
                // It may have refused a length that is too long for it, where we wait.
                Ok(None) => {
                    prop_assert!(!matches!(theirs.decode(&mut input), Ok(Some(_))));
                    break;
                }
                // It gives out less than the head that is kept has.
                Err(SpecFrameError::TooShort { .. }) => break,
                Err(_) => {
                    prop_assert!(!matches!(theirs.decode(&mut input), Ok(Some(_))));
                    break;
                }
            }
        }
        let all = frames.iter().all(|(_, payload)| payload.len() as i64 - adjustment <= theirs.max_frame_length() as i64);
        prop_assert!(!all || count >= frames.len());
    }

    /// It writes no octets but the length field.
    #[test]
    fn what_they_send(mut config in config(), payload in prop::collection::vec(any::<u8>(), 0..300)) {
        config.max = None;
        config.offset = 0;
        config.skip = None;
        let (Some((peer, _)), Ok(spec)) = (peer(&config), config.builder().build()) else { return Ok(()) };
        let mut octets = BytesMut::new();
        let mut out = Vec::new();
        // A length that its field has no room for is cut there, and refused here.
        if spec.encode_into(&payload, &mut out).is_ok() {
            peer.new_codec().encode(Bytes::from(payload), &mut octets).unwrap();
            prop_assert_eq!(out, &octets[..]);
        }
    }

    #[test]
    fn delimiters(delimiter in any::<u8>(), octets in prop::collection::vec(0_u8..4, 0..100)) {
        let delimiter = delimiter % 4;
        let spec = FrameSpec::delimited([delimiter]).last_without_delimiter().build().unwrap();
        let mut theirs = AnyDelimiterCodec::new(vec![delimiter], vec![]);
        let mut input = BytesMut::from(&octets[..]);
        let (mut rest, mut scan) = (&octets[..], Scan::new());
        while let Some((payload, taken)) = spec.decode_end(rest, &mut scan).unwrap() {
            prop_assert_eq!(theirs.decode_eof(&mut input).unwrap().unwrap(), payload);
            rest = &rest[taken..];
        }
        prop_assert_eq!(theirs.decode_eof(&mut input).unwrap(), None);
    }
}

#[test]
fn the_default() {
    let spec = FrameSpec::length_field(4).build().unwrap();
    let mut theirs = LengthDelimitedCodec::new();
    assert_eq!(theirs.max_frame_length(), spec.max_frame());
    let mut octets = BytesMut::new();
    theirs.encode(Bytes::from_static(b"hello"), &mut octets).unwrap();
    let mut out = Vec::new();
    spec.encode_into(b"hello", &mut out).unwrap();
    assert_eq!(out, &octets[..]);
}
