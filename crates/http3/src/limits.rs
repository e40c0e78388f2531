//! What a peer may take.

use core::time::Duration;

/// Limits of one connection. The defaults are safe on the open internet. How many streams there may be, and how much
/// unread data, is for the limits of the QUIC connection to say.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Size of a field section as SETTINGS_MAX_FIELD_SECTION_SIZE counts it: names, values and 32 for each field. Kept to
    /// while it is decoded, for heads, interim responses, trailers and promises alike.
    pub field_section: u64,
    /// Fields of a section.
    pub fields: usize,
    /// Bytes of a body.
    pub body: u64,
    /// Client: interim (1xx) responses to one request.
    pub interim: u32,
    /// The peer's encoder: its table, and what it may make us keep.
    pub qpack: wirelace_qpack::Limits,
    /// Bytes of the table of our encoder, whatever more the peer allows.
    pub encoder_table: u64,
    /// Client: promised exchanges at once; 0: the server may push nothing (RFC 9114 §4.6).
    pub pushes: u64,
    /// Server: extended CONNECT is taken (SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 9220).
    pub connect_protocol: bool,
    /// HTTP datagrams are taken (SETTINGS_H3_DATAGRAM, RFC 9297).
    pub datagrams: bool,
    /// Bytes of HTTP datagrams that wait for the application: when there are more, the oldest are dropped.
    pub datagram_buffer: usize,
    /// A setting, a frame and a stream of reserved types are sent once, so that peers keep to ignoring what they do not
    /// know (RFC 9114 §7.2.8).
    pub grease: bool,
    /// How long things may take.
    pub timeouts: Timeouts,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            field_section: 64 * 1024,
            fields: 128,
            body: u64::MAX,
            interim: 32,
            qpack: wirelace_qpack::Limits::default(),
            encoder_table: 4096,
            pushes: 0,
            connect_protocol: true,
            datagrams: true,
            datagram_buffer: 256 * 1024,
            grease: true,
            timeouts: Timeouts::default(),
        }
    }
}

/// Time limits. `None` switches one off. That nothing comes at all is for QUIC's idle timeout to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the peer's SETTINGS, and for the head of a request once its stream is open.
    pub head: Option<Duration>,
    /// In each span of this length, a body that is wanted must bring at least [`body_bytes`](Self::body_bytes).
    pub body: Option<Duration>,
    /// Bytes of body for each span of [`body`](Self::body).
    pub body_bytes: u64,
    /// Server: a stream whose data wait for the peer's credit is reset after this.
    pub stall: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            head: Some(Duration::from_secs(30)),
            body: Some(Duration::from_secs(20)),
            body_bytes: 256,
            stall: Some(Duration::from_secs(60)),
        }
    }
}
