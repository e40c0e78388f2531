//! QUIC (RFC 9000, 9001, 9002; RFC 9221, 9369): a transport machine without I/O.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod config;
mod connection;
mod connection_id;
mod datagram_error;
mod endpoint;
mod entropy;
mod error;
mod event;
pub mod frame;
pub mod header;
mod limits;
mod octets;
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

/// The TLS below.
pub use wirelace_tls_glue as tls;
