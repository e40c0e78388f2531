//! `--json`: one object a response.

use std::time::Duration;

use http::response::Parts;
use serde_json::{Value, json};
use wirelace::tls_glue::HandshakeReport;

use super::url::Url;

/// The fields, for `--help`.
pub(super) const FIELDS: &str = "\
--json prints one object a response, on one line:
  url         as it was given
  status      of the response; version: HTTP/1.1, say; bytes: of the body as it came
  reused      whether the connection was there already; early_data: whether it went as TLS early data
  retries     attempts before this one
  timings_ms  connect (name, TCP and TLS; null if reused), tls (the handshake's part of it; null without, or if
              reused), head (until the response's head), total
  tls         null without; otherwise version (TLS 1.3), cipher, group (null where there was no key exchange), alpn
              (null: none), resumed, verified (false with --insecure)";

/// A response and how it came.
pub(super) struct Exchange<'a> {
    pub(super) url: &'a Url,
    pub(super) parts: &'a Parts,
    pub(super) bytes: u64,
    pub(super) retries: u32,
    pub(super) handshake: Option<&'a HandshakeReport>,
    /// `None`: the connection was there already.
    pub(super) connecting: Option<Duration>,
    pub(super) head: Duration,
    pub(super) total: Duration,
}

impl Exchange<'_> {
    pub(super) fn line(&self) -> String {
        let shaken = self.handshake.filter(|_| self.connecting.is_some());
        let line = json!({
            "url": self.url.text,
            "status": self.parts.status.as_u16(),
            "version": format!("{:?}", self.parts.version),
            "bytes": self.bytes,
            "reused": self.connecting.is_none(),
            "early_data": false,
            "retries": self.retries,
            "timings_ms": {
                "connect": self.connecting.map(milliseconds),
                "tls": shaken.map(|handshake| milliseconds(handshake.duration)),
                "head": milliseconds(self.head),
                "total": milliseconds(self.total),
            },
            "tls": self.handshake.map(tls),
        });
        line.to_string()
    }
}

fn tls(report: &HandshakeReport) -> Value {
    json!({
        "version": report.version.to_string(),
        "cipher": report.cipher_suite,
        "group": report.group,
        "alpn": report.alpn.as_ref().map(|alpn| String::from_utf8_lossy(alpn)),
        "resumed": report.resumed,
        "verified": report.verification.is_verified(),
    })
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
