//! Error codes (RFC 9114 §8.1, RFC 9204 §6, RFC 9297 §5.2).

use core::fmt;

use wirelace_http_semantics::Reason;

/// Why a stream or a connection ends, as the peer is told.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u64);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $name: ErrorCode = ErrorCode($code);)*

            /// Its name in the RFC; `None` for an unknown one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// An HTTP datagram, or a capsule, cannot be read (RFC 9297 §5.2).
    H3_DATAGRAM_ERROR = 0x33;
    /// Nothing is wrong.
    H3_NO_ERROR = 0x100;
    /// A rule was broken that no other code is for.
    H3_GENERAL_PROTOCOL_ERROR = 0x101;
    /// This side failed.
    H3_INTERNAL_ERROR = 0x102;
    /// A stream that is not accepted.
    H3_STREAM_CREATION_ERROR = 0x103;
    /// A stream that the connection needs was closed.
    H3_CLOSED_CRITICAL_STREAM = 0x104;
    /// A frame where it must not be.
    H3_FRAME_UNEXPECTED = 0x105;
    /// A frame that breaks its layout, or has a wrong size.
    H3_FRAME_ERROR = 0x106;
    /// The peer does what may be an attack.
    H3_EXCESSIVE_LOAD = 0x107;
    /// A stream or push id that cannot be used so.
    H3_ID_ERROR = 0x108;
    /// A wrong setting.
    H3_SETTINGS_ERROR = 0x109;
    /// The control stream does not begin with SETTINGS.
    H3_MISSING_SETTINGS = 0x10a;
    /// A server rejects a request without having worked on it.
    H3_REQUEST_REJECTED = 0x10b;
    /// A request, or its answer, is not wanted any more.
    H3_REQUEST_CANCELLED = 0x10c;
    /// A request ended too early.
    H3_REQUEST_INCOMPLETE = 0x10d;
    /// A malformed message.
    H3_MESSAGE_ERROR = 0x10e;
    /// The connection behind a CONNECT failed.
    H3_CONNECT_ERROR = 0x10f;
    /// It should be asked over HTTP/1.1.
    H3_VERSION_FALLBACK = 0x110;
    /// A field section cannot be decoded (RFC 9204 §6).
    QPACK_DECOMPRESSION_FAILED = 0x200;
    /// The encoder stream cannot be read.
    QPACK_ENCODER_STREAM_ERROR = 0x201;
    /// The decoder stream cannot be read.
    QPACK_DECODER_STREAM_ERROR = 0x202;
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

impl ErrorCode {
    /// What the peer's code means for an exchange.
    pub(crate) fn reason(self) -> Reason {
        match self {
            ErrorCode::H3_NO_ERROR => Reason::NoError,
            ErrorCode::H3_REQUEST_CANCELLED => Reason::Cancel,
            ErrorCode::H3_REQUEST_REJECTED => Reason::Refused,
            ErrorCode::H3_INTERNAL_ERROR => Reason::Internal,
            ErrorCode::H3_EXCESSIVE_LOAD => Reason::Limit,
            ErrorCode::H3_GENERAL_PROTOCOL_ERROR
            | ErrorCode::H3_MESSAGE_ERROR
            | ErrorCode::H3_REQUEST_INCOMPLETE => Reason::Protocol,
            ErrorCode(code) => Reason::Code(code),
        }
    }

    /// The code that tells the peer why an exchange ends. A client must not say H3_REQUEST_REJECTED (RFC 9114 §4.1.1).
    pub(crate) fn of(reason: Reason, server: bool) -> ErrorCode {
        match reason {
            Reason::NoError => ErrorCode::H3_NO_ERROR,
            Reason::Refused if server => ErrorCode::H3_REQUEST_REJECTED,
            Reason::Protocol => ErrorCode::H3_MESSAGE_ERROR,
            Reason::Limit => ErrorCode::H3_EXCESSIVE_LOAD,
            Reason::Internal => ErrorCode::H3_INTERNAL_ERROR,
            // More cannot be said in a varint.
            Reason::Code(code) if code < 1 << 62 => ErrorCode(code),
            _ => ErrorCode::H3_REQUEST_CANCELLED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_rfc() {
        assert_eq!(ErrorCode(0x10e).to_string(), "H3_MESSAGE_ERROR");
        assert_eq!(ErrorCode(0x200).name(), Some("QPACK_DECOMPRESSION_FAILED"));
        assert_eq!(ErrorCode(0x21).to_string(), "0x21");
    }

    #[test]
    fn a_client_rejects_nothing() {
        assert_eq!(ErrorCode::of(Reason::Refused, true), ErrorCode::H3_REQUEST_REJECTED);
        assert_eq!(ErrorCode::of(Reason::Refused, false), ErrorCode::H3_REQUEST_CANCELLED);
        assert_eq!(ErrorCode::of(Reason::Code(u64::MAX), true), ErrorCode::H3_REQUEST_CANCELLED);
    }
}
