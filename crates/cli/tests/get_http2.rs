//! `wirelace get` over HTTP/2.

mod common;

use common::{Scratch, Server, pattern, run, run_text};
use serde_json::Value;

/// A demo, and how it is reached over TLS.
struct Demo {
    server: Server,
    scratch: Scratch,
}

impl Demo {
    fn new(name: &str, arguments: &[&str]) -> Demo {
        let scratch = Scratch::new(name);
        let ca = scratch.write("ca.pem", "");
        let command = [&["demo", "--workers", "2", "--write-cert", &ca], arguments].concat();
        Demo { server: Server::start(&command), scratch }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.server.secure.port())
    }

    fn ca(&self) -> String {
        self.scratch.0.join("ca.pem").to_str().unwrap().to_owned()
    }

    /// `get --cacert …`, within TLS.
    fn get(&self, arguments: &[&str], paths: &[&str]) -> (Option<i32>, String, String) {
        let (ca, urls): (String, Vec<_>) = (self.ca(), paths.iter().map(|path| self.url(path)).collect());
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        run_text(&[&["get", "--cacert", &ca], arguments, &urls].concat())
    }
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_best_version_and_others() {
    let demo = Demo::new("get2-versions", &[]);
    let hello = |more: &[&str]| {
        let (code, out, err) = demo.get(&[&["-i"], more].concat(), &["/hello"]);
        assert_eq!((code, err.as_str()), (Some(0), ""));
        out
    };
    for (arguments, line) in [
        (&[][..], "HTTP/2 200\r\n"),
        (&["--http", "2"], "HTTP/2 200\r\n"),
        (&["--http", "1.1"], "HTTP/1.1 200 OK\r\n"),
        (&["--http", "1.0"], "HTTP/1.1 200 OK\r\n"),
    ] {
        let out = hello(arguments);
        assert!(out.starts_with(line) && out.ends_with("\r\n\r\nhello, world\n"), "{arguments:?}: {out}");
    }
    // In the clear HTTP/1.1, unless the server is known to speak it.
    let url = demo.server.url("/headers");
    for (arguments, version) in [(&[][..], "HTTP/1.1"), (&["--http", "2"], "HTTP/2")] {
        let (code, out, err) = run_text(&[&["get"], arguments, &[url.as_str()]].concat());
        assert_eq!((code, err.as_str()), (Some(0), ""));
        let seen: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(seen["version"], version);
    }
    let told = &objects(&demo.get(&["--json"], &["/hello"]).1)[0];
    assert_eq!((&told["version"], &told["tls"]["alpn"]), (&"HTTP/2".into(), &"h2".into()));
}

#[test]
fn a_server_that_does_not_speak_it() {
    let demo = Demo::new("get2-old", &["--http", "1.1"]);
    let (code, out, err) = demo.get(&["--http", "2"], &["/hello"]);
    assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
    assert!(err.contains("it speaks none of the versions of HTTP that were offered"), "{err}");
    let (code, out, err) = run_text(&["get", "--http", "2", &demo.server.url("/hello")]);
    assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
    assert_eq!(demo.get(&[], &["/hello"]).1, "hello, world\n");
}

#[test]
fn many_requests_share_one_connection() {
    let demo = Demo::new("get2-shared", &[]);
    let (code, out, err) =
        demo.get(&["--json", "--repeat", "100", "--parallel", "50"], &["/hello", "/bytes/7"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let all = objects(&out);
    assert!(all.len() == 200 && all.iter().all(|one| one["version"] == "HTTP/2" && one["status"] == 200));
    assert_eq!(all.iter().filter(|one| one["reused"] == false).count(), 1);
    assert_eq!(all.iter().filter(|one| one["bytes"] == 7).count(), 100);
    // Who wants a connection for itself gets one.
    let close = ["--json", "--repeat", "4", "--parallel", "2", "-H", "Connection: close"];
    let all = objects(&demo.get(&close, &["/hello"]).1);
    assert!(all.len() == 4 && all.iter().all(|one| one["reused"] == false));
}

#[test]
fn bodies_come_in_order_however_large() {
    let demo = Demo::new("get2-order", &[]);
    let ca = demo.ca();
    let sizes = [3_000_000, 10, 2_000_001, 0, 70_000, 1_500_000];
    let urls: Vec<String> = sizes.iter().map(|size| demo.url(&format!("/bytes/{size}"))).collect();
    let mut arguments = vec!["get", "--cacert", &ca, "--parallel", "12", "--repeat", "2"];
    arguments.extend(urls.iter().map(String::as_str));
    let output = run(&arguments, b"");
    let once: Vec<u8> = sizes.iter().flat_map(|&size| pattern(0, size)).collect();
    assert!(output.stdout == [&once[..], &once].concat());
}

#[test]
fn data_and_fields() {
    let demo = Demo::new("get2-data", &[]);
    let body = pattern(0, 3_000_000);
    let (file, ca, echo) = (demo.scratch.write("body", &body), demo.ca(), demo.url("/echo"));
    let output = run(&["get", "--cacert", &ca, "-d", &format!("@{file}"), &echo], b"");
    assert!(output.stdout == body);
    assert!(run(&["get", "--cacert", &ca, "-d", "@-", &echo], &body).stdout == body);
    assert_eq!(demo.get(&["-d", "a=1", "-d", "b=2"], &["/echo"]).1, "a=1&b=2");
    let out = demo.get(&["-d", "x", "-H", "X-OnE: 1", "-H", "TE: gzip"], &["/headers"]).1;
    let seen: Value = serde_json::from_str(&out).unwrap();
    let lines = seen["headers"].as_array().unwrap();
    let has = |name: &str, value: &str| lines.iter().any(|line| line[0] == name && line[1] == value);
    assert!(has("x-one", "1") && has("content-length", "1"), "{out}");
    assert!(has("host", &format!("localhost:{}", demo.server.secure.port())), "{out}");
    assert!(!lines.iter().any(|line| line[0] == "te"), "{out}");
    let (code, _, err) = demo.get(&["-H", "Upgrade: websocket"], &["/hello"]);
    assert_eq!((code, err.lines().count()), (Some(2), 1), "{err}");
    assert!(err.contains("extended CONNECT"), "{err}");
    let (code, out, _) = demo.get(&["-i", "-X", "HEAD"], &["/hello"]);
    assert!(code == Some(0) && out.contains("content-length: 13\r\n") && out.ends_with("\r\n\r\n"), "{out}");
    assert!(demo.get(&["-i"], &["/status/404"]).1.starts_with("HTTP/2 404\r\n"));
}

#[test]
fn the_protocol_as_it_happens() {
    let demo = Demo::new("get2-verbose", &[]);
    let (code, out, err) = demo.get(&["-v", "--http", "2"], &["/stream/2/0", "/hints"]);
    assert_eq!((code, out.as_str()), (Some(0), "chunk 1 of 2\nchunk 2 of 2\nafter the hints\n"), "{err}");
    let lines: Vec<&str> = err.lines().collect();
    for line in [
        "> GET /stream/2/0 HTTP/2",
        "< HTTP/2 200",
        "< x-chunks: 2",
        "* using the connection to localhost again",
        "> GET /hints HTTP/2",
        "< HTTP/2 103",
    ] {
        assert!(lines.contains(&line), "{line}: {err}");
    }
    assert!(lines.iter().any(|line| line.contains(", ALPN h2: full handshake")), "{err}");
}

#[test]
fn early_data() {
    let demo = Demo::new("get2-early", &["--early-data", "16384"]);
    let twice = ["--early-data", "--repeat", "2", "-H", "Connection: close"];
    let told = objects(&demo.get(&[&twice[..], &["--json"]].concat(), &["/headers"]).1);
    let early: Vec<_> = told.iter().map(|one| one["early_data"].as_bool().unwrap()).collect();
    assert_eq!(early, [false, true]);
    assert!(told.iter().all(|one| one["version"] == "HTTP/2"));
    assert_eq!(demo.get(&twice, &["/early"]).1, "not early data\nnot early data\n");
}
