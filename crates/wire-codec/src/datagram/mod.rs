//! Requests and responses in datagrams: one frame in each, nothing more, nothing less.
//!
//! [`DatagramClient`] asks one server, [`DatagramServer`] answers any number of clients; both are machines without
//! I/O: datagrams in with `receive`, events out with `poll_event`, datagrams out with `poll_transmit`, and time with
//! `deadline` and `on_deadline`. What is lost is sent again by the client; the server knows repeats by their ids and
//! answers them from what it has kept.
//!
//! | | base form | extended form |
//! | --- | --- | --- |
//! | answers belong to requests by | the client's port: one call a socket | ids |
//! | a repeat of what is under way | ignored | ignored |
//! | a repeat of what was answered | a new request | the same answer again |
//! | effects of one call happen | perhaps more than once | once, while the server keeps the answer |
//! | deadline, cancel, messages, checksum | no | yes |
//!
//! Requests and responses are whole, and as long as a datagram is: 1,200 octets by default, less the header. There is
//! no encryption and no congestion control: this is for a network that is yours. Nothing proves who sent a datagram;
//! what is no request never has an answer longer than itself (or 64 octets), but a short request with a forged address
//! brings its answer, however long, to somebody else.
//!
//! ```
//! use bytes::Bytes;
//! use std::time::Instant;
//! use wirelace_wire_codec::datagram::{
//!     ClientEvent, ClientOptions, DatagramClient, DatagramServer, ServerEvent, ServerOptions,
//! };
//!
//! let now = Instant::now();
//! let mut client = DatagramClient::new(ClientOptions::default(), 42);
//! let mut server = DatagramServer::new(ServerOptions::default());
//! let id = client.call(now, Bytes::from_static(b"hello"), None)?;
//! // What drivers do with their sockets.
//! while let Some(datagram) = client.poll_transmit(now) {
//!     server.receive(now, "the client's address", datagram);
//! }
//! while let Some(event) = server.poll_event(now) {
//!     if let ServerEvent::Request { id, payload, .. } = event {
//!         server.respond(now, id, payload)?; // an echo
//!     }
//! }
//! while let Some(transmit) = server.poll_transmit(now) {
//!     assert_eq!(transmit.to, "the client's address");
//!     client.receive(now, transmit.datagram);
//! }
//! let payload = Bytes::from_static(b"hello");
//! assert_eq!(client.poll_event(now), Some(ClientEvent::Response { id, payload }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod client;
mod event;
mod frame;
mod options;
mod random;
mod rtt;
mod server;

pub use crate::extended::Checksum;
pub use crate::session::Form;
pub use client::DatagramClient;
pub use event::{CallId, ClientEvent, ClientStats, RequestId, SendError, ServerEvent, ServerStats, Transmit};
pub use options::{ClientLimits, ClientOptions, ServerLimits, ServerOptions, Timing};
pub use server::DatagramServer;
