//! What is known about a connection.

use std::net::{Ipv4Addr, SocketAddr};

/// What is known about the connection that a request came on.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The client's address.
    pub peer: SocketAddr,
    /// The address that the client connected to.
    pub local: SocketAddr,
    /// What carries the connection.
    pub transport: Transport,
}

/// What carries a connection.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Cleartext TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// QUIC: HTTP/3.
    #[cfg(feature = "http3")]
    Quic,
    /// Something inside this process, such as a test.
    Memory,
}

impl Transport {
    /// Nobody on the way can read or change it.
    #[must_use]
    pub fn is_secure(self) -> bool {
        match self {
            Transport::Tls => true,
            #[cfg(feature = "http3")]
            Transport::Quic => true,
            Transport::Tcp | Transport::Memory => false,
        }
    }
}

impl ConnectionInfo {
    /// A connection from `peer` to `local`.
    #[must_use]
    pub fn new(peer: SocketAddr, local: SocketAddr, transport: Transport) -> ConnectionInfo {
        ConnectionInfo { peer, local, transport }
    }

    /// A connection inside this process.
    #[must_use]
    pub fn memory() -> ConnectionInfo {
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        ConnectionInfo::new(nowhere, nowhere, Transport::Memory)
    }
}
