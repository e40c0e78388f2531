//! A binary framing protocol for when HTTP is too much: a header of six octets, and a session above it that knows
//! which answer belongs to which request, how much may be sent, and whether the peer is still alive.
//!
//! It is no RPC system: payloads are octets, what they mean is yours. It knows no sockets either; for tokio there
//! are callers and servers in `wirelace-runtime`, feature `frame`. Central types: [`base::Frame`] and
//! [`extended::Frame`] (the codecs, `no_std` + `alloc`), and `session::Session` (feature `std`, the machine for both
//! roles). [`spec::FrameSpec`] cuts streams of other protocols into frames.
//!
//! # The base form
//!
//! All numbers are big-endian.
//!
//! | octet | bits | field | values |
//! | ---: | --- | --- | --- |
//! | 0 | 0–7 | version | decimal major and minor: 10 is 1.0 |
//! | 1 | 8–15 | type | 1 heartbeat, 2 request, 3 response, 4 error |
//! | 2–5 | 16–47 | length | octets of payload |
//! | 6– | 48– | payload | for errors: UTF-8 text |
//!
//! Answers come in the order of the requests. A request `hello`, and its response:
//!
//! ```text
//! 0a 02 00 00 00 05 68 65 6c 6c 6f    request, 5 octets, "hello"
//! 0a 03 00 00 00 02 68 69             response, 2 octets, "hi"
//! ```
//!
//! ```
//! use wirelace_wire_codec::base::{self, FrameType};
//!
//! let received = b"\x0a\x02\0\0\0\x05hello\x0a\x01";
//! let (frame, taken) = base::decode(received, 1024)?.expect("one is complete");
//! assert_eq!((frame.kind, frame.text()?, taken), (FrameType::REQUEST, "hello", 11));
//! assert_eq!(base::decode(&received[taken..], 1024)?, None); // more input is needed
//!
//! let mut sent = Vec::new();
//! base::Frame { kind: FrameType::RESPONSE, payload: "hi" }.encode_into(&mut sent)?;
//! assert_eq!(sent, b"\x0a\x03\0\0\0\x02hi");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The extended form
//!
//! Version 20. The same header, then:
//!
//! | octets | field | values |
//! | --- | --- | --- |
//! | 6 | flags | 1 end of this direction, 2 with checksum, 4 with deadline |
//! | 1–8 | id | of the exchange, as a variable-length integer (RFC 9000 §16); odd from the initiator, even from the acceptor, 0 for the connection |
//! | | payload | what the type wants, see [`extended::Frame`] |
//! | 4 | checksum | CRC32C of all octets before it |
//!
//! Types beside those of the base form: 5 data, 6 credit, 7 cancel, 8 go away, 9 message. An unknown type is skipped,
//! unless its highest bit is set: then it must be understood. Both sides agree on this form in a hello
//! ([`extended::Hello`]), which is a heartbeat of the base form with a payload: a peer that knows only the base form
//! answers it like any other, and the session falls back.
//!
//! Credit counts octets of payload. Each direction of an exchange, and the connection, start with what the receiver's
//! hello says, and gain what its CREDIT frames say; the payloads of requests, responses and data count against both,
//! also for an exchange that is over already. A message counts against the connection's, with 32 octets more than it
//! has, so that empty ones are not for nothing. The end of a direction needs no credit.
//!
//! | | base form | extended form |
//! | --- | --- | --- |
//! | answers | in order | in any order |
//! | payload | whole, in one frame | in parts, each side as it can |
//! | back-pressure | that of the transport | credit for each exchange and the connection |
//! | who asks | the initiator | both |
//! | given up | by closing | cancel, deadline, go away |
//! | a peer in forty lines of any language | yes | no |
//!
//! # Datagrams
//!
//! Both forms also travel over UDP, one frame a datagram: `datagram::DatagramClient` and `datagram::DatagramServer`.
//! There is no hello and no credit, and a payload is whole and short (1,200 octets with its header by default).
//!
//! TCP is for payloads of any length, for order, for many requests to one peer, and where TLS is needed. UDP is for
//! short questions to many servers, or from very many clients: no connection to set up or to keep, and a lost
//! datagram delays nothing but its own call. It has no congestion control and no encryption: it is for a network that
//! is yours.
//!
//! - The client sends a call again until it is answered or its deadline has passed.
//! - In the extended form the id tells which call an answer belongs to. The server knows a repeat by address and id:
//!   it ignores it while the request is under way, and then sends the answer again that it has kept. So a request is
//!   processed once, for as long as answers are kept (30 seconds by default, and so many, and so many octets).
//! - The base form has no ids. Each call needs a port of its own, so that its answer can be told from others; and it
//!   cannot promise that a request is processed once: when an answer is lost, the request that comes again is a new
//!   one. It is for requests that may be repeated, such as reads. It has no checksum beyond UDP's, either.
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
pub mod spec;

mod checksum;
#[cfg(feature = "tokio-util")]
mod codec;
mod error;
#[cfg(feature = "tokio-util")]
mod spec_codec;

#[cfg(feature = "tokio-util")]
pub use codec::BaseCodec;
pub use error::{DecodeError, ErrorCode, HelloRule, TooLong};
#[cfg(feature = "tokio-util")]
pub use spec_codec::SpecCodec;
#[cfg(feature = "std")]
pub mod datagram;
#[cfg(feature = "std")]
pub mod session;
