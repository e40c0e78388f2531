//! What a peer may take.

use core::time::Duration;

/// Limits of one connection. The defaults are safe on the open internet; a 0 where at least one is needed counts
/// as 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Server: streams that the client may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS). Client: requests under
    /// way at once, if the server allows as many.
    pub streams: u32,
    /// Client: promised streams at once (SETTINGS_MAX_CONCURRENT_STREAMS), where [`push`](Self::push) allows any.
    pub pushes: u32,
    /// Bytes of a frame's payload (SETTINGS_MAX_FRAME_SIZE), 16,384 to 16,777,215.
    pub frame: u32,
    /// Size of a header list as SETTINGS_MAX_HEADER_LIST_SIZE counts it: names, values and 32 for each field.
    pub header_list: u32,
    /// Fields of a header or trailer section.
    pub fields: usize,
    /// CONTINUATION frames of a field block.
    pub continuations: u32,
    /// Bytes of the table of the decoder (SETTINGS_HEADER_TABLE_SIZE).
    pub decoder_table: u32,
    /// Bytes of the table of the encoder, whatever more the peer allows.
    pub encoder_table: u32,
    /// Bytes of a body.
    pub body: u64,
    /// Bytes that a stream may bring beyond what the application took (SETTINGS_INITIAL_WINDOW_SIZE).
    pub window: u32,
    /// Bytes that all streams together may have beyond `window` each, for those that bring much and are read at once.
    pub window_reserve: u32,
    /// Bytes to which the window of one stream may grow out of the reserve.
    pub window_max: u32,
    /// Bytes of output above which the machine makes no more.
    pub output: usize,
    /// Bytes of a body that wait in a stream for their turn.
    pub send_buffer: usize,
    /// Client: promised streams are taken (SETTINGS_ENABLE_PUSH).
    pub push: bool,
    /// Server: extended CONNECT is taken (SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441).
    pub connect_protocol: bool,
    /// Client: interim (1xx) responses to one request.
    pub interim: u32,
    /// How long things may take.
    pub timeouts: Timeouts,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            streams: 128,
            pushes: 32,
            frame: 16_384,
            header_list: 64 * 1024,
            fields: 128,
            continuations: 16,
            decoder_table: 4096,
            encoder_table: 4096,
            body: u64::MAX,
            window: 65_535,
            window_reserve: 8 << 20,
            window_max: 4 << 20,
            output: 128 * 1024,
            send_buffer: 64 * 1024,
            push: false,
            connect_protocol: true,
            interim: 32,
            timeouts: Timeouts::default(),
        }
    }
}

/// Time limits. `None` switches one off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the preface and the first SETTINGS, and for the rest of a field block.
    pub head: Option<Duration>,
    /// A connection with no stream is closed after this.
    pub idle: Option<Duration>,
    /// In each span of this length, a body that is wanted must bring at least [`body_bytes`](Self::body_bytes).
    pub body: Option<Duration>,
    /// Bytes of body for each span of [`body`](Self::body).
    pub body_bytes: u64,
    /// Server: a stream whose data wait for the peer's window is reset after this.
    pub stall: Option<Duration>,
    /// The peer takes no byte of the output for this long: the connection is given up.
    pub write: Option<Duration>,
    /// The peer acknowledges SETTINGS within this (RFC 9113 §6.5.3).
    pub settings: Option<Duration>,
    /// After this without input, a PING asks whether the peer is there.
    pub keep_alive: Option<Duration>,
    /// The answer to a PING comes within this.
    pub ping: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            head: Some(Duration::from_secs(30)),
            idle: Some(Duration::from_secs(75)),
            body: Some(Duration::from_secs(20)),
            body_bytes: 256,
            stall: Some(Duration::from_secs(60)),
            write: Some(Duration::from_secs(60)),
            settings: Some(Duration::from_secs(30)),
            keep_alive: None,
            ping: Some(Duration::from_secs(20)),
        }
    }
}
