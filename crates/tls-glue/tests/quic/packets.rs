//! Protection of packets: what is changed does not open, and what is used up seals no more.

use proptest::collection::vec;
use proptest::prelude::*;
use wirelace_tls_glue::quic::{
    DirectionalKeys, Forgeries, ProtectionError, Suite, TAG_LENGTH, TrafficSecret, Version,
};

const SUITES: [Suite; 3] = [Suite::Aes128Gcm, Suite::Aes256Gcm, Suite::ChaCha20Poly1305];

fn keys(suite: Suite, version: Version) -> DirectionalKeys {
    TrafficSecret::new(suite, &vec![0x5a; suite.secret_length()]).unwrap().keys(version).unwrap()
}

fn any_keys() -> impl Strategy<Value = (Suite, Version)> {
    (prop::sample::select(&SUITES), prop::sample::select(&[Version::V1, Version::V2]))
}

/// A header of `front` octets, and its packet number behind them.
fn header(first: u8, front: &[u8], number: u64) -> (Vec<u8>, usize) {
    let length = usize::from(first & 3) + 1;
    let mut header = vec![first];
    header.extend_from_slice(front);
    let offset = header.len();
    header.extend_from_slice(&number.to_be_bytes()[8 - length..]);
    (header, offset)
}

proptest! {
    #[test]
    fn what_is_sealed_opens(
        (suite, version) in any_keys(),
        first: u8,
        front in vec(any::<u8>(), 0..45),
        number in 0..1_u64 << 62,
        payload in vec(any::<u8>(), 4..1500),
    ) {
        let mut keys = keys(suite, version);
        let (header, offset) = header(first, &front, number);
        let mut packet = [&header[..], &payload].concat();
        let tag = keys.packet.seal(number, &header, &mut packet[header.len()..]).unwrap();
        packet.extend_from_slice(&tag);
        prop_assert_ne!(&packet[header.len()..header.len() + payload.len()], &payload[..]);
        keys.header.protect(&mut packet, offset).unwrap();
        // The form, and all that is not the number, stay as they were.
        let bits = if first & 0x80 == 0 { 0xe0 } else { 0xf0 };
        prop_assert_eq!(packet[0] & bits, first & bits);
        prop_assert_eq!(&packet[1..offset], &front[..]);

        let found = keys.header.unprotect(&mut packet, offset).unwrap();
        prop_assert_eq!(found.length, usize::from(first & 3) + 1);
        let mask = u64::MAX >> (64 - 8 * found.length);
        prop_assert_eq!(u64::from(found.value), number & mask);
        let (opened, sealed) = packet.split_at_mut(offset + found.length);
        prop_assert_eq!(&*opened, &header[..]);
        let length = keys.packet.open(number, opened, sealed).unwrap();
        prop_assert_eq!(&sealed[..length], &payload[..]);
    }

    #[test]
    fn what_is_changed_does_not(
        (suite, version) in any_keys(),
        payload in vec(any::<u8>(), 4..60),
        number in 0..1_u64 << 62,
        at: prop::sample::Index,
        bit in 0..8_u32,
    ) {
        let mut keys = keys(suite, version);
        let (header, offset) = header(0xc1, b"12345", number);
        let mut packet = [&header[..], &payload].concat();
        let tag = keys.packet.seal(number, &header, &mut packet[header.len()..]).unwrap();
        packet.extend_from_slice(&tag);
        keys.header.protect(&mut packet, offset).unwrap();

        // Whatever is changed, the sample included.
        let at = at.index(packet.len());
        packet[at] ^= 1 << bit;
        let found = keys.header.unprotect(&mut packet, offset).unwrap();
        let (opened, sealed) = packet.split_at_mut(offset + found.length);
        prop_assert_eq!(keys.packet.open(number, opened, sealed), Err(ProtectionError::Decrypt));
    }

    #[test]
    fn anything_may_come(
        (suite, version) in any_keys(),
        mut packet in vec(any::<u8>(), 0..80),
        offset in 0..100_usize,
        number: u64,
    ) {
        let keys = keys(suite, version);
        let length = packet.len();
        match keys.header.unprotect(&mut packet, offset) {
            Ok(found) => {
                prop_assert!(offset > 0 && length >= offset + 20 && (1..=4).contains(&found.length));
                let (header, sealed) = packet.split_at_mut(offset + found.length);
                prop_assert!(keys.packet.open(number, header, sealed).is_err());
            }
            Err(error) => {
                let needed = offset.max(1) + 20;
                prop_assert!(offset == 0 || length < needed);
                prop_assert_eq!(error, ProtectionError::TooShort { length, needed });
            }
        }
    }
}

#[test]
fn every_octet_of_number_header_and_key_counts() {
    for suite in SUITES {
        let mut own = keys(suite, Version::V1);
        let mut payload = *b"payload";
        let tag = own.packet.seal(1, b"header", &mut payload).unwrap();
        let sealed = [&payload[..], &tag].concat();
        let open = |keys: &DirectionalKeys, number, header: &[u8]| {
            keys.packet.open(number, header, &mut sealed.clone())
        };
        assert_eq!(open(&own, 1, b"header"), Ok(7));
        for shift in 0..62 {
            assert_eq!(open(&own, 1 ^ 1 << shift, b"header"), Err(ProtectionError::Decrypt));
        }
        assert_eq!(open(&own, 1, b"headeR"), Err(ProtectionError::Decrypt));
        assert_eq!(open(&own, 1, b"heade"), Err(ProtectionError::Decrypt));
        assert_eq!(open(&keys(suite, Version::V2), 1, b"header"), Err(ProtectionError::Decrypt));
        for length in 0..sealed.len() {
            let opened = own.packet.open(1, b"header", &mut sealed[..length].to_vec());
            assert_eq!(opened, Err(ProtectionError::Decrypt));
        }
    }
}

#[test]
fn packet_numbers_end() {
    let mut keys = keys(Suite::Aes128Gcm, Version::V1);
    let last = (1 << 62) - 1;
    assert!(keys.packet.seal(last, b"", &mut []).is_ok());
    for number in [last + 1, u64::MAX] {
        let error = ProtectionError::PacketNumber(number);
        assert_eq!(keys.packet.seal(number, b"", &mut []), Err(error));
        assert_eq!(keys.packet.open(number, b"", &mut [0; 32]), Err(error));
        assert_eq!(error.code(), None);
    }
}

/// RFC 9001 §6.6.
#[test]
fn limits_of_the_suites() {
    for (suite, confidentiality, integrity) in [
        (Suite::Aes128Gcm, 1 << 23, 1 << 52),
        (Suite::Aes256Gcm, 1 << 23, 1 << 52),
        (Suite::ChaCha20Poly1305, 1 << 62, 1 << 36),
    ] {
        assert_eq!(suite.confidentiality_limit(), confidentiality);
        assert_eq!(suite.integrity_limit(), integrity);
        let key = keys(suite, Version::V1).packet;
        assert_eq!((key.remaining(), key.tag_length()), (confidentiality, TAG_LENGTH));
    }
}

#[test]
fn a_key_that_is_used_up_seals_no_more() {
    let mut key = keys(Suite::Aes128Gcm, Version::V1).packet;
    key.limit_to(1000);
    key.limit_to(u64::MAX);
    for number in 0..1000 {
        assert_eq!(key.remaining(), 1000 - number);
        key.seal(number, b"", &mut [1, 2, 3]).unwrap();
    }
    let mut payload = [1, 2, 3];
    let error = ProtectionError::ConfidentialityLimit(1000);
    assert_eq!(key.seal(1000, b"", &mut payload), Err(error));
    assert_eq!((payload, key.remaining()), ([1, 2, 3], 0));
    // AEAD_LIMIT_REACHED
    assert_eq!(error.code(), Some(0x0f));
}

#[test]
fn a_connection_with_too_many_forgeries_is_over() {
    let key = keys(Suite::ChaCha20Poly1305, Version::V1).packet;
    let mut forgeries = Forgeries::default();
    for number in 0..10 {
        assert_eq!(key.open(number, b"", &mut [7; 40]), Err(ProtectionError::Decrypt));
        assert_eq!(forgeries.count(&key), Ok(()));
    }
    assert_eq!(forgeries.total(), 10);
    assert_eq!(forgeries.count_up_to(11), Ok(()));
    let error = ProtectionError::IntegrityLimit(11);
    assert_eq!(forgeries.count_up_to(11), Err(error));
    assert_eq!(error.code(), Some(0x0f));
    // They are dropped without a word before.
    assert_eq!(ProtectionError::Decrypt.code(), None);
}

#[test]
fn keys_are_not_shown() {
    let keys = keys(Suite::Aes128Gcm, Version::V1);
    let shown = format!("{keys:?}");
    assert!(shown.len() < 150, "{shown}");
}
