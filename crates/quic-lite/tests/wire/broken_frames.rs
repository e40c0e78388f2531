//! Payloads that break a rule, each with its code, its type and its offset; and those that break any.

use wirelace_quic_lite::TransportErrorCode as Code;
use wirelace_quic_lite::frame::{Frames, PacketType};
use wirelace_sim::mutations;

use crate::samples::hex;

#[test]
fn each_rule_with_its_place() {
    let long = "ffffffffffffffff";
    let rows: [(&str, Code, u64, usize, &str); 23] = [
        ("02 05 00 00 06", Code::FRAME_ENCODING_ERROR, 2, 4, "below 0 (RFC 9000 §19.3.1)"),
        ("01 02 05 00 01 05 00 00", Code::FRAME_ENCODING_ERROR, 2, 6, "below 0 (RFC 9000 §19.3.1)"),
        ("03 0a 00 02 01 01 01 05 00", Code::FRAME_ENCODING_ERROR, 3, 7, "below 0 (RFC 9000 §19.3.1)"),
        ("02 0a 00 01 01 01 07", Code::FRAME_ENCODING_ERROR, 2, 5, "below 0 (RFC 9000 §19.3.1)"),
        ("06 ffffffffffffffff 01 61", Code::FRAME_ENCODING_ERROR, 6, 9, "(RFC 9000 §19.6)"),
        ("06 00 ffffffffffffffff 61", Code::FRAME_ENCODING_ERROR, 6, 11, "cut by the end"),
        ("07 00 01", Code::FRAME_ENCODING_ERROR, 7, 1, "(RFC 9000 §19.7)"),
        ("0e 04 ffffffffffffffff 01 61", Code::FRAME_ENCODING_ERROR, 0x0e, 11, "(RFC 9000 §19.8)"),
        ("0d 04 ffffffffffffffff 61", Code::FRAME_ENCODING_ERROR, 0x0d, 10, "(RFC 9000 §19.8)"),
        ("12 d000000000000001", Code::FRAME_ENCODING_ERROR, 0x12, 1, "above 2^60"),
        ("13 ffffffffffffffff", Code::FRAME_ENCODING_ERROR, 0x13, 1, "above 2^60"),
        ("16 d000000000000001", Code::FRAME_ENCODING_ERROR, 0x16, 1, "above 2^60"),
        ("01 17 d000000000000001", Code::FRAME_ENCODING_ERROR, 0x17, 2, "above 2^60"),
        (
            "18 01 00 00 30313233343536373839616263646566",
            Code::FRAME_ENCODING_ERROR,
            0x18,
            3,
            "connection id",
        ),
        ("18 01 00 15", Code::FRAME_ENCODING_ERROR, 0x18, 3, "connection id of 0 or more than 20"),
        ("18 01 02 01 61", Code::FRAME_ENCODING_ERROR, 0x18, 2, "Retire Prior To"),
        ("18 01 00 04 61", Code::FRAME_ENCODING_ERROR, 0x18, 5, "cut by the end"),
        ("1f", Code::FRAME_ENCODING_ERROR, 0x1f, 0, "unknown frame type"),
        ("00 00 40ff", Code::FRAME_ENCODING_ERROR, 0xff, 2, "unknown frame type"),
        ("4001", Code::PROTOCOL_VIOLATION, 1, 0, "more octets than it needs"),
        ("01 c000000000000006", Code::PROTOCOL_VIOLATION, 6, 1, "more octets than it needs"),
        ("8000", Code::FRAME_ENCODING_ERROR, 0x80, 2, "cut by the end"),
        ("31 02 61", Code::FRAME_ENCODING_ERROR, 0x31, 3, "cut by the end"),
    ];
    assert_eq!(hex(long).len(), 8);
    for (octets, code, frame_type, offset, words) in rows {
        let payload = hex(octets);
        let error = Frames::new(&payload, PacketType::OneRtt).find_map(Result::err).expect(octets);
        // A type that is cut is none.
        let expected = if octets == "8000" { None } else { Some(frame_type) };
        assert_eq!((error.code, error.frame_type, error.offset), (code, expected, Some(offset)), "{octets}");
        assert!(error.reason.contains(words), "{octets}: {error}");
        assert_eq!(error.to_string(), format!("{}, at octet {offset}", error.reason));
    }
}

/// A count of ranges that no packet has costs no more than the packet.
#[test]
fn a_count_alone_costs_nothing() {
    let payload = hex("02 bfffffff 00 ffffffffffffffff 00");
    let error = Frames::new(&payload, PacketType::OneRtt).next().unwrap().unwrap_err();
    assert_eq!(error.offset, Some(payload.len()));
}

#[test]
fn mutated_payloads_end_in_order() {
    let good = hex(
        "02 4064 0a 02 05 03 04 00 00 03 05 00 00 05 01 02 03 04 04 4100 80010000 06 05 03 616263 0702 6869 \
         0e 08 4080 02 6869 13 d000000000000000 18 02 01 04 61626364 30313233343536373839616263646566 \
         1a 3132333435363738 1c 0a 06 02 6e6f 31 02 6869 0000 09 08 6869",
    );
    assert!(Frames::new(&good, PacketType::OneRtt).all(|frame| frame.is_ok()));
    let (mut errors, mut read) = (0, 0);
    for packet in [PacketType::Initial, PacketType::Handshake, PacketType::ZeroRtt, PacketType::OneRtt] {
        for payload in mutations(packet as u64, &good).take(20_000) {
            let mut frames = Frames::new(&payload, packet);
            let mut before = frames.offset();
            while let Some(frame) = frames.next() {
                match frame {
                    Ok(frame) => {
                        assert!(frames.offset() > before, "each takes something");
                        before = frames.offset();
                        let mut out = Vec::new();
                        frame.write(&mut out);
                        assert_eq!(Frames::new(&out, packet).next(), Some(Ok(frame)));
                        read += 1;
                    }
                    Err(error) => {
                        assert!(
                            error.offset.is_some_and(|at| at >= before && at <= payload.len()),
                            "{error}"
                        );
                        assert!(matches!(error.code, Code::FRAME_ENCODING_ERROR | Code::PROTOCOL_VIOLATION));
                        assert_eq!(frames.next(), None);
                        errors += 1;
                    }
                }
            }
        }
    }
    assert!(errors > 1000 && read > 100_000, "{errors} {read}");
}
