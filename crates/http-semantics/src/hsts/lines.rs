//! Hosts as lines of text: what a store is kept in, and the simple form of a preload list.
//!
//! `example.com 1795536000` stands for the host alone until that second since 1970, `.example.com 1795536000` for the
//! names below it as well. A preload list has no times. Empty lines, and what follows a `#`, are passed over.

use alloc::string::String;
use core::fmt;

use super::host::{HstsHost, MAX_HOST};

/// Octets of a line, at most: a host, a time, and a remark.
pub(super) const MAX_LINE: usize = 2 * MAX_HOST;

/// A line that is none of a list of hosts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{rule} in line {line} of the list of hosts")]
pub struct LinesError {
    /// The broken rule.
    pub rule: LineRule,
    /// Which line, from 1.
    pub line: usize,
}

/// What can be wrong with a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LineRule {
    /// No host name, or an IP address.
    Host,
    /// Where a time must be, there is no number of seconds since 1970.
    Time,
    /// Something behind.
    Trailing,
    /// More than 506 octets.
    TooLong,
    /// Not UTF-8.
    Text,
}

impl fmt::Display for LineRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "not a host name",
            Self::Time => "not a time in seconds since 1970",
            Self::Trailing => "unexpected data after the host",
            Self::TooLong => "more than 506 octets",
            Self::Text => "not utf-8",
        })
    }
}

/// One line with something on it.
pub(super) struct Line {
    pub(super) host: HstsHost,
    pub(super) include_subdomains: bool,
    /// `None` where it is not wanted.
    pub(super) expires: Option<u64>,
}

/// Reads one line, without its end; `None` if nothing is on it.
pub(super) fn parse(text: &str, with_time: bool) -> Result<Option<Line>, LineRule> {
    if text.len() > MAX_LINE {
        return Err(LineRule::TooLong);
    }
    let text = text.split('#').next().unwrap_or_default();
    let mut words = text.split_ascii_whitespace();
    let Some(name) = words.next() else { return Ok(None) };
    let (name, include_subdomains) = match name.strip_prefix('.') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let host = HstsHost::new(name).ok_or(LineRule::Host)?;
    let expires = match with_time {
        true => Some(words.next().and_then(seconds).ok_or(LineRule::Time)?),
        false => None,
    };
    match words.next() {
        Some(_) => Err(LineRule::Trailing),
        None => Ok(Some(Line { host, include_subdomains, expires })),
    }
}

/// Writes one line with a time, its end included.
pub(super) fn write(out: &mut String, host: &str, include_subdomains: bool, expires: u64) {
    let dot = if include_subdomains { "." } else { "" };
    let _ = fmt::Write::write_fmt(out, format_args!("{dot}{host} {expires}\n"));
}

/// `parse` would take a sign.
fn seconds(word: &str) -> Option<u64> {
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok()).flatten()
}
