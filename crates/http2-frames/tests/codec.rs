//! The `tokio-util` codec: however the octets come, the frames are the same.

use std::io;

use bytes::BytesMut;
use futures::{SinkExt as _, StreamExt as _};
use tokio_util::codec::{Decoder as _, Encoder as _, Framed};
use wirelace_http2_frames::{
    ErrorCode, Frame, FrameCodec, FrameError, FrameRule, MAX_PAYLOAD, OwnedFrame, SettingId, write_settings,
};

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
    let (mut codec, mut output) = (FrameCodec::default(), BytesMut::new());
    for frame in decode(&[&bytes]) {
        codec.encode(frame, &mut output).unwrap();
    }
    assert_eq!(output, bytes);
    let mut output = BytesMut::new();
    let reset = OwnedFrame::from(&Frame::RstStream { stream: 1, code: ErrorCode::CANCEL });
    codec.encode(reset.clone(), &mut output).unwrap();
    assert_eq!(codec.decode(&mut output).unwrap(), Some(reset));
}

#[test]
fn a_payload_is_a_slice_of_what_was_read() {
    let mut input = BytesMut::new();
    let mut out = Vec::new();
    Frame::Data { stream: 1, data: b"body", end_stream: true, flow_length: 4 }.write_padded(&mut out, 3);
    Frame::Ping { ack: false, data: [0; 8] }.write(&mut out);
    input.extend_from_slice(&out);
    let read = input.as_ptr_range();
    let mut codec = FrameCodec::default();
    let frame = codec.decode(&mut input).unwrap().unwrap();
    let data = frame.data().unwrap();
    assert_eq!(data, "body");
    assert!(read.contains(&data.as_ptr()) && read.contains(&frame.payload.as_ptr()));
    assert_eq!(codec.decode(&mut input).unwrap().unwrap().data(), None);
}

fn source(error: &io::Error) -> &FrameError {
    error.get_ref().unwrap().downcast_ref().unwrap()
}

#[test]
fn frames_that_are_too_large_or_broken_are_errors_that_say_so() {
    let mut codec = FrameCodec::new(100);
    // The header is enough.
    let error = codec.decode(&mut BytesMut::from(&[0, 0, 101, 0, 0, 0, 0, 0, 1][..])).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(source(&error).rule(), FrameRule::TooLong { length: 101, limit: 100 });
    codec.set_max_frame(101);
    assert_eq!(codec.decode(&mut BytesMut::from(&[0, 0, 101, 0, 0, 0, 0, 0, 1][..])).unwrap(), None);
    let error = codec.decode(&mut BytesMut::from(&[0, 0, 1, 6, 0, 0, 0, 0, 0, 9][..])).unwrap_err();
    assert_eq!(source(&error).code(), ErrorCode::FRAME_SIZE_ERROR);
    // The end of the input within a frame.
    let error = codec.decode_eof(&mut BytesMut::from(&[0, 0, 8, 6, 0, 0, 0, 0, 0, 9][..])).unwrap_err();
    assert!(error.get_ref().is_none_or(|inner| !inner.is::<FrameError>()), "{error}");
    assert_eq!(codec.decode_eof(&mut BytesMut::new()).unwrap(), None);
}

#[test]
fn decoding_goes_on_behind_the_error_of_a_stream() {
    let mut bytes = vec![0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    Frame::Ping { ack: true, data: [3; 8] }.write(&mut bytes);
    let (mut codec, mut input) = (FrameCodec::default(), BytesMut::from(&bytes[..]));
    let error = codec.decode(&mut input).unwrap_err();
    assert!(source(&error).is_stream_error());
    let frame = codec.decode(&mut input).unwrap().unwrap();
    assert_eq!(frame.frame(), Ok(Frame::Ping { ack: true, data: [3; 8] }));
}

#[test]
fn nothing_is_sent_that_the_peer_does_not_take() {
    let (mut codec, mut output) = (FrameCodec::new(100), BytesMut::new());
    let data = |len| {
        let data = vec![7; len];
        OwnedFrame::from(&Frame::Data { stream: 1, data: &data, end_stream: false, flow_length: 0 })
    };
    codec.encode(data(16_384), &mut output).unwrap();
    let written = output.len();
    let error = codec.encode(data(16_385), &mut output).unwrap_err();
    assert_eq!((error.kind(), output.len()), (io::ErrorKind::InvalidInput, written));
    assert_eq!(source(&error).rule(), FrameRule::TooLong { length: 16_385, limit: 16_384 });
    codec.set_peer_max_frame(16_385);
    codec.encode(data(16_385), &mut output).unwrap();
    // What a header cannot count is never sent.
    codec.set_peer_max_frame(u32::MAX);
    let error = codec.encode(data(1 << 24), &mut output).unwrap_err();
    assert_eq!(source(&error).rule(), FrameRule::TooLong { length: 1 << 24, limit: MAX_PAYLOAD });
}

#[tokio::test]
async fn frames_go_through_framed() {
    let (near, far) = tokio::io::duplex(7);
    let mut near = Framed::new(near, FrameCodec::default());
    let mut far = Framed::new(far, FrameCodec::default());
    let (bytes, _) = mix();
    let frames = decode(&[&bytes]);
    let expected = frames.clone();
    let sent = tokio::spawn(async move {
        for frame in frames {
            near.send(frame).await.unwrap();
        }
        near.close().await.unwrap();
    });
    for frame in expected {
        assert_eq!(far.next().await.unwrap().unwrap(), frame);
    }
    assert!(far.next().await.is_none());
    sent.await.unwrap();
}
