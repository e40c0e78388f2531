//! What goes wrong with QUIC's keys and handshakes, and the code that says so to the peer (RFC 9000 §20.1).

use crate::alert::Alert;
use crate::error::TlsError;

/// INTERNAL_ERROR (RFC 9000 §20.1).
const INTERNAL_ERROR: u64 = 0x01;
/// PROTOCOL_VIOLATION.
const PROTOCOL_VIOLATION: u64 = 0x0a;
/// AEAD_LIMIT_REACHED.
const AEAD_LIMIT_REACHED: u64 = 0x0f;
/// The first CRYPTO_ERROR: the alert is added to it (RFC 9001 §4.8).
const CRYPTO_ERROR: u64 = 0x0100;

/// Why a packet was not protected, or its protection not removed.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtectionError {
    /// It was changed on its way, the keys differ, or nobody sealed it. Such a packet is dropped (RFC 9001 §5.2).
    #[error("a packet does not decrypt")]
    Decrypt,
    /// There is no place in it for what is needed: the sample, or the packet number.
    #[error("a packet of {length} octets, at least {needed} are needed")]
    TooShort {
        /// Its octets.
        length: usize,
        /// How many it should have.
        needed: usize,
    },
    /// Packet numbers end at 2^62 - 1 (RFC 9000 §12.3).
    #[error("packet number {0} is above 2^62 - 1")]
    PacketNumber(u64),
    /// The key has protected as many packets as it may (RFC 9001 §6.6).
    #[error("the key has protected {0} packets, and may protect no more")]
    ConfidentialityLimit(u64),
    /// More packets than that did not decrypt (RFC 9001 §6.6).
    #[error("more than {0} packets did not decrypt")]
    IntegrityLimit(u64),
    /// A connection id that is longer than a version allows (RFC 9000 §17.2).
    #[error("a connection id of {0} octets, at most 20 are allowed")]
    ConnectionId(usize),
    /// A secret that does not fit its cipher suite.
    #[error("a secret of {length} octets, expected {expected}")]
    SecretLength {
        /// Its octets.
        length: usize,
        /// How many the suite's hash has.
        expected: usize,
    },
    /// The cryptographic library does not do it.
    #[error("the cryptographic library refuses the operation")]
    Library,
}

impl ProtectionError {
    /// The code that the connection ends with; `None`: the packet is dropped without a word. (Who has no packet numbers
    /// left to send with cannot say anything, either: RFC 9000 §12.3.)
    #[must_use]
    pub const fn code(self) -> Option<u64> {
        match self {
            ProtectionError::Decrypt
            | ProtectionError::TooShort { .. }
            | ProtectionError::PacketNumber(_) => None,
            ProtectionError::ConfidentialityLimit(_) | ProtectionError::IntegrityLimit(_) => {
                Some(AEAD_LIMIT_REACHED)
            }
            ProtectionError::ConnectionId(_) => Some(PROTOCOL_VIOLATION),
            ProtectionError::SecretLength { .. } | ProtectionError::Library => Some(INTERNAL_ERROR),
        }
    }
}

/// Why a handshake is over before its time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct CryptoError {
    /// The code of the CONNECTION_CLOSE frame that tells the peer: CRYPTO_ERROR (0x0100 and the alert, RFC 9001 §4.8)
    /// for what TLS finds, PROTOCOL_VIOLATION for octets at the wrong level.
    pub code: u64,
    /// What happened.
    pub error: TlsError,
}

impl CryptoError {
    /// What TLS found, with the alert that it would have sent.
    pub(super) fn new(error: TlsError, alert: Option<Alert>) -> CryptoError {
        let Alert(alert) = alert.or_else(|| error.alert()).unwrap_or(Alert::INTERNAL_ERROR);
        CryptoError { code: CRYPTO_ERROR + u64::from(alert), error }
    }

    /// Octets at a level where they must not be (RFC 9001 §4.1.3).
    pub(super) fn violation(what: String) -> CryptoError {
        CryptoError { code: PROTOCOL_VIOLATION, error: TlsError::Handshake(what) }
    }

    /// The alert in the code; `None`: it is not a CRYPTO_ERROR.
    #[must_use]
    pub fn alert(&self) -> Option<Alert> {
        u8::try_from(self.code.checked_sub(CRYPTO_ERROR)?).ok().map(Alert)
    }
}

impl From<ProtectionError> for CryptoError {
    fn from(error: ProtectionError) -> CryptoError {
        let code = error.code().unwrap_or(INTERNAL_ERROR);
        CryptoError { code, error: TlsError::Local(error.to_string()) }
    }
}
