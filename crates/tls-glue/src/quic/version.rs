//! What differs between the versions, as far as keys go.

/// A version of QUIC. They have different keys for the same secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// RFC 9000.
    V1,
    /// RFC 9369.
    V2,
}

/// The labels that keys are derived with (RFC 9001 §5.1, RFC 9369 §3.3.2).
pub(super) struct Labels {
    pub(super) key: &'static [u8],
    pub(super) iv: &'static [u8],
    pub(super) header: &'static [u8],
    pub(super) update: &'static [u8],
}

impl Version {
    /// As it stands in long headers.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Version::V1 => 0x0000_0001,
            Version::V2 => 0x6b33_43cf,
        }
    }

    /// The version of this number; `None`: there is no code for it.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Version> {
        match number {
            0x0000_0001 => Some(Version::V1),
            0x6b33_43cf => Some(Version::V2),
            _ => None,
        }
    }

    /// RFC 9001 §5.2, RFC 9369 §3.3.1.
    pub(super) const fn salt(self) -> &'static [u8; 20] {
        match self {
            Version::V1 => {
                b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"
            }
            Version::V2 => {
                b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"
            }
        }
    }

    pub(super) const fn labels(self) -> Labels {
        match self {
            Version::V1 => {
                Labels { key: b"quic key", iv: b"quic iv", header: b"quic hp", update: b"quic ku" }
            }
            Version::V2 => {
                Labels { key: b"quicv2 key", iv: b"quicv2 iv", header: b"quicv2 hp", update: b"quicv2 ku" }
            }
        }
    }

    /// Key and nonce of the tag of Retry packets (RFC 9001 §5.8, RFC 9369 §3.3.3).
    pub(super) const fn retry(self) -> (&'static [u8; 16], &'static [u8; 12]) {
        match self {
            Version::V1 => (
                b"\xbe\x0c\x69\x0b\x9f\x66\x57\x5a\x1d\x76\x6b\x54\xe3\x68\xc8\x4e",
                b"\x46\x15\x99\xd3\x5d\x63\x2b\xf2\x23\x98\x25\xbb",
            ),
            Version::V2 => (
                b"\x8f\xb4\xb0\x1b\x56\xac\x48\xe2\x60\xfb\xcb\xce\xad\x7c\xcc\x92",
                b"\xd8\x69\x69\xbc\x2d\x7c\x6d\x99\x90\xef\xb0\x4a",
            ),
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Version::V1 => "QUIC version 1",
            Version::V2 => "QUIC version 2",
        })
    }
}
