//! Which fields go to the dynamic table.

use crate::static_name::StaticName;

/// How a literal is written (RFC 7541 §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Representation {
    Incremental,
    Without,
    Never,
}

/// Cookies shorter than this are easy to guess one at a time (RFC 7541 §7.1.3), as Firefox and Chromium judge too.
const SHORT_COOKIE: usize = 20;

/// What is best for a field that nobody has said anything about.
#[inline(always)]
pub(crate) fn choose(name: Option<StaticName>, value: &[u8]) -> Representation {
    match name {
        Some(StaticName::AUTHORIZATION | StaticName::PROXY_AUTHORIZATION) => Representation::Never,
        Some(StaticName::COOKIE) if value.len() < SHORT_COOKIE => Representation::Never,
        Some(
            StaticName::PATH
            | StaticName::AGE
            | StaticName::CONTENT_LENGTH
            | StaticName::ETAG
            | StaticName::IF_MODIFIED_SINCE
            | StaticName::IF_NONE_MATCH
            | StaticName::LOCATION
            | StaticName::SET_COOKIE,
        ) => Representation::Without,
        _ => Representation::Incremental,
    }
}
