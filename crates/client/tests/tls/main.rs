//! Connections within TLS, against servers of the runtime's own TLS and against what is none.

mod agreed;
mod cut;
mod early;
mod http2;
mod refused;
mod world;
