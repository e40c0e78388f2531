//! Requests that come as early data (RFC 8470).

use std::convert::Infallible;
use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::service_fn;
use wirelace_server::{EarlyRequests, Request, RequestBody, RequestContext, Response, Server};
use wirelace_tls_glue::{ClientTls, ServerTls, TlsSession};

use crate::support::{Running, start};
use crate::world::{Authority, NAME, dial};

async fn told(request: Request) -> Response {
    let early = request.early_data();
    let body = request.body.read_all(10_000).await.unwrap();
    Response::from(format!("{early} {}", body.len()))
}

fn tls(authority: &Authority) -> ServerTls {
    authority.server().early_data(16 * 1024).build().unwrap()
}

/// Has a session, and says how `told` sees the requests that it sends early.
async fn ask(authority: &Authority, server: &Running, requests: &str, answers: usize) -> Vec<String> {
    let client = known(authority, server).await;
    let mut client = dial(server.address, &client).await;
    assert!(client.io.report().is_none() && client.io.early().is_some());
    client.send(requests).await;
    let mut all = Vec::new();
    for _ in 0..answers {
        all.push(client.answer().await.text().to_owned());
    }
    assert!(client.io.report().unwrap().early_data > 0);
    // Later ones are like any.
    all.push(client.get("/").await.text().to_owned());
    all
}

async fn known(authority: &Authority, server: &Running) -> ClientTls {
    let tls = authority.client().early_data(true).alpn(["http/1.1"]).build().unwrap();
    let mut client = dial(server.address, &tls).await;
    assert_eq!(client.get("/").await.text(), "false 0");
    tls
}

const MIXED: &str = "GET / HTTP/1.1\r\nhost: t\r\n\r\n\
    POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\n\r\nhello\
    DELETE / HTTP/1.1\r\nhost: t\r\n\r\n\
    GET / HTTP/1.1\r\nhost: t\r\n\r\n";

#[tokio::test]
async fn those_that_change_something_wait() {
    let authority = Authority::new("root");
    for (early, expected) in [
        (EarlyRequests::None, ["false 0", "false 5", "false 0", "false 0", "false 0"]),
        (EarlyRequests::All, ["true 0", "true 5", "true 0", "true 0", "false 0"]),
    ] {
        let server = start(Server::builder(told).tls(tls(&authority)).early_requests(early));
        assert_eq!(ask(&authority, &server, MIXED, 4).await, expected);
        server.stop().await;
    }
    let server = start(Server::builder(told).tls(tls(&authority)));
    let seen = ask(&authority, &server, MIXED, 4).await;
    assert_eq!(seen[..3], ["true 0", "false 5", "false 0"]);
    assert_eq!(seen[4], "false 0");
    // One that comes before its connection is confirmed, but alone.
    let post = "POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\n\r\nhello";
    assert_eq!(ask(&authority, &server, post, 1).await, ["false 5", "false 0"]);
    server.stop().await;
}

#[tokio::test]
async fn services_are_told_in_the_extensions() {
    let authority = Authority::new("root");
    let service = service_fn(async |request: http::Request<RequestBody>| {
        let early = request.extensions().get::<RequestContext>().unwrap().early_data();
        let length = request.into_body().collect().await.unwrap().to_bytes().len();
        let text = format!("{early} {length}");
        Ok::<_, Infallible>(http::Response::new(Full::<bytes::Bytes>::from(text)))
    });
    let server = start(Server::builder_tower(service).tls(tls(&authority)));
    let seen = ask(&authority, &server, MIXED, 4).await;
    assert_eq!(seen[..3], ["true 0", "false 5", "false 0"]);
    server.stop().await;
}

#[tokio::test]
async fn a_proxy_in_front_says_so_by_a_field() {
    let server = start(Server::builder(told));
    let mut client = server.connect().await;
    // RFC 8470 §5.1: whatever it says, it says so.
    for (field, early) in [("", false), ("early-data: 1\r\n", true), ("Early-Data: 2\r\n", true)] {
        client.send(format!("GET / HTTP/1.1\r\nhost: t\r\n{field}\r\n")).await;
        assert_eq!(client.answer().await.text(), format!("{early} 0"));
    }
    server.stop().await;
}

#[tokio::test]
async fn what_waits_is_not_done_for_those_who_are_not_there() {
    let authority = Authority::new("root");
    let done = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&done);
    let handler = move |request: Request| {
        counted.fetch_add(usize::from(request.head.method == http::Method::POST), Ordering::SeqCst);
        told(request)
    };
    let tls = authority.server().early_data(16 * 1024).handshake_timeout(Some(Duration::from_millis(100)));
    let server = start(Server::builder(handler).tls(tls.build().unwrap()));
    let client = known(&authority, &server).await;
    let mut session = TlsSession::client(&client, NAME, Instant::now()).unwrap();
    let request = "POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\n\r\nhello";
    assert_eq!(session.send(Instant::now(), &[IoSlice::new(request.as_bytes())]), Ok(request.len()));
    let flight: Vec<u8> = session.output().chunks().flatten().copied().collect();
    // The same octets twice, as one who has heard them would: neither is taken for the client.
    for _ in 0..2 {
        let mut io = TcpStream::connect(server.address).await.unwrap();
        io.write_all(&flight).await.unwrap();
        // Until the deadline of the handshake. Whether it is an end or a reset.
        let _ = io.read_to_end(&mut Vec::new()).await;
    }
    assert_eq!(done.load(Ordering::SeqCst), 0);
    server.stop().await;
}
