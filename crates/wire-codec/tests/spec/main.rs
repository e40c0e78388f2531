//! Framings of all kinds: vectors written by hand, round trips, every cut, what is wrong, what cannot be built, and
//! peers.

mod model;
mod peers;
mod round_trip;
mod run;
mod vectors;
