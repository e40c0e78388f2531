//! What is told about a connection and its certificates.

mod handshake;

pub use handshake::{HandshakeReport, TlsVersion, Verification};
