//! HTTP/2 (RFC 9113): a sans-I/O connection machine for both roles.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod connection;
mod error;
mod limits;
mod stats;

pub use connection::Connection;
pub use error::Error;
pub use limits::{Limits, Timeouts};
pub use stats::Stats;

/// What an HTTP/2 client sends first (RFC 9113 §3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
