//! What goes with HTTPS: what requests know of it, protocols, redirect, policy, PROXY headers, the key log.

use serde_json::{Value, json};
use wirelace::tls_glue::{ClientTls, Roots, TlsVersion};

use crate::client::{anybody, exchange, get};
use crate::common::{Answer, Scratch, Server};

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn headers_tell_the_tls() {
    let server = Server::start(&["demo"]);
    for (version, suite) in [
        (TlsVersion::Tls13, "TLS_AES_256_GCM_SHA384"),
        (TlsVersion::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ] {
        let tls = ClientTls::builder(Roots::Insecure)
            .versions(version, version)
            .alpn(["http/1.1"])
            .build()
            .unwrap();
        for resumed in [false, true] {
            let (_, answer) = get(server.secure, &tls, "/headers").unwrap();
            let expected = json!({
                "version": version.to_string(), "cipher": suite, "alpn": "http/1.1", "server_name": "localhost",
                "resumed": resumed, "client": null,
            });
            assert_eq!(json(&answer)["tls"], expected);
        }
    }
    let (_, answer) =
        exchange(server.secure, &anybody(), "127.0.0.1", b"", "GET /headers HTTP/1.0\r\n\r\n").unwrap();
    let told = json(&answer);
    assert_eq!((&told["tls"]["alpn"], &told["tls"]["server_name"]), (&Value::Null, &Value::Null));
    assert_eq!(json(&server.get("/headers"))["tls"], Value::Null);
}

#[test]
fn old_and_unknown_protocols() {
    let server = Server::start(&["demo"]);
    let offering =
        |protocol: &'static str| ClientTls::builder(Roots::Insecure).alpn([protocol]).build().unwrap();
    // As `curl --http1.0`.
    let request = "GET /hello HTTP/1.0\r\nHost: localhost\r\n\r\n";
    let (report, answer) = exchange(server.secure, &offering("http/1.0"), "localhost", b"", request).unwrap();
    assert_eq!((report.alpn.as_deref(), answer.text()), (Some(&b"http/1.0"[..]), "hello, world\n"));
    let error = get(server.secure, &offering("h3"), "/hello").unwrap_err();
    assert!(error.contains("no_application_protocol"), "{error}");
}

#[test]
fn plain_requests_are_sent_to_https() {
    let field = "strict-transport-security";
    let server = Server::start(&["demo", "--redirect", "--hsts"]);
    let sent_away = server.get("/hello?x");
    let expected = format!("https://test:{}/hello?x", server.secure.port());
    assert_eq!((sent_away.status, sent_away.field("location")), (301, Some(expected.as_str())));
    assert_eq!(sent_away.field(field), None);
    assert_eq!(server.post("/upload", b"abc").status, 308);
    let (_, answer) = get(server.secure, &anybody(), "/hello").unwrap();
    assert_eq!((answer.text(), answer.field(field)), ("hello, world\n", Some("max-age=31536000")));

    let scratch = Scratch::new("tls-hsts");
    let server = Server::start(&["serve", "--hsts=60", scratch.path()]);
    let (_, answer) = get(server.secure, &anybody(), "/").unwrap();
    assert_eq!((answer.status, answer.field(field)), (200, Some("max-age=60")));
    let plain = server.get("/");
    assert_eq!((plain.status, plain.field(field)), (200, None));
    let (_, answer) = get(Server::start(&["demo"]).secure, &anybody(), "/hello").unwrap();
    assert_eq!(answer.field(field), None);
}

#[test]
fn addresses_are_those_of_the_proxy_header() {
    let server = Server::start(&["demo", "--proxy-protocol"]);
    let request = "GET /headers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let first = b"PROXY TCP4 192.0.2.1 198.51.100.1 4000 443\r\n";
    let mut second = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24".to_vec();
    second.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    second.extend([0; 16]);
    second.extend([0x0f, 0xa0, 1, 0xbb]);
    for (header, remote) in [(&first[..], "192.0.2.1:4000"), (&second, "[2001:db8::1]:4000")] {
        let (_, answer) = exchange(server.secure, &anybody(), "localhost", header, request).unwrap();
        assert_eq!(json(&answer)["remote"], remote);
        let plain = server.exchange([header, request.as_bytes()].concat());
        assert_eq!(json(&plain)["remote"], remote);
    }
    exchange(server.secure, &anybody(), "localhost", b"", request).unwrap_err();
}

#[test]
fn secrets_are_written_on_request() {
    let scratch = Scratch::new("tls-keylog");
    let path = format!("{}/keys", scratch.path());
    let server = Server::start(&["demo", "--keylog", &path]);
    assert_eq!(server.before, [format!("the secrets of all TLS connections go to {path}")]);
    get(server.secure, &anybody(), "/hello").unwrap();
    let secrets = std::fs::read_to_string(path).unwrap();
    for label in ["CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "] {
        assert!(secrets.lines().any(|line| line.starts_with(label)), "{secrets}");
    }
}
