//! Transport parameters (RFC 9000 §7.4, §18; RFC 9221 §3, RFC 9287 §3, RFC 9368 §3): what each side says of itself in
//! the handshake.

use std::net::{SocketAddrV4, SocketAddrV6};
use std::time::Duration;

use wirelace_tls_glue::quic::{RESET_TOKEN_LENGTH, ResetToken, Side};
use wirelace_wire::varint::decode_varint;

use crate::connection_id::ConnectionId;
use crate::error::{TransportError, TransportErrorCode};
use crate::octets::put_varint;

/// The smallest `max_udp_payload_size` (§18.2).
const MIN_UDP_PAYLOAD: u64 = 1200;
/// Streams of a kind that there can be (§4.6).
const MAX_STREAMS: u64 = 1 << 60;
/// Parameters that are looked at for duplicates; more are an attack.
const MOST: usize = 128;

/// Where a server would rather be spoken to (RFC 9000 §9.6, §18.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferredAddress {
    /// Over IPv4; `None`: nowhere. Port 0 cannot be said.
    pub v4: Option<SocketAddrV4>,
    /// Over IPv6; `None`: nowhere. Port 0, a flow label and a scope cannot be said.
    pub v6: Option<SocketAddrV6>,
    /// The connection id to use there, of number 1: 1 to 20 octets.
    pub connection_id: ConnectionId,
    /// The stateless reset token of that id (§10.3).
    pub token: ResetToken,
}

/// Versions that were chosen and are possible (RFC 9368 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInformation {
    /// The version in use. Never 0.
    pub chosen: u32,
    /// Those that are possible, the preferred ones first. None is 0; a client's have the chosen one among them.
    pub available: Vec<u32>,
}

/// What one side says of itself in the handshake (RFC 9000 §18.2). [`Default`] is what the absence of each means.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportParameters {
    /// Server only: the Destination Connection ID of the client's very first packet (§7.3).
    pub original_destination_connection_id: Option<ConnectionId>,
    /// The connection is given up after so long without a packet (§10.1), in milliseconds on the wire. The smaller of
    /// both sides' counts; zero: never.
    pub max_idle_timeout: Duration,
    /// Server only: who sends this token knows that the server has forgotten the connection (§10.3).
    pub stateless_reset_token: Option<ResetToken>,
    /// The largest UDP payload that this side takes, in octets: 1,200 or more.
    pub max_udp_payload_size: u64,
    /// Octets that the peer may send on all streams together at first (§4.1).
    pub initial_max_data: u64,
    /// Octets that the peer may send at first on each bidirectional stream that this side opens.
    pub initial_max_stream_data_bidi_local: u64,
    /// Octets that the peer may send at first on each bidirectional stream that it opens.
    pub initial_max_stream_data_bidi_remote: u64,
    /// Octets that the peer may send at first on each unidirectional stream.
    pub initial_max_stream_data_uni: u64,
    /// Bidirectional streams that the peer may open at first (§4.6): at most 2^60.
    pub initial_max_streams_bidi: u64,
    /// Unidirectional streams that the peer may open at first: at most 2^60.
    pub initial_max_streams_uni: u64,
    /// The unit of the delay in this side's ACK frames is 2 to the power of this in microseconds (§19.3): at most 20.
    pub ack_delay_exponent: u8,
    /// The longest that this side waits with an acknowledgement (§13.2.1), in milliseconds on the wire: below 2^14.
    pub max_ack_delay: Duration,
    /// This side's address must not be left for another one, except the preferred one (§9).
    pub disable_active_migration: bool,
    /// Server only: where it would rather be spoken to.
    pub preferred_address: Option<Box<PreferredAddress>>,
    /// Connection ids of the peer that this side keeps (§5.1.1): 2 or more.
    pub active_connection_id_limit: u64,
    /// The Source Connection ID of this side's first packet (§7.3). A peer has to refuse parameters without it.
    pub initial_source_connection_id: Option<ConnectionId>,
    /// Server only: the Source Connection ID of its Retry packet, where there was one (§7.3).
    pub retry_source_connection_id: Option<ConnectionId>,
    /// The largest DATAGRAM frame that this side takes, in octets, with its type and length (RFC 9221 §3); 0: none.
    pub max_datagram_frame_size: u64,
    /// This side takes packets whose fixed bit is 0 (RFC 9287 §3).
    pub grease_quic_bit: bool,
    /// Which version is in use, and which others could be (RFC 9368 §3).
    pub version_information: Option<VersionInformation>,
}

impl Default for TransportParameters {
    fn default() -> TransportParameters {
        TransportParameters {
            original_destination_connection_id: None,
            max_idle_timeout: Duration::ZERO,
            stateless_reset_token: None,
            max_udp_payload_size: 65_527,
            initial_max_data: 0,
            initial_max_stream_data_bidi_local: 0,
            initial_max_stream_data_bidi_remote: 0,
            initial_max_stream_data_uni: 0,
            initial_max_streams_bidi: 0,
            initial_max_streams_uni: 0,
            ack_delay_exponent: 3,
            max_ack_delay: Duration::from_millis(25),
            disable_active_migration: false,
            preferred_address: None,
            active_connection_id_limit: 2,
            initial_source_connection_id: None,
            retry_source_connection_id: None,
            max_datagram_frame_size: 0,
            grease_quic_bit: false,
            version_information: None,
        }
    }
}

const fn wrong(reason: &'static str) -> TransportError {
    TransportError::new(TransportErrorCode::TRANSPORT_PARAMETER_ERROR, reason)
}

const CUT: TransportError = wrong("transport parameters are cut (RFC 9000 §18)");
const SHORT: TransportError = wrong("a transport parameter ends within its value (RFC 9000 §18.2)");
const TWICE: TransportError = wrong("a transport parameter is there twice (RFC 9000 §7.4)");
const MANY: TransportError = wrong("more than 128 transport parameters");
const SERVERS: TransportError =
    wrong("a client sent a transport parameter that only servers may (RFC 9000 §18.2)");

impl TransportParameters {
    /// Reads what `from` says: the value of the TLS extension (RFC 9001 §8.2). Those that are not known, among them the
    /// reserved ones (RFC 9000 §18.1), are passed over.
    ///
    /// What follows from the packets of the handshake (§7.3) and what has to be there is not checked here.
    ///
    /// # Errors
    /// TRANSPORT_PARAMETER_ERROR: they cannot be read, one is there twice, has a value that it must not have, or is one
    /// that this side must not send; or there are more than 128. The error's [`offset`](TransportError::offset) is that
    /// of the parameter, or of its value where that is wrong.
    pub fn parse(input: &[u8], from: Side) -> Result<TransportParameters, TransportError> {
        let mut parameters = TransportParameters::default();
        // A bit for each id below 64, which nearly all have; the others one by one.
        let (mut low, mut high): (u64, Vec<u64>) = (0, Vec::new());
        let mut rest = input;
        while !rest.is_empty() {
            let at = input.len() - rest.len();
            let (id, value);
            (id, value, rest) = next(rest).ok_or_else(|| CUT.at(input.len()))?;
            let bit = if id < 64 { 1 << id } else { 0 };
            if low & bit != 0 || bit == 0 && high.contains(&id) {
                return Err(TWICE.at(at));
            }
            if low.count_ones() as usize + high.len() >= MOST {
                return Err(MANY.at(at));
            }
            low |= bit;
            if bit == 0 {
                high.push(id);
            }
            if from == Side::Client && matches!(id, 0x00 | 0x02 | 0x0d | 0x10) {
                return Err(SERVERS.at(at));
            }
            let value_at = input.len() - rest.len() - value.len();
            parameters.set(id, value, from).map_err(|error| error.at(value_at))?;
        }
        Ok(parameters)
    }

    fn set(&mut self, id: u64, value: &[u8], from: Side) -> Result<(), TransportError> {
        match id {
            0x00 => self.original_destination_connection_id = Some(connection_id(value)?),
            0x01 => self.max_idle_timeout = Duration::from_millis(number(value)?),
            0x02 => self.stateless_reset_token = Some(token(value)?),
            0x03 => {
                self.max_udp_payload_size = number(value)?;
                if self.max_udp_payload_size < MIN_UDP_PAYLOAD {
                    return Err(wrong("max_udp_payload_size is less than 1200 (RFC 9000 §18.2)"));
                }
            }
            0x04 => self.initial_max_data = number(value)?,
            0x05 => self.initial_max_stream_data_bidi_local = number(value)?,
            0x06 => self.initial_max_stream_data_bidi_remote = number(value)?,
            0x07 => self.initial_max_stream_data_uni = number(value)?,
            0x08 => self.initial_max_streams_bidi = streams(value)?,
            0x09 => self.initial_max_streams_uni = streams(value)?,
            0x0a => {
                let exponent = number(value)?;
                if exponent > 20 {
                    return Err(wrong("ack_delay_exponent is more than 20 (RFC 9000 §18.2)"));
                }
                self.ack_delay_exponent = exponent as u8;
            }
            0x0b => {
                let delay = number(value)?;
                if delay >= 1 << 14 {
                    return Err(wrong("max_ack_delay is 2^14 or more (RFC 9000 §18.2)"));
                }
                self.max_ack_delay = Duration::from_millis(delay);
            }
            0x0c => self.disable_active_migration = flag(value)?,
            0x0d => self.preferred_address = Some(Box::new(preferred(value)?)),
            0x0e => {
                self.active_connection_id_limit = number(value)?;
                if self.active_connection_id_limit < 2 {
                    return Err(wrong("active_connection_id_limit is less than 2 (RFC 9000 §18.2)"));
                }
            }
            0x0f => self.initial_source_connection_id = Some(connection_id(value)?),
            0x10 => self.retry_source_connection_id = Some(connection_id(value)?),
            0x11 => self.version_information = Some(versions(value, from)?),
            0x20 => self.max_datagram_frame_size = number(value)?,
            0x2ab2 => self.grease_quic_bit = flag(value)?,
            _ => {} // Unknown, or there to be unknown (§18.1).
        }
        Ok(())
    }

    /// Appends them as they travel; what has its default value is left out. Times are cut to milliseconds, and numbers
    /// to 2^62 - 1; a value that breaks a rule is written all the same.
    pub fn write(&self, out: &mut Vec<u8>) {
        let default = TransportParameters::default();
        let mut octets = |id: u64, value: &[u8]| {
            put_varint(out, id);
            put_varint(out, value.len() as u64);
            out.extend_from_slice(value);
        };
        let ids = [
            (0x00, &self.original_destination_connection_id),
            (0x0f, &self.initial_source_connection_id),
            (0x10, &self.retry_source_connection_id),
        ];
        for (id, value) in ids {
            if let Some(value) = value {
                octets(id, value.as_slice());
            }
        }
        if let Some(token) = &self.stateless_reset_token {
            octets(0x02, token.octets());
        }
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let numbers = [
            (0x01, millis(self.max_idle_timeout), 0),
            (0x03, self.max_udp_payload_size, default.max_udp_payload_size),
            (0x04, self.initial_max_data, 0),
            (0x05, self.initial_max_stream_data_bidi_local, 0),
            (0x06, self.initial_max_stream_data_bidi_remote, 0),
            (0x07, self.initial_max_stream_data_uni, 0),
            (0x08, self.initial_max_streams_bidi, 0),
            (0x09, self.initial_max_streams_uni, 0),
            (0x0a, self.ack_delay_exponent.into(), default.ack_delay_exponent.into()),
            (0x0b, millis(self.max_ack_delay), millis(default.max_ack_delay)),
            (0x0e, self.active_connection_id_limit, default.active_connection_id_limit),
            (0x20, self.max_datagram_frame_size, 0),
        ];
        for (id, value, default) in numbers {
            if value != default {
                let mut encoded = Vec::with_capacity(8);
                put_varint(&mut encoded, value.min((1 << 62) - 1));
                octets(id, &encoded);
            }
        }
        for (id, set) in [(0x0c, self.disable_active_migration), (0x2ab2, self.grease_quic_bit)] {
            if set {
                octets(id, &[]);
            }
        }
        if let Some(preferred) = &self.preferred_address {
            let mut encoded = Vec::with_capacity(64);
            let v4 = preferred.v4.unwrap_or(SocketAddrV4::new([0; 4].into(), 0));
            encoded.extend_from_slice(&v4.ip().octets());
            encoded.extend_from_slice(&v4.port().to_be_bytes());
            let v6 = preferred.v6.unwrap_or(SocketAddrV6::new([0; 16].into(), 0, 0, 0));
            encoded.extend_from_slice(&v6.ip().octets());
            encoded.extend_from_slice(&v6.port().to_be_bytes());
            encoded.push(preferred.connection_id.as_slice().len() as u8);
            encoded.extend_from_slice(preferred.connection_id.as_slice());
            encoded.extend_from_slice(preferred.token.octets());
            octets(0x0d, &encoded);
        }
        if let Some(versions) = &self.version_information {
            let all = core::iter::once(&versions.chosen).chain(&versions.available);
            let encoded: Vec<u8> = all.flat_map(|version| version.to_be_bytes()).collect();
            octets(0x11, &encoded);
        }
    }

    /// The limits that a client may rely on before the server has said them again (RFC 9000 §7.4.1, RFC 9221 §3) are
    /// not smaller here than in what it remembers. A server that takes early data must not lower them.
    #[must_use]
    pub fn keeps(&self, remembered: &TransportParameters) -> bool {
        let limits = |parameters: &TransportParameters| {
            [
                parameters.initial_max_data,
                parameters.initial_max_stream_data_bidi_local,
                parameters.initial_max_stream_data_bidi_remote,
                parameters.initial_max_stream_data_uni,
                parameters.initial_max_streams_bidi,
                parameters.initial_max_streams_uni,
                parameters.active_connection_id_limit,
                parameters.max_datagram_frame_size,
            ]
        };
        limits(self).iter().zip(limits(remembered)).all(|(now, then)| *now >= then)
    }
}

/// A parameter's id and value, and what follows.
fn next(input: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (id, rest) = varint(input)?;
    let (length, rest) = varint(rest)?;
    let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((id, value, rest))
}

fn varint(input: &[u8]) -> Option<(u64, &[u8])> {
    let (value, length) = decode_varint(input)?;
    Some((value, input.get(length..)?))
}

fn number(value: &[u8]) -> Result<u64, TransportError> {
    match varint(value).ok_or(SHORT)? {
        (number, []) => Ok(number),
        _ => Err(wrong("a transport parameter is longer than its number (RFC 9000 §18.2)")),
    }
}

fn streams(value: &[u8]) -> Result<u64, TransportError> {
    let streams = number(value)?;
    if streams > MAX_STREAMS {
        return Err(wrong("more than 2^60 streams (RFC 9000 §4.6)"));
    }
    Ok(streams)
}

fn flag(value: &[u8]) -> Result<bool, TransportError> {
    if value.is_empty() {
        Ok(true)
    } else {
        Err(wrong("a transport parameter has a value and must be empty (RFC 9000 §18.2, RFC 9287 §3)"))
    }
}

fn connection_id(value: &[u8]) -> Result<ConnectionId, TransportError> {
    ConnectionId::new(value).ok_or(wrong("a connection id of more than 20 octets (RFC 9000 §17.2)"))
}

fn token(value: &[u8]) -> Result<ResetToken, TransportError> {
    let octets: [u8; RESET_TOKEN_LENGTH] =
        value.try_into().map_err(|_| wrong("a stateless reset token is not 16 octets (RFC 9000 §18.2)"))?;
    Ok(ResetToken::new(octets))
}

fn preferred(value: &[u8]) -> Result<PreferredAddress, TransportError> {
    let (v4, rest) = value.split_first_chunk::<4>().ok_or(SHORT)?;
    let (v4_port, rest) = rest.split_first_chunk::<2>().ok_or(SHORT)?;
    let (v6, rest) = rest.split_first_chunk::<16>().ok_or(SHORT)?;
    let (v6_port, rest) = rest.split_first_chunk::<2>().ok_or(SHORT)?;
    let (length, rest) = rest.split_first().ok_or(SHORT)?;
    let (id, rest) = rest.split_at_checked((*length).into()).ok_or(SHORT)?;
    if id.is_empty() {
        return Err(wrong("preferred_address with an empty connection id (RFC 9000 §18.2)"));
    }
    let (v4_port, v6_port) = (u16::from_be_bytes(*v4_port), u16::from_be_bytes(*v6_port));
    Ok(PreferredAddress {
        v4: (v4_port != 0).then(|| SocketAddrV4::new((*v4).into(), v4_port)),
        v6: (v6_port != 0).then(|| SocketAddrV6::new((*v6).into(), v6_port, 0, 0)),
        connection_id: connection_id(id)?,
        token: token(rest)?,
    })
}

fn versions(value: &[u8], from: Side) -> Result<VersionInformation, TransportError> {
    let list = wrong("version_information is not a list of versions (RFC 9368 §3)");
    if value.is_empty() || !value.len().is_multiple_of(4) {
        return Err(list);
    }
    let all = value
        .chunks_exact(4)
        .map(|octets| octets.iter().fold(0, |value, octet| value << 8 | u32::from(*octet)));
    let all: Vec<u32> = all.collect();
    let (chosen, available) = all.split_first().ok_or(list)?;
    if all.contains(&0) {
        return Err(wrong("version_information has version 0 (RFC 9368 §4)"));
    }
    if from == Side::Client && !available.contains(chosen) {
        return Err(wrong(
            "the version that a client has chosen is not among its available ones (RFC 9368 §4)",
        ));
    }
    Ok(VersionInformation { chosen: *chosen, available: available.to_vec() })
}
