//! What the parts of packets look like.

use std::fmt;

use wirelace::tls_glue::quic::Version;
use wirelace_quic_lite::TransportError;

use super::super::wrong::{Stop, wrong};

/// Octets in hex; those of long ones only in part.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        if self.0.is_empty() {
            return f.write_str("empty");
        }
        self.0.iter().take(SHOWN).try_for_each(|octet| write!(f, "{octet:02x}"))?;
        match self.0.len() {
            0..=SHOWN => Ok(()),
            length => write!(f, "… ({length} octets)"),
        }
    }
}

/// The number of a version, and what it is.
pub(super) struct Numbered(pub(super) u32);

impl fmt::Display for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)?;
        match Version::from_number(self.0) {
            Some(version) => write!(f, " ({version})"),
            None if self.0 == 0 => f.write_str(" (Version Negotiation)"),
            None if self.0 & 0x0f0f_0f0f == 0x0a0a_0a0a => {
                f.write_str(" (reserved: it is there to be unknown)")
            }
            None => Ok(()),
        }
    }
}

/// What is wrong with what starts at `at`.
pub(super) fn broken(at: usize, error: &TransportError) -> Stop {
    wrong(at + error.offset.unwrap_or(0), format_args!("{} ({})", error.reason, error.code))
}
