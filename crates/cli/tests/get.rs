//! `wirelace get` against the demo, and against servers that say what a test tells them to.

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use common::{Scratch, Server, run, run_text};

/// A server that answers the head of one request a connection with the next bytes, then closes; gives the heads.
fn scripted(answers: &'static [&'static [u8]]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serve = move || {
        let mut heads = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            heads.push(read_head(&mut stream));
            stream.write_all(answer).unwrap();
        }
        heads
    };
    (url, std::thread::spawn(serve))
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "the client closed");
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn demo() -> Server {
    Server::start(&["demo", "--workers", "1"])
}

/// What `/headers` says of a request.
fn seen(server: &Server, arguments: &[&str]) -> serde_json::Value {
    let url = server.url("/headers");
    let (code, out, err) = run_text(&[&["get"], arguments, &[&url]].concat());
    assert_eq!((code, err.as_str()), (Some(0), ""));
    serde_json::from_str(&out).unwrap()
}

fn field<'a>(request: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    let lines = request["headers"].as_array().unwrap();
    lines.iter().find(|line| line[0] == name).map(|line| line[1].as_str().unwrap())
}

#[test]
fn early_data_is_sent_where_it_may_be_heard_twice() {
    let ca = std::env::temp_dir().join(format!("wirelace-early-{}.pem", std::process::id()));
    let ca = ca.to_str().unwrap();
    let server = Server::start(&["demo", "--early-data", "16384", "--write-cert", ca]);
    let url = |path: &str| format!("https://localhost:{}{path}", server.secure.port());
    let get = |more: &[&str], path: &str| {
        let close = "Connection: close";
        let mut arguments = vec!["get", "--repeat", "2", "-H", close, "--cacert", ca];
        let url = url(path);
        arguments.extend_from_slice(more);
        arguments.push(&url);
        let (code, out, errors) = run_text(&arguments);
        assert_eq!(code, Some(0), "{errors}");
        out
    };
    let early = |text: &str| -> Vec<bool> {
        let values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
        values.map(|value| value.unwrap()["early_data"].as_bool().unwrap()).collect()
    };
    assert_eq!(early(&get(&["--early-data"], "/headers")), [false, true]);
    assert_eq!(early(&get(&["--early-data", "--json"], "/headers")), [false, true]);
    assert_eq!(early(&get(&[], "/headers")), [false, false]);
    // Not one that changes something.
    assert_eq!(early(&get(&["--early-data", "-d", "x"], "/headers")), [false, false]);
    assert_eq!(early(&get(&["--early-data", "-d", "x", "--json"], "/headers")), [false, false]);
    // 425 is asked again after the handshake (RFC 8470 section 5.2).
    assert_eq!(get(&["--early-data"], "/early"), "not early data\nnot early data\n");
    // What a proxy in front says is believed.
    let (_, out, _) = run_text(&["get", "-H", "Early-Data: 1", &server.url("/early")]);
    assert_eq!(out, "early data\n");
    std::fs::remove_file(ca).unwrap();
}

#[test]
fn bodies_heads_and_files() {
    let server = demo();
    let hello = server.url("/hello");
    assert_eq!(run_text(&["get", &hello]), (Some(0), "hello, world\n".to_owned(), String::new()));
    let (_, out, _) = run_text(&["get", "-i", &hello]);
    assert!(out.starts_with("HTTP/1.1 200 OK\r\n") && out.ends_with("\r\n\r\nhello, world\n"), "{out}");
    let (_, out, _) = run_text(&["get", "-i", "-X", "HEAD", &hello]);
    assert!(out.contains("content-length: 13\r\n") && out.ends_with("\r\n\r\n"), "{out}");
    let scratch = Scratch::new("get");
    let file = scratch.write("out", "old content, longer than the new one");
    assert_eq!(run_text(&["get", "-o", &file, &hello, &hello]).1, "");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "hello, world\nhello, world\n");
    let big = run(&["get", &server.url("/bytes/3000000")], b"");
    assert!(big.stdout == common::pattern(0, 3_000_000));
    let (code, out, _) = run_text(&["get", "-i", &server.url("/status/404")]);
    assert!(code == Some(0) && out.contains("404 Not Found"));
}

#[test]
fn methods_fields_and_data() {
    let server = demo();
    let request = seen(&server, &["-H", "X-OnE: 1", "-H", "x-two:2", "-H", "x-empty;", "-H", "Accept:"]);
    assert_eq!(request["method"], "GET");
    assert_eq!((field(&request, "X-OnE"), field(&request, "x-two")), (Some("1"), Some("2")));
    assert_eq!((field(&request, "x-empty"), field(&request, "accept")), (Some(""), None));
    assert_eq!(field(&request, "host"), Some(server.address.to_string().as_str()));
    assert!(field(&request, "user-agent").unwrap().starts_with("wirelace/"));
    let request = seen(&server, &["-X", "PURGE", "-H", "Host: other.example"]);
    assert_eq!((&request["method"], field(&request, "Host")), (&"PURGE".into(), Some("other.example")));
    assert_eq!(field(&request, "host"), None);
    let request = seen(&server, &["-d", "a=1", "-d", "b=2"]);
    assert_eq!((&request["method"], field(&request, "content-length")), (&"POST".into(), Some("7")));
    assert_eq!(field(&request, "content-type"), Some("application/x-www-form-urlencoded"));

    let echo = server.url("/echo");
    assert_eq!(run_text(&["get", "-d", "a=1", "-d", "b=2", &echo]).1, "a=1&b=2");
    assert_eq!(run_text(&["get", "-d", "-1", &echo]).1, "-1");
    let scratch = Scratch::new("data");
    let body: Vec<u8> = common::pattern(0, 300_000);
    let file = scratch.write("body", &body);
    assert!(run(&["get", "-X", "PUT", "-d", &format!("@{file}"), &echo], b"").stdout == body);
    assert!(run(&["get", "-d", "@-", &echo], &body).stdout == body);
    let empty = scratch.write("empty", "");
    assert_eq!(run(&["get", "-d", &format!("@{empty}"), &echo], b"").stdout, b"");
}

#[test]
fn http_1_0() {
    let server = demo();
    assert_eq!(seen(&server, &["--http", "1.0"])["version"], "HTTP/1.0");
    assert_eq!(seen(&server, &["--http", "1.1"])["version"], "HTTP/1.1");
    let (_, out, _) = run_text(&["get", "--http", "1.0", &server.url("/stream/2/0"), &server.url("/hello")]);
    assert_eq!(out, "chunk 1 of 2\nchunk 2 of 2\nhello, world\n");
    let (code, _, err) = run_text(&["get", "--http", "1.0", "-d", "@-", &server.url("/echo")]);
    assert!(code == Some(2) && err.contains("HTTP/1.0"), "{err}");
}

#[test]
fn connections_are_used_again() {
    let server = demo();
    let (_, out, _) = run_text(&["get", "--json", "--repeat", "3", &server.url("/hello")]);
    let rows: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let reused: Vec<_> = rows.iter().map(|row| row["reused"].as_bool().unwrap()).collect();
    assert_eq!(reused, [false, true, true]);
    for row in &rows {
        assert_eq!(
            (&row["status"], &row["bytes"], &row["version"]),
            (&200.into(), &13.into(), &"HTTP/1.1".into())
        );
        assert_eq!((&row["early_data"], &row["url"]), (&false.into(), &server.url("/hello").into()));
        assert_eq!(row["timings_ms"]["connect"].is_null(), row["reused"] == true);
        assert!(row["timings_ms"]["total"].as_f64() >= row["timings_ms"]["head"].as_f64());
    }
}

#[test]
fn parallel_answers_keep_the_order_of_the_urls() {
    let server = demo();
    let urls: Vec<String> = (0..40).map(|n| server.url(&format!("/bytes/{}", n * 1000 % 7001))).collect();
    let mut arguments = vec!["get", "--parallel", "8"];
    arguments.extend(urls.iter().map(String::as_str));
    let wanted: Vec<u8> = (0..40).flat_map(|n| common::pattern(0, n * 1000 % 7001)).collect();
    assert!(run(&arguments, b"").stdout == wanted);
}

#[test]
fn a_failure_among_others_is_told_and_the_rest_is_fetched() {
    let server = demo();
    let (closed, done) = scripted(&[b""]);
    let (code, out, err) =
        run_text(&["get", "--parallel", "3", &server.url("/hello"), &closed, &server.url("/early")]);
    done.join().unwrap();
    assert_eq!((code, out.as_str()), (Some(1), "hello, world\nnot early data\n"));
    assert_eq!(err, format!("wirelace: {closed}: the connection was closed before the answer\n"));
}

#[test]
fn retries() {
    let (url, heads) = scripted(&[
        b"",
        b"HTTP/1.1 503 Wait\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nlate",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ]);
    assert_eq!(run_text(&["get", "--retry", "2", &url]), (Some(0), "ok".to_owned(), String::new()));
    assert_eq!(heads.join().unwrap().len(), 3);
    // What may not be sent twice is not, and a last 503 is an answer.
    let (url, heads) = scripted(&[b""]);
    assert_eq!(run_text(&["get", "--retry", "2", "-d", "x", &url]).0, Some(1));
    heads.join().unwrap();
    let (url, heads) = scripted(&[b"HTTP/1.1 503 Wait\r\nContent-Length: 4\r\n\r\nlate"]);
    assert_eq!(run_text(&["get", &url]), (Some(0), "late".to_owned(), String::new()));
    heads.join().unwrap();
}

#[test]
fn a_connection_closed_while_idle_costs_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let (mut first, _) = listener.accept().unwrap();
        read_head(&mut first);
        first.write_all(answer).unwrap();
        // The second request arrives on the first connection and finds it closed.
        read_head(&mut first);
        drop(first);
        let (mut second, _) = listener.accept().unwrap();
        read_head(&mut second);
        second.write_all(answer).unwrap();
    });
    assert_eq!(run_text(&["get", "--repeat", "2", &url]), (Some(0), "okok".to_owned(), String::new()));
    server.join().unwrap();
}

#[test]
fn timeouts_and_pins() {
    let server = demo();
    let (code, _, err) = run_text(&["get", "--timeout", "0.2", &server.url("/delay/60000")]);
    assert_eq!(code, Some(1));
    assert!(err.contains("no complete response within 0.2 s") && err.lines().count() == 1, "{err}");
    let port = server.address.port();
    let (code, out, _) = run_text(&[
        "get",
        "--resolve",
        &format!("no-such-host.invalid:{port}:127.0.0.1"),
        &format!("http://no-such-host.invalid:{port}/headers"),
    ]);
    assert_eq!(code, Some(0));
    assert!(out.contains(&format!("\"no-such-host.invalid:{port}\"")), "{out}");
}

#[test]
fn compressed() {
    // gzip of "unpacked\n".
    const PACKED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 29\r\n\r\n\
        \x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x2b\xcd\x2b\x48\x4c\xce\x4e\x4d\xe1\x02\x00\x80\x1f\x71\x2b\x09\x00\x00\x00";
    let (url, heads) = scripted(&[PACKED, PACKED]);
    assert_eq!(run(&["get", &url], b"").stdout[..2], *b"\x1f\x8b");
    let output = run(&["get", "--compressed", &url], b"");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.stdout, b"unpacked\n");
    let heads = heads.join().unwrap();
    assert!(!heads[0].contains("accept-encoding") && heads[1].contains("accept-encoding: gzip, deflate\r\n"));
    let (url, heads) =
        scripted(&[b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain"]);
    let (code, out, err) = run_text(&["get", "--compressed", &url]);
    assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
    heads.join().unwrap();
}

#[test]
fn verbose_goes_to_stderr() {
    let server = demo();
    let (code, out, err) = run_text(&["get", "-v", &server.url("/hints")]);
    assert_eq!((code, out.as_str()), (Some(0), "after the hints\n"));
    for part in [
        "* connecting to 127.0.0.1:",
        "> GET /hints HTTP/1.1",
        "> host: ",
        "< HTTP/1.1 103",
        "< HTTP/1.1 200",
    ] {
        assert!(err.contains(part), "{part}\n{err}");
    }
    assert!(!err.contains('\x1b'));
}

#[test]
fn what_servers_do_wrong_is_exit_code_1_in_one_line() {
    let wrong: [&'static [&'static [u8]]; 6] = [
        &[b"220 ftp\r\n"],
        &[b"HTTP/1.1 200 OK\r\nContent-Le"],
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"],
        &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\n"],
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"],
        &[b"HTTP/1.1 101 Switching\r\nUpgrade: tea\r\n\r\n"],
    ];
    for answers in wrong {
        let (url, heads) = scripted(answers);
        let (code, _, err) = run_text(&["get", &url]);
        assert_eq!((code, err.lines().count()), (Some(1), 1), "{answers:?}: {err}");
        assert!(err.starts_with(&format!("wirelace: {url}: ")), "{err}");
        heads.join().unwrap();
    }
    // A port where nothing listens on any sane machine.
    let (code, _, err) = run_text(&["get", "http://127.0.0.1:1/"]);
    assert_eq!((code, err.lines().count()), (Some(1), 1), "{err}");
}

#[test]
fn wrong_usage_is_exit_code_2_and_nothing_is_sent() {
    for arguments in [
        &[][..],
        &["--no-such-option", "http://a/"],
        &["--http", "9", "http://127.0.0.1:9/"],
        &["not a url"],
        &["ftp://a/"],
        &["-X", "BAD METHOD", "http://127.0.0.1:9/"],
        &["-X", "CONNECT", "http://127.0.0.1:9/"],
        &["-H", "X: a\r\nEvil: 1", "http://127.0.0.1:9/"],
        &["-H", "X Y: a", "http://127.0.0.1:9/"],
        &["-H", "no colon", "http://127.0.0.1:9/"],
        &["-d", "@/no/such/file", "http://127.0.0.1:9/"],
        &["-o", "/no/such/folder/file", "http://127.0.0.1:9/"],
        &["--resolve", "a", "http://127.0.0.1:9/"],
        &["--timeout", "0", "http://127.0.0.1:9/"],
        &["--repeat", "2", "-d", "@-", "http://127.0.0.1:9/"],
    ] {
        let (code, out, err) = run_text(&[&["get"], arguments].concat());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
        assert!(!err.is_empty());
    }
    // The file's whole name, however it begins.
    let (_, _, err) = run_text(&["get", "-d", "@@no-such-file", "http://127.0.0.1:9/"]);
    assert!(err.contains("@no-such-file: "), "{err}");
}

#[test]
fn nothing_more_is_fetched_when_nobody_reads_any_more() {
    let server = demo();
    let repeat = u64::MAX.to_string();
    for more in [&[][..], &["--parallel", "4"], &["--json"]] {
        let url = server.url("/bytes/1000");
        let mut child = common::wirelace()
            .args(["get", "--repeat", &repeat, &url])
            .args(more)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{more:?}");
    }
}
