//! `wirelace conformance h2`: our own server keeps all the rules, and servers that do not are found out.

mod common;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use common::{Server, run_text};
use serde_json::Value;

/// Runs the suite, and returns the exit code, the counts of passed, failed and skipped cases, and the cases.
fn run(arguments: &[&str]) -> (Option<i32>, [u64; 3], Vec<Value>) {
    let (code, out, err) = run_text(&[&["conformance", "h2", "--json"], arguments].concat());
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {err}"));
    let counts = ["passed", "failed", "skipped"].map(|name| report[name].as_u64().unwrap());
    (code, counts, report["cases"].as_array().unwrap().clone())
}

fn with_result<'a>(cases: &'a [Value], result: &str) -> Vec<&'a str> {
    let found = cases.iter().filter(|case| case["result"] == result);
    found.map(|case| case["id"].as_str().unwrap()).collect()
}

fn failures(cases: &[Value]) -> String {
    let failed = cases.iter().filter(|case| case["result"] != "passed");
    failed.map(|case| format!("{case}\n")).collect()
}

/// All cases pass, those for what servers should do, too; none is skipped.
fn green(arguments: &[&str]) {
    let (code, [passed, failed, skipped], cases) =
        run(&[&["--strict", "--timeout", "10"], arguments].concat());
    assert_eq!((code, failed, skipped), (Some(0), 0, 0), "{}", failures(&cases));
    assert_eq!(passed, cases.len() as u64);
    assert!(with_result(&cases, "passed").len() > 280);
}

#[test]
fn our_server_passes_in_the_clear() {
    let server = Server::start(&["demo"]);
    green(&[&server.address.to_string()]);
}

#[test]
fn our_server_passes_over_tls() {
    let server = Server::start(&["demo"]);
    green(&["--tls", &format!("localhost:{}", server.secure.port())]);
}

#[test]
fn large_answers_pass_too() {
    let server = Server::start(&["demo"]);
    green(&["--path", "/bytes/200000", &server.address.to_string()]);
}

#[test]
fn the_cases_that_all_suites_have_are_there() {
    let (code, out, _) = run_text(&["conformance", "h2", "--list"]);
    assert_eq!(code, Some(0));
    let ids: Vec<&str> = out.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id stands for one case");
    let of = |group: &str| ids.iter().filter(|id| id.split('/').next() == Some(group)).count();
    assert_eq!([of("generic"), of("http2"), of("hpack")], [44, 94, 8]);
    assert!(ids.iter().all(|id| id.split('/').count() == 3), "{ids:?}");
}

/// Answers every connection with what `speak` does, on a thread of its own each.
fn peer(speak: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || speak(stream));
        }
    });
    address
}

/// A frame that has come: type, flags, stream and payload.
fn frame(stream: &mut TcpStream) -> std::io::Result<(u8, u8, u32, Vec<u8>)> {
    let mut header = [0; 9];
    stream.read_exact(&mut header)?;
    let [a, b, c, kind, flags, s3, s2, s1, s0] = header;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    stream.read_exact(&mut payload)?;
    Ok((kind, flags, u32::from_be_bytes([s3, s2, s1, s0]), payload))
}

fn send(stream: &mut TcpStream, kind: u8, flags: u8, id: u32, payload: &[u8]) {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    let mut out = vec![a, b, c, kind, flags];
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(payload);
    let _ = stream.write_all(&out);
}

/// Answers all requests with 200, and minds nothing.
fn careless(mut stream: TcpStream) {
    let mut preface = [0; 24];
    if stream.read_exact(&mut preface).is_err() {
        return;
    }
    send(&mut stream, 4, 0, 0, &[]);
    while let Ok((kind, flags, id, payload)) = frame(&mut stream) {
        match kind {
            4 if flags & 1 == 0 => send(&mut stream, 4, 1, 0, &[]),
            6 if flags & 1 == 0 => send(&mut stream, 6, 1, 0, &payload),
            // :status 200, and ten octets whatever the windows are.
            0 | 1 if flags & 1 == 1 => {
                send(&mut stream, 1, 4, id, &[0x88]);
                send(&mut stream, 0, 1, id, b"0123456789");
            }
            _ => {}
        }
    }
}

#[test]
fn a_server_that_minds_nothing_fails() {
    let address = peer(careless).to_string();
    let arguments = ["--timeout", "0.3", "--parallel", "64", &address];
    let (code, [passed, failed, _], cases) = run(&arguments);
    assert_eq!(code, Some(3));
    let named = with_result(&cases, "failed");
    // It takes what is legal, and anything else as well.
    for id in
        ["http2/5.1/1", "http2/6.5.2/1", "http2/8.1.2/1", "hpack/6.1/1", "rfc9113/8.2/9", "http2/6.9.1/1"]
    {
        assert!(named.contains(&id), "{id}: {named:?}");
    }
    for id in ["generic/3.2/1", "generic/3.7/1", "generic/5/1"] {
        assert!(!named.contains(&id), "{id}");
    }
    assert!(passed > 40 && failed > 100, "{passed} {failed}");
    let one = cases.iter().find(|case| case["id"] == "http2/6.5.2/1").unwrap();
    assert_eq!(one["section"], "RFC 9113 §6.5.2");
    assert!(one["expected"].as_str().unwrap().contains("PROTOCOL_ERROR"), "{one}");
    assert!(one["sent"][0].as_str().unwrap().contains("SETTINGS"), "{one}");

    let (code, out, err) =
        run_text(&["conformance", "h2", "--case", "http2/6.5.2/1", "--timeout", "0.3", &address]);
    assert_eq!((code, out.lines().count()), (Some(3), 2), "{out}");
    assert!(out.starts_with("failed http2/6.5.2/1, ENABLE_PUSH 2: sent SETTINGS"), "{out}");
    assert!(
        out.ends_with("0 passed, 1 failed, 0 skipped\n") && err.contains("1 of 1 cases failed"),
        "{out}{err}"
    );
}

#[test]
fn a_server_of_http_1_fails() {
    let address = peer(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    });
    let (code, out, _) = run_text(&["conformance", "h2", "--case", "generic/1", &address.to_string()]);
    assert_eq!(code, Some(3));
    assert!(out.contains("came `HTTP/1.1 400 Bad Request"), "{out}");
}

#[test]
fn what_a_server_must_never_send_fails_in_every_case() {
    // DATA on a stream that nobody opened, behind good settings.
    let address = peer(|mut stream| {
        send(&mut stream, 4, 0, 0, &[]);
        send(&mut stream, 0, 0, 2, b"unwanted");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let (code, out, _) = run_text(&["conformance", "h2", "--case", "generic/3.7/1", &address.to_string()]);
    assert_eq!(code, Some(3));
    assert!(out.contains("DATA on stream 2"), "{out}");
}

#[test]
fn a_server_that_dies_is_told_from_one_that_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let dying = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        drop(listener);
        careless(stream);
    });
    let arguments =
        ["conformance", "h2", "--parallel", "1", "--case", "generic/3.7", "--case", "generic/4", &address];
    let (code, out, err) = run_text(&arguments);
    dying.join().unwrap();
    assert_eq!((code, out.as_str()), (Some(1), "1 passed, 0 failed, 0 skipped\n"), "{err}");
    assert!(err.contains("it was there before, and 4 cases were not run"), "{err}");
}

#[test]
fn usage_and_servers_that_are_not_there() {
    for arguments in [
        &["conformance"][..],
        &["conformance", "h2"],
        &["conformance", "h2", "--case", "nothing/1", "127.0.0.1:1"],
        &["conformance", "h2", "--parallel", "0", "127.0.0.1:1"],
        &["conformance", "h2", "--path", "no-slash", "127.0.0.1:1"],
        &["conformance", "h2", "nowhere"],
    ] {
        assert_eq!(run_text(arguments).0, Some(2), "{arguments:?}");
    }
    let (code, out, err) = run_text(&["conformance", "h2", "127.0.0.1:1"]);
    assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
}
