//! What can be wrong with a structured field.

use core::fmt;

/// A field value that is not the structured field it should be. RFC 9651 §4.2 asks to ignore the whole field then.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{rule}, in field line {line} at offset {offset}")]
pub struct SyntaxError {
    /// The broken rule.
    pub rule: Rule,
    /// Which field line, from 0.
    pub line: usize,
    /// Where in that line, in bytes.
    pub offset: usize,
}

/// The rules of RFC 9651 §4.2 that an input can break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Rule {
    /// Nothing, or no such thing, where a bare item must be (§4.2.3.1).
    BareItem,
    /// Not an integer or decimal, or one with too many digits (§4.2.4).
    Number,
    /// A string has a character outside printable ASCII, an unknown escape or no end (§4.2.5).
    String,
    /// A byte sequence has no end or is not base64 (§4.2.7).
    ByteSequence,
    /// A boolean is neither `?0` nor `?1` (§4.2.8).
    Boolean,
    /// A date is not an integer (§4.2.9).
    Date,
    /// A display string has a character outside printable ASCII, a bad escape, no end, or is not UTF-8 (§4.2.10).
    DisplayString,
    /// A key does not begin with a lower-case letter or `*` (§4.2.3.3).
    Key,
    /// The items of an inner list are not separated by spaces, or it has no end (§4.2.1.2).
    InnerList,
    /// Something other than a comma after a member of a list or dictionary (§4.2.1, §4.2.2).
    Separator,
    /// An empty member, or a comma at the end (§4.2.1, §4.2.2).
    EmptyMember,
    /// More after the item (§4.2).
    Trailing,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareItem => "expected an item",
            Self::Number => "malformed or too long number",
            Self::String => "malformed string",
            Self::ByteSequence => "malformed byte sequence",
            Self::Boolean => "malformed boolean",
            Self::Date => "date is not an integer",
            Self::DisplayString => "malformed display string",
            Self::Key => "malformed key",
            Self::InnerList => "malformed inner list",
            Self::Separator => "expected a comma after a member",
            Self::EmptyMember => "empty member or trailing comma",
            Self::Trailing => "unexpected data after the item",
        })
    }
}

/// A value that has no serialization (RFC 9651 §4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SerializeError {
    /// More than 15 digits (§4.1.4).
    #[error("integer has more than 15 digits")]
    Integer,
    /// A string has a character outside printable ASCII (§4.1.6): use a display string.
    #[error("string has a character outside printable ascii")]
    String,
    /// A token is empty, begins or goes on with a character that it may not have (§4.1.7).
    #[error("not a token")]
    Token,
    /// A key is empty, begins or goes on with a character that it may not have (§4.1.1.3).
    #[error("not a key")]
    Key,
    /// A date has more than 15 digits (§4.1.10).
    #[error("date has more than 15 digits")]
    Date,
}
