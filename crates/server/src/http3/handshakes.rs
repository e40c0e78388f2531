//! How many handshakes are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts handshakes: those that hold a [`Handshake`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Handshakes(Arc<AtomicUsize>);

/// A handshake that is under way until this is dropped.
#[derive(Debug)]
pub(crate) struct Handshake(Handshakes);

impl Handshakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn begin(&self) -> Handshake {
        self.0.fetch_add(1, Ordering::Relaxed);
        Handshake(self.clone())
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
