//! Connections that wait for their next request, or take many.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use wirelace::client::{Connection, Error, HttpVersion, Options};
use wirelace::tls_glue::ClientTls;

use super::channel::{Channel, Shared};
use super::{overheard, show};
use crate::origin::{Origin, Resolve};
use crate::voice::Voice;

/// How long what servers have promised is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connections by origin.
pub(super) struct Pool {
    idle: Mutex<HashMap<Origin, Vec<Connection>>>,
    shared: Mutex<HashMap<Origin, Arc<tokio::sync::Mutex<Known>>>>,
    /// Those who listen to servers.
    tasks: Mutex<JoinSet<()>>,
    pinned: Vec<Resolve>,
    /// With early data, if that is wanted, and without. `None`: no URL needs it.
    tls: Option<[ClientTls; 2]>,
    options: Options,
    version: HttpVersion,
    voice: Voice,
}

/// What an origin speaks.
#[derive(Default)]
enum Known {
    #[default]
    Nothing,
    Http1,
    Http2(Shared),
}

/// How a connection is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// A new one, for one that waited turned out to be closed.
    pub(super) fresh: bool,
    /// For one request alone.
    pub(super) once: bool,
    /// Not one that others use at the same time.
    pub(super) apart: bool,
    /// It may begin with early data.
    pub(super) early: bool,
}

/// A connection for one request.
pub(super) struct Checkout {
    pub(super) channel: Channel,
    /// How long looking up the name, connecting and the TLS handshake took; `None`: it was there already.
    pub(super) connecting: Option<Duration>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub(super) fn new(
        pinned: Vec<Resolve>,
        tls: Option<ClientTls>,
        options: Options,
        version: HttpVersion,
        voice: Voice,
    ) -> Pool {
        let tls = tls.map(|tls| [tls.clone(), tls.without_early_data()]);
        let (idle, shared, tasks) = (Mutex::default(), Mutex::default(), Mutex::default());
        Pool { idle, shared, tasks, pinned, tls, options: options.version(version), version, voice }
    }

    /// A connection that is there, or else a new one.
    ///
    /// # Errors
    /// The name is not known, none of its addresses answers, or the TLS handshake fails with the first that does.
    pub(super) async fn get(&self, origin: &Origin, wish: Wish) -> Result<Checkout, Error> {
        if self.may_share(origin) && !wish.once && !wish.apart {
            let known = Arc::clone(lock(&self.shared).entry(origin.clone()).or_default());
            // The first one finds out for all what the server speaks.
            let mut known = known.lock().await;
            match &*known {
                Known::Http1 => {}
                Known::Http2(shared) if shared.handle.is_open() => {
                    let shared = shared.clone();
                    drop(known);
                    // More at once than it takes would be refused. Early data wait for no answer.
                    if !shared.handle.is_early() {
                        shared.handle.settled().await;
                    }
                    return Ok(self.again(origin, Channel::Shared(shared)));
                }
                Known::Http2(_) | Known::Nothing => {
                    let checkout = self.dial(origin, wish.early).await?;
                    *known = match &checkout.channel {
                        Channel::Alone(_) => Known::Http1,
                        Channel::Shared(shared) => Known::Http2(shared.clone()),
                    };
                    return Ok(checkout);
                }
            }
        }
        if !wish.fresh && !wish.once {
            let mut idle = lock(&self.idle);
            if let Some(waiting) = idle.get_mut(origin) {
                waiting.retain(Connection::is_open);
                if let Some(connection) = waiting.pop() {
                    return Ok(self.again(origin, Channel::Alone(connection)));
                }
            }
        }
        self.dial(origin, wish.early).await
    }

    /// Whether the server may turn out to speak HTTP/2.
    fn may_share(&self, origin: &Origin) -> bool {
        match self.version {
            HttpVersion::Best => origin.tls,
            HttpVersion::Http1 => false,
            HttpVersion::Http2 => true,
        }
    }

    fn again(&self, origin: &Origin, channel: Channel) -> Checkout {
        self.voice.detail(format_args!("* using the connection to {} again", origin.host));
        Checkout { channel, connecting: None }
    }

    async fn dial(&self, origin: &Origin, early: bool) -> Result<Checkout, Error> {
        let begun = Instant::now();
        let addresses = origin.addresses(&self.pinned).await.map_err(Error::Connect)?;
        let mut last = None;
        for address in addresses {
            self.voice.detail(format_args!("* connecting to {address}"));
            match self.connect(address, origin, early).await {
                Ok(connection) => {
                    if let Some(handshake) = connection.handshake() {
                        show::handshake(self.voice, handshake);
                    }
                    let channel = match connection.handle() {
                        None => Channel::Alone(connection),
                        Some(handle) => {
                            overheard::listen(&handle, self.voice, &mut lock(&self.tasks));
                            Channel::Shared(Shared::new(handle))
                        }
                    };
                    return Ok(Checkout { channel, connecting: Some(begun.elapsed()) });
                }
                Err(error @ Error::Connect(_)) => {
                    self.voice.detail(format_args!("* {address}: {error}"));
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        let nowhere = || Error::Connect(std::io::Error::other("the name has no address"));
        Err(last.unwrap_or_else(nowhere))
    }

    async fn connect(&self, address: SocketAddr, origin: &Origin, early: bool) -> Result<Connection, Error> {
        match &self.tls {
            _ if !origin.tls => Connection::connect(address, self.options.clone()).await,
            Some([with, without]) => {
                let tls = if early { with } else { without };
                Connection::connect_tls(address, &origin.host, tls, self.options.clone()).await
            }
            None => Err(Error::Connect(std::io::Error::other("no settings for TLS"))),
        }
    }

    /// Takes a connection back whose last response has been read.
    pub(super) fn put(&self, origin: &Origin, channel: Channel) {
        if let Channel::Alone(connection) = channel
            && connection.is_open()
        {
            lock(&self.idle).entry(origin.clone()).or_default().push(connection);
        }
    }

    /// Lets go of all connections, and waits for what servers have promised on them.
    pub(super) async fn finish(&self) {
        lock(&self.idle).clear();
        lock(&self.shared).clear();
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        let _ = tokio::time::timeout(PATIENCE, async { while tasks.join_next().await.is_some() {} }).await;
    }
}
