//! What is known of pushes (RFC 9114 §4.6).

use std::collections::{BTreeMap, HashMap};
use std::hash::RandomState;
use std::time::Instant;

use wirelace_quic_lite::StreamId as QuicStream;

use super::exchange::PUSH;
use crate::error::Error;
use crate::frame::{FrameType, Reader};

/// Promises that are remembered, to compare further ones with them.
const REMEMBERED: usize = 1024;

#[derive(Debug)]
pub(super) struct Pushes {
    /// The largest id that the server may use: what the client has said, or this client.
    pub(super) most: Option<u64>,
    /// The id of the next promise.
    pub(super) next: u64,
    /// Server: which push goes on a stream.
    pub(super) sent: HashMap<QuicStream, u64>,
    /// Client: ids that were promised or cancelled, and a hash of the promise.
    pub(super) promised: BTreeMap<u64, Option<u64>>,
    /// Client: ids below that were forgotten.
    forgotten: u64,
    /// Client: streams that came before their promise.
    pub(super) arrived: HashMap<u64, (QuicStream, Reader, Instant)>,
    /// Client: how many pushes are over.
    pub(super) over: u64,
    pub(super) hash: RandomState,
}

impl Pushes {
    pub(super) fn new() -> Pushes {
        Pushes {
            most: None,
            next: 0,
            sent: HashMap::new(),
            promised: BTreeMap::new(),
            forgotten: 0,
            arrived: HashMap::new(),
            over: 0,
            hash: RandomState::new(),
        }
    }

    /// Client: lets `at_once` pushes be under way; what MAX_PUSH_ID has to say, where it is time.
    pub(super) fn allow(&mut self, at_once: u64) -> Option<u64> {
        let most = (self.over + at_once).checked_sub(1)?;
        let due = self.most.is_none_or(|before| most >= before + at_once.div_ceil(2));
        due.then(|| *self.most.insert(most))
    }

    /// Server: MAX_PUSH_ID came; it never shrinks (RFC 9114 §7.2.7).
    pub(super) fn raise(&mut self, id: u64) -> Result<(), Error> {
        if self.most.is_some_and(|before| id < before) {
            return Err(Error::Id { frame: FrameType::MAX_PUSH_ID, id });
        }
        self.most = Some(id);
        Ok(())
    }

    pub(super) fn is_allowed(&self, id: u64) -> bool {
        self.most.is_some_and(|most| id <= most)
    }

    /// Server: the id was used.
    pub(super) fn was_promised(&self, id: u64) -> bool {
        id < self.next
    }

    /// Client: some streams wait for their promise.
    pub(super) fn waits(&self) -> bool {
        !self.arrived.is_empty()
    }

    /// The first id that no promise has had.
    pub(super) fn next_promised(&self) -> u64 {
        self.next
    }

    /// Server: the exchange that goes on that stream.
    pub(super) fn sent_on(&self, stream: QuicStream) -> Option<u64> {
        self.sent.get(&stream).map(|id| PUSH | id)
    }

    pub(super) fn remember(&mut self, id: u64, hash: Option<u64>) {
        self.next = self.next.max(id + 1);
        self.promised.insert(id, hash);
        while self.promised.len() > REMEMBERED
            && let Some((id, _)) = self.promised.pop_first()
        {
            self.forgotten = id + 1;
        }
    }

    pub(super) fn is_known(&self, id: u64) -> bool {
        id < self.forgotten || self.promised.contains_key(&id)
    }
}
