//! Versions, as rustls has them.

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use crate::error::TlsError;
use crate::report::TlsVersion;

pub(crate) fn versions(
    lowest: TlsVersion,
    highest: TlsVersion,
) -> Result<Vec<&'static SupportedProtocolVersion>, TlsError> {
    if lowest > highest {
        return Err(TlsError::Local(format!(
            "the lowest version, {lowest}, is above the highest, {highest}"
        )));
    }
    let all = [(TlsVersion::Tls13, &TLS13), (TlsVersion::Tls12, &TLS12)];
    Ok(all
        .into_iter()
        .filter(|(version, _)| (lowest..=highest).contains(version))
        .map(|(_, known)| known)
        .collect())
}
