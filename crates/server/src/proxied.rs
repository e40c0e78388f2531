//! Connections that a proxy hands on, with a PROXY header in front.

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, ReadBuf};
use tokio::net::TcpStream;

use crate::info::ConnectionInfo;
use crate::proxy_protocol::{ProxyAddress, ProxyError, ProxyHeader, decode};

/// Octets that are looked at in one go: nearly all headers are smaller.
const LOOK: usize = 536;

/// Whether connections begin with a PROXY header (haproxy's `proxy-protocol.txt`).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyProtocol {
    /// They do not.
    #[default]
    Off,
    /// All do, of version 1 or 2, and those without one are closed. The client's address is then what the header says:
    /// **whoever can connect can have any address.** Listen where nobody but the proxy can.
    Required,
}

/// Why a connection is closed before anything else came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxiedError {
    #[error("{0}")]
    Header(#[from] ProxyError),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("no whole PROXY header within {} s", .0.as_secs_f32())]
    Timeout(Duration),
}

/// Takes the header, and not one octet more, and puts its addresses into `info`.
pub(crate) async fn read_header(
    io: &mut TcpStream,
    info: &mut ConnectionInfo,
    within: Option<Duration>,
) -> Result<ProxyHeader, ProxiedError> {
    let header = match within {
        Some(within) => {
            let header = tokio::time::timeout(within, header(io)).await;
            header.map_err(|_| ProxiedError::Timeout(within))??
        }
        None => header(io).await?,
    };
    if let (ProxyAddress::Ip(source), ProxyAddress::Ip(destination)) = (&header.source, &header.destination) {
        (info.peer, info.local) = (*source, *destination);
    }
    Ok(header)
}

async fn header(io: &mut TcpStream) -> Result<ProxyHeader, ProxiedError> {
    // Taken out of the socket: all of it is the header's.
    let mut taken = Vec::new();
    loop {
        let before = taken.len();
        look(io, &mut taken).await?;
        if taken.len() == before {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let decoded = decode(&taken)?;
        let length = decoded.as_ref().map_or(taken.len(), |(_, length)| *length);
        // What was looked at is still there; this does not wait.
        let fresh = taken.get_mut(before..length).unwrap_or_default();
        io.read_exact(fresh).await?;
        if let Some((header, _)) = decoded {
            return Ok(header);
        }
    }
}

/// Adds what has come to `seen`, and leaves it in the socket. The buffer is not kept while waiting.
async fn look(io: &TcpStream, seen: &mut Vec<u8>) -> io::Result<()> {
    poll_fn(|context| {
        let mut buffer = [0; LOOK];
        let mut buffer = ReadBuf::new(&mut buffer);
        match io.poll_peek(context, &mut buffer) {
            Poll::Ready(Ok(_)) => {
                seen.extend_from_slice(buffer.filled());
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
