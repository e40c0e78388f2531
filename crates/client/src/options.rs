//! What a connection may take, and which version it speaks.

use wirelace_http1::Limits;

/// Which version of HTTP to speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// Within TLS what the server chose (ALPN), of what was offered; HTTP/1.1 where it chose nothing. In the clear,
    /// where nothing tells what a server speaks, HTTP/1.1.
    #[default]
    Best,
    /// HTTP/1.1 or 1.0, as each request says.
    Http1,
    /// HTTP/2. In the clear the server has to be known to speak it (RFC 9113 §3.3).
    Http2,
}

/// What a connection may take, how long, and how it speaks.
///
/// The defaults have the machines' limits, but neither a smallest rate for bodies nor a time for uploads that the
/// server holds back: servers may be slow, and how long a client is patient is its own business. An HTTP/2 connection
/// has larger windows than a server's, for it knows how many responses it asks for.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) http1: Limits,
    pub(crate) http2: wirelace_http2::Limits,
    pub(crate) version: HttpVersion,
    pub(crate) queue: usize,
}

/// Bytes that each HTTP/2 stream may bring ahead.
const WINDOW: u32 = 1 << 20;
/// Requests that may wait while the server takes no more streams.
const QUEUE: usize = 256;

impl Default for Options {
    fn default() -> Options {
        let mut http1 = Limits::default();
        http1.timeouts.body = None;
        let mut http2 = wirelace_http2::Limits { window: WINDOW, ..wirelace_http2::Limits::default() };
        http2.timeouts.body = None;
        http2.timeouts.stall = None;
        Options { http1, http2, version: HttpVersion::Best, queue: QUEUE }
    }
}

impl Options {
    /// Sets the limits of the HTTP/1 machine.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Options {
        self.http1 = limits;
        self
    }

    /// Sets the limits of the HTTP/2 machine. PINGs that keep a connection alive are among its timeouts.
    #[must_use]
    pub fn http2_limits(mut self, limits: wirelace_http2::Limits) -> Options {
        self.http2 = limits;
        self
    }

    /// Sets which version to speak.
    #[must_use]
    pub fn version(mut self, version: HttpVersion) -> Options {
        self.version = version;
        self
    }

    /// Whether a server may push responses over HTTP/2 (RFC 9113 §8.4):
    /// [`Handle::take_pushes`](crate::Handle::take_pushes) has them. Not without this.
    #[must_use]
    pub fn push(mut self, push: bool) -> Options {
        self.http2.push = push;
        self
    }

    /// How many requests may wait, in order, while an HTTP/2 server takes no more streams; whoever has more waits to
    /// be let in. Default: 256.
    #[must_use]
    pub fn queue(mut self, requests: usize) -> Options {
        self.queue = requests.max(1);
        self
    }
}
