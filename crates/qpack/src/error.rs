//! What the peer did wrong.

use core::fmt;

use wirelace_hpack::huffman::HuffmanError;

/// Where octets came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// A field section on the stream with that id; offsets are octets from its start.
    Section(u64),
    /// The peer's encoder stream; offsets are octets from the first that the decoder was given.
    EncoderStream,
    /// The peer's decoder stream; offsets are octets from the first that the encoder was given.
    DecoderStream,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Section(stream) => write!(f, "the field section on stream {stream}"),
            Self::EncoderStream => f.write_str("the encoder stream"),
            Self::DecoderStream => f.write_str("the decoder stream"),
        }
    }
}

/// A peer that breaks RFC 9204, or goes over what it was offered. The tables are lost with it: each is a connection
/// error of the type that [`code`](Self::code) says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A section ends inside its prefix or a field.
    #[error("{place} ends inside what begins at octet {offset} (RFC 9204 §4.5)")]
    Truncated {
        /// The section.
        place: Place,
        /// Where the integer or string begins that is not all there.
        offset: u64,
    },
    /// An integer above 2^62 - 1, or one with endless padding.
    #[error("integer at octet {offset} of {place} is above 2^62 - 1 (RFC 9204 §4.1.1)")]
    IntegerOverflow {
        /// Where it is.
        place: Place,
        /// Where it begins.
        offset: u64,
    },
    /// A string that its Huffman code does not explain.
    #[error("string at octet {offset} of {place}: {error}")]
    Huffman {
        /// Where it is.
        place: Place,
        /// Where its code begins.
        offset: u64,
        /// What is wrong; offsets are within the string.
        error: HuffmanError,
    },
    /// An index beyond the static table.
    #[error("static index {index} at octet {offset} of {place} is above 98 (RFC 9204 §3.1)")]
    StaticIndex {
        /// Where it is.
        place: Place,
        /// Where the field or instruction begins.
        offset: u64,
        /// The index.
        index: u64,
    },
    /// A relative or post-base index that leads to no entry: never inserted, or evicted.
    #[error(
        "dynamic index {index} at octet {offset} of {place} leads to no entry of the table (RFC 9204 §2.2.3)"
    )]
    DynamicIndex {
        /// Where it is.
        place: Place,
        /// Where the field or instruction begins.
        offset: u64,
        /// The index, as it was sent.
        index: u64,
    },
    /// A reference to an entry that the section's Required Insert Count does not cover.
    #[error(
        "dynamic index {index} at octet {offset} of {place} leads beyond the Required Insert Count of {required} (RFC 9204 §2.2.1)"
    )]
    BeyondRequired {
        /// The section.
        place: Place,
        /// Where the field begins.
        offset: u64,
        /// The index, as it was sent.
        index: u64,
        /// The Required Insert Count.
        required: u64,
    },
    /// A Required Insert Count that no encoder can have sent.
    #[error(
        "Required Insert Count of {place} is encoded as {encoded}, which no table explains (RFC 9204 §4.5.1.1)"
    )]
    RequiredInsertCount {
        /// The section.
        place: Place,
        /// As it was sent.
        encoded: u64,
    },
    /// A Base below zero.
    #[error(
        "Base of {place} is negative: Required Insert Count {required}, Delta Base {delta} (RFC 9204 §4.5.1.2)"
    )]
    NegativeBase {
        /// The section.
        place: Place,
        /// The Required Insert Count.
        required: u64,
        /// The Delta Base, whose sign is set.
        delta: u64,
    },
    /// More streams wait for the encoder stream than were offered.
    #[error("stream {stream} is one more than the {limit} that may be blocked (RFC 9204 §2.1.2)")]
    BlockedStreams {
        /// The stream.
        stream: u64,
        /// [`Limits::blocked_streams`](crate::Limits::blocked_streams).
        limit: u64,
    },
    /// Sections that wait for the encoder stream are too large together.
    #[error("with the section of {octets} octets on stream {stream} more than {limit} would be kept waiting")]
    BlockedBytes {
        /// The stream.
        stream: u64,
        /// How long the section is.
        octets: usize,
        /// [`Limits::blocked_bytes`](crate::Limits::blocked_bytes).
        limit: usize,
    },
    /// A Set Dynamic Table Capacity above what was offered.
    #[error(
        "table capacity {capacity} at octet {offset} of the encoder stream is above the limit of {limit} (RFC 9204 §4.3.1)"
    )]
    Capacity {
        /// Where the instruction begins.
        offset: u64,
        /// The capacity.
        capacity: u64,
        /// [`Limits::table_capacity`](crate::Limits::table_capacity).
        limit: u64,
    },
    /// An entry that is larger than the table.
    #[error(
        "entry at octet {offset} of the encoder stream has at least {size} octets, and the table at most {capacity} (RFC 9204 §3.2.2)"
    )]
    EntryTooLarge {
        /// Where the instruction begins.
        offset: u64,
        /// At least so large, as RFC 9204 §3.2.1 counts.
        size: u64,
        /// The table's capacity.
        capacity: u64,
    },
    /// A Section Acknowledgment for a stream without a section that waits for one.
    #[error(
        "acknowledgment at octet {offset} of the decoder stream: no section on stream {stream} awaits one (RFC 9204 §4.4.1)"
    )]
    NothingToAcknowledge {
        /// Where the instruction begins.
        offset: u64,
        /// The stream.
        stream: u64,
    },
    /// An Insert Count Increment of zero.
    #[error("increment at octet {offset} of the decoder stream is zero (RFC 9204 §4.4.3)")]
    IncrementZero {
        /// Where the instruction begins.
        offset: u64,
    },
    /// An Insert Count Increment beyond what was inserted.
    #[error(
        "increment of {increment} at octet {offset} of the decoder stream is above the {left} inserts left to acknowledge (RFC 9204 §4.4.3)"
    )]
    IncrementTooLarge {
        /// Where the instruction begins.
        offset: u64,
        /// The increment.
        increment: u64,
        /// Inserts that were not acknowledged.
        left: u64,
    },
    /// Settings that are not what early data was sent by.
    #[error(
        "settings changed from capacity {capacity} and {blocked_streams} blocked streams, by which early data was sent (RFC 9204 §3.2.3)"
    )]
    SettingsChanged {
        /// The remembered capacity.
        capacity: u64,
        /// The remembered number of blocked streams.
        blocked_streams: u64,
    },
}

const H3_EXCESSIVE_LOAD: u64 = 0x107;
const H3_SETTINGS_ERROR: u64 = 0x109;
const QPACK_DECOMPRESSION_FAILED: u64 = 0x200;
const QPACK_ENCODER_STREAM_ERROR: u64 = 0x201;
const QPACK_DECODER_STREAM_ERROR: u64 = 0x202;

impl Error {
    /// The code to close the connection with: QPACK_DECOMPRESSION_FAILED (0x200), QPACK_ENCODER_STREAM_ERROR (0x201)
    /// or QPACK_DECODER_STREAM_ERROR (0x202) (RFC 9204 §6); H3_EXCESSIVE_LOAD (0x107) for sections that wait and are
    /// too large, and H3_SETTINGS_ERROR (0x109) for changed settings (RFC 9114 §8.1).
    #[must_use]
    pub const fn code(&self) -> u64 {
        match *self {
            Self::Truncated { place, .. }
            | Self::IntegerOverflow { place, .. }
            | Self::Huffman { place, .. }
            | Self::StaticIndex { place, .. }
            | Self::DynamicIndex { place, .. }
            | Self::BeyondRequired { place, .. }
            | Self::RequiredInsertCount { place, .. }
            | Self::NegativeBase { place, .. } => match place {
                Place::Section(_) => QPACK_DECOMPRESSION_FAILED,
                Place::EncoderStream => QPACK_ENCODER_STREAM_ERROR,
                Place::DecoderStream => QPACK_DECODER_STREAM_ERROR,
            },
            Self::BlockedStreams { .. } => QPACK_DECOMPRESSION_FAILED,
            Self::BlockedBytes { .. } => H3_EXCESSIVE_LOAD,
            Self::Capacity { .. } | Self::EntryTooLarge { .. } => QPACK_ENCODER_STREAM_ERROR,
            Self::NothingToAcknowledge { .. }
            | Self::IncrementZero { .. }
            | Self::IncrementTooLarge { .. } => QPACK_DECODER_STREAM_ERROR,
            Self::SettingsChanged { .. } => H3_SETTINGS_ERROR,
        }
    }

    /// Where it is wrong, in octets from the start of its [`Place`]; `None` if that is no single place.
    #[must_use]
    pub const fn offset(&self) -> Option<u64> {
        match *self {
            Self::Truncated { offset, .. }
            | Self::IntegerOverflow { offset, .. }
            | Self::Huffman { offset, .. }
            | Self::StaticIndex { offset, .. }
            | Self::DynamicIndex { offset, .. }
            | Self::BeyondRequired { offset, .. }
            | Self::Capacity { offset, .. }
            | Self::EntryTooLarge { offset, .. }
            | Self::NothingToAcknowledge { offset, .. }
            | Self::IncrementZero { offset }
            | Self::IncrementTooLarge { offset, .. } => Some(offset),
            Self::RequiredInsertCount { .. } | Self::NegativeBase { .. } => Some(0),
            Self::BlockedStreams { .. } | Self::BlockedBytes { .. } | Self::SettingsChanged { .. } => None,
        }
    }
}
