//! Connections that come, go, and go wrong.

mod support;

use std::sync::Arc;
use std::time::Duration;

use support::{DropGuard, start};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;
use wirelace_server::{Limits, Request, Response, ResponseBody, Server};

/// What a test and a handler tell each other.
#[derive(Clone, Default)]
struct Signals {
    started: Arc<Notify>,
    go: Arc<Notify>,
    dropped: Arc<Notify>,
}

/// `/wait` says that it runs, waits for its signal and says when it is dropped; anything else is answered at once.
fn handler(signals: &Signals) -> impl Fn(Request) -> futures::future::BoxFuture<'static, Response> + use<> {
    let signals = signals.clone();
    move |request: Request| {
        let signals = signals.clone();
        Box::pin(async move {
            if request.head.path() == "/wait" {
                let _guard = DropGuard(signals.dropped);
                signals.started.notify_one();
                signals.go.notified().await;
            }
            Response::from("done")
        })
    }
}

const WAIT: &str = "GET /wait HTTP/1.1\r\nhost: t\r\n\r\n";

#[tokio::test]
async fn a_handler_is_dropped_when_its_client_goes() {
    let signals = Signals::default();
    let server = start(Server::builder(handler(&signals)));
    for abrupt in [false, true] {
        let mut client = server.connect().await;
        client.send(WAIT).await;
        signals.started.notified().await;
        if abrupt {
            socket2::SockRef::from(&client.io).set_linger(Some(Duration::ZERO)).unwrap();
        }
        drop(client);
        signals.dropped.notified().await;
    }
    server.tracker.drained().await;
    server.stop().await;
}

#[tokio::test]
async fn the_sender_of_a_body_learns_that_its_client_went() {
    let gone = Arc::new(Notify::new());
    let noticed = Arc::clone(&gone);
    let server = start(Server::builder(move |_: Request| {
        let gone = Arc::clone(&noticed);
        async move {
            let (sender, body) = ResponseBody::channel(1);
            tokio::spawn(async move {
                sender.closed().await;
                gone.notify_one();
            });
            Response::new(http::StatusCode::OK).with_body(body)
        }
    }));
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    client.head().await;
    drop(client);
    gone.notified().await;
    server.stop().await;
}

#[tokio::test]
async fn the_reader_of_a_body_learns_that_its_client_went() {
    let (sender, mut outcomes) = tokio::sync::mpsc::unbounded_channel();
    let server = start(Server::builder(move |mut request: Request| {
        let outcomes = sender.clone();
        async move {
            // In another task: the handler itself is simply dropped.
            let reading = tokio::spawn(async move {
                while let Some(data) = request.body.chunk().await {
                    outcomes.send(data).unwrap();
                }
            });
            reading.await.unwrap();
            Response::from("complete")
        }
    }));
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 10\r\n\r\nabc").await;
    assert_eq!(outcomes.recv().await.unwrap().unwrap(), "abc");
    drop(client);
    assert!(outcomes.recv().await.unwrap().is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_half_closed_client_is_answered_when_that_is_allowed() {
    let signals = Signals::default();
    let limits = Limits { half_close: true, ..Limits::default() };
    let server = start(Server::builder(handler(&signals)).limits(limits));
    let mut client = server.connect().await;
    client.send(WAIT).await;
    client.io.shutdown().await.unwrap();
    signals.started.notified().await;
    // Surely later than the end of the input.
    server.connect().await.get("/").await;
    signals.go.notify_one();
    assert_eq!(client.answer().await.text(), "done");
    assert_eq!(client.rest().await, b"");
    server.stop().await;
}

#[tokio::test]
async fn what_is_ready_is_sent_to_a_half_closed_client_anyway() {
    let server = start(Server::builder(async |_: Request| Response::from("done")));
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    client.io.shutdown().await.unwrap();
    assert_eq!(client.answer().await.text(), "done");
    server.stop().await;
}

#[tokio::test]
async fn shutting_down_finishes_what_runs_and_closes_what_waits() {
    let signals = Signals::default();
    let mut server = start(Server::builder(handler(&signals)));
    let mut idle = server.connect().await;
    assert_eq!(idle.get("/").await.text(), "done");
    let mut busy = server.connect().await;
    busy.send(WAIT).await;
    signals.started.notified().await;
    server.begin_stop();
    assert_eq!(idle.rest().await, b"");
    signals.go.notify_one();
    let answer = busy.answer().await;
    assert_eq!((answer.text(), answer.field("connection")), ("done", Some("close")));
    drop((idle, busy));
    let address = server.address;
    server.stopped().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn shutting_down_does_not_wait_for_ever() {
    let signals = Signals::default();
    let mut server = start(Server::builder(handler(&signals)).grace(Duration::from_millis(20)));
    let mut client = server.connect().await;
    client.send(WAIT).await;
    signals.started.notified().await;
    server.begin_stop();
    signals.dropped.notified().await;
    server.stopped().await;
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn a_server_that_is_dropped_drops_its_connections() {
    let signals = Signals::default();
    let server = Server::builder(handler(&signals)).bind(support::loopback()).unwrap();
    let (address, tracker) = (server.local_addr(), server.tracker());
    let task = tokio::spawn(server.run_forever());
    let mut client = support::Client::new(tokio::net::TcpStream::connect(address).await.unwrap());
    client.send(WAIT).await;
    signals.started.notified().await;
    task.abort();
    signals.dropped.notified().await;
    tracker.drained().await;
}

#[tokio::test]
async fn connections_over_the_limit_wait() {
    let signals = Signals::default();
    let server = start(Server::builder(handler(&signals)).max_connections(1));
    let mut first = server.connect().await;
    first.send(WAIT).await;
    signals.started.notified().await;
    let mut second = server.connect().await;
    second.send("GET /second HTTP/1.1\r\nhost: t\r\n\r\n").await;
    // The first is served while the second, accepted or not, is not.
    signals.go.notify_one();
    assert_eq!(first.answer().await.text(), "done");
    assert_eq!(server.tracker.accepted(), 1);
    drop(first);
    assert_eq!(second.answer().await.text(), "done");
    assert_eq!(server.tracker.accepted(), 2);
    drop(second);
    server.stop().await;
}

#[tokio::test]
async fn a_panic_ends_one_connection() {
    let server = start(Server::builder(async |request: Request| {
        assert_ne!(request.head.path(), "/panic", "this panic is part of the test");
        tokio::task::yield_now().await;
        assert_ne!(request.head.path(), "/panic-later", "this panic is part of the test");
        Response::from("fine")
    }));
    let mut other = server.connect().await;
    assert_eq!(other.get("/").await.text(), "fine");
    for path in ["/panic", "/panic-later"] {
        let mut client = server.connect().await;
        client.send(format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n")).await;
        assert_eq!(client.rest().await, b"");
    }
    assert_eq!(other.get("/").await.text(), "fine");
    drop(other);
    server.tracker.drained().await;
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_says_nothing_is_let_go() {
    let mut limits = Limits::default();
    limits.timeouts.head = Some(Duration::from_millis(20));
    limits.timeouts.idle = Some(Duration::from_millis(20));
    let server = start(Server::builder(async |_: Request| Response::from("fine")).limits(limits));
    let mut silent = server.connect().await;
    assert_eq!(silent.rest().await, b"");
    let mut slow = server.connect().await;
    slow.send("GET / HTTP/1.1\r\n").await;
    assert_eq!(slow.answer().await.status, 408);
    let mut idle = server.connect().await;
    assert_eq!(idle.get("/").await.text(), "fine");
    assert_eq!(idle.rest().await, b"");
    server.stop().await;
}
