//! What both forms of the report have in common.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use wirelace::tls_glue::CertificateReport;

pub(super) const DAY: i64 = 86_400;

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(now).unwrap_or(i64::MAX)
}

/// Whole days until its end; negative: since.
pub(super) fn days_left(report: &CertificateReport) -> i64 {
    (report.not_after.seconds - now()).div_euclid(DAY)
}

/// The values of a field, line by line; what is no text in ASCII is escaped.
pub(super) fn lines<'a>(
    headers: &'a HeaderMap,
    name: &'a http::HeaderName,
) -> impl Iterator<Item = String> + use<'a> {
    headers.get_all(name).iter().map(|value| printable(value.as_bytes()))
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// What a terminal must not see is escaped; quotes are not.
fn printable(octets: &[u8]) -> String {
    let one = |octet: &u8| match octet {
        b' '..=b'~' => char::from(*octet).to_string(),
        octet => format!("\\x{octet:02x}"),
    };
    octets.iter().map(one).collect()
}
