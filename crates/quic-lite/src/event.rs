//! What a connection tells its owner.

use std::net::SocketAddr;

use bytes::Bytes;
use wirelace_tls_glue::HandshakeReport;
use wirelace_tls_glue::quic::CryptoError;

use crate::error::{TransportError, TransportErrorCode};
use crate::stream_id::{Direction, StreamId};

/// What happened on a connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The handshake is complete: who the peer is is known (RFC 9001 §4.1.1).
    Complete(Box<HandshakeReport>),
    /// Both sides know that it is (§4.1.2).
    Confirmed,
    /// Client: whether the server has taken the early data. What was refused is sent again by itself, with the same
    /// stream ids.
    EarlyData {
        /// It has.
        accepted: bool,
    },
    /// The peer has opened a stream (RFC 9000 §2.1).
    Opened {
        /// Which.
        stream: StreamId,
    },
    /// A stream has data, or its end.
    Readable {
        /// Which.
        stream: StreamId,
    },
    /// A stream that had no capacity has some.
    Writable {
        /// Which.
        stream: StreamId,
    },
    /// The peer has reset its side of a stream (§3.2).
    Reset {
        /// Which.
        stream: StreamId,
        /// The application's code.
        code: u64,
    },
    /// The peer wants no more of a stream (§3.5); it was reset with the same code.
    Stopped {
        /// Which.
        stream: StreamId,
        /// The application's code.
        code: u64,
    },
    /// The peer has acknowledged all of a stream, its end too.
    Finished {
        /// Which.
        stream: StreamId,
    },
    /// Streams of this kind can be opened again.
    Available {
        /// Of which kind.
        direction: Direction,
    },
    /// A DATAGRAM frame came (RFC 9221).
    Datagram(Bytes),
    /// The server has given a token for the next connection (RFC 9000 §8.1.3).
    NewToken(Bytes),
    /// The connection goes on over another path, which is validated: the peer has moved, or this side has
    /// [migrated](crate::Connection::migrate).
    Migrated {
        /// Where the peer is now.
        remote: SocketAddr,
    },
    /// The connection is over. Nothing comes after it.
    Closed(CloseReason),
}

/// Why a connection is over.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// This side closed it.
    #[error("closed by this side")]
    Local,
    /// The peer's application closed it (RFC 9000 §19.19).
    #[error("closed by the peer's application with code {code:#x}{}", said(reason))]
    Application {
        /// The application's code.
        code: u64,
        /// What it said.
        reason: Bytes,
    },
    /// The peer found an error in what this side sent.
    #[error("the peer ended the connection: {code}{}", said(reason))]
    Peer {
        /// Which.
        code: TransportErrorCode,
        /// The frame that caused it, where it is known.
        frame_type: Option<u64>,
        /// What it said.
        reason: Bytes,
    },
    /// The peer broke a rule.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// TLS failed.
    #[error("{0}")]
    Crypto(CryptoError),
    /// Nothing came for too long (§10.1).
    #[error("nothing came for too long")]
    Idle,
    /// The handshake took too long.
    #[error("the handshake took too long")]
    HandshakeTimeout,
    /// The peer does not know the connection any more (§10.3).
    #[error("the peer has forgotten the connection (stateless reset)")]
    Reset,
    /// The server speaks none of the versions that were tried (§6).
    #[error("the server speaks none of the versions that were offered, but {versions:x?}")]
    Version {
        /// Those that it speaks.
        versions: Vec<u32>,
    },
}

fn said(reason: &[u8]) -> String {
    if reason.is_empty() { String::new() } else { format!(", \"{}\"", reason.escape_ascii()) }
}
