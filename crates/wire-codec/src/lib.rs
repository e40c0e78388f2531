//! A binary framing protocol over TCP and UDP.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

extern crate alloc;

pub mod base;
pub mod extended;

mod error;

pub use error::{DecodeError, ErrorCode, HelloRule, TooLong};
#[cfg(feature = "std")]
pub mod session;
