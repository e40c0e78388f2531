//! HTTP/3 (RFC 9114): a sans-I/O connection machine for both roles.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod connection;
mod error;
mod error_code;
mod extension;
pub mod frame;
mod limits;
mod settings;
mod stats;
mod stream_type;

pub use connection::Connection;
pub use error::{Error, Flood};
pub use error_code::ErrorCode;
pub use extension::ExtensionEvent;
pub use limits::{Limits, Timeouts};
pub use settings::Settings;
pub use stats::Stats;
pub use stream_type::StreamType;

pub use wirelace_http_messages::Malformed;

/// The layers below, for who takes this crate alone.
pub use wirelace_qpack as qpack;
pub use wirelace_quic_lite as quic;

/// The name of HTTP/3 in ALPN (RFC 9114 §3.1).
pub const ALPN: &str = "h3";
