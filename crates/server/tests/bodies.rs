//! Bodies in both directions: streaming, back-pressure, expectations, trailers, interim responses, tunnels.

mod support;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame};
use support::{Client, Running, start};
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;
use wirelace_http_semantics::{FieldId, Fields, ResponseHead};
use wirelace_server::{Limits, Request, RequestBody, Response, ResponseBody, Server};

/// The request's body as the response's.
async fn echo(request: Request) -> Response {
    Response::new(StatusCode::OK).with_body(ResponseBody::stream(request.body))
}

#[tokio::test]
async fn bodies_are_streamed_both_ways() {
    let server = start(Server::builder(echo));
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n").await;
    assert_eq!(client.head().await.field("transfer-encoding"), Some("chunked"));
    // Each piece comes back before the next one is sent.
    for piece in ["one", "twotwo", "threethreethree"] {
        client.send(format!("{:x}\r\n{piece}\r\n", piece.len())).await;
        assert_eq!(client.until(&format!("{piece}\r\n")).await, format!("{:x}\r\n{piece}\r\n", piece.len()));
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.until("\r\n\r\n").await, "0\r\n\r\n");
    client.send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\n\r\nhel").await;
    client.send("lo").await;
    let answer = client.answer().await;
    assert_eq!((answer.text(), answer.field("content-length")), ("hello", Some("5")));
    server.stop().await;
}

#[tokio::test]
async fn large_bodies_arrive_whole() {
    let server = start(Server::builder(echo));
    let mut client = server.connect().await;
    let body: Vec<u8> = (0..5_000_000u32).map(|i| (i % 251) as u8).collect();
    let head = format!("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: {}\r\n\r\n", body.len());
    client.send(head).await;
    // Neither side can take all of it before the other has read some.
    let mut sending = &body[..];
    let mut received = Vec::new();
    assert_eq!(client.head().await.status, 200);
    while received.len() < body.len() {
        if let Ok(written) = client.io.try_write(&sending[..sending.len().min(100_000)]) {
            sending = &sending[written..];
        }
        received.extend(client.some().await);
    }
    assert!(received == body);
    server.stop().await;
}

/// As much as anybody takes.
struct Endless(Arc<AtomicU64>);

impl Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        static PIECE: [u8; 16 * 1024] = [b'x'; 16 * 1024];
        self.0.fetch_add(PIECE.len() as u64, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE)))))
    }
}

/// Waits until the number stands still while the server demonstrably goes on working.
async fn settled(server: &Running, mut number: impl FnMut() -> u64) -> u64 {
    let mut other = server.connect().await;
    let mut still = 0;
    let mut last = number();
    while still < 20 {
        assert_eq!(other.get("/ping").await.status, 200);
        let now = number();
        still = if now == last { still + 1 } else { 0 };
        last = now;
        assert!(last < 256 << 20, "nothing stops the producer");
    }
    last
}

#[tokio::test]
async fn a_slow_reader_stops_the_producer() {
    let produced = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&produced);
    let server = start(Server::builder(move |request: Request| {
        let counter = Arc::clone(&counter);
        async move {
            match request.head.path() {
                "/ping" => Response::from("pong"),
                _ => Response::new(StatusCode::OK).with_body(ResponseBody::stream(Endless(counter))),
            }
        }
    }));
    let mut client = server.connect().await;
    client.send("GET /endless HTTP/1.1\r\nhost: t\r\n\r\n").await;
    client.head().await;
    let stalled = settled(&server, || produced.load(Ordering::Relaxed)).await;
    assert!(stalled < 32 << 20, "{stalled} bytes wait for a client that does not read");
    // Who reads gets more.
    client.exactly(stalled as usize + 1_000_000).await;
    assert!(produced.load(Ordering::Relaxed) > stalled);
    drop(client);
    server.tracker.advance(wirelace_server::Stage::Aborting);
    server.stop().await;
}

#[tokio::test]
async fn a_slow_handler_stops_the_client() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let server = start(Server::builder(move |request: Request| {
        let gate = Arc::clone(&opened);
        async move {
            if request.head.path() == "/ping" {
                return Response::from("pong");
            }
            gate.notified().await;
            let mut body = request.body;
            let mut total = 0;
            while let Some(data) = body.chunk().await {
                total += data.unwrap().len();
            }
            Response::from(total.to_string())
        }
    }));
    let mut client = server.connect().await;
    const LENGTH: u64 = 64 << 20;
    client.send(format!("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: {LENGTH}\r\n\r\n")).await;
    let piece = vec![b'x'; 64 * 1024];
    let mut sent = 0;
    let io = &client.io;
    let stalled = settled(&server, || {
        while let Ok(written) = io.try_write(&piece) {
            sent += written as u64;
        }
        sent
    })
    .await;
    assert!(stalled < 32 << 20, "{stalled} bytes were taken by a handler that does not read");
    gate.notify_one();
    while sent < LENGTH {
        client.io.writable().await.unwrap();
        let left = piece.len().min((LENGTH - sent) as usize);
        if let Ok(written) = client.io.try_write(&piece[..left]) {
            sent += written as u64;
        }
    }
    assert_eq!(client.answer().await.text(), LENGTH.to_string());
    server.stop().await;
}

#[tokio::test]
async fn the_body_is_invited_when_it_is_first_read() {
    let server = start(Server::builder(async |request: Request| match request.head.path() {
        "/read" => Response::from(request.body.read_all(100).await.unwrap().len().to_string()),
        _ => Response::new(StatusCode::FORBIDDEN),
    }));
    let mut client = server.connect().await;
    let ask = |path: &str| {
        format!("POST {path} HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n")
    };
    client.send(ask("/read")).await;
    assert_eq!(client.head().await.status, 100);
    client.send("hello").await;
    assert_eq!(client.answer().await.text(), "5");
    // Refused without a 100, and the connection cannot go on.
    client.send(ask("/refuse")).await;
    let refused = client.answer().await;
    assert_eq!((refused.status, refused.field("connection")), (403, Some("close")));
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_echoed_is_invited_before_the_answer_begins() {
    let server = start(Server::builder(echo));
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n").await;
    assert_eq!(client.head().await.status, 100);
    client.send("hello").await;
    let answer = client.answer().await;
    assert_eq!((answer.text(), answer.field("connection")), ("hello", None));
    server.stop().await;
}

#[tokio::test]
async fn a_pipelined_body_is_invited_when_its_turn_comes() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let limits = Limits { in_flight: 2, ..Limits::default() };
    let server = start(
        Server::builder(move |request: Request| {
            let gate = Arc::clone(&opened);
            async move {
                if request.head.path() == "/first" {
                    gate.notified().await;
                    return Response::from("first");
                }
                // Polled before the first is answered.
                gate.notify_one();
                Response::from(request.body.read_all(100).await.unwrap().len().to_string())
            }
        })
        .limits(limits),
    );
    let mut client = server.connect().await;
    client.send("GET /first HTTP/1.1\r\nhost: t\r\n\r\n").await;
    client.send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n").await;
    assert_eq!(client.answer().await.text(), "first");
    assert_eq!(client.head().await.status, 100);
    client.send("hello").await;
    assert_eq!(client.answer().await.text(), "5");
    server.stop().await;
}

#[tokio::test]
async fn a_body_read_in_another_task_is_invited_and_collected() {
    let server = start(Server::builder(async |request: Request| {
        let reading = tokio::spawn(request.body.read_all(10_000_000));
        Response::from(reading.await.unwrap().unwrap().len().to_string())
    }));
    let mut client = server.connect().await;
    client
        .send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 1000000\r\nexpect: 100-continue\r\n\r\n")
        .await;
    assert_eq!(client.head().await.status, 100);
    client.send(vec![b'x'; 1_000_000]).await;
    assert_eq!(client.answer().await.text(), "1000000");
    server.stop().await;
}

#[tokio::test]
async fn trailers_travel_both_ways() {
    let server = start(Server::builder(async |mut request: Request| {
        while request.body.chunk().await.is_some() {}
        let sum = request.body.trailers().and_then(|fields| fields.get_str("x-sum")).unwrap().to_owned();
        let (sender, body) = ResponseBody::channel(4);
        sender.send("data").await.unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-echo", sum.parse().unwrap());
        sender.trailers(trailers).await.unwrap();
        Response::new(StatusCode::OK).with_body(body)
    }));
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nhost: t\r\nte: trailers\r\ntransfer-encoding: chunked\r\n\r\n").await;
    client.send("3\r\nabc\r\n0\r\nx-sum: 42\r\n\r\n").await;
    let answer = client.answer().await;
    assert_eq!(answer.text(), "data");
    assert_eq!(answer.trailers, [("x-echo".to_owned(), "42".to_owned())]);
    server.stop().await;
}

#[tokio::test]
async fn interim_responses_come_before_the_final_one() {
    let server = start(Server::builder(async |request: Request| {
        let mut hints = Fields::new();
        hints.push(FieldId::LINK, "</a.css>; rel=preload").unwrap();
        let interim = request.interim();
        interim.early_hints(hints);
        assert!(interim.send(ResponseHead::new(StatusCode::OK)).is_err());
        if request.head.path() == "/elsewhere" {
            // From another task, while the handler waits.
            let _ = tokio::spawn(async move {
                interim.send(ResponseHead::new(StatusCode::PROCESSING)).unwrap();
            })
            .await;
        }
        Response::from("done")
    }));
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let hints = client.head().await;
    assert_eq!((hints.status, hints.field("link")), (103, Some("</a.css>; rel=preload")));
    assert_eq!(client.answer().await.text(), "done");
    client.send("GET /elsewhere HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(client.head().await.status, 103);
    assert_eq!(client.head().await.status, 102);
    assert_eq!(client.answer().await.text(), "done");
    // HTTP/1.0 does not know them.
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 200);
    server.stop().await;
}

async fn tunnel(mut request: Request) -> Response {
    let tunnel = request.take_tunnel();
    match request.head.path() {
        "/declined" => {
            let mut tunnel = tunnel.unwrap();
            // It ends, empty, once the response is sent.
            tokio::spawn(async move { assert!(tunnel.chunk().await.is_none()) });
            Response::from("no")
        }
        "/plain" => {
            assert!(tunnel.is_none());
            Response::from("plain")
        }
        _ if request.head.method == http::Method::CONNECT => echo_tunnel(StatusCode::OK, tunnel),
        _ => {
            echo_tunnel(StatusCode::SWITCHING_PROTOCOLS, tunnel).with_field(FieldId::UPGRADE, "echo").unwrap()
        }
    }
}

fn echo_tunnel(status: StatusCode, tunnel: Option<RequestBody>) -> Response {
    Response::new(status).with_body(ResponseBody::stream(tunnel.unwrap()))
}

async fn speak_through(client: &mut Client) {
    for words in ["more", "and more"] {
        client.send(words).await;
        assert_eq!(client.exactly(words.len()).await, words.as_bytes());
    }
    tokio::io::AsyncWriteExt::shutdown(&mut client.io).await.unwrap();
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn an_upgrade_becomes_a_tunnel() {
    let server = start(Server::builder(tunnel));
    let mut client = server.connect().await;
    let upgrade =
        |path| format!("GET {path} HTTP/1.1\r\nhost: t\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
    assert_eq!(client.get("/plain").await.text(), "plain");
    client.send(upgrade("/declined")).await;
    assert_eq!(client.answer().await.text(), "no");
    // Bytes of the new protocol right behind the request.
    client.send(upgrade("/") + "early").await;
    let head = client.head().await;
    assert_eq!((head.status, head.field("upgrade")), (101, Some("echo")));
    assert_eq!((head.field("content-length"), head.field("transfer-encoding")), (None, None));
    assert_eq!(client.exactly(5).await, b"early");
    speak_through(&mut client).await;
    server.stop().await;
}

#[tokio::test]
async fn connect_becomes_a_tunnel() {
    let server = start(Server::builder(tunnel));
    let mut client = server.connect().await;
    client.send("CONNECT a.example:443 HTTP/1.1\r\nhost: a.example:443\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!((head.status, head.field("content-length")), (200, None));
    speak_through(&mut client).await;
    server.stop().await;
}

#[tokio::test]
async fn unread_bodies_do_not_spoil_the_connection() {
    let server = start(Server::builder(async |_: Request| Response::from("no interest")));
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 100000\r\n\r\n").await;
        client.send(vec![b'x'; 100_000]).await;
        assert_eq!(client.answer().await.text(), "no interest");
    }
    server.stop().await;
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused() {
    let limits = Limits { body: 10, ..Limits::default() };
    let server = start(Server::builder(echo).limits(limits));
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 11\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 413);
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_fails_ends_the_connection_short() {
    let server = start(Server::builder(async |_: Request| {
        let (sender, body) = ResponseBody::channel(4);
        sender.send("part").await.unwrap();
        sender.fail("disk on fire").await.unwrap();
        Response::new(StatusCode::OK).with_body(body)
    }));
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let all = String::from_utf8(client.rest().await).unwrap();
    assert!(all.ends_with("4\r\npart\r\n"), "{all}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_only_the_connection_ends_is_reset_when_it_fails() {
    let server = start(Server::builder(async |_: Request| {
        let (sender, body) = ResponseBody::channel(4);
        sender.send("part").await.unwrap();
        sender.fail("disk on fire").await.unwrap();
        Response::new(StatusCode::OK).with_body(body)
    }));
    let mut client = server.connect().await;
    // HTTP/1.0 knows no chunks: an orderly end would make the part look like the whole.
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    let mut seen = Vec::new();
    let error = client.io.read_to_end(&mut seen).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    server.stop().await;
}

#[tokio::test]
async fn a_body_too_long_to_drain_for_nothing_is_not_begun() {
    let server = start(Server::builder(async |request: Request| {
        drop(request);
        Response::from("no, thanks\n")
    }));
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 3000000\r\n\r\n").await;
    let all = String::from_utf8(client.rest().await).unwrap();
    assert!(all.contains("\r\nconnection: close\r\n") && all.ends_with("no, thanks\n"), "{all}");
    server.stop().await;
}
