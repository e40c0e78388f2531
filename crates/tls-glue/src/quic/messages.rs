//! Handshake messages out of a CRYPTO stream (RFC 8446 §4), whole ones only: rustls then sees at most one level at a
//! time, and what is incomplete costs no more than its octets.

use super::keys::Level;
use crate::error::{RecordRule, TlsError};

/// Octets of a message's type and length.
pub(super) const HEAD: usize = 4;
/// Octets of a message, at most: chains of certificates are the longest.
pub(super) const MAX_MESSAGE: usize = 0xffff;
/// Octets that a handshake takes, at most.
pub(super) const MAX_HANDSHAKE: usize = 128 * 1024;
/// Octets of session tickets that a connection takes, at most.
pub(super) const MAX_AFTER: usize = 1024 * 1024;

/// What has come and is not taken yet.
#[derive(Default)]
pub(super) struct Messages {
    waiting: Vec<u8>,
    /// So many octets of it are done with.
    taken: usize,
    handshake: usize,
    after: usize,
}

impl Messages {
    pub(super) fn append(&mut self, level: Level, data: &[u8]) -> Result<(), TlsError> {
        let (received, limit) = match level {
            Level::OneRtt => (&mut self.after, MAX_AFTER),
            _ => (&mut self.handshake, MAX_HANDSHAKE),
        };
        *received = received.saturating_add(data.len());
        if *received > limit {
            return Err(TlsError::HandshakeTooLong(limit));
        }
        self.waiting.drain(..std::mem::take(&mut self.taken).min(self.waiting.len()));
        self.waiting.extend_from_slice(data);
        Ok(())
    }

    /// The first message, when it is complete.
    pub(super) fn first(&self) -> Result<Option<&[u8]>, TlsError> {
        let waiting = self.waiting.get(self.taken..).unwrap_or_default();
        let Some([_, high, middle, low]) = waiting.first_chunk::<HEAD>() else { return Ok(None) };
        let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
        if length > MAX_MESSAGE {
            return Err(TlsError::Record(RecordRule::MessageTooLong { length, limit: MAX_MESSAGE }));
        }
        Ok(waiting.get(..HEAD + length))
    }

    /// The first so many octets are taken.
    pub(super) fn done(&mut self, octets: usize) {
        self.taken += octets;
        if self.taken >= self.waiting.len() {
            (self.waiting, self.taken) = (Vec::new(), 0);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
