//! HPACK (RFC 7541): header compression for HTTP/2, and the Huffman code that QPACK shares.
//!
//! It knows field lines and their bytes, and nothing of HTTP. Central types: [`Decoder`], which decodes a block into a
//! [`HeaderBlock`] within limits, and [`Encoder`].
//!
//! ```
//! use wirelace_hpack::{BlockLimits, Decoder, Encoder, HeaderBlock, Indexing, StaticName};
//!
//! let mut encoder = Encoder::new(4096);
//! let mut block = Vec::new();
//! encoder.start(&mut block);
//! encoder.field(&mut block, StaticName::METHOD.into(), b"GET", Indexing::Auto);
//! encoder.field(&mut block, "x-request-id".into(), b"7f3a", Indexing::Auto);
//!
//! let mut decoder = Decoder::new(4096);
//! let mut fields = HeaderBlock::new();
//! decoder.decode(&block, &BlockLimits::default(), &mut fields)?;
//! let fields: Vec<_> = fields.iter().map(|field| (field.name, field.value)).collect();
//! assert_eq!(fields, [(&b":method"[..], &b"GET"[..]), (b"x-request-id", b"7f3a")]);
//! # Ok::<(), wirelace_hpack::DecodeError>(())
//! ```
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

extern crate alloc;

mod block;
mod decoder;
mod encoder;
mod error;
pub mod huffman;
mod index;
mod static_name;
pub mod static_table;
mod table;
#[rustfmt::skip]
mod tables;

pub use block::{BlockLimits, Exceeded, Field, HeaderBlock, Position};
pub use decoder::Decoder;
pub use encoder::{Encoder, Indexing, Name};
pub use error::{DecodeError, DecodeRule};
pub use static_name::StaticName;
