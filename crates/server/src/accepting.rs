//! The loops that take connections in.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use wirelace_runtime::{Acceptor, ListenOptions, Stage, Tracked, Tracker};
#[cfg(feature = "tls")]
use wirelace_tls_glue::ServerTls;

use crate::info::{ConnectionInfo, Transport};
use crate::proxied::{ProxyProtocol, read_header};
use crate::redirect::Redirect;
use crate::secured::Secured;
use crate::serve::sealed::Start as _;
use crate::serve::{Accepted, Native, Serve, Settings};
#[cfg(feature = "tls")]
use crate::tls::Handshakes;
use crate::trace;

/// An address that is listened at.
#[derive(Debug)]
pub(crate) struct Bound {
    /// One, or one for each worker.
    pub(crate) listeners: Vec<StdListener>,
    pub(crate) local: SocketAddr,
    pub(crate) speaks: Speaks,
}

/// What is spoken at an address.
#[derive(Debug, Clone)]
pub(crate) enum Speaks {
    Http,
    /// HTTP, to say that TLS is elsewhere.
    Redirect(Arc<Native<Redirect>>),
    #[cfg(feature = "tls")]
    Tls(ServerTls),
}

/// What all loops of a server have in common.
#[derive(Debug)]
pub(crate) struct Common<S> {
    pub(crate) service: Arc<S>,
    pub(crate) settings: Settings,
    pub(crate) tracker: Tracker,
    pub(crate) options: ListenOptions,
    pub(crate) proxy: ProxyProtocol,
    #[cfg(feature = "tls")]
    pub(crate) handshakes: usize,
}

impl<S> Clone for Common<S> {
    fn clone(&self) -> Common<S> {
        Common {
            service: Arc::clone(&self.service),
            settings: self.settings.clone(),
            tracker: self.tracker.clone(),
            options: self.options.clone(),
            proxy: self.proxy,
            #[cfg(feature = "tls")]
            handshakes: self.handshakes,
        }
    }
}

/// What one accepting loop needs, before it is known on which thread.
pub(crate) struct Later<S> {
    common: Common<S>,
    listener: StdListener,
    local: SocketAddr,
    speaks: Speaks,
}

/// One accepting loop.
pub(crate) struct Accepting<S> {
    common: Common<S>,
    acceptor: Acceptor,
    local: SocketAddr,
    front: Front,
}

/// What stands between a connection and its service.
#[derive(Clone)]
enum Front {
    Nothing,
    Redirect(Arc<Native<Redirect>>),
    #[cfg(feature = "tls")]
    Tls(Handshakes),
}

/// The loops of each worker.
pub(crate) fn for_workers<S: Serve>(
    common: &Common<S>,
    bound: Vec<Bound>,
    workers: usize,
) -> Vec<Vec<Later<S>>> {
    let mut all: Vec<Vec<Later<S>>> = (0..workers.max(1)).map(|_| Vec::new()).collect();
    for Bound { listeners, local, speaks } in bound {
        for (worker, listener) in all.iter_mut().zip(listeners) {
            worker.push(Later { common: common.clone(), listener, local, speaks: speaks.clone() });
        }
    }
    all
}

impl<S: Serve> Later<S> {
    pub(crate) fn here(self) -> io::Result<Accepting<S>> {
        let front = match self.speaks {
            Speaks::Http => Front::Nothing,
            Speaks::Redirect(redirect) => Front::Redirect(redirect),
            #[cfg(feature = "tls")]
            Speaks::Tls(tls) => Front::Tls(Handshakes::new(tls, self.common.handshakes)),
        };
        Ok(Accepting {
            acceptor: Acceptor::new(self.listener, self.common.options.clone())?,
            common: self.common,
            local: self.local,
            front,
        })
    }
}

impl<S: Serve> Accepting<S> {
    pub(crate) async fn run(mut self) {
        let tracker = &self.common.tracker;
        let mut stopped = pin!(tracker.reached(Stage::Finishing));
        let mut tick = pin!(sleep(TICK));
        loop {
            let (io, peer) = tokio::select! {
                biased;
                () = &mut stopped => return,
                accepted = self.acceptor.accept() => accepted,
            };
            keep_ticking(tick.as_mut()).await;
            let Some(tracked) = tracker.admit().await else { return };
            // A listener at one address needs no system call to know it.
            let local = if self.local.ip().is_unspecified() {
                io.local_addr().unwrap_or(self.local)
            } else {
                self.local
            };
            let info = ConnectionInfo::new(peer, local, Transport::Tcp);
            let accepted = (io, info, tracked);
            match self.common.proxy {
                ProxyProtocol::Off => begin(accepted, &self.front, &self.common),
                ProxyProtocol::Required => begin_behind_header(accepted, &self.front, &self.common),
            }
        }
    }
}

/// How long a timer of the accepting loop runs.
const TICK: Duration = Duration::from_secs(1);

/// tokio wakes its driver, by a system call, for each timer that is earlier than all others: for the handshake of nearly
/// each connection. While connections come, this timer is earlier than theirs.
async fn keep_ticking(mut tick: Pin<&mut Sleep>) {
    let now = Instant::now();
    if tick.deadline() <= now {
        tick.as_mut().reset(now + TICK);
    }
    poll_fn(|cx| {
        let _ = tick.as_mut().poll(cx);
        Poll::Ready(())
    })
    .await;
}

/// Serves a connection, after its handshake if there is one.
fn begin<S: Serve>(
    (io, info, tracked): (TcpStream, ConnectionInfo, Tracked),
    front: &Front,
    common: &Common<S>,
) {
    let Common { service, settings, .. } = common;
    match front {
        Front::Nothing => drop(service.start(in_the_clear(io, info, tracked), settings)),
        Front::Redirect(redirect) => drop(redirect.start(in_the_clear(io, info, tracked), settings)),
        #[cfg(feature = "tls")]
        Front::Tls(handshakes) => handshakes.start(io, info, tracked, service, settings),
    }
}

fn in_the_clear(io: TcpStream, info: ConnectionInfo, tracked: Tracked) -> Accepted<TcpStream> {
    let reset = Some(wirelace_runtime::reset_on_drop as fn(&_));
    Accepted { io, info, secured: Secured::default(), tracked: Some(tracked), reset }
}

/// The same, after the PROXY header, in a task of its own.
fn begin_behind_header<S: Serve>(
    (mut io, mut info, tracked): (TcpStream, ConnectionInfo, Tracked),
    front: &Front,
    common: &Common<S>,
) {
    let (front, common) = (front.clone(), common.clone());
    let within = match &front {
        #[cfg(feature = "tls")]
        Front::Tls(handshakes) => handshakes.timeout(),
        _ => common.settings.limits.timeouts.head,
    };
    tokio::spawn(async move {
        let header = tokio::select! {
            biased;
            header = read_header(&mut io, &mut info, within) => header,
            () = common.tracker.reached(Stage::Finishing) => return,
        };
        match header {
            Ok(_) => begin((io, info, tracked), &front, &common),
            Err(error) => trace::proxy_failed(&info, &error),
        }
    });
}
