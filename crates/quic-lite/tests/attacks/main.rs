//! Peers that break the rules, each in a way of its own: what a connection says, and what it costs.

mod conformance;
mod early;
mod endpoint;
mod frames;
mod memory;
mod paths;
mod peer;
mod random;
mod wire;
mod world;
