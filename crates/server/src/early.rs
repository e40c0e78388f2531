//! Requests that come before the TLS handshake is complete (RFC 8470).

use http::Method;

/// Which requests the service sees although they came as early data (0-RTT) and may be replays. The others wait for the
/// end of the handshake, and are then like any (RFC 8470 §3).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EarlyRequests {
    /// None: early data then saves no round trip of the server's, and needs no thought.
    None,
    /// Those with safe methods (RFC 9110 §9.2.1): GET, HEAD, OPTIONS, TRACE.
    #[default]
    Safe,
    /// All. The service looks at each and answers 425 (Too Early) to those that must not be heard twice.
    All,
}

impl EarlyRequests {
    pub(crate) fn allows(self, method: &Method) -> bool {
        match self {
            EarlyRequests::None => false,
            EarlyRequests::Safe => method.is_safe(),
            EarlyRequests::All => true,
        }
    }
}
