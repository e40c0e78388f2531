//! What can go wrong on a TLS connection.

use std::time::Duration;

use crate::alert::Alert;
use crate::verify::CertificateError;

/// A rule of the record layer that the peer broke (RFC 8446 §5).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordRule {
    /// More octets than a record may have.
    #[error("a record of {length} octets, at most {limit} are allowed")]
    TooLong {
        /// Octets of its content.
        length: usize,
        /// How many may be.
        limit: usize,
    },
    /// Something in the clear after the handshake.
    #[error("an unprotected record of type {kind}")]
    Unprotected {
        /// Its content type.
        kind: u8,
    },
    /// Nothing but padding inside.
    #[error("a record without a type")]
    NoType,
    /// A type that is not allowed after the handshake.
    #[error("a record of type {kind} after the handshake")]
    UnexpectedType {
        /// Its content type.
        kind: u8,
    },
    /// A record of another type inside a handshake message, or a key change there.
    #[error("a handshake message is interrupted")]
    Interrupted,
    /// A handshake or alert record without content.
    #[error("an empty record of type {kind}")]
    Empty {
        /// Its content type.
        kind: u8,
    },
    /// An alert that is not two octets.
    #[error("an alert of {length} octets, expected 2")]
    AlertLength {
        /// Octets that came.
        length: usize,
    },
    /// A handshake message that is not allowed after the handshake.
    #[error("a handshake message of type {kind} after the handshake")]
    UnexpectedMessage {
        /// Its type (RFC 8446 §4).
        kind: u8,
    },
    /// A handshake message of more octets than are taken after the handshake.
    #[error("a handshake message of {length} octets, at most {limit} are taken")]
    MessageTooLong {
        /// Octets that it says it has.
        length: usize,
        /// How many are taken.
        limit: usize,
    },
    /// A key update that says neither yes nor no.
    #[error("a key update that cannot be read")]
    KeyUpdate,
}

/// Why a TLS connection is over before its time.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The peer speaks something else: plain HTTP on a TLS port, most often.
    #[error("not TLS: the record begins with {first:#04x}{}", plain_text(*.first))]
    NotTls {
        /// The first octet.
        first: u8,
    },
    /// A rule of the record layer is broken.
    #[error("{0}")]
    Record(RecordRule),
    /// A record does not decrypt: it was changed on its way, or the keys differ.
    #[error("a record does not decrypt")]
    Decrypt,
    /// The peer ended the connection with an alert.
    #[error("the peer's alert: {0}")]
    Alert(Alert),
    /// Nothing that both sides accept.
    #[error("nothing in common: {0}")]
    Incompatible(String),
    /// The peer's certificate is not accepted.
    #[error("{0}")]
    Certificate(Box<CertificateError>),
    /// The peer broke a rule of the handshake.
    #[error("handshake: {0}")]
    Handshake(String),
    /// The handshake took too long.
    #[error("the handshake took longer than {} s", .0.as_secs_f32())]
    HandshakeTimeout(Duration),
    /// More octets than a handshake needs.
    #[error("the handshake has more than {0} octets")]
    HandshakeTooLong(usize),
    /// The server refused early data and agreed on another application protocol than that of the session that was
    /// resumed: the data cannot be sent again here. The server has not seen it; another connection may take it.
    #[error("early data was refused, and another application protocol was agreed on")]
    EarlyDataProtocol,
    /// The connection was closed without a close_notify: what came may be cut.
    #[error("the connection was closed without a close_notify, data may be missing")]
    Truncated,
    /// The transport failed.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// Too many records or messages that carry nothing.
    #[error("too many {0}")]
    Flood(&'static str),
    /// The keys have protected as many records as they may (TLS 1.2 has no way to change them).
    #[error("the keys are used up")]
    KeysExhausted,
    /// This side cannot go on.
    #[error("{0}")]
    Local(String),
}

/// A hint for what people do by mistake.
fn plain_text(first: u8) -> &'static str {
    if first.is_ascii_alphabetic() { ", perhaps plain HTTP" } else { "" }
}

impl TlsError {
    /// The alert that tells the peer; `None`: it is told nothing, since it said so itself, is gone, or does not speak
    /// TLS.
    #[must_use]
    pub fn alert(&self) -> Option<Alert> {
        Some(match self {
            TlsError::Record(RecordRule::TooLong { .. }) => Alert::RECORD_OVERFLOW,
            TlsError::Record(RecordRule::AlertLength { .. } | RecordRule::KeyUpdate) => Alert::DECODE_ERROR,
            TlsError::Record(_) | TlsError::Flood(_) => Alert::UNEXPECTED_MESSAGE,
            TlsError::Decrypt => Alert::BAD_RECORD_MAC,
            TlsError::HandshakeTimeout(_) => Alert::USER_CANCELED,
            TlsError::HandshakeTooLong(_) | TlsError::Incompatible(_) | TlsError::Handshake(_) => {
                Alert::HANDSHAKE_FAILURE
            }
            TlsError::Certificate(error) => error.alert(),
            TlsError::KeysExhausted | TlsError::Local(_) => Alert::INTERNAL_ERROR,
            TlsError::NotTls { .. }
            | TlsError::Alert(_)
            | TlsError::Truncated
            | TlsError::Lost(_)
            | TlsError::EarlyDataProtocol => return None,
        })
    }
}
