//! Servers with TLS listeners, and clients that speak HTTP by hand over it.

#[path = "../support/mod.rs"]
mod support;

mod early;
mod identity;
mod plain;
mod protocols;
mod replaced;
mod slow;
mod world;
