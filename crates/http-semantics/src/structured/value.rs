//! The values that structured fields are made of (RFC 9651 §3.3).

use alloc::borrow::Cow;

/// The largest absolute value of an integer and, in thousandths, of a decimal: 15 digits.
const MAX: i64 = 999_999_999_999_999;

/// A value without parameters. Text is borrowed where it stands in the field as it is meant.
///
/// Some values have no serialization (an [`Integer`](Self::Integer) beyond 15 digits, a [`Token`](Self::Token) with a
/// space): writing them is an error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BareItem<'a> {
    /// An integer of at most 15 digits (§3.3.1).
    Integer(i64),
    /// A number with up to 12 digits before the point and 3 after it (§3.3.2).
    Decimal(Decimal),
    /// A string of printable ASCII (§3.3.3).
    String(Cow<'a, str>),
    /// A token, like `gzip` or `text/html` (§3.3.4).
    Token(Cow<'a, str>),
    /// Any bytes; in base64 on the wire (§3.3.5).
    ByteSequence(Cow<'a, [u8]>),
    /// `?1` or `?0` (§3.3.6).
    Boolean(bool),
    /// Seconds since 1970-01-01 00:00:00 UTC (§3.3.7).
    Date(i64),
    /// A string of any Unicode characters (§3.3.8).
    DisplayString(Cow<'a, str>),
}

impl BareItem<'_> {
    /// The number, if it is an integer.
    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    /// The number, if it is a decimal or an integer small enough to be one.
    pub fn as_decimal(&self) -> Option<Decimal> {
        match self {
            Self::Decimal(value) => Some(*value),
            Self::Integer(value) => Decimal::from_thousandths(value.checked_mul(1000)?),
            _ => None,
        }
    }

    /// The text, if it is a string.
    pub fn as_string(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The text, if it is a token.
    pub fn as_token(&self) -> Option<&str> {
        if let Self::Token(text) = self { Some(text) } else { None }
    }

    /// The bytes, if it is a byte sequence.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::ByteSequence(bytes) = self { Some(bytes) } else { None }
    }

    /// The value, if it is a boolean.
    pub fn as_boolean(&self) -> Option<bool> {
        if let Self::Boolean(value) = self { Some(*value) } else { None }
    }

    /// Seconds since 1970-01-01 00:00:00 UTC, if it is a date.
    pub fn as_date(&self) -> Option<i64> {
        if let Self::Date(seconds) = self { Some(*seconds) } else { None }
    }

    /// The text, if it is a display string.
    pub fn as_display_string(&self) -> Option<&str> {
        if let Self::DisplayString(text) = self { Some(text) } else { None }
    }
}

/// A decimal number, exact to a thousandth (§3.3.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Decimal(i64);

impl Decimal {
    /// The number of thousandths; `None` beyond 999,999,999,999.999 in either direction.
    pub const fn from_thousandths(thousandths: i64) -> Option<Self> {
        if thousandths.unsigned_abs() > MAX.unsigned_abs() { None } else { Some(Self(thousandths)) }
    }

    /// A thousand times its value.
    pub const fn thousandths(self) -> i64 {
        self.0
    }

    /// The nearest decimal, a tie going to the even one (§4.1.5); `None` for what is not a number and beyond
    /// 999,999,999,999.999.
    pub fn from_f64(value: f64) -> Option<Self> {
        let scaled = value * 1000.0;
        if !scaled.is_finite() || scaled.abs() >= MAX as f64 + 1.0 {
            return None;
        }
        // Both casts are exact here: less than 2^53. `f64::round_ties_even` is not in `core`.
        let whole = scaled as i64;
        let rest = scaled - whole as f64;
        let away = rest.abs() > 0.5 || (rest.abs() == 0.5 && whole % 2 != 0);
        Self::from_thousandths(if away { whole + if rest < 0.0 { -1 } else { 1 } } else { whole })
    }

    /// The nearest floating-point number.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

pub(super) fn in_integer_range(value: i64) -> bool {
    value.unsigned_abs() <= MAX.unsigned_abs()
}

/// `lcalpha / "*"`
pub(super) fn is_key_start(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b'*'
}

pub(super) fn is_key_rest(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.' | b'*')
}

/// `ALPHA / "*"`
pub(super) fn is_token_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'*'
}

/// `tchar / ":" / "/"`
pub(super) fn is_token_rest(byte: u8) -> bool {
    wirelace_wire::token::is_tchar(byte) || byte == b':' || byte == b'/'
}
