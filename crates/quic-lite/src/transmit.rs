//! Datagrams, as they come and go.

use std::net::{IpAddr, SocketAddr};

use bytes::BytesMut;

/// The two bits of Explicit Congestion Notification (RFC 3168).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Ecn {
    /// Not capable.
    #[default]
    NotEct,
    /// Capable, the other codepoint.
    Ect1,
    /// Capable: what is sent while the path is found to carry it.
    Ect0,
    /// Congestion was experienced.
    Ce,
}

/// A datagram that came.
#[derive(Debug)]
pub struct Datagram {
    /// Who sent it.
    pub remote: SocketAddr,
    /// Where it arrived, if that is known: answers leave from there.
    pub local: Option<IpAddr>,
    /// As the network marked it.
    pub ecn: Ecn,
    /// Its payload, opened where it lies.
    pub data: BytesMut,
}

/// Datagrams that want to go: the whole buffer that was given, cut into equal segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transmit {
    /// To whom.
    pub destination: SocketAddr,
    /// From which of this host's addresses; `None`: any.
    pub source: Option<IpAddr>,
    /// How to mark them.
    pub ecn: Ecn,
    /// Octets of all together.
    pub size: usize,
    /// Octets of each but the last, which may be shorter: for segmentation offload. `None`: it is one datagram.
    pub segment: Option<usize>,
}
