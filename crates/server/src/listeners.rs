//! Further addresses of a server.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};

use wirelace_runtime::ListenOptions;

use crate::accepting::Bound;
use crate::serve::Serve;
use crate::server::Server;
#[cfg(feature = "tls")]
use crate::tls::{MAX_HANDSHAKES, Tls};

/// One listener for each worker, all at the same address.
pub(crate) fn bind(
    options: &ListenOptions,
    address: SocketAddr,
    workers: usize,
) -> io::Result<(Vec<StdListener>, SocketAddr)> {
    let first = options.bind(address)?;
    let local = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..workers {
        listeners.push(options.bind(local)?);
    }
    Ok((listeners, local))
}

impl<S: Serve> Server<S> {
    /// Listens at one more address, in the clear: the same service, limits and connections. Returns where, which says
    /// more than `address` where its port is 0.
    ///
    /// # Errors
    /// Whatever the system says: most often the address is in use. The server is as it was.
    pub fn also_bind(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        let (listeners, local) = bind(&self.listen, address, self.workers)?;
        self.bound.push(Bound {
            listeners,
            local,
            #[cfg(feature = "tls")]
            tls: None,
        });
        Ok(local)
    }

    /// Listens at one more address, with TLS.
    ///
    /// # Errors
    /// As [`also_bind`](Server::also_bind).
    #[cfg(feature = "tls")]
    pub fn also_bind_tls(
        &mut self,
        address: SocketAddr,
        tls: wirelace_tls_glue::ServerTls,
    ) -> io::Result<SocketAddr> {
        let (listeners, local) = bind(&self.listen, address, self.workers)?;
        self.bound.push(Bound { listeners, local, tls: Some(Tls { tls, handshakes: MAX_HANDSHAKES }) });
        Ok(local)
    }
}
