//! Error codes (RFC 9113 §7).

use core::fmt;

/// Why a stream or a connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u32);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $name: ErrorCode = ErrorCode($code);)*

            /// Its name; `None` for a code that RFC 9113 does not know.
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
    /// Nothing is wrong.
    NO_ERROR = 0x0,
    /// A rule of the protocol was broken.
    PROTOCOL_ERROR = 0x1,
    /// The sender failed.
    INTERNAL_ERROR = 0x2,
    /// More was sent than a window allowed.
    FLOW_CONTROL_ERROR = 0x3,
    /// SETTINGS were not acknowledged in time.
    SETTINGS_TIMEOUT = 0x4,
    /// A frame came after its stream had ended.
    STREAM_CLOSED = 0x5,
    /// A frame has a size that it must not have.
    FRAME_SIZE_ERROR = 0x6,
    /// The stream was not processed at all.
    REFUSED_STREAM = 0x7,
    /// The stream is not wanted any more.
    CANCEL = 0x8,
    /// A field block cannot be decompressed.
    COMPRESSION_ERROR = 0x9,
    /// The connection of a CONNECT was reset.
    CONNECT_ERROR = 0xa,
    /// The peer does too much.
    ENHANCE_YOUR_CALM = 0xb,
    /// The transport is not safe enough.
    INADEQUATE_SECURITY = 0xc,
    /// HTTP/1.1 is needed.
    HTTP_1_1_REQUIRED = 0xd,
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "error code {:#x}", self.0),
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
