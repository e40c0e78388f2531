//! What all peers share: the answer, the listening socket and its options.

#![forbid(unsafe_code)]

pub mod hyper_server;
pub mod hyper_tls;
pub mod tls_client;

use std::io;
use std::net::{SocketAddr, TcpListener};

/// The body of every answer.
pub const BODY: &str = "hello, world\n";

/// The `content-type` of every answer.
pub const CONTENT_TYPE: &str = "text/plain";

/// Length of the large body, in bytes.
pub const BULK: usize = 1 << 20;

/// Length of HTTP/2's large body, in bytes.
pub const LARGE: usize = 64 << 10;

/// Long enough for 10,000 clients that connect at once, where the kernel allows it.
const BACKLOG: i32 = 16 * 1024;

/// Opens the listener named by the first argument and says where it is.
pub fn listen() -> io::Result<TcpListener> {
    let text = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let address: SocketAddr = text.parse().map_err(io::Error::other)?;
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let listener: TcpListener = socket.into();
    eprintln!("listening http {}", listener.local_addr()?);
    Ok(listener)
}

/// Runs a future on one thread, as all peers do.
pub fn block_on<F: Future<Output = io::Result<()>>>(future: F) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

/// Accepts for ever, TCP_NODELAY set, and hands each connection on.
pub async fn accept(mut serve: impl FnMut(tokio::net::TcpStream)) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listen()?)?;
    loop {
        // A client that is gone before it was accepted is no reason to stop.
        let Ok((stream, _)) = listener.accept().await else { continue };
        if stream.set_nodelay(true).is_ok() {
            serve(stream);
        }
    }
}
