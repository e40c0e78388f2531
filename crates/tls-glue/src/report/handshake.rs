//! What a handshake agreed on.

use std::time::Duration;

use bytes::Bytes;
use rustls::{CommonState, HandshakeKind, ProtocolVersion};

use crate::ct::CtVerdict;

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl std::fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            TlsVersion::Tls12 => "TLS 1.2",
            TlsVersion::Tls13 => "TLS 1.3",
        })
    }
}

/// What was asked of the peer's certificates.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// The peer showed none.
    NoCertificate,
    /// They lead to an authority that is trusted. Client: and are for the name that was asked for.
    Chain,
    /// The same, and a key on the way is pinned.
    ChainAndPin,
    /// The key of the peer's own is pinned; nothing else was asked.
    Pin,
    /// **Nothing: it is not known who the peer is.** See [`Roots::Insecure`](crate::Roots::Insecure).
    NotVerified,
}

impl Verification {
    /// It is known who the peer is.
    #[must_use]
    pub const fn is_verified(self) -> bool {
        matches!(self, Verification::Chain | Verification::ChainAndPin | Verification::Pin)
    }
}

/// What a handshake agreed on, and what it took.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeReport {
    /// The version.
    pub version: TlsVersion,
    /// The cipher suite, by its registered name.
    pub cipher_suite: &'static str,
    /// The key exchange group, by its registered name; `None` where a TLS 1.2 session was resumed.
    pub group: Option<&'static str>,
    /// The application protocol (ALPN).
    pub alpn: Option<Bytes>,
    /// Server: the name that the client asked for (SNI).
    pub server_name: Option<String>,
    /// An earlier session was taken up again, without certificates.
    pub resumed: bool,
    /// Octets of early data that came with the handshake; client: that the server took.
    pub early_data: usize,
    /// Client: the server did not take the early data, or would not have. What was sent early was sent again.
    pub early_data_refused: bool,
    /// How often this side had to wait for the peer's answer, or its own was waited for.
    pub round_trips: u32,
    /// How long it took.
    pub duration: Duration,
    /// The peer's certificates in DER, its own first.
    pub peer_certificates: Vec<Bytes>,
    /// What was asked of them; of those of the first handshake where a session was resumed.
    pub verification: Verification,
    /// Client: what the logs of Certificate Transparency say of the server's certificate. `None`: they are not asked,
    /// or a session was resumed, and they were asked when it began.
    pub transparency: Option<Box<CtVerdict>>,
}

impl HandshakeReport {
    pub(crate) fn new(common: &CommonState) -> HandshakeReport {
        let suite = common.negotiated_cipher_suite();
        let group = common.negotiated_key_exchange_group();
        let certificates = common.peer_certificates().unwrap_or_default();
        HandshakeReport {
            version: match common.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
                _ => TlsVersion::Tls13,
            },
            cipher_suite: suite.and_then(|suite| suite.suite().as_str()).map(suite_name).unwrap_or_default(),
            group: group.and_then(|group| group.name().as_str()).map(group_name),
            alpn: common.alpn_protocol().map(Bytes::copy_from_slice),
            server_name: None,
            resumed: common.handshake_kind() == Some(HandshakeKind::Resumed),
            early_data: 0,
            early_data_refused: false,
            round_trips: 0,
            duration: Duration::ZERO,
            verification: match certificates {
                [] => Verification::NoCertificate,
                _ => Verification::Chain,
            },
            transparency: None,
            peer_certificates: certificates.iter().map(|der| Bytes::copy_from_slice(der)).collect(),
        }
    }
}

/// rustls has names of its own for the suites of TLS 1.3 (RFC 8446 §B.4).
fn suite_name(name: &'static str) -> &'static str {
    match name {
        "TLS13_AES_128_GCM_SHA256" => "TLS_AES_128_GCM_SHA256",
        "TLS13_AES_256_GCM_SHA384" => "TLS_AES_256_GCM_SHA384",
        "TLS13_CHACHA20_POLY1305_SHA256" => "TLS_CHACHA20_POLY1305_SHA256",
        name => name,
    }
}

/// And for groups (§B.3.1.4).
fn group_name(name: &'static str) -> &'static str {
    match name {
        "X25519" => "x25519",
        "X448" => "x448",
        "secp256r1MLKEM768" => "SecP256r1MLKEM768",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_names() {
        for (name, registered) in [
            ("TLS13_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
            ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        ] {
            assert_eq!(suite_name(name), registered);
        }
        for (name, registered) in [
            ("X25519", "x25519"),
            ("secp256r1", "secp256r1"),
            ("X25519MLKEM768", "X25519MLKEM768"),
            ("secp256r1MLKEM768", "SecP256r1MLKEM768"),
        ] {
            assert_eq!(group_name(name), registered);
        }
    }
}
