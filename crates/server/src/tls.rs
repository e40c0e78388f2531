//! TLS on a listener: the handshake, then the same connection as without.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use wirelace_runtime::tls::{TlsStream, accept};
use wirelace_runtime::{Stage, Tracked, reset_on_drop};
use wirelace_tls_glue::ServerTls;

use crate::info::{ConnectionInfo, Transport};
use crate::secured::Secured;
use crate::serve::{Accepted, Serve, Settings};
use crate::trace;
use crate::versions::Versions;

/// Handshakes under way at a time, for each worker.
pub(crate) const MAX_HANDSHAKES: usize = 4096;

/// Spoken with the handshake alone: its certificate is the answer (RFC 8737 §3).
const ACME: &str = "acme-tls/1";

/// Offers what is spoken where nothing else was said, and nothing that is not.
pub(crate) fn with_protocols(tls: ServerTls, versions: Versions) -> io::Result<ServerTls> {
    let spoken: Vec<&str> = versions.protocols().collect();
    let known = |protocol: &[u8]| spoken.iter().chain([&ACME]).any(|known| known.as_bytes() == protocol);
    if let Some(other) = tls.alpn().find(|protocol| !known(protocol)) {
        let message = format!(
            "the application protocol (ALPN) `{}` is offered and not spoken here: {} and {ACME} are",
            other.escape_ascii(),
            spoken.join(", "),
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let silent = tls.alpn().next().is_none();
    Ok(if silent { tls.with_alpn(spoken) } else { tls })
}

/// How one accepting loop speaks TLS.
#[derive(Clone)]
pub(crate) struct Handshakes {
    tls: ServerTls,
    permits: Arc<Semaphore>,
}

impl Handshakes {
    pub(crate) fn new(tls: ServerTls, at_once: usize) -> Handshakes {
        Handshakes { tls, permits: Arc::new(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS))) }
    }

    /// How long a handshake may take.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.tls.handshake_timeout()
    }

    /// Shakes hands in a task of its own, and serves the connection then.
    pub(crate) fn start<S: Serve>(
        &self,
        io: TcpStream,
        mut info: ConnectionInfo,
        tracked: Tracked,
        service: &Arc<S>,
        settings: &Settings,
    ) {
        // See `Builder::max_handshakes` for why it does not wait.
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            reset_on_drop(&io);
            return;
        };
        info.transport = Transport::Tls;
        let tls = self.tls.clone();
        let (service, settings) = (Arc::clone(service), settings.clone());
        tokio::spawn(async move {
            let handshake = unless_finishing(accept(io, &tls), &tracked).await;
            drop(permit);
            match handshake {
                Some(Ok(io)) => {
                    if let Some(accepted) = secure(io, info, tracked).await {
                        // In a task of its own: this one has room for the handshake, too, for as long as it lives.
                        service.start(accepted, &settings);
                    }
                }
                Some(Err(error)) => trace::handshake_failed(&info, &error),
                None => {}
            }
        });
    }
}

/// `None`: the server shuts down.
async fn unless_finishing<F: Future>(future: F, tracked: &Tracked) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut registered = false;
    poll_fn(|cx| {
        if !std::mem::replace(&mut registered, true) {
            tracked.register(cx.waker());
        }
        if tracked.stage() >= Stage::Finishing {
            return Poll::Ready(None);
        }
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// After the handshake: what is to be served, unless the handshake was all.
async fn secure(
    mut io: TlsStream<TcpStream>,
    info: ConnectionInfo,
    tracked: Tracked,
) -> Option<Accepted<TlsStream<TcpStream>>> {
    let report = io.report().cloned();
    if report.as_ref().is_some_and(|report| report.alpn.as_deref() == Some(ACME.as_bytes())) {
        // Whoever asked has the answer; that it is told the end is a courtesy.
        let _ = io.shutdown().await;
        return None;
    }
    let early = io.early();
    let secured = report.map(|report| Secured::new(report, early)).unwrap_or_default();
    let reset = Some(reset_below as fn(&_));
    Some(Accepted { io, info, secured, tracked: Some(tracked), reset })
}

fn reset_below(stream: &TlsStream<TcpStream>) {
    reset_on_drop(stream.get_ref());
}
