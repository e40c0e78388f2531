//! The packets of RFC 9001 and RFC 9369, Appendix A: read down to their frames, and written again.

use wirelace_quic_lite::ConnectionId;
use wirelace_quic_lite::frame::{Ack, Frame, Frames, PacketType};
use wirelace_quic_lite::header::{Header, LongType};
use wirelace_quic_lite::packet::{PacketHeader, write_retry};
use wirelace_quic_lite::packet_number;
use wirelace_tls_glue::quic::{
    ClientHello, DirectionalKeys, Keys, Side, Suite, TrafficSecret, is_retry_valid,
};

use crate::samples::{CONNECTION_ID, Samples};

fn id(octets: &[u8]) -> ConnectionId {
    ConnectionId::new(octets).unwrap()
}

/// Removes the protection: packet number and payload.
fn open(packet: &[u8], number_offset: usize, keys: &DirectionalKeys, expected: u64) -> (u64, Vec<u8>) {
    let mut packet = packet.to_vec();
    let truncated = keys.header.unprotect(&mut packet, number_offset).unwrap();
    let number = packet_number::decode(truncated.value, truncated.length, expected);
    let (header, sealed) = packet.split_at_mut(number_offset + truncated.length);
    let length = keys.packet.open(number, header, sealed).unwrap();
    (number, sealed[..length].to_vec())
}

fn frames(payload: &[u8], packet: PacketType) -> Vec<Frame<'_>> {
    Frames::new(payload, packet).collect::<Result<_, _>>().unwrap()
}

fn written(frames: &[Frame<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    frames.iter().for_each(|frame| frame.write(&mut out));
    out
}

#[test]
fn client_initial() {
    for samples in Samples::both() {
        let packet = samples.get("client-packet");
        let header = Header::parse(packet, 0).unwrap();
        let expected = Header::Long {
            kind: LongType::Initial,
            version: samples.version,
            destination: id(CONNECTION_ID),
            source: id(b""),
            token: 16..16,
            number_offset: 18,
            length: 1200,
        };
        assert_eq!(header, expected);
        assert_eq!((header.packet_length(), header.destination()), (1200, id(CONNECTION_ID)));

        let server = Keys::initial(samples.version, CONNECTION_ID, Side::Server).unwrap();
        let (number, payload) = open(packet, 18, &server.remote, 0);
        assert_eq!(number, 2);
        let frames = frames(&payload, PacketType::Initial);
        let [Frame::Crypto { offset: 0, data }, Frame::Padding { octets }] = frames[..] else {
            panic!("{frames:?}")
        };
        assert_eq!((data.len(), octets, payload.len()), (241, 917, 1162));
        assert!(data.windows(11).any(|octets| octets == b"example.com"));
        assert!(ClientHello::peek(data).unwrap().transport_parameters.is_some());

        let header = PacketHeader {
            kind: PacketType::Initial,
            version: samples.version,
            destination: id(CONNECTION_ID),
            source: id(b""),
            token: b"",
            key_phase: false,
            number: 2,
            number_length: 4,
        };
        let mut client = Keys::initial(samples.version, CONNECTION_ID, Side::Client).unwrap();
        let mut out = b"what is there stays".to_vec();
        header.seal(&written(&frames), &mut client.local, &mut out).unwrap();
        assert_eq!(out.strip_prefix(b"what is there stays").unwrap(), packet);
    }
}

#[test]
fn server_initial() {
    for samples in Samples::both() {
        let packet = samples.get("server-packet");
        let source = id(b"\xf0\x67\xa5\x50\x2a\x42\x62\xb5");
        let header = Header::parse(packet, 0).unwrap();
        let Header::Long { kind: LongType::Initial, number_offset, length, .. } = header else {
            panic!("{header:?}")
        };
        assert_eq!(length, packet.len());
        let client = Keys::initial(samples.version, CONNECTION_ID, Side::Client).unwrap();
        let (number, payload) = open(packet, number_offset, &client.remote, 0);
        assert_eq!(number, 1);
        let frames = frames(&payload, PacketType::Initial);
        let [Frame::Ack(ack), Frame::Crypto { offset: 0, data }] = frames[..] else { panic!("{frames:?}") };
        assert_eq!((ack.largest, ack.delay, ack.ecn), (0, 0, None));
        assert_eq!(ack.ranges().collect::<Vec<_>>(), [0..=0]);
        assert_eq!(data[0], 2, "a ServerHello");

        let mut nothing = Vec::new();
        assert_eq!(Ack::new([0..=0], 0, None, &mut nothing), Some(ack));
        let header = PacketHeader {
            kind: PacketType::Initial,
            version: samples.version,
            destination: id(b""),
            source,
            token: b"",
            key_phase: false,
            number: 1,
            number_length: 2,
        };
        let mut server = Keys::initial(samples.version, CONNECTION_ID, Side::Server).unwrap();
        let mut out = Vec::new();
        header.seal(&written(&frames), &mut server.local, &mut out).unwrap();
        assert_eq!(out, packet);
    }
}

#[test]
fn retry() {
    for samples in Samples::both() {
        let packet = samples.get("retry-packet");
        let source = id(b"\xf0\x67\xa5\x50\x2a\x42\x62\xb5");
        let header = Header::parse(packet, 0).unwrap();
        let Header::Retry { version, destination, source: from, ref token, length } = header else {
            panic!("{header:?}")
        };
        assert_eq!((version, destination, from, length), (samples.version, id(b""), source, packet.len()));
        assert_eq!(packet[token.clone()], *b"token");
        assert_eq!(is_retry_valid(version, CONNECTION_ID, packet), Ok(true));

        let mut out = Vec::new();
        let ids = (&destination, &source, &id(CONNECTION_ID));
        write_retry(&mut out, version, ids, b"token", 0x0f).unwrap();
        assert_eq!(out, packet);
    }
}

#[test]
fn short_header() {
    for samples in Samples::both() {
        let packet = samples.get("chacha-packet");
        assert_eq!(
            Header::parse(packet, 0),
            Ok(Header::Short { destination: id(b""), number_offset: 1, length: packet.len() })
        );
        let secret = TrafficSecret::new(Suite::ChaCha20Poly1305, samples.get("chacha-secret")).unwrap();
        let mut keys = secret.keys(samples.version).unwrap();
        // The three octets of it are enough next to what came before.
        let (number, payload) = open(packet, 1, &keys, 654_360_000);
        assert_eq!(number, 654_360_564);
        let frames = frames(&payload, PacketType::OneRtt);
        assert_eq!(frames, [Frame::Ping]);

        let header = PacketHeader {
            kind: PacketType::OneRtt,
            version: samples.version,
            destination: id(b""),
            source: id(b"does not go with it"),
            token: b"nor this",
            key_phase: false,
            number,
            number_length: 3,
        };
        let mut out = Vec::new();
        header.seal(&written(&frames), &mut keys, &mut out).unwrap();
        assert_eq!(out, packet);
    }
}

#[test]
fn a_key_that_is_used_up_writes_nothing() {
    let mut keys = Keys::initial(Samples::both()[0].version, CONNECTION_ID, Side::Client).unwrap();
    keys.local.packet.limit_to(1);
    let header = PacketHeader {
        kind: PacketType::Handshake,
        version: Samples::both()[0].version,
        destination: id(b"12345678"),
        source: id(b""),
        token: b"",
        key_phase: false,
        number: 0,
        number_length: 1,
    };
    let mut out = Vec::new();
    header.seal(&[1], &mut keys.local, &mut out).unwrap();
    let before = out.clone();
    header.seal(&[1], &mut keys.local, &mut out).unwrap_err();
    assert_eq!(out, before);
}
