//! Where datagrams are read into.

/// Octets of the largest datagram that UDP carries.
const LARGEST: usize = 65_507;

/// Takes one octet more than a datagram may have, so that a longer one is seen to be that.
pub(super) fn buffer(limit: usize) -> Box<[u8]> {
    // The machines take no smaller limit than 64 octets.
    vec![0; limit.clamp(64, LARGEST) + 1].into_boxed_slice()
}
