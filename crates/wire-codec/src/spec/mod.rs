//! Other people's framings: a [`FrameSpec`] says how a stream is cut into frames, and does it.
//!
//! It is for protocols whose frames are a length and a payload, or end with a delimiter. The builder refuses what could
//! cut a length or let one overflow, so that encoding and decoding need not: what is encoded is decoded to the same
//! payload, and what would not be is refused ([`SpecFrameError`]). The maximum always counts the payload, whatever the
//! length field counts.
//!
//! | framing | how |
//! | --- | --- |
//! | `tokio_util::codec::LengthDelimitedCodec`, as it comes | `FrameSpec::length_field(4)` |
//! | protobuf, delimited messages | `FrameSpec::varint()` |
//! | Kafka, requests and responses | `FrameSpec::length_field(4).signed()` |
//! | netstrings | `FrameSpec::netstring()` |
//! | lines | `FrameSpec::delimited(b"\n").last_without_delimiter()` |
//! | SMTP and FTP command lines | `FrameSpec::delimited(b"\r\n")` |
//! | NUL-terminated (`find -print0`, STOMP bodies) | `FrameSpec::delimited([0])` |
//! | a type and a length of 16 bits, both kept | `FrameSpec::length_field(2).offset(1).skip(0)` |
//! | PostgreSQL messages: type, length that counts itself, both kept | `FrameSpec::length_field(4).offset(1).adjustment(-4).skip(0)` |
//! | MQTT packets, whole | `FrameSpec::varint().offset(1).skip(0).max_frame(268_435_460)` |
//! | this crate's base form, header kept | `FrameSpec::length_field(4).offset(2).skip(0)` |
//! | with a CRC32C after each frame | `.checksum()` |
//!
//! # Decoding
//!
//! Borrowed from a slice, or owned slices of one [`Bytes`](bytes::Bytes). Input may come in any pieces; [`Scan`]
//! remembers how far it was searched.
//!
//! ```
//! use wirelace_wire_codec::spec::{FrameSpec, Scan};
//!
//! // Kafka: a signed length of 32 bits, here with messages of at most 1 MiB.
//! let kafka = FrameSpec::length_field(4).signed().max_frame(1 << 20).build()?;
//! let mut scan = Scan::new();
//! assert_eq!(kafka.decode(b"\0\0\0\x05hel", &mut scan)?, None);
//! assert_eq!(scan.needed(), 9);
//! let received = b"\0\0\0\x05hello\0\0";
//! assert_eq!(kafka.decode(received, &mut scan)?, Some((&b"hello"[..], 9)));
//!
//! let error = kafka.decode(b"\xff\xff\xff\xff", &mut Scan::new()).unwrap_err();
//! assert_eq!(error.to_string(), "the length at offset 0 is negative");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Encoding
//!
//! ```
//! use wirelace_wire_codec::spec::{FrameSpec, SpecError, SpecFrameError};
//!
//! let mut sent = Vec::new();
//! let protobuf = FrameSpec::varint().build()?;
//! protobuf.encode_into(&[b'x'; 300], &mut sent)?;
//! assert_eq!(sent[..4], [0xac, 0x02, b'x', b'x']);
//!
//! sent.clear();
//! FrameSpec::netstring().build()?.encode_into(b"hello", &mut sent)?;
//! let lines = FrameSpec::delimited(b"\n").last_without_delimiter().build()?;
//! lines.encode_into(b"one", &mut sent)?;
//! assert_eq!(sent, b"5:hello,one\n");
//! assert_eq!(lines.encode_into(b"o\nne", &mut sent), Err(SpecFrameError::Delimiter { offset: 1 }));
//!
//! // A maximum that the length field cannot hold is no framing.
//! let wrong = FrameSpec::length_field(2).max_frame(100_000).build();
//! assert_eq!(wrong.unwrap_err(), SpecError::MaxFrame { max_frame: 100_000, least: 0, most: 65_535 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the feature `tokio-util` there is a `SpecCodec` for `Framed`.

mod build;
mod delimited;
mod error;
mod field;
mod frame_spec;
mod netstring;
mod parts;
mod prefixed;

pub use build::SpecBuilder;
pub use error::{SpecError, SpecFrameError};
pub use frame_spec::{Decoded, FrameSpec, Scan, SpecFrames};
pub use parts::MAX_HEAD;

#[cfg(feature = "tokio-util")]
pub(crate) use parts::Step;
