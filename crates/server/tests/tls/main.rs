//! Servers with TLS listeners, and clients that speak HTTP by hand over it.

#[path = "../support/mod.rs"]
mod support;

mod early;
mod http2;
mod identity;
#[path = "../http2/peer.rs"]
mod peer;
mod plain;
mod protocols;
mod replaced;
mod slow;
mod world;
