//! Connection ids (RFC 9000 §5.1).

use core::fmt;

/// Octets of a connection id of the versions that there are, at most (RFC 9000 §17.2).
pub const MAX_CONNECTION_ID: usize = 20;

/// A connection id: 0 to 20 octets that one side has chosen, and the other calls it by (RFC 9000 §5.1). [`Default`] is
/// the empty one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ConnectionId {
    length: u8,
    octets: [u8; MAX_CONNECTION_ID],
}

impl ConnectionId {
    /// Of these octets; `None`: there are more than 20.
    #[must_use]
    pub fn new(octets: &[u8]) -> Option<ConnectionId> {
        let mut id = ConnectionId { length: octets.len() as u8, octets: [0; MAX_CONNECTION_ID] };
        id.octets.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(id)
    }

    /// Its octets.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.octets.get(..self.length.into()).unwrap_or_default()
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}
