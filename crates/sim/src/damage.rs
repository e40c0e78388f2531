//! What happens to the octets of a datagram on a bad link.

use bytes::Bytes;

use crate::rng::Rng;

/// Bits of a datagram that are changed, at most: so many a CRC32C always notices in datagrams of any size.
const MOST_FLIPS: usize = 3;

/// One to three bits changed, all different. The datagram is not empty.
pub(crate) fn flip_bits(rng: &mut Rng, datagram: &[u8]) -> Bytes {
    let mut octets = datagram.to_vec();
    let mut flipped = [usize::MAX; MOST_FLIPS];
    for turn in 0..rng.within(1..=MOST_FLIPS) {
        let bit = rng.below(octets.len() * 8);
        if !flipped.contains(&bit) {
            flipped[turn] = bit;
            octets[bit / 8] ^= 1 << (bit % 8);
        }
    }
    octets.into()
}

/// At least one octet missing at the end, maybe all. The datagram is not empty.
pub(crate) fn truncate(rng: &mut Rng, datagram: &Bytes) -> Bytes {
    datagram.slice(..rng.below(datagram.len()))
}
