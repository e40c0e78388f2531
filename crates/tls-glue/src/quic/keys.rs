//! Keys of both directions, by level, and their update.

use super::error::ProtectionError;
use super::packet::PacketKey;
use super::secret::{DirectionalKeys, TrafficSecret};
use super::version::Version;

/// Which keys protect a packet (RFC 9001 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Keys that everyone can know.
    Initial,
    /// Early data, from the client only. There is no CRYPTO frame at this level.
    ZeroRtt,
    /// The rest of the handshake.
    Handshake,
    /// Everything after it.
    OneRtt,
}

/// An end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// It began the connection.
    Client,
    /// The other.
    Server,
}

/// The keys of one level.
#[derive(Debug)]
pub struct Keys {
    /// Of what this side sends.
    pub local: DirectionalKeys,
    /// Of what comes.
    pub remote: DirectionalKeys,
}

impl Keys {
    /// The keys of Initial packets (RFC 9001 §5.2): `connection_id` is the Destination Connection ID of the client's
    /// first packet, or of the first one after a Retry.
    ///
    /// # Errors
    ///
    /// None with the suites that there are.
    pub fn initial(version: Version, connection_id: &[u8], side: Side) -> Result<Keys, ProtectionError> {
        let (client, server) = TrafficSecret::initial(version, connection_id);
        Keys::new(version, &Pair::new(client, server, side))
    }

    pub(super) fn new(version: Version, secrets: &Pair) -> Result<Keys, ProtectionError> {
        Ok(Keys { local: secrets.local.keys(version)?, remote: secrets.remote.keys(version)? })
    }
}

/// The secrets of both directions.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) local: TrafficSecret,
    pub(super) remote: TrafficSecret,
}

impl Pair {
    pub(super) fn new(client: TrafficSecret, server: TrafficSecret, side: Side) -> Pair {
        match side {
            Side::Client => Pair { local: client, remote: server },
            Side::Server => Pair { local: server, remote: client },
        }
    }
}

/// The packet keys of a key phase.
#[derive(Debug)]
pub struct PacketKeys {
    /// Of what this side sends.
    pub local: PacketKey,
    /// Of what comes.
    pub remote: PacketKey,
}

/// Where the packet keys of the next key phases come from (RFC 9001 §6). Header keys stay as they are.
#[derive(Debug)]
pub struct KeyUpdates {
    version: Version,
    secrets: Pair,
}

impl KeyUpdates {
    /// `secrets` are those of the first phase.
    pub(super) fn new(version: Version, secrets: Pair) -> KeyUpdates {
        KeyUpdates { version, secrets }
    }

    /// The keys of the next phase: of the second at the first call. To make them before they are needed keeps the
    /// time that a packet takes from telling whether it brought an update (RFC 9001 §9.5).
    ///
    /// # Errors
    ///
    /// None with the suites that there are.
    pub fn next_keys(&mut self) -> Result<PacketKeys, ProtectionError> {
        let Pair { local, remote } = &self.secrets;
        let next = Pair { local: local.next(self.version), remote: remote.next(self.version) };
        let keys = PacketKeys {
            local: next.local.packet_key(self.version)?,
            remote: next.remote.packet_key(self.version)?,
        };
        self.secrets = next;
        Ok(keys)
    }
}
