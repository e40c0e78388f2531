//! Requests and responses over real sockets: keep-alive, pipelining, heads.

mod support;

use http::{Method, StatusCode};
use support::{loopback, start};
use wirelace_server::{Limits, Request, Response, Server};

async fn hello(request: Request) -> Response {
    Response::from(format!("{} {}", request.head.method, request.head.path()))
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = start(Server::builder(hello));
    let mut client = server.connect().await;
    for number in 0..3 {
        let answer = client.get(&format!("/{number}")).await;
        assert_eq!((answer.status, answer.text()), (200, format!("GET /{number}").as_str()));
        assert_eq!(answer.field("content-type"), Some("text/plain; charset=utf-8"));
        assert!(answer.field("date").unwrap().ends_with(" GMT"));
        assert_eq!(answer.field("connection"), None);
    }
    client.send("GET /last HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await;
    assert_eq!(client.answer().await.field("connection"), Some("close"));
    assert_eq!(client.rest().await, b"");
    assert_eq!((server.tracker.accepted(), server.tracker.open() <= 1), (1, true));
    server.stop().await;
}

#[tokio::test]
async fn sixteen_requests_in_one_write_are_answered_in_order() {
    // Some are ready at once, others are not.
    let server = start(Server::builder(async |request: Request| {
        if request.head.path().len().is_multiple_of(2) {
            tokio::task::yield_now().await;
        }
        hello(request).await
    }));
    let mut client = server.connect().await;
    let batch: String =
        (0..16).map(|number| format!("GET /{number} HTTP/1.1\r\nhost: test\r\n\r\n")).collect();
    for _ in 0..3 {
        client.send(&batch).await;
        for number in 0..16 {
            assert_eq!(client.answer().await.text(), format!("GET /{number}"));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn requests_under_way_at_once_are_still_answered_in_order() {
    let limits = Limits { in_flight: 8, ..Limits::default() };
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    let opened = gate.clone();
    // The first waits for the last.
    let server = start(
        Server::builder(move |request: Request| {
            let gate = opened.clone();
            async move {
                match request.head.path() {
                    "/0" => gate.notified().await,
                    "/7" => gate.notify_one(),
                    _ => tokio::task::yield_now().await,
                }
                hello(request).await
            }
        })
        .limits(limits),
    );
    let mut client = server.connect().await;
    for _ in 0..3 {
        let batch: String =
            (0..8).map(|number| format!("GET /{number} HTTP/1.1\r\nhost: test\r\n\r\n")).collect();
        client.send(batch).await;
        for number in 0..8 {
            assert_eq!(client.answer().await.text(), format!("GET /{number}"));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn head_has_the_fields_of_get_and_no_body() {
    let server = start(Server::builder(async |request: Request| match request.head.path() {
        "/unknown" => Response::new(StatusCode::OK).with_body(wirelace_server::ResponseBody::channel(1).1),
        _ => Response::from("hello"),
    }));
    let mut client = server.connect().await;
    client.send("HEAD / HTTP/1.1\r\nhost: test\r\n\r\nHEAD /unknown HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert_eq!(client.head().await.field("content-length"), Some("5"));
    let unknown = client.head().await;
    assert_eq!(unknown.field("content-length"), None);
    assert_eq!(unknown.field("transfer-encoding"), Some("chunked"));
    assert_eq!(client.get("/").await.text(), "hello");
    server.stop().await;
}

#[tokio::test]
async fn broken_requests_are_answered_and_the_connection_ends() {
    let server = start(Server::builder(hello));
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\nhost: a\r\n\r\n", 505),
    ] {
        let mut client = server.connect().await;
        client.send(request).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.field("connection")), (status, Some("close")), "{request:?}");
        assert_eq!(client.rest().await, b"");
    }
    server.stop().await;
}

#[tokio::test]
async fn responses_that_cannot_be_sent_become_500() {
    let server = start(Server::builder(async |request: Request| match request.head.method {
        Method::GET => Response::new(StatusCode::SWITCHING_PROTOCOLS), // Nobody offered it.
        _ => Response::new(StatusCode::EARLY_HINTS),
    }));
    for method in ["GET", "DELETE"] {
        let mut client = server.connect().await;
        client.send(format!("{method} / HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        assert_eq!(client.answer().await.status, 500);
    }
    server.stop().await;
}

#[tokio::test]
async fn additions_are_switchable() {
    let server = start(Server::builder(hello).date(false).server_name("wirelace"));
    let answer = server.connect().await.get("/").await;
    assert_eq!((answer.field("date"), answer.field("server")), (None, Some("wirelace")));
    server.stop().await;
}

#[tokio::test]
async fn http10_closes_unless_asked_not_to() {
    let server = start(Server::builder(hello));
    let mut client = server.connect().await;
    client.send("GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n").await;
    assert_eq!(client.answer().await.field("connection"), Some("keep-alive"));
    client.send("GET /b HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.answer().await.text(), "GET /b");
    assert_eq!(client.rest().await, b"");
    server.stop().await;
}

#[tokio::test]
async fn workers_share_one_port_and_shut_down_together() {
    let server = Server::builder(hello).workers(2).bind(loopback()).unwrap();
    let (address, tracker) = (server.local_addr(), server.tracker());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    for _ in 0..16 {
        let io = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut client = support::Client::new(io);
        assert_eq!(client.get("/x").await.text(), "GET /x");
    }
    assert_eq!(tracker.accepted(), 16);
    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
    assert_eq!(tracker.open(), 0);
}
