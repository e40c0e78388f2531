//! Connections that wait for their next request.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use wirelace::client::{Connection, Error, Options};
use wirelace::tls_glue::ClientTls;

use super::show;
use crate::origin::{Origin, Resolve};
use crate::voice::Voice;

/// Idle connections by origin.
pub(super) struct Pool {
    idle: Mutex<HashMap<Origin, Vec<Connection>>>,
    pinned: Vec<Resolve>,
    /// With early data, if that is wanted, and without. `None`: no URL needs it.
    tls: Option<[ClientTls; 2]>,
    voice: Voice,
}

/// A connection for one request.
pub(super) struct Checkout {
    pub(super) connection: Connection,
    /// How long looking up the name, connecting and the TLS handshake took; `None`: it was there already.
    pub(super) connecting: Option<Duration>,
}

impl Pool {
    pub(super) fn new(pinned: Vec<Resolve>, tls: Option<ClientTls>, voice: Voice) -> Pool {
        let tls = tls.map(|tls| [tls.clone(), tls.without_early_data()]);
        Pool { idle: Mutex::default(), pinned, tls, voice }
    }

    /// An idle connection, or else a new one. `fresh`: a new one in any case; `early`: it may begin with early data.
    ///
    /// # Errors
    /// The name is not known, none of its addresses answers, or the TLS handshake fails with the first that does.
    pub(super) async fn get(&self, origin: &Origin, fresh: bool, early: bool) -> Result<Checkout, Error> {
        if !fresh {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(waiting) = idle.get_mut(origin) {
                waiting.retain(Connection::is_open);
                if let Some(connection) = waiting.pop() {
                    self.voice.detail(format_args!("* using the connection to {} again", origin.host));
                    return Ok(Checkout { connection, connecting: None });
                }
            }
        }
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
                    return Ok(Checkout { connection, connecting: Some(begun.elapsed()) });
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
            _ if !origin.tls => Connection::connect(address, Options::default()).await,
            Some([with, without]) => {
                let tls = if early { with } else { without };
                Connection::connect_tls(address, &origin.host, tls, Options::default()).await
            }
            None => Err(Error::Connect(std::io::Error::other("no settings for TLS"))),
        }
    }

    /// Takes a connection back whose last response has been read.
    pub(super) fn put(&self, origin: &Origin, connection: Connection) {
        if connection.is_open() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.entry(origin.clone()).or_default().push(connection);
        }
    }
}
