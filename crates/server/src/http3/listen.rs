//! The UDP socket, and how clients learn of it.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wirelace_http3::quic::tls::quic::{QuicServerTls, ResetKey, TokenKeys};
use wirelace_http3::quic::{Endpoint, Incoming, Limits as QuicLimits, ServerConfig};
use wirelace_runtime::quic::{Application, Controller, Decision, Driver};
use wirelace_runtime::{Stage, Tracker};
use wirelace_tls_glue::ServerTls;

use super::handshakes::Handshakes;
use crate::info::{ConnectionInfo, Transport};
use crate::serve::{Serve, Settings};
use crate::tls::MAX_HANDSHAKES;

/// Handshakes that are under way when clients have to show first that they are where they say (RFC 9000 §8.1.2).
const UNVALIDATED: usize = 1000;
/// How long clients remember where HTTP/3 is spoken, in seconds (RFC 7838 §3.1).
const MAX_AGE: u32 = 86_400;

/// An application of any service.
type AnyApplication = Box<dyn Application + Send + Unpin>;

/// A socket that is bound, and what is spoken there.
#[derive(Debug)]
pub(crate) struct QuicBound {
    socket: UdpSocket,
    local: SocketAddr,
    config: ServerConfig,
}

/// What Alt-Svc says of it.
pub(crate) fn alt_svc(local: SocketAddr) -> Bytes {
    Bytes::from(format!("h3=\":{}\"; ma={MAX_AGE}", local.port()))
}

impl QuicBound {
    /// Takes the same address with UDP.
    pub(crate) fn new(tls: &ServerTls, limits: &Arc<QuicLimits>, local: SocketAddr) -> io::Result<QuicBound> {
        let socket = UdpSocket::bind(local)?;
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let tls = QuicServerTls::new(tls, [wirelace_http3::ALPN]).map_err(invalid)?;
        let secret = || wirelace_runtime::quic::random();
        let mut config =
            ServerConfig::new(tls, Arc::new(TokenKeys::new(&secret()?)), Arc::new(ResetKey::new(&secret()?)));
        config.limits = Arc::clone(limits);
        Ok(QuicBound { socket, local, config })
    }

    /// Serves until the server has shut down.
    pub(crate) fn start<S: Serve>(
        self,
        service: Arc<S>,
        settings: Settings,
        tracker: Tracker,
        grace: Duration,
    ) -> io::Result<tokio::task::JoinHandle<io::Result<()>>> {
        let QuicBound { socket, local, config } = self;
        let handshakes = Handshakes::default();
        let accept = move |incoming: &Incoming| -> Decision<AnyApplication> {
            if handshakes.count() >= UNVALIDATED && !incoming.is_validated() && incoming.may_retry() {
                return Decision::Retry;
            }
            if handshakes.count() >= MAX_HANDSHAKES {
                return Decision::Refuse;
            }
            let info = ConnectionInfo { peer: incoming.remote(), local, transport: Transport::Quic };
            Decision::Accept(service.http3(info, &settings, handshakes.begin()))
        };
        let endpoint = Endpoint::new(Some(config), &wirelace_runtime::quic::random()?);
        let (driver, controller) = Driver::new(socket, endpoint, true, accept)?;
        Ok(tokio::spawn(watched(driver, controller, tracker, grace)))
    }
}

/// Ends the driver with the server.
async fn watched<D: Future<Output = io::Result<()>>>(
    driver: D,
    controller: Controller<AnyApplication>,
    tracker: Tracker,
    grace: Duration,
) -> io::Result<()> {
    let mut driver = std::pin::pin!(driver);
    tokio::select! {
        ended = &mut driver => return ended,
        () = tracker.reached(Stage::Finishing) => controller.shut_down(),
    }
    tokio::select! {
        ended = &mut driver => ended,
        () = tracker.reached(Stage::Aborting) => Ok(()),
        () = tokio::time::sleep(grace) => Ok(()),
    }
}
