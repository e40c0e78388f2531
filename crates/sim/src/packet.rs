//! What travels in a simulated network.

use std::net::SocketAddr;

use bytes::Bytes;

/// The ECN field of an IP header (RFC 3168, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ecn {
    /// The sender takes no part (00): a router can only drop.
    #[default]
    NotEct,
    /// ECN-capable transport, the usual codepoint (10).
    Ect0,
    /// ECN-capable transport, the other codepoint (01).
    Ect1,
    /// Congestion experienced (11).
    Ce,
}

impl Ecn {
    /// The codepoint of the low two bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Ecn {
        match bits & 3 {
            0 => Ecn::NotEct,
            1 => Ecn::Ect1,
            2 => Ecn::Ect0,
            _ => Ecn::Ce,
        }
    }

    /// The two bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Ecn::NotEct => 0,
            Ecn::Ect1 => 1,
            Ecn::Ect0 => 2,
            Ecn::Ce => 3,
        }
    }

    /// True for what a router may mark: ECT(0), ECT(1) and CE.
    #[must_use]
    pub const fn is_capable(self) -> bool {
        !matches!(self, Ecn::NotEct)
    }
}

/// A UDP datagram with what of its headers matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Where it comes from; a [`Nat`](crate::Nat) may have rewritten it.
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
    /// Its ECN field.
    pub ecn: Ecn,
    /// The payload of the datagram.
    pub data: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codepoints() {
        for bits in 0..4 {
            assert_eq!(Ecn::from_bits(bits).bits(), bits);
        }
        assert_eq!(Ecn::from_bits(0xfe), Ecn::Ect0);
        assert!(!Ecn::NotEct.is_capable() && Ecn::Ce.is_capable());
    }
}
