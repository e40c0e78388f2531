//! What both sides have in common.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use wirelace_http_semantics::{Fields, HttpMachine, SendError, StreamId};
use wirelace_http2::{Connection, Error, SettingsChange};

/// Sends `rest` as the machine has capacity, and no sooner.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) rest: Bytes,
    pub(crate) trailers: bool,
    pub(crate) ended: bool,
    pub(crate) blocked: bool,
}

impl Sender {
    pub(crate) fn new(rest: Bytes, trailers: bool) -> Sender {
        Sender { rest, trailers, ended: false, blocked: false }
    }
}

#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) machine: Connection,
    pub(crate) senders: BTreeMap<StreamId, Sender>,
    /// What came, for each stream.
    pub(crate) received: BTreeMap<StreamId, BytesMut>,
    /// Handed out and not yet given back.
    pub(crate) owed: BTreeMap<StreamId, usize>,
    pub(crate) piece: usize,
    pub(crate) share: usize,
    pub(crate) window_most: usize,
    pub(crate) error: Option<Error>,
    pub(crate) was_reset: bool,
    /// What must not have happened.
    pub(crate) faults: Vec<String>,
    /// Settings that are still to change, one in so many turns.
    pub(crate) changes: Vec<SettingsChange>,
    turns: usize,
}

impl Side {
    pub(crate) fn new(
        machine: Connection,
        piece: usize,
        share: usize,
        window_most: usize,
        changes: Vec<SettingsChange>,
    ) -> Side {
        Side {
            machine,
            senders: BTreeMap::new(),
            received: BTreeMap::new(),
            owed: BTreeMap::new(),
            piece,
            share,
            window_most,
            error: None,
            was_reset: false,
            faults: Vec::new(),
            changes,
            turns: 0,
        }
    }

    /// What is left to do.
    pub(crate) fn describe(&self) -> String {
        let senders = self.senders.iter().filter(|(_, sender)| !sender.ended);
        let senders: Vec<_> = senders
            .map(|(stream, sender)| {
                (stream.0, sender.rest.len(), sender.blocked, self.machine.capacity(*stream))
            })
            .collect();
        let received: Vec<_> = self.received.iter().map(|(stream, bytes)| (stream.0, bytes.len())).collect();
        format!(
            "sends {senders:?} received {received:?} owes {:?} {:?}",
            self.owed,
            self.machine.receive_window()
        )
    }

    pub(crate) fn take(&mut self, stream: StreamId, data: &Bytes) {
        let owed = self.owed.entry(stream).or_default();
        *owed += data.len();
        if *owed > self.window_most {
            self.faults.push(format!("{stream}: {owed} bytes, more than the window"));
        }
        self.received.entry(stream).or_default().extend_from_slice(data);
    }

    pub(crate) fn received(&self, stream: StreamId) -> &[u8] {
        self.received.get(&stream).map_or(&[], |bytes| &bytes[..])
    }

    /// The stream is over for this side; what it holds is given back late, when the machine has forgotten it.
    pub(crate) fn forget(&mut self, stream: StreamId) {
        self.senders.remove(&stream);
    }

    pub(crate) fn send(&mut self) -> bool {
        let mut moved = false;
        let piece = self.piece;
        for (&stream, sender) in &mut self.senders {
            if sender.ended || sender.blocked {
                continue;
            }
            let capacity = self.machine.capacity(stream);
            if capacity == 0 && !sender.rest.is_empty() {
                sender.blocked = true;
                continue;
            }
            let len = sender.rest.len().min(capacity).min(piece);
            let data = sender.rest.split_to(len);
            let last = sender.rest.is_empty();
            sender.ended = last;
            moved = true;
            let sent = self.machine.send_data(stream, data, last && !sender.trailers);
            let sent = match sent {
                Ok(()) if last && sender.trailers => {
                    let mut fields = Fields::new();
                    fields.push("x-check", "end").expect("valid");
                    self.machine.send_trailers(stream, fields)
                }
                sent => sent,
            };
            match sent {
                Ok(()) => {}
                // The other side has reset it, and the event is on its way.
                Err(SendError::Closed) => sender.ended = true,
                Err(error) => self.faults.push(format!("{stream}: {error}")),
            }
        }
        moved
    }

    pub(crate) fn change_settings(&mut self, now: Instant) -> bool {
        self.turns += 1;
        if !self.turns.is_multiple_of(7) {
            return false;
        }
        let Some(change) = self.changes.pop() else { return false };
        self.machine.change_settings(change, now);
        true
    }

    pub(crate) fn give_back(&mut self) -> bool {
        let mut moved = false;
        for (&stream, owed) in &mut self.owed {
            let some = owed.div_ceil(self.share);
            if some > 0 {
                self.machine.consumed(stream, some);
                *owed -= some;
                moved = true;
            }
        }
        moved
    }
}
