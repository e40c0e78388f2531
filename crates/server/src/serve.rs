//! What a server serves: the one step from an accepted stream to a running connection.

use std::fmt;
use std::sync::Arc;

use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use wirelace_http1::{Limits, ServerConnection};
use wirelace_http2::Limits as Http2Limits;
use wirelace_runtime::{Connection, DriverOptions, Tracked};

use crate::any_http::{AnyHttp, Undecided};
use crate::app::App;
use crate::call::{Call, CallFn};
use crate::early::EarlyRequests;
use crate::handler::Handler;
use crate::info::ConnectionInfo;
use crate::link::Link;
use crate::request_body::RequestBody;
use crate::respond::Additions;
use crate::response_body::BoxError;
use crate::secured::Secured;
use crate::tower::{BridgeOptions, TowerCall};
use crate::trace;
use crate::versions::{Begin, Versions};

/// What all connections of a server have in common.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) versions: Versions,
    pub(crate) limits: Arc<Limits>,
    pub(crate) http2_limits: Arc<Http2Limits>,
    /// Of connections in the clear, and with TLS.
    pub(crate) additions: Arc<Additions>,
    pub(crate) secure_additions: Arc<Additions>,
    pub(crate) driver: DriverOptions,
    pub(crate) bridge: BridgeOptions,
    pub(crate) early: EarlyRequests,
    #[cfg(feature = "http3")]
    pub(crate) http3_limits: Arc<wirelace_http3::Limits>,
}

/// An accepted stream.
pub(crate) struct Accepted<IO> {
    pub(crate) io: IO,
    pub(crate) info: ConnectionInfo,
    pub(crate) secured: Secured,
    pub(crate) tracked: Option<Tracked>,
    /// Makes the end of the stream a reset.
    pub(crate) reset: Option<fn(&IO)>,
}

pub(crate) mod sealed {
    use super::{Accepted, Settings};
    use tokio::io::{AsyncRead, AsyncWrite};

    /// Starts connections.
    pub trait Start: Send + Sync + 'static {
        /// The connection, to be awaited on a runtime.
        #[doc(hidden)]
        #[allow(private_interfaces)]
        fn connection<IO>(
            &self,
            accepted: Accepted<IO>,
            settings: &Settings,
        ) -> impl Future<Output = ()> + Send + 'static + use<Self, IO>
        where
            IO: AsyncRead + AsyncWrite + Unpin + Send + 'static;

        /// A connection over QUIC.
        #[cfg(feature = "http3")]
        #[doc(hidden)]
        #[allow(private_interfaces)]
        fn http3(
            &self,
            info: crate::info::ConnectionInfo,
            settings: &Settings,
            handshake: crate::http3::Handshake,
        ) -> Box<dyn wirelace_runtime::quic::Application + Send + Unpin>;

        /// The same, as a task of the current runtime.
        #[doc(hidden)]
        #[allow(private_interfaces)]
        fn start<IO>(&self, accepted: Accepted<IO>, settings: &Settings) -> tokio::task::JoinHandle<()>
        where
            IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        {
            tokio::spawn(self.connection(accepted, settings))
        }
    }
}

use sealed::Start;

/// What a server can serve: [`Native`] handlers and [`Tower`] services.
pub trait Serve: Start {}

impl<T: Start> Serve for T {}

/// A [`Handler`].
pub struct Native<H>(pub(crate) Arc<H>);

/// A [`tower_service::Service`].
pub struct Tower<S>(pub(crate) Template<S>);

/// Services are cloned for each connection; they need not be `Sync` for that, the lock is.
pub(crate) struct Template<S>(pub(crate) std::sync::Mutex<S>);

impl<H> fmt::Debug for Native<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Native")
    }
}

impl<S> fmt::Debug for Tower<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tower")
    }
}

#[allow(private_interfaces)]
impl<H: Handler> Start for Native<H> {
    fn connection<IO>(
        &self,
        accepted: Accepted<IO>,
        settings: &Settings,
    ) -> impl Future<Output = ()> + Send + 'static + use<H, IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handler = Arc::clone(&self.0);
        let call = CallFn(move |request| handler.answer(request));
        connection(accepted, call, settings)
    }

    #[cfg(feature = "http3")]
    fn http3(
        &self,
        info: ConnectionInfo,
        settings: &Settings,
        handshake: crate::http3::Handshake,
    ) -> Box<dyn wirelace_runtime::quic::Application + Send + Unpin> {
        let handler = Arc::clone(&self.0);
        over_quic(CallFn(move |request| handler.answer(request)), info, settings, handshake)
    }
}

#[allow(private_interfaces)]
impl<S, B> Start for Tower<S>
where
    S: Service<http::Request<RequestBody>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn connection<IO>(
        &self,
        accepted: Accepted<IO>,
        settings: &Settings,
    ) -> impl Future<Output = ()> + Send + 'static + use<S, B, IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = crate::link::lock(&self.0.0).clone();
        connection(accepted, TowerCall { service, options: settings.bridge, authority: None }, settings)
    }

    #[cfg(feature = "http3")]
    fn http3(
        &self,
        info: ConnectionInfo,
        settings: &Settings,
        handshake: crate::http3::Handshake,
    ) -> Box<dyn wirelace_runtime::quic::Application + Send + Unpin> {
        let service = crate::link::lock(&self.0.0).clone();
        let call = TowerCall { service, options: settings.bridge, authority: None };
        over_quic(call, info, settings, handshake)
    }
}

fn connection<IO, C>(accepted: Accepted<IO>, call: C, settings: &Settings) -> Connection<IO, AnyHttp, App<C>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Call,
{
    let Accepted { io, info, secured, tracked, reset } = accepted;
    trace::opened(&info);
    let now = tokio::time::Instant::now().into_std();
    let secure = info.transport.is_secure();
    let http1 = || ServerConnection::new(Arc::clone(&settings.limits), now);
    let http2 = || Undecided { limits: Arc::clone(&settings.http2_limits), secure };
    let machine = match settings.versions.begin(secured.alpn()) {
        Begin::Http1 => AnyHttp::http1(http1()),
        Begin::Http2 => AnyHttp::http2(http2(), now),
        Begin::Undecided => AnyHttp::Http1 { machine: http1(), undecided: Some(http2()) },
    };
    let additions = if secure { &settings.secure_additions } else { &settings.additions };
    let app = App::new(call, Arc::new(Link::new(info, secured)), Arc::clone(additions), settings.early);
    Connection::new(io, machine, app, settings.driver, tracked).with_reset(reset)
}

#[cfg(feature = "http3")]
fn over_quic<C: Call>(
    call: C,
    info: ConnectionInfo,
    settings: &Settings,
    handshake: crate::http3::Handshake,
) -> Box<dyn wirelace_runtime::quic::Application + Send + Unpin> {
    let limits = Arc::clone(&settings.http3_limits);
    let additions = Arc::clone(&settings.secure_additions);
    Box::new(crate::http3::Http3Connection::new(call, handshake, limits, info, additions, settings.early))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;
    use crate::response::Response;

    #[tokio::test]
    async fn a_connection_is_small() {
        let settings = Settings {
            versions: Versions::ALL,
            limits: Arc::default(),
            http2_limits: Arc::default(),
            additions: Arc::default(),
            secure_additions: Arc::default(),
            driver: DriverOptions::default(),
            bridge: BridgeOptions::default(),
            early: EarlyRequests::default(),
            #[cfg(feature = "http3")]
            http3_limits: Arc::default(),
        };
        let accepted = Accepted {
            io: tokio::io::empty(),
            info: ConnectionInfo::memory(),
            secured: Secured::default(),
            tracked: None,
            reset: None,
        };
        let hello = CallFn(|_: Request| async { Response::from("hello") });
        let size = size_of_val(&connection(accepted, hello, &settings));
        // Beside it an idle connection has a timer, a link and what the runtime keeps: below 1 KiB.
        assert!(size <= 1280, "{size} bytes");
    }
}
