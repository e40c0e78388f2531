//! What a peer may take.

use core::time::Duration;

use crate::head::{HeadLimits, RequestLeniency, ResponseLeniency};

/// Limits of one connection. The defaults are safe on the open internet; a 0 where at least one is needed counts
/// as 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Sizes of a head in bytes: whole head, request line, method. Passing them answers 431, 414 or 501.
    pub head: HeadLimits,
    /// Field lines in a head (431).
    pub fields: usize,
    /// Bytes of a body, without chunk framing (413).
    pub body: u64,
    /// Bytes of a trailer section (431).
    pub trailers: usize,
    /// Bytes of all chunk extensions of a body (400): they carry nothing, so only an attacker needs many.
    pub chunk_extensions: usize,
    /// Bytes of body data that the application has not yet taken; the machine hands out no more.
    pub window: usize,
    /// Bytes of output above which the machine makes no more.
    pub output: usize,
    /// Exchanges under way at once: at a server, requests handed out before the first is answered; at a client,
    /// requests sent before the first response.
    pub in_flight: usize,
    /// Bytes that are read ahead while no further request may be handed out: reading on is how a vanished peer is
    /// noticed.
    pub read_ahead: usize,
    /// Bytes of an unwanted request body that are read and thrown away to save the connection.
    pub drain: u64,
    /// Client: interim (1xx) responses to one request.
    pub interim: u32,
    /// Server: requests on one connection, the last one is answered with `Connection: close`.
    pub requests: u64,
    /// Server: a peer that has closed its side is still answered. Otherwise that counts as its leaving, as it
    /// does for nearly all clients, and unanswered exchanges are reset.
    pub half_close: bool,
    /// Server: what requests may deviate in.
    pub request_leniency: RequestLeniency,
    /// Client: what responses may deviate in.
    pub response_leniency: ResponseLeniency,
    /// How long things may take.
    pub timeouts: Timeouts,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head: HeadLimits::default(),
            fields: 128,
            body: u64::MAX,
            trailers: 16 * 1024,
            chunk_extensions: 16 * 1024,
            window: 128 * 1024,
            output: 128 * 1024,
            in_flight: 1,
            read_ahead: 16 * 1024,
            drain: 256 * 1024,
            interim: 32,
            requests: u64::MAX,
            half_close: false,
            request_leniency: RequestLeniency::default(),
            response_leniency: ResponseLeniency::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// Time limits. `None` switches one off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first byte of a head (for the first request: from the start of the connection) to its last
    /// (408).
    pub head: Option<Duration>,
    /// A connection with nothing under way is closed after this.
    pub idle: Option<Duration>,
    /// In each span of this length, a body that is wanted must bring at least [`body_bytes`](Self::body_bytes)
    /// (408).
    pub body: Option<Duration>,
    /// Bytes of body for each span of [`body`](Self::body).
    pub body_bytes: u64,
    /// The peer takes no byte of the output for this long: the connection is given up.
    pub write: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            head: Some(Duration::from_secs(30)),
            idle: Some(Duration::from_secs(75)),
            body: Some(Duration::from_secs(20)),
            body_bytes: 256,
            write: Some(Duration::from_secs(60)),
        }
    }
}
