//! TLS for the rest of the stack: rustls does the handshake, and nothing above this crate knows it.
//!
//! It knows no sockets; `wirelace-runtime` has the streams. Central types: [`ServerTls`] and [`ClientTls`] (the
//! configuration), and [`TlsSession`] (one connection of either side, ciphertext in and out, plaintext in and out).
//! [`quic`] has the same for QUIC, where the keys go to the connection.
//!
//! The records after the handshake are protected in this crate (RFC 8446 §5, RFC 5246 §6.2): decrypted where they
//! lie and encrypted where they wait to be written, so that a connection at rest keeps its keys and no buffer.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod alert;
mod client;
pub mod ct;
#[cfg(feature = "development")]
pub mod development;
mod error;
mod identity;
mod keylog;
mod provider;
pub mod quic;
mod report;
mod roots;
mod server;
mod session;
mod store;
mod tickets;
mod verify;
mod versions;
mod x509;

pub use alert::Alert;
pub use client::{ClientTls, ClientTlsBuilder};
pub use error::{RecordRule, TlsError};
pub use identity::{Identity, IdentityError, certificates_from_pem_file};
pub use keylog::KeyLog;
#[cfg(feature = "report")]
pub use report::{CertificateReport, KeyReport, Moment, ReportError, SctReport};
pub use report::{HandshakeReport, TlsVersion, Verification};
pub use roots::Roots;
pub use server::{ClientCertificates, ServerTls, ServerTlsBuilder};
pub use session::{EarlyDataState, TlsEvent, TlsSession};
pub use store::{CertificateSource, CertificateStore, Hello};
pub use verify::{CertificateError, CertificateRule, Pin, PinError, Revocation};
