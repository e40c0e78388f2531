//! Certificate Transparency: own logs, own authorities, and every verdict.

mod delivered;
mod foreign;
mod list;
mod mutations;
mod policy;
mod precertificate;
mod signatures;
mod world;
