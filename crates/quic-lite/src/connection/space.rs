//! What each packet number space has (RFC 9000 §12.3).

use bytes::Bytes;

use crate::connection::acks::Acks;
use crate::error::TransportError;
use crate::streams::{Assembler, SendBuffer};

/// Octets of a CRYPTO stream that wait for those in front of them, at most (CVE-2024-1765).
const CRYPTO: usize = 32 * 1024;

/// One packet number space.
#[derive(Debug)]
pub(crate) struct SpaceState {
    pub(crate) acks: Acks,
    pub(crate) crypto_in: Assembler,
    pub(crate) crypto_out: SendBuffer,
    /// Packets that must go whatever the window says (RFC 9002 §6.2.4).
    pub(crate) probes: u8,
    /// A PING has to go.
    pub(crate) ping: bool,
}

impl SpaceState {
    pub(crate) fn new() -> SpaceState {
        SpaceState {
            acks: Acks::new(),
            crypto_in: Assembler::new(CRYPTO),
            crypto_out: SendBuffer::new(),
            probes: 0,
            ping: false,
        }
    }

    /// Octets of a CRYPTO frame.
    pub(crate) fn on_crypto(&mut self, offset: u64, data: Bytes) -> Result<(), TransportError> {
        self.crypto_in.insert(offset, data).map_err(|_| TransportError::crypto_buffer())
    }

    pub(crate) fn wants_crypto(&self) -> bool {
        self.crypto_out.wants_to_send()
    }
}
