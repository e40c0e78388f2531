//! What a session may take, and how long.

use core::time::Duration;

/// How a session is set up. The defaults are safe on the open internet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Sizes and counts.
    pub limits: Limits,
    /// Times.
    pub timeouts: Timeouts,
    /// Which form.
    pub form: Offer,
    /// Extended form: offer, or take, a CRC32C on every frame. There is one when both sides want it.
    pub checksum: bool,
}

/// Which form a session speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offer {
    /// The base form only.
    Base,
    /// The extended form with a peer that has it, the base form with others.
    #[default]
    Extended,
}

/// Sizes and counts; a 0 where at least one is needed counts as 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest value of a length field, in octets; 1,024 at least in the extended form. The driver's buffer must
    /// hold such a frame with its header.
    pub frame: usize,
    /// Octets of payload that each direction of an exchange brings before the application has taken some.
    pub exchange_window: u64,
    /// Octets of payload that the connection brings before the application has taken some.
    pub connection_window: u64,
    /// The peer's requests under way at once; in the base form also own requests that wait for their answers.
    pub exchanges: u32,
    /// Octets of output above which nothing is taken any more.
    pub output: usize,
    /// Pings, heartbeats and frames of unknown types: so many at once, and so many for each second.
    pub control: (u32, u32),
    /// Parts under 64 octets that are not the last, cancellations, and frames for exchanges that are over: so many
    /// at once, and so many for each second.
    pub small: (u32, u32),
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            frame: 1024 * 1024,
            exchange_window: 256 * 1024,
            connection_window: 1024 * 1024,
            exchanges: 128,
            output: 256 * 1024,
            control: (1000, 200),
            small: (10_000, 20_000),
        }
    }
}

/// Times; `None` switches one off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// How long the initiator waits for the answer to its hello, before it takes the base form.
    pub hello: Duration,
    /// After so long without a sign of life from the peer, one is asked for. The acceptor of a base session never
    /// does: its peer need not answer.
    pub heartbeat: Option<Duration>,
    /// How long the answer may take; with none, the connection is over.
    pub missed: Duration,
    /// How long a frame that has begun may take; each 4 KiB of it that are there give a second more.
    pub frame: Option<Duration>,
    /// How long the peer may take no octet of what waits for it.
    pub write: Option<Duration>,
    /// How long a connection with nothing under way is kept.
    pub idle: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            hello: Duration::from_secs(2),
            heartbeat: Some(Duration::from_secs(15)),
            missed: Duration::from_secs(30),
            frame: Some(Duration::from_secs(30)),
            write: Some(Duration::from_secs(60)),
            idle: None,
        }
    }
}
