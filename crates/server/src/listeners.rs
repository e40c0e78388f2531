//! Further addresses of a server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::accepting::{Bound, Speaks, bind};
use crate::redirect::Redirect;
use crate::serve::{Native, Serve};
use crate::server::Server;
#[cfg(feature = "tls")]
use crate::tls::with_protocols;

impl<S: Serve> Server<S> {
    /// Listens at one more address, in the clear: the same service, limits and connections. Returns where, which says
    /// more than `address` where its port is 0.
    ///
    /// # Errors
    /// Whatever the system says: most often the address is in use. The server is as it was.
    pub fn also_bind(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        self.also(address, Speaks::Http)
    }

    /// Listens at one more address, with TLS.
    ///
    /// # Errors
    /// As [`also_bind`](Server::also_bind), and as [`Builder::bind`](crate::Builder::bind).
    #[cfg(feature = "tls")]
    pub fn also_bind_tls(
        &mut self,
        address: SocketAddr,
        tls: wirelace_tls_glue::ServerTls,
    ) -> io::Result<SocketAddr> {
        let tls = with_protocols(tls, self.settings.versions)?;
        let local = self.also(address, Speaks::Tls(tls.clone()))?;
        #[cfg(feature = "http3")]
        self.speak_http3(&tls, local)?;
        Ok(local)
    }

    /// Listens at one more address in the clear, and serves nothing there: every request is sent to the same URL with
    /// `https` and this port, by 301 (Moved Permanently) or, where that would change its method, 308 (Permanent
    /// Redirect). The host is the one that the request names.
    ///
    /// # Errors
    /// As [`also_bind`](Server::also_bind).
    pub fn also_bind_redirect(&mut self, address: SocketAddr, port: u16) -> io::Result<SocketAddr> {
        self.also(address, Speaks::Redirect(Arc::new(Native(Arc::new(Redirect::new(port))))))
    }

    fn also(&mut self, address: SocketAddr, speaks: Speaks) -> io::Result<SocketAddr> {
        let (listeners, local) = bind(&self.listen, address, self.workers)?;
        self.bound.push(Bound { listeners, local, speaks });
        Ok(local)
    }
}
