//! HTTP/1.0 and HTTP/1.1 (RFC 9112).
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

extern crate alloc;

pub mod chunked;
#[cfg(feature = "std")]
mod connection;
pub mod encode;
pub mod head;

#[cfg(feature = "std")]
pub use connection::{ClientConnection, Error, Limits, ServerConnection, Stats, Timeouts};
