//! The report for a person: what is wrong comes first.

use std::fmt::Display;
use std::io::IsTerminal;

use http::header::{ALT_SVC, STRICT_TRANSPORT_SECURITY};
use wirelace::semantics::hsts::HstsPolicy;
use wirelace::tls_glue::ct::CtVerdict;
use wirelace::tls_glue::{CertificateError, CertificateReport, HandshakeReport, Moment, Verification};

use super::look::{Answer, Findings};
use super::words::{DAY, hex, lines, now};
use crate::voice::wants_colour;

/// Names of one certificate that are shown.
const NAMES: usize = 12;
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";

/// Lines of two columns.
struct Page {
    text: String,
    colour: bool,
}

impl Page {
    fn line(&mut self, label: &str, value: impl Display) {
        let line = format!("{label:<15}{value}");
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("{colour}{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// All of it.
pub(super) fn report(findings: &Findings) -> String {
    let colour = wants_colour() && std::io::stdout().is_terminal();
    let mut page = Page { text: String::new(), colour };
    page.line("server", format_args!("{} at {}", findings.target, findings.address));
    if findings.name != findings.target.origin.host {
        page.line("name", &findings.name);
    }
    verification(&mut page, findings);
    match &findings.handshake {
        Some(handshake) => agreed(&mut page, findings, handshake),
        None => page.line("TLS", "no handshake, not even without asking who the server is"),
    }
    for (position, read) in findings.chain.iter().enumerate() {
        page.gap();
        let label = format!("certificate {position}");
        match read {
            Ok(report) => certificate(&mut page, &label, report),
            Err(why) => page.line(&label, format_args!("cannot be read: {why}")),
        }
    }
    page.gap();
    if let Some(verdict) = &findings.transparency {
        transparency(&mut page, verdict);
    }
    match &findings.http {
        Ok(answer) => http(&mut page, answer),
        Err(why) => page.line("HTTP/1.1", format_args!("no answer to HEAD /: {}", why.escape_debug())),
    }
    page.line("HTTP/3", "not yet checked");
    page.text
}

fn verification(page: &mut Page, findings: &Findings) {
    match &findings.refusal {
        None => {
            let yes = page.paint(GREEN, "yes");
            let pinned = if findings.asked == Verification::ChainAndPin { ", with a pinned key" } else { "" };
            let alone = matches!(findings.chain.as_slice(), [Ok(own)] if own.self_signed);
            let by =
                if alone { "this very certificate is trusted" } else { "from an authority that is trusted" };
            page.line("verified", format_args!("{yes}: it is for {}, and {by}{pinned}", findings.name));
        }
        Some(why) => {
            let no = page.paint(RED, "NO");
            page.line("verified", format_args!("{no}: {} {}", which(why), why.rule));
            page.line("", why.hint());
        }
    }
}

fn which(why: &CertificateError) -> String {
    match why.position {
        Some(position) => format!("certificate {position}"),
        None => "the certificate".to_owned(),
    }
}

fn agreed(page: &mut Page, findings: &Findings, handshake: &HandshakeReport) {
    let group = handshake.group.as_ref().map(|group| format!(", {group}"));
    page.line(
        "TLS",
        format_args!("{}, {}{}", handshake.version, handshake.cipher_suite, group.unwrap_or_default()),
    );
    let alpn = handshake.alpn.as_ref().map(|alpn| alpn.escape_ascii().to_string());
    page.line("ALPN", alpn.as_deref().unwrap_or("none (h2 and http/1.1 were offered)"));
    page.line(
        "handshake",
        format_args!(
            "{} round trip{}, {:.1} ms (TCP {:.1} ms)",
            handshake.round_trips,
            if handshake.round_trips == 1 { "" } else { "s" },
            handshake.duration.as_secs_f64() * 1e3,
            findings.connecting.as_secs_f64() * 1e3,
        ),
    );
    let resumption = match findings.resumption {
        Some(true) => "yes",
        Some(false) => "no: each connection costs a full handshake",
        None => "not known",
    };
    page.line("resumption", resumption);
}

fn certificate(page: &mut Page, label: &str, report: &CertificateReport) {
    page.line(label, &report.subject);
    let own = if report.self_signed { " (itself)" } else { "" };
    page.line("  issuer", format_args!("{}{own}", report.issuer));
    page.line("  serial", &report.serial);
    let left = left(page, report);
    page.line("  valid", format_args!("{} to {}, {left}", report.not_before.text, report.not_after.text));
    let names: Vec<_> =
        [&report.dns_names, &report.addresses, &report.other_names].into_iter().flatten().collect();
    let mut shown = names.iter().take(NAMES).map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES {
        shown += &format!(", and {} more", names.len() - NAMES);
    }
    match (names.is_empty(), report.is_ca) {
        (true, true) => {}
        (true, false) => page.line("  names", "none: it is for no host"),
        (false, _) => page.line("  names", shown),
    }
    let bits = report.key.bits.map(|bits| format!(" of {bits} bits")).unwrap_or_default();
    page.line("  key", format_args!("{}{bits}, {}", report.key.algorithm, report.key.pin));
    page.line("  signature", &report.signature_algorithm);
    page.line("  SHA-256", hex(&report.fingerprint));
    let mut label = "  SCTs";
    for sct in &report.scts {
        let time = Moment::from_milliseconds(sct.timestamp).text;
        page.line(label, format_args!("{time} of log {}", hex(&sct.log_id)));
        label = "";
    }
    if report.scts.is_empty() && !report.is_ca {
        page.line(label, "none inside");
    }
}

fn left(page: &Page, report: &CertificateReport) -> String {
    let days = |seconds: i64| match (seconds / DAY, seconds / 3600) {
        (0, 0) => "less than an hour".to_owned(),
        (0, 1) => "1 hour".to_owned(),
        (0, hours) => format!("{hours} hours"),
        (1, _) => "1 day".to_owned(),
        (days, _) => format!("{days} days"),
    };
    let now = now();
    if now > report.not_after.seconds {
        page.paint(RED, &format!("EXPIRED {} ago", days(now - report.not_after.seconds)))
    } else if now < report.not_before.seconds {
        page.paint(RED, &format!("NOT YET VALID for {}", days(report.not_before.seconds - now)))
    } else {
        format!("{} left", days(report.not_after.seconds - now))
    }
}

fn transparency(page: &mut Page, verdict: &CtVerdict) {
    let (colour, word) = if verdict.complies() { (GREEN, "yes") } else { (RED, "NO") };
    let word = page.paint(colour, word);
    page.line("transparency", format_args!("{word}: {}", verdict.outcome));
    if !verdict.outcome.hint().is_empty() {
        page.line("", verdict.outcome.hint());
    }
    for fault in &verdict.unreadable {
        page.line("", fault);
    }
    for sct in &verdict.scts {
        page.line("", sct);
    }
}

fn http(page: &mut Page, answer: &Answer) {
    let reason = answer.status.canonical_reason().unwrap_or_default();
    page.line(&format!("{:?}", answer.version), format_args!("{} {reason}", answer.status.as_u16()));
    let hsts = lines(&answer.headers, &STRICT_TRANSPORT_SECURITY).next();
    match hsts.map(|value| (HstsPolicy::parse(value.as_bytes()), value)) {
        None => page.line("HSTS", "none: a first visit may go without TLS"),
        Some((Ok(policy), value)) => {
            page.line("HSTS", format_args!("{value} ({} days)", policy.max_age / 86_400));
        }
        Some((Err(error), value)) => page.line("HSTS", format_args!("{value} (does not count: {error})")),
    }
    let mut label = "Alt-Svc";
    for value in lines(&answer.headers, &ALT_SVC) {
        page.line(label, value);
        label = "";
    }
    if label == "Alt-Svc" {
        page.line(label, "none");
    }
}
