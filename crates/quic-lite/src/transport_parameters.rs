//! Transport parameters (RFC 9000 §7.4, §18).

use std::net::{SocketAddrV4, SocketAddrV6};
use std::time::Duration;

use wirelace_tls_glue::quic::{RESET_TOKEN_LENGTH, ResetToken, Side};
use wirelace_wire::varint::decode_varint;

use crate::octets::put_varint;

use crate::connection_id::ConnectionId;
use crate::error::{TransportError, TransportErrorCode};

/// The smallest `max_udp_payload_size` (§18.2).
const MIN_UDP_PAYLOAD: u64 = 1200;
/// Streams of a kind that there can be (§4.6).
const MAX_STREAMS: u64 = 1 << 60;
/// Parameters that are looked at for duplicates; more are an attack.
const MOST: usize = 128;

/// Where a server would rather be spoken to (§9.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferredAddress {
    /// Over IPv4.
    pub v4: Option<SocketAddrV4>,
    /// Over IPv6.
    pub v6: Option<SocketAddrV6>,
    /// The id to use there.
    pub connection_id: ConnectionId,
    /// Its token.
    pub token: ResetToken,
}

/// Versions that were chosen and are possible (RFC 9368 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInformation {
    /// In use.
    pub chosen: u32,
    /// Possible, the preferred ones first.
    pub available: Vec<u32>,
}

/// What one side says of itself in the handshake. [`Default`] is what the absence of each means.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // Each has its name of the RFC.
pub struct TransportParameters {
    pub original_destination_connection_id: Option<ConnectionId>,
    /// Zero: never.
    pub max_idle_timeout: Duration,
    pub stateless_reset_token: Option<ResetToken>,
    pub max_udp_payload_size: u64,
    pub initial_max_data: u64,
    pub initial_max_stream_data_bidi_local: u64,
    pub initial_max_stream_data_bidi_remote: u64,
    pub initial_max_stream_data_uni: u64,
    pub initial_max_streams_bidi: u64,
    pub initial_max_streams_uni: u64,
    pub ack_delay_exponent: u8,
    pub max_ack_delay: Duration,
    pub disable_active_migration: bool,
    pub preferred_address: Option<Box<PreferredAddress>>,
    pub active_connection_id_limit: u64,
    pub initial_source_connection_id: Option<ConnectionId>,
    pub retry_source_connection_id: Option<ConnectionId>,
    /// 0: no DATAGRAM frames (RFC 9221 §3).
    pub max_datagram_frame_size: u64,
    /// RFC 9287.
    pub grease_quic_bit: bool,
    /// RFC 9368.
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

impl TransportParameters {
    /// Reads what `from` says.
    ///
    /// # Errors
    /// TRANSPORT_PARAMETER_ERROR: they cannot be read, one is there twice, has a value that it must not have, or is one
    /// that this side must not send.
    pub fn parse(mut input: &[u8], from: Side) -> Result<TransportParameters, TransportError> {
        let mut parameters = TransportParameters::default();
        let mut seen: Vec<u64> = Vec::new();
        while !input.is_empty() {
            let (id, value);
            (id, input) = varint(input)?;
            (value, input) = {
                let (length, rest) = varint(input)?;
                let length = usize::try_from(length).map_err(|_| CUT)?;
                rest.split_at_checked(length).ok_or(CUT)?
            };
            if seen.contains(&id) {
                return Err(wrong("a transport parameter is there twice (RFC 9000 §7.4)"));
            }
            if seen.len() >= MOST {
                return Err(wrong("more transport parameters than anybody needs"));
            }
            seen.push(id);
            if from == Side::Client && matches!(id, 0x00 | 0x02 | 0x0d | 0x10) {
                return Err(wrong(
                    "a client sent a transport parameter that only servers may (RFC 9000 §18.2)",
                ));
            }
            parameters.set(id, value)?;
        }
        Ok(parameters)
    }

    fn set(&mut self, id: u64, value: &[u8]) -> Result<(), TransportError> {
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
            0x11 => self.version_information = Some(versions(value)?),
            0x20 => self.max_datagram_frame_size = number(value)?,
            0x2ab2 => self.grease_quic_bit = flag(value)?,
            _ => {} // Unknown, or there to be unknown (§18.1).
        }
        Ok(())
    }

    /// Appends them as they travel; what has its default value is left out.
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

    /// The limits that a client may rely on before the server has said them again (RFC 9000 §7.4.1) are not smaller
    /// here than in what it remembers.
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

fn varint(input: &[u8]) -> Result<(u64, &[u8]), TransportError> {
    let (value, length) = decode_varint(input).ok_or(CUT)?;
    Ok((value, input.get(length..).unwrap_or_default()))
}

fn number(value: &[u8]) -> Result<u64, TransportError> {
    match varint(value)? {
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
        Err(wrong("a transport parameter that has a value must be empty"))
    }
}

fn connection_id(value: &[u8]) -> Result<ConnectionId, TransportError> {
    ConnectionId::new(value).ok_or(wrong("a connection id of more than 20 octets (RFC 9000 §17.2)"))
}

fn token(value: &[u8]) -> Result<ResetToken, TransportError> {
    let octets: [u8; RESET_TOKEN_LENGTH] =
        value.try_into().map_err(|_| wrong("stateless_reset_token is not 16 octets (RFC 9000 §18.2)"))?;
    Ok(ResetToken::new(octets))
}

fn preferred(value: &[u8]) -> Result<PreferredAddress, TransportError> {
    let (v4, rest) = value.split_first_chunk::<4>().ok_or(CUT)?;
    let (v4_port, rest) = rest.split_first_chunk::<2>().ok_or(CUT)?;
    let (v6, rest) = rest.split_first_chunk::<16>().ok_or(CUT)?;
    let (v6_port, rest) = rest.split_first_chunk::<2>().ok_or(CUT)?;
    let (length, rest) = rest.split_first().ok_or(CUT)?;
    let (id, rest) = rest.split_at_checked((*length).into()).ok_or(CUT)?;
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

fn versions(value: &[u8]) -> Result<VersionInformation, TransportError> {
    let wrong = wrong("version_information is not a list of versions (RFC 9368 §3)");
    if value.is_empty() || !value.len().is_multiple_of(4) {
        return Err(wrong);
    }
    let all = value
        .chunks_exact(4)
        .map(|octets| octets.iter().fold(0, |value, octet| value << 8 | u32::from(*octet)));
    let all: Vec<u32> = all.collect();
    let (chosen, available) = all.split_first().ok_or(wrong)?;
    if all.contains(&0) {
        return Err(wrong);
    }
    Ok(VersionInformation { chosen: *chosen, available: available.to_vec() })
}
