//! Endpoints on a simulated network: the cases of the QUIC interop runner, and what else networks do.

mod app;
mod chaos;
mod early;
mod ending;
mod host;
mod interop;
mod moving;
mod others;
#[path = "../support/trust.rs"]
mod trust;
mod world;
