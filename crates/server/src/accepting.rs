//! The loops that take connections in.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;

use tokio::net::TcpStream;
use wirelace_runtime::{Acceptor, ListenOptions, Stage, Tracked, Tracker};

use crate::info::{ConnectionInfo, Transport};
use crate::proxied::{ProxyProtocol, read_header};
use crate::serve::{Accepted, Serve, Settings};
#[cfg(feature = "tls")]
use crate::tls::{Handshakes, Tls};
use crate::trace;

/// An address that is listened at.
#[derive(Debug)]
pub(crate) struct Bound {
    /// One, or one for each worker.
    pub(crate) listeners: Vec<StdListener>,
    pub(crate) local: SocketAddr,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
}

/// What all loops of a server have in common.
#[derive(Debug)]
pub(crate) struct Common<S> {
    pub(crate) service: Arc<S>,
    pub(crate) settings: Settings,
    pub(crate) tracker: Tracker,
    pub(crate) options: ListenOptions,
    pub(crate) proxy: ProxyProtocol,
}

impl<S> Clone for Common<S> {
    fn clone(&self) -> Common<S> {
        Common {
            service: Arc::clone(&self.service),
            settings: self.settings.clone(),
            tracker: self.tracker.clone(),
            options: self.options.clone(),
            proxy: self.proxy,
        }
    }
}

/// What one accepting loop needs, before it is known on which thread.
pub(crate) struct Later<S> {
    common: Common<S>,
    listener: StdListener,
    local: SocketAddr,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

/// One accepting loop.
pub(crate) struct Accepting<S> {
    common: Common<S>,
    acceptor: Acceptor,
    local: SocketAddr,
    #[cfg(feature = "tls")]
    handshakes: Option<Handshakes>,
}

/// The loops of each worker.
pub(crate) fn for_workers<S: Serve>(
    common: &Common<S>,
    bound: Vec<Bound>,
    workers: usize,
) -> Vec<Vec<Later<S>>> {
    let mut all: Vec<Vec<Later<S>>> = (0..workers.max(1)).map(|_| Vec::new()).collect();
    for Bound {
        listeners,
        local,
        #[cfg(feature = "tls")]
        tls,
    } in bound
    {
        for (worker, listener) in all.iter_mut().zip(listeners) {
            worker.push(Later {
                common: common.clone(),
                listener,
                local,
                #[cfg(feature = "tls")]
                tls: tls.clone(),
            });
        }
    }
    all
}

impl<S: Serve> Later<S> {
    pub(crate) fn here(self) -> io::Result<Accepting<S>> {
        Ok(Accepting {
            acceptor: Acceptor::new(self.listener, self.common.options.clone())?,
            common: self.common,
            local: self.local,
            #[cfg(feature = "tls")]
            handshakes: self.tls.map(Handshakes::new),
        })
    }
}

impl<S: Serve> Accepting<S> {
    pub(crate) async fn run(mut self) {
        let tracker = &self.common.tracker;
        let mut stopped = pin!(tracker.reached(Stage::Finishing));
        loop {
            let (io, peer) = tokio::select! {
                biased;
                () = &mut stopped => return,
                accepted = self.acceptor.accept() => accepted,
            };
            let Some(tracked) = tracker.admit().await else { return };
            // A listener at one address needs no system call to know it.
            let local = if self.local.ip().is_unspecified() {
                io.local_addr().unwrap_or(self.local)
            } else {
                self.local
            };
            let info = ConnectionInfo::new(peer, local, Transport::Tcp);
            let accepted = (io, info, tracked);
            #[cfg(feature = "tls")]
            let handshakes = self.handshakes.as_ref();
            #[cfg(not(feature = "tls"))]
            let handshakes = None;
            match self.common.proxy {
                ProxyProtocol::Off => begin(accepted, handshakes, &self.common),
                ProxyProtocol::Required => begin_behind_header(accepted, handshakes, &self.common),
            }
        }
    }
}

/// Nobody shakes hands.
#[cfg(not(feature = "tls"))]
type Handshakes = std::convert::Infallible;

/// Serves a connection, after its handshake if there is one.
fn begin<S: Serve>(
    (io, info, tracked): (TcpStream, ConnectionInfo, Tracked),
    handshakes: Option<&Handshakes>,
    common: &Common<S>,
) {
    let Common { service, settings, .. } = common;
    match handshakes {
        #[cfg(feature = "tls")]
        Some(handshakes) => handshakes.start(io, info, tracked, &common.tracker, service, settings),
        #[cfg(not(feature = "tls"))]
        Some(never) => match *never {},
        None => {
            let reset = Some(wirelace_runtime::reset_on_drop as fn(&_));
            service.start(Accepted { io, info, tracked: Some(tracked), reset }, settings);
        }
    }
}

/// The same, after the PROXY header, in a task of its own.
fn begin_behind_header<S: Serve>(
    (mut io, mut info, tracked): (TcpStream, ConnectionInfo, Tracked),
    handshakes: Option<&Handshakes>,
    common: &Common<S>,
) {
    let (handshakes, common) = (handshakes.cloned(), common.clone());
    let within = common.settings.limits.timeouts.head;
    #[cfg(feature = "tls")]
    let within = handshakes.as_ref().map_or(within, Handshakes::timeout);
    tokio::spawn(async move {
        let header = tokio::select! {
            biased;
            header = read_header(&mut io, &mut info, within) => header,
            () = common.tracker.reached(Stage::Finishing) => return,
        };
        match header {
            Ok(_) => begin((io, info, tracked), handshakes.as_ref(), &common),
            Err(error) => trace::proxy_failed(&info, &error),
        }
    });
}
