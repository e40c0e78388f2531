//! RFC 9001, Appendix A, and RFC 9369, Appendix A: every octet. (A.1, and the keys of A.5, next to the code.)

use crate::samples::{CONNECTION_ID, Samples};
use wirelace_tls_glue::quic::{
    DirectionalKeys, HeaderKey, Keys, ProtectionError, Side, Suite, TrafficSecret, TruncatedNumber, Version,
    is_retry_valid, retry_tag,
};

/// One packet, as it was before protection and as it is after.
struct Sample<'a> {
    number: u64,
    truncated: TruncatedNumber,
    header: &'a [u8],
    payload: &'a [u8],
    sample: &'a [u8],
    mask: &'a [u8],
    packet: &'a [u8],
}

fn protect(keys: &mut DirectionalKeys, sample: &Sample<'_>) -> Vec<u8> {
    let mut packet = [sample.header, sample.payload].concat();
    let sealed = &mut packet[sample.header.len()..];
    let tag = keys.packet.seal(sample.number, sample.header, sealed).unwrap();
    packet.extend_from_slice(&tag);
    let offset = sample.header.len() - sample.truncated.length;
    assert_eq!(packet[offset + 4..][..16], *sample.sample);
    assert_mask(&keys.header, sample);
    keys.header.protect(&mut packet, offset).unwrap();
    packet
}

fn assert_mask(key: &HeaderKey, sample: &Sample<'_>) {
    assert_eq!(key.mask(sample.sample.try_into().unwrap()).unwrap(), sample.mask);
}

fn assert_opens(keys: &DirectionalKeys, sample: &Sample<'_>) {
    assert_mask(&keys.header, sample);
    let mut packet = sample.packet.to_vec();
    let offset = sample.header.len() - sample.truncated.length;
    assert_eq!(keys.header.unprotect(&mut packet, offset), Ok(sample.truncated));
    let (header, sealed) = packet.split_at_mut(sample.header.len());
    assert_eq!(header, sample.header);
    let length = keys.packet.open(sample.number, header, sealed).unwrap();
    assert_eq!(sealed[..length], *sample.payload);
}

#[test]
fn client_initial() {
    for samples in Samples::both() {
        let mut payload = samples.get("client-crypto-frame").to_vec();
        payload.resize(1162, 0);
        let sample = Sample {
            number: 2,
            truncated: TruncatedNumber { length: 4, value: 2 },
            header: samples.get("client-header"),
            payload: &payload,
            sample: samples.get("client-sample"),
            mask: samples.get("client-mask"),
            packet: samples.get("client-packet"),
        };
        assert_eq!(sample.packet.len(), 1200);
        let mut client = Keys::initial(samples.version, CONNECTION_ID, Side::Client).unwrap();
        assert_eq!(protect(&mut client.local, &sample), sample.packet);
        let server = Keys::initial(samples.version, CONNECTION_ID, Side::Server).unwrap();
        assert_opens(&server.remote, &sample);
    }
}

#[test]
fn server_initial() {
    for samples in Samples::both() {
        let sample = Sample {
            number: 1,
            truncated: TruncatedNumber { length: 2, value: 1 },
            header: samples.get("server-header"),
            payload: samples.get("server-payload"),
            sample: samples.get("server-sample"),
            mask: samples.get("server-mask"),
            packet: samples.get("server-packet"),
        };
        let mut server = Keys::initial(samples.version, CONNECTION_ID, Side::Server).unwrap();
        assert_eq!(protect(&mut server.local, &sample), sample.packet);
        let client = Keys::initial(samples.version, CONNECTION_ID, Side::Client).unwrap();
        assert_opens(&client.remote, &sample);
    }
}

#[test]
fn retry() {
    for samples in Samples::both() {
        let packet = samples.get("retry-packet");
        let (rest, tag) = packet.split_at(packet.len() - 16);
        assert_eq!(retry_tag(samples.version, CONNECTION_ID, rest).unwrap(), tag);
        assert_eq!(is_retry_valid(samples.version, CONNECTION_ID, packet), Ok(true));
    }
}

#[test]
fn chacha20_with_a_short_header() {
    for samples in Samples::both() {
        let sample = Sample {
            number: 654_360_564,
            truncated: TruncatedNumber { length: 3, value: 0xbff4 },
            header: samples.get("chacha-header"),
            payload: samples.get("chacha-payload"),
            sample: samples.get("chacha-sample"),
            mask: samples.get("chacha-mask"),
            packet: samples.get("chacha-packet"),
        };
        let secret = TrafficSecret::new(Suite::ChaCha20Poly1305, samples.get("chacha-secret")).unwrap();
        assert_eq!(protect(&mut secret.keys(samples.version).unwrap(), &sample), sample.packet);
        assert_opens(&secret.keys(samples.version).unwrap(), &sample);
        // After a key update: the RFC has the secret, and the packet key is another.
        let next = TrafficSecret::new(Suite::ChaCha20Poly1305, samples.get("chacha-ku")).unwrap();
        let mut updated = secret.next(samples.version).packet_key(samples.version).unwrap();
        let mut payload = *b"updated";
        let tag = updated.seal(1, b"header", &mut payload).unwrap();
        let mut sealed = [&payload[..], &tag].concat();
        let old = secret.packet_key(samples.version).unwrap();
        assert_eq!(old.open(1, b"header", &mut sealed.clone()), Err(ProtectionError::Decrypt));
        let next = next.packet_key(samples.version).unwrap();
        assert_eq!(next.open(1, b"header", &mut sealed), Ok(7));
        assert_eq!(sealed[..7], *b"updated");
    }
}

#[test]
fn version_numbers() {
    for version in [Version::V1, Version::V2] {
        assert_eq!(Version::from_number(version.number()), Some(version));
    }
    assert_eq!((Version::V1.number(), Version::V2.number()), (1, 0x6b33_43cf));
    for number in [0, 2, 0x6b33_43ce, 0x709a_50c4, 0xff00_001d, u32::MAX] {
        assert_eq!(Version::from_number(number), None);
    }
}

/// Keys of one version are none of the other.
#[test]
fn versions_do_not_mix() {
    let [v1, v2] = Samples::both();
    let server = Keys::initial(Version::V1, CONNECTION_ID, Side::Server).unwrap();
    let mut packet = v2.get("client-packet").to_vec();
    server.remote.header.unprotect(&mut packet, 18).unwrap();
    let (header, sealed) = packet.split_at_mut(22);
    assert_eq!(server.remote.packet.open(2, header, sealed), Err(ProtectionError::Decrypt));
    assert_eq!(is_retry_valid(Version::V2, CONNECTION_ID, v1.get("retry-packet")), Ok(false));
}
