//! Peers that break the rules, each in a way of its own: what a connection says, and what it costs.

mod conformance;
mod peer;
mod wire;
mod world;
mod frames;
mod memory;
mod endpoint;
