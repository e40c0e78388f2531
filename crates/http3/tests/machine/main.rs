//! HTTP/3 over QUIC over a network in virtual time.

mod attacks;
mod exchanges;
mod extensions;
mod garbage;
mod limits;
mod pushes;
mod random;
mod rules;
mod world;
