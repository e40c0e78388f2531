//! The cipher suites of TLS 1.3, as QUIC uses them.

use ring::aead::{self, quic};
use ring::hmac;

/// A cipher suite (RFC 9001 §5.3). TLS_AES_128_CCM_SHA256 is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// TLS_AES_128_GCM_SHA256; Initial packets always have it.
    Aes128Gcm,
    /// TLS_AES_256_GCM_SHA384.
    Aes256Gcm,
    /// TLS_CHACHA20_POLY1305_SHA256.
    ChaCha20Poly1305,
}

impl Suite {
    /// Octets of its keys, for packets and for headers.
    pub(super) const fn key_length(self) -> usize {
        match self {
            Suite::Aes128Gcm => 16,
            Suite::Aes256Gcm | Suite::ChaCha20Poly1305 => 32,
        }
    }

    /// Octets of its secrets: those of its hash.
    #[must_use]
    pub const fn secret_length(self) -> usize {
        match self {
            Suite::Aes128Gcm | Suite::ChaCha20Poly1305 => 32,
            Suite::Aes256Gcm => 48,
        }
    }

    /// Packets that one key may protect (RFC 9001 §6.6).
    #[must_use]
    pub const fn confidentiality_limit(self) -> u64 {
        match self {
            Suite::Aes128Gcm | Suite::Aes256Gcm => 1 << 23,
            // There are no more packet numbers.
            Suite::ChaCha20Poly1305 => 1 << 62,
        }
    }

    /// Packets of a connection that may fail to decrypt, under all of its keys (RFC 9001 §6.6).
    #[must_use]
    pub const fn integrity_limit(self) -> u64 {
        match self {
            Suite::Aes128Gcm | Suite::Aes256Gcm => 1 << 52,
            Suite::ChaCha20Poly1305 => 1 << 36,
        }
    }

    pub(super) fn packet(self) -> &'static aead::Algorithm {
        match self {
            Suite::Aes128Gcm => &aead::AES_128_GCM,
            Suite::Aes256Gcm => &aead::AES_256_GCM,
            Suite::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        }
    }

    pub(super) fn header(self) -> &'static quic::Algorithm {
        match self {
            Suite::Aes128Gcm => &quic::AES_128,
            Suite::Aes256Gcm => &quic::AES_256,
            Suite::ChaCha20Poly1305 => &quic::CHACHA20,
        }
    }

    pub(super) fn hash(self) -> hmac::Algorithm {
        match self {
            Suite::Aes128Gcm | Suite::ChaCha20Poly1305 => hmac::HMAC_SHA256,
            Suite::Aes256Gcm => hmac::HMAC_SHA384,
        }
    }
}
