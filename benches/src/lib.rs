//! What the race's servers share: the answer that every contestant gives, and how ours are run.

#![forbid(unsafe_code)]

pub mod frame;

use std::io;
use std::net::SocketAddr;

use wirelace_server::{Builder, Serve};

/// The body of every answer.
pub const BODY: &str = "hello, world\n";

/// The `content-type` of every answer.
pub const CONTENT_TYPE: &str = "text/plain";

/// Length of the large body, in bytes.
pub const BULK: usize = 1 << 20;

/// Length of HTTP/2's large body, in bytes.
pub const LARGE: usize = 64 << 10;

/// Serves on one thread at the address in the first argument, as it comes: all limits and timeouts on.
///
/// # Errors
/// The address cannot be had, or listening fails.
pub fn run<S: Serve>(builder: Builder<S>) -> io::Result<()> {
    let text = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let address: SocketAddr = text.parse().map_err(io::Error::other)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let server = builder.bind(address)?;
        eprintln!("listening http {}", server.local_addr());
        server.run_forever().await
    })
}
