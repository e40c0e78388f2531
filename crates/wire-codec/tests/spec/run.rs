//! A framing at work, in all its forms at once.

use bytes::Bytes;
use wirelace_wire::Output;
use wirelace_wire_codec::spec::{FrameSpec, Scan, SpecFrameError};

/// The same frame from all that encodes.
pub(crate) fn encoded(spec: &FrameSpec, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    spec.encode_into(payload, &mut out).unwrap();
    let mut output = Output::new(100);
    spec.encode(Bytes::copy_from_slice(payload), &mut output).unwrap();
    assert_eq!(output.chunks().flatten().copied().collect::<Vec<_>>(), out);
    out
}

pub(crate) fn decode<'a>(
    spec: &FrameSpec,
    input: &'a [u8],
) -> Result<Option<(&'a [u8], usize)>, SpecFrameError> {
    let mut scan = Scan::new();
    let decoded = spec.decode(input, &mut scan);
    let mut owned = Bytes::copy_from_slice(input);
    let in_owned = spec.decode_owned(&mut owned, &mut Scan::new());
    match decoded {
        Ok(Some((payload, taken))) => {
            assert_eq!(in_owned.unwrap().unwrap(), payload);
            assert_eq!(owned, input[taken..]);
        }
        Ok(None) => {
            assert_eq!((in_owned, &owned[..]), (Ok(None), input));
            assert!(scan.needed() > input.len());
        }
        Err(error) => assert_eq!((in_owned, &owned[..]), (Err(error), input)),
    }
    decoded
}

/// Frames and the end of a stream that comes in `pieces`.
pub(crate) fn stream<'a>(
    spec: &FrameSpec,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Vec<u8>>, Option<SpecFrameError>) {
    let (mut buffer, mut scan, mut frames) = (Vec::new(), Scan::new(), Vec::new());
    let mut pieces = pieces.into_iter();
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
                    buffer.drain(..taken);
                }
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        if piece.is_none() {
            assert!(buffer.is_empty());
            return (frames, None);
        }
    }
}
