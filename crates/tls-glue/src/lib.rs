//! TLS for the rest of the stack: rustls does the handshake, and nothing above this crate knows it.
//!
//! It knows no sockets; `wirelace-runtime` has the streams. Central types: [`ServerTls`] and [`ClientTls`] (the
//! configuration), and [`TlsSession`] (one connection of either side, ciphertext in and out, plaintext in and out).
//! [`quic`] has the same for QUIC, where the keys go to the connection. A certificate that is refused comes with the
//! rule that it breaks, its place in the chain, and what to do: [`CertificateError`].
//!
//! ```
//! use std::{io::IoSlice, time::Instant};
//! use bytes::BytesMut;
//! use wirelace_tls_glue::{CertificateStore, ClientTls, Identity, Roots, ServerTls, TlsError, TlsSession};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
//! let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
//! let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes())?;
//! let server = ServerTls::builder(CertificateStore::new(vec![identity])).alpn(["http/1.1"]).build()?;
//! let client = ClientTls::builder(Roots::from_pem(certificate.as_bytes())?).alpn(["http/1.1"]).build()?;
//!
//! let mut server = TlsSession::server(&server, Instant::now())?;
//! let mut client = TlsSession::client(&client, "localhost", Instant::now())?;
//! // What one side has to send, as the other side takes it: the network, for once.
//! fn carry(from: &mut TlsSession, to: &mut TlsSession) -> Result<BytesMut, TlsError> {
//!     let (mut wire, mut plaintext) = (BytesMut::new(), BytesMut::new());
//!     from.output().chunks().for_each(|chunk| wire.extend_from_slice(chunk));
//!     from.output().advance(wire.len());
//!     to.receive(Instant::now(), &mut wire, &mut plaintext)?;
//!     Ok(plaintext)
//! }
//! while server.is_handshaking() {
//!     carry(&mut client, &mut server)?;
//!     carry(&mut server, &mut client)?;
//! }
//! client.send(Instant::now(), &[IoSlice::new(b"hello")])?;
//! assert_eq!(carry(&mut client, &mut server)?, "hello");
//! assert_eq!(client.report().and_then(|report| report.alpn.clone()), Some("http/1.1".into()));
//! # Ok(()) }
//! ```
//!
//! The records after the handshake are protected in this crate: decrypted where they lie and encrypted where they wait
//! to be written, so that a connection at rest keeps its keys and no buffer.
//!
//! | specification | what of it is here |
//! |---|---|
//! | RFC 8446, TLS 1.3 | the handshake is rustls's, with resumption (§2.2) and early data (§2.3); records (§5), tickets, key updates (§4.6) and alerts (§6) behind it are this crate's |
//! | RFC 5246, TLS 1.2 | the same, with ECDHE and AEAD suites only; nothing older, and no renegotiation |
//! | RFC 6066 §3, RFC 7301 | the server's name (SNI) chooses its certificate; ALPN |
//! | RFC 5280, RFC 9525 | certificates, chains and revocation lists, judged by webpki; names are those of `subjectAltName` |
//! | RFC 6962 | [`ct`]: SCTs in certificates and OCSP responses on a connection, those of the TLS extension where the caller has them; not enforced by default |
//! | RFC 6960 | a stapled OCSP response is searched for SCTs; what it says of the certificate is not looked at |
//! | RFC 7468, 5958, 8017, 5915 | files: PEM or DER, keys as PKCS#8, PKCS#1 and SEC1, not encrypted ones |
//! | RFC 9001, RFC 9369 | [`quic`]: handshake and keys, both versions |
//! | X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem) | with the feature `aws-lc-rs` and `Provider::AwsLc` |
//! | ECH, RFC 7250 (raw public keys), RFC 8879 (compressed certificates) | not here |
//!
//! | feature | what it brings |
//! |---|---|
//! | `report` | `CertificateReport`: what a certificate says |
//! | `development` | a certificate for localhost, made on the spot and kept |
//! | `system-roots`, `mozilla-roots` | authorities to trust |
//! | `aws-lc-rs` | another library for the cryptography of the handshake |
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
pub use provider::Provider;
#[cfg(feature = "report")]
pub use report::{CertificateReport, KeyReport, Moment, ReportError, SctReport};
pub use report::{HandshakeReport, TlsVersion, Verification};
pub use roots::Roots;
pub use server::{ClientCertificates, ServerTls, ServerTlsBuilder};
pub use session::{EarlyDataState, TlsEvent, TlsSession};
pub use store::{CertificateSource, CertificateStore, Hello};
pub use verify::{CertificateError, CertificateRule, Pin, PinError, Revocation};
