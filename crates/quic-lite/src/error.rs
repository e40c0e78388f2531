//! Errors of the transport (RFC 9000 §20.1).

use core::fmt;

use wirelace_tls_glue::quic::ProtectionError;

/// A code of CONNECTION_CLOSE frames of type 0x1c.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransportErrorCode(u64);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        impl TransportErrorCode {
            $($(#[$doc])* pub const $name: TransportErrorCode = TransportErrorCode($value);)*

            /// Its name; `None`: it has none, or is a CRYPTO_ERROR.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// No error.
    NO_ERROR = 0x00;
    /// This side failed.
    INTERNAL_ERROR = 0x01;
    /// A server refuses the connection.
    CONNECTION_REFUSED = 0x02;
    /// More data than were allowed.
    FLOW_CONTROL_ERROR = 0x03;
    /// More streams than were allowed.
    STREAM_LIMIT_ERROR = 0x04;
    /// A frame for a stream in a state that does not allow it.
    STREAM_STATE_ERROR = 0x05;
    /// A stream has another end than it said, or data behind it.
    FINAL_SIZE_ERROR = 0x06;
    /// A frame that cannot be read.
    FRAME_ENCODING_ERROR = 0x07;
    /// Transport parameters that are not allowed, or cannot be read.
    TRANSPORT_PARAMETER_ERROR = 0x08;
    /// More connection ids than were allowed.
    CONNECTION_ID_LIMIT_ERROR = 0x09;
    /// Another rule was broken.
    PROTOCOL_VIOLATION = 0x0a;
    /// A token that is not valid.
    INVALID_TOKEN = 0x0b;
    /// The application ended the connection while the handshake was not complete.
    APPLICATION_ERROR = 0x0c;
    /// More CRYPTO data than are kept.
    CRYPTO_BUFFER_EXCEEDED = 0x0d;
    /// Keys were updated too soon.
    KEY_UPDATE_ERROR = 0x0e;
    /// Keys were used too often.
    AEAD_LIMIT_REACHED = 0x0f;
    /// No path carries packets.
    NO_VIABLE_PATH = 0x10;
    /// The version was negotiated down (RFC 9368 §10.2).
    VERSION_NEGOTIATION_ERROR = 0x11;
}

impl TransportErrorCode {
    /// As it stands in a frame.
    #[must_use]
    pub const fn from_code(code: u64) -> TransportErrorCode {
        TransportErrorCode(code)
    }

    /// As it stands in a frame.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The alert of a CRYPTO_ERROR (RFC 9001 §4.8).
    #[must_use]
    pub const fn alert(self) -> Option<u8> {
        if self.0 >> 8 == 1 { Some(self.0 as u8) } else { None }
    }
}

impl fmt::Display for TransportErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self.alert()) {
            (Some(name), _) => f.write_str(name),
            (None, Some(alert)) => write!(f, "CRYPTO_ERROR (alert {alert})"),
            (None, None) => write!(f, "{:#x}", self.0),
        }
    }
}

impl fmt::Debug for TransportErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The peer broke a rule: the connection ends with this code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TransportError {
    /// What the peer is told.
    pub code: TransportErrorCode,
    /// The type of the frame that did it, where one did.
    pub frame_type: Option<u64>,
    /// The rule.
    pub reason: &'static str,
}

impl TransportError {
    pub(crate) const fn new(code: TransportErrorCode, reason: &'static str) -> TransportError {
        TransportError { code, frame_type: None, reason }
    }

    pub(crate) const fn crypto_buffer() -> TransportError {
        TransportError::new(
            TransportErrorCode::CRYPTO_BUFFER_EXCEEDED,
            "CRYPTO data too far ahead of what has come in order (RFC 9000 §7.5)",
        )
    }

    pub(crate) fn of_frame(mut self, frame_type: u64) -> TransportError {
        self.frame_type.get_or_insert(frame_type);
        self
    }
}

impl From<ProtectionError> for TransportError {
    fn from(error: ProtectionError) -> TransportError {
        let code = error.code().map_or(TransportErrorCode::INTERNAL_ERROR, TransportErrorCode);
        let reason = match error {
            ProtectionError::ConfidentialityLimit(_) => "a key has protected as many packets as it may",
            ProtectionError::IntegrityLimit(_) => "too many packets could not be opened (RFC 9001 §6.6)",
            _ => "a packet cannot be protected",
        };
        TransportError::new(code, reason)
    }
}

impl From<crate::recovery::RecoveryError> for TransportError {
    fn from(_: crate::recovery::RecoveryError) -> TransportError {
        TransportError::new(
            TransportErrorCode::PROTOCOL_VIOLATION,
            "a packet was acknowledged that was never sent (RFC 9000 §13.1)",
        )
    }
}
