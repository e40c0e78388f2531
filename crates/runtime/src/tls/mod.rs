//! TLS over any byte stream: what reads and writes plaintext above it is a byte stream again.

mod early;
mod early_stream;
mod handshake;
mod stream;

pub use early::EarlyData;
pub use handshake::{accept, connect};
pub use stream::TlsStream;
