//! A packet while it is built: header, payload, and a place for the tag (RFC 9000 §17, RFC 9001 §5).

use wirelace_tls_glue::quic::{HeaderKey, PacketKey, ProtectionError, TAG_LENGTH, Version};

use crate::connection_id::ConnectionId;
use crate::frame::PacketType;
use crate::packet_number;
use crate::recovery::Space;

/// Octets of the Length field of long headers: enough for any datagram.
const LENGTH: usize = 2;
/// Octets behind the beginning of the packet number in front of the sample (RFC 9001 §5.4.2).
const BEFORE_SAMPLE: usize = 4;

/// What a header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeaderFields<'a> {
    pub(super) kind: PacketType,
    pub(super) version: Version,
    pub(super) destination: ConnectionId,
    pub(super) source: ConnectionId,
    pub(super) token: &'a [u8],
    pub(super) phase: bool,
    pub(super) number: u64,
    pub(super) largest_acked: Option<u64>,
}

/// Where the parts of a packet lie in the buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet {
    pub(super) space: Space,
    pub(super) kind: PacketType,
    pub(super) number: u64,
    start: usize,
    number_at: usize,
    payload_at: usize,
    /// Where the tag goes.
    pub(super) end: usize,
    /// Where the frames of the packet begin in the list of the datagram's.
    pub(super) frames: usize,
    pub(super) asks: bool,
    pub(super) in_flight: bool,
    pub(super) pads: bool,
}

/// Octets that a packet has beside its frames.
pub(super) fn overhead(fields: &HeaderFields<'_>) -> usize {
    let number = packet_number::length(fields.number, fields.largest_acked);
    let destination = fields.destination.as_slice().len();
    let header = match fields.kind {
        PacketType::OneRtt => 1 + destination,
        kind => {
            let token = if kind == PacketType::Initial { 8 + fields.token.len() } else { 0 };
            1 + 4 + 2 + destination + fields.source.as_slice().len() + token + LENGTH
        }
    };
    header + number + TAG_LENGTH
}

impl Packet {
    /// Writes the header.
    pub(super) fn begin(out: &mut Vec<u8>, space: Space, fields: &HeaderFields<'_>, frames: usize) -> Packet {
        let start = out.len();
        let number = packet_number::length(fields.number, fields.largest_acked);
        let length_bits = number as u8 - 1;
        match fields.kind {
            PacketType::OneRtt => {
                out.push(0x40 | u8::from(fields.phase) << 2 | length_bits);
                out.extend_from_slice(fields.destination.as_slice());
            }
            kind => {
                let bits = long_type(kind, fields.version);
                out.push(0xc0 | bits << 4 | length_bits);
                out.extend_from_slice(&fields.version.number().to_be_bytes());
                for id in [&fields.destination, &fields.source] {
                    out.push(id.as_slice().len() as u8);
                    out.extend_from_slice(id.as_slice());
                }
                if kind == PacketType::Initial {
                    crate::octets::put_varint(out, fields.token.len() as u64);
                    out.extend_from_slice(fields.token);
                }
                out.extend_from_slice(&[0; LENGTH]);
            }
        }
        let number_at = out.len();
        let octets = fields.number.to_be_bytes();
        out.extend_from_slice(octets.get(8 - number..).unwrap_or_default());
        Packet {
            space,
            kind: fields.kind,
            number: fields.number,
            start,
            number_at,
            payload_at: out.len(),
            end: out.len(),
            frames,
            asks: false,
            in_flight: false,
            pads: false,
        }
    }

    pub(super) fn is_empty(&self, out: &[u8]) -> bool {
        out.len() <= self.payload_at
    }

    /// Takes it back.
    pub(super) fn abandon(self, out: &mut Vec<u8>) {
        out.truncate(self.start);
    }

    /// The frames are written: the place for the tag follows. A packet too short for the sample is padded.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        let least = self.number_at + BEFORE_SAMPLE;
        if out.len() < least {
            out.resize(least, 0);
        }
        self.end = out.len();
        out.resize(self.end + TAG_LENGTH, 0);
    }

    /// Makes the packet longer, where it is the last in the buffer.
    pub(super) fn pad(&mut self, out: &mut Vec<u8>, octets: usize) {
        self.end += octets;
        // The place of the tag is zero too: PADDING.
        out.resize(self.end + TAG_LENGTH, 0);
        self.in_flight = true;
    }

    /// Octets of all of it.
    pub(super) fn size(&self) -> usize {
        self.end + TAG_LENGTH - self.start
    }

    /// Encrypts it where it lies.
    pub(super) fn seal(
        &self,
        out: &mut [u8],
        key: &mut PacketKey,
        header_key: &HeaderKey,
    ) -> Result<(), ProtectionError> {
        let Some(packet) = out.get_mut(self.start..self.end + TAG_LENGTH) else { return Ok(()) };
        let number_at = self.number_at - self.start;
        if self.kind != PacketType::OneRtt {
            let length = (packet.len() - number_at) as u16 | 0x4000;
            let place = packet.get_mut(number_at - LENGTH..number_at);
            place.into_iter().for_each(|place| place.copy_from_slice(&length.to_be_bytes()));
        }
        let (header, rest) = packet.split_at_mut(self.payload_at - self.start);
        let (payload, place) = rest.split_at_mut(self.end - self.payload_at);
        let tag = key.seal(self.number, header, payload)?;
        place.copy_from_slice(&tag);
        header_key.protect(packet, number_at)
    }
}

/// RFC 9000 §17.2, RFC 9369 §3.2.
fn long_type(kind: PacketType, version: Version) -> u8 {
    let bits = match kind {
        PacketType::Initial => 0,
        PacketType::ZeroRtt => 1,
        PacketType::Handshake | PacketType::OneRtt => 2,
    };
    match version {
        Version::V2 => bits + 1,
        _ => bits,
    }
}
