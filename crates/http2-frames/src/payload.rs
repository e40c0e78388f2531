//! A payload in its parts, and the rules that most types share.

use crate::error::{FrameError, FrameRule};
use crate::frame::Dependency;
use crate::header::{Flags, FrameHeader, MAX_STREAM};

/// What is left of a payload.
pub(crate) struct Payload<'a> {
    header: FrameHeader,
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Payload<'a> {
    #[inline]
    pub(crate) fn new(header: FrameHeader, payload: &'a [u8]) -> Payload<'a> {
        Payload { header, rest: payload, offset: 0 }
    }

    /// What is left.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Octets that were taken.
    #[inline]
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The rule is broken at `offset`.
    #[cold]
    pub(crate) fn wrong<T>(&self, offset: usize, rule: FrameRule) -> Result<T, FrameError> {
        Err(FrameError::new(self.header.frame_type, self.header.stream, offset, rule))
    }

    /// The stream of a frame that must have one.
    #[inline]
    pub(crate) fn of_stream(&self) -> Result<u32, FrameError> {
        if self.header.stream == 0 { self.wrong(0, FrameRule::StreamZero) } else { Ok(self.header.stream) }
    }

    /// The frame must have none.
    #[inline]
    pub(crate) fn of_connection(&self) -> Result<(), FrameError> {
        if self.header.stream == 0 { Ok(()) } else { self.wrong(0, FrameRule::StreamNotZero) }
    }

    /// All of a payload of a fixed length.
    #[inline]
    pub(crate) fn exactly<const N: usize>(&self) -> Result<[u8; N], FrameError> {
        match self.rest.try_into() {
            Ok(all) => Ok(all),
            Err(_) => self.wrong(self.rest.len().min(N), FrameRule::Length { expected: N }),
        }
    }

    /// The next octets of a payload that may be longer.
    #[inline]
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        match self.rest.split_first_chunk() {
            Some((taken, rest)) => {
                self.rest = rest;
                self.offset += N;
                Ok(*taken)
            }
            None => {
                let least = self.offset + N;
                self.wrong(self.offset + self.rest.len(), FrameRule::TooShort { least })
            }
        }
    }

    /// Octets of padding, where there may be some; their number comes first.
    #[inline]
    pub(crate) fn padding(&mut self) -> Result<usize, FrameError> {
        if !self.header.flags.contains(Flags::PADDED) {
            return Ok(0);
        }
        let [octets] = self.take()?;
        Ok(usize::from(octets))
    }

    /// What is left in front of the padding.
    #[inline]
    pub(crate) fn without(&self, padding: usize) -> Result<&'a [u8], FrameError> {
        match self.rest.len().checked_sub(padding).and_then(|len| self.rest.get(..len)) {
            Some(content) => Ok(content),
            // The octet that says how much.
            None => self.wrong(0, FrameRule::Padding),
        }
    }
}

/// A number without its reserved bit.
#[inline]
pub(crate) fn number31(octets: [u8; 4]) -> u32 {
    u32::from_be_bytes(octets) & MAX_STREAM
}

#[inline]
pub(crate) fn dependency([s3, s2, s1, s0, weight]: [u8; 5]) -> Dependency {
    let stream = [s3, s2, s1, s0];
    Dependency { stream: number31(stream), exclusive: s3 & 0x80 != 0, weight }
}
