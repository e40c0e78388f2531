//! What is told about a connection and its certificates.

#[cfg(feature = "report")]
mod certificate;
#[cfg(feature = "report")]
mod extensions;
mod handshake;

#[cfg(feature = "report")]
pub use certificate::{CertificateReport, KeyReport, Moment, ReportError};
#[cfg(feature = "report")]
pub use extensions::SctReport;
pub use handshake::{HandshakeReport, TlsVersion, Verification};
