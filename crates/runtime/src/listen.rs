//! TCP listeners: options, binding, and accepting without giving up.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How to listen. The default suits an HTTP server.
#[derive(Debug, Clone)]
pub struct ListenOptions {
    backlog: i32,
    nodelay: bool,
    keepalive: Option<Duration>,
    reuse_port: bool,
}

impl Default for ListenOptions {
    /// A backlog of 4,096, `TCP_NODELAY`, no keep-alive probes, no port shared.
    fn default() -> Self {
        ListenOptions { backlog: 4096, nodelay: true, keepalive: None, reuse_port: false }
    }
}

impl ListenOptions {
    /// Connections that may wait to be accepted; the system has an upper bound of its own.
    #[must_use]
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = i32::try_from(connections).unwrap_or(i32::MAX);
        self
    }

    /// `TCP_NODELAY`: small writes go out at once.
    #[must_use]
    pub fn nodelay(mut self, on: bool) -> Self {
        self.nodelay = on;
        self
    }

    /// TCP keep-alive probes after so much silence; `None`: none.
    #[must_use]
    pub fn keepalive(mut self, after: Option<Duration>) -> Self {
        self.keepalive = after;
        self
    }

    /// `SO_REUSEPORT`: several listeners on one address, among which the kernel spreads connections.
    #[must_use]
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.reuse_port = on;
        self
    }

    /// Opens a listener; any thread's runtime can take it over with [`Acceptor::new`].
    ///
    /// # Errors
    /// Whatever the system says: most often the address is in use.
    pub fn bind(&self, address: SocketAddr) -> io::Result<StdListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        #[cfg(unix)]
        {
            // Listeners that were just closed do not keep the address.
            socket.set_reuse_address(true)?;
            #[cfg(not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin")))]
            if self.reuse_port {
                socket.set_reuse_port(true)?;
            }
        }
        if INHERITED {
            self.apply(&SockRef::from(&socket))?;
        }
        socket.bind(&address.into())?;
        socket.listen(self.backlog)?;
        Ok(socket.into())
    }

    fn apply(&self, socket: &SockRef<'_>) -> io::Result<()> {
        socket.set_tcp_nodelay(self.nodelay)?;
        if let Some(after) = self.keepalive {
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(after))?;
        }
        Ok(())
    }
}

/// Linux gives accepted sockets the options of their listener: no system call for each.
const INHERITED: bool = cfg!(target_os = "linux");

/// Accepts connections from one listener.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    options: ListenOptions,
    pause: Duration,
}

impl Acceptor {
    /// Takes over a listener made by [`ListenOptions::bind`]. Call it within a tokio runtime.
    ///
    /// # Errors
    /// The listener cannot be registered with the runtime.
    pub fn new(listener: StdListener, options: ListenOptions) -> io::Result<Acceptor> {
        Ok(Acceptor { listener: TcpListener::from_std(listener)?, options, pause: FIRST_PAUSE })
    }

    /// The next connection and its peer. Errors of one connection are skipped; when the system is out of file
    /// descriptors or memory, it waits and tries again, up to a second apart. Dropping the future loses nothing.
    pub async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.pause = FIRST_PAUSE;
                    if !INHERITED && self.options.apply(&SockRef::from(&stream)).is_err() {
                        continue; // Gone already.
                    }
                    return (stream, peer);
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(_error) => {
                    #[cfg(feature = "tracing")]
                    tracing::warn!(error = %_error, pause = ?self.pause, "cannot accept connections");
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

/// Makes the end of a TCP connection a reset: what is sent and not yet read is lost, and the peer sees an error.
pub fn reset_on_drop(stream: &TcpStream) {
    // Where it fails, the connection is gone already.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    #[tokio::test]
    async fn accepted_sockets_have_the_options() {
        let options = ListenOptions::default().keepalive(Some(Duration::from_secs(33)));
        let listener = options.bind(loopback()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut acceptor = Acceptor::new(listener, options).unwrap();
        let client = TcpStream::connect(address).await.unwrap();
        let (stream, peer) = acceptor.accept().await;
        assert_eq!(peer, client.local_addr().unwrap());
        assert!(stream.nodelay().unwrap());
        assert!(SockRef::from(&stream).keepalive().unwrap());
    }

    #[test]
    fn ports_are_shared_only_on_request() {
        let shared = ListenOptions::default().reuse_port(true);
        let first = shared.bind(loopback()).unwrap();
        let address = first.local_addr().unwrap();
        assert!(shared.bind(address).is_ok());
        assert!(ListenOptions::default().bind(address).is_err());
    }
}
