//! Length fields: fixed width, LEB128, and QUIC's variable-length integers.

use wirelace_wire::varint::{VARINT_MAX, decode_varint, varint_len, varint_len_of};

use super::error::SpecFrameError;
use super::parts::Prefix;

/// Octets of the longest LEB128 encoding of a `u64`.
const LEB128_MAX: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Fixed { octets: usize, little: bool, signed: bool },
    Leb128,
    Quic,
}

/// What stands where a field should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    Value {
        value: u64,
        octets: usize,
    },
    /// The field has at least so many octets; they are not all there.
    More {
        octets: usize,
    },
}

impl Field {
    /// The largest value that the field can hold.
    pub(super) fn most(self) -> u64 {
        match self {
            Field::Fixed { octets, signed, .. } => {
                let bits = u64::BITS - 8 * u32::try_from(octets).unwrap_or(8).min(8);
                u64::MAX.checked_shr(bits).unwrap_or(0) >> u32::from(signed)
            }
            Field::Leb128 => u64::MAX,
            Field::Quic => VARINT_MAX,
        }
    }

    /// Octets of the longest field.
    pub(super) const fn longest(self) -> usize {
        match self {
            Field::Fixed { octets, .. } => octets,
            Field::Leb128 => LEB128_MAX,
            Field::Quic => 8,
        }
    }

    /// Octets of the shortest encoding of `value`.
    pub(super) fn octets(self, value: u64) -> usize {
        match self {
            Field::Fixed { octets, .. } => octets,
            Field::Leb128 => (64 - (value | 1).leading_zeros()).div_ceil(7) as usize,
            Field::Quic => varint_len(value).unwrap_or(8),
        }
    }

    /// Reads the field at `offset` of `input`.
    #[inline]
    pub(super) fn read(self, input: &[u8], offset: usize) -> Result<Read, SpecFrameError> {
        let input = input.get(offset..).unwrap_or_default();
        match self {
            Field::Fixed { octets, little, signed } => {
                let Some(field) = input.get(..octets) else { return Ok(Read::More { octets }) };
                let join = |value: u64, octet: &u8| value << 8 | u64::from(*octet);
                let value =
                    if little { field.iter().rev().fold(0, join) } else { field.iter().fold(0, join) };
                if signed && value > self.most() {
                    return Err(SpecFrameError::Negative { offset });
                }
                Ok(Read::Value { value, octets })
            }
            Field::Leb128 => read_leb128(input, offset),
            // Longer encodings than needed are fine (RFC 9000 §16).
            Field::Quic => Ok(match decode_varint(input) {
                Some((value, octets)) => Read::Value { value, octets },
                None => Read::More { octets: input.first().map_or(1, |first| varint_len_of(*first)) },
            }),
        }
    }

    /// The field that holds `value`; `None` when it does not fit.
    pub(super) fn write(self, value: u64) -> Option<Prefix> {
        let mut prefix = Prefix::EMPTY;
        if value > self.most() {
            return None;
        }
        let written = match self {
            Field::Fixed { octets, little: true, .. } => {
                value.to_le_bytes().iter().take(octets).all(|octet| prefix.push(*octet))
            }
            Field::Fixed { octets, .. } => {
                value.to_be_bytes().iter().skip(8 - octets.min(8)).all(|octet| prefix.push(*octet))
            }
            Field::Leb128 => {
                let mut rest = value;
                while rest > 0x7f {
                    prefix.push(rest as u8 | 0x80);
                    rest >>= 7;
                }
                prefix.push(rest as u8)
            }
            Field::Quic => {
                let octets = varint_len(value)?;
                let marked = value | u64::from(octets.trailing_zeros()) << (8 * octets - 2);
                marked.to_be_bytes().iter().skip(8 - octets).all(|octet| prefix.push(*octet))
            }
        };
        written.then_some(prefix)
    }
}

fn read_leb128(input: &[u8], offset: usize) -> Result<Read, SpecFrameError> {
    let mut value = 0_u64;
    for (index, octet) in input.iter().take(LEB128_MAX).enumerate() {
        // The tenth octet has room for one bit.
        if index == LEB128_MAX - 1 && *octet > 1 {
            return Err(SpecFrameError::Overflow { offset: offset + index });
        }
        value |= u64::from(octet & 0x7f) << (7 * index);
        if octet & 0x80 == 0 {
            if *octet == 0 && index > 0 {
                return Err(SpecFrameError::Overlong { offset: offset + index });
            }
            return Ok(Read::Value { value, octets: index + 1 });
        }
    }
    Ok(Read::More { octets: input.len() + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all() -> Vec<Field> {
        let fixed = (1..=8).flat_map(|octets| {
            [(false, false), (false, true), (true, false), (true, true)]
                .map(|(little, signed)| Field::Fixed { octets, little, signed })
        });
        fixed.chain([Field::Leb128, Field::Quic]).collect()
    }

    #[test]
    fn leb128_by_the_protobuf_guide() {
        for (octets, value) in [
            (&[0x00][..], 0),
            (&[0x01], 1),
            (&[0x7f], 127),
            (&[0x80, 0x01], 128),
            (&[0x96, 0x01], 150),
            (&[0xff, 0xff, 0xff, 0xff, 0x0f], u64::from(u32::MAX)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], u64::MAX),
        ] {
            let read = Field::Leb128.read(octets, 0);
            assert_eq!(read, Ok(Read::Value { value, octets: octets.len() }));
            assert_eq!(Field::Leb128.write(value).unwrap().octets(), octets);
            for cut in 0..octets.len() {
                let read = Field::Leb128.read(&octets[..cut], 0);
                assert_eq!(read, Ok(Read::More { octets: cut + 1 }));
            }
        }
    }

    #[test]
    fn leb128_refuses_what_is_too_long() {
        let overlong = |offset| Err(SpecFrameError::Overlong { offset });
        let overflow = Err(SpecFrameError::Overflow { offset: 9 });
        assert_eq!(Field::Leb128.read(&[0x80, 0], 0), overlong(1));
        assert_eq!(Field::Leb128.read(&[7, 0xff, 0x80, 0], 1), overlong(3));
        let mut octets = [0x80; 10];
        // Every last octet that does not fit, one more octet among them.
        for last in 2..=255 {
            octets[9] = last;
            assert_eq!(Field::Leb128.read(&octets, 0), overflow);
        }
        octets[9] = 0;
        assert_eq!(Field::Leb128.read(&octets, 0), overlong(9));
        octets[9] = 1;
        assert_eq!(Field::Leb128.read(&octets, 0), Ok(Read::Value { value: 1 << 63, octets: 10 }));
    }

    proptest! {
        #[test]
        fn round_trip(value in any::<u64>(), shift in 0_u32..64, offset in 0_usize..5) {
            let value = value >> shift;
            for field in all() {
                let written = field.write(value);
                prop_assert_eq!(written.is_some(), value <= field.most());
                let Some(prefix) = written else { continue };
                let octets = prefix.octets().len();
                prop_assert_eq!(octets, field.octets(value));
                prop_assert!(octets <= field.longest());
                let mut input = vec![9; offset];
                input.extend_from_slice(prefix.octets());
                for cut in 0..input.len() {
                    let more = matches!(field.read(&input[..cut], offset), Ok(Read::More { octets: more })
                        if more <= octets && offset + more > cut);
                    prop_assert!(more);
                }
                input.push(0xff);
                prop_assert_eq!(field.read(&input, offset), Ok(Read::Value { value, octets }));
            }
        }
    }

    #[test]
    fn the_top_bit_of_a_signed_field_is_a_sign() {
        for field in all() {
            let Field::Fixed { octets, signed, .. } = field else { continue };
            let read = field.read(&vec![0xff; octets], 0);
            match signed {
                true => assert_eq!(read, Err(SpecFrameError::Negative { offset: 0 })),
                false => assert_eq!(read, Ok(Read::Value { value: field.most(), octets })),
            }
            assert_eq!(field.most().count_ones() as usize, 8 * octets - usize::from(signed));
        }
    }
}
