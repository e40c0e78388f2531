//! HTTP/2 connections, over real sockets and within this process.

#[path = "../support/mod.rs"]
mod support;

mod connect;
mod exchanges;
mod failures;
mod lifecycle;
mod peer;
mod priority;
mod push;
mod tower_bridge;
