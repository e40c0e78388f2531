//! Packets that are written (RFC 9000 §17.2, §17.3, RFC 9369 §3.2): headers, whole packets, and those without frames.
//!
//! A connection writes its packets by itself; this is for those who write some without one. Reading begins with
//! [`Header::parse`](crate::header::Header::parse).

use wirelace_tls_glue::quic::{DirectionalKeys, ProtectionError, TAG_LENGTH, Version, retry_tag};

use crate::connection_id::ConnectionId;
use crate::frame::PacketType;
use crate::octets::put_varint;

/// Octets of the Length field of long headers that are written here: enough for any datagram.
pub(crate) const LENGTH: usize = 2;
/// The largest packet that the Length field can say.
const MAX_LENGTH: usize = (1 << 14) - 1;
/// Octets behind the beginning of the packet number in front of the sample (RFC 9001 §5.4.2).
pub(crate) const BEFORE_SAMPLE: usize = 4;

/// The header of a packet with frames, before it is protected: a long one (RFC 9000 §17.2), or of
/// [`OneRtt`](PacketType::OneRtt) packets a short one (§17.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketHeader<'a> {
    /// Which packet.
    pub kind: PacketType,
    /// Its version. Short headers do not say it.
    pub version: Version,
    /// The Destination Connection ID: to whom it goes.
    pub destination: ConnectionId,
    /// The Source Connection ID: how its sender wants to be called. Short headers do not say it.
    pub source: ConnectionId,
    /// The Token, of Initial packets only.
    pub token: &'a [u8],
    /// The Key Phase bit, of short headers only.
    pub key_phase: bool,
    /// The packet number, below 2^62. Its lowest octets are written.
    pub number: u64,
    /// How many of them, 1 to 4: see [`packet_number::length`](crate::packet_number::length).
    pub number_length: usize,
}

impl PacketHeader<'_> {
    /// Appends the header and returns where in `out` the packet number begins. The Length of a long header is the two
    /// octets before; it is 0 until the payload is known, see [`set_length`].
    pub fn write(&self, out: &mut Vec<u8>) -> usize {
        let number_length = self.number_length.clamp(1, 4);
        let length_bits = number_length as u8 - 1;
        if self.kind == PacketType::OneRtt {
            out.push(0x40 | u8::from(self.key_phase) << 2 | length_bits);
            out.extend_from_slice(self.destination.as_slice());
        } else {
            out.push(0xc0 | long_type(self.kind, self.version) << 4 | length_bits);
            put_version_and_ids(out, self.version, &self.destination, &self.source);
            if self.kind == PacketType::Initial {
                put_varint(out, self.token.len() as u64);
                out.extend_from_slice(self.token);
            }
            out.extend_from_slice(&[0x40, 0]);
        }
        let number_at = out.len();
        let octets = self.number.to_be_bytes();
        out.extend_from_slice(octets.get(8 - number_length..).unwrap_or_default());
        number_at
    }

    /// Appends the whole packet: header, sealed payload, protection of the header (RFC 9001 §5). A payload that is too
    /// short for the sample is padded (§5.4.2); with number and tag it must not be longer than 16,383 octets.
    ///
    /// ```
    /// use wirelace_quic_lite::frame::{Frame, PacketType};
    /// use wirelace_quic_lite::header::{Header, LongType};
    /// use wirelace_quic_lite::packet::PacketHeader;
    /// use wirelace_quic_lite::tls::quic::{Keys, ProtectionError, Side, Version};
    /// use wirelace_quic_lite::ConnectionId;
    ///
    /// let id = ConnectionId::new(b"of a client").unwrap_or_default();
    /// let header = PacketHeader {
    ///     kind: PacketType::Initial,
    ///     version: Version::V1,
    ///     destination: id,
    ///     source: ConnectionId::default(),
    ///     token: b"",
    ///     key_phase: false,
    ///     number: 0,
    ///     number_length: 1,
    /// };
    /// let mut payload = Vec::new();
    /// Frame::Ping.write(&mut payload);
    /// let mut keys = Keys::initial(Version::V1, id.as_slice(), Side::Client)?;
    /// let mut datagram = Vec::new();
    /// header.seal(&payload, &mut keys.local, &mut datagram)?;
    ///
    /// let header = Header::parse(&datagram, 8);
    /// assert!(matches!(header, Ok(Header::Long { kind: LongType::Initial, destination, .. }) if destination == id));
    /// # Ok::<(), ProtectionError>(())
    /// ```
    ///
    /// # Errors
    /// The key has sealed as many packets as it may (§6.6). `out` is as it was.
    pub fn seal(
        &self,
        payload: &[u8],
        keys: &mut DirectionalKeys,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtectionError> {
        let start = out.len();
        let number_at = self.write(out);
        let payload_at = out.len();
        out.extend_from_slice(payload);
        out.resize(out.len().max(number_at + BEFORE_SAMPLE), 0);
        let protected = protect(out, self, (start, number_at, payload_at), keys);
        if protected.is_err() {
            out.truncate(start);
        }
        protected
    }
}

fn protect(
    out: &mut Vec<u8>,
    header: &PacketHeader<'_>,
    (start, number_at, payload_at): (usize, usize, usize),
    keys: &mut DirectionalKeys,
) -> Result<(), ProtectionError> {
    let length = out.len() + TAG_LENGTH - number_at;
    if header.kind != PacketType::OneRtt {
        set_length(out, number_at, length);
    }
    let (front, payload) = out.split_at_mut(payload_at);
    let tag = keys.packet.seal(header.number, front.get(start..).unwrap_or_default(), payload)?;
    out.extend_from_slice(&tag);
    keys.header.protect(out.get_mut(start..).unwrap_or_default(), number_at - start)
}

/// Fills in the Length field of a long header (RFC 9000 §17.2), the two octets before `number_at`: octets of packet
/// number, payload and tag, at most 16,383.
pub fn set_length(packet: &mut [u8], number_at: usize, length: usize) {
    let length = length.min(MAX_LENGTH) as u16 | 0x4000;
    if let Some(place) = number_at.checked_sub(LENGTH).and_then(|at| packet.get_mut(at..number_at)) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// Appends a Retry packet (RFC 9000 §17.2.5) with its tag (RFC 9001 §5.8). `original`: the Destination Connection ID of
/// the packet that it answers. `unused`: the four bits that mean nothing.
///
/// # Errors
/// None with the versions that there are. `out` is as it was.
pub fn write_retry(
    out: &mut Vec<u8>,
    version: Version,
    (destination, source, original): (&ConnectionId, &ConnectionId, &ConnectionId),
    token: &[u8],
    unused: u8,
) -> Result<(), ProtectionError> {
    let start = out.len();
    // Retry is 3, and one more in version 2, modulo 4.
    let bits = if version == Version::V2 { 0 } else { 3 };
    out.push(0xc0 | bits << 4 | unused & 0x0f);
    put_version_and_ids(out, version, destination, source);
    out.extend_from_slice(token);
    match retry_tag(version, original.as_slice(), out.get(start..).unwrap_or_default()) {
        Ok(tag) => out.extend_from_slice(&tag),
        Err(error) => {
            out.truncate(start);
            return Err(error);
        }
    }
    Ok(())
}

/// Appends a Version Negotiation packet (RFC 9000 §17.2.1): the ids of the packet that it answers, changed over, which
/// may have up to 255 octets each; longer ones are cut. `unused`: the seven bits that mean nothing.
pub fn write_version_negotiation(
    out: &mut Vec<u8>,
    destination: &[u8],
    source: &[u8],
    versions: &[u32],
    unused: u8,
) {
    out.push(0x80 | unused);
    out.extend_from_slice(&[0; 4]);
    for id in [destination, source] {
        let id = id.get(..255).unwrap_or(id);
        out.push(id.len() as u8);
        out.extend_from_slice(id);
    }
    versions.iter().for_each(|version| out.extend_from_slice(&version.to_be_bytes()));
}

fn put_version_and_ids(
    out: &mut Vec<u8>,
    version: Version,
    destination: &ConnectionId,
    source: &ConnectionId,
) {
    out.extend_from_slice(&version.number().to_be_bytes());
    for id in [destination, source] {
        out.push(id.as_slice().len() as u8);
        out.extend_from_slice(id.as_slice());
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
        Version::V1 => bits,
    }
}
