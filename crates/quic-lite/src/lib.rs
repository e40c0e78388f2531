//! QUIC, versions 1 and 2 (RFC 9000, 9001, 9002, 9369), with datagrams (RFC 9221): a transport machine for both roles,
//! without I/O.
//!
//! It has neither socket, task nor clock: datagrams and the time are arguments, and what goes out is written into a
//! buffer of the caller. It is no HTTP/3, which is a machine on top of it. It has no multipath, and negotiates no
//! version: a client speaks the one that it begins with. Every limit is on from the start (see [`Limits`]).
//!
//! - [`Endpoint`] is what shares a UDP socket: it finds the connection that a datagram is for, and answers those that
//!   are for none (Retry, Version Negotiation, stateless reset).
//! - [`Connection`] is one connection. [`receive`](Connection::receive) takes its datagrams,
//!   [`poll_event`](Connection::poll_event) tells what happened, [`poll_transmit`](Connection::poll_transmit) writes what
//!   wants to go, and [`deadline`](Connection::deadline) says when [`on_deadline`](Connection::on_deadline) is due.
//! - [`frame`], [`header`], [`packet`], [`packet_number`] and [`transport_parameters`] read and write what travels, for
//!   those who look at packets without a connection.
//!
//! A client says hello to a server, in memory:
//!
//! ```
//! # use std::{sync::Arc, time::{Instant, SystemTime}};
//! # use bytes::{Bytes, BytesMut};
//! use wirelace_quic_lite::tls::quic::{QuicClientTls, QuicServerTls, ResetKey, TokenKeys};
//! # use wirelace_quic_lite::tls::{CertificateStore, ClientTls, Identity, Roots, ServerTls};
//! use wirelace_quic_lite::{ClientConfig, Datagram, Direction, Endpoint, Event, Remembered, Routed, ServerConfig};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
//! # let certificate = Bytes::from(own.cert.der().to_vec());
//! # let identity = Identity::from_der(vec![certificate.clone()], &own.signing_key.serialize_der())?;
//! # let server_tls = ServerTls::builder(CertificateStore::new(vec![identity])).build()?;
//! # let client_tls = ClientTls::builder(Roots::Only(vec![certificate])).build()?;
//! let (tokens, resets) = (Arc::new(TokenKeys::new(&[1; 32])), Arc::new(ResetKey::new(&[2; 32])));
//! let server_config = ServerConfig::new(QuicServerTls::new(&server_tls, ["hello"])?, tokens, resets);
//! let client_config = ClientConfig::new(QuicClientTls::new(&client_tls, ["hello"])?);
//! let (now, wall, to, from) = (Instant::now(), SystemTime::now(), "192.0.2.1:443".parse()?, "192.0.2.2:50000".parse()?);
//!
//! let (mut near, mut far) = (Endpoint::new(None, &[3; 32]), Endpoint::new(Some(server_config), &[4; 32]));
//! let (_, mut client) = near.connect(&client_config, "localhost", to, &Remembered::default(), now)?;
//! let (mut server, mut out, mut answer) = (None, Vec::new(), Vec::new());
//! let hello = loop {
//!     while let Some(transmit) = client.poll_transmit(now, &mut out, 1) {
//!         let datagram = Datagram { remote: from, local: None, ecn: transmit.ecn, data: BytesMut::from(&out[..]) };
//!         match far.route(now, wall, datagram, &mut answer) {
//!             Routed::Incoming(incoming) => server = Some(far.accept(now, *incoming)?),
//!             Routed::Connection(_, datagram) => server.as_mut().ok_or("no server")?.1.receive(now, datagram),
//!             _ => {}
//!         }
//!     }
//!     let (handle, server) = server.as_mut().ok_or("no server")?;
//!     far.update(*handle, server);
//!     while let Some(transmit) = server.poll_transmit(now, &mut out, 1) {
//!         let data = BytesMut::from(&out[..]);
//!         client.receive(now, Datagram { remote: to, local: None, ecn: transmit.ecn, data });
//!     }
//!     while let Some(event) = client.poll_event() {
//!         if let Event::Complete(_) = event {
//!             let stream = client.open(Direction::Unidirectional).ok_or("no stream is allowed")?;
//!             client.write(stream, Bytes::from_static(b"hello"), true)?;
//!         }
//!     }
//!     if let Some(Event::Readable { stream }) = std::iter::from_fn(|| server.poll_event()).last() {
//!         break server.read(stream, usize::MAX)?.ok_or("nothing to read")?;
//!     }
//! };
//! assert_eq!((&hello.data[..], hello.fin), (&b"hello"[..], true));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod ack;
mod config;
mod connection;
mod connection_id;
mod datagram_error;
mod endpoint;
mod entropy;
mod error;
mod event;
pub mod frame;
mod frame_write;
pub mod header;
mod limits;
mod octets;
pub mod packet;
pub mod packet_number;
mod recovery;
mod sent_frame;
mod stats;
mod stream_id;
mod streams;
mod transmit;
pub mod transport_parameters;

pub use config::{ClientConfig, CongestionControl, Remembered, ServerConfig};
pub use connection::Connection;
pub use connection_id::{ConnectionId, MAX_CONNECTION_ID};
pub use datagram_error::DatagramError;
pub use endpoint::{Endpoint, Handle, Incoming, Routed};
pub use error::{TransportError, TransportErrorCode};
pub use event::{CloseReason, Event};
pub use limits::Limits;
pub use stats::Stats;
pub use stream_id::{Direction, StreamId};
pub use streams::{Chunk, ReadError, WriteError};
pub use transmit::{Datagram, Ecn, Transmit};

/// The TLS below: configurations ([`ClientTls`](tls::ClientTls), [`ServerTls`](tls::ServerTls)), and in
/// [`tls::quic`] the keys of packets.
pub use wirelace_tls_glue as tls;
