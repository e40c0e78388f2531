//! What a connection allows its peer, and what it gives itself.

use std::time::Duration;

/// Limits and preferences of a connection. The defaults are safe against a hostile peer: no peer makes a connection
/// take more memory than the windows and the numbers of streams allow.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes that the peer may send on all streams before the application takes some: `initial_max_data` (RFC 9000
    /// §4.1).
    pub data_window: u64,
    /// Up to which that grows where the path needs it.
    pub max_data_window: u64,
    /// The same for one stream.
    pub stream_window: u64,
    /// Up to which a stream's window grows where the path needs it.
    pub max_stream_window: u64,
    /// Bidirectional streams that the peer may have open at once (§4.6).
    pub bidirectional_streams: u64,
    /// Unidirectional streams that the peer may have open at once.
    pub unidirectional_streams: u64,
    /// Bytes of a stream that wait to be sent or acknowledged before [`capacity`](crate::Connection::capacity) is 0.
    pub send_buffer: usize,
    /// Without a packet for so long, the connection is silently closed (§10.1). The smaller of both sides' counts;
    /// zero: never.
    pub idle_timeout: Duration,
    /// The handshake has to be complete by then.
    pub handshake_timeout: Duration,
    /// A packet is sent after so long a silence, so that neither side nor what lies between them forgets the connection.
    pub keep_alive: Option<Duration>,
    /// The longest that an acknowledgement waits for company (§13.2.1).
    pub max_ack_delay: Duration,
    /// Connection ids of the peer that are kept (§5.1.1), at least 2.
    pub connection_ids: u64,
    /// Octets of the largest datagram that is sent, UDP payload: paths are probed up to it (RFC 8899). At least 1,200.
    pub max_datagram: u16,
    /// Octets of the largest DATAGRAM frame that is taken (RFC 9221); 0: none.
    pub max_datagram_frame: u64,
    /// DATAGRAM frames that wait for the application, in bytes: when there are more, the oldest are dropped.
    pub datagram_buffer: usize,
    /// Whether the peer may go on from another address (§9).
    pub migration: bool,
    /// Before the round trip is known (RFC 9002 §6.2.2).
    pub initial_rtt: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            data_window: 2 << 20,
            max_data_window: 16 << 20,
            stream_window: 1 << 20,
            max_stream_window: 8 << 20,
            bidirectional_streams: 100,
            unidirectional_streams: 100,
            send_buffer: 1 << 20,
            idle_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            keep_alive: None,
            max_ack_delay: Duration::from_millis(25),
            connection_ids: 4,
            max_datagram: 1452,
            max_datagram_frame: 65_535,
            datagram_buffer: 1 << 20,
            migration: true,
            initial_rtt: Duration::from_millis(333),
        }
    }
}
