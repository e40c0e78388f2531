//! HTTP/3 (RFC 9114): a sans-I/O connection machine for both roles, with dynamic QPACK (RFC 9204), server push (§4.6),
//! priorities (RFC 9218), extended CONNECT (RFC 9220), HTTP datagrams (RFC 9297), and limits on from the start.
//!
//! It owns no socket, no task and no clock, and not the QUIC connection that it stands on either: each call gets that,
//! so that an extension as WebTransport can use it too. It is neither a server nor a client with connections to manage.
//! Central types: [`Connection`], whose events are those of all versions of HTTP, and [`Limits`]. The example
//! `server` is a whole server on a `UdpSocket`.
//!
//! ```
//! use std::time::Instant;
//! use http::StatusCode;
//! use wirelace_http_semantics::{Event, ResponseHead};
//! use wirelace_http3::{Connection, Error, quic};
//!
//! /// After each datagram that came, and each timer: answers all requests.
//! fn work(http: &mut Connection, quic: &mut quic::Connection, now: Instant) -> Result<(), Error> {
//!     while let Some(event) = quic.poll_event() {
//!         http.on_quic_event(quic, event);
//!     }
//!     while let Some(event) = http.poll_event(now, quic)? {
//!         match event {
//!             Event::Head { stream, .. } => {
//!                 let head = ResponseHead::new(StatusCode::OK);
//!                 let _ = http.send_message(quic, stream, &head, "hello\n".into());
//!                 http.stop_receiving(quic, stream);
//!             }
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//! # let _ = work;
//! ```
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
