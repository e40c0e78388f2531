//! `tls-glue`: what QUIC servers and clients open that came from anybody.

use crate::input::Choices;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};
use wirelace_tls_glue::quic::{
    ClientHello, Keys, MAX_TOKEN_LENGTH, ProtectionError, ResetKey, Side, TokenError, TokenKeys, TokenOrigin,
    Version, is_retry_valid, retry_tag,
};

/// The tokens in the corpus have this key, this client, and this time.
const SECRET: [u8; 32] = [7; 32];
const CLIENT: ([u8; 4], u16) = ([192, 0, 2, 1], 4433);
const NOW: Duration = Duration::from_millis(1_800_000_000_123);

/// Tokens, Retry packets, protected packets, hellos and resets: what opens was made here, and changes when anything does.
pub fn token(data: &[u8]) {
    let (octets, mut choices) = Choices::split(data, 4);
    let [kind, length, random, at] = [choices.byte(), choices.byte(), choices.byte(), choices.byte()];
    let (id, rest) = octets.split_at(octets.len().min(usize::from(length % 24)));
    let version = if kind & 1 == 0 { Version::V1 } else { Version::V2 };
    tokens(octets, id, kind, random, at);
    retries(version, id, rest, at);
    packets(version, id, rest, usize::from(length));
    // More octets change nothing once it is whole.
    if let Some(hello) = ClientHello::peek(octets) {
        assert!(hello.transport_parameters.is_none_or(|parameters| parameters.len() + 46 < octets.len()));
        assert_eq!(ClientHello::peek(&[octets, data].concat()), Some(hello));
    }
    let token = ResetKey::new(&SECRET).token(id);
    assert!(token.ends(&[rest, token.octets()].concat()));
    assert_eq!(token.ends(rest), rest.ends_with(token.octets()));
}

fn tokens(octets: &[u8], id: &[u8], kind: u8, random: u8, at: u8) {
    let now = SystemTime::UNIX_EPOCH + NOW;
    let client = SocketAddr::from(CLIENT);
    let keys = TokenKeys::new(&SECRET);
    match keys.open(octets, client, id, now) {
        Ok(opened) => {
            let again = match opened.origin {
                TokenOrigin::Retry => {
                    let original = opened.original.expect("with its connection id");
                    keys.seal_retry(client, &original, id, opened.issued, &opened.id)
                }
                TokenOrigin::NewToken => keys.seal_new_token(client.ip(), opened.issued, &opened.id),
            };
            assert_eq!(again.as_deref(), Ok(octets));
        }
        Err(TokenError::TooLong { length, .. }) => {
            assert!(length == octets.len() && length > MAX_TOKEN_LENGTH)
        }
        Err(_) => assert!(octets.len() <= MAX_TOKEN_LENGTH),
    }
    let mut address = [random; 16];
    address.iter_mut().zip(octets).for_each(|(octet, given)| *octet = *given);
    let client = SocketAddr::new(IpAddr::from(address), at.into());
    let sealed = match kind >> 1 & 1 {
        0 => keys.seal_new_token(client.ip(), now, &[random; 16]),
        _ => keys.seal_retry(client, octets.get(16..).unwrap_or_default(), id, now, &[random; 16]),
    };
    let mut sealed = match sealed {
        Ok(sealed) => sealed,
        Err(error) => return assert!(matches!(error, ProtectionError::ConnectionId(length) if length > 20)),
    };
    assert!(sealed.len() <= MAX_TOKEN_LENGTH && keys.open(&sealed, client, id, now).is_ok());
    let at = usize::from(at) % sealed.len();
    sealed[at] ^= 1 << (kind >> 2 & 7);
    assert_eq!(keys.open(&sealed, client, id, now), Err(TokenError::Unknown));
}

fn retries(version: Version, id: &[u8], packet: &[u8], at: u8) {
    match (is_retry_valid(version, id, packet), retry_tag(version, id, packet)) {
        (valid, Ok(tag)) => {
            let mut whole = [packet, &tag].concat();
            assert_eq!(is_retry_valid(version, id, &whole), Ok(true));
            let at = usize::from(at) % whole.len();
            whole[at] ^= 0x10;
            assert_eq!(is_retry_valid(version, id, &whole), Ok(false));
            if valid == Ok(true) {
                let (front, tag) = packet.split_at(packet.len() - 16);
                assert_eq!(retry_tag(version, id, front).unwrap(), tag);
            }
        }
        (_, Err(error)) => assert!(id.len() > 20, "{error}"),
    }
}

fn packets(version: Version, id: &[u8], octets: &[u8], offset: usize) {
    let server = Keys::initial(version, id, Side::Server).expect("they are always there");
    let mut packet = octets.to_vec();
    match server.remote.header.unprotect(&mut packet, offset) {
        Ok(number) => {
            let (header, sealed) = packet.split_at_mut(offset + number.length);
            let length = sealed.len();
            if let Ok(plain) = server.remote.packet.open(number.value.into(), header, sealed) {
                // Initial keys are everybody's: what opens is sealed to the same again.
                assert_eq!(plain + 16, length);
                let mut client = Keys::initial(version, id, Side::Client).expect("they are always there");
                let tag = client.local.packet.seal(number.value.into(), header, &mut sealed[..plain]);
                sealed[plain..].copy_from_slice(&tag.expect("it is the first"));
                client.local.header.protect(&mut packet, offset).expect("it had a place for it");
                assert_eq!(packet, octets);
            }
        }
        Err(ProtectionError::TooShort { length, needed }) => {
            assert!(length == octets.len() && (length < needed || offset == 0));
            assert_eq!(packet, octets);
        }
        Err(error) => panic!("{error}"),
    }
}
