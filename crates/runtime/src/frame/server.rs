//! The server.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use wirelace_wire_codec::session::{Options, Session};

use super::body::driver_options;
use super::server_app::ServerApp;
use super::service::Request;
use crate::timer::clock;
use crate::{Acceptor, Connection, ListenOptions, Tracked, Tracker};

/// How a [`FrameServer`] serves.
#[derive(Debug, Clone)]
pub struct FrameServerOptions {
    /// The session: which form, its limits and times.
    pub session: Options,
    /// How to listen.
    pub listen: ListenOptions,
    /// Connections open at a time; further ones wait.
    pub max_connections: usize,
    /// Octets of a request that came in parts, at most.
    pub max_request: usize,
    /// How long connections may finish what runs when the server shuts down.
    pub grace: Duration,
}

impl Default for FrameServerOptions {
    fn default() -> FrameServerOptions {
        FrameServerOptions {
            session: Options::default(),
            listen: ListenOptions::default(),
            max_connections: 65_536,
            max_request: 16 * 1024 * 1024,
            grace: Duration::from_secs(10),
        }
    }
}

/// Answers requests over TCP with any [`tower_service::Service`]; each connection has a clone of it. A service
/// error becomes the text of an ERROR frame.
#[derive(Debug)]
#[must_use = "nothing is served before `run`"]
pub struct FrameServer<S> {
    service: S,
    listener: TcpListener,
    local: SocketAddr,
    options: FrameServerOptions,
}

impl<S> FrameServer<S>
where
    S: Service<Request, Response = Bytes> + Clone + Send + Unpin + 'static,
    S::Future: Send + 'static,
    S::Error: fmt::Display + Send + 'static,
{
    /// Listens; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// Whatever the system says: most often the address is in use.
    pub fn bind(address: SocketAddr, service: S, options: FrameServerOptions) -> io::Result<FrameServer<S>> {
        let listener = options.listen.bind(address)?;
        let local = listener.local_addr()?;
        Ok(FrameServer { service, listener, local, options })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `shutdown` ends; then connections finish what runs.
    ///
    /// # Errors
    ///
    /// The listener cannot be registered with the runtime.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let mut acceptor = Acceptor::new(self.listener, self.options.listen.clone())?;
        let tracker = Tracker::new(self.options.max_connections);
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = async {
                let tracked = tracker.admit().await?;
                Some((tracked, acceptor.accept().await))
            };
            let (tracked, (stream, peer)) = tokio::select! {
                () = &mut shutdown => break,
                accepted = accepted => match accepted {
                    Some(accepted) => accepted,
                    None => break,
                },
            };
            let connection = connection(stream, peer, self.service.clone(), &self.options, Some(tracked));
            tokio::spawn(connection);
        }
        drop(acceptor);
        tracker.shut_down(self.options.grace).await;
        Ok(())
    }
}

fn connection<IO, S>(
    io: IO,
    peer: SocketAddr,
    service: S,
    options: &FrameServerOptions,
    tracked: Option<Tracked>,
) -> Connection<IO, Session, ServerApp<S>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request, Response = Bytes> + Clone + Send + Unpin + 'static,
    S::Future: Send + 'static,
    S::Error: fmt::Display + Send + 'static,
{
    let driver = driver_options(&options.session);
    let session = Session::acceptor(options.session.clone(), clock());
    Connection::new(io, session, ServerApp::new(service, peer, options.max_request), driver, tracked)
}
