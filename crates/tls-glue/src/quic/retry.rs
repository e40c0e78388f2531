//! The tag of Retry packets (RFC 9001 §5.8): it shows that their sender has seen the client's Initial packet.

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::error::ProtectionError;
use super::packet::TAG_LENGTH;
use super::same::same;
use super::version::Version;

/// Octets of a connection id, at most (RFC 9000 §17.2).
pub(super) const MAX_CONNECTION_ID: usize = 20;

/// The tag for a Retry packet: `packet` is all of it in front of the tag, `original` the Destination Connection ID of
/// the Initial packet that it answers.
///
/// # Errors
///
/// [`ProtectionError::ConnectionId`]: `original` is too long.
pub fn retry_tag(
    version: Version,
    original: &[u8],
    packet: &[u8],
) -> Result<[u8; TAG_LENGTH], ProtectionError> {
    let length = u8::try_from(original.len()).ok().filter(|length| usize::from(*length) <= MAX_CONNECTION_ID);
    let length = length.ok_or(ProtectionError::ConnectionId(original.len()))?;
    let (key, nonce) = version.retry();
    let key = UnboundKey::new(&AES_128_GCM, key).map_err(|_| ProtectionError::Library)?;
    let pseudo = [&[length], original, packet].concat();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let tag = LessSafeKey::new(key).seal_in_place_separate_tag(nonce, Aad::from(pseudo), &mut []);
    tag.ok().and_then(|tag| tag.as_ref().try_into().ok()).ok_or(ProtectionError::Library)
}

/// Whether a Retry packet, its tag at the end, answers the Initial packet with this Destination Connection ID. One
/// that does not is dropped.
///
/// # Errors
///
/// As of [`retry_tag`].
pub fn is_retry_valid(version: Version, original: &[u8], packet: &[u8]) -> Result<bool, ProtectionError> {
    let Some((packet, tag)) = packet.split_last_chunk::<TAG_LENGTH>() else { return Ok(false) };
    Ok(same(&retry_tag(version, original, packet)?, tag))
}
