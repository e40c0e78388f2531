//! Which frame may be in which packet: RFC 9000 §12.4, table 3, and RFC 9221 §4.

use wirelace_quic_lite::TransportErrorCode;
use wirelace_quic_lite::frame::{Frames, PacketType};

/// The table as it stands in the RFC: type, name, and `I`nitial, `H`andshake, 0-RTT, 1-RTT.
const TABLE: [(u8, u8, &str, &str); 22] = [
    (0x00, 0x00, "PADDING", "IH01"),
    (0x01, 0x01, "PING", "IH01"),
    (0x02, 0x03, "ACK", "IH_1"),
    (0x04, 0x04, "RESET_STREAM", "__01"),
    (0x05, 0x05, "STOP_SENDING", "__01"),
    (0x06, 0x06, "CRYPTO", "IH_1"),
    (0x07, 0x07, "NEW_TOKEN", "___1"),
    (0x08, 0x0f, "STREAM", "__01"),
    (0x10, 0x10, "MAX_DATA", "__01"),
    (0x11, 0x11, "MAX_STREAM_DATA", "__01"),
    (0x12, 0x13, "MAX_STREAMS", "__01"),
    (0x14, 0x14, "DATA_BLOCKED", "__01"),
    (0x15, 0x15, "STREAM_DATA_BLOCKED", "__01"),
    (0x16, 0x17, "STREAMS_BLOCKED", "__01"),
    (0x18, 0x18, "NEW_CONNECTION_ID", "__01"),
    // The table allows it; the text says that it cannot be in 0-RTT packets, as their sender has no id to retire.
    (0x19, 0x19, "RETIRE_CONNECTION_ID", "___1"),
    (0x1a, 0x1a, "PATH_CHALLENGE", "__01"),
    (0x1b, 0x1b, "PATH_RESPONSE", "___1"),
    (0x1c, 0x1c, "CONNECTION_CLOSE", "IH01"),
    (0x1d, 0x1d, "CONNECTION_CLOSE", "__01"),
    (0x1e, 0x1e, "HANDSHAKE_DONE", "___1"),
    (0x30, 0x31, "DATAGRAM", "__01"),
];

const PACKETS: [(PacketType, char); 4] = [
    (PacketType::Initial, 'I'),
    (PacketType::Handshake, 'H'),
    (PacketType::ZeroRtt, '0'),
    (PacketType::OneRtt, '1'),
];

#[test]
fn every_type_in_every_packet() {
    for kind in 0..=0x3f_u8 {
        let row = TABLE.iter().find(|(first, last, ..)| (*first..=*last).contains(&kind));
        // Good for each type: small numbers, and octets enough for a token.
        let mut payload = [1; 64];
        payload[0] = kind;
        if matches!(kind, 0x02 | 0x03) {
            payload[3] = 0;
        }
        for (packet, letter) in PACKETS {
            let item = Frames::new(&payload, packet).next().unwrap();
            match row {
                Some((_, _, name, allowed)) if allowed.contains(letter) => {
                    assert!(item.is_ok(), "{name} in {packet:?}: {item:?}");
                }
                Some((_, _, name, _)) => {
                    let error = item.expect_err(name);
                    assert_eq!(error.code, TransportErrorCode::PROTOCOL_VIOLATION, "{name} in {packet:?}");
                    assert_eq!((error.frame_type, error.offset), (Some(kind.into()), Some(0)));
                }
                None => {
                    let error = item.expect_err("unknown");
                    assert_eq!(
                        error.code,
                        TransportErrorCode::FRAME_ENCODING_ERROR,
                        "{kind:#x} in {packet:?}"
                    );
                    assert_eq!((error.frame_type, error.offset), (Some(kind.into()), Some(0)));
                }
            }
        }
    }
}

/// A frame that must not be there is refused before it is read: of it there is nothing but the type.
#[test]
fn refused_by_its_type() {
    for (first, _, name, allowed) in TABLE {
        for (packet, letter) in PACKETS.into_iter().filter(|(_, letter)| !allowed.contains(*letter)) {
            let payload = [1, 0, first];
            let mut frames = Frames::new(&payload, packet);
            assert!(frames.next().unwrap().is_ok() && frames.next().unwrap().is_ok(), "{letter}");
            let error = frames.next().unwrap().expect_err(name);
            assert_eq!((error.code, error.offset), (TransportErrorCode::PROTOCOL_VIOLATION, Some(2)));
            assert_eq!(frames.next(), None, "the first error is the last item");
        }
    }
}
