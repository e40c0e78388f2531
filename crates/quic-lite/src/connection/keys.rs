//! The keys of a connection, level by level, and their update (RFC 9001 §4.9, §6).

use std::time::{Duration, Instant};

use wirelace_tls_glue::quic::{
    DirectionalKeys, Forgeries, HeaderKey, KeyUpdates, Keys, PacketKey, PacketKeys, ProtectionError,
};

use crate::error::{TransportError, TransportErrorCode};

/// Packets that a key may still protect when it is replaced in time.
const RENEW_BEFORE: u64 = 1 << 16;

/// Keys of 1-RTT packets.
#[derive(Debug)]
pub(crate) struct OneRtt {
    pub(crate) local_header: HeaderKey,
    pub(crate) remote_header: HeaderKey,
    pub(crate) local: PacketKey,
    remote: PacketKey,
    /// Made before they are needed: how long a packet takes must not tell whether it brings an update (§9.5).
    next: PacketKeys,
    updates: Box<KeyUpdates>,
    /// Of the phase before, for packets that come late, until then.
    previous: Option<(PacketKey, Option<Instant>)>,
    phase: bool,
    /// The first number that came in this phase.
    first_received: Option<u64>,
    /// The first number that went in this phase.
    first_sent: Option<u64>,
    /// The peer has acknowledged something of this phase: another update may follow.
    confirmed: bool,
    pub(crate) count: u64,
}

/// Which key opens a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Current,
    Previous,
    Next,
}

impl OneRtt {
    fn new(keys: Keys, mut updates: Box<KeyUpdates>) -> Result<OneRtt, ProtectionError> {
        let next = updates.next_keys()?;
        let Keys { local, remote } = keys;
        Ok(OneRtt {
            local_header: local.header,
            remote_header: remote.header,
            local: local.packet,
            remote: remote.packet,
            next,
            updates,
            previous: None,
            phase: false,
            first_received: None,
            first_sent: None,
            confirmed: false,
            count: 0,
        })
    }

    pub(crate) fn phase(&self) -> bool {
        self.phase
    }

    /// The key for a packet of this phase bit and number.
    pub(crate) fn which(&self, phase: bool, number: u64) -> Which {
        if phase == self.phase {
            Which::Current
        } else if self.first_received.is_none_or(|first| number < first) && self.previous.is_some() {
            Which::Previous
        } else {
            Which::Next
        }
    }

    pub(crate) fn remote(&self, which: Which) -> &PacketKey {
        match which {
            Which::Current => &self.remote,
            Which::Previous => self.previous.as_ref().map_or(&self.remote, |(key, _)| key),
            Which::Next => &self.next.remote,
        }
    }

    /// A packet was opened with that key. `forget_after`: how long packets of the phase before may still come.
    pub(crate) fn opened(
        &mut self,
        which: Which,
        number: u64,
        now: Instant,
        forget_after: Duration,
    ) -> Result<(), TransportError> {
        match which {
            Which::Current => {
                let first = self.first_received.get_or_insert(number);
                *first = number.min(*first);
                if let Some((_, until @ None)) = &mut self.previous {
                    *until = Some(now + forget_after);
                }
            }
            Which::Previous => {}
            Which::Next => {
                // The peer may update once this side has acknowledged a packet of the phase, no sooner (§6.2).
                if self.count > 0 && (self.first_received.is_none() || self.first_sent.is_none()) {
                    return Err(TransportError::new(
                        TransportErrorCode::KEY_UPDATE_ERROR,
                        "the keys are updated twice without an acknowledgement between (RFC 9001 §6.2)",
                    ));
                }
                self.advance()?;
                self.first_received = Some(number);
                if let Some((_, until)) = &mut self.previous {
                    *until = Some(now + forget_after);
                }
            }
        }
        Ok(())
    }

    /// Goes on to the next phase, for both directions.
    fn advance(&mut self) -> Result<(), ProtectionError> {
        let after = self.updates.next_keys()?;
        let next = core::mem::replace(&mut self.next, after);
        self.local = next.local;
        self.previous = Some((core::mem::replace(&mut self.remote, next.remote), None));
        self.phase = !self.phase;
        self.first_received = None;
        self.first_sent = None;
        self.confirmed = false;
        self.count += 1;
        Ok(())
    }

    /// Whether this side may begin an update (§6.1), where the handshake is confirmed.
    pub(crate) fn may_update(&self) -> bool {
        self.confirmed && self.previous.is_none()
    }

    pub(crate) fn wants_update(&self) -> bool {
        self.local.remaining() < RENEW_BEFORE && self.may_update()
    }

    pub(crate) fn update(&mut self) -> Result<(), ProtectionError> {
        self.advance()
    }

    pub(crate) fn sent(&mut self, number: u64) {
        self.first_sent.get_or_insert(number);
    }

    pub(crate) fn acknowledged(&mut self, number: u64) {
        self.confirmed |= self.first_sent.is_some_and(|first| number >= first);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.previous.as_ref()?.1
    }

    pub(crate) fn on_deadline(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.previous = None;
        }
    }
}

/// What there is of keys now.
#[derive(Debug)]
pub(crate) struct KeyRing {
    pub(crate) initial: Option<Box<Keys>>,
    pub(crate) handshake: Option<Box<Keys>>,
    /// Client: for what it sends; server: for what comes.
    pub(crate) early: Option<Box<DirectionalKeys>>,
    pub(crate) one_rtt: Option<Box<OneRtt>>,
    /// Packets of 1-RTT may be opened: at a server, not before the handshake is complete (§5.7).
    pub(crate) may_open: bool,
    pub(crate) forgeries: Forgeries,
}

impl KeyRing {
    pub(crate) fn new(initial: Keys) -> KeyRing {
        KeyRing {
            initial: Some(Box::new(initial)),
            handshake: None,
            early: None,
            one_rtt: None,
            may_open: false,
            forgeries: Forgeries::default(),
        }
    }

    /// How many kinds of packets can be opened.
    pub(crate) fn count(&self) -> usize {
        // Keys of 1-RTT take the place of others, which may be gone by then.
        let one_rtt = self.one_rtt.is_some();
        let (handshake, early) = (self.handshake.is_some() || one_rtt, self.early.is_some() || one_rtt);
        let open = [handshake, early, one_rtt, self.may_open];
        open.into_iter().filter(|open| *open).count()
    }

    pub(crate) fn set_one_rtt(
        &mut self,
        keys: Keys,
        updates: Box<KeyUpdates>,
    ) -> Result<(), ProtectionError> {
        self.one_rtt = Some(Box::new(OneRtt::new(keys, updates)?));
        Ok(())
    }
}
