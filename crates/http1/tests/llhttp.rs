//! llhttp's own cases, in its strict mode: the same verdicts, messages and spans, or a listed deviation with the
//! rule that says why.

mod support;

use std::time::Instant;

use serde_json::Value;
use support::{Lines, Message, Seen, Serve, data, input_of, pipelining, receive, request, serve};
use wirelace_http_semantics::FieldId;
use wirelace_http1::{Error, ServerConnection};
use wirelace_sim::every_split;

/// What we do otherwise than llhttp, and why.
enum Deviation {
    /// llhttp accepts it.
    Refused(&'static str),
    /// llhttp refuses it.
    Accepted(&'static str),
    /// Both accept it and see something else in it.
    Differs(&'static str),
}
use Deviation::{Accepted, Differs, Refused};

/// Requests that llhttp accepts without Host are not listed here: all of them must be refused ("A server MUST
/// respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host header field",
/// RFC 9112 §3.2), and are then compared with a Host line put in.
fn deviation(name: &str) -> Option<Deviation> {
    const ASTERISK: &str = "the asterisk-form of request-target is only used for a server-wide OPTIONS request \
        (RFC 9112 §3.2.4)";
    const NAME: &str = "HTTP-name is the octets HTTP, and case-sensitive (RFC 9112 §2.3)";
    const FRAGMENT: &str = "origin-form is absolute-path and query: a fragment has no place in it, and an invalid \
        request-line SHOULD be answered with 400 (RFC 9112 §3, §3.2.1)";
    const EMPTY_LINE: &str = "only a server that expects a request-line ignores an empty line (RFC 9112 §2.2); a \
        client MUST NOT process extra data behind a response as a separate response (§6.3)";
    const CODING: &str = "TE names the codings besides chunked that the client takes (RFC 9112 §7.4); ours names \
        none, and a body in an unknown coding cannot be handed out as if it were decoded";
    let (kind, name) = name.split_once(": ")?;
    Some(match (kind, name) {
        // Both have a fragment too; without it they would be 501, as §6.1 wants for a coding that is not understood.
        ("request/transfer-encoding", "POST with `chunked` as last transfer-encoding")
        | ("request/transfer-encoding", "POST with `chunked` as last transfer-encoding (multiple headers)")
        | ("request/uri", "Fragment in URI") => Refused(FRAGMENT),
        ("request/transfer-encoding", "Trailing headers") => Refused(
            "a field that describes the content's format (its Content-Type) cannot be processed outside the header \
             section: a sender MUST NOT make it a trailer (RFC 9110 §6.5.1)",
        ),
        ("request/uri", "`host:port` and basic auth") => {
            Refused("a recipient SHOULD treat the presence of userinfo as an error (RFC 9110 §4.2.4)")
        }
        ("request/method", "M-SEARCH request" | "PRI request HTTP2") => Refused(ASTERISK),
        ("request/method", "SOURCE request with ICE") => Refused(NAME),
        ("request/method", "OPTIONS request with RTSP" | "ANNOUNCE request with RTSP") => Refused(NAME),
        ("response/sample", "RTSP response" | "ICE response") => Refused(NAME),
        ("request/sample", "No HTTP version") => {
            Refused("request-line is method SP request-target SP HTTP-version (RFC 9112 §3)")
        }
        ("response/sample", "HTTP version 0.9") => Refused(
            "a version other than 1.x is not that of an HTTP/1 message (RFC 9112 §2.3, RFC 9110 §2.5)",
        ),
        ("response/sample", "No reason phrase") => Refused(
            "the space that separates status-code and reason-phrase MUST be there even when the reason-phrase is \
             absent (RFC 9112 §4); `missing_reason` is a leniency",
        ),
        ("response/sample", "Response starting with CRLF") => Refused(EMPTY_LINE),
        ("response/connection", "HTTP 304 with Content-Length") => Refused(EMPTY_LINE),
        ("response/connection", "HTTP 100 first, then 400") => Refused(EMPTY_LINE),
        ("response/pipelining", "Should parse multiple events") => Refused(EMPTY_LINE),
        ("response/transfer-encoding", name)
            if name.contains("chunked") && name.contains("transfer-encoding") =>
        {
            Refused(CODING)
        }
        ("request/invalid", "HTTP protocol and ANNOUNCE method" | "Invalid method") => Accepted(
            "any token is a method: a server answers an unrecognised one with 501 (RFC 9110 §9.1), which is the \
             application's to do",
        ),
        ("request/content-length", "Content-Length reset when no body is received") => Differs(
            "Content-Length signals the presence of a request body (RFC 9112 §6); llhttp's caller skips it here",
        ),
        _ => return None,
    })
}

/// What llhttp's event log says.
#[derive(Debug, Default)]
struct Log {
    /// Those whose head is complete, interim responses included.
    messages: Vec<Message>,
    /// Where a Host line has to be put in.
    without_host: Vec<usize>,
    /// Messages begun.
    begun: usize,
    error: Option<i64>,
    /// Where it stopped.
    stopped: usize,
    /// The verdict on an end of the input here: 0 fine, 1 ends the message, 2 cuts it.
    finish: Option<u8>,
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

fn read_log(case: &Value, input: &[u8]) -> Log {
    let mut log = Log { error: case["error"]["code"].as_i64(), ..Log::default() };
    let is_request = case["kind"] == "request";
    let (mut method, mut url, mut version, mut status) = <(String, String, String, String)>::default();
    let (mut name, mut lines, mut version_end) = (String::new(), Lines::new(), 0);
    let mut in_head = true;
    for line in case["log"].as_str().unwrap_or_default().lines() {
        if let Some(finish) = line.strip_prefix("off=NULL finish=") {
            log.finish = finish.parse().ok();
            continue;
        }
        let Some((offset, what)) = line.strip_prefix("off=").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        let Ok(offset) = offset.parse::<usize>() else { continue };
        if let Some((len, span)) = what.strip_prefix("len=").and_then(|rest| rest.split_once(" span[")) {
            let bytes = &input[offset..offset + len.parse::<usize>().expect("length")];
            let target = match span.split_once(']').expect("span").0 {
                "method" => &mut method,
                "url" => &mut url,
                "version" => &mut version,
                "status" => &mut status,
                "header_field" => &mut name,
                "header_value" => {
                    let value = lines.last_mut().map(|line: &mut (String, String)| &mut line.1);
                    value.expect("a value comes after a name").push_str(&text(bytes));
                    continue;
                }
                "body" => {
                    log.messages.last_mut().expect("a head").body.extend_from_slice(bytes);
                    continue;
                }
                _ => continue,
            };
            target.push_str(&text(bytes));
            continue;
        }
        match what {
            "message begin" => {
                log.begun += 1;
                (method, url, version, status) = Default::default();
                (name, lines, in_head) = (String::new(), Lines::new(), true);
            }
            "version complete" => version_end = offset,
            "header_field complete" => lines.push((std::mem::take(&mut name), String::new())),
            "message complete" => {
                let message = log.messages.last_mut().expect("a head");
                message.complete = true;
                message.trailers = trimmed(std::mem::take(&mut lines));
            }
            _ if what.starts_with("headers complete") => {
                in_head = false;
                let code =
                    what.split_once("status=").map_or("", |(_, rest)| rest.split(' ').next().unwrap_or(""));
                let start = if is_request {
                    format!("{method} {url} HTTP/{version}")
                } else {
                    format!("HTTP/{version} {code} {status}")
                };
                let has_host = lines.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
                if is_request && version == "1.1" && !has_host {
                    log.without_host.push(version_end + 2);
                }
                let fields = trimmed(std::mem::take(&mut lines));
                log.messages.push(Message { start, fields, ..Message::default() });
            }
            _ if what.starts_with("error code") => {
                log.stopped = offset;
                let has_host = lines.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
                if in_head && is_request && version == "1.1" && !has_host {
                    log.without_host.push(version_end + 2);
                }
            }
            _ => {}
        }
    }
    log
}

/// llhttp leaves white space behind a value to its user.
fn trimmed(lines: Lines) -> Lines {
    lines.into_iter().map(|(name, value)| (name, value.trim_matches([' ', '\t']).to_owned())).collect()
}

const HOST: &str = "Host: put-in.test\r\n";

fn put_in_hosts(input: &[u8], at: &[usize]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for &at in at.iter().rev() {
        if at <= bytes.len() && bytes[..at].ends_with(b"\r\n") {
            bytes.splice(at..at, HOST.bytes());
        }
    }
    bytes
}

/// Feeds the case to the machine of its role in every split.
fn run(case: &Value, log: &Log, input: &[u8], close: bool) -> Seen {
    if case["kind"] == "request" {
        let make = || ServerConnection::new(pipelining(), Instant::now());
        return every_split(input, close, make, |machine, seen, step| {
            serve(machine, seen, step, Serve::Switch)
        });
    }
    let skip_body = case["meta"]["skipBody"] == true;
    let mut head = request(if skip_body { "HEAD" } else { "GET" }, "/");
    if input.starts_with(b"HTTP/1.1 101") {
        head.fields.push(FieldId::CONNECTION, "upgrade").expect("valid");
        head.fields.push(FieldId::UPGRADE, "h2c").expect("valid");
    }
    let requests = vec![head; log.begun.max(1)];
    every_split(input, close, || support::client_after(&requests, &pipelining()), receive)
}

/// Where we differ from the log; `None` where we agree.
fn difference(case: &Value, log: &Log, input: &[u8]) -> Option<Found> {
    let mut ours = run(case, log, input, log.finish.is_some());
    let pause = matches!(log.error, Some(21..=23));
    let after_close = log.error == Some(5);
    let refuses = log.error.is_some() && !pause && !after_close || log.finish == Some(2);
    if refuses && ours.error.is_none() {
        // We judge a head when it is complete.
        let completed = [input, b"\r\n\r\n"].concat();
        ours = run(case, log, &completed, false);
    }
    if refuses && ours.error == Some(Error::HostMissing) && log.without_host.is_empty() {
        // llhttp stopped before it knew that there was no Host: that must not be what we agree on.
        let end = input.windows(2).position(|window| window == b"\r\n").map_or(0, |at| at + 2);
        ours = run(case, log, &put_in_hosts(input, &[end]), false);
    }
    let found = |what: &str| {
        Some(Found {
            refused: ours.error.is_some(),
            text: format!("{what}\nours: {ours:?}\nllhttp: {log:?}"),
        })
    };
    if refuses != ours.error.is_some() {
        return found("verdict");
    }
    let mut messages = ours.interim.clone();
    messages.extend(ours.messages.iter().cloned());
    for message in &mut messages {
        message.authority = None;
        message.fields.retain(|(name, value)| name != "Host" || value != "put-in.test");
    }
    let mut expected: Vec<Message> = log.messages.clone();
    if let (Some(1), Some(last)) = (log.finish, expected.last_mut()) {
        last.complete = true;
    }
    if refuses {
        messages.retain(|message| message.complete);
        expected.retain(|message| message.complete);
    }
    if messages.len() != expected.len() {
        return found("number of messages");
    }
    for (message, expected) in messages.iter().zip(&expected) {
        let same_start = message.start == expected.start
            // A missing reason is filled in.
            || expected.start.ends_with(' ') && message.start.starts_with(&expected.start);
        let with_start = Message { start: expected.start.clone(), ..message.clone() };
        if !same_start || with_start != *expected {
            return found("message");
        }
    }
    if pause && ours.tunnel != input[input.len() - (case_len(case) - log.stopped)..] {
        return found("what follows the switch");
    }
    if after_close && !ours.finished {
        return found("goes on after the last message");
    }
    None
}

fn case_len(case: &Value) -> usize {
    input_of(case).len()
}

struct Found {
    refused: bool,
    text: String,
}

#[test]
fn strict_cases_agree_or_are_listed() {
    let Some(cases) = data("h1_llhttp_cases.json") else { return };
    let (mut agreed, mut hostless, mut deviating, mut wrong) = (0, 0, 0, Vec::new());
    for case in cases.iter().filter(|case| case["lenient"] != true) {
        let name = case["name"].as_str().unwrap_or_default();
        let mut input = input_of(case);
        let log = read_log(case, &input);
        if !log.without_host.is_empty() {
            if log.error.is_none_or(|code| matches!(code, 5 | 21..=23)) {
                let raw = run(case, &log, &input, false);
                if !log.messages.is_empty() && raw.error.is_none() {
                    wrong.push(format!("{name}: accepted without Host"));
                }
                hostless += 1;
            }
            input = put_in_hosts(&input, &log.without_host);
        }
        let found = difference(case, &log, &input);
        match (deviation(name), found) {
            (None, None) => agreed += 1,
            (Some(Refused(why)), Some(Found { refused: true, .. }))
            | (Some(Accepted(why) | Differs(why)), Some(Found { refused: false, .. })) => {
                deviating += 1;
                println!("{name}: {why}");
            }
            (None, Some(found)) => {
                wrong.push(format!("{name}: {}\n  \"{}\"", found.text, input.escape_ascii()))
            }
            (Some(_), found) => {
                let now = found.map_or("agrees".to_owned(), |found| found.text);
                wrong.push(format!("{name}: listed as a deviation, but {now}"));
            }
        }
    }
    assert!(agreed + deviating + wrong.len() >= 214, "too few cases");
    assert!(wrong.is_empty(), "{} not as listed:\n{}", wrong.len(), wrong.join("\n\n"));
    println!("{agreed} agree, {deviating} listed deviations; {hostless} refused for want of Host alone");
}

#[test]
fn lenient_cases_do_not_depend_on_splits() {
    let Some(cases) = data("h1_llhttp_cases.json") else { return };
    let lenient: Vec<_> = cases.iter().filter(|case| case["lenient"] == true).collect();
    assert!(lenient.len() >= 37, "only {}", lenient.len());
    for case in lenient {
        let input = input_of(case);
        let log = read_log(case, &input);
        for close in [false, true] {
            let _ = run(case, &log, &input, close);
            let _ = run(case, &log, &put_in_hosts(&input, &log.without_host), close);
        }
    }
}
