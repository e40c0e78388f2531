//! The server.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use wirelace_wire_codec::session::{Options, Session};

use super::body::driver_options;
use super::server_app::ServerApp;
use super::service::{Mode, Request, Streamed, Whole};
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
    /// Octets of a request that came in parts, at most; not for services that read the parts themselves.
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
pub struct FrameServer<S, M = Whole> {
    service: S,
    listener: TcpListener,
    local: SocketAddr,
    options: FrameServerOptions,
    mode: PhantomData<fn() -> M>,
}

impl<S> FrameServer<S> {
    /// Listens, for a service that takes requests whole and answers so; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// Whatever the system says: most often the address is in use.
    pub fn bind(address: SocketAddr, service: S, options: FrameServerOptions) -> io::Result<FrameServer<S>> {
        FrameServer::listen(address, service, options)
    }
}

impl<S> FrameServer<S, Streamed> {
    /// Listens, for a service that reads requests as they come and may answer in parts: a
    /// `Service<Request<Body>, Response = Answer>`, as [`from_stream_fn`](super::from_stream_fn) makes them. In the
    /// base form requests and answers still are one frame.
    ///
    /// # Errors
    ///
    /// As with [`bind`](FrameServer::bind).
    pub fn bind_streamed(
        address: SocketAddr,
        service: S,
        options: FrameServerOptions,
    ) -> io::Result<FrameServer<S, Streamed>> {
        FrameServer::listen(address, service, options)
    }
}

impl<S, M> FrameServer<S, M> {
    fn listen(address: SocketAddr, service: S, options: FrameServerOptions) -> io::Result<FrameServer<S, M>> {
        let listener = options.listen.bind(address)?;
        let local = listener.local_addr()?;
        Ok(FrameServer { service, listener, local, options, mode: PhantomData })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }
}

impl<S, M> FrameServer<S, M>
where
    M: Mode,
    S: Service<Request<M::Payload>, Response = M::Reply> + Clone + Send + Unpin + 'static,
    S::Future: Send + 'static,
    S::Error: fmt::Display + Send + 'static,
{
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
            let connection =
                connection::<_, S, M>(stream, peer, self.service.clone(), &self.options, Some(tracked));
            tokio::spawn(connection);
        }
        drop(acceptor);
        tracker.shut_down(self.options.grace).await;
        Ok(())
    }
}

fn connection<IO, S, M>(
    io: IO,
    peer: SocketAddr,
    service: S,
    options: &FrameServerOptions,
    tracked: Option<Tracked>,
) -> Connection<IO, Session, ServerApp<S, M>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    M: Mode,
    S: Service<Request<M::Payload>, Response = M::Reply> + Clone + Send + Unpin + 'static,
    S::Future: Send + 'static,
    S::Error: fmt::Display + Send + 'static,
{
    let driver = driver_options(&options.session);
    let session = Session::acceptor(options.session.clone(), clock());
    let app = ServerApp::new(service, peer, options.max_request, options.session.limits.frame);
    Connection::new(io, session, app, driver, tracked)
}
