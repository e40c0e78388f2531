//! HTTP/2 against our own server machine, over in-memory streams.

mod bodies;
mod chaos;
mod ends;
mod many;
mod tunnels;
mod unasked;
mod world;
