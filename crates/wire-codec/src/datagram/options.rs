//! What the datagram machines may take, and how long.

use core::time::Duration;

use crate::extended::Checksum;
use crate::session::Form;

/// The least octets that the limit of a datagram may say: what an ERROR with a short text needs.
pub(super) const SMALLEST: usize = 64;

/// Octets that a datagram of UDP over IPv4 can carry.
const LARGEST: usize = 65_507;

/// An answer that is kept for longer counts as kept so long.
const LONGEST: Duration = Duration::from_secs(1 << 32);

/// Nothing is sent again sooner than after this.
const SHORTEST: Duration = Duration::from_millis(1);

/// How a client is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// The form it speaks; nothing is agreed on with the server. With `checksum` every datagram is sent with a CRC32C,
    /// and answers without one are dropped.
    pub form: Form,
    /// Sizes and counts.
    pub limits: ClientLimits,
    /// Times.
    pub timing: Timing,
}

/// The extended form without checksums.
impl Default for ClientOptions {
    fn default() -> ClientOptions {
        ClientOptions {
            form: Form::Extended { checksum: false },
            limits: ClientLimits::default(),
            timing: Timing::default(),
        }
    }
}

/// Sizes and counts of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientLimits {
    /// Octets of a datagram, sent or received: 64 to 65,507, values outside count as the nearest inside. 1,200 go
    /// through every path of today; more may be cut into fragments, and each is lost on its own.
    pub datagram: usize,
    /// Calls under way at once, with those whose event was not taken yet; also how many messages and cancellations
    /// may wait to be sent. 0 counts as 1.
    pub calls: u32,
}

impl Default for ClientLimits {
    fn default() -> ClientLimits {
        ClientLimits { datagram: 1200, calls: 128 }
    }
}

/// When a client sends again, and when it gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// How long the first answer may take before the call is sent again, as long as no round trip was measured.
    pub initial_rto: Duration,
    /// The least that the measured round trips lead to; 1 ms at least.
    pub min_rto: Duration,
    /// The most, also after doubling; `min_rto` at least.
    pub max_rto: Duration,
    /// How long a call takes at most that says nothing else.
    pub timeout: Duration,
    /// Each wait is longer or shorter by up to so many percent, at random; above 100 counts as 100.
    pub jitter_percent: u8,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            initial_rto: Duration::from_millis(500),
            min_rto: Duration::from_millis(20),
            max_rto: Duration::from_secs(4),
            timeout: Duration::from_secs(10),
            jitter_percent: 25,
        }
    }
}

impl ClientOptions {
    /// With every value inside its range.
    pub(super) fn checked(mut self) -> ClientOptions {
        self.limits.datagram = datagram(self.limits.datagram);
        self.limits.calls = self.limits.calls.max(1);
        let timing = &mut self.timing;
        timing.min_rto = timing.min_rto.max(SHORTEST);
        timing.max_rto = timing.max_rto.max(timing.min_rto);
        timing.jitter_percent = timing.jitter_percent.min(100);
        self
    }
}

/// How a server is set up. The defaults are safe on the open internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// Sizes and counts.
    pub limits: ServerLimits,
    /// How long the answer to a request of the extended form is kept, for when the request comes again.
    pub keep: Duration,
    /// Which datagrams of the extended form must have a checksum. With [`Checksum::On`] the base form is refused, as
    /// it has none: then no change on the way goes unseen. With [`Checksum::Either`] the bit that says whether there
    /// is a checksum is not protected itself.
    pub checksum: Checksum,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
            limits: ServerLimits::default(),
            keep: Duration::from_secs(30),
            checksum: Checksum::Either,
        }
    }
}

/// Sizes and counts of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLimits {
    /// Octets of a datagram, sent or received: 64 to 65,507, values outside count as the nearest inside.
    pub datagram: usize,
    /// Requests under way at once, with those whose cancellation was not taken yet; 0 counts as 1.
    pub requests: u32,
    /// Requests under way at once from one address; 0 counts as 1.
    pub requests_each: u32,
    /// Answers that are kept for repeats; above it the oldest goes, whoever sent the newer ones. Less than what the
    /// requests of [`ServerOptions::keep`] need, and a late repeat may be processed again.
    pub cached: usize,
    /// Octets of the kept answers; above it the oldest goes.
    pub cached_octets: usize,
    /// Octets that wait to be sent, above which nothing is taken any more.
    pub output: usize,
    /// Messages that wait to be taken by the application; above it new ones are dropped.
    pub messages: usize,
    /// Answers to what is no request, and refusals, to all addresses together: so many at once, and so many for each
    /// second. Of heartbeats of the base form, 16 at once and 2 a second for each address: a forged one could make two
    /// servers answer each other's for ever.
    pub control: (u32, u32),
}

impl Default for ServerLimits {
    fn default() -> ServerLimits {
        ServerLimits {
            datagram: 1200,
            requests: 1024,
            requests_each: 128,
            cached: 16_384,
            cached_octets: 8 * 1024 * 1024,
            output: 1024 * 1024,
            messages: 1024,
            control: (1000, 200),
        }
    }
}

impl ServerOptions {
    /// With every value inside its range.
    pub(super) fn checked(mut self) -> ServerOptions {
        let limits = &mut self.limits;
        limits.datagram = datagram(limits.datagram);
        limits.requests = limits.requests.max(1);
        limits.requests_each = limits.requests_each.max(1);
        self.keep = self.keep.min(LONGEST);
        self
    }
}

fn datagram(octets: usize) -> usize {
    octets.clamp(SMALLEST, LARGEST)
}
