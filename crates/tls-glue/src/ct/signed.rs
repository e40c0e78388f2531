//! What a log signs (RFC 6962 §3.2).

use ring::digest;

use super::sct::Sct;

/// A certificate is this long at most, its length is written in three octets.
const MAX_ENTRY: usize = 0xff_ffff;

/// Everything that a log signs but the time and the extensions, which each SCT has of its own.
#[derive(Debug)]
pub(super) struct SignedData {
    /// Version, type, room for the time, and the entry.
    message: Vec<u8>,
    /// Octets before the extensions.
    fixed: usize,
}

impl SignedData {
    /// A certificate as it is (`x509_entry`). `None`: it is too long.
    pub(super) fn certificate(der: &[u8]) -> Option<SignedData> {
        SignedData::new([0, 0], &[], der)
    }

    /// A certificate before it got its SCTs (`precert_entry`). `None`: it is too long.
    pub(super) fn precertificate(tbs: &[u8], issuer_key: &[u8]) -> Option<SignedData> {
        let hash = digest::digest(&digest::SHA256, issuer_key);
        SignedData::new([0, 1], hash.as_ref(), tbs)
    }

    fn new(kind: [u8; 2], issuer: &[u8], der: &[u8]) -> Option<SignedData> {
        let length = u32::try_from(der.len()).ok().filter(|_| der.len() <= MAX_ENTRY)?.to_be_bytes();
        let parts: [&[u8]; 5] = [&[0; 10], &kind, issuer, length.get(1..)?, der];
        let message = parts.concat();
        Some(SignedData { fixed: message.len(), message })
    }

    /// The octets under one SCT's signature.
    pub(super) fn of(&mut self, sct: &Sct<'_>) -> &[u8] {
        if let Some(time) = self.message.get_mut(2..10) {
            time.copy_from_slice(&sct.timestamp.to_be_bytes());
        }
        self.message.truncate(self.fixed);
        // Read from a length of two octets.
        let length = u16::try_from(sct.extensions.len()).unwrap_or(u16::MAX);
        self.message.extend_from_slice(&length.to_be_bytes());
        self.message.extend_from_slice(sct.extensions);
        &self.message
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ct::sct::LogId;

    #[test]
    fn both_kinds_have_the_form_of_the_rfc() {
        let sct = |timestamp, extensions| Sct {
            log: LogId([0; 32]),
            timestamp,
            extensions,
            hash: 4,
            algorithm: 3,
            signature: b"",
        };
        let mut plain = SignedData::certificate(b"DER").unwrap();
        assert_eq!(plain.of(&sct(0x0102, b"e")), b"\0\0\0\0\0\0\0\0\x01\x02\0\0\0\0\x03DER\0\x01e");
        assert_eq!(plain.of(&sct(3, b"")), b"\0\0\0\0\0\0\0\0\0\x03\0\0\0\0\x03DER\0\0");
        let mut before = SignedData::precertificate(&[5; 0x0123], b"key").unwrap();
        let message = before.of(&sct(1, b"")).to_vec();
        let hash = digest::digest(&digest::SHA256, b"key");
        let expected =
            [b"\0\0\0\0\0\0\0\0\0\x01\0\x01", hash.as_ref(), &[0, 1, 0x23], &[5; 0x0123], &[0, 0]].concat();
        assert_eq!(message, expected);
    }

    #[test]
    fn an_entry_that_has_no_length_is_refused() {
        assert!(SignedData::certificate(&vec![0; MAX_ENTRY]).is_some());
        assert!(SignedData::certificate(&vec![0; MAX_ENTRY + 1]).is_none());
    }
}
