//! Header protection (RFC 9001 §5.4).

use std::fmt;

use ring::aead::quic;

use super::error::ProtectionError;
use super::suite::Suite;

/// Octets of ciphertext that the mask of a header is made from.
pub const SAMPLE_LENGTH: usize = 16;
/// The sample begins where the payload of a packet with the longest packet number does.
const MAX_NUMBER: usize = 4;

/// The key for the headers of one direction, at one level. Key updates do not change it (RFC 9001 §6).
pub struct HeaderKey(quic::HeaderProtectionKey);

/// A packet number as it stands in a header: its lowest octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TruncatedNumber {
    /// How many octets, 1 to 4.
    pub length: usize,
    /// Their value (RFC 9000 §A.3 says which number it stands for).
    pub value: u32,
}

impl HeaderKey {
    pub(super) fn new(suite: Suite, key: &[u8]) -> Result<HeaderKey, ProtectionError> {
        let key = quic::HeaderProtectionKey::new(suite.header(), key);
        key.map(HeaderKey).map_err(|_| ProtectionError::Library)
    }

    /// The mask for this sample: one octet for the first of the header, four for the packet number.
    ///
    /// # Errors
    ///
    /// None with the suites that there are.
    pub fn mask(&self, sample: &[u8; SAMPLE_LENGTH]) -> Result<[u8; 5], ProtectionError> {
        self.0.new_mask(sample).map_err(|_| ProtectionError::Library)
    }

    /// Protects the header of a packet whose payload is encrypted; its packet number begins at `offset`.
    ///
    /// # Errors
    ///
    /// [`ProtectionError::TooShort`]: there are not the octets of a sample, four behind `offset`. The packet is as it
    /// was.
    pub fn protect(&self, packet: &mut [u8], offset: usize) -> Result<(), ProtectionError> {
        let [first_mask, mask @ ..] = self.mask_of(packet, offset)?;
        let Some(first) = packet.first_mut() else { return Ok(()) };
        let length = number_length(*first);
        *first ^= first_mask & protected_bits(*first);
        packet.iter_mut().skip(offset).take(length).zip(mask).for_each(|(octet, mask)| *octet ^= mask);
        Ok(())
    }

    /// Removes the protection from a header whose packet number begins at `offset`. Before the payload has been
    /// opened, nothing that it says is known to be true.
    ///
    /// # Errors
    ///
    /// As of [`protect`](HeaderKey::protect).
    pub fn unprotect(&self, packet: &mut [u8], offset: usize) -> Result<TruncatedNumber, ProtectionError> {
        let [first_mask, mask @ ..] = self.mask_of(packet, offset)?;
        let mut length = 0;
        if let Some(first) = packet.first_mut() {
            *first ^= first_mask & protected_bits(*first);
            length = number_length(*first);
        }
        let mut value = 0;
        for (octet, mask) in packet.iter_mut().skip(offset).take(length).zip(mask) {
            *octet ^= mask;
            value = value << 8 | u32::from(*octet);
        }
        Ok(TruncatedNumber { length, value })
    }

    fn mask_of(&self, packet: &[u8], offset: usize) -> Result<[u8; 5], ProtectionError> {
        let rest = packet.get(offset.saturating_add(MAX_NUMBER)..);
        // At offset 0 the first octet would be masked twice.
        match rest.and_then(|rest| rest.first_chunk()).filter(|_| offset > 0) {
            Some(sample) => self.mask(sample),
            None => {
                let needed = offset.max(1).saturating_add(MAX_NUMBER + SAMPLE_LENGTH);
                Err(ProtectionError::TooShort { length: packet.len(), needed })
            }
        }
    }
}

/// Octets of the packet number behind a first octet in the clear.
fn number_length(first: u8) -> usize {
    usize::from(first & 0x03) + 1
}

/// Four bits of a long header, five of a short one; which of the two it is stays in the clear.
fn protected_bits(first: u8) -> u8 {
    if first & 0x80 == 0 { 0x1f } else { 0x0f }
}

impl fmt::Debug for HeaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderKey").finish_non_exhaustive()
    }
}
