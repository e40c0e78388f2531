//! What all servers of this binary have in common: the listener, its options, and how they end.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::Args;
use http::Version;
use wirelace::server::{
    Builder, DriverOptions, HstsPolicy, Http2Limits, Limits, ListenOptions, ProxyProtocol, Serve, Server,
    Tracker,
};
use wirelace::tls_glue::ServerTls;

use crate::failure::Failure;
use crate::signals::Signals;
use crate::tls::TlsArgs;
use crate::voice::Voice;

/// How long connections may finish what runs after SIGTERM or Ctrl-C.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// How long what runs may go on without a byte moving after the client closed its sending side.
const HALF_CLOSE: Duration = Duration::from_secs(5);

/// Where HTTPS is, if nobody says.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);

/// A year, in seconds.
const HSTS_AGE: &str = "31536000";

/// Where and how to listen.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListenArgs {
    /// HTTPS at this address; port 0 takes a free one [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Cleartext HTTP/1.x, and HTTP/2 with prior knowledge, at this address; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    plain: SocketAddr,
    /// Versions of HTTP that are spoken, of 1.1, 2 and 3; 3 over UDP, at the address of HTTPS
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',', value_parser = ["1.1", "2", "3"], default_values = ["1.1", "2"])]
    http: Vec<String>,
    #[command(flatten)]
    tls: TlsArgs,
    /// Serve nothing in the clear: requests to --plain are sent to HTTPS
    #[arg(long)]
    redirect: bool,
    /// Have clients come over HTTPS alone for so long (Strict-Transport-Security on responses over TLS)
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = HSTS_AGE)]
    hsts: Option<u64>,
    /// Connections begin with a PROXY header, version 1 or 2, and those without one are closed: for a port that only a
    /// proxy can reach, since whoever writes the header has the address it says
    #[arg(long)]
    proxy_protocol: bool,
    /// Threads that serve [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Largest request body; what is larger is answered with 413 [default: no limit]
    #[arg(long, value_name = "BYTES")]
    max_body: Option<u64>,
}

/// A server that listens, and where.
struct Listening<S> {
    server: Server<S>,
    plain: SocketAddr,
    secure: Option<SocketAddr>,
}

impl ListenArgs {
    /// Serves until SIGTERM or Ctrl-C. `ready` is given the counter of connections before the first is accepted.
    pub(crate) fn serve<S: Serve>(
        &self,
        builder: Builder<S>,
        voice: Voice,
        ready: impl FnOnce(Tracker),
    ) -> Result<(), Failure> {
        if self.versions().all(|version| version == Version::HTTP_3) {
            return Err(Failure::Usage("--http 3 goes with 1.1 or 2, which tell clients of it".to_owned()));
        }
        let builder = self.set_up(builder);
        let tls = self.server_tls(voice)?;
        let store = tls.as_ref().map(|tls| tls.store().clone());
        let failed = |error: io::Error| Failure::Peer(format!("the server cannot run: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        runtime.block_on(async {
            let Listening { server, plain, secure } = self.bind(builder, tls, voice)?;
            // Before the line that says so: whoever waits for it may send a signal at once.
            let mut signals = Signals::listen().map_err(failed)?;
            if self.tls.has_files() {
                signals = signals.and_hangup().map_err(failed)?;
            }
            ready(server.tracker());
            if let Some(secure) = secure {
                voice.ready(format_args!("listening https {secure} ({})", self.spoken("h2")));
            }
            voice.ready(format_args!("listening http {plain} ({})", self.spoken("h2c")));
            let stopped = async {
                let read_again = || store.iter().for_each(|store| self.tls.read_again(store, voice));
                signals.wait_with(read_again).await;
                voice.detail("shutting down");
            };
            server.run(stopped).await.map_err(|error| Failure::Peer(format!("the server failed: {error}")))
        })
    }

    fn set_up<S: Serve>(&self, builder: Builder<S>) -> Builder<S> {
        let mut limits = Limits::default();
        let mut driver = DriverOptions::default();
        // Tools that close their sending side after a request (`nc`, scripts) want an answer, too. A client that
        // is gone looks the same: not for long.
        limits.half_close = true;
        driver.half_close = HALF_CLOSE;
        let mut http2_limits = Http2Limits::default();
        if let Some(bytes) = self.max_body {
            (limits.body, http2_limits.body) = (bytes, bytes);
        }
        let workers = match self.workers {
            Some(workers) => usize::from(workers),
            None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        };
        let mut builder = builder
            .http_versions(self.versions())
            .limits(limits)
            .http2_limits(http2_limits)
            .driver_options(driver)
            .workers(workers)
            .grace(GRACE);
        if self.proxy_protocol {
            builder = builder.proxy_protocol(ProxyProtocol::Required);
        }
        if let Some(seconds) = self.hsts {
            builder = builder.hsts(HstsPolicy::new(seconds));
        }
        builder
    }

    fn versions(&self) -> impl Iterator<Item = Version> {
        self.http.iter().map(|version| match version.as_str() {
            "3" => Version::HTTP_3,
            "2" => Version::HTTP_2,
            _ => Version::HTTP_11,
        })
    }

    /// What is spoken, in the words of ALPN, `http2` being that for HTTP/2.
    fn spoken(&self, http2: &'static str) -> String {
        let word = |version, word| self.versions().any(|spoken| spoken == version).then_some(word);
        // QUIC is never in the clear.
        let http3 = if http2 == "h2" { word(Version::HTTP_3, "h3") } else { None };
        let words = [word(Version::HTTP_11, "h1"), word(Version::HTTP_2, http2), http3];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// Somebody said that there is to be HTTPS; others can do without.
    fn wants_tls(&self) -> bool {
        self.listen.is_some() || self.redirect || self.hsts.is_some() || self.tls.is_wanted()
    }

    fn server_tls(&self, voice: Voice) -> Result<Option<ServerTls>, Failure> {
        match self.tls.server(voice) {
            Err(error) if !self.wants_tls() => {
                voice.say(format_args!("no https: {error}"));
                Ok(None)
            }
            tls => tls.map(Some),
        }
    }

    fn bind<S: Serve>(
        &self,
        builder: Builder<S>,
        tls: Option<ServerTls>,
        voice: Voice,
    ) -> Result<Listening<S>, Failure> {
        let address = self.listen.unwrap_or(DEFAULT_LISTEN);
        let failed = |address: SocketAddr| {
            move |error: io::Error| Failure::Peer(format!("cannot listen at {address}: {error}"))
        };
        if let (Some(tls), true) = (&tls, self.redirect) {
            let server = check_free(address).and_then(|()| builder.tls(tls.clone()).bind(address));
            let mut server = server.map_err(failed(address))?;
            let secure = server.local_addr();
            let plain = check_free(self.plain)
                .and_then(|()| server.also_bind_redirect(self.plain, secure.port()))
                .map_err(failed(self.plain))?;
            return Ok(Listening { server, plain, secure: Some(secure) });
        }
        let server = check_free(self.plain).and_then(|()| builder.bind(self.plain));
        let mut server = server.map_err(failed(self.plain))?;
        let plain = server.local_addr();
        let Some(tls) = tls else { return Ok(Listening { server, plain, secure: None }) };
        match check_free(address).and_then(|()| server.also_bind_tls(address, tls)) {
            Ok(secure) => Ok(Listening { server, plain, secure: Some(secure) }),
            Err(error) if !self.wants_tls() && error.kind() == io::ErrorKind::AddrInUse => {
                voice.say(format_args!("no https: {address} is in use; --listen takes another"));
                Ok(Listening { server, plain, secure: None })
            }
            Err(error) => Err(failed(address)(error)),
        }
    }
}

/// Workers share the port among them, and the system would let a second server of the same user join in: half of the
/// connections would go to each.
fn check_free(address: SocketAddr) -> io::Result<()> {
    if address.port() == 0 { Ok(()) } else { ListenOptions::default().bind(address).map(drop) }
}
