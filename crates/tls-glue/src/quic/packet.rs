//! Protection of a packet's payload (RFC 9001 §5.3), and how often it may be used (§6.6).

use std::fmt;

use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey};

use super::error::ProtectionError;
use super::suite::Suite;

/// Octets of the tag behind a protected payload.
pub const TAG_LENGTH: usize = 16;
/// Octets of the nonce.
pub(super) const NONCE_LENGTH: usize = 12;
/// The highest packet number.
const MAX_PACKET_NUMBER: u64 = (1 << 62) - 1;

/// The key for the payloads of one direction, at one level and in one key phase.
pub struct PacketKey {
    key: LessSafeKey,
    iv: [u8; NONCE_LENGTH],
    suite: Suite,
    sealed: u64,
    limit: u64,
}

impl PacketKey {
    pub(super) fn new(
        suite: Suite,
        key: &[u8],
        iv: [u8; NONCE_LENGTH],
    ) -> Result<PacketKey, ProtectionError> {
        let key = UnboundKey::new(suite.packet(), key).map_err(|_| ProtectionError::Library)?;
        let limit = suite.confidentiality_limit();
        Ok(PacketKey { key: LessSafeKey::new(key), iv, suite, sealed: 0, limit })
    }

    /// Its cipher suite.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Octets that a protected payload has beside the plain one.
    #[must_use]
    pub const fn tag_length(&self) -> usize {
        TAG_LENGTH
    }

    /// Packets that this key may still protect: before it is 0, the keys have to be updated (RFC 9001 §6.6).
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.sealed)
    }

    /// Packets that this key may protect in all, where that is to be less than the suite's limit. It cannot be raised.
    pub fn limit_to(&mut self, packets: u64) {
        self.limit = self.limit.min(packets);
    }

    /// Encrypts `payload` where it lies, and returns the tag that belongs behind it. `header` is everything in front
    /// of the payload, not protected yet; the packet number must be a new one for this key.
    ///
    /// # Errors
    ///
    /// The key or the packet numbers are used up. `payload` is as it was.
    pub fn seal(
        &mut self,
        packet_number: u64,
        header: &[u8],
        payload: &mut [u8],
    ) -> Result<[u8; TAG_LENGTH], ProtectionError> {
        if self.sealed >= self.limit {
            return Err(ProtectionError::ConfidentialityLimit(self.limit));
        }
        let nonce = self.nonce(packet_number)?;
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(header), payload);
        let tag = tag.map_err(|_| ProtectionError::Library)?;
        self.sealed += 1;
        tag.as_ref().try_into().map_err(|_| ProtectionError::Library)
    }

    /// Decrypts `payload`, its tag behind it, where it lies, and returns how many octets the plain one has.
    /// `header` is everything in front of it, without header protection.
    ///
    /// # Errors
    ///
    /// [`ProtectionError::Decrypt`]: to be counted by [`Forgeries`]. What is in `payload` then is of no use.
    pub fn open(
        &self,
        packet_number: u64,
        header: &[u8],
        payload: &mut [u8],
    ) -> Result<usize, ProtectionError> {
        let nonce = self.nonce(packet_number)?;
        let plain = self.key.open_in_place(nonce, Aad::from(header), payload);
        Ok(plain.map_err(|_| ProtectionError::Decrypt)?.len())
    }

    /// The packet number, mixed into the secret nonce.
    fn nonce(&self, packet_number: u64) -> Result<Nonce, ProtectionError> {
        if packet_number > MAX_PACKET_NUMBER {
            return Err(ProtectionError::PacketNumber(packet_number));
        }
        let mut nonce = self.iv;
        for (octet, mixed) in nonce.iter_mut().rev().zip(packet_number.to_le_bytes()) {
            *octet ^= mixed;
        }
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}

impl fmt::Debug for PacketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketKey")
            .field("suite", &self.suite)
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

/// The packets of a connection that did not decrypt, under all of its keys: whoever may try often enough finds one
/// that does (RFC 9001 §6.6).
#[derive(Debug, Clone, Default)]
pub struct Forgeries(u64);

impl Forgeries {
    /// Counts one that `key` did not open.
    ///
    /// # Errors
    ///
    /// There are more than its suite allows: the connection ends.
    pub fn count(&mut self, key: &PacketKey) -> Result<(), ProtectionError> {
        self.count_up_to(key.suite.integrity_limit())
    }

    /// The same with a limit of one's own.
    ///
    /// # Errors
    ///
    /// There are more.
    pub fn count_up_to(&mut self, limit: u64) -> Result<(), ProtectionError> {
        self.0 = self.0.saturating_add(1);
        if self.0 > limit { Err(ProtectionError::IntegrityLimit(limit)) } else { Ok(()) }
    }

    /// How many there were.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.0
    }
}
