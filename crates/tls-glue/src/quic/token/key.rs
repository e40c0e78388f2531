//! Encryption of tokens, with a key for each: two that come by the same random number are as unlikely as two that
//! come by the same key.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;

use super::super::error::ProtectionError;
use super::super::packet::{NONCE_LENGTH, TAG_LENGTH};
use super::content::{MAX_CONTENT, MIN_CONTENT};

/// Octets in front of the content: which key, and the random number.
const HEAD: usize = 1 + RANDOM;
const RANDOM: usize = 16;
/// Octets of a token, at most.
pub const MAX_TOKEN_LENGTH: usize = HEAD + MAX_CONTENT + TAG_LENGTH;

#[derive(Clone)]
pub(super) struct TokenKey {
    key: hmac::Key,
    /// Saves most attempts with the wrong key.
    name: u8,
}

impl TokenKey {
    pub(super) fn new(secret: &[u8; 32]) -> TokenKey {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        // Other than those of tokens, it is of no random number.
        let name = hmac::sign(&key, b"name").as_ref().first().copied().unwrap_or_default();
        TokenKey { key, name }
    }

    fn of(&self, random: &[u8]) -> Result<LessSafeKey, ProtectionError> {
        let key = hmac::sign(&self.key, random);
        let key = UnboundKey::new(&AES_256_GCM, key.as_ref());
        key.map(LessSafeKey::new).map_err(|_| ProtectionError::Library)
    }

    pub(super) fn seal(&self, plain: &[u8], random: &[u8; RANDOM]) -> Result<Vec<u8>, ProtectionError> {
        let mut token = Vec::with_capacity(HEAD + plain.len() + TAG_LENGTH);
        token.push(self.name);
        token.extend_from_slice(random);
        let mut sealed = plain.to_vec();
        let (key, additional) = (self.of(random)?, Aad::from([self.name]));
        key.seal_in_place_append_tag(nonce(), additional, &mut sealed)
            .map_err(|_| ProtectionError::Library)?;
        token.extend_from_slice(&sealed);
        Ok(token)
    }

    /// What stands in a token of this key, and its random number.
    pub(super) fn open(&self, token: &[u8]) -> Option<(Vec<u8>, [u8; RANDOM])> {
        let (name, rest) = token.split_first()?;
        let (random, sealed) = rest.split_first_chunk::<RANDOM>()?;
        if *name != self.name || sealed.len() < MIN_CONTENT + TAG_LENGTH {
            return None;
        }
        let mut sealed = sealed.to_vec();
        let key = self.of(random).ok()?;
        let length = key.open_in_place(nonce(), Aad::from([*name]), &mut sealed).ok()?.len();
        sealed.truncate(length);
        Some((sealed, *random))
    }
}

/// The key is used once.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LENGTH])
}
