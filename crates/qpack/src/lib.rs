//! QPACK (RFC 9204): header compression for HTTP/3, with dynamic tables both ways.
//!
//! It knows field sections and the two instruction streams, not frames: an [`Encoder`] writes sections and what goes
//! out on its encoder stream; a [`Decoder`] takes both, in whatever order they arrive, keeps sections that come too
//! early, and says on its decoder stream what it has. Both are bounded: the table by what was offered, what waits by
//! [`Limits`], what a section decodes to by [`BlockLimits`], charged while decoding. Whether a field makes sense is
//! for the caller to say. Without the default feature `std` the crate is `no_std` + `alloc`.
//!
//! ```
//! use bytes::{Bytes, BytesMut};
//! use wirelace_qpack::hpack::{BlockLimits, HeaderBlock, Indexing, StaticName};
//! use wirelace_qpack::{Decoder, Encoder, Limits, Section};
//!
//! let mut decoder = Decoder::new(Limits::default());
//! let mut encoder = Encoder::new(4096);
//! // What the peer's SETTINGS say.
//! encoder.set_peer_limits(decoder.limits().table_capacity, decoder.limits().blocked_streams)?;
//!
//! let mut section = Vec::new();
//! encoder.section(0, &mut section, |fields| {
//!     fields.field(StaticName::METHOD.into(), b"GET", Indexing::Auto);
//!     fields.field("x-greeting".into(), b"hello", Indexing::Auto);
//! });
//! // The section arrives before the instructions that it needs.
//! let limits = BlockLimits { fields: 100, list_size: 16 * 1024 };
//! let mut headers = HeaderBlock::new();
//! let section = Bytes::from(section);
//! assert_eq!(decoder.section(0, section, &limits, &mut headers)?, Section::Blocked);
//! decoder.encoder_stream(&mut BytesMut::from(&encoder.output()[..]))?;
//! assert_eq!(decoder.unblocked(&limits, &mut headers), Some(Ok(0)));
//! assert_eq!(headers.iter().last().map(|field| field.value), Some(&b"hello"[..]));
//! // Once the encoder knows that, it needs no more to be waited for.
//! encoder.decoder_stream(&mut BytesMut::from(&decoder.output()[..]))?;
//! # Ok::<(), wirelace_qpack::Error>(())
//! ```
//!
//! # Names
//!
//! A decoded section is the [`HeaderBlock`] of HPACK, so names that HPACK's static table has come as
//! [`StaticName`](hpack::StaticName), however they were sent. Those that only QPACK's static table has, as
//! `x-frame-options`, are octets in the block's arena, like any other name.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

extern crate alloc;

mod decoder;
mod encoder;
mod error;
mod integer;
mod limits;
mod prefix;
pub mod static_table;
mod tables_static;

pub use decoder::{Decoder, Section};
pub use encoder::{Encoder, FieldWriter};
pub use error::{Error, Place};
pub use limits::Limits;

pub use wirelace_hpack::{BlockLimits, HeaderBlock};

/// The layers below, for who takes this crate alone.
pub use wirelace_hpack as hpack;
pub use wirelace_wire as wire;
