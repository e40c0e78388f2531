//! Errors of the transport (RFC 9000 §20.1).

use core::fmt;

use wirelace_tls_glue::quic::ProtectionError;

/// A code of CONNECTION_CLOSE frames of type 0x1c (RFC 9000 §20.1): below 2^62. 0x100 to 0x1ff are alerts of TLS.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransportErrorCode(u64);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        impl TransportErrorCode {
            $($(#[$doc])* pub const $name: TransportErrorCode = TransportErrorCode($value);)*

            /// Its name in the RFC; `None`: it has none, or is a CRYPTO_ERROR.
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

/// The peer broke a rule: the connection ends with this code (RFC 9000 §11.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{reason}{}", Place(*offset))]
pub struct TransportError {
    /// What the peer is told.
    pub code: TransportErrorCode,
    /// The type of the frame that did it, where one did.
    pub frame_type: Option<u64>,
    /// Where it stands: octets from the start of the packet's payload, or of the transport parameters. Of a frame that
    /// can be read and is wrong all the same, this is its first octet. `None`: it stands nowhere.
    pub offset: Option<usize>,
    /// The rule, with its section.
    pub reason: &'static str,
}

/// Of an error, in words.
struct Place(Option<usize>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |offset| write!(f, ", at octet {offset}"))
    }
}

impl TransportError {
    pub(crate) const fn new(code: TransportErrorCode, reason: &'static str) -> TransportError {
        TransportError { code, frame_type: None, offset: None, reason }
    }

    pub(crate) const fn crypto_buffer() -> TransportError {
        TransportError::new(
            TransportErrorCode::CRYPTO_BUFFER_EXCEEDED,
            "CRYPTO data too far ahead of what has come in order (RFC 9000 §7.5)",
        )
    }

    /// Where it stands, unless that is known already.
    pub(crate) fn at(mut self, offset: usize) -> TransportError {
        self.offset.get_or_insert(offset);
        self
    }

    /// Which frame did it, unless that is known already.
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
