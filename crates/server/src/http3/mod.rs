//! HTTP/3 beside the other versions: one UDP socket at the address of each TLS listener (RFC 9114 §3).

mod connection;
mod handshakes;
mod listen;
mod machine;

pub(crate) use connection::Http3Connection;
pub(crate) use handshakes::Handshake;
pub(crate) use listen::{QuicBound, alt_svc};
