//! What a side says when it ends a connection.

use core::fmt;

/// An alert's description (RFC 8446 §6), as it travels. Values that have no name here are kept as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Alert(pub u8);

impl Alert {
    /// The sender sends no more.
    pub const CLOSE_NOTIFY: Alert = Alert(0);
    /// A message that is not allowed here.
    pub const UNEXPECTED_MESSAGE: Alert = Alert(10);
    /// A record that does not decrypt.
    pub const BAD_RECORD_MAC: Alert = Alert(20);
    /// A record that is too long.
    pub const RECORD_OVERFLOW: Alert = Alert(22);
    /// No parameters that both sides accept.
    pub const HANDSHAKE_FAILURE: Alert = Alert(40);
    /// A message that cannot be parsed.
    pub const DECODE_ERROR: Alert = Alert(50);
    /// No version that both sides have.
    pub const PROTOCOL_VERSION: Alert = Alert(70);
    /// The sender's own failure.
    pub const INTERNAL_ERROR: Alert = Alert(80);
    /// The user gave up.
    pub const USER_CANCELED: Alert = Alert(90);
    /// A second handshake is refused (TLS 1.2).
    pub const NO_RENEGOTIATION: Alert = Alert(100);

    /// The name of RFC 8446 and its predecessors; `"unknown"` for a value that has none.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            _ => "unknown",
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "unknown" => write!(f, "alert {}", self.0),
            name => f.write_str(name),
        }
    }
}
