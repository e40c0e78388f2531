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
mod message;
mod settings;
mod stats;

pub use connection::{Connection, WindowReport};
pub use error::{Error, Flood};
pub use limits::{Limits, Timeouts};
pub use message::Malformed;
pub use settings::SettingsChange;
pub use stats::Stats;

pub use wirelace_http2_frames::{ErrorCode, PREFACE};
