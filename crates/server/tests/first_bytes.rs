//! What a connection says first decides which version of HTTP it speaks.

mod support;

use std::time::Duration;

use http::Version;
use support::{Client, loopback, start};
use tokio::io::AsyncWriteExt as _;
use wirelace_server::{ConnectionInfo, Limits, Request, Response, Server, Timeouts};

/// RFC 9113 §3.4.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

async fn hello(request: Request) -> Response {
    Response::from(format!("{:?} {}", request.head.version, request.head.path()))
}

/// A connection within this process whose client writes exactly these pieces, each of which the server reads alone.
async fn says(pieces: &[&[u8]]) -> Client<tokio::io::DuplexStream> {
    let server = Server::builder(hello).bind(loopback()).unwrap();
    let (mut near, far) = tokio::io::duplex(64 * 1024);
    drop(server.serve(far, ConnectionInfo::memory()));
    for piece in pieces {
        near.write_all(piece).await.unwrap();
        // On this runtime of one thread the server has nothing else to do.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }
    Client::new(near)
}

#[tokio::test]
async fn http1_survives_any_first_piece() {
    // The first two begin like the preface.
    for first in ["PUT /a HTTP/1.1", "PRIVATE /a HTTP/1.1", "GET /a HTTP/1.1"] {
        let requests = format!("{first}\r\nhost: t\r\n\r\nGET /b HTTP/1.1\r\nhost: t\r\n\r\n");
        for split in 0..=30 {
            let (head, rest) = requests.as_bytes().split_at(split);
            let mut client = says(&[head, rest]).await;
            assert_eq!(client.answer().await.text(), "HTTP/1.1 /a", "{first} {split}");
            assert_eq!(client.answer().await.text(), "HTTP/1.1 /b", "{first} {split}");
        }
    }
}

#[tokio::test]
async fn http1_octet_by_octet() {
    let request = b"PRI /a HTTP/1.1\r\nhost: t\r\n\r\nPRI /b HTTP/1.1\r\nhost: t\r\n\r\n";
    let pieces: Vec<&[u8]> = request.chunks(1).collect();
    let mut client = says(&pieces).await;
    assert_eq!(client.answer().await.text(), "HTTP/1.1 /a");
    assert_eq!(client.answer().await.text(), "HTTP/1.1 /b");
}

#[tokio::test]
async fn what_is_nearly_the_preface_is_http1() {
    // Every octet of it once another; what follows the request line is no matter.
    for at in 0..PREFACE.len() {
        let mut first = PREFACE.to_vec();
        first[at] ^= 1;
        first.extend_from_slice(b"\r\n\r\n");
        let mut client = says(&[&first]).await;
        let answer = client.answer().await;
        assert!(matches!(answer.status, 400 | 501 | 505), "{at}: {answer:?}");
        assert_eq!(client.rest().await, b"", "{at}");
    }
}

#[tokio::test]
async fn a_preface_that_ends_early_is_a_bad_request() {
    let server = start(Server::builder(hello));
    for length in 1..PREFACE.len() {
        let mut client = server.connect().await;
        client.send(&PREFACE[..length]).await;
        client.io.shutdown().await.unwrap();
        let rest = client.rest().await;
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 "), "{length}: {:?}", rest.escape_ascii());
    }
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_decide_has_the_time_of_a_head() {
    let limits = Limits {
        timeouts: Timeouts { head: Some(Duration::from_secs(7)), ..Timeouts::default() },
        ..Limits::default()
    };
    for length in 0..PREFACE.len() {
        let server = Server::builder(hello).limits(limits.clone()).bind(loopback()).unwrap();
        let (mut near, far) = tokio::io::duplex(1024);
        let began = tokio::time::Instant::now();
        let served = server.serve(far, ConnectionInfo::memory());
        near.write_all(&PREFACE[..length]).await.unwrap();
        let mut client = Client::new(near);
        // Which version the complaint would be in is not known.
        assert_eq!(client.rest().await, b"", "{length}");
        let waited = began.elapsed();
        assert!(waited >= Duration::from_secs(7) && waited < Duration::from_secs(8), "{length} {waited:?}");
        drop(client);
        served.await.unwrap();
    }
}

#[tokio::test]
async fn the_preface_is_answered_with_settings() {
    for split in 0..=PREFACE.len() {
        let (head, rest) = PREFACE.split_at(split);
        // And an empty SETTINGS frame.
        let mut client = says(&[head, rest, &[0, 0, 0, 4, 0, 0, 0, 0, 0]]).await;
        let frame = client.exactly(9).await;
        // SETTINGS, no acknowledgement, about the connection (RFC 9113 §3.4).
        assert_eq!(&frame[3..], [4, 0, 0, 0, 0, 0], "{split}");
    }
}

#[tokio::test]
async fn upgrade_to_h2c_is_not_heard() {
    let server = start(Server::builder(hello));
    let mut client = server.connect().await;
    let offer = "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
    for path in ["/a", "/b"] {
        client.send(format!("GET {path} HTTP/1.1\r\nhost: t\r\n{offer}\r\n")).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.text()), (200, format!("HTTP/1.1 {path}").as_str()));
        assert_eq!(answer.field("upgrade"), None);
    }
    server.stop().await;
}

#[tokio::test]
async fn versions_that_are_not_wanted_are_not_spoken() {
    let server = start(Server::builder(hello).http_versions([Version::HTTP_11]));
    let mut client = server.connect().await;
    client.send(PREFACE).await;
    assert_eq!(client.answer().await.status, 505);
    server.stop().await;

    let server = start(Server::builder(hello).http_versions([Version::HTTP_2]));
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let rest = client.rest().await;
    assert!(!rest.starts_with(b"HTTP/"), "{:?}", rest.escape_ascii());
    server.stop().await;

    for versions in [&[][..], &[Version::HTTP_3]] {
        let refused = Server::builder(hello).http_versions(versions.iter().copied()).bind(loopback());
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    }
}
