//! A map by exchange.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use wirelace_wire_codec::session::ExchangeId;

/// What is kept of each exchange under way.
pub(super) type IdMap<T> = HashMap<ExchangeId, T, BuildHasherDefault<IdHasher>>;

/// Numbers that increase need no mixing but that of their low bits. A peer that leaves numbers out to make them
/// collide has its few exchanges compared one by one, which their limit bounds.
#[derive(Debug, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.write_u64(u64::from(*octet));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}
