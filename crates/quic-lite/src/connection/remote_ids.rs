//! The connection ids that the peer has given (RFC 9000 §5.1, §19.15).

use wirelace_tls_glue::quic::ResetToken;

use crate::connection_id::ConnectionId;
use crate::error::{TransportError, TransportErrorCode};

/// Retirements that wait for their acknowledgement, in multiples of the ids that are kept: whoever makes more wants
/// memory (CVE-2024-22189).
const RETIRING: usize = 4;

#[derive(Debug, Clone)]
struct Given {
    sequence: u64,
    id: ConnectionId,
    token: Option<ResetToken>,
}

#[derive(Debug, Clone, Copy)]
struct Retiring {
    sequence: u64,
    /// RETIRE_CONNECTION_ID has to go.
    announce: bool,
}

#[derive(Debug)]
pub(crate) struct RemoteIds {
    /// That packets are sent to.
    active: Given,
    spare: Vec<Given>,
    retiring: Vec<Retiring>,
    /// All below are gone.
    retire_prior_to: u64,
    limit: usize,
}

fn error(code: TransportErrorCode, reason: &'static str) -> TransportError {
    TransportError::new(code, reason)
}

impl RemoteIds {
    /// `limit`: what this side has said that it keeps.
    pub(crate) fn new(first: ConnectionId, limit: u64) -> RemoteIds {
        RemoteIds {
            active: Given { sequence: 0, id: first, token: None },
            spare: Vec::new(),
            retiring: Vec::new(),
            retire_prior_to: 0,
            limit: usize::try_from(limit).unwrap_or(usize::MAX).max(2),
        }
    }

    pub(crate) fn active(&self) -> ConnectionId {
        self.active.id
    }

    /// What the server chose in its first packet, or with Retry.
    pub(crate) fn set_first(&mut self, id: ConnectionId) {
        self.active.id = id;
    }

    /// Of the transport parameters.
    pub(crate) fn set_first_token(&mut self, token: ResetToken) {
        self.active.token = Some(token);
    }

    /// A datagram that cannot be opened says that the peer has forgotten the connection (§10.3.1): only an id that is
    /// used counts. Compares in constant time.
    pub(crate) fn is_reset(&self, datagram: &[u8]) -> bool {
        self.token().is_some_and(|token| token.ends(datagram))
    }

    /// Of the id in use.
    pub(crate) fn token(&self) -> Option<&ResetToken> {
        self.active.token.as_ref()
    }

    /// NEW_CONNECTION_ID; the frame itself is valid.
    pub(crate) fn on_new(
        &mut self,
        sequence: u64,
        retire_prior_to: u64,
        id: ConnectionId,
        token: ResetToken,
    ) -> Result<(), TransportError> {
        use TransportErrorCode as Code;
        if self.active.id.as_slice().is_empty() {
            return Err(error(
                Code::PROTOCOL_VIOLATION,
                "NEW_CONNECTION_ID of a peer whose connection ids are empty (RFC 9000 §19.15)",
            ));
        }
        for given in core::iter::once(&self.active).chain(&self.spare) {
            let (same_number, same_id) = (given.sequence == sequence, given.id == id);
            if same_number != same_id
                || same_number && given.token.as_ref().is_some_and(|known| *known != token)
            {
                return Err(error(
                    Code::PROTOCOL_VIOLATION,
                    "NEW_CONNECTION_ID says something else about an id or a number than before (RFC 9000 §19.15)",
                ));
            }
            if same_number {
                return Ok(()); // Again.
            }
        }
        // Ids are used in order: below the one in use there are only those that were given up, and came once more.
        if sequence < self.retire_prior_to || sequence < self.active.sequence {
            return self.retire(sequence);
        }
        self.spare.push(Given { sequence, id, token: Some(token) });
        if retire_prior_to > self.retire_prior_to {
            self.retire_prior_to = retire_prior_to;
            let gone: Vec<u64> = self
                .spare
                .iter()
                .map(|given| given.sequence)
                .filter(|sequence| *sequence < retire_prior_to)
                .collect();
            self.spare.retain(|given| given.sequence >= retire_prior_to);
            for sequence in gone {
                self.retire(sequence)?;
            }
            if self.active.sequence < retire_prior_to {
                self.switch()?;
            }
        }
        if self.spare.len() + 1 > self.limit {
            return Err(error(
                Code::CONNECTION_ID_LIMIT_ERROR,
                "more connection ids than active_connection_id_limit (RFC 9000 §5.1.1)",
            ));
        }
        Ok(())
    }

    /// Goes on with another id, and retires the one before: false where there is none.
    pub(crate) fn switch(&mut self) -> Result<bool, TransportError> {
        let next = self.spare.iter().enumerate().min_by_key(|(_, given)| given.sequence).map(|(at, _)| at);
        let Some(next) = next else { return Ok(false) };
        let before = core::mem::replace(&mut self.active, self.spare.swap_remove(next));
        self.retire(before.sequence)?;
        Ok(true)
    }

    fn retire(&mut self, sequence: u64) -> Result<(), TransportError> {
        if self.retiring.iter().any(|retiring| retiring.sequence == sequence) {
            return Ok(());
        }
        if self.retiring.len() >= self.limit.saturating_mul(RETIRING) {
            return Err(error(
                TransportErrorCode::CONNECTION_ID_LIMIT_ERROR,
                "more connection ids were retired than are acknowledged (RFC 9000 §5.1.2)",
            ));
        }
        self.retiring.push(Retiring { sequence, announce: true });
        Ok(())
    }

    pub(crate) fn to_announce(&self) -> Option<u64> {
        self.retiring.iter().find(|retiring| retiring.announce).map(|retiring| retiring.sequence)
    }

    pub(crate) fn announced(&mut self, sequence: u64) {
        self.mark(sequence, false);
    }

    pub(crate) fn lost(&mut self, sequence: u64) {
        self.mark(sequence, true);
    }

    fn mark(&mut self, sequence: u64, announce: bool) {
        if let Some(retiring) = self.retiring.iter_mut().find(|retiring| retiring.sequence == sequence) {
            retiring.announce = announce;
        }
    }

    pub(crate) fn acknowledged(&mut self, sequence: u64) {
        self.retiring.retain(|retiring| retiring.sequence != sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(octet: u8) -> ConnectionId {
        ConnectionId::new(&[octet; 8]).unwrap()
    }

    fn token(octet: u8) -> ResetToken {
        ResetToken::new([octet; 16])
    }

    fn ids() -> RemoteIds {
        RemoteIds::new(id(0), 4)
    }

    fn code(result: Result<(), TransportError>) -> TransportErrorCode {
        result.unwrap_err().code
    }

    #[test]
    fn repeated_frames_change_nothing_and_contradictions_are_errors() {
        let mut ids = ids();
        ids.on_new(1, 0, id(1), token(1)).unwrap();
        ids.on_new(1, 0, id(1), token(1)).unwrap();
        assert_eq!(ids.spare.len(), 1);
        for (sequence, of, with) in [(1, 2, 1), (2, 1, 1), (1, 1, 2), (0, 1, 1)] {
            assert_eq!(
                code(ids.on_new(sequence, 0, id(of), token(with))),
                TransportErrorCode::PROTOCOL_VIOLATION
            );
        }
    }

    #[test]
    fn more_than_the_limit() {
        let mut ids = ids();
        for number in 1..4 {
            ids.on_new(number.into(), 0, id(number), token(number)).unwrap();
        }
        assert_eq!(code(ids.on_new(4, 0, id(4), token(4))), TransportErrorCode::CONNECTION_ID_LIMIT_ERROR);
    }

    #[test]
    fn stuffing_ends_the_connection() {
        let mut ids = ids();
        for number in 1..=255 {
            if let Err(error) = ids.on_new(number.into(), number.into(), id(number), token(number)) {
                assert_eq!(error.code, TransportErrorCode::CONNECTION_ID_LIMIT_ERROR);
                assert_eq!((ids.retiring.len(), number), (16, 17));
                return;
            }
            // The frames go, and are never acknowledged.
            while let Some(sequence) = ids.to_announce() {
                ids.announced(sequence);
            }
        }
        panic!("no limit");
    }

    #[test]
    fn what_is_retired_is_announced_until_it_is_acknowledged() {
        let mut ids = ids();
        ids.on_new(1, 0, id(1), token(1)).unwrap();
        ids.on_new(2, 2, id(2), token(2)).unwrap();
        assert_eq!(ids.active(), id(2));
        let mut told = Vec::new();
        while let Some(sequence) = ids.to_announce() {
            told.push(sequence);
            ids.announced(sequence);
        }
        told.sort_unstable();
        assert_eq!(told, [0, 1]);
        ids.lost(1);
        assert_eq!(ids.to_announce(), Some(1));
        ids.acknowledged(1);
        ids.acknowledged(0);
        ids.lost(1);
        assert_eq!(ids.to_announce(), None);
        // One that comes late is retired at once.
        ids.on_new(1, 0, id(1), token(1)).unwrap();
        assert_eq!((ids.to_announce(), ids.active()), (Some(1), id(2)));
    }

    #[test]
    fn resets_are_known_by_the_token_of_the_id_in_use() {
        let mut ids = ids();
        ids.on_new(1, 0, id(1), token(1)).unwrap();
        let datagram = [&[0x40; 30][..], &[1; 16]].concat();
        ids.set_first_token(token(9));
        assert!(ids.is_reset(&[9; 40]) && !ids.is_reset(&datagram) && !ids.is_reset(&[0x40; 46]));
        assert!(ids.switch().unwrap());
        assert!(ids.is_reset(&datagram) && !ids.is_reset(&[9; 40]));
    }
}
