//! Requests, responses and trailers as field sections, and back: the message rules that HTTP/2 (RFC 9113 §8) and
//! HTTP/3 (RFC 9114 §4.2 to §4.4) share.
//!
//! It knows field lines, not frames and not compression: decoded sections come as the
//! [`HeaderBlock`](wirelace_hpack::HeaderBlock) of HPACK, which QPACK fills too, and what is to be sent goes to a
//! [`FieldLines`]. Central: [`request`], [`response`], [`trailers`]; [`RequestLines`], [`ResponseLines`], [`TrailerLines`].
//!
//! ```
//! use wirelace_hpack::{BlockLimits, Decoder, Encoder, HeaderBlock};
//! use wirelace_http_messages::{HpackLines, RequestLines, request};
//! use wirelace_http_semantics::{FieldId, RequestHead};
//!
//! let mut head = RequestHead::new(http::Method::GET, "/hello")?;
//! head.fields.push(FieldId::HOST, "example.com")?;
//! let (mut encoder, mut encoded) = (Encoder::new(4096), Vec::new());
//! RequestLines::new(&head, true)?.write(&mut HpackLines::new(&mut encoder, &mut encoded));
//!
//! let mut block = HeaderBlock::new();
//! let limits = BlockLimits { fields: 100, list_size: 16 * 1024 };
//! Decoder::new(4096).decode(&encoded, &limits, &mut block)?;
//! let received = request(&mut block, http::Version::HTTP_2, false)?;
//! assert_eq!(received.head.path(), "/hello");
//! assert_eq!(received.head.authority(), Some(&b"example.com"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod lines;
mod malformed;
mod receive;
mod send;
mod tables;

pub use lines::{FieldLines, HpackLines};
pub use malformed::Malformed;
pub use receive::{Received, promised, request, response, trailers};
pub use send::{RequestLines, ResponseLines, TrailerLines};
