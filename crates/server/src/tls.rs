//! TLS on a listener: the handshake, then the same connection as without.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use wirelace_runtime::tls::{TlsStream, accept};
use wirelace_runtime::{Stage, Tracked, Tracker, reset_on_drop};
use wirelace_tls_glue::ServerTls;

use crate::info::{ConnectionInfo, Transport};
use crate::serve::{Accepted, Serve, Settings};
use crate::trace;

/// Handshakes under way at a time, for each worker.
pub(crate) const MAX_HANDSHAKES: usize = 4096;

/// How a server speaks TLS.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    pub(crate) tls: ServerTls,
    pub(crate) handshakes: usize,
}

/// The same, for one accepting loop.
#[derive(Clone)]
pub(crate) struct Handshakes {
    tls: ServerTls,
    permits: Arc<Semaphore>,
}

impl Handshakes {
    pub(crate) fn new(tls: Tls) -> Handshakes {
        let permits = tls.handshakes.clamp(1, Semaphore::MAX_PERMITS);
        Handshakes { tls: tls.tls, permits: Arc::new(Semaphore::new(permits)) }
    }

    /// How long a handshake may take.
    pub(crate) fn timeout(&self) -> Option<std::time::Duration> {
        self.tls.handshake_timeout()
    }

    /// Shakes hands in a task of its own, and serves the connection then.
    pub(crate) fn start<S: Serve>(
        &self,
        io: TcpStream,
        mut info: ConnectionInfo,
        tracked: Tracked,
        tracker: &Tracker,
        service: &Arc<S>,
        settings: &Settings,
    ) {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            // They cost more than a connection does: rather few at all than all too late.
            reset_on_drop(&io);
            return;
        };
        info.transport = Transport::Tls;
        let (tls, tracker) = (self.tls.clone(), tracker.clone());
        let (service, settings) = (Arc::clone(service), settings.clone());
        tokio::spawn(async move {
            let handshake = tokio::select! {
                biased;
                handshake = accept(io, &tls) => handshake,
                () = tracker.reached(Stage::Finishing) => return,
            };
            drop(permit);
            match handshake {
                Ok(io) => {
                    let reset = Some(reset_below as fn(&_));
                    service.start(Accepted { io, info, tracked: Some(tracked), reset }, &settings);
                }
                Err(error) => trace::handshake_failed(&info, &error),
            }
        });
    }
}

fn reset_below(stream: &TlsStream<TcpStream>) {
    reset_on_drop(stream.get_ref());
}
