//! Unpredictable octets out of one seed: connection ids, challenges, packet numbers to skip.

use core::fmt;

use ring::hmac;

/// A generator of unpredictable octets. Two with the same seed give the same, which is what simulations want: whoever
/// runs a real connection seeds each with random octets of its own.
pub(crate) struct Entropy {
    key: hmac::Key,
    counter: u64,
    block: [u8; 32],
    /// Octets of the block that were given out.
    used: usize,
}

impl Entropy {
    pub(crate) fn new(seed: &[u8; 32]) -> Entropy {
        Entropy { key: hmac::Key::new(hmac::HMAC_SHA256, seed), counter: 0, block: [0; 32], used: 32 }
    }

    pub(crate) fn fill(&mut self, out: &mut [u8]) {
        for octet in out {
            if self.used >= self.block.len() {
                self.counter += 1;
                let tag = hmac::sign(&self.key, &self.counter.to_be_bytes());
                self.block.iter_mut().zip(tag.as_ref()).for_each(|(octet, new)| *octet = *new);
                self.used = 0;
            }
            *octet = self.block.get_mut(self.used).map(core::mem::take).unwrap_or_default();
            self.used += 1;
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entropy").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let (mut one, mut same, mut other) =
            (Entropy::new(&[1; 32]), Entropy::new(&[1; 32]), Entropy::new(&[2; 32]));
        let first: [u8; 100] = one.array();
        assert_eq!(first, same.array::<100>());
        assert_ne!(first, other.array::<100>());
        assert_ne!(one.next_u64(), one.next_u64());
        // Cut in another way, it is the same.
        let mut parts = Entropy::new(&[1; 32]);
        let mut joined = [0; 100];
        joined.chunks_mut(7).for_each(|part| parts.fill(part));
        assert_eq!(first, joined);
    }
}
