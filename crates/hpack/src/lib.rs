//! HPACK (RFC 7541): header compression for HTTP/2, and the Huffman code that QPACK shares.
//!
//! It knows header blocks, not frames: a [`Decoder`] takes a whole block and fills a [`HeaderBlock`], one arena for
//! all octets and a position for each field; an [`Encoder`] appends fields to a block. Both are bounded: the dynamic
//! table by what was acknowledged, what a block decodes to by [`BlockLimits`], both charged while decoding. Whether
//! a field makes sense is for the caller to say. Without the default feature `std` the crate is `no_std` + `alloc`.
//! [`table`], [`search`], [`octets`] and whatever else a codec needs that fills a [`HeaderBlock`] are public for QPACK.
//!
//! ```
//! use wirelace_hpack::{BlockLimits, Decoder, Encoder, HeaderBlock, Indexing, StaticName};
//!
//! let mut encoder = Encoder::new(4096);
//! let mut block = Vec::new();
//! encoder.start(&mut block);
//! encoder.field(&mut block, StaticName::METHOD.into(), b"GET", Indexing::Auto);
//! encoder.field(&mut block, "x-greeting".into(), b"hello", Indexing::Auto);
//!
//! let mut decoder = Decoder::new(4096);
//! let mut headers = HeaderBlock::new();
//! decoder.decode(&block, &BlockLimits { fields: 100, list_size: 16 * 1024 }, &mut headers)?;
//! let fields: Vec<_> = headers.iter().map(|field| (field.name, field.value)).collect();
//! assert_eq!(fields, [(&b":method"[..], &b"GET"[..]), (b"x-greeting", b"hello")]);
//! assert_eq!(headers.iter().next().and_then(|field| field.static_name), Some(StaticName::METHOD));
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
pub mod octets;
mod policy;
pub mod search;
mod static_name;
pub mod static_table;
mod string;
pub mod table;
mod tables_huffman;
mod tables_static;

pub use block::{BlockLimits, Exceeded, Field, HeaderBlock, Position, size};
pub use decoder::Decoder;
pub use encoder::{Encoder, Indexing, Name};
pub use error::DecodeError;
pub use policy::{Habits, is_secret};
pub use static_name::StaticName;
pub use string::write_string;

/// The layer below, for who takes this crate alone.
pub use wirelace_wire as wire;

/// Size of the dynamic table that both sides start with, in octets (RFC 9113 §6.5.2).
pub const DEFAULT_TABLE_SIZE: usize = 4096;

/// What a field counts beside its name and its value, in octets (RFC 7541 §4.1).
pub const FIELD_OVERHEAD: usize = 32;
