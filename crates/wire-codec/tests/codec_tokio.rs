//! The codecs under tokio-util's `Framed`.

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::duplex;
use tokio_util::codec::{Decoder as _, Framed, FramedParts};
use wirelace_wire_codec::base::{Frame, FrameType};
use wirelace_wire_codec::spec::FrameSpec;
use wirelace_wire_codec::{BaseCodec, SpecCodec};

fn frame(payload: &'static str) -> Frame<Bytes> {
    Frame { kind: FrameType::REQUEST, payload: Bytes::from_static(payload.as_bytes()) }
}

#[tokio::test]
async fn frames_go_through_framed() {
    let (near, far) = duplex(16);
    let mut near = Framed::new(near, BaseCodec::new(100));
    let mut far = Framed::new(far, BaseCodec::new(100));
    let sent = tokio::spawn(async move {
        for payload in ["one", "", "three, longer than the pipe"] {
            near.send(frame(payload)).await.unwrap();
        }
        near.close().await.unwrap();
    });
    for payload in ["one", "", "three, longer than the pipe"] {
        assert_eq!(far.next().await.unwrap().unwrap(), frame(payload));
    }
    assert!(far.next().await.is_none());
    sent.await.unwrap();
}

#[tokio::test]
async fn any_framing_goes_through_framed() {
    let (near, far) = duplex(16);
    let spec = FrameSpec::varint().build().unwrap();
    let mut near = Framed::new(near, SpecCodec::new(spec.clone()));
    let mut far = Framed::new(far, SpecCodec::new(spec));
    near.send(Bytes::from_static(b"hello")).await.unwrap();
    near.close().await.unwrap();
    assert_eq!(far.next().await.unwrap().unwrap(), "hello");
    assert!(far.next().await.is_none());
}

#[tokio::test]
async fn a_change_of_codec_loses_nothing() {
    let (near, far) = duplex(1000);
    let mut near = Framed::new(near, BaseCodec::new(100));
    for payload in ["one", "two", "three"] {
        near.feed(frame(payload)).await.unwrap();
    }
    near.close().await.unwrap();
    let mut far = Framed::new(far, BaseCodec::new(100));
    assert_eq!(far.next().await.unwrap().unwrap(), frame("one"));
    let FramedParts { codec, mut read_buf, .. } = far.into_parts();
    let mut rest = bytes::BytesMut::from(&codec.unread()[..]);
    rest.extend_from_slice(&read_buf.split());
    // The same octets, as another protocol reads them: header kept.
    let mut codec = SpecCodec::new(FrameSpec::length_field(4).offset(2).skip(0).build().unwrap());
    assert_eq!(codec.decode(&mut rest).unwrap().unwrap(), &b"\x0a\x02\0\0\0\x03two"[..]);
    assert_eq!(codec.unread(), &b"\x0a\x02\0\0\0\x05three"[..]);
    assert_eq!(codec.decode(&mut rest).unwrap().unwrap(), &b"\x0a\x02\0\0\0\x05three"[..]);
    assert!(codec.decode_eof(&mut rest).unwrap().is_none());
}
