//! A packet while it is built: header, payload, and a place for the tag (RFC 9000 §17, RFC 9001 §5).

use wirelace_tls_glue::quic::{HeaderKey, PacketKey, ProtectionError, TAG_LENGTH, Version};

use crate::connection_id::ConnectionId;
use crate::frame::PacketType;
use crate::packet::{BEFORE_SAMPLE, LENGTH, PacketHeader, set_length};
use crate::packet_number;
use crate::recovery::Space;

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
        let header = PacketHeader {
            kind: fields.kind,
            version: fields.version,
            destination: fields.destination,
            source: fields.source,
            token: fields.token,
            key_phase: fields.phase,
            number: fields.number,
            number_length: packet_number::length(fields.number, fields.largest_acked),
        };
        let number_at = header.write(out);
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
            set_length(packet, number_at, packet.len() - number_at);
        }
        let (header, rest) = packet.split_at_mut(self.payload_at - self.start);
        let (payload, place) = rest.split_at_mut(self.end - self.payload_at);
        let tag = key.seal(self.number, header, payload)?;
        place.copy_from_slice(&tag);
        header_key.protect(packet, number_at)
    }
}
