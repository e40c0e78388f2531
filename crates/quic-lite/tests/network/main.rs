//! Endpoints on a simulated network: the cases of the QUIC interop runner, and what else networks do.

mod app;
mod host;
mod interop;
#[path = "../support/trust.rs"]
mod trust;
mod world;
