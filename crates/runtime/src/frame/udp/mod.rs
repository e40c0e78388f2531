//! The datagram mode: one frame a datagram, over UDP.

mod caller;
mod calls;
mod link;
mod observer;
mod server;
mod task;

pub use caller::{UdpCaller, UdpCallerOptions};
pub use observer::{Observer, Way};
pub use server::{UdpServer, UdpServerOptions};
