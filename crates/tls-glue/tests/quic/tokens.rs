//! Address validation tokens.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use proptest::collection::vec;
use proptest::prelude::*;
use wirelace_tls_glue::quic::{
    MAX_TOKEN_LENGTH, OpenedToken, ProtectionError, TokenError, TokenKeys, TokenOrigin,
};

const RETRY: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const RANDOM: [u8; 16] = *b"a random number!";

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123)
}

fn client() -> SocketAddr {
    "192.0.2.1:4433".parse().unwrap()
}

fn retry(keys: &TokenKeys) -> Vec<u8> {
    keys.seal_retry(client(), b"original", b"source", now(), &RANDOM).unwrap()
}

fn new_token(keys: &TokenKeys) -> Vec<u8> {
    keys.seal_new_token(client().ip(), now(), &RANDOM).unwrap()
}

#[test]
fn a_retry_token_opens_for_its_client_and_connection() {
    let keys = TokenKeys::new(&[1; 32]);
    let token = retry(&keys);
    let opened = keys.open(&token, client(), b"source", now() + Duration::from_secs(1));
    let expected = OpenedToken {
        origin: TokenOrigin::Retry,
        original: Some("original".into()),
        issued: now(),
        id: RANDOM,
    };
    assert_eq!(opened, Ok(expected));
    let other = keys.open(&token, client(), b"another", now());
    assert_eq!(other, Err(TokenError::ConnectionId));
    assert_eq!(other.unwrap_err().origin(), Some(TokenOrigin::Retry));
}

#[test]
fn a_new_token_opens_for_its_address() {
    let keys = TokenKeys::new(&[1; 32]);
    let token = new_token(&keys);
    for port in [1, 4433, 65535] {
        let opened = keys.open(&token, SocketAddr::new(client().ip(), port), b"any id", now());
        let expected =
            OpenedToken { origin: TokenOrigin::NewToken, original: None, issued: now(), id: RANDOM };
        assert_eq!(opened, Ok(expected));
    }
}

#[test]
fn nobody_else_may_use_them() {
    let keys = TokenKeys::new(&[1; 32]);
    for (token, origin, others) in [
        (retry(&keys), TokenOrigin::Retry, &["192.0.2.2:4433", "192.0.2.1:4434", "[2001:db8::1]:4433"][..]),
        (new_token(&keys), TokenOrigin::NewToken, &["192.0.2.2:4433", "[::1]:4433", "[::c000:201]:4433"]),
    ] {
        for other in others {
            let opened = keys.open(&token, other.parse().unwrap(), b"source", now());
            assert_eq!(opened, Err(TokenError::Address { origin }), "{other}");
        }
        // The same address, as a socket for both families shows it.
        let mapped = "[::ffff:192.0.2.1]:4433".parse().unwrap();
        assert!(keys.open(&token, mapped, b"source", now()).is_ok());
    }
    let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
    let token = keys.seal_new_token(mapped, now(), &RANDOM).unwrap();
    assert!(keys.open(&token, client(), b"", now()).is_ok());
}

#[test]
fn they_expire() {
    let keys = TokenKeys::new(&[1; 32]);
    let shorter = keys.clone().lifetimes(Duration::from_secs(2), Duration::from_secs(3));
    let tick = Duration::from_millis(1);
    for (token, origin, lifetime, short) in [
        (retry(&keys), TokenOrigin::Retry, RETRY, Duration::from_secs(2)),
        (new_token(&keys), TokenOrigin::NewToken, DAY, Duration::from_secs(3)),
    ] {
        for (keys, lifetime) in [(&keys, lifetime), (&shorter, short)] {
            let open = |now| keys.open(&token, client(), b"source", now);
            assert!(open(now() + lifetime - tick).is_ok());
            let age = lifetime;
            assert_eq!(open(now() + lifetime), Err(TokenError::Expired { origin, age, lifetime }));
        }
        // Another server's clock may be a little ahead.
        let open = |now| keys.open(&token, client(), b"source", now);
        assert!(open(now() - Duration::from_secs(10)).is_ok());
        let future = open(now() - Duration::from_secs(10) - tick);
        assert_eq!(future, Err(TokenError::Future { origin }));
        assert_eq!(future.unwrap_err().origin(), Some(origin));
    }
}

#[test]
fn no_bit_of_them_may_change() {
    let keys = TokenKeys::new(&[1; 32]);
    for token in [retry(&keys), new_token(&keys)] {
        for bit in 0..token.len() * 8 {
            let mut changed = token.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(keys.open(&changed, client(), b"source", now()), Err(TokenError::Unknown));
        }
        for length in 0..token.len() {
            let opened = keys.open(&token[..length], client(), b"source", now());
            assert_eq!(opened, Err(TokenError::Unknown));
        }
        let longer = [&token[..], &[0]].concat();
        assert_eq!(keys.open(&longer, client(), b"source", now()), Err(TokenError::Unknown));
        let other = TokenKeys::new(&[2; 32]);
        assert_eq!(other.open(&token, client(), b"source", now()), Err(TokenError::Unknown));
        assert_eq!(TokenError::Unknown.origin(), None);
    }
}

#[test]
fn a_key_that_was_replaced_opens_until_its_tokens_are_too_old() {
    let mut keys = TokenKeys::new(&[1; 32]);
    let old = new_token(&keys);
    keys.rotate(&[2; 32], now());
    let new = new_token(&keys);
    assert!(keys.open(&old, client(), b"", now()).is_ok());
    assert!(keys.open(&new, client(), b"", now()).is_ok());
    let before = TokenKeys::new(&[1; 32]);
    assert_eq!(before.open(&new, client(), b"", now()), Err(TokenError::Unknown));
    // Even where tokens live longer now, the key is gone.
    let keys = keys.lifetimes(RETRY, DAY * 10);
    assert!(keys.open(&old, client(), b"", now() + DAY - RETRY).is_ok());
    assert_eq!(keys.open(&old, client(), b"", now() + DAY), Err(TokenError::Unknown));
    assert!(keys.open(&new, client(), b"", now() + DAY).is_ok());
}

#[test]
fn eight_keys_are_kept() {
    let mut keys = TokenKeys::new(&[0; 32]);
    let mut tokens = vec![new_token(&keys)];
    for secret in 1..20 {
        keys.rotate(&[secret; 32], now());
        tokens.push(new_token(&keys));
        let opened = tokens.iter().filter(|token| keys.open(token, client(), b"", now()).is_ok()).count();
        assert_eq!(opened, tokens.len().min(8));
        assert!(keys.open(&tokens[tokens.len().saturating_sub(8)], client(), b"", now()).is_ok());
    }
}

#[test]
fn they_are_of_a_bounded_length() {
    let keys = TokenKeys::new(&[1; 32]);
    let client = "[2001:db8::1]:4433".parse().unwrap();
    let longest = keys.seal_retry(client, &[7; 20], &[8; 20], now(), &RANDOM).unwrap();
    assert_eq!(longest.len(), MAX_TOKEN_LENGTH);
    assert!(keys.open(&longest, client, &[8; 20], now()).is_ok());
    let length = MAX_TOKEN_LENGTH + 1;
    let error = TokenError::TooLong { length, limit: MAX_TOKEN_LENGTH };
    assert_eq!(keys.open(&vec![0; length], client, b"", now()), Err(error));
    for (original, source) in [(21, 8), (8, 21)] {
        let sealed = keys.seal_retry(client, &vec![7; original], &vec![8; source], now(), &RANDOM);
        assert_eq!(sealed, Err(ProtectionError::ConnectionId(21)));
    }
}

#[test]
fn times_without_a_number() {
    let keys = TokenKeys::new(&[1; 32]);
    let before = SystemTime::UNIX_EPOCH - DAY;
    let token = keys.seal_new_token(client().ip(), before, &RANDOM).unwrap();
    assert!(keys.open(&token, client(), b"", SystemTime::UNIX_EPOCH).is_ok());
    assert!(keys.open(&token, client(), b"", before).is_err());
    let shown = format!("{keys:?}");
    assert!(!shown.contains('['), "{shown}");
}

proptest! {
    #[test]
    fn retry_tokens_say_what_was_put_in(
        secret: [u8; 32],
        random: [u8; 16],
        address: IpAddr,
        port: u16,
        original in vec(any::<u8>(), 0..=20),
        source in vec(any::<u8>(), 0..=20),
        millis in 0..1_u64 << 45,
    ) {
        let keys = TokenKeys::new(&secret);
        let issued = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let client = SocketAddr::new(address, port);
        let token = keys.seal_retry(client, &original, &source, issued, &random).unwrap();
        prop_assert!(token.len() <= MAX_TOKEN_LENGTH);
        let opened = keys.open(&token, client, &source, issued).unwrap();
        let original = Some(original.into());
        prop_assert_eq!(opened, OpenedToken { origin: TokenOrigin::Retry, original, issued, id: random });
    }

    #[test]
    fn nothing_else_opens(token in vec(any::<u8>(), 0..120)) {
        let keys = TokenKeys::new(&[1; 32]);
        let error = keys.open(&token, client(), b"", now()).unwrap_err();
        prop_assert_eq!(matches!(error, TokenError::TooLong { .. }), token.len() > MAX_TOKEN_LENGTH);
    }
}
