//! What all servers of this binary have in common: the listener, its options, and how they end.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::Args;
use wirelace::server::{Builder, DriverOptions, Limits, ListenOptions, Serve, Server, Tracker};
use wirelace::tls_glue::ServerTls;

use crate::failure::Failure;
use crate::tls::TlsArgs;
use crate::voice::Voice;

/// How long connections may finish what runs after SIGTERM or Ctrl-C.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// How long what runs may go on without a byte moving after the client closed its sending side.
const HALF_CLOSE: Duration = Duration::from_secs(5);

/// Where HTTPS is, if nobody says.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);

/// Where and how to listen.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListenArgs {
    /// HTTPS at this address; port 0 takes a free one [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Cleartext HTTP/1.x at this address; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    plain: SocketAddr,
    #[command(flatten)]
    tls: TlsArgs,
    /// Threads that serve [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Largest request body; what is larger is answered with 413 [default: no limit]
    #[arg(long, value_name = "BYTES")]
    max_body: Option<u64>,
}

impl ListenArgs {
    /// Serves until SIGTERM or Ctrl-C. `ready` is given the counter of connections before the first is accepted.
    pub(crate) fn serve<S: Serve>(
        &self,
        builder: Builder<S>,
        voice: Voice,
        ready: impl FnOnce(Tracker),
    ) -> Result<(), Failure> {
        let mut limits = Limits::default();
        let mut driver = DriverOptions::default();
        // Tools that close their sending side after a request (`nc`, scripts) want an answer, too. A client that
        // is gone looks the same: not for long.
        limits.half_close = true;
        driver.half_close = HALF_CLOSE;
        if let Some(bytes) = self.max_body {
            limits.body = bytes;
        }
        let workers = match self.workers {
            Some(workers) => usize::from(workers),
            None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        };
        let builder = builder.limits(limits).driver_options(driver).workers(workers).grace(GRACE);
        let tls = self.tls.server(voice)?;
        let failed = |error: io::Error| Failure::Peer(format!("cannot listen at {}: {error}", self.plain));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        runtime.block_on(async {
            check_free(self.plain).map_err(failed)?;
            let mut server: Server<S> = builder.bind(self.plain).map_err(failed)?;
            let plain = server.local_addr();
            let secure = self.listen_with_tls(&mut server, tls, voice)?;
            // Before the line that says so: whoever waits for it may send a signal at once.
            let shutdown = Signals::listen().map_err(failed)?;
            ready(server.tracker());
            if let Some(secure) = secure {
                voice.ready(format_args!("listening https {secure} (h1)"));
            }
            voice.ready(format_args!("listening http {plain} (h1)"));
            let stopped = async {
                shutdown.wait().await;
                voice.detail("shutting down");
            };
            server.run(stopped).await.map_err(|error| Failure::Peer(format!("the server failed: {error}")))
        })
    }
}

impl ListenArgs {
    /// Listens with TLS, too. Whoever did not ask for it can do without, when another has the address.
    fn listen_with_tls<S: Serve>(
        &self,
        server: &mut Server<S>,
        tls: ServerTls,
        voice: Voice,
    ) -> Result<Option<SocketAddr>, Failure> {
        let address = self.listen.unwrap_or(DEFAULT_LISTEN);
        match check_free(address).and_then(|()| server.also_bind_tls(address, tls)) {
            Ok(address) => Ok(Some(address)),
            Err(error) if self.listen.is_none() && error.kind() == io::ErrorKind::AddrInUse => {
                voice.say(format_args!("no https: {address} is in use; --listen takes another"));
                Ok(None)
            }
            Err(error) => Err(Failure::Peer(format!("cannot listen at {address}: {error}"))),
        }
    }
}

/// Workers share the port among them, and the system would let a second server of the same user join in: half of the
/// connections would go to each.
fn check_free(address: SocketAddr) -> io::Result<()> {
    if address.port() == 0 { Ok(()) } else { ListenOptions::default().bind(address).map(drop) }
}

/// What asks the process to end.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Signals> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Signals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Signals {})
    }

    #[cfg(unix)]
    pub(crate) async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn wait(self) {
        // Without a way to be told, it runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
