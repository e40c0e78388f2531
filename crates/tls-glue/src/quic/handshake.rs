//! What a QUIC connection needs of TLS, whoever does it (RFC 9001 §4.1).

use std::time::Instant;

use bytes::Bytes;

use super::error::CryptoError;
use super::keys::{KeyUpdates, Keys, Level};
use super::secret::DirectionalKeys;
use super::version::Version;
use crate::error::TlsError;
use crate::report::HandshakeReport;

/// What a handshake tells the connection, in the order in which it matters: octets that come behind keys may belong to
/// the level of these keys, and what is said before them is true when they come.
#[non_exhaustive]
#[derive(Debug)]
pub enum QuicEvent {
    /// Octets for the CRYPTO frames of this level, behind all that were for this level before.
    Crypto {
        /// Initial, Handshake or 1-RTT.
        level: Level,
        /// At least one octet.
        data: Bytes,
    },
    /// Client: early data may be sent with these keys. Server: it is taken, and can be opened with them.
    EarlyKeys(Box<DirectionalKeys>),
    /// The keys of the Handshake level.
    HandshakeKeys(Box<Keys>),
    /// The keys of the 1-RTT level. A server has them before it knows that the client is there: it may send with them
    /// at once, and must not open packets with them before the handshake is complete (RFC 9001 §5.7).
    OneRttKeys {
        /// The first ones.
        keys: Box<Keys>,
        /// And the next.
        updates: Box<KeyUpdates>,
    },
    /// The peer's transport parameters as they stand in its extension (RFC 9000 §18). At a server, nobody has vouched
    /// for them before the handshake is complete.
    TransportParameters(Bytes),
    /// Client: whether the server has taken the early data. What was sent in vain may be sent again.
    EarlyData {
        /// It has.
        accepted: bool,
    },
    /// The handshake is complete (RFC 9001 §4.1.1). The octets of early data are not known here, and 0 in the report.
    Complete(Box<HandshakeReport>),
}

/// A handshake of either side, without I/O: CRYPTO octets in and out, and the keys that come of it.
///
/// A connection calls [`read_crypto`](QuicHandshake::read_crypto) with what CRYPTO frames bring, in order, and after
/// that, and at the beginning, [`poll_event`](QuicHandshake::poll_event) until there is nothing more.
pub trait QuicHandshake {
    /// Takes the next octets of a level's CRYPTO stream, as many as there are.
    ///
    /// # Errors
    ///
    /// The connection is over: [`CryptoError::code`] goes to the peer.
    fn read_crypto(&mut self, now: Instant, level: Level, data: &[u8]) -> Result<(), CryptoError>;

    /// The next that the connection has to know, to send, or to install.
    ///
    /// # Errors
    ///
    /// The connection is over, and all that came before has been told.
    fn poll_event(&mut self) -> Result<Option<QuicEvent>, CryptoError>;

    /// The level whose octets are expected: the CRYPTO frames of lower ones can only repeat what there was.
    fn expected_level(&self) -> Level;

    /// The handshake is not complete.
    fn is_handshaking(&self) -> bool;

    /// The connection goes on with another version (RFC 9368): a client's, because the server has answered with it. Possible until the keys of the Handshake level have
    /// been told: keys from then on are of this version.
    ///
    /// # Errors
    ///
    /// It is too late.
    fn set_version(&mut self, version: Version) -> Result<(), TlsError>;

    /// The version that keys are made for.
    fn version(&self) -> Version;

    /// Server, before anything was read: takes no early data on this connection, whatever its configuration says.
    fn reject_early_data(&mut self);

    /// Client that may send early data: the transport parameters that the server had when the session was made, and
    /// that limit this data (RFC 9000 §7.4.1).
    fn remembered_parameters(&self) -> Option<&Bytes>;

    /// The peer's transport parameters, once they are known.
    fn transport_parameters(&self) -> Option<&Bytes>;

    /// What the handshake agreed on; `None` before it is complete.
    fn report(&self) -> Option<&HandshakeReport>;

    /// Fills `output` with octets that both sides have and nobody else (RFC 8446 §7.5).
    ///
    /// # Errors
    ///
    /// The handshake is not complete, or `output` is empty or too long.
    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), TlsError>;
}
