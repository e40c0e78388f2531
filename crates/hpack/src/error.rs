//! Why a header block cannot be decoded.

use crate::huffman::HuffmanError;

/// A header block that breaks RFC 7541. The dynamic table is lost with it: for HTTP/2 it is a connection error of
/// type COMPRESSION_ERROR (RFC 9113 §4.3).
///
/// Offsets are octets from the start of the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The block ends inside a field.
    #[error("header block ends at octet {offset} inside a field (RFC 7541 §5)")]
    Truncated {
        /// Where the integer or string begins that is not all there.
        offset: usize,
    },
    /// An integer above 2^32 - 1, or one with endless padding.
    #[error("integer at octet {offset} is too large (RFC 7541 §5.1)")]
    IntegerOverflow {
        /// Where it begins.
        offset: usize,
    },
    /// An indexed field with index 0.
    #[error("index 0 at octet {offset} refers to nothing (RFC 7541 §6.1)")]
    IndexZero {
        /// Where the field begins.
        offset: usize,
    },
    /// An index beyond both tables.
    #[error(
        "index {index} at octet {offset} is beyond the {entries} entries of both tables (RFC 7541 §2.3.3)"
    )]
    IndexOutOfRange {
        /// Where the field begins.
        offset: usize,
        /// The index.
        index: usize,
        /// How many entries there are.
        entries: usize,
    },
    /// A string that its Huffman code does not explain.
    #[error(transparent)]
    Huffman(HuffmanError),
    /// A size update after a field.
    #[error("table size update at octet {offset} is not at the start of the block (RFC 7541 §4.2)")]
    SizeUpdateMisplaced {
        /// Where it begins.
        offset: usize,
    },
    /// A third size update.
    #[error(
        "table size update at octet {offset} is one more than the two that say everything (RFC 7541 §4.2)"
    )]
    SizeUpdateRepeated {
        /// Where it begins.
        offset: usize,
    },
    /// A size update above what was acknowledged.
    #[error("table size update at octet {offset} to {size} is above the limit of {limit} (RFC 7541 §6.3)")]
    SizeUpdateTooLarge {
        /// Where it begins.
        offset: usize,
        /// The size it asks for.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// No size update where a lowered limit demands one.
    #[error(
        "no table size update to at most {limit} at octet {offset}, after the limit was lowered (RFC 7541 §4.2)"
    )]
    SizeUpdateMissing {
        /// Where the first field begins.
        offset: usize,
        /// The smallest limit since the last block.
        limit: usize,
    },
}

impl DecodeError {
    /// Where the block is wrong: octets from its start.
    #[must_use]
    pub const fn offset(&self) -> usize {
        match *self {
            Self::Truncated { offset }
            | Self::IntegerOverflow { offset }
            | Self::IndexZero { offset }
            | Self::IndexOutOfRange { offset, .. }
            | Self::SizeUpdateMisplaced { offset }
            | Self::SizeUpdateRepeated { offset }
            | Self::SizeUpdateTooLarge { offset, .. }
            | Self::SizeUpdateMissing { offset, .. } => offset,
            Self::Huffman(error) => error.offset(),
        }
    }
}
