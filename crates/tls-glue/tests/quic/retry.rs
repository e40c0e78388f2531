//! Tags of Retry packets.

use crate::samples::{CONNECTION_ID, Samples};
use wirelace_tls_glue::quic::{ProtectionError, Version, is_retry_valid, retry_tag};

#[test]
fn every_bit_of_packet_and_connection_id_counts() {
    for samples in Samples::both() {
        let packet = samples.get("retry-packet");
        for at in 0..packet.len() * 8 {
            let mut changed = packet.to_vec();
            changed[at / 8] ^= 1 << (at % 8);
            assert_eq!(is_retry_valid(samples.version, CONNECTION_ID, &changed), Ok(false));
        }
        for at in 0..CONNECTION_ID.len() * 8 {
            let mut other = CONNECTION_ID.to_vec();
            other[at / 8] ^= 1 << (at % 8);
            assert_eq!(is_retry_valid(samples.version, &other, packet), Ok(false));
        }
        for length in 0..packet.len() {
            assert_eq!(is_retry_valid(samples.version, CONNECTION_ID, &packet[..length]), Ok(false));
        }
    }
}

#[test]
fn connection_ids_of_all_lengths() {
    for version in [Version::V1, Version::V2] {
        for length in 0..=20 {
            let id = vec![3; length];
            let tag = retry_tag(version, &id, b"a packet").unwrap();
            let packet = [&b"a packet"[..], &tag].concat();
            assert_eq!(is_retry_valid(version, &id, &packet), Ok(true));
            assert_eq!(is_retry_valid(version, b"another", &packet), Ok(false));
        }
        for length in [21, 255, 256, 276, 1000] {
            let error = ProtectionError::ConnectionId(length);
            assert_eq!(retry_tag(version, &vec![3; length], b"a packet"), Err(error));
            assert_eq!(is_retry_valid(version, &vec![3; length], &[0; 40]), Err(error));
            // PROTOCOL_VIOLATION
            assert_eq!(error.code(), Some(0x0a));
        }
    }
}
