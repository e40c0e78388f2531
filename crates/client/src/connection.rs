//! One connection to a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes};
use http_body::Frame;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use wirelace_http_semantics::{FieldId, RequestHead, ResponseHead};
use wirelace_http1::{ClientConnection, Limits};
use wirelace_runtime::DriverOptions;
#[cfg(feature = "tls")]
use wirelace_runtime::tls::EarlyData;
#[cfg(feature = "tls")]
use wirelace_tls_glue::{ClientTls, HandshakeReport};

use crate::body::Body;
use crate::convert::request_head;
use crate::error::{BoxError, Error};
use crate::exchange::{Command, EarlyEnd, Exchanges, OnInterim, RequestBody, refused};

/// One HTTP/1 connection, used by one request after the other.
///
/// It runs in a task of its own, which ends when the `Connection` and the body of its last response are gone, or
/// when the server closes.
#[derive(Debug)]
pub struct Connection {
    commands: mpsc::Sender<Command>,
    early_end: EarlyEnd,
    requests: u64,
    #[cfg(feature = "tls")]
    handshake: Option<Box<HandshakeReport>>,
    /// The handshake goes on.
    #[cfg(feature = "tls")]
    early: Option<EarlyData>,
    /// Lets its task begin, once there is a request: one that comes later would miss the first flight.
    #[cfg(feature = "tls")]
    begin: Option<oneshot::Sender<()>>,
}

/// What a connection may take, and how long.
///
/// The default has the machine's limits but no smallest rate for bodies: servers may be slow, and how long a
/// client is patient is its own business.
#[derive(Debug, Clone)]
pub struct Options {
    limits: Limits,
}

impl Default for Options {
    fn default() -> Options {
        let mut limits = Limits::default();
        limits.timeouts.body = None;
        Options { limits }
    }
}

impl Options {
    /// Sets the machine's limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Options {
        self.limits = limits;
        self
    }
}

impl Connection {
    /// Connects over TCP, with `TCP_NODELAY`.
    ///
    /// # Errors
    /// [`Error::Connect`].
    pub async fn connect(address: SocketAddr, options: Options) -> Result<Connection, Error> {
        Ok(Connection::over(dial(address).await?, options))
    }

    /// Connects over TCP and TLS. `name`: the server's host name or IP address, that its certificate has to be for.
    ///
    /// `tls` says whom to trust, and which protocols to offer (ALPN): `http/1.1` is the one that is spoken here.
    /// Connections with one `tls` resume the sessions of those before.
    ///
    /// Where `tls` allows [early data](wirelace_tls_glue::ClientTlsBuilder::early_data) and the session does, too, the
    /// connection is there at once, [`is_early`](Connection::is_early), and a first request with a safe method goes out
    /// with the handshake. Should that fail, so does the request, with [`Error::Tls`].
    ///
    /// ```no_run
    /// use http_body_util::Empty;
    /// use wirelace_client::{Connection, Options};
    /// use wirelace_tls_glue::{ClientTls, Roots};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let roots = Roots::from_pem(&std::fs::read("ca.pem")?)?;
    /// let tls = ClientTls::builder(roots).alpn(["http/1.1"]).build()?;
    /// let address = "127.0.0.1:8443".parse()?;
    /// let mut connection = Connection::connect_tls(address, "localhost", &tls, Options::default()).await?;
    /// let request = http::Request::get("https://localhost:8443/hello").body(Empty::<bytes::Bytes>::new())?;
    /// let response = connection.send(request).await?;
    /// println!("{} over {:?}", response.status(), connection.handshake().map(|report| report.version));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Handshake`], [`Error::Alpn`].
    #[cfg(feature = "tls")]
    pub async fn connect_tls(
        address: SocketAddr,
        name: &str,
        tls: &ClientTls,
        options: Options,
    ) -> Result<Connection, Error> {
        Connection::over_tls(dial(address).await?, name, tls, options).await
    }

    /// As [`connect_tls`](Connection::connect_tls), over a byte stream that is connected already: through a tunnel,
    /// for instance.
    ///
    /// # Errors
    /// [`Error::Handshake`], [`Error::Alpn`].
    #[cfg(feature = "tls")]
    pub async fn over_tls<IO>(
        stream: IO,
        name: &str,
        tls: &ClientTls,
        options: Options,
    ) -> Result<Connection, Error>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = wirelace_runtime::tls::connect(stream, tls, name).await.map_err(Error::Handshake)?;
        let report = stream.report().cloned().map(Box::new);
        let early = stream.early();
        match report.as_ref().map_or(stream.early_protocol(), |report| report.alpn.as_ref()) {
            None => {}
            Some(alpn) if matches!(alpn.as_ref(), b"http/1.1" | b"http/1.0") => {}
            Some(other) => return Err(Error::Alpn(other.clone())),
        }
        let (mut connection, task) = Connection::parts(stream, options);
        connection.handshake = report;
        if early.is_some() {
            let (begin, begun) = oneshot::channel();
            connection.begin = Some(begin);
            tokio::spawn(async move {
                let _ = begun.await;
                task.await;
            });
        } else {
            tokio::spawn(task);
        }
        connection.early = early;
        Ok(connection)
    }

    /// A connection over a byte stream that is connected already. Call it within a tokio runtime.
    pub fn over<IO>(stream: IO, options: Options) -> Connection
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (connection, task) = Connection::parts(stream, options);
        tokio::spawn(task);
        connection
    }

    /// A connection, and its task.
    fn parts<IO>(stream: IO, options: Options) -> (Connection, impl Future<Output = ()> + Send + 'static)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (commands, receiver) = mpsc::channel(1);
        let early_end = EarlyEnd::default();
        let machine = ClientConnection::new(options.limits, Instant::now());
        let driver = DriverOptions::default();
        let exchanges = Exchanges::new(receiver, Arc::clone(&early_end));
        let task = wirelace_runtime::Connection::new(stream, machine, exchanges, driver, None);
        let connection = Connection {
            commands,
            early_end,
            requests: 0,
            #[cfg(feature = "tls")]
            handshake: None,
            #[cfg(feature = "tls")]
            early: None,
            #[cfg(feature = "tls")]
            begin: None,
        };
        (connection, task)
    }

    /// Lets the task of an early connection begin.
    fn begin(&mut self) {
        #[cfg(feature = "tls")]
        if let Some(begin) = self.begin.take() {
            let _ = begin.send(());
        }
    }

    /// Sends a request and waits for the head of the final response.
    ///
    /// Host is made from the URI where it is missing; Content-Length from the body's size where that is known,
    /// and the chunked coding is used where it is not (HTTP/1.0, by the request's version, cannot do without it).
    /// The response's [`ResponseHead`], with the fields as they came, is among its extensions.
    ///
    /// The body of the response before must have been read, or dropped, and the body of its request must have
    /// ended: this waits for that. Dropping the future gives the request up, and the connection with it.
    ///
    /// # Errors
    /// See [`Error`]. Errors after the head come from the body.
    pub async fn send<B>(&mut self, request: http::Request<B>) -> Result<http::Response<Body>, Error>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        self.send_native(request_head(&parts)?, body, |_| {}).await
    }

    /// As [`send`](Connection::send), with the head as it goes out: case and order of the fields are kept.
    /// `on_interim` is called for each interim (1xx) response; it runs in the connection's task.
    ///
    /// # Errors
    /// As [`send`](Connection::send).
    pub async fn send_native<B>(
        &mut self,
        mut head: RequestHead,
        body: B,
        on_interim: impl FnMut(&ResponseHead) + Send + 'static,
    ) -> Result<http::Response<Body>, Error>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        #[cfg(feature = "tls")]
        if let Some(early) = &self.early
            && !head.method.is_safe()
        {
            // RFC 8470 §4. If there is no handshake, there is no connection either, as is seen below.
            let early = early.clone();
            self.begin();
            early.confirmed().await;
        }
        let body = if body.is_end_stream() { None } else { Some(body) };
        if let Some(length) = body.as_ref().and_then(|body| body.size_hint().exact())
            && !head.fields.contains(FieldId::CONTENT_LENGTH)
            && !head.fields.contains(FieldId::TRANSFER_ENCODING)
        {
            let pushed = head.fields.push(FieldId::CONTENT_LENGTH, length.to_string());
            pushed.map_err(wirelace_http_semantics::SendError::from)?;
        }
        let body = body.map(|body| Box::pin(Adapted { body: Box::pin(body) }) as RequestBody);
        let on_interim: OnInterim = Box::new(on_interim);
        let (answer, answered) = oneshot::channel();
        let command = Command { head, body, on_interim: Some(on_interim), answer };
        self.requests += 1;
        let given = self.commands.send(command).await;
        self.begin();
        given.map_err(|_| refused(&self.early_end))?;
        // The task drops the sender only when it ends with the runtime.
        answered.await.unwrap_or(Err(Error::Closed))
    }

    /// False once no further request can be sent. That it is true now does not mean that the next one succeeds: a
    /// server may close at any time.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.commands.is_closed()
    }

    /// What the TLS handshake agreed on, with the server's certificates; `None` without TLS, and as long as the
    /// connection [`is_early`](Connection::is_early).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn handshake(&self) -> Option<&HandshakeReport> {
        self.handshake.as_deref().or_else(|| self.early.as_ref()?.report())
    }

    /// The TLS handshake is not complete. A request with a safe method goes out as early data (0-RTT), which somebody
    /// else may send again; if the server refuses that, it is sent once more by itself. Others wait. To a response 425
    /// (Too Early) the answer is the same request again, when this is over (RFC 8470 §5.2).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn is_early(&self) -> bool {
        self.early.as_ref().is_some_and(|early| !early.is_confirmed())
    }

    /// How many requests were given to it.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }
}

async fn dial(address: SocketAddr) -> Result<TcpStream, Error> {
    let stream = TcpStream::connect(address).await.map_err(Error::Connect)?;
    stream.set_nodelay(true).map_err(Error::Connect)?;
    Ok(stream)
}

/// A body with the data and error types that the task wants.
struct Adapted<B> {
    body: std::pin::Pin<Box<B>>,
}

impl<B> http_body::Body for Adapted<B>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.body.as_mut().poll_frame(cx).map(|frame| {
            frame.map(|frame| match frame {
                Ok(frame) => Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))),
                Err(error) => Err(error.into()),
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
