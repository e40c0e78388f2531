//! Who wants to see the datagrams.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Which way a datagram goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It came from the peer.
    In,
    /// It was handed to the system.
    Out,
}

/// Is shown every datagram of a caller or server, between the machine and the socket. What is too long for a
/// caller is shown as far as it was read.
#[derive(Clone)]
pub struct Observer(Arc<See>);

type See = dyn Fn(Way, SocketAddr, &[u8]) + Send + Sync;

impl Observer {
    /// From a function that is given the way, the peer's address and the octets. It should be quick.
    pub fn new(see: impl Fn(Way, SocketAddr, &[u8]) + Send + Sync + 'static) -> Observer {
        Observer(Arc::new(see))
    }

    pub(super) fn see(&self, way: Way, peer: SocketAddr, datagram: &[u8]) {
        (self.0)(way, peer, datagram);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
