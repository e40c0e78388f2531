//! The server: settings, listeners, running and shutting down.

use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Version;
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use wirelace_http_semantics::hsts::HstsPolicy;
use wirelace_http1::Limits;
use wirelace_http2::Limits as Http2Limits;
use wirelace_runtime::{DriverOptions, ListenOptions, Stage, Tracker, Workers};

use crate::accepting::{Bound, Common, Speaks, bind, for_workers};
use crate::early::EarlyRequests;
use crate::handler::Handler;
use crate::info::ConnectionInfo;
use crate::link::lock;
use crate::proxied::ProxyProtocol;
use crate::request_body::RequestBody;
use crate::respond::Additions;
use crate::response_body::BoxError;
use crate::secured::Secured;
use crate::serve::{Accepted, Native, Serve, Settings, Template, Tower};
#[cfg(feature = "tls")]
use crate::tls::{MAX_HANDSHAKES, with_protocols};
use crate::tower::BridgeOptions;
use crate::versions::Versions;

/// Settings of a server that is to be.
#[derive(Debug)]
#[must_use = "nothing is served before `bind` and `run`"]
pub struct Builder<S> {
    service: S,
    versions: Vec<Version>,
    limits: Limits,
    http2_limits: Http2Limits,
    listen: ListenOptions,
    workers: usize,
    max_connections: usize,
    grace: Duration,
    date: bool,
    server: Option<Bytes>,
    driver: DriverOptions,
    raw_fields: bool,
    context: bool,
    early: EarlyRequests,
    proxy: ProxyProtocol,
    hsts: Option<HstsPolicy>,
    #[cfg(feature = "http3")]
    http3_limits: wirelace_http3::Limits,
    #[cfg(feature = "http3")]
    quic_limits: wirelace_http3::quic::Limits,
    #[cfg(feature = "tls")]
    tls: Option<wirelace_tls_glue::ServerTls>,
    #[cfg(feature = "tls")]
    handshakes: usize,
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
#[must_use = "nothing is served before `run`"]
pub struct Server<S> {
    service: Arc<S>,
    pub(crate) settings: Settings,
    pub(crate) listen: ListenOptions,
    /// At least one.
    pub(crate) bound: Vec<Bound>,
    pub(crate) workers: usize,
    tracker: Tracker,
    grace: Duration,
    proxy: ProxyProtocol,
    #[cfg(feature = "tls")]
    handshakes: usize,
    #[cfg(feature = "http3")]
    quic: Vec<crate::http3::QuicBound>,
    #[cfg(feature = "http3")]
    quic_limits: Arc<wirelace_http3::quic::Limits>,
}

impl Server<()> {
    /// A server for a native handler: an async function or closure, or a type that implements [`Handler`].
    pub fn builder<H: Handler>(handler: H) -> Builder<Native<H>> {
        Builder::new(Native(Arc::new(handler)))
    }

    /// A server for a tower service, such as an `axum::Router` as it is. Each connection has a clone of its own.
    ///
    /// A service error is answered with 500 and ends an HTTP/1 connection; with HTTP/2 the other exchanges go on.
    pub fn builder_tower<S, B>(service: S) -> Builder<Tower<S>>
    where
        S: Service<http::Request<RequestBody>, Response = http::Response<B>> + Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Builder::new(Tower(Template(Mutex::new(service))))
    }
}

impl<S: Serve> Builder<S> {
    fn new(service: S) -> Builder<S> {
        Builder {
            service,
            versions: vec![Version::HTTP_11, Version::HTTP_2],
            limits: Limits::default(),
            http2_limits: Http2Limits::default(),
            listen: ListenOptions::default(),
            workers: 0,
            max_connections: 65_536,
            grace: Duration::from_secs(10),
            date: true,
            server: None,
            driver: DriverOptions::default(),
            raw_fields: false,
            context: true,
            early: EarlyRequests::default(),
            proxy: ProxyProtocol::Off,
            hsts: None,
            #[cfg(feature = "http3")]
            http3_limits: wirelace_http3::Limits::default(),
            #[cfg(feature = "http3")]
            quic_limits: wirelace_http3::quic::Limits::default(),
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "tls")]
            handshakes: MAX_HANDSHAKES,
        }
    }

    /// Speaks TLS at the address of [`bind`](Builder::bind). It need not say which application protocols (ALPN) it
    /// offers: the server does. `acme-tls/1` beside them leaves challenges (RFC 8737) to its
    /// [`CertificateSource`](wirelace_tls_glue::CertificateSource).
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: wirelace_tls_glue::ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// TLS handshakes under way at a time, for each worker and address; 0 counts as 1. Default: 4,096.
    ///
    /// Whoever comes beyond them is reset at once, and does not wait: honest clients are through after a few round
    /// trips, so that many of them under way are more than a processor has the time for, or clients that hold theirs
    /// open. Either way those who wait would wait for the handshake timeout of others, with the queue growing behind
    /// them; a reset tells them to go to another server or to come again. Connections after the handshake are
    /// [`max_connections`](Builder::max_connections)'s business.
    ///
    /// Whoever opens so many connections and says nothing keeps others out for as long as a handshake may take: against
    /// that helps a shorter time (`ServerTlsBuilder::handshake_timeout`), or a larger number at some 10 KiB for each.
    #[cfg(feature = "tls")]
    pub fn max_handshakes(mut self, handshakes: usize) -> Self {
        self.handshakes = handshakes;
        self
    }

    /// Adds Strict-Transport-Security to responses over TLS that have none (RFC 6797 §7.1): clients then come with TLS
    /// only, for so long, whatever links say. Never added in the clear. Default: no.
    pub fn hsts(mut self, policy: HstsPolicy) -> Self {
        self.hsts = Some(policy);
        self
    }

    /// Whether connections begin with a PROXY header, at all addresses of the server. It has the time of a TLS
    /// handshake, in the clear that of a head ([`Timeouts::head`](crate::Timeouts)). Default: they do not.
    pub fn proxy_protocol(mut self, proxy: ProxyProtocol) -> Self {
        self.proxy = proxy;
        self
    }

    /// Which versions of HTTP are spoken, at all addresses of the server: HTTP/1 (`HTTP_11` or `HTTP_10`, each stands
    /// for both) and HTTP/2. With TLS the client chooses by the application protocol (ALPN); without one, and in the
    /// clear, by what it sends first: HTTP/2 begins with a preface of its own (RFC 9113 §3.4). `Upgrade: h2c`, which
    /// RFC 9113 §3.1 took back, is not heard. Default: both.
    pub fn http_versions(mut self, versions: impl IntoIterator<Item = Version>) -> Self {
        self.versions = versions.into_iter().collect();
        self
    }

    /// Limits and timeouts of each HTTP/3 connection, and of the QUIC connection below it. HTTP/3 is spoken where
    /// [`http_versions`](Builder::http_versions) has `HTTP_3`, over UDP at the address of each TLS listener; responses over
    /// TLS say so (Alt-Svc, RFC 7838) unless they say something else.
    #[cfg(feature = "http3")]
    pub fn http3_limits(mut self, http3: wirelace_http3::Limits, quic: wirelace_http3::quic::Limits) -> Self {
        self.http3_limits = http3;
        self.quic_limits = quic;
        self
    }

    /// Limits and timeouts of each HTTP/2 connection.
    pub fn http2_limits(mut self, limits: Http2Limits) -> Self {
        self.http2_limits = limits;
        self
    }

    /// Limits and timeouts of each HTTP/1 connection. Which version it speaks must be clear within the time of a head.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How to listen.
    pub fn listen_options(mut self, options: ListenOptions) -> Self {
        self.listen = options;
        self
    }

    /// Serves on so many threads, each with a single-threaded runtime and, with `SO_REUSEPORT`, a listener of its
    /// own. 0, the default: on the runtime that [`Server::run`] is called in.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Connections open at a time; further ones wait. Default: 65,536.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// How long connections may finish what runs when the server shuts down. Default: 10 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Whether responses without a Date get one (RFC 9110 §6.6.1 wants it). Default: yes.
    pub fn date(mut self, on: bool) -> Self {
        self.date = on;
        self
    }

    /// Adds a Server field to responses without one. Default: none. Values that are not valid are not sent.
    pub fn server_name(mut self, name: impl Into<Bytes>) -> Self {
        self.server = Some(name.into());
        self
    }

    /// Limits of the connections' driver. Whether half-closed connections are served is decided by
    /// [`Limits::half_close`], for how long by this.
    pub fn driver_options(mut self, options: DriverOptions) -> Self {
        self.driver = options;
        self
    }

    /// Tower services: puts the header section as it came into each request's extensions, as
    /// [`RawFields`](crate::RawFields). Default: no.
    pub fn raw_fields(mut self, on: bool) -> Self {
        self.raw_fields = on;
        self
    }

    /// Tower services: puts a [`RequestContext`](crate::RequestContext) into each request's extensions. Without it
    /// requests cost a little less; those that may become a tunnel have it anyway. Default: yes.
    pub fn request_context(mut self, on: bool) -> Self {
        self.context = on;
        self
    }

    /// Which requests the service sees before the TLS handshake is complete, where early data (0-RTT) is taken at all
    /// (`ServerTlsBuilder::early_data`; it is not by default). They say so: [`Request::early_data`](crate::Request::early_data).
    /// Default: those with safe methods.
    pub fn early_requests(mut self, early: EarlyRequests) -> Self {
        self.early = early;
        self
    }

    /// Listens at that address; port 0 takes a free one.
    ///
    /// # Errors
    /// Whatever the system says: most often the address is in use. A version of HTTP is wanted, or an application
    /// protocol offered (ALPN), that is not spoken here.
    pub fn bind(mut self, address: SocketAddr) -> io::Result<Server<S>> {
        self.listen = self.listen.reuse_port(self.workers > 1);
        let (listeners, local) = bind(&self.listen, address, self.workers)?;
        self.finish(listeners, local)
    }

    /// Uses a listener that is there already. With several workers, only one of them accepts.
    ///
    /// # Errors
    /// The listener has no local address.
    pub fn listen(self, listener: StdListener) -> io::Result<Server<S>> {
        listener.set_nonblocking(true)?;
        let local = listener.local_addr()?;
        self.finish(vec![listener], local)
    }

    fn finish(self, listeners: Vec<StdListener>, local: SocketAddr) -> io::Result<Server<S>> {
        // A head that is larger than what is ever buffered would wait for ever.
        let largest = self.limits.head.head.max(self.limits.trailers) + self.limits.read_ahead;
        let mut driver = self.driver;
        // A frame of HTTP/2 likewise.
        let largest = largest.max(self.http2_limits.frame as usize);
        driver.max_input = driver.max_input.max(largest.saturating_add(64 * 1024));
        let versions = Versions::of(&self.versions)?;
        let additions = Additions { date: self.date, server: self.server, ..Additions::default() };
        let hsts = self.hsts.map(|policy| Bytes::from(policy.to_string()));
        let settings = Settings {
            versions,
            limits: Arc::new(self.limits),
            http2_limits: Arc::new(self.http2_limits),
            secure_additions: Arc::new(Additions { hsts, ..additions.clone() }),
            additions: Arc::new(additions),
            driver,
            bridge: BridgeOptions { raw_fields: self.raw_fields, context: self.context },
            early: self.early,
            #[cfg(feature = "http3")]
            http3_limits: Arc::new(self.http3_limits),
        };
        #[cfg(feature = "tls")]
        let speaks = match self.tls {
            Some(tls) => Speaks::Tls(with_protocols(tls, versions)?),
            None => Speaks::Http,
        };
        #[cfg(not(feature = "tls"))]
        let speaks = Speaks::Http;
        #[cfg_attr(not(feature = "http3"), allow(unused_mut, reason = "nothing is added"))]
        let mut server = Server {
            service: Arc::new(self.service),
            settings,
            listen: self.listen,
            bound: vec![Bound { listeners, local, speaks }],
            workers: self.workers,
            tracker: Tracker::new(self.max_connections),
            grace: self.grace,
            proxy: self.proxy,
            #[cfg(feature = "tls")]
            handshakes: self.handshakes,
            #[cfg(feature = "http3")]
            quic: Vec::new(),
            #[cfg(feature = "http3")]
            quic_limits: Arc::new(self.quic_limits),
        };
        #[cfg(feature = "http3")]
        if let Some(Bound { speaks: Speaks::Tls(tls), .. }) = server.bound.first() {
            let tls = tls.clone();
            server.speak_http3(&tls, local)?;
        }
        Ok(server)
    }
}

impl<S: Serve> Server<S> {
    /// The address that the server listens at, the first of them.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.bound.first().map_or_else(|| ConnectionInfo::memory().local, |bound| bound.local)
    }

    /// HTTP/3 too, where it is wanted.
    #[cfg(feature = "http3")]
    pub(crate) fn speak_http3(
        &mut self,
        tls: &wirelace_tls_glue::ServerTls,
        local: SocketAddr,
    ) -> io::Result<()> {
        if !self.settings.versions.http3() {
            return Ok(());
        }
        self.quic.push(crate::http3::QuicBound::new(tls, &self.quic_limits, local)?);
        let additions = Additions::clone(&self.settings.secure_additions);
        let alt_svc = additions.alt_svc.clone().or_else(|| Some(crate::http3::alt_svc(local)));
        self.settings.secure_additions = Arc::new(Additions { alt_svc, ..additions });
        Ok(())
    }

    /// All addresses that the server listens at, in the order they were given.
    pub fn local_addrs(&self) -> impl Iterator<Item = SocketAddr> {
        self.bound.iter().map(|bound| bound.local)
    }

    /// Counts the connections, and can end them.
    #[must_use]
    pub fn tracker(&self) -> Tracker {
        self.tracker.clone()
    }

    /// Serves one connection over any transport, as a task of the current runtime; it counts towards no limit.
    pub fn serve<IO>(&self, io: IO, info: ConnectionInfo) -> tokio::task::JoinHandle<()>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.service.start(
            Accepted { io, info, secured: Secured::default(), tracked: None, reset: None },
            &self.settings,
        )
    }

    /// Serves until `shutdown` is ready; then accepts nothing more, lets connections finish what runs for the time
    /// of grace, and drops the rest. Dropping the future drops all connections at once.
    ///
    /// # Errors
    /// A listener or a worker thread could not be set up, or a worker panicked.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let tracker = self.tracker.clone();
        let _abandoned = AbortOnDrop(tracker.clone());
        let grace = self.grace;
        let shutting_down = async {
            shutdown.await;
            tracker.shut_down(grace).await;
        };
        let workers = self.workers;
        #[cfg(feature = "http3")]
        let quic = {
            let start = |bound: crate::http3::QuicBound| {
                bound.start(Arc::clone(&self.service), self.settings.clone(), tracker.clone(), grace)
            };
            self.quic.into_iter().map(start).collect::<io::Result<Vec<_>>>()?
        };
        let common = Common {
            service: self.service,
            settings: self.settings,
            tracker: self.tracker,
            options: self.listen,
            proxy: self.proxy,
            #[cfg(feature = "tls")]
            handshakes: self.handshakes,
        };
        let mut loops = for_workers(&common, self.bound, workers);
        if workers == 0 {
            let mut accepting = Vec::new();
            for next in loops.pop().unwrap_or_default() {
                accepting.push(tokio::spawn(next.here()?.run()));
            }
            shutting_down.await;
            for task in accepting {
                task.await.map_err(io::Error::other)?;
            }
            #[cfg(feature = "http3")]
            end_all(quic).await?;
            return Ok(());
        }
        let loops = Arc::new(Mutex::new(loops));
        let working = tracker.clone();
        let workers = Workers::spawn(workers, move |_| {
            let loops = lock(&loops).pop().unwrap_or_default();
            let tracker = working.clone();
            async move {
                for next in loops {
                    match next.here() {
                        Ok(accepting) => drop(tokio::spawn(accepting.run())),
                        Err(_) => tracker.advance(Stage::Aborting),
                    }
                }
                tracker.reached(Stage::Finishing).await;
                tracker.drained().await;
            }
        })?;
        shutting_down.await;
        #[cfg(feature = "http3")]
        end_all(quic).await?;
        workers.join().await.map_err(io::Error::other)
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// As [`run`](Server::run).
    pub async fn run_forever(self) -> io::Result<()> {
        self.run(pending()).await
    }
}

/// Waits for what finishes: the time of grace is over by then, or nothing is left.
#[cfg(feature = "http3")]
async fn end_all(tasks: Vec<tokio::task::JoinHandle<io::Result<()>>>) -> io::Result<()> {
    for task in tasks {
        task.await.map_err(io::Error::other)??;
    }
    Ok(())
}

struct AbortOnDrop(Tracker);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.advance(Stage::Aborting);
    }
}
