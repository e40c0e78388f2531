//! `wirelace demo` over raw TCP.

mod common;

use std::io::{Read, Write};

use common::{Server, find, pattern, run_text};

fn demo() -> Server {
    Server::start(&["demo", "--workers", "2"])
}

#[test]
fn plain_endpoints() {
    let server = demo();
    let hello = server.get("/hello");
    assert_eq!((hello.status, hello.text()), (200, "hello, world\n"));
    assert_eq!(hello.field("content-length"), Some("13"));
    assert!(hello.field("content-type").unwrap().starts_with("text/plain"));
    assert!(hello.field("date").is_some());
    assert_eq!(server.get("/early").status, 200);
    assert_eq!(server.get("/delay/1").status, 200);
    assert_eq!(server.get("/status/418").status, 418);
    let empty = server.get("/status/204");
    assert_eq!((empty.status, empty.body.len(), empty.field("content-length")), (204, 0, None));
    assert!(server.get("/status/401").field("www-authenticate").is_some());
    assert_eq!(server.get("/redirect/2").field("location"), Some("/redirect/1"));
    assert_eq!(server.get("/redirect/0").status, 200);
    let hints = server.get("/hints");
    assert_eq!((&hints.interim[..], hints.status), (&[103][..], 200));
    for refused in ["/status/abc", "/status/100", "/status/600", "/delay/-1", "/redirect/x", "/cache/x"] {
        assert_eq!(server.get(refused).status, 400, "{refused}");
    }
    // What comes with later protocols is not there yet.
    for missing in ["/ws/echo", "/live", "/no/such"] {
        assert_eq!(server.get(missing).status, 404, "{missing}");
    }
    let denied = server.request("DELETE", "/hello", &[]);
    assert_eq!(denied.status, 405);
    assert!(denied.field("allow").unwrap().contains("GET"));
    assert_eq!(server.exchange("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").status, 204);
}

#[test]
fn the_page_stands_alone() {
    let page = demo().get("/");
    assert_eq!(page.status, 200);
    assert!(page.field("content-type").unwrap().starts_with("text/html"));
    let text = page.text();
    assert!(text.contains("<main id=\"wirelace\">") && text.contains("dataset.ready = '1'"));
    assert!(text.contains(env!("CARGO_PKG_VERSION")) && !text.contains("VERSION"));
    let tiles = demo().get("/tiles");
    assert!(tiles.text().contains("<main id=\"tiles\">") && tiles.text().contains("= 200;"));
    // No resource from anywhere: links, images and scripts are within it.
    for text in [text, tiles.text()] {
        for outside in ["src=\"http", "src=\"//", "href=\"http", "@import", "url(http", "<script src"] {
            assert!(!text.contains(outside), "{outside}");
        }
    }
}

#[test]
fn tiles_and_large_answers() {
    let server = demo();
    let tile = server.get("/tiles/199?delay=1");
    assert_eq!((tile.status, tile.field("content-type")), (200, Some("image/svg+xml")));
    assert!(tile.text().starts_with("<svg ") && tile.text().ends_with("</svg>\n"));
    assert_eq!(server.get("/tiles/200").status, 404);
    let large = server.get("/tiles/large/1000?u=7&i=1");
    assert_eq!((large.status, large.field("priority")), (200, Some("u=7, i")));
    assert!(large.body == pattern(0, 1000));
    assert_eq!(server.get("/tiles/large/5?u=8").field("priority"), None);
    for refused in ["/tiles/large/0", "/tiles/large/x", "/tiles/large/99999999999"] {
        assert_eq!(server.get(refused).status, 400, "{refused}");
    }
}

#[test]
fn what_a_page_needs_is_not_pushed_over_http1() {
    let server = demo();
    let page = server.get("/push");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<strong id=\"promised\">0</strong>"));
    for (path, kind) in [("/push/a.css", "text/css"), ("/push/b.js", "text/javascript")] {
        let resource = server.get(path);
        assert!(resource.field("content-type").unwrap().starts_with(kind));
        assert_eq!(resource.field("x-pushed"), Some("no"));
    }
}

/// Exit code and what is written, of `get` over HTTP/2.
fn get2(server: &Server, options: &[&str], path: &str) -> (Option<i32>, String, String) {
    let url = server.url(path);
    run_text(&[&["get", "--http", "2", "-i"], options, &[&url]].concat())
}

#[test]
fn http2_with_prior_knowledge() {
    let server = demo();
    let (code, out, _) = get2(&server, &[], "/hello");
    assert_eq!(code, Some(0));
    assert!(out.starts_with("HTTP/2 200") && out.ends_with("\nhello, world\n"), "{out}");
    let (_, out, _) = get2(&server, &["-H", "X-Mine: yes"], "/headers?a=b");
    let value: serde_json::Value = serde_json::from_str(&out[out.find('{').unwrap()..]).unwrap();
    assert_eq!((&value["version"], &value["target"]), (&"HTTP/2".into(), &"/headers?a=b".into()));
    assert!(value["headers"].as_array().unwrap().contains(&serde_json::json!(["x-mine", "yes"])));
    let (_, out, _) = get2(&server, &["-d", "abc"], "/upload");
    assert!(out.contains("\"bytes\": 3"), "{out}");
    let (_, out, _) = get2(&server, &[], "/stream/3/1");
    assert!(out.contains("chunk 1 of 3\nchunk 2 of 3\nchunk 3 of 3\n"), "{out}");
    let (_, out, _) = get2(&server, &["--repeat", "40", "--parallel", "40"], "/bytes/3000");
    assert_eq!(out.matches("HTTP/2 200").count(), 40);
    let metrics = server.get("/metrics");
    assert!(metrics.text().lines().any(|line| line == "wirelace_requests_total{class=\"2xx\"} 44"));
}

#[test]
fn http2_pushes() {
    let server = demo();
    let (code, out, err) = get2(&server, &["-v", "--push"], "/push");
    assert_eq!(code, Some(0));
    assert!(out.contains("<strong id=\"promised\">2</strong>"), "{out}");
    for path in ["/push/a.css", "/push/b.js"] {
        assert!(err.contains(path), "{err}");
    }
    let (_, out, _) = get2(&server, &[], "/push");
    assert!(out.contains("<strong id=\"promised\">0</strong>"), "{out}");
}

#[test]
fn only_the_versions_that_are_wanted() {
    for (http, said) in [("1.1", "(h1)"), ("2", "(h2c)"), ("2,1.1", "(h1 h2c)"), ("1.1,2,3", "(h1 h2c)")] {
        let server = Server::start(&["demo", "--http", http]);
        assert_eq!(server.spoken, said);
        let (code, ..) = get2(&server, &[], "/hello");
        assert_eq!(code == Some(0), http.contains('2'), "{http}");
        let (code, ..) = run_text(&["get", "--http", "1.1", &server.url("/hello")]);
        assert_eq!(code == Some(0), http.contains("1.1"), "{http}");
    }
    for wrong in ["3", "", "h2", "1.1;2"] {
        assert_eq!(run_text(&["demo", "--http", wrong]).0, Some(2), "{wrong}");
    }
}

#[test]
fn echo_streams_while_the_request_arrives() {
    let server = demo();
    let echo = server.post("/echo", b"\x00\xff body");
    assert_eq!((echo.status, &echo.body[..]), (200, &b"\x00\xff body"[..]));

    let mut stream = server.connect();
    stream
        .write_all(
            b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: x/y\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .unwrap();
    let mut seen = Vec::new();
    for turn in 0..3 {
        stream.write_all(format!("6\r\nturn {turn}\r\n").as_bytes()).unwrap();
        let wanted = format!("turn {turn}");
        while find(&seen, wanted.as_bytes()).is_none() {
            let mut part = [0; 1024];
            let read = stream.read(&mut part).unwrap();
            assert!(read > 0, "closed after {:?}", seen.escape_ascii().to_string());
            seen.extend_from_slice(&part[..read]);
        }
    }
    assert!(find(&seen, b"content-type: x/y\r\n").is_some());
}

#[test]
fn headers_keep_case_and_order() {
    let server = demo();
    let answer = server.exchange(
        "GET /headers?a=b HTTP/1.1\r\nHost: a\r\nX-MiXeD: One\r\nx-two: \"q\"\r\nx-two: 2\r\nConnection: close\r\n\r\n",
    );
    let value: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        value["headers"],
        serde_json::json!([
            ["Host", "a"],
            ["X-MiXeD", "One"],
            ["x-two", "\"q\""],
            ["x-two", "2"],
            ["Connection", "close"]
        ])
    );
    assert_eq!(value["method"], "GET");
    assert_eq!(value["target"], "/headers?a=b");
    assert_eq!(value["version"], "HTTP/1.1");
    assert!(value["remote"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!((&value["tls"], &value["early_data"]), (&serde_json::Value::Null, &false.into()));
    assert_eq!(value.as_object().unwrap().len(), 7);
}

#[test]
fn bytes_and_ranges() {
    let server = demo();
    for size in [0, 1, 251, 70_000] {
        let answer = server.get(&format!("/bytes/{size}"));
        assert_eq!(answer.field("content-length"), Some(size.to_string().as_str()));
        assert!(answer.body == pattern(0, size), "{size}");
    }
    let huge = "/bytes/100000000000";
    let head = server.request("HEAD", huge, &[]);
    assert_eq!((head.field("content-length"), head.body.len()), (Some("100000000000"), 0));
    let range = server.request("GET", huge, &["Range: bytes=99999999990-"]);
    assert_eq!(range.status, 206);
    assert_eq!(range.field("content-range"), Some("bytes 99999999990-99999999999/100000000000"));
    assert_eq!(range.body, pattern(99_999_999_990, 10));
    let several = server.request("GET", "/bytes/1000", &["Range: bytes=0-1,500-501"]);
    assert_eq!(several.status, 206);
    assert!(several.field("content-type").unwrap().starts_with("multipart/byteranges; boundary="));
    assert_eq!(several.field("content-length"), Some(several.body.len().to_string().as_str()));
    assert!(find(&several.body, b"Content-Range: bytes 500-501/1000\r\n\r\n\xf9\xfa\r\n--").is_some());
    let beyond = server.request("GET", "/bytes/10", &["Range: bytes=10-"]);
    assert_eq!((beyond.status, beyond.field("content-range")), (416, Some("bytes */10")));
    for bad in ["/bytes/-1", "/bytes/x", "/bytes/18446744073709551615"] {
        assert_eq!(server.get(bad).status, 400, "{bad}");
    }
}

#[test]
fn streams_end_with_a_trailer() {
    let server = demo();
    let answer = server.request("GET", "/stream/4/1", &["TE: trailers"]);
    assert_eq!(answer.text(), "chunk 1 of 4\nchunk 2 of 4\nchunk 3 of 4\nchunk 4 of 4\n");
    assert_eq!(answer.trailers, "x-chunks: 4\r\n\r\n");
    assert_eq!(server.get("/stream/0/0").trailers, "x-chunks: 0\r\n\r\n");
    let old = server.exchange("GET /stream/2/0 HTTP/1.0\r\n\r\n");
    assert_eq!((old.text(), old.field("transfer-encoding")), ("chunk 1 of 2\nchunk 2 of 2\n", None));
    assert_eq!(server.get("/stream/x/0").status, 400);
}

#[test]
fn uploads_are_counted_and_hashed() {
    let server = demo();
    let answer = server.post("/upload", b"abc");
    assert_eq!(
        answer.text(),
        "{\"bytes\": 3, \"sha256\": \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}\n"
    );
    let chunked = server.exchange(
        "PUT /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1;x=y\r\na\r\n2\r\nbc\r\n0\r\nX: y\r\n\r\n",
    );
    assert_eq!(chunked.text(), answer.text());
    assert_eq!(server.get("/upload").status, 405);
}

#[test]
fn cached_answers() {
    let server = demo();
    let first = server.get("/cache/60");
    assert_eq!(first.field("cache-control"), Some("max-age=60"));
    let etag = first.field("etag").unwrap();
    let modified = first.field("last-modified").unwrap();
    for line in [format!("If-None-Match: {etag}"), format!("If-Modified-Since: {modified}")] {
        let again = server.request("GET", "/cache/60", &[&line]);
        assert_eq!((again.status, again.body.len(), again.field("etag")), (304, 0, Some(etag)), "{line}");
        assert_eq!(again.field("cache-control"), Some("max-age=60"));
    }
    assert_eq!(server.request("GET", "/cache/60", &["If-None-Match: \"other\""]).status, 200);
}

#[test]
fn metrics_count() {
    let server = demo();
    server.get("/status/404");
    server.post("/upload", &[0; 1000]);
    server.get("/bytes/100000");
    let metrics = server.get("/metrics");
    assert!(metrics.field("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    for line in [
        "# TYPE wirelace_requests_total counter",
        "wirelace_requests_total{class=\"2xx\"} 2",
        "wirelace_requests_total{class=\"4xx\"} 1",
        "wirelace_received_bytes_total 1000",
        "# TYPE wirelace_connections_open gauge",
        "wirelace_connections_total 4",
    ] {
        assert!(metrics.text().lines().any(|found| found == line), "{line}\n{}", metrics.text());
    }
    let sent =
        metrics.text().lines().find_map(|line| line.strip_prefix("wirelace_sent_bytes_total ")).unwrap();
    assert!(sent.parse::<u64>().unwrap() >= 100_000);
}

#[test]
fn large_bodies_are_refused_on_request() {
    let server = Server::start(&["demo", "--max-body", "10"]);
    assert_eq!(server.post("/upload", &[0; 10]).status, 200);
    assert_eq!(server.post("/upload", &[0; 11]).status, 413);
}

#[test]
fn no_command_is_the_demo() {
    assert_eq!(Server::start(&["--workers", "1"]).get("/hello").text(), "hello, world\n");
}

#[test]
fn signals_end_it_gracefully() {
    for signal in ["-TERM", "-INT"] {
        let server = demo();
        let mut stream = server.connect();
        // Under way when the signal comes, and finished after it.
        stream
            .write_all(
                b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
            )
            .unwrap();
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        server.signal(signal);
        // The listener is closed first.
        while std::net::TcpStream::connect(server.address).is_ok() {
            std::thread::yield_now();
        }
        stream.write_all(b"abc").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("connection: close\r\n"),
            "{answer}"
        );
        let (code, log) = server.wait();
        assert_eq!((code, log.as_str()), (Some(0), ""), "{signal}");
    }
}

#[test]
fn what_it_says() {
    let server = Server::start(&["demo", "-v"]);
    server.get("/hello?x");
    server.signal("-TERM");
    let (code, log) = server.wait();
    assert_eq!(code, Some(0));
    assert!(
        log.lines().any(|line| line.starts_with("127.0.0.1:") && line.ends_with(" GET /hello?x 200")),
        "{log}"
    );
    assert!(!log.contains('\x1b'), "colours on no terminal: {log:?}");
}

#[test]
fn an_address_in_use_is_told_in_one_line() {
    let server = demo();
    // Several workers share a port among them, but not with another process.
    for workers in ["1", "2"] {
        let address = server.address.to_string();
        let (code, out, err) = run_text(&["demo", "--plain", &address, "--workers", workers]);
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(err.contains("cannot listen at 127.0.0.1:"), "{err}");
    }
}
