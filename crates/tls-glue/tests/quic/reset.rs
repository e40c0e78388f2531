//! Stateless reset tokens.

use proptest::prelude::*;
use wirelace_tls_glue::quic::{RESET_TOKEN_LENGTH, ResetKey, ResetToken};

/// HMAC-SHA256 of RFC 4231, test case 1 padded: the key there is shorter, and an HMAC pads it with zeros.
#[test]
fn a_token_is_the_beginning_of_an_hmac() {
    let mut secret = [0; 32];
    secret[..20].fill(0x0b);
    let token = ResetKey::new(&secret).token(b"Hi There");
    let expected =
        [0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b, 0xf1, 0x2b];
    assert_eq!(token.octets(), &expected);
}

#[test]
fn tokens_are_those_of_their_id_and_secret() {
    let key = ResetKey::new(&[1; 32]);
    let token = key.token(b"an id");
    assert_eq!(token, ResetKey::new(&[1; 32]).token(b"an id"));
    assert_ne!(token, key.token(b"another id"));
    assert_ne!(token, key.token(b""));
    assert_ne!(token, ResetKey::new(&[2; 32]).token(b"an id"));
}

#[test]
fn a_datagram_ends_with_its_token() {
    let token = ResetKey::new(&[1; 32]).token(b"an id");
    let datagram = [&[0x40; 30][..], token.octets()].concat();
    assert!(token.ends(&datagram));
    assert!(token.ends(token.octets()));
    assert!(!token.ends(&token.octets()[1..]));
    assert!(!token.ends(&[]));
    assert!(!token.ends(&datagram[..datagram.len() - 1]));
    for bit in 0..RESET_TOKEN_LENGTH * 8 {
        let mut changed = datagram.clone();
        changed[30 + bit / 8] ^= 1 << (bit % 8);
        assert!(!token.ends(&changed), "bit {bit}");
    }
}

#[test]
fn tokens_are_not_shown() {
    assert_eq!(format!("{:?}", ResetToken::new([7; 16])), "ResetToken(..)");
    assert_eq!(format!("{:?}", ResetKey::new(&[7; 32])), "ResetKey(..)");
}

proptest! {
    #[test]
    fn two_are_the_same_when_their_octets_are(left: [u8; 16], right: [u8; 16]) {
        prop_assert_eq!(ResetToken::new(left) == ResetToken::new(right), left == right);
        prop_assert_eq!(ResetToken::new(left), ResetToken::new(left));
    }
}
