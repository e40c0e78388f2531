//! What goes wrong on one stream leaves the others alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Method, StatusCode};
use tokio::sync::Notify;
use wirelace_http_semantics::{HttpMachine as _, Reason};
use wirelace_server::{Request, Response, ResponseBody, Server};

use crate::peer::{connect, head};
use crate::support::{DropGuard, start};

async fn fails(request: Request) -> Response {
    match request.head.path() {
        "/body" => {
            let (sender, body) = ResponseBody::channel(1);
            tokio::spawn(async move {
                sender.send("some").await.unwrap();
                sender.fail("no more").await.unwrap();
            });
            Response::new(StatusCode::OK).with_body(body)
        }
        "/switch" => Response::new(StatusCode::SWITCHING_PROTOCOLS),
        "/interim" => Response::new(StatusCode::EARLY_HINTS),
        "/short" => {
            let body = http_body_util::StreamBody::new(futures::stream::iter([Ok::<_, std::io::Error>(
                http_body::Frame::data(bytes::Bytes::from_static(b"abc")),
            )]));
            let sized = Sized { body };
            Response::new(StatusCode::OK).with_body(ResponseBody::stream(sized))
        }
        "/panic" => panic!("as the test wants it"),
        _ => Response::from("fine"),
    }
}

/// Says that it has ten bytes.
struct Sized<B> {
    body: B,
}

impl<B: http_body::Body + Unpin> http_body::Body for Sized<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<B::Data>, B::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(cx)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(10)
    }
}

#[tokio::test]
async fn a_response_that_fails_resets_its_stream_alone() {
    let server = start(Server::builder(fails));
    let mut peer = connect(&server).await;
    let (fine, body, short) = (peer.get("/"), peer.get("/body"), peer.get("/short"));
    let (switch, interim) = (peer.get("/switch"), peer.get("/interim"));
    assert_eq!(peer.answer(fine).await.text(), "fine");
    let broken = peer.answer(body).await;
    assert_eq!((broken.status(), broken.text(), broken.reset), (200, "some", Some(Reason::Internal)));
    let broken = peer.answer(short).await;
    assert_eq!((broken.field("content-length"), broken.reset), (Some("10"), Some(Reason::Internal)));
    // HTTP/2 switches no protocols, and a final response must follow.
    for stream in [switch, interim] {
        let refused = peer.answer(stream).await;
        assert_eq!((refused.status(), refused.reset), (500, None));
    }
    assert_eq!(peer.fetch("/").await, "fine");
    assert_eq!(server.tracker.accepted(), 1);
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn a_panic_ends_its_connection_and_no_other() {
    let server = start(Server::builder(fails));
    let (mut other, mut peer) = (connect(&server).await, connect(&server).await);
    assert_eq!(other.fetch("/").await, "fine");
    peer.get("/panic");
    peer.rest().await;
    assert_eq!(other.fetch("/").await, "fine");
    drop((peer, other));
    server.stop().await;
}

#[tokio::test]
async fn a_handler_is_dropped_when_its_stream_is_reset() {
    let (started, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let signals = (Arc::clone(&started), Arc::clone(&dropped));
    let server = start(Server::builder(move |request: Request| {
        let (started, dropped) = signals.clone();
        async move {
            if request.head.path() == "/wait" {
                let _guard = DropGuard(dropped);
                started.notify_one();
                let () = std::future::pending().await;
            }
            Response::from("fine")
        }
    }));
    let mut peer = connect(&server).await;
    for _ in 0..3 {
        let stream = peer.get("/wait");
        peer.flush().await;
        started.notified().await;
        peer.machine.reset(stream, Reason::Cancel);
        peer.flush().await;
        dropped.notified().await;
        assert_eq!(peer.fetch("/").await, "fine");
    }
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn the_reader_of_a_body_learns_that_its_stream_was_reset() {
    let (sender, mut outcomes) = tokio::sync::mpsc::unbounded_channel();
    let server = start(Server::builder(move |mut request: Request| {
        let outcomes = sender.clone();
        async move {
            tokio::spawn(async move {
                while let Some(data) = request.body.chunk().await {
                    outcomes.send(data).unwrap();
                }
            });
            match request.head.path() {
                // Whoever reads the body must not wait for ever when its own side has given the stream up.
                "/fails" => {
                    let (sender, body) = ResponseBody::channel(1);
                    sender.fail("no").await.unwrap();
                    Response::new(StatusCode::OK).with_body(body)
                }
                _ => std::future::pending().await,
            }
        }
    }));
    let mut peer = connect(&server).await;
    let stream = peer.send(head(Method::POST, "/"), false);
    peer.data(stream, b"abc", false);
    peer.flush().await;
    assert_eq!(outcomes.recv().await.unwrap().unwrap(), "abc");
    peer.machine.reset(stream, Reason::Cancel);
    peer.flush().await;
    assert_eq!(outcomes.recv().await.unwrap().unwrap_err().reason(), Reason::Cancel);

    let stream = peer.send(head(Method::POST, "/fails"), false);
    assert_eq!(peer.answer(stream).await.reset, Some(Reason::Internal));
    assert_eq!(outcomes.recv().await.unwrap().unwrap_err().reason(), Reason::Internal);
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_not_wanted_is_refused_when_the_answer_is_there() {
    let server = start(Server::builder(fails));
    let mut peer = connect(&server).await;
    let stream = peer.send(head(Method::POST, "/"), false);
    peer.data(stream, b"more is to come", false);
    // RFC 9113 §8.1.
    let answer = peer.until(stream, |answer| answer.reset == Some(Reason::NoError)).await;
    assert_eq!((answer.status(), answer.text()), (200, "fine"));
    assert_eq!(peer.fetch("/").await, "fine");
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn a_service_that_fails_answers_500_and_the_others_go_on() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let service = tower::service_fn(move |request: http::Request<wirelace_server::RequestBody>| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            if request.uri().path() == "/fails" {
                return Err(std::io::Error::other("no"));
            }
            Ok(http::Response::new("fine".to_owned()))
        }
    });
    let server = start(Server::builder_tower(service));
    let mut peer = connect(&server).await;
    let (one, two, three) = (peer.get("/"), peer.get("/fails"), peer.get("/"));
    assert_eq!(peer.answer(one).await.text(), "fine");
    let failed = peer.answer(two).await;
    assert_eq!((failed.status(), failed.field("connection"), failed.reset), (500, None, None));
    assert_eq!(peer.answer(three).await.text(), "fine");
    assert_eq!(peer.fetch("/").await, "fine");
    assert_eq!(calls.load(Ordering::Relaxed), 4);
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_are_dropped_unread_after_the_answer_give_all_back() {
    let (sender, mut bodies) = tokio::sync::mpsc::unbounded_channel();
    let server = start(Server::builder(move |request: Request| {
        let bodies = sender.clone();
        async move {
            if request.head.method == Method::POST {
                bodies.send(request.body).unwrap();
            }
            Response::from("fine")
        }
    }));
    let mut peer = connect(&server).await;
    // More than the connection's window, all in all.
    for _ in 0..500 {
        let stream = peer.send(head(Method::POST, "/"), false);
        peer.data(stream, &[1; 50_000], true);
        assert_eq!(peer.answer(stream).await.text(), "fine");
        // All of the body is there when the next request is answered.
        assert_eq!(peer.fetch("/").await, "fine");
        drop(bodies.recv().await.unwrap());
    }
    drop(peer);
    server.stop().await;
}
