//! The web protocol stack in Rust, one crate a layer. This facade re-exports the wirelace crates behind features
//! and adds nothing: whoever needs one layer alone takes that crate.
//!
//! | module | crate | feature |
//! | --- | --- | --- |
//! | [`wire`] | `wirelace-wire`: scanners, integers, [`Machine`](wire::Machine) | always there |
//! | [`semantics`] | `wirelace-http-semantics`: what the HTTP versions share | `http1` |
//! | [`http1`] | `wirelace-http1`: HTTP/1.0 and 1.1, codec and connections | `http1` |
//! | [`runtime`] | `wirelace-runtime`: tokio drivers for any machine | `server`, `client` |
//! | [`server`] | `wirelace-server`: any `tower` service over HTTP | `server` |
//! | [`client`] | `wirelace-client`: the HTTP client | `client` |
//!
//! All features are on by default. With `default-features = false, features = ["http1"]` there is no tokio.
//!
//! The protocols themselves need no I/O. A request head, taken apart where it lies:
//!
//! EXAMPLE
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub use wirelace_wire as wire;

#[cfg(feature = "http1")]
pub use wirelace_http_semantics as semantics;
#[cfg(feature = "http1")]
pub use wirelace_http1 as http1;
#[cfg(any(feature = "server", feature = "client"))]
pub use wirelace_runtime as runtime;
#[cfg(feature = "server")]
pub use wirelace_server as server;
#[cfg(feature = "client")]
pub use wirelace_client as client;
