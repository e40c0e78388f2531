//! `quic-lite`: packets, frames and transport parameters as they travel.

use crate::input::Choices;
use wirelace_quic_lite::frame::{Ack, Frame, Frames, PacketType};
use wirelace_quic_lite::header::{Header, HeaderError, LongType};
use wirelace_quic_lite::packet::{PacketHeader, write_retry, write_version_negotiation};
use wirelace_quic_lite::tls::quic::{Keys, ProtectionError, Side, Version};
use wirelace_quic_lite::transport_parameters::TransportParameters;
use wirelace_quic_lite::{ConnectionId, TransportErrorCode, packet_number};

/// A datagram: each packet's header is read, and written again; Initial packets are opened.
pub fn packet(data: &[u8]) {
    let (datagram, mut choices) = Choices::split(data, 2);
    let local_id = usize::from(choices.byte() % 24);
    let largest = u64::from(choices.byte());
    let mut rest = datagram;
    while !rest.is_empty() {
        let header = match Header::parse(rest, local_id) {
            Ok(header) => header,
            Err(error) => {
                assert!(error.offset() <= rest.len() && !error.to_string().is_empty());
                assert!(!matches!(error, HeaderError::Truncated { offset } if offset != rest.len()));
                return;
            }
        };
        let length = header.packet_length();
        assert!(length > 0 && length <= rest.len());
        let (packet, after) = rest.split_at(length);
        assert_eq!(Header::parse(packet, local_id).as_ref(), Ok(&header), "what follows does not matter");
        written_again(&header, packet, local_id, largest);
        rest = after;
    }
}

fn written_again(header: &Header, packet: &[u8], local_id: usize, largest: u64) {
    match header {
        Header::Long { kind, version, destination, source, token, number_offset, length } => {
            assert!(number_offset + 20 <= *length && token.start <= token.end && token.end < *number_offset);
            let token = &packet[token.clone()];
            assert!(token.is_empty() || *kind == LongType::Initial);
            let kind = match kind {
                LongType::Initial => PacketType::Initial,
                LongType::ZeroRtt => PacketType::ZeroRtt,
                LongType::Handshake => PacketType::Handshake,
            };
            let mut again = PacketHeader {
                kind,
                version: *version,
                destination: *destination,
                source: *source,
                token,
                key_phase: false,
                number: largest,
                number_length: packet_number::length(largest, None),
            };
            if kind == PacketType::Initial {
                opened(packet, *number_offset, *version, destination);
            }
            // Sealed with any key, it is the same header.
            for payload in [&[1][..], &packet[packet.len().min(40)..packet.len().min(2000)]] {
                let mut out = Vec::new();
                let mut keys = Keys::initial(*version, destination.as_slice(), Side::Client).unwrap();
                again.seal(payload, &mut keys.local, &mut out).unwrap();
                let Ok(Header::Long {
                    kind: k, version: v, destination: d, source: s, token: t, length, ..
                }) = Header::parse(&out, local_id)
                else {
                    panic!("{out:02x?}")
                };
                assert_eq!((v, d, s, &out[t], length), (*version, *destination, *source, token, out.len()));
                assert_eq!(k as u8, kind_of(kind) as u8);
                again.number += 1;
            }
        }
        Header::Short { destination, number_offset, length } => {
            assert_eq!((*number_offset, *length), (1 + local_id, packet.len()));
            assert_eq!(destination.as_slice(), &packet[1..=local_id]);
        }
        Header::Retry { version, destination, source, token, length } => {
            assert_eq!((token.end + 16, *length), (packet.len(), packet.len()));
            let mut out = Vec::new();
            let ids = (destination, source, destination);
            write_retry(&mut out, *version, ids, &packet[token.clone()], packet[0]).unwrap();
            assert_eq!(out[..token.end], packet[..token.end]);
        }
        Header::VersionNegotiation { destination, source, versions, .. } => {
            let mut out = Vec::new();
            write_version_negotiation(
                &mut out,
                destination.as_slice(),
                source.as_slice(),
                versions,
                packet[0] & 0x7f,
            );
            assert_eq!(out, packet);
        }
        Header::Unsupported { version, destination, source, .. } => {
            assert!(*version != 0 && Version::from_number(*version).is_none());
            let ids = 7 + destination.len() + source.len();
            assert_eq!(packet[6..6 + destination.len()], destination[..]);
            assert_eq!(packet[ids - source.len()..ids], source[..]);
        }
        other => panic!("a header that is not known here: {other:?}"),
    }
}

fn kind_of(kind: PacketType) -> LongType {
    match kind {
        PacketType::Initial => LongType::Initial,
        PacketType::ZeroRtt => LongType::ZeroRtt,
        PacketType::Handshake | PacketType::OneRtt => LongType::Handshake,
    }
}

fn opened(packet: &[u8], number_offset: usize, version: Version, destination: &ConnectionId) {
    let keys = Keys::initial(version, destination.as_slice(), Side::Server).unwrap().remote;
    let mut packet = packet.to_vec();
    let number =
        keys.header.unprotect(&mut packet, number_offset).expect("the header knows the sample is there");
    let (front, sealed) = packet.split_at_mut(number_offset + number.length);
    match keys.packet.open(number.value.into(), front, sealed) {
        Ok(length) => payload(&sealed[..length], PacketType::Initial),
        Err(error) => assert_eq!(error, ProtectionError::Decrypt),
    }
}

/// A payload of each kind of packet: frames are written as they were read, or shorter.
pub fn frames(data: &[u8]) {
    let (octets, mut choices) = Choices::split(data, 1);
    let packet = [PacketType::OneRtt, PacketType::ZeroRtt, PacketType::Handshake, PacketType::Initial];
    payload(octets, packet[usize::from(choices.byte() & 3)]);
}

fn payload(payload: &[u8], packet: PacketType) {
    let mut frames = Frames::new(payload, packet);
    let (mut all, mut joined) = (Vec::new(), Vec::new());
    loop {
        let start = frames.offset();
        let Some(frame) = frames.next() else { break };
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => {
                let offset = error.offset.expect("it stands somewhere");
                assert!(offset >= start && offset <= payload.len());
                let known =
                    [TransportErrorCode::FRAME_ENCODING_ERROR, TransportErrorCode::PROTOCOL_VIOLATION];
                assert!(known.contains(&error.code) && !error.to_string().is_empty());
                assert!(frames.next().is_none(), "the first error is the last");
                // Where others are allowed, what is read does not depend on the packet.
                if error.code == TransportErrorCode::FRAME_ENCODING_ERROR {
                    let rest = Frames::new(&payload[start..], PacketType::OneRtt).next();
                    assert_eq!(
                        rest.and_then(Result::err).and_then(|error| error.offset),
                        Some(offset - start)
                    );
                }
                break;
            }
        };
        assert!(frames.offset() > start && frames.offset() <= payload.len(), "each takes something");
        let mut out = Vec::new();
        frame.write(&mut out);
        assert_eq!(u64::from(out[0]), frame.frame_type());
        if !matches!(frame, Frame::Stream { .. } | Frame::Datagram { .. }) {
            assert!(out.len() <= frames.offset() - start, "longer than it was");
        }
        let mut again = Frames::new(&out, packet);
        match (again.next(), frame) {
            // Its ranges may have been longer than they need to be.
            (Some(Ok(Frame::Ack(again))), Frame::Ack(ack)) => same_ack(&again, &ack),
            (again, frame) => assert_eq!(again, Some(Ok(frame))),
        }
        assert_eq!(again.next(), None);
        joined.extend_from_slice(&out);
        all.push(frame);
    }
    let count = Frames::new(&joined, packet).map(Result::unwrap).count();
    assert_eq!(count, all.len());
}

fn same_ack(again: &Ack<'_>, ack: &Ack<'_>) {
    assert_eq!((again.largest, again.delay, again.ecn), (ack.largest, ack.delay, ack.ecn));
    let mut above = None;
    for range in ack.ranges() {
        assert!(range.start() <= range.end());
        assert!(above.is_none_or(|above| range.end() + 1 < above), "with a gap between them");
        above = Some(*range.start());
    }
    assert!(again.ranges().eq(ack.ranges()));
    let mut buffer = Vec::new();
    let made = Ack::new(ack.ranges(), ack.delay, ack.ecn, &mut buffer).expect("they are in order");
    assert!(made.ranges().eq(ack.ranges()));
}

/// Of a client and of a server: what is read is written to the same, and what only servers say is refused of clients.
pub fn transport_parameters(data: &[u8]) {
    let client = TransportParameters::parse(data, Side::Client);
    let server = TransportParameters::parse(data, Side::Server);
    for (read, side) in [(&client, Side::Client), (&server, Side::Server)] {
        match read {
            Ok(parameters) => {
                let mut out = Vec::new();
                parameters.write(&mut out);
                assert_eq!(TransportParameters::parse(&out, side).as_ref(), Ok(parameters));
                assert!(parameters.keeps(parameters));
            }
            Err(error) => {
                assert_eq!(error.code, TransportErrorCode::TRANSPORT_PARAMETER_ERROR);
                assert!(error.offset.is_some_and(|offset| offset <= data.len()));
            }
        }
    }
    match (client, server) {
        (Ok(client), server) => assert_eq!(Ok(client), server),
        (Err(client), Err(server)) => assert!(client.offset <= server.offset),
        (Err(error), Ok(server)) => {
            let servers = server.original_destination_connection_id.is_some()
                || server.stateless_reset_token.is_some()
                || server.preferred_address.is_some()
                || server.retry_source_connection_id.is_some();
            let versions = server.version_information.is_some();
            assert!(servers || versions, "{error}");
        }
    }
}
