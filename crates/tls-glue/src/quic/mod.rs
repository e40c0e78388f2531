//! TLS for QUIC, versions 1 and 2 (RFC 9001, RFC 9369): handshakes, keys, and the secrets beside them. It is no QUIC:
//! it knows neither frames nor datagrams, and of packets only where their protection lies.
//!
//! Central types: [`QuicSession`] is the handshake of one connection behind the trait [`QuicHandshake`]: CRYPTO octets
//! in and out, and [`QuicEvent`]s that say which keys come when. [`Keys`] protect packets: a [`PacketKey`] the payload,
//! a [`HeaderKey`] the header. [`TokenKeys`] validate addresses, a [`ResetKey`] makes stateless reset tokens, and
//! [`retry_tag`] is what Retry packets end with. Time and randomness are arguments.
//!
//! ```
//! use wirelace_tls_glue::quic::{Keys, SAMPLE_LENGTH, Side, Version};
//!
//! # fn main() -> Result<(), wirelace_tls_glue::quic::ProtectionError> {
//! // A client's first packet: its header ends with a packet number of two octets, which begins at octet 4.
//! let (header, payload, offset) = ([0xc1, 0, 0, 0, 0, 7], [0x01; 20], 4);
//! let mut client = Keys::initial(Version::V1, b"an id that it chose", Side::Client)?;
//! let mut packet = [&header[..], &payload].concat();
//! let tag = client.local.packet.seal(7, &header, &mut packet[header.len()..])?;
//! packet.extend_from_slice(&tag);
//! client.local.header.protect(&mut packet, offset)?;
//! assert!(packet.len() >= offset + 4 + SAMPLE_LENGTH);
//!
//! // The server knows the id from the packet.
//! let server = Keys::initial(Version::V1, b"an id that it chose", Side::Server)?;
//! let number = server.remote.header.unprotect(&mut packet, offset)?;
//! let (header, sealed) = packet.split_at_mut(offset + number.length);
//! let length = server.remote.packet.open(number.value.into(), header, sealed)?;
//! assert_eq!(sealed[..length], payload);
//! # Ok(())
//! # }
//! ```
//!
//! Keys are derived here, from the secrets that rustls tells key logs: so they are all made in one way (that of the
//! RFCs' test vectors), and a handshake may go on with another version than it began with (RFC 9368).

mod capture;
mod config;
mod error;
mod handshake;
mod header;
mod hello;
mod keys;
mod messages;
mod packet;
mod pending;
mod reset;
mod retry;
mod same;
mod secret;
mod session;
mod suite;
mod token;
mod version;

pub use config::{QuicClientTls, QuicServerTls};
pub use error::{CryptoError, ProtectionError};
pub use handshake::{QuicEvent, QuicHandshake};
pub use header::{HeaderKey, SAMPLE_LENGTH, TruncatedNumber};
pub use hello::ClientHello;
pub use keys::{KeyUpdates, Keys, Level, PacketKeys, Side};
pub use packet::{Forgeries, PacketKey, TAG_LENGTH};
pub use reset::{RESET_TOKEN_LENGTH, ResetKey, ResetToken};
pub use retry::{is_retry_valid, retry_tag};
pub use secret::{DirectionalKeys, TrafficSecret};
pub use session::QuicSession;
pub use suite::Suite;
pub use token::{MAX_TOKEN_LENGTH, OpenedToken, TokenError, TokenKeys, TokenOrigin};
pub use version::Version;
