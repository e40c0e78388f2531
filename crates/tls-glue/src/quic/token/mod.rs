//! Address validation tokens (RFC 9000 §8.1), of Retry packets and of NEW_TOKEN frames.

mod content;
mod error;
mod key;

pub use error::{TokenError, TokenOrigin};
pub use key::MAX_TOKEN_LENGTH;

use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::error::ProtectionError;
use content::{Content, Retry};
use key::TokenKey;

/// Keys that are kept, the current one among them.
const MAX_KEYS: usize = 8;
/// So far may the clocks of servers with the same keys differ.
const SKEW: Duration = Duration::from_secs(10);

/// Makes and checks tokens. They are encrypted, so that a client learns nothing from them and cannot make any, and
/// say whom they were given to and when. Servers that share the secrets take each other's.
#[derive(Clone)]
pub struct TokenKeys {
    current: TokenKey,
    /// Those that were replaced, with their end.
    replaced: VecDeque<(TokenKey, SystemTime)>,
    retry: Duration,
    new_token: Duration,
}

/// What a token says that was given to this client, not too long ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedToken {
    /// How it came to the client.
    pub origin: TokenOrigin,
    /// Retry: the Destination Connection ID of the client's first Initial packet, which the transport parameters tell
    /// the client again (RFC 9000 §7.3).
    pub original: Option<Bytes>,
    /// When it was made, to the millisecond.
    pub issued: SystemTime,
    /// No other token has the same: a server that takes each token once remembers these (RFC 9000 §8.1.4).
    pub id: [u8; 16],
}

impl TokenKeys {
    /// With a random secret. Tokens of Retry packets are good for ten seconds, those of NEW_TOKEN frames for a day.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> TokenKeys {
        TokenKeys {
            current: TokenKey::new(secret),
            replaced: VecDeque::new(),
            retry: Duration::from_secs(10),
            new_token: Duration::from_secs(24 * 60 * 60),
        }
    }

    /// How long tokens are good for.
    #[must_use]
    pub fn lifetimes(mut self, retry: Duration, new_token: Duration) -> TokenKeys {
        (self.retry, self.new_token) = (retry, new_token);
        self
    }

    /// From now on tokens are made with another random secret. Those of the last seven are taken until they expire.
    pub fn rotate(&mut self, secret: &[u8; 32], now: SystemTime) {
        self.replaced.retain(|(_, end)| *end > now);
        self.replaced.truncate(MAX_KEYS - 2);
        let replaced = std::mem::replace(&mut self.current, TokenKey::new(secret));
        let longest = self.retry.max(self.new_token);
        // A time that there is no number for never comes.
        let end = now.checked_add(longest).unwrap_or(now);
        self.replaced.push_front((replaced, end));
    }

    /// The token of a Retry packet: for this client only, address and port, and only with the connection id that the
    /// packet gives it. `original` is the Destination Connection ID of the Initial packet that is answered,
    /// `source` the Source Connection ID of the Retry packet; `random` is new for every token.
    ///
    /// # Errors
    ///
    /// [`ProtectionError::ConnectionId`]: one of them is too long.
    pub fn seal_retry(
        &self,
        client: SocketAddr,
        original: &[u8],
        source: &[u8],
        now: SystemTime,
        random: &[u8; 16],
    ) -> Result<Vec<u8>, ProtectionError> {
        let retry = Retry { port: client.port(), original, source };
        let content = Content { issued: content::since_epoch(now), address: client.ip(), retry: Some(retry) };
        self.current.seal(&content.encode()?, random)
    }

    /// The token of a NEW_TOKEN frame: for this address only, from any port, and with any connection id. `random` is
    /// new for every token.
    ///
    /// # Errors
    ///
    /// None with the suites that there are.
    pub fn seal_new_token(
        &self,
        client: IpAddr,
        now: SystemTime,
        random: &[u8; 16],
    ) -> Result<Vec<u8>, ProtectionError> {
        let content = Content { issued: content::since_epoch(now), address: client, retry: None };
        self.current.seal(&content.encode()?, random)
    }

    /// Checks the token of an Initial packet that came from `client` with the Destination Connection ID
    /// `destination`.
    ///
    /// # Errors
    ///
    /// It is not ours, too old, or somebody else's. Where [`TokenError::origin`] says that it is of a Retry packet,
    /// the connection may be closed with INVALID_TOKEN; else the packet is as good as one without a token
    /// (RFC 9000 §8.1.3).
    pub fn open(
        &self,
        token: &[u8],
        client: SocketAddr,
        destination: &[u8],
        now: SystemTime,
    ) -> Result<OpenedToken, TokenError> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenError::TooLong { length: token.len(), limit: MAX_TOKEN_LENGTH });
        }
        let kept = self.replaced.iter().filter(|(_, end)| *end > now).map(|(key, _)| key);
        let opened = std::iter::once(&self.current).chain(kept).find_map(|key| key.open(token));
        let (plain, id) = opened.ok_or(TokenError::Unknown)?;
        let content = Content::decode(&plain).ok_or(TokenError::Unknown)?;
        let (origin, lifetime) = match content.retry {
            Some(_) => (TokenOrigin::Retry, self.retry),
            None => (TokenOrigin::NewToken, self.new_token),
        };
        let issued = content.issued().ok_or(TokenError::Unknown)?;
        match now.duration_since(issued) {
            Ok(age) if age >= lifetime => return Err(TokenError::Expired { origin, age, lifetime }),
            Err(ahead) if ahead.duration() > SKEW => return Err(TokenError::Future { origin }),
            _ => {}
        }
        let port = content.retry.as_ref().map_or(client.port(), |retry| retry.port);
        if content.address != client.ip().to_canonical() || port != client.port() {
            return Err(TokenError::Address { origin });
        }
        if content.retry.as_ref().is_some_and(|retry| retry.source != destination) {
            return Err(TokenError::ConnectionId);
        }
        let original = content.retry.map(|retry| Bytes::copy_from_slice(retry.original));
        Ok(OpenedToken { origin, original, issued, id })
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKeys")
            .field("replaced", &self.replaced.len())
            .field("retry", &self.retry)
            .field("new_token", &self.new_token)
            .finish_non_exhaustive()
    }
}
