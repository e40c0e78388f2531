//! What a session has to tell. Keys are made when they are told: until then the version may change.

use std::collections::VecDeque;

use bytes::Bytes;

use super::error::ProtectionError;
use super::handshake::QuicEvent;
use super::keys::{KeyUpdates, Keys, Level, Pair};
use super::secret::TrafficSecret;
use super::version::Version;
use crate::report::HandshakeReport;

pub(super) enum Pending {
    Crypto { level: Level, data: Bytes },
    EarlyKeys(TrafficSecret),
    HandshakeKeys(Pair),
    OneRttKeys(Pair),
    TransportParameters(Bytes),
    EarlyData { accepted: bool },
    Complete(Box<HandshakeReport>),
}

/// In order.
pub(super) struct Queue {
    waiting: VecDeque<Pending>,
    pub(super) version: Version,
    /// Keys of a version were told that is that of the handshake.
    settled: bool,
}

impl Queue {
    pub(super) fn new(version: Version) -> Queue {
        Queue { waiting: VecDeque::new(), version, settled: false }
    }

    pub(super) fn push(&mut self, pending: Pending) {
        self.waiting.push_back(pending);
    }

    /// False: it is too late.
    pub(super) fn set_version(&mut self, version: Version) -> bool {
        if self.settled && version != self.version {
            return false;
        }
        self.version = version;
        true
    }

    pub(super) fn pop(&mut self) -> Result<Option<QuicEvent>, ProtectionError> {
        let Some(pending) = self.waiting.pop_front() else {
            // A connection at rest keeps nothing.
            self.waiting = VecDeque::new();
            return Ok(None);
        };
        let version = self.version;
        Ok(Some(match pending {
            Pending::Crypto { level, data } => QuicEvent::Crypto { level, data },
            Pending::EarlyKeys(secret) => QuicEvent::EarlyKeys(Box::new(secret.keys(version)?)),
            Pending::HandshakeKeys(secrets) => {
                self.settled = true;
                QuicEvent::HandshakeKeys(Box::new(Keys::new(version, &secrets)?))
            }
            Pending::OneRttKeys(secrets) => QuicEvent::OneRttKeys {
                keys: Box::new(Keys::new(version, &secrets)?),
                updates: Box::new(KeyUpdates::new(version, secrets)),
            },
            Pending::TransportParameters(parameters) => QuicEvent::TransportParameters(parameters),
            Pending::EarlyData { accepted } => QuicEvent::EarlyData { accepted },
            Pending::Complete(report) => QuicEvent::Complete(report),
        }))
    }
}
