//! Payloads that come and go in parts.

use bytes::{Bytes, BytesMut};
use wirelace_wire_codec::session::{ExchangeId, Options, SendError, Session};

use crate::DriverOptions;

/// The parts of a payload until it is complete. One part is kept as it came.
#[derive(Debug, Default)]
pub(super) struct Collected {
    first: Bytes,
    all: BytesMut,
}

impl Collected {
    pub(super) fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    pub(super) fn push(&mut self, part: Bytes) {
        if self.len() == 0 {
            self.first = part;
            return;
        }
        if !self.first.is_empty() {
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&part);
    }

    pub(super) fn finish(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

/// Sends on what is left of a payload, as far as there is capacity; true when all of it is out, or nobody wants it.
pub(super) fn go_on(session: &mut Session, id: ExchangeId, rest: &mut Bytes) -> bool {
    while !rest.is_empty() {
        let capacity = session.capacity(id);
        if capacity == 0 {
            return false;
        }
        let part = rest.split_to(rest.len().min(capacity));
        match session.send_data(id, part, rest.is_empty()) {
            Ok(()) => {}
            Err(SendError::Full) => return false,
            Err(_) => return true,
        }
    }
    true
}

/// The driver must hold the largest frame.
pub(super) fn driver_options(session: &Options) -> DriverOptions {
    let mut driver = DriverOptions::default();
    driver.max_input = driver.max_input.max(session.limits.frame.saturating_add(1024));
    driver
}
