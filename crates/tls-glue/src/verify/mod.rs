//! Whether the peer's certificate is accepted, and if not, why.

mod chain;
mod client;
mod error;
mod explain;
mod pin;
mod refusal;
mod server;
mod trust;

pub(crate) use client::ClientVerifier;
pub use error::{CertificateError, CertificateRule};
pub use pin::{Pin, PinError};
pub(crate) use refusal::{refusal, watch};
pub(crate) use server::{Demand, ServerVerifier};
pub use trust::Revocation;
pub(crate) use trust::{Trust, reason};
