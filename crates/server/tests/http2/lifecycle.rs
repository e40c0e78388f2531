//! Connections that come, go, and are handed on.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use wirelace_http2::Limits as ClientLimits;
use wirelace_server::{HstsPolicy, Http2Limits, Http2Timeouts, ProxyProtocol, Request, Response, Server};

use crate::peer::{Peer, beside, connect};
use crate::support::{loopback, start};

#[tokio::test]
async fn shutting_down_finishes_what_runs() {
    let (started, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let signals = (Arc::clone(&started), Arc::clone(&go));
    let mut server = start(Server::builder(move |request: Request| {
        let (started, go) = signals.clone();
        async move {
            if request.head.path() == "/wait" {
                started.notify_one();
                go.notified().await;
            }
            Response::from("done")
        }
    }));
    let (mut idle, mut peer) = (connect(&server).await, connect(&server).await);
    assert_eq!(idle.fetch("/").await, "done");
    let stream = peer.get("/wait");
    peer.flush().await;
    started.notified().await;
    server.begin_stop();
    while !peer.going_away {
        assert!(peer.step().await);
    }
    go.notify_one();
    assert_eq!(peer.answer(stream).await.text(), "done");
    peer.rest().await;
    assert_eq!(peer.over, Some(Ok(())));
    idle.rest().await;
    assert!(idle.going_away && idle.over == Some(Ok(())));
    server.stopped().await;
}

#[tokio::test]
async fn requests_under_way_when_it_shuts_down_are_answered() {
    let mut server = start(Server::builder(async |_: Request| Response::from("done")));
    let mut peer = connect(&server).await;
    assert_eq!(peer.fetch("/").await, "done");
    server.begin_stop();
    // The first GOAWAY names no last stream: what crosses it is answered (RFC 9113 §6.8).
    let stream = peer.get("/");
    assert_eq!(peer.answer(stream).await.text(), "done");
    peer.rest().await;
    server.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn who_begins_http2_and_stops_is_given_up() {
    let timeouts = Http2Timeouts { head: Some(Duration::from_secs(3)), ..Http2Timeouts::default() };
    let limits = Http2Limits { timeouts, ..Http2Limits::default() };
    let builder = Server::builder(async |_: Request| Response::from("done")).http2_limits(limits);
    let server = builder.bind(loopback()).unwrap();
    let (mut near, far) = tokio::io::duplex(1024);
    let served = server.serve(far, wirelace_server::ConnectionInfo::memory());
    // The preface, and no SETTINGS.
    near.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut client = crate::support::Client::new(near);
    let rest = client.rest().await;
    // GOAWAY, after the server's own SETTINGS.
    assert!(rest.chunks(1).count() > 9);
    drop(client);
    served.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed() {
    let timeouts = Http2Timeouts { idle: Some(Duration::from_secs(3)), ..Http2Timeouts::default() };
    let limits = Http2Limits { timeouts, ..Http2Limits::default() };
    let builder = Server::builder(async |_: Request| Response::from("done")).http2_limits(limits);
    let mut peer = beside(builder, ClientLimits::default());
    assert_eq!(peer.fetch("/").await, "done");
    peer.rest().await;
    assert!(peer.going_away);
}

#[tokio::test]
async fn a_proxy_in_front_says_who_the_client_is() {
    let server = start(
        Server::builder(async |request: Request| Response::from(request.connection().peer.to_string()))
            .proxy_protocol(ProxyProtocol::Required),
    );
    let mut io = TcpStream::connect(server.address).await.unwrap();
    io.write_all(b"PROXY TCP4 192.0.2.1 198.51.100.1 4000 443\r\n").await.unwrap();
    let mut peer = Peer::new(io, ClientLimits::default());
    assert_eq!(peer.fetch("/").await, "192.0.2.1:4000");
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn a_listener_that_redirects_speaks_http2() {
    let mut server = Server::builder(async |_: Request| Response::from("not here"))
        .hsts(HstsPolicy::new(100))
        .bind(loopback())
        .unwrap();
    let address = server.also_bind_redirect(loopback(), 8443).unwrap();
    let task = tokio::spawn(server.run_forever());
    let mut peer = Peer::new(TcpStream::connect(address).await.unwrap(), ClientLimits::default());
    for method in [http::Method::GET, http::Method::POST] {
        let status = if method == http::Method::GET { 301 } else { 308 };
        let stream = peer.send(crate::peer::head(method, "/a?b"), true);
        let answer = peer.answer(stream).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.field("location"), Some("https://test.example:8443/a?b"));
        assert_eq!(answer.field("strict-transport-security"), None);
    }
    task.abort();
}
