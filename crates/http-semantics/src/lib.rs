//! What the HTTP versions share (RFC 9110): fields, targets, message framing, and the events and commands that
//! HTTP/1, HTTP/2 and HTTP/3 machines have in common.
//!
//! It parses no message. Central types: [`Fields`] (one byte block with an index, what all versions produce),
//! [`Event`] and [`HttpMachine`]. Without the default feature `std` the crate is `no_std` + `alloc` and leaves
//! out what stands on the `http` crate and on clocks.
//!
//! ```
//! use wirelace_http_semantics::{FieldId, Fields};
//!
//! let mut fields = Fields::new();
//! fields.push(FieldId::CONTENT_TYPE, "text/plain")?;
//! fields.push("x-request-id", "7f3a")?;
//! assert_eq!(fields.get("Content-Type"), Some(&b"text/plain"[..]));
//! // What would split a message never gets in.
//! assert!(fields.push("x", "a\r\nset-cookie: b").is_err());
//! # Ok::<(), wirelace_http_semantics::FieldError>(())
//! ```
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

extern crate alloc;

pub mod accept;
pub mod base64;
pub mod byteranges;
pub mod conditional;
pub mod content_range;
mod cursor;
pub mod date;
pub mod etag;
mod field_entry;
mod field_id;
mod field_index;
mod field_memory;
mod fields;
pub mod framing;
pub mod hsts;
pub mod list;
pub mod media_type;
pub mod parameters;
mod priority;
pub mod range;
pub mod structured;
pub mod target;

#[cfg(feature = "std")]
mod event;
#[cfg(feature = "std")]
mod head;
#[cfg(feature = "std")]
mod header_map;
#[cfg(feature = "std")]
mod machine;

pub use field_id::FieldId;
pub use field_index::{Field, FieldName};
pub use fields::{FieldError, Fields};
pub use priority::Priority;

#[cfg(feature = "std")]
pub use event::{Event, Reason, SendError, StreamId};
#[cfg(feature = "std")]
pub use head::{Head, RequestHead, ResponseHead};
#[cfg(feature = "std")]
pub use machine::HttpMachine;
