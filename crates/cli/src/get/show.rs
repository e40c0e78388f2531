//! What a person sees of the protocol.

use http::Version;
use wirelace::semantics::{Fields, RequestHead, ResponseHead};
use wirelace::tls_glue::{CertificateReport, HandshakeReport, Verification};

use crate::voice::Voice;

/// Both lines of it, with `-v`.
pub(super) fn handshake(voice: Voice, report: &HandshakeReport) {
    if !voice.is_verbose() {
        return;
    }
    let alpn = report.alpn.as_ref().map(|alpn| format!(", ALPN {}", alpn.escape_ascii()));
    let group = report.group.as_ref().map(|group| format!(", {group}"));
    voice.detail(format_args!(
        "* {}, {}{}{}: {} handshake, {} in {:.1} ms{}",
        report.version,
        report.cipher_suite,
        group.unwrap_or_default(),
        alpn.unwrap_or_else(|| ", no ALPN".to_owned()),
        if report.resumed { "resumed" } else { "full" },
        trips(report.round_trips),
        report.duration.as_secs_f64() * 1e3,
        match report.early_data {
            0 if report.early_data_refused => ", early data refused".to_owned(),
            0 => String::new(),
            octets => format!(", {octets} octets of early data taken"),
        },
    ));
    let verified = match report.verification {
        Verification::Chain => "trusted authority",
        Verification::ChainAndPin => "trusted authority and pinned key",
        Verification::Pin => "pinned key, nothing else asked",
        _ => "NOT VERIFIED",
    };
    let own = report.peer_certificates.first().map(|der| CertificateReport::new(der, 0));
    if let Some(Ok(own)) = own {
        voice.detail(format_args!(
            "* certificate {} from {}, {} to {}: {verified}",
            own.subject, own.issuer, own.not_before.text, own.not_after.text
        ));
    }
    if let Some(verdict) = &report.transparency {
        voice.detail(format_args!("* {verdict}"));
    }
}

fn trips(count: u32) -> String {
    format!("{count} round trip{}", if count == 1 { "" } else { "s" })
}

pub(super) fn request(voice: Voice, head: &RequestHead) {
    if voice.is_verbose() {
        let target = String::from_utf8_lossy(&head.target);
        voice.detail(format_args!("> {} {target} {}", head.method, version(head.version)));
        fields(voice, ">", &head.fields);
    }
}

pub(super) fn response(voice: Voice, head: &ResponseHead) {
    if voice.is_verbose() {
        let reason = String::from_utf8_lossy(head.reason.as_deref().unwrap_or_default()).into_owned();
        let (version, status) = (version(head.version), head.status.as_u16());
        let reason = reason.escape_debug().to_string();
        voice.detail(format!("< {version} {status} {reason}").trim_end());
        fields(voice, "<", &head.fields);
    }
}

pub(super) fn fields(voice: Voice, mark: &str, fields: &Fields) {
    for field in fields.iter() {
        voice.detail(format_args!("{mark} {}: {}", field.name.escape_ascii(), field.value.escape_ascii()));
    }
}

/// As the RFCs write it.
pub(super) fn version(version: Version) -> String {
    match version {
        Version::HTTP_2 => "HTTP/2".to_owned(),
        Version::HTTP_3 => "HTTP/3".to_owned(),
        version => format!("{version:?}"),
    }
}

/// The usual reasons are not kept by the machine.
fn reason(head: &ResponseHead) -> &[u8] {
    match &head.reason {
        Some(reason) => reason,
        None => head.status.canonical_reason().unwrap_or_default().as_bytes(),
    }
}

/// The head as it came.
pub(super) fn head_text(head: &ResponseHead) -> Vec<u8> {
    let mut text = format!("{} {}", version(head.version), head.status.as_u16()).into_bytes();
    // HTTP/2 has none (RFC 9113 §8.3.2).
    if head.version < Version::HTTP_2 {
        text.push(b' ');
        text.extend_from_slice(reason(head));
    }
    text.extend_from_slice(b"\r\n");
    for field in head.fields.iter() {
        for part in [field.name, b": ", field.value, b"\r\n"] {
            text.extend_from_slice(part);
        }
    }
    text.extend_from_slice(b"\r\n");
    text
}
