//! What all servers of this binary have in common: the listener, its options, and how they end.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use wirelace::server::{Builder, DriverOptions, Limits, ListenOptions, Serve, Server, Tracker};

use crate::failure::Failure;
use crate::voice::Voice;

/// How long connections may finish what runs after SIGTERM or Ctrl-C.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// How long what runs may go on without a byte moving after the client closed its sending side.
const HALF_CLOSE: Duration = Duration::from_secs(5);

/// Where and how to listen.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListenArgs {
    /// Cleartext HTTP/1.x at this address; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    plain: SocketAddr,
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
        let failed = |error: io::Error| Failure::Peer(format!("cannot listen at {}: {error}", self.plain));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        runtime.block_on(async {
            check_free(self.plain).map_err(failed)?;
            let server: Server<S> = builder.bind(self.plain).map_err(failed)?;
            // Before the line that says so: whoever waits for it may send a signal at once.
            let shutdown = Signals::listen().map_err(failed)?;
            ready(server.tracker());
            voice.ready(format_args!("listening http {} (h1)", server.local_addr()));
            let stopped = async {
                shutdown.wait().await;
                voice.detail("shutting down");
            };
            server.run(stopped).await.map_err(|error| Failure::Peer(format!("the server failed: {error}")))
        })
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
