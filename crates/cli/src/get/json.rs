//! `--json`: one object a response.

use std::time::Duration;

use http::response::Parts;
use serde_json::{Value, json};
use wirelace::tls_glue::HandshakeReport;

use super::show;
use super::url::Url;

/// The fields, for `--help`.
pub(super) const FIELDS: &str = "\
Fields of --json:
  url         as it was fetched
  upgraded    true where HSTS made https of http
  status      of the response
  version     HTTP/1.1 or HTTP/2, for instance
  bytes       of the body, as it came
  reused      true where the connection was there already
  early_data  true where the request went as TLS early data, and the server took it
  retries     attempts before this one
  timings_ms  connect: name, TCP and TLS, null if reused
              tls: the handshake alone, null if reused or without
              head: until the head of the response
              total: until its end
  tls         null without TLS
              version: TLS 1.3, for instance
              cipher: the suite's registered name
              group: of the key exchange, null without one
              alpn: h2 or http/1.1, null where none was agreed on
              resumed: true where an earlier session went on
              verified: false with --insecure";

/// A response and how it came.
pub(super) struct Exchange<'a> {
    pub(super) url: &'a Url,
    pub(super) parts: &'a Parts,
    pub(super) bytes: u64,
    pub(super) retries: u32,
    pub(super) handshake: Option<&'a HandshakeReport>,
    pub(super) early: bool,
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
            "upgraded": self.url.upgraded,
            "status": self.parts.status.as_u16(),
            "version": show::version(self.parts.version),
            "bytes": self.bytes,
            "reused": self.connecting.is_none(),
            "early_data": self.early && self.handshake.is_some_and(|handshake| handshake.early_data > 0),
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
