//! What clients and servers make of each other's certificates.

mod logged;
mod refused;
#[cfg(feature = "report")]
mod revoked;
mod world;
