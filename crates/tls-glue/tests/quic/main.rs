//! Keys and handshakes for QUIC.

mod attacks;
mod early;
mod foreign;
mod handshake;
mod hello;
mod logged;
mod packets;
mod reset;
mod retry;
mod samples;
mod tokens;
mod update;
mod vectors;
mod world;
