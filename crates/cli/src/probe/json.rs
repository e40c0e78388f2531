//! `--json`: one object, whose fields stay what they are; further ones may come.

use http::header::{ALT_SVC, STRICT_TRANSPORT_SECURITY};
use serde_json::{Value, json};
use wirelace::semantics::hsts::HstsPolicy;
use wirelace::tls_glue::ct::{CheckedSct, CtVerdict};
use wirelace::tls_glue::{CertificateReport, HandshakeReport, Moment, Verification};

use super::look::{Answer, Findings};
use super::words::{days_left, hex, lines};

/// All fields there are, as `--help` shows them.
pub(super) const FIELDS: &str = "\
Fields of --json (times as in RFC 3339, in UTC):
  host, port    what was asked for
  server_name   whose certificate was asked for
  address       where the server was found
  verification  ok: false where the server is refused; then there are, else null:
                certificate: which of the chain, null where it is all of it
                rule: one word: expired, wrong_host, unknown_issuer, self_signed, revoked and more
                reason, hint: in words, and what to do
                asked: what a server has to pass, chain or chain_and_pin
  tls           null where the handshake fails even when nobody asks who the server is
                version, cipher, group, round_trips
                alpn: null where none was agreed on; h2 and http/1.1 are offered
                resumption: true where a second connection went on with the session, null: not known
  timings_ms    connect: TCP alone; handshake: null without
  chain         the certificates, the server's own first; of one that cannot be read there are
                position and error alone
                position, subject, issuer, self_signed, serial, not_before, not_after
                days_left: negative where it is over
                dns_names, addresses, other_names
                key: algorithm, bits (null: not known), pin (for --pinned-key)
                signature_algorithm, is_ca, key_usages, purposes
                fingerprint: the SHA-256 of it, in hex
                scts: log_id (hex) and time of each inside; not checked
  transparency  null without --ct-log-list
                complies, verdict, hint (null: nothing to do)
                scts: delivery, log_id, log, operator, time (null: not known), counts, and the
                reason why not
  http          null without an answer to HEAD /
                status, version, alt_svc (all lines)
                hsts: null without; value, error (null where it is sound), max_age,
                include_subdomains, preload
  http_error    why there is no answer, or null
  http3         null: not yet looked at";

/// All of it, on one line.
pub(super) fn object(findings: &Findings) -> String {
    let handshake = findings.handshake.as_ref();
    let refusal = findings.refusal.as_ref();
    let line = json!({
        "host": findings.target.origin.host,
        "port": findings.target.origin.port,
        "server_name": findings.name,
        "address": findings.address.to_string(),
        "verification": {
            "ok": refusal.is_none(),
            "certificate": refusal.and_then(|why| why.position),
            "rule": refusal.map(|why| why.rule.name()),
            "reason": refusal.map(|why| why.rule.to_string()),
            "hint": refusal.map(|why| why.hint()),
            "asked": match findings.asked {
                Verification::ChainAndPin => "chain_and_pin",
                _ => "chain",
            },
        },
        "tls": handshake.map(|handshake| tls(handshake, findings.resumption)),
        "timings_ms": {
            "connect": milliseconds(findings.connecting),
            "handshake": handshake.map(|handshake| milliseconds(handshake.duration)),
        },
        "chain": findings.chain.iter().enumerate().map(certificate).collect::<Vec<_>>(),
        "transparency": findings.transparency.as_ref().map(transparency),
        "http": findings.http.as_ref().ok().map(http),
        "http_error": findings.http.as_ref().err(),
        "http3": null,
    });
    line.to_string()
}

fn tls(handshake: &HandshakeReport, resumption: Option<bool>) -> Value {
    json!({
        "version": handshake.version.to_string(),
        "cipher": handshake.cipher_suite,
        "group": handshake.group,
        "alpn": handshake.alpn.as_ref().map(|alpn| String::from_utf8_lossy(alpn)),
        "round_trips": handshake.round_trips,
        "resumption": resumption,
    })
}

fn certificate((position, read): (usize, &Result<CertificateReport, String>)) -> Value {
    let report = match read {
        Ok(report) => report,
        Err(why) => return json!({ "position": position, "error": why }),
    };
    json!({
        "position": position,
        "subject": report.subject,
        "issuer": report.issuer,
        "self_signed": report.self_signed,
        "serial": report.serial,
        "not_before": report.not_before.text,
        "not_after": report.not_after.text,
        "days_left": days_left(report),
        "dns_names": report.dns_names,
        "addresses": report.addresses,
        "other_names": report.other_names,
        "key": {
            "algorithm": report.key.algorithm,
            "bits": report.key.bits,
            "pin": report.key.pin.to_string(),
        },
        "signature_algorithm": report.signature_algorithm,
        "is_ca": report.is_ca,
        "key_usages": report.key_usages,
        "purposes": report.purposes,
        "fingerprint": hex(&report.fingerprint),
        "scts": report.scts.iter().map(|sct| json!({
            "log_id": hex(&sct.log_id),
            "time": Moment::from_milliseconds(sct.timestamp).text,
        })).collect::<Vec<_>>(),
    })
}

fn transparency(verdict: &CtVerdict) -> Value {
    json!({
        "complies": verdict.complies(),
        "verdict": verdict.outcome.to_string(),
        "hint": Some(verdict.outcome.hint()).filter(|hint| !hint.is_empty()),
        "scts": verdict.scts.iter().map(checked).collect::<Vec<_>>(),
    })
}

fn checked(sct: &CheckedSct) -> Value {
    json!({
        "delivery": sct.delivery.to_string(),
        "log_id": sct.log_id.map(|id| id.to_string()),
        "log": sct.log,
        "operator": sct.operator,
        "time": sct.timestamp.map(|time| Moment::from_milliseconds(time).text),
        "counts": sct.standing.is_ok(),
        "reason": sct.standing.as_ref().err().map(ToString::to_string),
    })
}

fn http(answer: &Answer) -> Value {
    json!({
        "status": answer.status.as_u16(),
        "version": format!("{:?}", answer.version),
        "alt_svc": lines(&answer.headers, &ALT_SVC).collect::<Vec<_>>(),
        "hsts": lines(&answer.headers, &STRICT_TRANSPORT_SECURITY).next().map(|value| {
            let policy = HstsPolicy::parse(value.as_bytes());
            json!({
                "value": value,
                "max_age": policy.as_ref().ok().map(|policy| policy.max_age),
                "include_subdomains": policy.as_ref().ok().map(|policy| policy.include_subdomains),
                "preload": policy.as_ref().ok().map(|policy| policy.preload),
                "error": policy.as_ref().err().map(ToString::to_string),
            })
        }),
    })
}

fn milliseconds(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
