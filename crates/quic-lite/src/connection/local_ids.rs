//! The connection ids that this side has given out (RFC 9000 §5.1).

use wirelace_tls_glue::quic::{ResetKey, ResetToken};

use crate::connection_id::ConnectionId;
use crate::entropy::Entropy;
use crate::error::{TransportError, TransportErrorCode};

/// Ids that the peer may have of us at once, however many it would keep.
const MOST: usize = 4;

/// What the endpoint has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdChange {
    /// Datagrams to this id are the connection's.
    Issued(ConnectionId),
    /// They are no more.
    Retired(ConnectionId),
}

#[derive(Debug, Clone, Copy)]
struct Issued {
    sequence: u64,
    id: ConnectionId,
    /// A NEW_CONNECTION_ID frame for it has to go.
    announce: bool,
    /// The peer may know of it.
    told: bool,
}

#[derive(Debug)]
pub(crate) struct LocalIds {
    issued: Vec<Issued>,
    next_sequence: u64,
    length: usize,
    peer_keeps: usize,
    changes: Vec<IdChange>,
}

impl LocalIds {
    /// `first` is the id of the handshake's packets; all have its length.
    pub(crate) fn new(first: ConnectionId) -> LocalIds {
        LocalIds {
            issued: vec![Issued { sequence: 0, id: first, announce: false, told: true }],
            next_sequence: 1,
            length: first.as_slice().len(),
            peer_keeps: 2,
            changes: Vec::new(),
        }
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn first(&self) -> Option<ConnectionId> {
        self.issued.first().map(|issued| issued.id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.issued.iter().map(|issued| issued.id)
    }

    /// The peer's `active_connection_id_limit`.
    pub(crate) fn set_peer_limit(&mut self, limit: u64) {
        self.peer_keeps = usize::try_from(limit).unwrap_or(MOST).clamp(2, MOST);
    }

    /// Makes as many ids as the peer keeps. Without ids (length 0) there is nothing to give.
    pub(crate) fn fill(&mut self, entropy: &mut Entropy) {
        while self.length > 0 && self.issued.len() < self.peer_keeps {
            let mut octets = [0; 20];
            let Some(octets) = octets.get_mut(..self.length) else { return };
            entropy.fill(octets);
            let Some(id) = ConnectionId::new(octets) else { return };
            self.issued.push(Issued { sequence: self.next_sequence, id, announce: true, told: false });
            self.next_sequence += 1;
            self.changes.push(IdChange::Issued(id));
        }
    }

    /// RETIRE_CONNECTION_ID; `used`: the id of the packet that brought it.
    pub(crate) fn on_retire(&mut self, sequence: u64, used: &ConnectionId) -> Result<(), TransportError> {
        if sequence >= self.next_sequence {
            return Err(TransportError::new(
                TransportErrorCode::PROTOCOL_VIOLATION,
                "a connection id that was never given is retired (RFC 9000 §19.16)",
            ));
        }
        let Some(at) = self.issued.iter().position(|issued| issued.sequence == sequence) else {
            return Ok(()); // Again.
        };
        // Else a peer that guesses numbers would make ids without an end, in a single packet.
        if self.issued.get(at).is_some_and(|issued| !issued.told) {
            return Err(TransportError::new(
                TransportErrorCode::PROTOCOL_VIOLATION,
                "a connection id that was never given is retired (RFC 9000 §19.16)",
            ));
        }
        if self.issued.get(at).is_some_and(|issued| issued.id == *used) {
            return Err(TransportError::new(
                TransportErrorCode::PROTOCOL_VIOLATION,
                "the connection id of the packet itself is retired (RFC 9000 §19.16)",
            ));
        }
        let issued = self.issued.remove(at);
        self.changes.push(IdChange::Retired(issued.id));
        Ok(())
    }

    /// The next that has to be announced.
    pub(crate) fn to_announce(&self) -> Option<(u64, ConnectionId)> {
        self.issued.iter().find(|issued| issued.announce).map(|issued| (issued.sequence, issued.id))
    }

    pub(crate) fn announced(&mut self, sequence: u64) {
        self.mark(sequence, false);
    }

    /// The frame was lost.
    pub(crate) fn lost(&mut self, sequence: u64) {
        self.mark(sequence, true);
    }

    fn mark(&mut self, sequence: u64, announce: bool) {
        if let Some(issued) = self.issued.iter_mut().find(|issued| issued.sequence == sequence) {
            issued.announce = announce;
            issued.told = true;
        }
    }

    pub(crate) fn take_change(&mut self) -> Option<IdChange> {
        if self.changes.is_empty() { None } else { Some(self.changes.remove(0)) }
    }
}

/// The token of an id: of the endpoint's key, so that it is known when the connection is forgotten.
pub(crate) fn reset_token(key: &ResetKey, id: &ConnectionId) -> ResetToken {
    key.token(id.as_slice())
}
