//! Random framings and payloads, cut everywhere, and what becomes of them when octets change.

use crate::model::{Config, config};
use crate::run::{decode, encoded, stream};
use proptest::prelude::*;
use wirelace_sim::{Rng, mutate};
use wirelace_wire_codec::spec::{FrameSpec, SpecFrameError};

fn bytes(len: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..len)
}

/// A framing of any kind, payloads for it, and the stream of them.
fn any_stream() -> impl Strategy<Value = (FrameSpec, Vec<Vec<u8>>, Vec<u8>)> {
    let plain = |spec: FrameSpec, payloads: Vec<Vec<u8>>| {
        let mut octets = Vec::new();
        let kept = payloads.into_iter().filter(|payload| spec.encode_into(payload, &mut octets).is_ok());
        let kept = kept.collect();
        (spec, kept, octets)
    };
    // Few different octets, so that delimiters are hit.
    let letters = || prop::collection::vec(prop::collection::vec(b'a'..=b'c', 0..20), 0..6);
    let delimited = (prop::collection::vec(b'a'..=b'c', 1..6), any::<bool>(), 0_usize..30, letters());
    let delimited = delimited.prop_map(move |(delimiter, last, max, payloads)| {
        let builder = FrameSpec::delimited(delimiter).max_frame(max);
        let builder = if last { builder.last_without_delimiter() } else { builder };
        plain(builder.build().unwrap(), payloads)
    });
    let netstrings = (0_usize..200, prop::collection::vec(bytes(220), 0..6));
    let netstrings = netstrings.prop_map(move |(max, payloads)| {
        plain(FrameSpec::netstring().max_frame(max).build().unwrap(), payloads)
    });
    let prefixed = (config(), prop::collection::vec((any::<[u8; 32]>(), bytes(300)), 0..6));
    let prefixed = prefixed.prop_filter_map("cannot be built", |(config, frames)| {
        let spec = config.builder().build().ok()?;
        let (mut payloads, mut octets) = (Vec::new(), Vec::new());
        for (head, body) in frames {
            if let Some((frame, payload)) = config.frame(&head.repeat(8), &body)
                && payload.len() <= spec.max_frame()
            {
                octets.extend(frame);
                payloads.push(payload);
            }
        }
        Some((spec, payloads, octets))
    });
    prop_oneof![1 => delimited, 1 => netstrings, 3 => prefixed]
}

/// Encoding and decoding agree with the model, and with each other on what is no frame.
fn agree(config: &Config, head: &[u8], body: &[u8]) {
    let Ok(spec) = config.builder().build() else { return };
    let Some((frame, payload)) = config.frame(head, body) else { return };
    let mut out = Vec::new();
    let sent = spec.encode_into(&payload, &mut out);
    if payload.len() > spec.max_frame() {
        let too_long = SpecFrameError::TooLong { length: payload.len() as u64, limit: spec.max_frame() };
        assert_eq!(sent, Err(too_long));
        assert_eq!(decode(&spec, &frame), Err(too_long));
        return;
    }
    assert_eq!(decode(&spec, &frame), Ok(Some((&payload[..], frame.len()))));
    assert_eq!(sent, Ok(()));
    assert_eq!(out.len(), frame.len());
    assert_eq!(decode(&spec, &out), Ok(Some((&payload[..], out.len()))));
    let covered = if config.checksum { frame.len() - 4 } else { frame.len() };
    let zeros = config.skip.unwrap_or(config.offset).min(config.offset);
    // Where the head is dropped, zeros stand for it; where nothing is dropped after the field, all else is the same.
    assert_eq!(out[..zeros], vec![0; zeros]);
    assert!(out[..covered].ends_with(&payload));
    if zeros == 0 && payload.len() >= body.len() {
        assert_eq!(out, frame);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn as_the_model_has_it(config in config(), head in any::<[u8; 32]>(), body in bytes(400)) {
        agree(&config, &head.repeat(8), &body);
    }

    /// A payload is refused, or comes back.
    #[test]
    fn what_is_encoded_is_decoded(config in config(), payload in bytes(400)) {
        let Ok(spec) = config.builder().build() else { return Ok(()) };
        let mut out = Vec::new();
        match spec.encode_into(&payload, &mut out) {
            Ok(()) => {
                out.push(1);
                prop_assert_eq!(decode(&spec, &out), Ok(Some((&payload[..], out.len() - 1))));
            }
            Err(_) => prop_assert!(out.is_empty()),
        }
    }

    #[test]
    fn delimiters_are_where_a_naive_search_finds_them(
        delimiter in prop::collection::vec(b'a'..=b'b', 1..5),
        payload in prop::collection::vec(b'a'..=b'b', 0..12),
    ) {
        let spec = FrameSpec::delimited(&delimiter).build().unwrap();
        let whole = [&payload[..], &delimiter].concat();
        let at = whole.windows(delimiter.len()).position(|window| window == delimiter).unwrap();
        prop_assert_eq!(decode(&spec, &whole), Ok(Some((&whole[..at], at + delimiter.len()))));
        let mut out = Vec::new();
        if at == payload.len() {
            prop_assert_eq!(encoded(&spec, &payload), whole);
        } else {
            let refused = SpecFrameError::Delimiter { offset: at };
            prop_assert_eq!(spec.encode_into(&payload, &mut out), Err(refused));
        }
    }
}

proptest! {
    #[test]
    fn streams_come_back_however_they_are_cut((spec, payloads, octets) in any_stream(), step in 1_usize..40) {
        let expected = (payloads, None);
        let whole: Vec<Vec<u8>> = spec.frames(&octets).map(|frame| frame.unwrap().to_vec()).collect();
        prop_assert_eq!(&whole, &expected.0);
        prop_assert_eq!(&stream(&spec, octets.chunks(1)), &expected);
        prop_assert_eq!(&stream(&spec, octets.chunks(step)), &expected);
        for at in 0..octets.len() {
            let (front, back) = octets.split_at(at);
            prop_assert_eq!(&stream(&spec, [front, back]), &expected);
        }
    }

    #[test]
    fn changed_octets_mean_the_same_however_they_are_cut(
        (spec, _, octets) in any_stream(), seed in any::<u64>(), step in 1_usize..40,
    ) {
        let changed = mutate(&mut Rng::new(seed), &octets);
        let expected = stream(&spec, [&changed[..]]);
        prop_assert_eq!(&stream(&spec, changed.chunks(1)), &expected);
        prop_assert_eq!(&stream(&spec, changed.chunks(step)), &expected);
        for payload in spec.frames(&changed).map_while(Result::ok) {
            prop_assert!(payload.len() <= spec.max_frame());
            // Taken, so it can be sent.
            let again = encoded(&spec, payload);
            prop_assert_eq!(decode(&spec, &again), Ok(Some((payload, again.len()))));
        }
    }

    /// A stream that is cut is either whole so far, or `Truncated`.
    #[test]
    fn cut_streams_are_noticed((spec, payloads, octets) in any_stream()) {
        for end in 0..octets.len() {
            let (frames, error) = stream(&spec, [&octets[..end]]);
            let rest = spec.frames(&octets[..end]);
            let complete = rest.clone().count();
            prop_assert_eq!(&frames[..complete], &payloads[..complete]);
            match error {
                None => prop_assert!(frames.len() - complete <= 1),
                Some(SpecFrameError::Truncated { missing, .. }) => prop_assert!(missing >= 1),
                // Without its delimiter the last one has octets of it.
                Some(error) => prop_assert!(matches!(error, SpecFrameError::TooLong { .. }), "{}", error),
            }
        }
    }
}
