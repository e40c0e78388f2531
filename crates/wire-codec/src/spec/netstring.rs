//! Netstrings: `5:hello,`.

use wirelace_wire::number::format_decimal;

use super::error::SpecFrameError;
use super::parts::{Parts, Prefix, Step};

#[derive(Debug, Clone)]
pub(super) struct Netstring {
    pub(super) max: usize,
}

impl Netstring {
    pub(super) fn step(&self, input: &[u8]) -> Result<Step, SpecFrameError> {
        let limit = self.max;
        let mut length = 0_u64;
        // Each digit is checked against the maximum, so there are at most twenty.
        for (offset, &found) in input.iter().enumerate() {
            match found {
                b'0'..=b'9' if offset == 1 && length == 0 => {
                    return Err(SpecFrameError::Digit { offset, found });
                }
                b'0'..=b'9' => {
                    length = length.saturating_mul(10).saturating_add(u64::from(found - b'0'));
                    if length > limit as u64 {
                        return Err(SpecFrameError::TooLong { length, limit });
                    }
                }
                b':' if offset > 0 => return Self::body(input, offset + 1, length as usize),
                _ => return Err(SpecFrameError::Digit { offset, found }),
            }
        }
        // At least a colon and a comma.
        Ok(Step::More { needed: input.len().max(1) + 2 })
    }

    fn body(input: &[u8], start: usize, length: usize) -> Result<Step, SpecFrameError> {
        let end = start + length;
        let taken = end + 1;
        match input.get(end) {
            None => Ok(Step::More { needed: taken }),
            Some(b',') => Ok(Step::Frame { start, end, taken }),
            Some(&found) => Err(SpecFrameError::Comma { offset: end, found }),
        }
    }

    pub(super) fn parts(&self, payload: &[u8]) -> Result<Parts<'_>, SpecFrameError> {
        let length = payload.len() as u64;
        if payload.len() > self.max {
            return Err(SpecFrameError::TooLong { length, limit: self.max });
        }
        let mut prefix = Prefix::EMPTY;
        for digit in format_decimal(length, &mut [0; 20]) {
            prefix.push(*digit);
        }
        prefix.push(b':');
        Ok(Parts::new(0, prefix, 0).with_trailer(b","))
    }
}
