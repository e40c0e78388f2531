//! The datagram machines against peers that are written by hand: sending again, repeats, limits, and attacks.

mod answers;
mod attacks;
mod client;
mod client_limits;
mod random;
mod repeats;
mod retransmission;
mod server;
mod server_limits;
mod wire;
