//! `wire-codec`: framings from a description.

use crate::input::Choices;
use bytes::{Bytes, BytesMut};
use wirelace_wire_codec::spec::{FrameSpec, Scan, SpecBuilder, SpecFrameError};

/// A random framing: what encodes decodes back, and input means the same however it is cut.
pub fn spec(data: &[u8]) {
    let (input, mut choices) = Choices::split(data, 18);
    let Ok(spec) = builder(&mut choices).build() else { return };
    let cut = 1 + usize::from(choices.byte() % 16);
    round_trip(&spec, input);
    round_trip(&spec, &input[..input.len().min(choices.byte().into())]);
    let whole = stream(&spec, input, input.len().max(1));
    assert_eq!(whole, stream(&spec, input, cut), "pieces of {cut}");
    assert_eq!(whole, stream(&spec, input, 1), "single octets");
    for payload in &whole.0 {
        assert!(payload.len() <= spec.max_frame());
        round_trip(&spec, payload);
    }
}

fn builder(choices: &mut Choices<'_>) -> SpecBuilder {
    let kind = choices.byte();
    let mut builder = match kind % 8 {
        0 => FrameSpec::varint(),
        1 => FrameSpec::quic_varint(),
        2 => FrameSpec::netstring(),
        3 => {
            let length = usize::from(choices.byte() % 6);
            FrameSpec::delimited((0..length).map(|_| choices.byte()).collect::<Vec<_>>())
        }
        _ => FrameSpec::length_field(usize::from(choices.byte() % 10)),
    };
    let options = choices.byte();
    if options & 1 != 0 {
        builder = builder.little_endian();
    }
    if options & 2 != 0 {
        builder = builder.signed();
    }
    if options & 4 != 0 {
        builder = builder.checksum();
    }
    if options & 8 != 0 {
        builder = builder.last_without_delimiter();
    }
    if options & 16 != 0 {
        builder = builder.offset(usize::from(choices.byte()));
    }
    if options & 32 != 0 {
        // Small ones, and the ends of the range.
        let octet = i64::from(choices.byte() as i8);
        let far = if choices.byte() & 1 == 0 { 0 } else { i64::MAX };
        builder =
            builder.adjustment(if octet < 0 { octet.saturating_sub(far) } else { octet.saturating_add(far) });
    }
    if options & 64 != 0 {
        builder = builder.skip(usize::from(choices.byte()));
    }
    if options & 128 != 0 {
        builder = builder.max_frame(usize::from(choices.byte()) * usize::from(choices.byte()));
    }
    builder
}

/// A payload is refused and leaves nothing, or comes back.
fn round_trip(spec: &FrameSpec, payload: &[u8]) {
    let mut out = Vec::new();
    if spec.encode_into(payload, &mut out).is_err() {
        assert!(out.is_empty(), "refused, and yet there");
        return;
    }
    let frame = out.len();
    out.push(0);
    assert_eq!(spec.decode(&out, &mut Scan::new()), Ok(Some((payload, frame))));
    let mut owned = Bytes::from(out);
    assert_eq!(spec.decode_owned(&mut owned, &mut Scan::new()).unwrap().unwrap(), payload);
    assert_eq!(owned, [0][..]);
}

/// The payloads of a stream that comes in pieces, and how it ends.
fn stream(spec: &FrameSpec, input: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<SpecFrameError>) {
    let (mut buffer, mut scan, mut frames) = (BytesMut::new(), Scan::new(), Vec::new());
    let mut pieces = input.chunks(piece);
    loop {
        let piece = pieces.next();
        buffer.extend_from_slice(piece.unwrap_or_default());
        loop {
            let decoded = match piece {
                Some(_) => spec.decode(&buffer, &mut scan),
                None => spec.decode_end(&buffer, &mut scan),
            };
            match decoded {
                Ok(Some((payload, taken))) => {
                    frames.push(payload.to_vec());
                    assert!(taken > 0 && taken <= buffer.len());
                    let _ = buffer.split_to(taken);
                }
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        if piece.is_none() {
            return (frames, None);
        }
    }
}
