//! Frames with a binary length in front.

use super::error::SpecFrameError;
use super::field::{Field, Read};
use super::parts::{Parts, Prefix, Step};
use crate::checksum;

/// Checked by the builder: no sum here overflows for a payload of at most `max` octets, and its length fits the field.
#[derive(Debug, Clone)]
pub(super) struct Prefixed {
    pub(super) field: Field,
    pub(super) offset: usize,
    pub(super) adjustment: i64,
    /// `None`: all up to the end of the length field.
    pub(super) skip: Option<usize>,
    pub(super) max: usize,
    pub(super) checksum: bool,
}

impl Prefixed {
    /// Octets of the payload of a frame whose length field says `value` and ends at `head`.
    #[inline]
    fn measure(&self, value: u64, head: usize) -> Result<usize, SpecFrameError> {
        let skip = self.skip.unwrap_or(head);
        let limit = self.max;
        let body = match value.checked_add_signed(self.adjustment) {
            Some(body) => body,
            None if self.adjustment < 0 => return Err(self.too_short(value, head)),
            None => return Err(SpecFrameError::TooLong { length: u64::MAX, limit }),
        };
        let length = match skip.checked_sub(head) {
            None | Some(0) => body.saturating_add((head - skip) as u64),
            Some(dropped) => match body.checked_sub(dropped as u64) {
                Some(length) => length,
                None => return Err(self.too_short(value, head)),
            },
        };
        match usize::try_from(length) {
            Ok(octets) if octets <= limit => Ok(octets),
            _ => Err(SpecFrameError::TooLong { length, limit }),
        }
    }

    #[cold]
    fn too_short(&self, length: u64, head: usize) -> SpecFrameError {
        let dropped = self.skip.map_or(0, |skip| skip.saturating_sub(head));
        let least = dropped as i128 - i128::from(self.adjustment);
        SpecFrameError::TooShort { length, least: u64::try_from(least).unwrap_or(0) }
    }

    #[inline]
    pub(super) fn step(&self, input: &[u8]) -> Result<Step, SpecFrameError> {
        let (value, head) = match self.field.read(input, self.offset)? {
            Read::Value { value, octets } => (value, self.offset + octets),
            Read::More { octets } => return Ok(Step::More { needed: self.offset + octets }),
        };
        let start = self.skip.unwrap_or(head);
        let end = start + self.measure(value, head)?;
        let taken = if self.checksum { end + checksum::LEN } else { end };
        if input.len() < taken {
            return Ok(Step::More { needed: taken });
        }
        if self.checksum {
            self.check(input, end)?;
        }
        Ok(Step::Frame { start, end, taken })
    }

    fn check(&self, input: &[u8], end: usize) -> Result<(), SpecFrameError> {
        let (frame, trailer) = input.split_at_checked(end).unwrap_or_default();
        let found = u32::from_be_bytes(trailer.first_chunk().copied().unwrap_or_default());
        let expected = checksum::crc32c(&[frame]);
        if found == expected {
            return Ok(());
        }
        Err(SpecFrameError::Checksum { offset: end, found, expected })
    }

    pub(super) fn parts(&self, payload: &[u8]) -> Result<Parts<'_>, SpecFrameError> {
        let parts = match self.skip {
            Some(skip) if skip <= self.offset => {
                self.check_kept_field(payload, self.offset - skip, skip)?;
                Parts::new(skip, Prefix::EMPTY, 0)
            }
            _ => self.front(payload.len())?,
        };
        Ok(if self.checksum { parts.with_checksum(payload) } else { parts })
    }

    /// The payload begins with the head, or a part of it, that holds the length field: it must be right.
    fn check_kept_field(&self, payload: &[u8], at: usize, skip: usize) -> Result<(), SpecFrameError> {
        let length = payload.len();
        let (value, octets) = match self.field.read(payload, at)? {
            Read::Value { value, octets } => (value, octets),
            Read::More { octets } => {
                return Err(SpecFrameError::TooShort { length: length as u64, least: (at + octets) as u64 });
            }
        };
        let described = self.measure(value, skip + at + octets)?;
        if described == length {
            return Ok(());
        }
        Err(SpecFrameError::Mismatch { described: described as u64, length })
    }

    fn front(&self, length: usize) -> Result<Parts<'_>, SpecFrameError> {
        let too_long = SpecFrameError::TooLong { length: length as u64, limit: self.max };
        if length > self.max {
            return Err(too_long);
        }
        // Only after a field of a fixed width can there be more to drop.
        let head = self.offset + self.field.longest();
        let dropped = self.skip.map_or(0, |skip| skip.saturating_sub(head));
        let value = i128::from(length as u64) + dropped as i128 - i128::from(self.adjustment);
        let Ok(value) = u64::try_from(value) else {
            let least = u64::try_from(i128::from(self.adjustment) - dropped as i128).unwrap_or(0);
            return Err(SpecFrameError::TooShort { length: length as u64, least });
        };
        let prefix = self.field.write(value).ok_or(too_long)?;
        Ok(Parts::new(self.offset, prefix, dropped))
    }
}
