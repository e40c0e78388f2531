//! One connection to a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use http::Version;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
#[cfg(feature = "tls")]
use tokio::sync::oneshot;
use wirelace_http_semantics::{RequestHead, ResponseHead};
use wirelace_http1::ClientConnection;
use wirelace_runtime::DriverOptions;
#[cfg(feature = "tls")]
use wirelace_tls_glue::{ClientTls, HandshakeReport};

use crate::body::Body;
use crate::convert::{Speaks, request_head};
use crate::error::{BoxError, Error};
use crate::exchanges::Exchanges;
#[cfg(feature = "tls")]
use crate::handle::Tls;
use crate::handle::{Ears, Handle};
use crate::link::Link;
use crate::notice::Notices;
use crate::options::{HttpVersion, Options};
use crate::push::Pushes;
use crate::server_says::ServerSays;

/// One connection of either version.
///
/// With HTTP/1 it is used by one request after the other. With HTTP/2 it has a [`Handle`] that many requests use at
/// once. It runs in a task of its own, which ends when the `Connection`, its handles and the body of its last response
/// are gone, or when the server closes.
#[derive(Debug)]
pub struct Connection {
    handle: Handle,
}

/// What runs a connection.
type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Connection {
    /// Connects over TCP, with `TCP_NODELAY`. HTTP/1, unless the options say [`HttpVersion::Http2`].
    ///
    /// # Errors
    /// [`Error::Connect`].
    pub async fn connect(address: SocketAddr, options: Options) -> Result<Connection, Error> {
        Ok(Connection::over(dial(address).await?, options))
    }

    /// Connects over TCP and TLS. `name`: the server's host name or IP address, that its certificate has to be for.
    ///
    /// `tls` says whom to trust, and which protocols to offer (ALPN): `h2` and `http/1.1` are spoken here, and the
    /// server's choice decides where the options leave it to [`HttpVersion::Best`]. Connections with one `tls` resume
    /// the sessions of those before.
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
    /// let tls = ClientTls::builder(roots).alpn(["h2", "http/1.1"]).build()?;
    /// let address = "127.0.0.1:8443".parse()?;
    /// let mut connection = Connection::connect_tls(address, "localhost", &tls, Options::default()).await?;
    /// let request = http::Request::get("https://localhost:8443/hello").body(Empty::<bytes::Bytes>::new())?;
    /// let response = connection.send(request).await?;
    /// println!("{} over {:?}", response.status(), connection.handshake().map(|report| report.version));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Handshake`], [`Error::Alpn`], [`Error::NotHttp2`].
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
    /// [`Error::Handshake`], [`Error::Alpn`], [`Error::NotHttp2`].
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
        let handshake = stream.report().cloned().map(Box::new);
        let early = stream.early();
        let chosen = handshake.as_ref().map_or(stream.early_protocol(), |report| report.alpn.as_ref());
        let speaks = match (chosen, options.version) {
            (Some(alpn), HttpVersion::Best | HttpVersion::Http2) if alpn == "h2" => {
                Speaks::Http2 { secure: true }
            }
            (other, HttpVersion::Http2) => return Err(Error::NotHttp2(other.cloned())),
            (None, _) => Speaks::Http1,
            (Some(alpn), _) if matches!(alpn.as_ref(), b"http/1.1" | b"http/1.0") => Speaks::Http1,
            (Some(other), _) => return Err(Error::Alpn(other.clone())),
        };
        if early.is_none() {
            let tls = Tls { handshake, ..Tls::default() };
            let (connection, task) = Connection::parts(stream, options, speaks, tls);
            tokio::spawn(task);
            return Ok(connection);
        }
        let (begin, begun) = oneshot::channel();
        let tls = Tls { handshake, early, begin: Some(begin).into() };
        let (connection, task) = Connection::parts(stream, options, speaks, tls);
        tokio::spawn(async move {
            let _ = begun.await;
            task.await;
        });
        Ok(connection)
    }

    /// A connection over a byte stream that is connected already. Call it within a tokio runtime. HTTP/1, unless the
    /// options say [`HttpVersion::Http2`].
    pub fn over<IO>(stream: IO, options: Options) -> Connection
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let speaks = match options.version {
            HttpVersion::Best | HttpVersion::Http1 => Speaks::Http1,
            HttpVersion::Http2 => Speaks::Http2 { secure: false },
        };
        let (connection, task) = Connection::parts(
            stream,
            options,
            speaks,
            #[cfg(feature = "tls")]
            Tls::default(),
        );
        tokio::spawn(task);
        connection
    }

    /// A connection, and its task.
    fn parts<IO>(
        stream: IO,
        options: Options,
        speaks: Speaks,
        #[cfg(feature = "tls")] tls: Tls,
    ) -> (Connection, Task)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let link = Arc::<Link>::default();
        let mut driver = DriverOptions::default();
        let (commands, ears, task): (_, _, Task) = match speaks {
            Speaks::Http1 => {
                let (commands, receiver) = mpsc::channel(1);
                let exchanges = Exchanges::new(receiver, 1, Arc::clone(&link), ServerSays::default());
                let machine = ClientConnection::new(options.http1, Instant::now());
                let task = wirelace_runtime::Connection::new(stream, machine, exchanges, driver, None);
                (commands, Ears::default(), Box::pin(task))
            }
            Speaks::Http2 { secure } => {
                let (commands, receiver) = mpsc::channel(options.queue);
                // A frame has to fit in as a whole.
                driver.max_input = driver.max_input.max(options.http2.frame as usize + 64 * 1024);
                let (tell, notices) = Notices::channel();
                let (promise, pushes) =
                    if options.http2.push { Some(Pushes::channel()).unzip() } else { (None, None) };
                let says = ServerSays::new(secure, promise, tell);
                let most = options.http2.streams.max(1) as usize;
                let exchanges = Exchanges::new(receiver, most, Arc::clone(&link), says);
                let machine = wirelace_http2::Connection::client(options.http2, secure, Instant::now());
                let task = wirelace_runtime::Connection::new(stream, machine, exchanges, driver, None);
                (commands, Ears { pushes, notices: Some(notices) }, Box::pin(task))
            }
        };
        let handle = Handle::new(
            commands,
            link,
            speaks,
            ears,
            #[cfg(feature = "tls")]
            tls,
        );
        (Connection { handle }, task)
    }

    /// What requests share an HTTP/2 connection by; `None` for HTTP/1.
    #[must_use]
    pub fn handle(&self) -> Option<Handle> {
        (self.handle.speaks() != Speaks::Http1).then(|| self.handle.clone())
    }

    /// [`HTTP_2`](Version::HTTP_2), or else [`HTTP_11`](Version::HTTP_11), which stands for 1.0, too.
    #[must_use]
    pub fn version(&self) -> Version {
        match self.handle.speaks() {
            Speaks::Http1 => Version::HTTP_11,
            Speaks::Http2 { .. } => Version::HTTP_2,
        }
    }

    /// Sends a request and waits for the head of the final response.
    ///
    /// Host is made from the URI where it is missing; Content-Length from the body's size where that is known. Where it
    /// is not, HTTP/1.1 uses the chunked coding (HTTP/1.0, by the request's version, cannot do without the length).
    /// The response's [`ResponseHead`], with the fields as they came, is among its extensions. What is special in
    /// HTTP/2 is said at [`Handle::send`].
    ///
    /// With HTTP/1 the body of the response before must have been read, or dropped, and the body of its request must
    /// have ended: this waits for that. Dropping the future gives the request up, and with HTTP/1 the connection with
    /// it.
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
        self.send_native(request_head(&parts, self.handle.speaks())?, body, |_| {}).await
    }

    /// As [`send`](Connection::send), with the head as it goes out: HTTP/1 keeps case and order of the fields.
    /// `on_interim` is called for each interim (1xx) response; it runs in the connection's task.
    ///
    /// # Errors
    /// As [`send`](Connection::send).
    pub async fn send_native<B>(
        &mut self,
        head: RequestHead,
        body: B,
        on_interim: impl FnMut(&ResponseHead) + Send + 'static,
    ) -> Result<http::Response<Body>, Error>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        self.handle.send_native(head, body, on_interim).await
    }

    /// False once no further request can be sent. That it is true now does not mean that the next one succeeds: a
    /// server may close at any time.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.handle.is_open()
    }

    /// What the TLS handshake agreed on, with the server's certificates; `None` without TLS, and as long as the
    /// connection [`is_early`](Connection::is_early).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn handshake(&self) -> Option<&HandshakeReport> {
        self.handle.handshake()
    }

    /// The TLS handshake is not complete. A request with a safe method goes out as early data (0-RTT), which somebody
    /// else may send again; if the server refuses that, it is sent once more by itself. Others wait. To a response 425
    /// (Too Early) the answer is the same request again, when this is over (RFC 8470 §5.2).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn is_early(&self) -> bool {
        self.handle.is_early()
    }

    /// How many requests were given to it.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.handle.requests()
    }
}

/// Always ready as long as the connection is; with HTTP/1, requests go out one after the other.
impl<B> tower_service::Service<http::Request<B>> for Connection
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = <Handle as tower_service::Service<http::Request<B>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        tower_service::Service::<http::Request<B>>::poll_ready(&mut self.handle, cx)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        self.handle.call(request)
    }
}

async fn dial(address: SocketAddr) -> Result<TcpStream, Error> {
    let stream = TcpStream::connect(address).await.map_err(Error::Connect)?;
    stream.set_nodelay(true).map_err(Error::Connect)?;
    Ok(stream)
}
