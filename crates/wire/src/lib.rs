//! What every wirelace protocol crate stands on: fast safe scanners with [nom] parsers over them, integers of
//! all kinds, the output queue, rate budgets, and [`Machine`], the one shape of every connection.
//!
//! It knows no protocol. Central types: [`Machine`] (bytes in, events out) and [`Output`] (bytes that want to go
//! out, written vectored). Without the default feature `std` the crate is `no_std` + `alloc` and leaves out what
//! needs a clock type (`Machine`, `Budget`).
//!
//! ```
//! use wirelace_wire::Output;
//!
//! let mut output = Output::new(64 * 1024);
//! output.put_slice(b"HTTP/1.1 200 OK\r\n\r\n");
//! output.put(bytes::Bytes::from_static(&[b'x'; 4096])); // large: shared, not copied
//! assert_eq!(output.chunks().count(), 2);
//! output.advance(output.len()); // the transport took everything
//! assert!(output.is_empty());
//! ```
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

extern crate alloc;

pub mod error;
pub mod field;
pub mod number;
pub mod prefix_int;
pub mod scan;
pub mod token;
pub mod varint;

mod output;
mod tables;

#[cfg(feature = "std")]
mod budget;
#[cfg(feature = "std")]
mod machine;

pub use output::Output;

#[cfg(feature = "std")]
pub use budget::Budget;
#[cfg(feature = "std")]
pub use machine::Machine;
