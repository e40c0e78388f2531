//! The client's handle.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, ToSocketAddrs};
use wirelace_wire_codec::session::{Options, Session};

use super::body::driver_options;
use super::caller_app::CallerApp;
use super::error::CallError;
use super::mailbox::{Shared, Waiting};
use crate::Connection;
use crate::timer::clock;

/// How a [`Caller`] calls.
#[derive(Debug, Clone)]
pub struct CallerOptions {
    /// The session: which form, its limits and times.
    pub session: Options,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a call may take that says nothing else; `None`: for ever.
    pub timeout: Option<Duration>,
    /// Octets of a response, at most.
    pub max_response: usize,
}

impl Default for CallerOptions {
    fn default() -> CallerOptions {
        CallerOptions {
            session: Options::default(),
            connect_timeout: Duration::from_secs(10),
            timeout: Some(Duration::from_secs(30)),
            max_response: 16 * 1024 * 1024,
        }
    }
}

/// A request that is to be sent.
#[derive(Debug, Clone)]
pub struct Call {
    /// What it says.
    pub payload: Bytes,
    /// How long it may take; `None`: as long as [`CallerOptions::timeout`] says.
    pub timeout: Option<Duration>,
}

impl<B: Into<Bytes>> From<B> for Call {
    fn from(payload: B) -> Call {
        Call { payload: payload.into(), timeout: None }
    }
}

/// Calls one server, many times at once. Clones share the connection; when the last is dropped it ends, once all
/// calls have.
#[derive(Debug)]
pub struct Caller {
    shared: Arc<Shared>,
}

impl Caller {
    /// Connects to a server over TCP.
    ///
    /// # Errors
    ///
    /// No address could be connected to, in time.
    pub async fn connect(address: impl ToSocketAddrs, options: CallerOptions) -> Result<Caller, CallError> {
        let connecting = tokio::time::timeout(options.connect_timeout, TcpStream::connect(address));
        let stream = match connecting.await {
            Ok(connected) => connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream)),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        let stream = stream.map_err(|error| CallError::Connect(Arc::new(error)))?;
        let (caller, connection) = Caller::over(stream, options);
        tokio::spawn(connection);
        Ok(caller)
    }

    /// A caller over any byte stream, and the connection, which is to be spawned.
    pub fn over<IO>(io: IO, options: CallerOptions) -> (Caller, impl Future<Output = ()> + Send + use<IO>)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shared = Arc::new(Shared::new(options.timeout));
        let driver = driver_options(&options.session);
        let app = CallerApp::new(Arc::clone(&shared), options.max_response);
        let session = Session::initiator(options.session, clock());
        (Caller { shared }, Connection::new(io, session, app, driver, None))
    }

    /// Sends a request and waits for the whole response. Dropping the future cancels the call.
    ///
    /// # Errors
    ///
    /// There is no answer, and why.
    pub async fn call(&self, call: impl Into<Call>) -> Result<Bytes, CallError> {
        let Call { payload, timeout } = call.into();
        Waiting::new(&self.shared, payload, timeout.or(self.shared.timeout())).await
    }
}

impl Clone for Caller {
    fn clone(&self) -> Caller {
        self.shared.enter();
        Caller { shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.shared.leave();
    }
}
