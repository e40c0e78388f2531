//! Blocks that cannot be decoded.

use thiserror::Error;

use crate::huffman::HuffmanError;

/// A block that cannot be decoded. The connection cannot go on: the tables of both sides differ from here on
/// (COMPRESSION_ERROR, RFC 9113 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("octet {offset}: {rule}")]
pub struct DecodeError {
    offset: usize,
    rule: DecodeRule,
}

/// The rule that was broken.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeRule {
    /// The block ends within a field.
    #[error("block ends within a field (RFC 7541 §6)")]
    Truncated,
    /// Index 0, or one behind the last entry.
    #[error("index {index} of a table of {entries} entries (RFC 7541 §2.3.3)")]
    Index {
        /// The index.
        index: u32,
        /// Entries of both tables.
        entries: u32,
    },
    /// An integer that no table and no block can need.
    #[error("integer too large (RFC 7541 §5.1)")]
    Integer,
    /// A string is not coded as it must be.
    #[error(transparent)]
    Huffman(HuffmanError),
    /// A name without octets.
    #[error("empty field name (RFC 9110 §5.1)")]
    EmptyName,
    /// A size update behind a field, or a third one.
    #[error("size update not at the start of the block, or the third of it (RFC 7541 §4.2)")]
    LateUpdate,
    /// A size update above what SETTINGS_HEADER_TABLE_SIZE allows.
    #[error("size update to {size}, above {limit} of SETTINGS_HEADER_TABLE_SIZE (RFC 7541 §6.3)")]
    LargeUpdate {
        /// What the peer wants.
        size: u32,
        /// What it may have.
        limit: u32,
    },
    /// SETTINGS_HEADER_TABLE_SIZE was lowered and the peer did not follow.
    #[error("no size update after SETTINGS_HEADER_TABLE_SIZE was lowered (RFC 7541 §4.2)")]
    MissingUpdate,
}

impl DecodeError {
    #[cold]
    pub(crate) fn new(offset: usize, rule: DecodeRule) -> DecodeError {
        DecodeError { offset, rule }
    }

    /// Where in the block the field or update begins that is wrong.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> DecodeRule {
        self.rule
    }
}
