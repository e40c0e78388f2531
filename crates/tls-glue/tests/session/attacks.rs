//! What a peer can get wrong once the handshake is complete: each has its error, and its alert.

use crate::attacker::Attacker;
use wirelace_tls_glue::{Alert, RecordRule, TlsError, TlsVersion};

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 0];
const BOTH: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

/// The error, and the only alert that follows.
fn ends(mut attacker: Attacker, octets: &[u8], error: &TlsError, alert: Option<Alert>) {
    assert_eq!(attacker.send(octets).as_ref(), Err(error));
    let expected: Vec<_> = alert.into_iter().map(|alert| (ALERT, vec![2, alert.0])).collect();
    assert_eq!(attacker.answers(), expected, "{error}");
    // It is over, and says so again.
    assert_eq!(attacker.send(b"more").as_ref(), Err(error));
    assert_eq!(attacker.answers(), []);
}

#[test]
fn records_of_another_implementation_are_read_and_written() {
    for version in BOTH {
        let mut attacker = Attacker::new(version);
        for number in 0..10_u8 {
            attacker.send_record(DATA, &[number; 100]).unwrap();
        }
        assert_eq!(attacker.plain.len(), 1000);
        let slices = [std::io::IoSlice::new(b"one "), std::io::IoSlice::new(b"two")];
        assert_eq!(attacker.server.send(std::time::Instant::now(), &slices), Ok(7));
        assert_eq!(attacker.answers(), [(DATA, b"one two".to_vec())]);
    }
}

#[test]
fn every_changed_octet_is_noticed() {
    for version in BOTH {
        let mut attacker = Attacker::new(version);
        let record = attacker.record(DATA, b"hello", 0);
        for at in 0..record.len() {
            let mut attacker = Attacker::new(version);
            let mut changed = attacker.record(DATA, b"hello", 0);
            changed[at] ^= 1;
            let taken = attacker.send(&changed);
            // A longer length waits for more; and a version that only looks different is another header.
            let waits = taken.is_ok() && (at == 3 || at == 4);
            assert!(taken.is_err() || waits, "octet {at} of {version}");
            assert!(attacker.plain.is_empty());
        }
    }
}

#[test]
fn records_come_in_their_order_once() {
    for version in BOTH {
        let mut attacker = Attacker::new(version);
        let record = attacker.record(DATA, b"pay", 0);
        attacker.send(&record).unwrap();
        ends(attacker, &record, &TlsError::Decrypt, Some(Alert::BAD_RECORD_MAC));
        let mut attacker = Attacker::new(version);
        let _lost = attacker.record(DATA, b"first", 0);
        let record = attacker.record(DATA, b"second", 0);
        ends(attacker, &record, &TlsError::Decrypt, Some(Alert::BAD_RECORD_MAC));
    }
}

#[test]
fn rules_of_the_record_layer() {
    let rule = |rule| TlsError::Record(rule);
    // Too long, known from the header.
    let header = [23, 3, 3, 0x41, 0x01];
    let error = rule(RecordRule::TooLong { length: 0x4101, limit: 0x4100 });
    ends(Attacker::new(TlsVersion::Tls13), &header, &error, Some(Alert::RECORD_OVERFLOW));
    // A plaintext that is too long, in a record that is not.
    let mut attacker = Attacker::new(TlsVersion::Tls13);
    let record = attacker.record(DATA, &[0xff; 16_385], 0);
    let error = rule(RecordRule::TooLong { length: 16_385, limit: 16_384 });
    ends(attacker, &record, &error, Some(Alert::RECORD_OVERFLOW));
    // As long as it may be, with as much padding as fits.
    let mut attacker = Attacker::new(TlsVersion::Tls13);
    let record = attacker.record(DATA, &[1; 16_384], 239);
    attacker.send(&record).unwrap();
    assert_eq!(attacker.plain.len(), 16_384);
    // No type.
    let mut attacker = Attacker::new(TlsVersion::Tls13);
    let record = attacker.record(0, &[0; 100], 20);
    ends(attacker, &record, &rule(RecordRule::NoType), Some(Alert::UNEXPECTED_MESSAGE));
    // In the clear.
    for kind in [20, 21, 22] {
        let error = rule(RecordRule::Unprotected { kind });
        ends(
            Attacker::new(TlsVersion::Tls13),
            &[kind, 3, 3, 0, 1, 1],
            &error,
            Some(Alert::UNEXPECTED_MESSAGE),
        );
    }
    ends(Attacker::new(TlsVersion::Tls13), b"GET /", &TlsError::NotTls { first: b'G' }, None);
    for version in BOTH {
        // Types inside.
        for kind in [20, 24, 25, 255] {
            let mut attacker = Attacker::new(version);
            let record = attacker.record(kind, &[1], 0);
            let error = match version {
                TlsVersion::Tls12 if kind > 23 => TlsError::NotTls { first: kind },
                _ => rule(RecordRule::UnexpectedType { kind }),
            };
            let alert = error.alert();
            ends(attacker, &record, &error, alert);
        }
        for kind in [ALERT, HANDSHAKE] {
            let mut attacker = Attacker::new(version);
            let record = attacker.record(kind, &[], 0);
            ends(attacker, &record, &rule(RecordRule::Empty { kind }), Some(Alert::UNEXPECTED_MESSAGE));
        }
        // Alerts of the wrong size.
        let mut attacker = Attacker::new(version);
        let record = attacker.record(ALERT, &[1, 0, 1], 0);
        ends(attacker, &record, &rule(RecordRule::AlertLength { length: 3 }), Some(Alert::DECODE_ERROR));
        // A fatal one is the end, without an answer.
        let mut attacker = Attacker::new(version);
        let record = attacker.record(ALERT, &[2, 80], 0);
        ends(attacker, &record, &TlsError::Alert(Alert::INTERNAL_ERROR), None);
    }
}

#[test]
fn messages_after_the_handshake() {
    let unexpected = |kind| TlsError::Record(RecordRule::UnexpectedMessage { kind });
    for version in BOTH {
        // Finished, a certificate, and for a server a ticket.
        for kind in [20, 11, 4, 99] {
            let mut attacker = Attacker::new(version);
            let record = attacker.record(HANDSHAKE, &[kind, 0, 0, 1, 0], 0);
            ends(attacker, &record, &unexpected(kind), Some(Alert::UNEXPECTED_MESSAGE));
            // Before its end is there.
            let mut attacker = Attacker::new(version);
            let record = attacker.record(HANDSHAKE, &[kind, 0, 1, 0, 0], 0);
            ends(attacker, &record, &unexpected(kind), Some(Alert::UNEXPECTED_MESSAGE));
        }
        let mut attacker = Attacker::new(version);
        let record = attacker.record(HANDSHAKE, &[24, 1, 0, 1, 0], 0);
        let error = TlsError::Record(RecordRule::MessageTooLong { length: 65_537, limit: 65_536 });
        ends(attacker, &record, &error, Some(Alert::UNEXPECTED_MESSAGE));
    }
    // Key updates of TLS 1.3: in pieces, but alone.
    let mut attacker = Attacker::new(TlsVersion::Tls13);
    for octet in &KEY_UPDATE[..4] {
        attacker.send_record(HANDSHAKE, &[*octet]).unwrap();
    }
    let record = attacker.record(DATA, b"between", 0);
    let error = TlsError::Record(RecordRule::Interrupted);
    ends(attacker, &record, &error, Some(Alert::UNEXPECTED_MESSAGE));
    let mut attacker = Attacker::new(TlsVersion::Tls13);
    let record = attacker.record(HANDSHAKE, &[KEY_UPDATE, KEY_UPDATE].concat(), 0);
    ends(attacker, &record, &error, Some(Alert::UNEXPECTED_MESSAGE));
    let mut attacker = Attacker::new(TlsVersion::Tls13);
    attacker.send_record(HANDSHAKE, &KEY_UPDATE[..3]).unwrap();
    let record = attacker.record(ALERT, &[1, 0], 0);
    ends(attacker, &record, &error, Some(Alert::UNEXPECTED_MESSAGE));
    for wrong in [&[24, 0, 0, 1, 2][..], &[24, 0, 0, 2, 0, 0], &[24, 0, 0, 0]] {
        let mut attacker = Attacker::new(TlsVersion::Tls13);
        let record = attacker.record(HANDSHAKE, wrong, 0);
        ends(attacker, &record, &TlsError::Record(RecordRule::KeyUpdate), Some(Alert::DECODE_ERROR));
    }
    let mut attacker = Attacker::new(TlsVersion::Tls12);
    let record = attacker.record(HANDSHAKE, &KEY_UPDATE, 0);
    ends(attacker, &record, &unexpected(24), Some(Alert::UNEXPECTED_MESSAGE));
}

/// TLS 1.2: a second handshake is refused, and the first goes on.
#[test]
fn no_second_handshake() {
    let mut attacker = Attacker::new(TlsVersion::Tls12);
    attacker.send_record(HANDSHAKE, &[1, 0, 0, 2, 3, 3]).unwrap();
    assert_eq!(attacker.answers(), [(ALERT, vec![1, Alert::NO_RENEGOTIATION.0])]);
    attacker.send_record(DATA, b"on").unwrap();
    assert_eq!(&attacker.plain[..], b"on");
}

#[test]
fn floods_of_nothing_end() {
    for version in BOTH {
        let limits: [(u8, &[u8]); 2] = [(DATA, b""), (ALERT, &[1, 90])];
        for (kind, content) in limits {
            let mut attacker = Attacker::new(version);
            for _ in 0..32 {
                attacker.send_record(kind, content).unwrap();
            }
            // Data sets it back.
            attacker.send_record(DATA, b"x").unwrap();
            for _ in 0..32 {
                attacker.send_record(kind, content).unwrap();
            }
            let record = attacker.record(kind, content, 0);
            let error = TlsError::Flood("records without data");
            ends(attacker, &record, &error, Some(Alert::UNEXPECTED_MESSAGE));
        }
    }
    // A second handshake again and again: each has one small answer, until it is enough.
    let mut attacker = Attacker::new(TlsVersion::Tls12);
    let mut hellos = 0;
    while attacker.send_record(HANDSHAKE, &[1, 0, 0, 2, 3, 3]).is_ok() {
        hellos += 1;
        assert!(hellos <= 32);
    }
    assert_eq!(attacker.answers().len(), 33);
}

/// Who does not take what is decrypted has no more decrypted.
#[test]
fn plaintext_that_waits_is_bounded() {
    let mut attacker = Attacker::new(TlsVersion::Tls13);
    let mut octets = Vec::new();
    for _ in 0..100 {
        octets.extend(attacker.record(DATA, &[5; 16_384], 0));
    }
    attacker.send(&octets).unwrap();
    assert!(attacker.plain.len() < 64 * 1024 + 16_384, "{}", attacker.plain.len());
    let mut all = 0;
    while !attacker.plain.is_empty() {
        all += attacker.plain.split().len();
        attacker.send(&[]).unwrap();
    }
    assert_eq!(all, 100 * 16_384);
}
