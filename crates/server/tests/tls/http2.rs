//! HTTP/2 over TLS.

use std::convert::Infallible;

use http::Method;
use tokio::net::TcpStream;
use wirelace_http2::Limits;
use wirelace_runtime::tls::TlsStream;
use wirelace_server::{EarlyRequests, HstsPolicy, Request, RequestBody, Response, Server, Transport};
use wirelace_tls_glue::ClientTls;

use crate::peer::{Peer, head};
use crate::support::{Client, Running, start};
use crate::world::{Authority, dial};

async fn dial_http2(server: &Running, tls: &ClientTls) -> Peer<TlsStream<TcpStream>> {
    Peer::new(dial(server.address, tls).await.io, Limits::default())
}

async fn told(request: Request) -> Response {
    let tls = request.tls().unwrap();
    let alpn = tls.alpn.as_deref().unwrap_or(b"none").escape_ascii().to_string();
    assert_eq!(request.connection().transport, Transport::Tls);
    Response::from(format!("{:?} {alpn}", request.head.version))
}

#[tokio::test]
async fn what_was_agreed_on_is_spoken() {
    let authority = Authority::new("root");
    let tls = authority.server().build().unwrap();
    let server = start(Server::builder(told).tls(tls).hsts(HstsPolicy::new(100)));
    let tls = authority.client().alpn(["h2", "http/1.1"]).build().unwrap();
    let mut peer = dial_http2(&server, &tls).await;
    for _ in 0..3 {
        let stream = peer.get("/");
        let answer = peer.answer(stream).await;
        assert_eq!(answer.text(), "HTTP/2.0 h2");
        assert_eq!(answer.field("strict-transport-security"), Some("max-age=100"));
    }
    // HTTP/1 where HTTP/2 was agreed on is an error of the protocol.
    let mut client = dial(server.address, &tls).await;
    client.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let rest = client.rest().await;
    assert!(!rest.starts_with(b"HTTP/"), "{}", rest.escape_ascii());
    drop((peer, client));
    server.stop().await;
}

#[tokio::test]
async fn http2_where_http1_was_agreed_on_is_refused() {
    let authority = Authority::new("root");
    let server = start(Server::builder(told).tls(authority.server().build().unwrap()));
    let tls = authority.client().alpn(["http/1.1"]).build().unwrap();
    let mut client = dial(server.address, &tls).await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 505);
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn where_nothing_was_agreed_on_the_first_bytes_decide() {
    let authority = Authority::new("root");
    let server = start(Server::builder(told).tls(authority.server().build().unwrap()));
    let tls = authority.client().build().unwrap();
    assert_eq!(dial_http2(&server, &tls).await.fetch("/").await, "HTTP/2.0 none");
    assert_eq!(dial(server.address, &tls).await.get("/").await.text(), "HTTP/1.1 none");
    server.stop().await;
}

#[tokio::test]
async fn uris_have_the_scheme_https() {
    let authority = Authority::new("root");
    let service = tower::service_fn(async |request: http::Request<RequestBody>| {
        Ok::<_, Infallible>(http::Response::new(request.uri().to_string()))
    });
    let server = start(Server::builder_tower(service).tls(authority.server().build().unwrap()));
    let tls = authority.client().alpn(["h2"]).build().unwrap();
    assert_eq!(dial_http2(&server, &tls).await.fetch("/a?b").await, "https://test.example/a?b");
    // HTTP/1 does not say it in the request.
    let tls = authority.client().alpn(["http/1.1"]).build().unwrap();
    assert_eq!(dial(server.address, &tls).await.get("/a?b").await.text(), "/a?b");
    server.stop().await;
}

#[tokio::test]
async fn promises_have_the_scheme_https() {
    let authority = Authority::new("root");
    let service = tower::service_fn(async |request: http::Request<RequestBody>| {
        let context = request.extensions().get::<wirelace_server::RequestContext>().unwrap();
        if let Some(pusher) = context.pusher() {
            pusher.push("/pushed").unwrap();
        }
        Ok::<_, Infallible>(http::Response::new(request.uri().to_string()))
    });
    let server = start(Server::builder_tower(service).tls(authority.server().build().unwrap()));
    let tls = authority.client().alpn(["h2"]).build().unwrap();
    let limits = Limits { push: true, ..Limits::default() };
    let mut peer = Peer::new(dial(server.address, &tls).await.io, limits);
    peer.fetch("/").await;
    let promise = peer.promises.pop().unwrap();
    assert_eq!(peer.answer(promise.promised).await.text(), "https://test.example/pushed");
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn requests_that_come_early_wait_or_say_so() {
    async fn told(request: Request) -> Response {
        let early = request.early_data();
        let body = request.body.read_all(10_000).await.unwrap();
        Response::from(format!("{early} {}", body.len()))
    }
    let authority = Authority::new("root");
    for (early, expected) in [
        (EarlyRequests::None, ["false 0", "false 5", "false 0"]),
        (EarlyRequests::Safe, ["true 0", "false 5", "false 0"]),
        (EarlyRequests::All, ["true 0", "true 5", "true 0"]),
    ] {
        let tls = authority.server().early_data(16 * 1024).build().unwrap();
        let server = start(Server::builder(told).tls(tls).early_requests(early));
        let tls = authority.client().early_data(true).alpn(["h2"]).build().unwrap();
        // To have a session.
        assert_eq!(dial_http2(&server, &tls).await.fetch("/").await, "false 0");
        let io = dial(server.address, &tls).await.io;
        assert!(io.report().is_none() && io.early().is_some());
        let mut peer = Peer::new(io, Limits::default());
        let streams = [
            peer.get("/"),
            peer.send(head(Method::POST, "/"), false),
            peer.send(head(Method::DELETE, "/"), true),
        ];
        peer.data(streams[1], b"hello", true);
        for (stream, expected) in streams.into_iter().zip(expected) {
            assert_eq!(peer.answer(stream).await.text(), expected, "{early:?}");
        }
        assert!(peer.io.report().unwrap().early_data > 0);
        assert_eq!(peer.fetch("/").await, "false 0");
        drop(peer);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_client_of_http1_is_no_worse_off() {
    let authority = Authority::new("root");
    let server = start(Server::builder(told).tls(authority.server().build().unwrap()));
    let tls = authority.client().alpn(["http/1.1", "http/1.0"]).build().unwrap();
    let mut client: Client<_> = dial(server.address, &tls).await;
    client.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n".repeat(3)).await;
    for _ in 0..3 {
        assert_eq!(client.answer().await.text(), "HTTP/1.1 http/1.1");
    }
    drop(client);
    server.stop().await;
}
