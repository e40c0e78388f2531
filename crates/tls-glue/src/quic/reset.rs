//! Stateless reset tokens (RFC 9000 §10.3).

use std::fmt;

use ring::hmac;

use super::same::same;

/// Octets of a token.
pub const RESET_TOKEN_LENGTH: usize = 16;

/// A stateless reset token: who has it can end the connection whose id it belongs to. It is compared in constant time,
/// and is not shown by `Debug`.
#[derive(Clone, Copy)]
pub struct ResetToken([u8; RESET_TOKEN_LENGTH]);

impl ResetToken {
    /// One that a peer has given.
    #[must_use]
    pub const fn new(octets: [u8; RESET_TOKEN_LENGTH]) -> ResetToken {
        ResetToken(octets)
    }

    /// As it travels.
    #[must_use]
    pub const fn octets(&self) -> &[u8; RESET_TOKEN_LENGTH] {
        &self.0
    }

    /// Whether a datagram that cannot be opened ends with it: the peer does not know the connection any more.
    #[must_use]
    pub fn ends(&self, datagram: &[u8]) -> bool {
        datagram.last_chunk().is_some_and(|end| same(&self.0, end))
    }
}

impl PartialEq for ResetToken {
    fn eq(&self, other: &ResetToken) -> bool {
        same(&self.0, &other.0)
    }
}

impl Eq for ResetToken {}

impl fmt::Debug for ResetToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetToken(..)")
    }
}

/// What a server makes its tokens from, so that it still has them when it has forgotten the connection. To be of use
/// after a restart, the same secret must be there again (RFC 9000 §10.3.2).
#[derive(Clone)]
pub struct ResetKey(hmac::Key);

impl ResetKey {
    /// From a random secret that is used for nothing else.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> ResetKey {
        ResetKey(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The token of a connection id that this side has chosen.
    #[must_use]
    pub fn token(&self, connection_id: &[u8]) -> ResetToken {
        let tag = hmac::sign(&self.0, connection_id);
        let mut token = [0; RESET_TOKEN_LENGTH];
        token.iter_mut().zip(tag.as_ref()).for_each(|(octet, made)| *octet = *made);
        ResetToken(token)
    }
}

impl fmt::Debug for ResetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetKey(..)")
    }
}
