//! HTTPS of the servers: certificates, clients' certificates, and what goes with them.

#[path = "../common/mod.rs"]
mod common;

mod certificates;
mod client;
mod files;
mod openssl;
mod options;
mod replaced;
