//! What is told about a connection and its certificates.

#[cfg(feature = "report")]
mod certificate;
mod handshake;

#[cfg(feature = "report")]
pub use certificate::{CertificateReport, KeyReport, Moment, ReportError, SctReport};
pub use handshake::{HandshakeReport, TlsVersion, Verification};
