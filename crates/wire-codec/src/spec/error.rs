//! What is wrong with a description, and what is wrong with a frame.

use super::parts::MAX_HEAD;

/// Why a framing cannot be built.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A length field of no octet, or of more than a `u64` has.
    #[error("a length field has 1 to 8 octets, not {octets}")]
    FieldWidth {
        /// Octets of the field.
        octets: usize,
    },
    /// An option that the framing does not have.
    #[error("{option} does not go with {framing} framing")]
    Option {
        /// The builder's method.
        option: &'static str,
        /// The kind of framing.
        framing: &'static str,
    },
    /// More octets in front of the length field, or dropped, than [`MAX_HEAD`].
    #[error("{option} of {octets} octets is above the limit of {}", MAX_HEAD)]
    Head {
        /// The builder's method.
        option: &'static str,
        /// Octets.
        octets: usize,
    },
    /// The octets that are dropped end inside the length field.
    #[error("a skip of {skip} octets cuts the length field, which begins at octet {start}, in two")]
    Skip {
        /// Octets that are dropped.
        skip: usize,
        /// Where the length field begins.
        start: usize,
    },
    /// No length in the field leaves a frame.
    #[error("an adjustment of {adjustment} leaves no frame that the length field can describe")]
    Adjustment {
        /// What is added to the length field.
        adjustment: i64,
    },
    /// The largest payload is smaller than each frame has, or larger than the length field (or this machine's memory)
    /// can describe: a length would be cut or overflow.
    #[error("a maximum of {max_frame} octets, but frames of this kind carry {least} to {most}")]
    MaxFrame {
        /// The largest payload that was asked for, in octets.
        max_frame: usize,
        /// The smallest that can be described.
        least: usize,
        /// The largest that can be described.
        most: usize,
    },
    /// An empty delimiter, or one of more than 255 octets.
    #[error("a delimiter has 1 to 255 octets, not {octets}")]
    Delimiter {
        /// Octets of the delimiter.
        octets: usize,
    },
}

/// What a frame gets wrong. Offsets count octets from the start of the frame; where a payload to be sent is wrong, from
/// the start of the payload.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpecFrameError {
    /// The payload has more octets than the maximum.
    #[error("a payload of {length} octets is above the limit of {limit}")]
    TooLong {
        /// Octets of payload, as far as they are known: at least so many.
        length: u64,
        /// The maximum.
        limit: usize,
    },
    /// The length field (decoding) or the payload (encoding) is below what adjustment and skip need.
    #[error("a length of {length} is below the least of {least}")]
    TooShort {
        /// What the length field says, or octets of payload.
        length: u64,
        /// The smallest that there can be.
        least: u64,
    },
    /// A signed length field holds a negative number.
    #[error("the length at offset {offset} is negative")]
    Negative {
        /// Where the field begins.
        offset: usize,
    },
    /// A varint takes more octets than its value needs.
    #[error("the varint is longer than its value needs at offset {offset}")]
    Overlong {
        /// The first octet that is not needed.
        offset: usize,
    },
    /// A varint above 64 bits.
    #[error("the varint is above 64 bits at offset {offset}")]
    Overflow {
        /// The octet that is too much.
        offset: usize,
    },
    /// Something else than the length of a netstring: decimal digits, no zero in front, a colon.
    #[error("the octet {found:#04x} at offset {offset} does not fit the length of a netstring")]
    Digit {
        /// Where.
        offset: usize,
        /// What stands there.
        found: u8,
    },
    /// A netstring that does not end with a comma.
    #[error("the octet {found:#04x} at offset {offset}, expected the comma after a netstring")]
    Comma {
        /// Where.
        offset: usize,
        /// What stands there.
        found: u8,
    },
    /// The checksum does not match.
    #[error("the checksum at offset {offset} is {found:#010x}, the frame's is {expected:#010x}")]
    Checksum {
        /// Where the checksum stands.
        offset: usize,
        /// What it says.
        found: u32,
        /// What it should be.
        expected: u32,
    },
    /// A payload to be sent contains the delimiter, or completes one together with the one that follows.
    #[error("the payload contains the delimiter at offset {offset}")]
    Delimiter {
        /// Where it begins.
        offset: usize,
    },
    /// A payload to be sent keeps its length field (`skip` is not above `offset`), which says something else.
    #[error("the payload's own length field stands for {described} octets, the payload has {length}")]
    Mismatch {
        /// Octets of payload that the field stands for.
        described: u64,
        /// Octets of payload.
        length: usize,
    },
    /// The input ended inside a frame.
    #[error("the input ends at offset {offset} inside a frame, at least {missing} octets are missing")]
    Truncated {
        /// Octets of the frame that are there.
        offset: usize,
        /// How many more are needed, at least.
        missing: usize,
    },
}

/// `UnexpectedEof` for a cut frame, else `InvalidData`.
#[cfg(feature = "std")]
impl From<SpecFrameError> for std::io::Error {
    fn from(error: SpecFrameError) -> std::io::Error {
        let kind = match error {
            SpecFrameError::Truncated { .. } => std::io::ErrorKind::UnexpectedEof,
            _ => std::io::ErrorKind::InvalidData,
        };
        std::io::Error::new(kind, error)
    }
}
