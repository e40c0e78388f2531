//! How many heartbeats of the base form are answered to one address.

use std::time::Instant;

use wirelace_wire::Budget;

/// A power of two. Addresses share a place by chance; together they get as many answers as the default of
/// [`ServerLimits::control`](crate::datagram::ServerLimits::control) allows, and more.
const PLACES: usize = 1024;

/// So many at once, and so many for each second.
const EACH: (u32, u32) = (16, 2);

/// In the base form the answer to a heartbeat looks like a heartbeat. A forged address can make two servers answer
/// each other's; that ends when one of them stops, and nobody sends again.
#[derive(Debug, Default)]
pub(super) struct Heartbeats {
    /// None before the first heartbeat.
    places: Vec<Budget>,
}

impl Heartbeats {
    /// Whether one from the address with this hash, which nobody else can know, is answered.
    pub(super) fn take(&mut self, now: Instant, hash: u64) -> bool {
        if self.places.is_empty() {
            self.places.resize(PLACES, Budget::new(EACH.0, EACH.1));
        }
        let place = hash as usize % PLACES;
        self.places.get_mut(place).is_some_and(|budget| budget.take(now, 1))
    }
}
