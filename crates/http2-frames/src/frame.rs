//! All frames (RFC 9113 §6).

use crate::error_code::ErrorCode;
use crate::header::FrameHeader;
use crate::lists::Origins;
use crate::settings::Settings;

/// A stream's place in RFC 7540's scheme, which is not used any more (RFC 9113 §5.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// The stream that it depends on.
    pub stream: u32,
    /// Whether it is to be the only one that does.
    pub exclusive: bool,
    /// Its weight as it stands on the wire: 0 means 1, 255 means 256.
    pub weight: u8,
}

/// A frame with its payload as it lies in the input.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Part of a body (RFC 9113 §6.1).
    Data {
        /// Its stream.
        stream: u32,
        /// Without padding.
        data: &'a [u8],
        /// The last of the stream.
        end_stream: bool,
        /// What counts for flow control: the whole payload, padding too.
        flow_length: u32,
    },
    /// A field block, or its beginning (RFC 9113 §6.2).
    Headers {
        /// Its stream.
        stream: u32,
        /// Without padding.
        fragment: &'a [u8],
        /// RFC 7540's priority.
        dependency: Option<Dependency>,
        /// The last of the stream, but for CONTINUATION.
        end_stream: bool,
        /// The block ends here.
        end_headers: bool,
    },
    /// RFC 7540's priority (RFC 9113 §6.3).
    Priority {
        /// Its stream.
        stream: u32,
        /// Where it is to be.
        dependency: Dependency,
    },
    /// The end of a stream before its time (RFC 9113 §6.4).
    RstStream {
        /// Its stream.
        stream: u32,
        /// Why.
        code: ErrorCode,
    },
    /// How the sender is to be treated (RFC 9113 §6.5).
    Settings {
        /// The answer to SETTINGS.
        ack: bool,
        /// What the sender wants.
        settings: Settings<'a>,
    },
    /// A request that will be answered although nobody asked (RFC 9113 §6.6).
    PushPromise {
        /// The stream that it belongs to.
        stream: u32,
        /// The stream of the answer.
        promised: u32,
        /// The request's field block, or its beginning, without padding.
        fragment: &'a [u8],
        /// The block ends here.
        end_headers: bool,
    },
    /// Is the peer there, and how far away? (RFC 9113 §6.7)
    Ping {
        /// The answer to a PING.
        ack: bool,
        /// Comes back as it went.
        data: [u8; 8],
    },
    /// The sender takes no streams after the last one (RFC 9113 §6.8).
    GoAway {
        /// The last stream that was or may be processed.
        last_stream: u32,
        /// Why.
        code: ErrorCode,
        /// For people.
        debug: &'a [u8],
    },
    /// More may be sent (RFC 9113 §6.9).
    WindowUpdate {
        /// The stream; 0: the connection.
        stream: u32,
        /// By so many octets, at least one.
        increment: u32,
    },
    /// The rest of a field block (RFC 9113 §6.10).
    Continuation {
        /// Its stream.
        stream: u32,
        /// A part of the block.
        fragment: &'a [u8],
        /// The block ends here.
        end_headers: bool,
    },
    /// Another priority for a stream (RFC 9218 §7.1).
    PriorityUpdate {
        /// The stream that is prioritised.
        stream: u32,
        /// As in the field `priority`.
        value: &'a [u8],
    },
    /// Where else an origin is served (RFC 7838 §4).
    AltSvc {
        /// The stream whose origin is meant; 0: see `origin`.
        stream: u32,
        /// The origin that is meant.
        origin: &'a [u8],
        /// As in the field `alt-svc`.
        value: &'a [u8],
    },
    /// What the connection serves (RFC 8336 §2). One that must be ignored (on a stream, or with a flag that would change
    /// what it means: RFC 8336 §2.1) is [`Unknown`](Frame::Unknown).
    Origin {
        /// The origins.
        origins: Origins<'a>,
    },
    /// A type that is not known, to be ignored (RFC 9113 §5.5).
    Unknown {
        /// Its header.
        header: FrameHeader,
        /// Its payload.
        payload: &'a [u8],
    },
}
