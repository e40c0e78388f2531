//! Signed certificate timestamps and lists of them (RFC 6962 §3.2, §3.3).

use std::fmt;

use super::error::{SctError, SctRule};

/// So many SCTs of one list are looked at; a list with more is refused. Certificates have two to five.
pub const MAX_SCTS: usize = 32;

/// Which log: the SHA-256 of its public key (RFC 6962 §3.2). `Display` writes it in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub [u8; 32]);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A log's promise that a certificate is published: a signed certificate timestamp, version 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sct<'a> {
    /// The log.
    pub log: LogId,
    /// When it took the certificate, in milliseconds since 1970.
    pub timestamp: u64,
    /// Extensions, as they are; they are signed, too.
    pub extensions: &'a [u8],
    /// The hash, a number of TLS 1.2 (RFC 5246 §7.4.1.4.1): 4 is SHA-256.
    pub hash: u8,
    /// How it is signed, a number of TLS 1.2: 1 is RSA, 3 is ECDSA.
    pub algorithm: u8,
    /// The signature.
    pub signature: &'a [u8],
}

impl<'a> Sct<'a> {
    /// Reads one SCT.
    ///
    /// # Errors
    ///
    /// It is cut, something follows it, or it is of another version.
    pub fn parse(data: &'a [u8]) -> Result<Sct<'a>, SctError> {
        Sct::read(Cursor { data, offset: 0 })
    }

    fn read(mut cursor: Cursor<'a>) -> Result<Sct<'a>, SctError> {
        let start = cursor.offset;
        let [version] = cursor.array()?;
        if version != 0 {
            return Err(SctError { rule: SctRule::Version { version }, offset: start });
        }
        let log = LogId(cursor.array()?);
        let timestamp = u64::from_be_bytes(cursor.array()?);
        let extensions = cursor.vector()?.data;
        let [hash, algorithm] = cursor.array()?;
        let signature = cursor.vector()?.data;
        cursor.finish()?;
        Ok(Sct { log, timestamp, extensions, hash, algorithm, signature })
    }

    /// Writes it as it stands in a list, without the length before it. What [`Sct::parse`] gave becomes the same
    /// octets again; extensions and signature that are longer than 65,535 octets are cut.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut vector = |before: &[u8], data: &[u8]| {
            let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
            out.extend_from_slice(before);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(data.get(..usize::from(length)).unwrap_or_default());
        };
        let mut front = [0; 41];
        if let Some((log, time)) = front.get_mut(1..).and_then(|rest| rest.split_at_mut_checked(32)) {
            log.copy_from_slice(&self.log.0);
            time.copy_from_slice(&self.timestamp.to_be_bytes());
        }
        vector(&front, self.extensions);
        vector(&[self.hash, self.algorithm], self.signature);
    }
}

/// Reads a list of SCTs as it comes in a certificate, an OCSP response or a TLS extension (RFC 6962 §3.3). An SCT
/// that cannot be read stands as an error in its place, and the others are there nevertheless: a later version may
/// look different.
///
/// # Errors
///
/// The lengths do not fit, the list or an entry is empty, or there are more than [`MAX_SCTS`].
pub fn parse_list(data: &[u8]) -> Result<Vec<Result<Sct<'_>, SctError>>, SctError> {
    let mut outer = Cursor { data, offset: 0 };
    let mut list = outer.vector()?;
    outer.finish()?;
    if list.data.is_empty() {
        return Err(list.error(SctRule::Empty));
    }
    let mut all = Vec::new();
    while !list.data.is_empty() {
        if all.len() == MAX_SCTS {
            return Err(list.error(SctRule::TooMany { limit: MAX_SCTS }));
        }
        let entry = list.vector()?;
        if entry.data.is_empty() {
            return Err(entry.error(SctRule::Empty));
        }
        all.push(Sct::read(entry));
    }
    Ok(all)
}

/// What is left, and where it begins.
struct Cursor<'a> {
    data: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    fn error(&self, rule: SctRule) -> SctError {
        SctError { rule, offset: self.offset }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SctError> {
        let (&array, rest) = self.data.split_first_chunk().ok_or_else(|| self.error(SctRule::Truncated))?;
        (self.data, self.offset) = (rest, self.offset.saturating_add(N));
        Ok(array)
    }

    /// Two octets of length, and so many of content.
    fn vector(&mut self) -> Result<Cursor<'a>, SctError> {
        let start = self.offset;
        let length = usize::from(u16::from_be_bytes(self.array()?));
        let (data, rest) =
            self.data.split_at_checked(length).ok_or(SctError { rule: SctRule::Truncated, offset: start })?;
        let vector = Cursor { data, offset: self.offset };
        (self.data, self.offset) = (rest, self.offset.saturating_add(length));
        Ok(vector)
    }

    fn finish(&self) -> Result<(), SctError> {
        if self.data.is_empty() { Ok(()) } else { Err(self.error(SctRule::Trailing)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sct() -> Vec<u8> {
        let sct = Sct {
            log: LogId([7; 32]),
            timestamp: 0x0102_0304_0506_0708,
            extensions: b"ext",
            hash: 4,
            algorithm: 3,
            signature: b"signed",
        };
        let mut out = Vec::new();
        sct.write(&mut out);
        assert_eq!(Sct::parse(&out), Ok(sct));
        out
    }

    fn list(entries: &[&[u8]]) -> Vec<u8> {
        let vector = |data: &[u8]| [&u16::try_from(data.len()).unwrap().to_be_bytes(), data].concat();
        vector(&entries.iter().flat_map(|entry| vector(entry)).collect::<Vec<u8>>())
    }

    #[test]
    fn an_sct_has_the_form_of_the_rfc() {
        let mut expected = vec![0];
        expected.extend([7; 32]);
        expected.extend([1, 2, 3, 4, 5, 6, 7, 8, 0, 3]);
        expected.extend(b"ext\x04\x03\x00\x06signed");
        assert_eq!(sct(), expected);
    }

    #[test]
    fn every_cut_is_found_where_it_is() {
        let whole = sct();
        for end in 0..whole.len() {
            let error = Sct::parse(&whole[..end]).unwrap_err();
            assert_eq!(error.rule, SctRule::Truncated, "{end}");
            assert!(error.offset <= end);
        }
        let longer = [whole.as_slice(), b"x"].concat();
        let trailing = SctError { rule: SctRule::Trailing, offset: whole.len() };
        assert_eq!(Sct::parse(&longer), Err(trailing));
        let lists = list(&[&whole, &whole]);
        for end in 0..lists.len() {
            assert_eq!(parse_list(&lists[..end]).unwrap_err().rule, SctRule::Truncated);
        }
        assert_eq!(parse_list(&lists).unwrap().len(), 2);
        assert_eq!(parse_list(&[&lists[..], &[0]].concat()).unwrap_err().rule, SctRule::Trailing);
    }

    #[test]
    fn an_entry_that_cannot_be_read_leaves_the_others() {
        let good = sct();
        let mut newer = good.clone();
        newer[0] = 1;
        let data = list(&[&newer, &good, &good[..9], &[&good[..], &[1]].concat()]);
        let all = parse_list(&data).unwrap();
        assert_eq!(all[0], Err(SctError { rule: SctRule::Version { version: 1 }, offset: 4 }));
        assert!(all[1].is_ok());
        assert_eq!(all[2].unwrap_err().rule, SctRule::Truncated);
        assert_eq!(all[3].unwrap_err().rule, SctRule::Trailing);
    }

    #[test]
    fn empty_and_endless_lists_are_refused() {
        assert_eq!(parse_list(&[]).unwrap_err().rule, SctRule::Truncated);
        assert_eq!(parse_list(&[0, 0]).unwrap_err(), SctError { rule: SctRule::Empty, offset: 2 });
        assert_eq!(parse_list(&list(&[b""])).unwrap_err(), SctError { rule: SctRule::Empty, offset: 4 });
        let good = sct();
        let most = vec![good.as_slice(); MAX_SCTS];
        assert_eq!(parse_list(&list(&most)).unwrap().len(), MAX_SCTS);
        let more = vec![good.as_slice(); MAX_SCTS + 1];
        assert_eq!(parse_list(&list(&more)).unwrap_err().rule, SctRule::TooMany { limit: MAX_SCTS });
    }
}
