//! Reads what `write_frames` wrote, and hands it to the other side.

use bytes::{Buf, Bytes};
use wirelace_wire::varint::decode_varint;

use crate::error::TransportError;
use crate::stream_id::{Direction, StreamId};
use crate::streams::Streams;

fn varint(input: &mut Bytes) -> u64 {
    let (value, octets) = decode_varint(input).unwrap();
    input.advance(octets);
    value
}

/// A frame with its type and integers; STREAM frames have id, offset, and whether it is the end.
pub(super) fn parse(packet: &Bytes) -> Vec<(u8, Vec<u64>, Bytes)> {
    let mut input = packet.clone();
    let mut frames = Vec::new();
    while !input.is_empty() {
        let kind = input.get_u8();
        let count = match kind {
            0x04 => 3,
            0x05 | 0x11 | 0x15 => 2,
            0x10 | 0x12..=0x14 | 0x16 | 0x17 => 1,
            0x08..=0x0f => {
                let id = varint(&mut input);
                let offset = if kind & 4 != 0 { varint(&mut input) } else { 0 };
                let length = if kind & 2 != 0 { varint(&mut input) as usize } else { input.len() };
                frames.push((kind, vec![id, offset, u64::from(kind & 1)], input.split_to(length)));
                continue;
            }
            _ => panic!("frame type {kind:#x}"),
        };
        frames.push((kind, (0..count).map(|_| varint(&mut input)).collect(), Bytes::new()));
    }
    frames
}

pub(super) fn deliver(to: &mut Streams, packet: &Bytes) -> Result<(), TransportError> {
    for (kind, values, data) in parse(packet) {
        let direction = if kind & 1 == 0 { Direction::Bidirectional } else { Direction::Unidirectional };
        let id = StreamId(values[0]);
        match kind {
            0x04 => to.on_reset_stream(id, values[1], values[2])?,
            0x05 => to.on_stop_sending(id, values[1])?,
            0x10 => to.on_max_data(values[0]),
            0x11 => to.on_max_stream_data(id, values[1])?,
            0x12 | 0x13 => to.on_max_streams(direction, values[0])?,
            0x14 => {}
            0x15 => to.on_stream_data_blocked(id, values[1])?,
            0x16 | 0x17 => to.on_streams_blocked(direction, values[0])?,
            _ => to.on_stream(id, values[1], data, values[2] == 1)?,
        }
    }
    Ok(())
}
