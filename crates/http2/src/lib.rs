//! HTTP/2 (RFC 9113): a sans-I/O connection machine for both roles, with server push (§8.4), priorities (RFC 9218),
//! extended CONNECT (RFC 8441), ALTSVC (RFC 7838) and ORIGIN (RFC 8336), and limits on from the start.
//!
//! It owns no socket, no task and no clock: a driver reads, polls, and writes. It is neither a server nor a client with
//! connections to manage. Central types: [`Connection`], which is a [`Machine`](wirelace_wire::Machine) and an
//! [`HttpMachine`](wirelace_http_semantics::HttpMachine), and [`Limits`].
//!
//! ```
//! use std::time::Instant;
//! use bytes::BytesMut;
//! use wirelace_http2::{Connection, Limits};
//! use wirelace_http_semantics::{Event, FieldId, HttpMachine, RequestHead, ResponseHead};
//! use wirelace_wire::Machine;
//!
//! let now = Instant::now();
//! let mut client = Connection::client(Limits::default(), false, now);
//! let mut server = Connection::server(Limits::default(), false, now);
//! let mut head = RequestHead::new(http::Method::GET, "/hello")?;
//! head.fields.push(FieldId::HOST, "example.com")?;
//! client.send_request(head, true)?;
//!
//! let mut input: BytesMut = client.output().chunks().flatten().copied().collect();
//! while let Some(event) = server.poll_event(now, &mut input)? {
//!     if let Event::Head { stream, .. } = event {
//!         server.send_message(stream, ResponseHead::new(http::StatusCode::OK), "hello\n".into())?;
//!     }
//! }
//! let mut input: BytesMut = server.output().chunks().flatten().copied().collect();
//! let mut body = Vec::new();
//! while let Some(event) = client.poll_event(now, &mut input)? {
//!     if let Event::Data { data, .. } = event {
//!         body.extend_from_slice(&data);
//!     }
//! }
//! assert_eq!(body, b"hello\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
