//! From a description to a framing: all that could go wrong with lengths later is refused here.

use alloc::vec::Vec;

use super::delimited::Delimited;
use super::error::SpecError;
use super::field::Field;
use super::frame_spec::FrameSpec;
use super::netstring::Netstring;
use super::parts::MAX_HEAD;
use super::prefixed::Prefixed;

/// The largest payload unless another is asked for, where the length field has room for it.
const DEFAULT_MAX: usize = 8 << 20;

/// The largest payload that there can be: a whole frame, all that is around the payload too, fits a slice.
const LARGEST: usize = isize::MAX as usize - 1024;

/// Octets of the longest delimiter.
const MAX_DELIMITER: usize = 255;

/// A description of a framing; [`build`](SpecBuilder::build) checks it.
#[derive(Debug, Clone)]
#[must_use]
pub struct SpecBuilder {
    kind: Kind,
    little_endian: bool,
    signed: bool,
    offset: Option<usize>,
    adjustment: Option<i64>,
    skip: Option<usize>,
    max_frame: Option<usize>,
    checksum: bool,
    last_may_end: bool,
}

#[derive(Debug, Clone)]
enum Kind {
    LengthField(usize),
    Varint,
    QuicVarint,
    Netstring,
    Delimited(Vec<u8>),
}

/// Options of the framings with a binary length, by the builder's methods.
const HEAD: &[&str] = &["offset", "adjustment", "skip", "checksum"];
const FIXED: &[&str] = &["little_endian", "signed", "offset", "adjustment", "skip", "checksum"];

impl FrameSpec {
    /// A length field of 1 to 8 octets in front, big-endian and unsigned unless told otherwise.
    pub const fn length_field(octets: usize) -> SpecBuilder {
        SpecBuilder::new(Kind::LengthField(octets))
    }

    /// A length in LEB128 in front, as protobuf writes delimited messages: up to ten octets, the least significant
    /// seven bits first. Longer encodings than needed, and lengths above 64 bits, are errors.
    pub const fn varint() -> SpecBuilder {
        SpecBuilder::new(Kind::Varint)
    }

    /// A length in front as a variable-length integer of RFC 9000 §16: one, two, four or eight octets. Longer
    /// encodings than needed are taken, as the RFC has it, and not sent.
    pub const fn quic_varint() -> SpecBuilder {
        SpecBuilder::new(Kind::QuicVarint)
    }

    /// Netstrings, `5:hello,`: a decimal length without zeros in front, a colon, the payload, a comma.
    pub const fn netstring() -> SpecBuilder {
        SpecBuilder::new(Kind::Netstring)
    }

    /// Payloads with `delimiter`, 1 to 255 octets, after each. A payload cannot contain it.
    pub fn delimited(delimiter: impl AsRef<[u8]>) -> SpecBuilder {
        SpecBuilder::new(Kind::Delimited(delimiter.as_ref().to_vec()))
    }
}

impl SpecBuilder {
    const fn new(kind: Kind) -> SpecBuilder {
        SpecBuilder {
            kind,
            little_endian: false,
            signed: false,
            offset: None,
            adjustment: None,
            skip: None,
            max_frame: None,
            checksum: false,
            last_may_end: false,
        }
    }

    /// The length field's least significant octet comes first.
    pub const fn little_endian(mut self) -> SpecBuilder {
        self.little_endian = true;
        self
    }

    /// The length field is signed (two's complement); a negative length is an error.
    pub const fn signed(mut self) -> SpecBuilder {
        self.signed = true;
        self
    }

    /// Octets in front of the length field, at most [`MAX_HEAD`]. Zeros are sent for those that the payload does not
    /// keep (see [`skip`](SpecBuilder::skip)).
    pub const fn offset(mut self, octets: usize) -> SpecBuilder {
        self.offset = Some(octets);
        self
    }

    /// What to add to the length field to get the octets that come after it (a checksum not among them). For a length
    /// field of four octets that counts itself: -4.
    pub const fn adjustment(mut self, octets: i64) -> SpecBuilder {
        self.adjustment = Some(octets);
        self
    }

    /// Octets to drop from the front of a frame, at most [`MAX_HEAD`]; what is left is the payload. Without this, all up
    /// to the end of the length field. At most the offset: the payload keeps the length field, and a payload to be sent
    /// has to bring it, with the right value. More than offset and length field: octets after it go as well; zeros are
    /// sent for them. What lies between would cut the length field in two, and is refused.
    pub const fn skip(mut self, octets: usize) -> SpecBuilder {
        self.skip = Some(octets);
        self
    }

    /// The largest payload, in octets. It counts what is handed out, after adjustment and skip, nothing else. Without
    /// this, 8 MiB, or what the length field has room for if that is less.
    pub const fn max_frame(mut self, octets: usize) -> SpecBuilder {
        self.max_frame = Some(octets);
        self
    }

    /// A CRC32C (RFC 3720 §12.1) of all octets of a frame follows it, four octets, big-endian. The length field does not
    /// count it; for one that does, take 4 off the adjustment.
    pub const fn checksum(mut self) -> SpecBuilder {
        self.checksum = true;
        self
    }

    /// The last frame may end with the stream instead of a delimiter. It is sent with one all the same.
    pub const fn last_without_delimiter(mut self) -> SpecBuilder {
        self.last_may_end = true;
        self
    }

    /// Checks it all: options fit the framing, the length field is dropped or kept as a whole, and every payload up to the
    /// maximum has a length that fits the field, with no overflow anywhere.
    ///
    /// # Errors
    ///
    /// The rule that is broken.
    pub fn build(self) -> Result<FrameSpec, SpecError> {
        match &self.kind {
            Kind::LengthField(octets) => {
                let octets = *octets;
                self.only(FIXED, "length field")?;
                if !(1..=8).contains(&octets) {
                    return Err(SpecError::FieldWidth { octets });
                }
                self.prefixed(Field::Fixed { octets, little: self.little_endian, signed: self.signed })
            }
            Kind::Varint => {
                self.only(HEAD, "varint")?;
                self.prefixed(Field::Leb128)
            }
            Kind::QuicVarint => {
                self.only(HEAD, "varint")?;
                self.prefixed(Field::Quic)
            }
            Kind::Netstring => {
                self.only(&[], "netstring")?;
                Ok(FrameSpec::netstrings(Netstring { max: self.max(0, LARGEST)? }))
            }
            Kind::Delimited(delimiter) => {
                self.only(&["last_without_delimiter"], "delimiter")?;
                let octets = delimiter.len();
                if !(1..=MAX_DELIMITER).contains(&octets) {
                    return Err(SpecError::Delimiter { octets });
                }
                let max = self.max(0, LARGEST)?;
                Ok(FrameSpec::ended(Delimited::new(delimiter, max, self.last_may_end)))
            }
        }
    }

    /// No options but those of the framing.
    fn only(&self, allowed: &[&str], framing: &'static str) -> Result<(), SpecError> {
        let given = [
            ("little_endian", self.little_endian),
            ("signed", self.signed),
            ("offset", self.offset.is_some()),
            ("adjustment", self.adjustment.is_some()),
            ("skip", self.skip.is_some()),
            ("checksum", self.checksum),
            ("last_without_delimiter", self.last_may_end),
        ];
        match given.into_iter().find(|(option, given)| *given && !allowed.contains(option)) {
            None => Ok(()),
            Some((option, _)) => Err(SpecError::Option { option, framing }),
        }
    }

    fn prefixed(&self, field: Field) -> Result<FrameSpec, SpecError> {
        let offset = self.offset.unwrap_or(0);
        let adjustment = self.adjustment.unwrap_or(0);
        for (option, octets) in [("offset", offset), ("skip", self.skip.unwrap_or(0))] {
            if octets > MAX_HEAD {
                return Err(SpecError::Head { option, octets });
            }
        }
        let head = offset + field.longest();
        let fixed = matches!(field, Field::Fixed { .. });
        // Octets of head in the payload beside the length field, and octets after it that are dropped.
        let (kept, dropped) = match self.skip {
            Some(skip) if skip <= offset => (Some(offset - skip), 0),
            Some(skip) if skip < head || !fixed => return Err(SpecError::Skip { skip, start: offset }),
            Some(skip) => (None, skip - head),
            None => (None, 0),
        };
        let payload = |value: u64| {
            let kept = kept.map_or(0, |octets| octets + field.octets(value));
            i128::from(value) + i128::from(adjustment) - dropped as i128 + kept as i128
        };
        let none = SpecError::Adjustment { adjustment };
        let least_value = (dropped as i128 - i128::from(adjustment)).max(0);
        let least_value = u64::try_from(least_value).ok().filter(|value| *value <= field.most());
        let least = payload(least_value.ok_or(none)?);
        let most = payload(field.most()).min(LARGEST as i128);
        let least = usize::try_from(least).map_err(|_| none)?;
        let most = usize::try_from(most).ok().filter(|most| least <= *most).ok_or(none)?;
        let max = self.max(least, most)?;
        Ok(FrameSpec::prefixed(Prefixed {
            field,
            offset,
            adjustment,
            skip: self.skip,
            max,
            checksum: self.checksum,
        }))
    }

    /// The maximum, when payloads of `least` to `most` octets can be described.
    fn max(&self, least: usize, most: usize) -> Result<usize, SpecError> {
        let max_frame = self.max_frame.unwrap_or(DEFAULT_MAX.min(most));
        if (least..=most).contains(&max_frame) {
            return Ok(max_frame);
        }
        Err(SpecError::MaxFrame { max_frame, least, most })
    }
}
