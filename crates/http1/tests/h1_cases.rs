//! Every case of `h1_cases.json` against the machine of its role: the verdict, and where one can tell, what was
//! accepted.

mod support;

use support::{Seen, Serve, client_reads_split, data, input_of, pipelining, request, server_reads_split};

/// What an accepted request case must have come out as: first lines and bodies of its messages.
fn expected_requests(name: &str) -> Option<Vec<(&'static str, &'static str)>> {
    let get = ("GET / HTTP/1.1", "");
    let hello = ("POST / HTTP/1.1", "hello");
    Some(match name {
        "ok-http10-no-host" => vec![("GET / HTTP/1.0", "")],
        "ok-empty-header-value" | "ok-no-space-after-colon" | "ok-tabs-around-value" => vec![get],
        "ok-htab-inside-value" | "ok-all-tchar-name" | "ok-leading-crlf" => vec![get],
        "ok-cl-body" | "ok-cl-leading-zeros" | "ok-chunked" | "ok-chunked-case-insensitive" => vec![hello],
        "ok-chunk-ext" | "ok-chunk-ext-bws" | "te-underscore" | "upgrade-h2c-chunked" => vec![hello],
        "ok-absolute-form" => vec![("GET http://a/x?y HTTP/1.1", "")],
        "ok-options-asterisk" => vec![("OPTIONS * HTTP/1.1", "")],
        "ok-connect-authority" => vec![("CONNECT a:443 HTTP/1.1", "")],
        "ok-pipelined-after-body" => vec![("POST / HTTP/1.1", "abc"), ("GET /2 HTTP/1.1", "")],
        "cl-0-get-smuggle" => vec![("GET / HTTP/1.1", "GET /admin HTTP/1.1\r\n\r\n")],
        "expect-http10" => vec![("POST / HTTP/1.0", "hello")],
        "upgrade-http10" => vec![("GET / HTTP/1.0", "")],
        _ => return None,
    })
}

/// The same for responses.
fn expected_responses(name: &str) -> Option<Vec<(&'static str, &'static str)>> {
    Some(match name {
        "resp-ok" => vec![("HTTP/1.1 200 OK", "ok")],
        "resp-no-reason" => vec![("HTTP/1.1 200 OK", "")],
        "resp-204-body" => vec![("HTTP/1.1 204 No Content", "")],
        "resp-304-cl" => vec![("HTTP/1.1 304 Not Modified", "")],
        "resp-1xx-then-final" => vec![("HTTP/1.1 200 OK", "")],
        "resp-until-close" => vec![("HTTP/1.1 200 OK", "body to eof")],
        _ => return None,
    })
}

/// Whether exactly these messages came, complete.
fn came(seen: &Seen, expected: &[(&str, &str)]) -> bool {
    seen.complete() == expected.len()
        && seen
            .messages
            .iter()
            .map(|m| (&*m.start, &*m.body))
            .eq(expected.iter().map(|e| (e.0, e.1.as_bytes())))
}

/// Runs one case in every split and returns what is wrong with its verdict.
fn wrong_request(name: &str, expect: &str, input: &[u8]) -> Option<String> {
    let seen = server_reads_split(input, &pipelining(), Serve::Complete);
    let accepted = seen.error.is_none() && seen.complete() > 0;
    let answers = seen.statuses();
    match expect {
        "accept" => {
            let Some(expected) = expected_requests(name) else {
                // Too long to write down.
                let whole = name == "limit-uri-8000" && accepted && seen.messages[0].start.len() > 8000;
                return (!whole).then(|| format!("no expectation, or not met: {seen:?}"));
            };
            let fine = accepted && came(&seen, &expected);
            (!fine).then(|| format!("expected {expected:?}: {seen:?}"))
        }
        "reject" => {
            // Told so, unless the peer itself broke off.
            let told = answers.last().is_some_and(|&status| status >= 400);
            let fine = seen.error.is_some() && seen.complete() == 0 && told && seen.finished;
            (!fine).then(|| format!("accepted: {seen:?}"))
        }
        "either" => {
            // Accepted or told off, nothing between; every complete request has an answer.
            let told = answers.last().is_some_and(|&status| status >= 400);
            let fine = if seen.error.is_some() { told && seen.finished } else { accepted };
            let fine = fine && answers.iter().filter(|status| **status == 200).count() <= seen.complete();
            (!fine).then(|| format!("neither accepted nor refused: {seen:?}"))
        }
        _ => Some(format!("unknown expectation {expect}")),
    }
}

fn wrong_response(name: &str, expect: &str, input: &[u8]) -> Option<String> {
    let seen = client_reads_split(&[request("GET", "/")], input, &pipelining());
    match expect {
        "accept" => {
            let expected = expected_responses(name).unwrap_or_default();
            let fine = came(&seen, &expected);
            // What follows a 204 belongs to no request: an error, but after the response.
            let fine = fine && (seen.error.is_none() || name == "resp-204-body");
            (!fine).then(|| format!("expected {expected:?}: {seen:?}"))
        }
        "reject" => {
            let fine = seen.error.is_some() && seen.complete() == 0;
            (!fine).then(|| format!("accepted: {seen:?}"))
        }
        "either" => {
            let fine = seen.error.is_some() || seen.complete() == 1;
            (!fine).then(|| format!("neither accepted nor refused: {seen:?}"))
        }
        _ => Some(format!("unknown expectation {expect}")),
    }
}

#[test]
fn verdicts() {
    let Some(cases) = data("h1_cases.json") else { return };
    let mut wrong = Vec::new();
    for case in &cases {
        let text = |key: &str| case[key].as_str().unwrap_or_default();
        let (name, expect, input) = (text("name"), text("expect"), input_of(case));
        let found = match text("kind") {
            "request" => wrong_request(name, expect, &input),
            "response" => wrong_response(name, expect, &input),
            kind => Some(format!("unknown kind {kind}")),
        };
        if let Some(found) = found {
            wrong.push(format!("{name} ({}): {}", text("why"), &found[..found.len().min(1500)]));
        }
    }
    assert!(cases.len() >= 216, "only {} cases", cases.len());
    assert!(wrong.is_empty(), "{} wrong verdicts:\n{}", wrong.len(), wrong.join("\n"));
    println!("{} cases, 0 wrong verdicts", cases.len());
}
