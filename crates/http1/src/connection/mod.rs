//! Connection machines for both roles.

mod body_receive;
mod body_send;
mod client;
mod error;
mod exchange;
mod field_send;
mod head_receive;
mod head_send;
mod limits;
mod section;
mod server;
mod stats;
mod timers;

pub use client::ClientConnection;
pub use error::Error;
pub use limits::{Limits, Timeouts};
pub use server::ServerConnection;
pub use stats::Stats;
