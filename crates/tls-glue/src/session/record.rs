//! Protected records: RFC 8446 §5, and RFC 5246 §6.2 for TLS 1.2.

use std::fmt;
use std::io::IoSlice;

use ring::aead::{
    AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey,
};
use rustls::ConnectionTrafficSecrets;

use crate::error::{RecordRule, TlsError};

/// Octets of a record's header.
pub(super) const HEADER: usize = 5;
/// Octets of plaintext in a record, at most.
pub(super) const MAX_PLAINTEXT: usize = 1 << 14;
/// Octets of a record's content before the handshake has settled on a version, at most.
pub(super) const MAX_CONTENT: usize = MAX_PLAINTEXT + 2048;
/// Of TLS 1.3: a type, and up to 255 octets of padding and tag.
const MAX_CONTENT_13: usize = MAX_PLAINTEXT + 256;
pub(super) const TAG: usize = 16;
/// The part of a nonce that travels with an AES-GCM record of TLS 1.2.
const EXPLICIT: usize = 8;

/// Content types, RFC 8446 §5.1.
pub(super) mod content {
    pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(crate) const ALERT: u8 = 21;
    pub(crate) const HANDSHAKE: u8 = 22;
    pub(crate) const APPLICATION_DATA: u8 = 23;
}

/// Octets of the record in front of `input`, its header too; `None`: it is not complete.
pub(super) fn complete(input: &[u8], max_content: usize) -> Result<Option<usize>, TlsError> {
    let Some(&[kind, major, _, high, low]) = input.first_chunk::<HEADER>() else {
        return match input.first() {
            Some(kind) if !(content::CHANGE_CIPHER_SPEC..=content::APPLICATION_DATA).contains(kind) => {
                Err(TlsError::NotTls { first: *kind })
            }
            _ => Ok(None),
        };
    };
    if !(content::CHANGE_CIPHER_SPEC..=content::APPLICATION_DATA).contains(&kind) || major != 3 {
        return Err(TlsError::NotTls { first: kind });
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > max_content {
        return Err(TlsError::Record(RecordRule::TooLong { length, limit: max_content }));
    }
    let total = HEADER + length;
    Ok((input.len() >= total).then_some(total))
}

/// How a record is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The type is inside, the header says nothing.
    Tls13,
    /// AES-GCM of TLS 1.2: half of the nonce is in front (RFC 5288 §3).
    Explicit,
    /// ChaCha20-Poly1305 of TLS 1.2 (RFC 7905 §2).
    Implicit,
}

/// The key of one direction, and how many records it has protected.
pub(super) struct RecordKey {
    key: LessSafeKey,
    iv: [u8; NONCE_LEN],
    sequence: u64,
    form: Form,
    /// Records after which the key must not be used any more.
    limit: u64,
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordKey")
            .field("form", &self.form)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

/// The key, or the sequence number, is used up.
#[derive(Debug)]
pub(super) struct Exhausted;

impl RecordKey {
    /// `None`: a suite that there is no code for; none is offered.
    pub(super) fn new(
        secrets: &ConnectionTrafficSecrets,
        sequence: u64,
        tls13: bool,
        limit: u64,
    ) -> Option<RecordKey> {
        let (algorithm, key, iv, form) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv, Form::Explicit),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv, Form::Explicit),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (&CHACHA20_POLY1305, key, iv, Form::Implicit)
            }
            _ => return None,
        };
        Some(RecordKey {
            key: LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).ok()?),
            iv: iv.as_ref().try_into().ok()?,
            sequence,
            form: if tls13 { Form::Tls13 } else { form },
            limit,
        })
    }

    /// The largest content of a record that may come.
    pub(super) fn max_content(&self) -> usize {
        if self.form == Form::Tls13 { MAX_CONTENT_13 } else { MAX_CONTENT }
    }

    /// Octets that a record has beside its plaintext.
    pub(super) fn overhead(&self) -> usize {
        HEADER
            + TAG
            + if self.form == Form::Implicit {
                0
            } else if self.form == Form::Tls13 {
                1
            } else {
                EXPLICIT
            }
    }

    /// So many records more may be protected with this key.
    pub(super) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.sequence)
    }

    /// The nonce of this record: the sequence number, mixed into the secret one.
    fn nonce(&self) -> [u8; NONCE_LEN] {
        let mut nonce = self.iv;
        for (octet, mixed) in nonce.iter_mut().rev().zip(self.sequence.to_le_bytes()) {
            *octet ^= mixed;
        }
        nonce
    }

    /// What is authenticated beside the content in TLS 1.2: `header` with the plaintext's length.
    fn additional(&self, header: [u8; HEADER], length: usize) -> [u8; 13] {
        let mut octets = [0; 13];
        let [kind, major, minor, ..] = header;
        let [.., high, low] = length.to_be_bytes();
        let fields = self.sequence.to_be_bytes().into_iter().chain([kind, major, minor, high, low]);
        octets.iter_mut().zip(fields).for_each(|(octet, field)| *octet = field);
        octets
    }

    /// Decrypts a whole record where it lies: its type, and where its plaintext is.
    pub(super) fn open(&mut self, record: &mut [u8]) -> Result<(u8, core::ops::Range<usize>), TlsError> {
        let Some((&mut header, content)) = record.split_first_chunk_mut::<HEADER>() else {
            return Err(TlsError::Decrypt);
        };
        let [kind, ..] = header;
        let next = self.sequence.checked_add(1).ok_or(TlsError::KeysExhausted)?;
        let opened = match self.form {
            Form::Tls13 => {
                // Nothing comes in the clear any more.
                if kind != content::APPLICATION_DATA {
                    return Err(TlsError::Record(RecordRule::Unprotected { kind }));
                }
                let nonce = Nonce::assume_unique_for_key(self.nonce());
                let plain = self
                    .key
                    .open_in_place(nonce, Aad::from(header), content)
                    .map_err(|_| TlsError::Decrypt)?;
                let Some(last) = plain.iter().rposition(|octet| *octet != 0) else {
                    return Err(TlsError::Record(RecordRule::NoType));
                };
                (plain.get(last).copied().unwrap_or_default(), HEADER, last)
            }
            form => {
                let front = if form == Form::Explicit { EXPLICIT } else { 0 };
                let Some(length) = content.len().checked_sub(front + TAG) else {
                    return Err(TlsError::Decrypt);
                };
                let additional = Aad::from(self.additional(header, length));
                let Some((explicit, sealed)) = content.split_at_mut_checked(front) else {
                    return Err(TlsError::Decrypt);
                };
                let mut nonce = self.nonce();
                if form == Form::Explicit {
                    nonce
                        .iter_mut()
                        .skip(NONCE_LEN - EXPLICIT)
                        .zip(explicit)
                        .for_each(|(octet, sent)| *octet = *sent);
                }
                let nonce = Nonce::assume_unique_for_key(nonce);
                self.key.open_in_place(nonce, additional, sealed).map_err(|_| TlsError::Decrypt)?;
                (kind, HEADER + front, length)
            }
        };
        self.sequence = next;
        let (kind, start, length) = opened;
        if length > MAX_PLAINTEXT {
            return Err(TlsError::Record(RecordRule::TooLong { length, limit: MAX_PLAINTEXT }));
        }
        Ok((kind, start..start + length))
    }

    /// Appends one record with what `source` has next, at most `length` octets of it.
    pub(super) fn seal(
        &mut self,
        kind: u8,
        source: &mut Gather<'_, '_>,
        length: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Exhausted> {
        let Some(next) = self.sequence.checked_add(1).filter(|_| self.left() > 0) else {
            return Err(Exhausted);
        };
        let length = length.min(source.left()).min(MAX_PLAINTEXT);
        let tls13 = self.form == Form::Tls13;
        let content = self.overhead() - HEADER + length;
        let [.., high, low] = content.to_be_bytes();
        let header = [if tls13 { content::APPLICATION_DATA } else { kind }, 3, 3, high, low];
        out.reserve(HEADER + content);
        out.extend_from_slice(&header);
        let nonce = self.nonce();
        if self.form == Form::Explicit {
            out.extend_from_slice(nonce.last_chunk::<EXPLICIT>().unwrap_or(&[0; EXPLICIT]));
        }
        let start = out.len();
        source.take(length, out);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = if tls13 {
            out.push(kind);
            self.key.seal_in_place_separate_tag(
                nonce,
                Aad::from(header),
                out.get_mut(start..).unwrap_or_default(),
            )
        } else {
            let additional = Aad::from(self.additional(header, length));
            self.key.seal_in_place_separate_tag(nonce, additional, out.get_mut(start..).unwrap_or_default())
        };
        match tag {
            Ok(tag) => out.extend_from_slice(tag.as_ref()),
            // Only for more octets than a record has.
            Err(_) => return Err(Exhausted),
        }
        self.sequence = next;
        Ok(())
    }
}

/// The octets of several slices, one after the other.
#[derive(Debug)]
pub(super) struct Gather<'a, 'b> {
    slices: &'a [IoSlice<'b>],
    /// Octets of the first slice that are taken.
    taken: usize,
    left: usize,
}

impl<'a, 'b> Gather<'a, 'b> {
    pub(super) fn new(slices: &'a [IoSlice<'b>]) -> Gather<'a, 'b> {
        Gather { slices, taken: 0, left: slices.iter().map(|slice| slice.len()).sum() }
    }

    pub(super) fn left(&self) -> usize {
        self.left
    }

    fn take(&mut self, mut count: usize, out: &mut Vec<u8>) {
        self.left -= count.min(self.left);
        while count > 0 {
            let Some((first, rest)) = self.slices.split_first() else { return };
            let part = first.get(self.taken..).unwrap_or_default();
            if part.len() > count {
                out.extend_from_slice(part.get(..count).unwrap_or_default());
                self.taken += count;
                return;
            }
            out.extend_from_slice(part);
            count -= part.len();
            self.slices = rest;
            self.taken = 0;
        }
    }
}
