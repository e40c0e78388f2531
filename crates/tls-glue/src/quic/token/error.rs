//! Why a token is not taken.

use std::time::Duration;

/// How a token came to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenOrigin {
    /// In a Retry packet, for this connection.
    Retry,
    /// In a NEW_TOKEN frame of an earlier connection.
    NewToken,
}

/// Why a token is not taken.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// None is so long.
    #[error("a token of {length} octets, at most {limit} are taken")]
    TooLong {
        /// Its octets.
        length: usize,
        /// How many are taken.
        limit: usize,
    },
    /// No key opens it: it is somebody else's, was changed, or is from long ago.
    #[error("a token that no key opens")]
    Unknown,
    /// It was good once.
    #[error("a token is {} s old, it was good for {} s", age.as_secs(), lifetime.as_secs())]
    Expired {
        /// How it came to the client.
        origin: TokenOrigin,
        /// How old it is.
        age: Duration,
        /// How long it was good for.
        lifetime: Duration,
    },
    /// It was made at a time that has not come yet.
    #[error("a token is from the future")]
    Future {
        /// How it came to the client.
        origin: TokenOrigin,
    },
    /// It was given to somebody else.
    #[error("a token was given to another address")]
    Address {
        /// How it came to the client.
        origin: TokenOrigin,
    },
    /// Retry: the packet goes to another connection id than it was told.
    #[error("a token of a Retry packet with another connection id")]
    ConnectionId,
}

impl TokenError {
    /// How the token came to the client; `None`: that is not known.
    #[must_use]
    pub const fn origin(self) -> Option<TokenOrigin> {
        match self {
            TokenError::TooLong { .. } | TokenError::Unknown => None,
            TokenError::Expired { origin, .. }
            | TokenError::Future { origin }
            | TokenError::Address { origin } => Some(origin),
            TokenError::ConnectionId => Some(TokenOrigin::Retry),
        }
    }
}
