//! The `tokio-util` codec: however the octets come, the frames are the same.

use bytes::BytesMut;
use tokio_util::codec::{Decoder as _, Encoder as _};
use wirelace_http2_frames::{ErrorCode, Frame, FrameCodec, OwnedFrame, SettingId, write_settings};

fn mix() -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    write_settings(&mut out, &[(SettingId::ENABLE_PUSH, 0)]);
    Frame::Headers {
        stream: 1,
        fragment: b"\x82\x86",
        dependency: None,
        end_stream: false,
        end_headers: true,
    }
    .write(&mut out);
    Frame::Data { stream: 1, data: b"body", end_stream: true, flow_length: 4 }.write_padded(&mut out, 3);
    Frame::Ping { ack: false, data: *b"12345678" }.write(&mut out);
    Frame::Data { stream: 3, data: b"", end_stream: true, flow_length: 0 }.write(&mut out);
    (out, 5)
}

fn decode(pieces: &[&[u8]]) -> Vec<OwnedFrame> {
    let (mut codec, mut input, mut frames) = (FrameCodec::new(16_384), BytesMut::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(frame) = codec.decode(&mut input).unwrap() {
            frames.push(frame);
        }
    }
    assert!(input.is_empty());
    frames
}

#[test]
fn every_split_gives_the_same_frames() {
    let (bytes, count) = mix();
    let whole = decode(&[&bytes]);
    assert_eq!(whole.len(), count);
    for at in 0..=bytes.len() {
        assert_eq!(decode(&[&bytes[..at], &bytes[at..]]), whole, "split at {at}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(decode(&single), whole);
    assert!(matches!(whole[2].frame(), Ok(Frame::Data { data: b"body", flow_length: 8, .. })));
}

#[test]
fn what_is_encoded_decodes_the_same() {
    let (bytes, _) = mix();
    let (mut codec, mut output) = (FrameCodec::new(16_384), BytesMut::new());
    let frames = decode(&[&bytes]);
    for frame in frames.clone() {
        codec.encode(frame, &mut output).unwrap();
    }
    assert_eq!(output, bytes);
    let mut output = BytesMut::new();
    let reset = Frame::RstStream { stream: 1, code: ErrorCode::CANCEL };
    codec.encode(reset, &mut output).unwrap();
    assert_eq!(codec.decode(&mut output).unwrap(), Some(OwnedFrame::from(&reset)));
}

#[test]
fn frames_that_are_too_large_or_broken_are_errors_that_say_so() {
    let mut codec = FrameCodec::new(100);
    let error = codec.decode(&mut BytesMut::from(&[0, 0, 101, 0, 0, 0, 0, 0, 1][..])).unwrap_err();
    assert!(error.to_string().contains("DATA of 101 octets"), "{error}");
    codec.set_max_frame(101);
    assert_eq!(codec.decode(&mut BytesMut::from(&[0, 0, 101, 0, 0, 0, 0, 0, 1][..])).unwrap(), None);
    let error = codec.decode(&mut BytesMut::from(&[0, 0, 1, 6, 0, 0, 0, 0, 0, 9][..])).unwrap_err();
    let source = error.get_ref().unwrap().downcast_ref::<wirelace_http2_frames::FrameError>().unwrap();
    assert_eq!(source.code(), ErrorCode::FRAME_SIZE_ERROR);
}
