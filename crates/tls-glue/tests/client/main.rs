//! What clients and servers make of each other's certificates.

mod agreed;
mod choices;
mod clients;
mod foreign;
mod identity;
mod logged;
mod many;
mod provider;
mod refused;
#[cfg(feature = "report")]
mod report;
mod revoked;
mod weak;
mod world;
