//! `wirelace decode quic`: trees against golden files, and the first wrong byte.

mod common;

use common::run;
use wirelace_quic_lite::ConnectionId;
use wirelace_quic_lite::frame::{Ack, AckEcn, Frame, PacketType};
use wirelace_quic_lite::packet::{PacketHeader, set_length, write_retry, write_version_negotiation};
use wirelace_quic_lite::tls::quic::{Keys, Side, Version};
use wirelace_quic_lite::{StreamId, TransportErrorCode};

const ORIGINAL: &str = "8394c8f03e515708";

/// A sample of RFC 9001 or RFC 9369, Appendix A.
fn sample(version: Version, name: &str) -> String {
    let text = match version {
        Version::V1 => include_str!("../../tls-glue/tests/quic/data/rfc9001.txt"),
        Version::V2 => include_str!("../../tls-glue/tests/quic/data/rfc9369.txt"),
    };
    let lines = text.lines().skip_while(|line| *line != name).skip(1);
    lines.take_while(|line| line.starts_with("  ")).collect()
}

fn id(octets: &[u8]) -> ConnectionId {
    ConnectionId::new(octets).unwrap()
}

fn header<'a>(kind: PacketType, token: &'a [u8]) -> PacketHeader<'a> {
    PacketHeader {
        kind,
        version: Version::V2,
        destination: id(b"of the client"),
        source: id(b"server"),
        token,
        key_phase: false,
        number: 7,
        number_length: 2,
    }
}

/// Sealed with the Initial keys of the one or the other.
fn initial(payload: &[u8], from: Side) -> Vec<u8> {
    let mut out = Vec::new();
    let mut keys = Keys::initial(Version::V2, b"original", from).unwrap();
    header(PacketType::Initial, b"a token").seal(payload, &mut keys.local, &mut out).unwrap();
    out
}

/// What no one here can open.
fn protected(kind: PacketType) -> Vec<u8> {
    let mut out = Vec::new();
    let number_at = header(kind, b"").write(&mut out);
    out.resize(out.len() + 40, 0xee);
    if kind != PacketType::OneRtt {
        let length = out.len() - number_at;
        set_length(&mut out, number_at, length);
    }
    out
}

/// All that an Initial packet may have, and packets of each kind behind it.
fn answer() -> Vec<u8> {
    let (mut payload, mut buffer) = (Vec::new(), Vec::new());
    let ranges = (0..20).rev().map(|at| at * 5..=at * 5 + at % 2);
    let ecn = Some(AckEcn { ect0: 9, ect1: 0, ce: 1 });
    let close = TransportErrorCode::from_code(0x128);
    for frame in [
        Frame::Ack(Ack::new(ranges, 25, ecn, &mut buffer).unwrap()),
        Frame::Padding { octets: 3 },
        Frame::Ping,
        Frame::Crypto { offset: 0, data: b"\x02\0\0\x04" },
        Frame::Crypto { offset: 4, data: b"abcd" },
        Frame::ConnectionClose { code: close, frame_type: 6, reason: b"not\nso" },
        Frame::ConnectionClose { code: TransportErrorCode::CONNECTION_REFUSED, frame_type: 0, reason: b"" },
    ] {
        frame.write(&mut payload);
    }
    [
        initial(&payload, Side::Server),
        protected(PacketType::ZeroRtt),
        protected(PacketType::Handshake),
        protected(PacketType::OneRtt),
    ]
    .concat()
}

fn golden(name: &str, arguments: &[&str], input: &[u8]) {
    let arguments = [&["decode", "quic"], arguments].concat();
    let output = run(&arguments, input);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let found = String::from_utf8(output.stdout).unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(&path).unwrap(), "{name}");
}

#[test]
fn the_first_packet_of_a_client() {
    golden("quic_client.txt", &["--hex"], sample(Version::V1, "client-packet").as_bytes());
    // In version 2 it is the same but for the version.
    let arguments = ["decode", "quic", "--hex", "--dcid", ORIGINAL];
    let output = run(&arguments, sample(Version::V2, "client-packet").as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    let expected =
        std::fs::read_to_string(format!("{}/tests/golden/quic_client.txt", env!("CARGO_MANIFEST_DIR")));
    let expected =
        expected.unwrap().replace("QUIC version 1", "QUIC version 2").replace("0x00000001", "0x6b3343cf");
    assert_eq!(text, expected);
}

#[test]
fn an_answer_of_a_server() {
    golden("quic_server.txt", &["--role", "server", "--dcid", "6f726967696e616c"], &answer());
    let arguments = ["decode", "quic", "--hex", "--role", "server", "--dcid", ORIGINAL];
    let output = run(&arguments, sample(Version::V1, "server-packet").as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("20  RFC 9000 §19.3         ACK, delay 0, packets 0\n"), "{text}");
    assert!(text.contains("ServerHello, 86 octets"), "{text}");
}

#[test]
fn packets_without_frames() {
    let mut retry = Vec::new();
    write_retry(&mut retry, Version::V2, (&id(b"client"), &id(b"server"), &id(b"original")), b"token", 9)
        .unwrap();
    golden("quic_retry.txt", &["--dcid", "6f726967696e616c"], &retry);
    let mut negotiation = Vec::new();
    write_version_negotiation(
        &mut negotiation,
        b"client",
        &[7; 20],
        &[1, 0x6b33_43cf, 0x1a2a_3a4a, 0xff00_001d],
        0,
    );
    golden("quic_negotiation.txt", &[], &negotiation);
    // Ids of 21 octets: the version is not known.
    let unsupported = [&b"\xc0\x1a\x2a\x3a\x4a\x15"[..], &[5; 21], &[0], &[9; 30]].concat();
    golden("quic_unsupported.txt", &[], &unsupported);
    let output = run(&["decode", "quic"], b"\x40what is in it is protected");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("       0  RFC 9000 §17.3.1   1-RTT packet, 27 octets\n"), "{text}");
    let nothing = run(&["decode", "quic"], b"");
    assert_eq!((nothing.status.code(), nothing.stdout, nothing.stderr), (Some(0), vec![], vec![]));
}

/// A ClientHello whose transport parameters have one that must not be.
fn wrong_parameters() -> Vec<u8> {
    let parameters = b"\x04\x01\x07\x0a\x01\x15";
    let extensions = [&b"\0\x39\0\x06"[..], parameters].concat();
    let mut hello = [&b"\x01\0\0\x35\x03\x03"[..], &[0; 32], b"\0\0\x02\x13\x01\x01\0\0\x0a"].concat();
    hello.extend(extensions);
    let mut payload = Vec::new();
    Frame::Crypto { offset: 0, data: &hello }.write(&mut payload);
    payload
}

#[test]
fn the_first_wrong_byte_ends_it() {
    let good = initial(&[1], Side::Client);
    // The first byte, version, ids, token, length, number.
    let payload_at = 1 + 4 + 14 + 7 + 8 + 2 + 2;
    let mut stream = vec![1, 1];
    Frame::Stream { id: StreamId(0), offset: 0, data: b"too soon", fin: false }.write(&mut stream);
    let mut damaged = good.clone();
    damaged[payload_at] ^= 1;
    let mut reserved = Vec::new();
    let mut keys = Keys::initial(Version::V2, b"original", Side::Client).unwrap();
    let number_at = header(PacketType::Initial, b"").write(&mut reserved);
    reserved[0] |= 0x0c;
    set_length(&mut reserved, number_at, 2 + 9 + 16);
    let mut sealed = [1; 9];
    let tag = keys.local.packet.seal(7, &reserved, &mut sealed).unwrap();
    reserved.extend([&sealed[..], &tag].concat());
    keys.local.header.protect(&mut reserved, number_at).unwrap();
    let mut retry = Vec::new();
    write_retry(&mut retry, Version::V2, (&id(b"client"), &id(b"server"), &id(b"other")), b"token", 9)
        .unwrap();
    for (input, error) in [
        (b"\0\0".to_vec(), "byte 0 (0x0), `\\x00`: fixed bit is 0 (RFC 9000 §17.2, §17.3.1)".to_owned()),
        ([&good[..], b"\0"].concat(), format!("byte {0} (0x{0:x}), `\\x00`: fixed bit is 0", good.len())),
        (good[..9].to_vec(), "byte 9 (0x9), the end: packet ends at octet 9, within its header".to_owned()),
        (
            good[..good.len() - 1].to_vec(),
            format!(
                "byte {0} (0x{0:x}), `@`: length at octet {0} is 20, expected at least 20",
                payload_at - 4
            ),
        ),
        (damaged, format!("byte {0} (0x{0:x}), ", payload_at - 2)),
        (
            initial(&[1], Side::Server),
            "keys of the client that follow from connection id 6f726967696e616c".to_owned(),
        ),
        (
            initial(&stream, Side::Client),
            format!(
                "byte {0} (0x{0:x}), `\\n`: a frame in a packet that must not have it (RFC 9000 §12.4) \
                 (PROTOCOL_VIOLATION)",
                payload_at + 2
            ),
        ),
        (initial(&[6, 0, 9, 1], Side::Client), format!("byte {0} (0x{0:x}), ", payload_at + 4)),
        (
            initial(&wrong_parameters(), Side::Client),
            format!(
                "byte {0} (0x{0:x}), `\\x15`: ack_delay_exponent is more than 20 (RFC 9000 §18.2) \
                 (TRANSPORT_PARAMETER_ERROR)",
                payload_at + 3 + 4 + 53 - 1
            ),
        ),
        (reserved, "byte 0 (0x0), ".to_owned()),
        (retry, "the integrity tag is not that of this packet (RFC 9001 §5.8)".to_owned()),
    ] {
        let output = run(&["decode", "quic", "--dcid", "6f726967696e616c"], &input);
        let found = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{found}");
        assert!(found.contains(&error), "{found}\n{error}");
    }
}

#[test]
fn keys_that_cannot_be() {
    for arguments in [
        &["--role", "server"][..],
        &["--dcid", "xy"],
        &["--dcid", "abc"],
        &["--dcid", "000000000000000000000000000000000000000000"],
        &["--role", "nobody"],
    ] {
        let output = run(&[&["decode", "quic"], arguments].concat(), b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
