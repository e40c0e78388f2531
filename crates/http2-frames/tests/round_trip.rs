//! Any frame reads as it was written; what is cut or changed never does harm.

use proptest::prelude::*;
use wirelace_http2_frames::{
    Dependency, ErrorCode, FRAME_HEADER_LEN, Flags, Frame, FrameHeader, FrameType, Origins, Settings,
};

const STREAM: std::ops::RangeInclusive<u32> = 1..=0x7fff_ffff;

#[derive(Debug, Clone)]
struct Parts {
    kind: u8,
    stream: u32,
    other: u32,
    bytes: Vec<u8>,
    bits: u8,
    code: u32,
    data: [u8; 8],
    padding: Option<u8>,
}

fn parts() -> impl Strategy<Value = Parts> {
    let bytes = prop::collection::vec(any::<u8>(), 0..300);
    let padding = prop::option::of(any::<u8>());
    (0u8..14, STREAM, STREAM, bytes, any::<u8>(), any::<u32>(), any::<[u8; 8]>(), padding).prop_map(
        |(kind, stream, other, bytes, bits, code, data, padding)| Parts {
            kind,
            stream,
            other,
            bytes,
            bits,
            code,
            data,
            padding,
        },
    )
}

impl Parts {
    fn frame(&self) -> Frame<'_> {
        let &Parts { stream, other, bits, .. } = self;
        let code = ErrorCode(self.code);
        let bytes = &self.bytes[..];
        let [one, two, three] = [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0];
        let dependency = Dependency { stream: other, exclusive: one, weight: bits };
        match self.kind {
            0 => {
                let padding = self.padding.map_or(0, |padding| u32::from(padding) + 1);
                let flow_length = bytes.len() as u32 + padding;
                Frame::Data { stream, data: bytes, end_stream: one, flow_length }
            }
            1 => Frame::Headers {
                stream,
                fragment: bytes,
                dependency: three.then_some(dependency),
                end_stream: one,
                end_headers: two,
            },
            2 => Frame::Priority { stream, dependency },
            3 => Frame::RstStream { stream, code },
            4 => {
                let payload = if one { &[] } else { &bytes[..bytes.len() / 6 * 6] };
                Frame::Settings { ack: one, settings: Settings::new(payload) }
            }
            5 => Frame::PushPromise { stream, promised: other, fragment: bytes, end_headers: one },
            6 => Frame::Ping { ack: one, data: self.data },
            7 => Frame::GoAway { last_stream: other, code, debug: bytes },
            8 => Frame::WindowUpdate { stream: if one { 0 } else { stream }, increment: other },
            9 => Frame::Continuation { stream, fragment: bytes, end_headers: one },
            10 => Frame::PriorityUpdate { stream, value: bytes },
            11 => {
                let header = FrameHeader {
                    length: bytes.len() as u32,
                    frame_type: FrameType(0x40 | bits),
                    flags: Flags(self.data[0]),
                    stream: if one { 0 } else { stream },
                };
                Frame::Unknown { header, payload: bytes }
            }
            12 => Frame::Origin { origins: Origins::new(bytes) },
            _ => {
                let (origin, value) = bytes.split_at(bytes.len() / 2);
                Frame::AltSvc { stream: if one { 0 } else { stream }, origin, value }
            }
        }
    }

    fn write(&self) -> Vec<u8> {
        let mut out = vec![0xaa; 3];
        match self.padding {
            Some(padding) => self.frame().write_padded(&mut out, padding),
            None => self.frame().write(&mut out),
        }
        assert_eq!(out.drain(..3).collect::<Vec<_>>(), [0xaa; 3]);
        out
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(parts in parts()) {
        let out = parts.write();
        let header = FrameHeader::read(&out).unwrap();
        prop_assert_eq!(out.len(), FRAME_HEADER_LEN + header.length as usize);
        prop_assert_eq!(Frame::parse(header, &out[FRAME_HEADER_LEN..]), Ok(parts.frame()));
        let mut again = Vec::new();
        header.write(&mut again);
        prop_assert_eq!(&again[..], &out[..FRAME_HEADER_LEN]);
    }

    #[test]
    fn what_is_cut_or_changed_is_read_or_refused(
        parts in parts(),
        at: prop::sample::Index,
        bit in 0u8..8,
        cut: prop::sample::Index,
    ) {
        let mut out = parts.write();
        let at = at.index(out.len());
        out[at] ^= 1 << bit;
        let mut header = FrameHeader::read(&out).unwrap();
        let payload = &out[FRAME_HEADER_LEN..][..cut.index(out.len() - FRAME_HEADER_LEN + 1)];
        header.length = payload.len() as u32;
        match Frame::parse(header, payload) {
            Ok(frame) => {
                let mut again = Vec::new();
                frame.write(&mut again);
                let header = FrameHeader::read(&again).unwrap();
                let back = Frame::parse(header, &again[FRAME_HEADER_LEN..]).unwrap();
                match (back, frame) {
                    // The padding is gone.
                    (
                        Frame::Data { stream, data, end_stream, flow_length },
                        Frame::Data { stream: s, data: d, end_stream: e, flow_length: f },
                    ) => {
                        prop_assert_eq!((stream, data, end_stream), (s, d, e));
                        prop_assert!(flow_length as usize == data.len() && f >= flow_length);
                    }
                    (back, frame) => prop_assert_eq!(back, frame),
                }
            }
            Err(error) => prop_assert!(error.offset() <= payload.len()),
        }
    }

    #[test]
    fn any_octets_are_read_or_refused(
        frame_type in 0u8..20,
        flags: u8,
        stream in 0u32..4,
        payload in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let header = FrameHeader {
            length: payload.len() as u32,
            frame_type: FrameType(frame_type),
            flags: Flags(flags),
            stream,
        };
        if let Err(error) = Frame::parse(header, &payload) {
            prop_assert!(error.offset() <= payload.len() && !error.to_string().is_empty());
        }
    }
}
