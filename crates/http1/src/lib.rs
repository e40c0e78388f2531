//! HTTP/1.0 and HTTP/1.1 (RFC 9112): a strict codec, and a connection machine for each role.
//!
//! It opens no socket, spawns no task and reads no clock: the caller passes bytes and the time, gets events, and
//! gives commands. Central types: [`ServerConnection`] and [`ClientConnection`]; below them, without allocation,
//! [`head`], [`encode`] and [`chunked`]. Without the default feature `std` the crate is `no_std` + `alloc` and has
//! the codec alone.
//!
//! ```
//! use std::time::Instant;
//! use wirelace_http1::semantics::{Event, HttpMachine, ResponseHead};
//! use wirelace_http1::wire::Machine;
//! use wirelace_http1::{Limits, ServerConnection};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut server = ServerConnection::new(Limits::default(), Instant::now());
//! let mut input = bytes::BytesMut::from("GET /hello HTTP/1.1\r\nHost: example.com\r\n\r\n");
//! while let Some(event) = server.poll_event(Instant::now(), &mut input)? {
//!     if let Event::Head { stream, .. } = event {
//!         server.send_message(stream, ResponseHead::new(http::StatusCode::OK), "hello\n".into())?;
//!     }
//! }
//! let sent: Vec<u8> = server.output().chunks().flatten().copied().collect();
//! assert_eq!(sent, b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n");
//! # Ok(()) }
//! ```
//!
//! A head by itself, taken apart where it lies:
//!
//! ```
//! use wirelace_http1::head::{FieldLine, RequestLeniency, Status, parse_request};
//!
//! let bytes = b"GET /hello HTTP/1.1\r\nHost: example.com\r\n\r\n";
//! let mut fields = [FieldLine::default(); 16];
//! let parsed = parse_request(bytes, &mut fields, RequestLeniency::STRICT)?;
//! let Status::Complete(head) = parsed else { panic!("all of it is there") };
//! assert_eq!((head.method, head.fields[0].value), (&b"GET"[..], &b"example.com"[..]));
//! # Ok::<(), wirelace_http1::head::HeadError>(())
//! ```
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

/// The layers below, for who takes this crate alone.
pub use {wirelace_http_semantics as semantics, wirelace_wire as wire};
