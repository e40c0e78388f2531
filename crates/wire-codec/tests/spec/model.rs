//! Framings once more, written down in another way.

use proptest::prelude::*;
use wirelace_wire_codec::spec::{FrameSpec, SpecBuilder};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Fixed { octets: usize, little: bool, signed: bool },
    Leb128,
    Quic,
}

/// A framing with a binary length.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) length: Length,
    pub(crate) offset: usize,
    pub(crate) adjustment: i64,
    pub(crate) skip: Option<usize>,
    pub(crate) checksum: bool,
    pub(crate) max: Option<usize>,
}

fn length() -> impl Strategy<Value = Length> {
    prop_oneof![
        4 => (1_usize..=8, any::<bool>(), any::<bool>())
            .prop_map(|(octets, little, signed)| Length::Fixed { octets, little, signed }),
        1 => Just(Length::Leb128),
        1 => Just(Length::Quic),
    ]
}

prop_compose! {
    /// Nearly all can be built; those that cannot are refused with a reason.
    pub(crate) fn config()(
        length in length(),
        offset in prop_oneof![3 => Just(0_usize), 2 => 0_usize..5, 1 => 0_usize..=255],
        adjustment in prop_oneof![3 => Just(0_i64), 2 => -8_i64..8, 1 => -300_i64..300],
        skip in prop_oneof![2 => Just(None), 1 => (0_usize..=255).prop_map(Some), 1 => (0_usize..12).prop_map(Some)],
        inside in any::<bool>(),
        checksum in prop::bool::weighted(0.25),
        max in prop_oneof![2 => Just(None), 1 => (0_usize..600).prop_map(Some)],
    ) -> Config {
        // Most skips that are taken by chance would cut the field.
        let skip = if inside { skip.map(|skip| skip.min(offset)) } else { skip };
        Config { length, offset, adjustment, skip, checksum, max }
    }
}

impl Config {
    pub(crate) fn builder(&self) -> SpecBuilder {
        let mut builder = match self.length {
            Length::Fixed { octets, little, signed } => {
                let mut builder = FrameSpec::length_field(octets);
                if little {
                    builder = builder.little_endian();
                }
                if signed { builder.signed() } else { builder }
            }
            Length::Leb128 => FrameSpec::varint(),
            Length::Quic => FrameSpec::quic_varint(),
        };
        builder = builder.offset(self.offset).adjustment(self.adjustment);
        if let Some(skip) = self.skip {
            builder = builder.skip(skip);
        }
        if self.checksum {
            builder = builder.checksum();
        }
        if let Some(max) = self.max {
            builder = builder.max_frame(max);
        }
        builder
    }

    /// The frame with `body` after the length field, octets in front out of `head`: its octets, and its payload.
    /// `None`: there is none.
    pub(crate) fn frame(&self, head: &[u8], body: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut frame = head[..self.offset].to_vec();
        let value = u64::try_from(body.len() as i64 - self.adjustment).ok()?;
        frame.extend(self.length.octets(value)?);
        let head = frame.len();
        frame.extend_from_slice(body);
        let payload = frame.get(self.skip.unwrap_or(head)..)?.to_vec();
        if self.checksum {
            frame.extend(crc32c(&frame).to_be_bytes());
        }
        Some((frame, payload))
    }
}

impl Length {
    fn octets(self, value: u64) -> Option<Vec<u8>> {
        let width = match self {
            Length::Fixed { octets, little, signed } => {
                let bits = 8 * octets as u32 - u32::from(signed);
                if u128::from(value) >= 1 << bits {
                    return None;
                }
                let big = (0..octets).rev().map(|octet| (value >> (8 * octet)) as u8);
                return Some(if little { big.rev().collect() } else { big.collect() });
            }
            Length::Leb128 => {
                let groups = (0..10).map(|group| (value >> (7 * group).min(63)) as u8 & 0x7f);
                let mut octets: Vec<u8> = groups.collect();
                octets[9] = (value >> 63) as u8;
                while octets.len() > 1 && octets.last() == Some(&0) {
                    octets.pop();
                }
                let last = octets.len() - 1;
                octets[..last].iter_mut().for_each(|octet| *octet |= 0x80);
                return Some(octets);
            }
            Length::Quic => [1, 2, 4, 8].into_iter().find(|octets| value < 1 << (8 * octets - 2))?,
        };
        let mut octets = value.to_be_bytes()[8 - width..].to_vec();
        octets[0] |= match width {
            1 => 0,
            2 => 0x40,
            4 => 0x80,
            _ => 0xc0,
        };
        Some(octets)
    }
}

/// Bit by bit.
pub(crate) fn crc32c(octets: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for octet in octets {
        sum ^= u32::from(*octet);
        for _ in 0..8 {
            sum = sum >> 1 ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    !sum
}
