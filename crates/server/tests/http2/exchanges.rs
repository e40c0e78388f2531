//! Requests and responses.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::sync::{Notify, Semaphore};
use wirelace_http_semantics::{FieldId, Fields, HttpMachine as _};
use wirelace_http2::Limits as ClientLimits;
use wirelace_server::{ConnectionInfo, Http2Limits, Request, Response, ResponseBody, Server};

use crate::peer::{Peer, beside, connect, get, head};
use crate::support::{loopback, start};

async fn hello(request: Request) -> Response {
    Response::from(format!("{:?} {} {}", request.head.version, request.head.method, request.head.path()))
}

#[tokio::test]
async fn what_a_handler_says_arrives() {
    let server = start(Server::builder(hello).server_name("wire"));
    let mut peer = connect(&server).await;
    let stream = peer.get("/a?b=c");
    let answer = peer.answer(stream).await;
    assert_eq!((answer.status(), answer.text()), (200, "HTTP/2.0 GET /a"));
    assert_eq!(answer.field("content-length"), Some("15"));
    assert_eq!(answer.field("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.field("server"), Some("wire"));
    assert!(answer.field("date").unwrap().ends_with(" GMT"));
    let stream = peer.send(head(Method::HEAD, "/"), true);
    let answer = peer.answer(stream).await;
    assert_eq!((answer.status(), answer.body.len(), answer.field("content-length")), (200, 0, Some("15")));
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn a_hundred_requests_at_once_are_answered_in_any_order() {
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let server = start(Server::builder(move |request: Request| {
        let gate = Arc::clone(&waiting);
        async move {
            let number: u32 = request.head.path()[1..].parse().unwrap();
            if !number.is_multiple_of(3) {
                // Those that come later have to be through first.
                gate.acquire_many(number).await.unwrap().forget();
            }
            hello(request).await
        }
    }));
    let mut peer = connect(&server).await;
    let streams: Vec<_> = (0..100).map(|number| peer.get(&format!("/{number}"))).collect();
    for number in (0..100).step_by(3) {
        let answer = peer.answer(streams[number]).await;
        assert_eq!(answer.text(), format!("HTTP/2.0 GET /{number}"));
    }
    gate.add_permits(5000);
    for number in (0..100).rev().filter(|number| number % 3 != 0) {
        let answer = peer.answer(streams[number]).await;
        assert_eq!(answer.text(), format!("HTTP/2.0 GET /{number}"));
    }
    assert_eq!(server.tracker.accepted(), 1);
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn bodies_and_trailers_go_both_ways() {
    let server = start(Server::builder(async |mut request: Request| {
        let (sender, body) = ResponseBody::channel(1);
        tokio::spawn(async move {
            while let Some(data) = request.body.chunk().await {
                sender.send(data.unwrap()).await.unwrap();
            }
            let sum = request.body.trailers().unwrap().get("x-sum").unwrap().to_vec();
            let mut trailers = HeaderMap::new();
            trailers.insert("x-same", HeaderValue::from_bytes(&sum).unwrap());
            sender.trailers(trailers).await.unwrap();
        });
        Response::new(StatusCode::OK).with_body(body)
    }));
    let mut peer = connect(&server).await;
    let streams: Vec<_> = (0..10).map(|_| peer.send(head(Method::POST, "/"), false)).collect();
    for turn in ["one", "two", "three"] {
        for stream in &streams {
            peer.data(*stream, turn.as_bytes(), false);
        }
        for stream in &streams {
            peer.until(*stream, |answer| answer.body.ends_with(turn.as_bytes())).await;
        }
    }
    for stream in streams {
        let mut trailers = Fields::new();
        trailers.push("x-sum", stream.0.to_string()).unwrap();
        peer.machine.send_trailers(stream, trailers).unwrap();
        let answer = peer.answer(stream).await;
        assert_eq!((answer.status(), answer.text()), (200, "onetwothree"));
        assert_eq!(answer.field("content-length"), None);
        assert_eq!(answer.trailers.unwrap().get_str("x-same"), Some(stream.0.to_string().as_str()));
    }
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn bodies_larger_than_all_windows() {
    const SIZE: usize = 3_000_000;
    let server = start(Server::builder(async |request: Request| {
        let read = request.body.read_all(SIZE).await.unwrap();
        let pieces = read.chunks(70_000).map(Bytes::copy_from_slice).collect::<Vec<_>>();
        let (sender, body) = ResponseBody::channel(2);
        tokio::spawn(async move {
            for piece in pieces {
                sender.send(piece).await.unwrap();
            }
        });
        Response::new(StatusCode::OK).with_body(body)
    }));
    let mut peer = connect(&server).await;
    let data: Vec<u8> = (0..SIZE).map(|at| (at % 251) as u8).collect();
    let streams: Vec<_> = (0..3).map(|_| peer.send(head(Method::POST, "/"), false)).collect();
    for stream in &streams {
        peer.machine.send_data(*stream, data.clone().into(), true).unwrap();
    }
    for stream in streams {
        let answer = peer.answer(stream).await;
        assert!(answer.body == data, "{} bytes", answer.body.len());
    }
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn who_does_not_read_stops_its_own_stream_alone() {
    let server = start(Server::builder(async |request: Request| {
        if request.head.path() == "/unread" {
            // Holds the body, and never reads it.
            let () = std::future::pending().await;
        }
        let length = request.body.read_all(1_000_000).await.unwrap().len();
        Response::from(length.to_string())
    }));
    let mut peer = connect(&server).await;
    let stuck: Vec<_> = (0..20).map(|_| peer.send(head(Method::POST, "/unread"), false)).collect();
    for stream in &stuck {
        peer.machine.send_data(*stream, vec![0; 1_000_000].into(), true).unwrap();
    }
    let stream = peer.send(head(Method::POST, "/"), false);
    peer.machine.send_data(stream, vec![0; 1_000_000].into(), true).unwrap();
    assert_eq!(peer.answer(stream).await.text(), "1000000");
    for stream in stuck {
        peer.machine.reset(stream, wirelace_http_semantics::Reason::Cancel);
    }
    assert!(peer.fetch("/").await == "0");
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn a_slow_reader_stops_the_producer() {
    let made = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    let builder = Server::builder(move |_: Request| {
        let made = Arc::clone(&counter);
        async move {
            let (sender, body) = ResponseBody::channel(1);
            tokio::spawn(async move {
                while sender.send(vec![0; 1000]).await.is_ok() {
                    made.fetch_add(1000, std::sync::atomic::Ordering::Relaxed);
                }
            });
            Response::new(StatusCode::OK).with_body(body)
        }
    });
    let mut peer = beside(builder, ClientLimits::default());
    peer.hoards = true;
    let stream = peer.get("/");
    let window = ClientLimits::default().window as usize;
    peer.until(stream, |answer| answer.body.len() == window).await;
    // The server has the time to make more, and makes only what its buffers take.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    let made = made.load(std::sync::atomic::Ordering::Relaxed);
    assert!(made >= window && made <= window + 256 * 1024, "{made}");
    peer.machine.consumed(stream, window);
    peer.until(stream, |answer| answer.body.len() > window).await;
}

#[tokio::test]
async fn interim_responses_come_first() {
    let server = start(Server::builder(async |request: Request| {
        let mut hints = Fields::new();
        hints.push(FieldId::LINK, "</a.css>; rel=preload").unwrap();
        request.interim().early_hints(hints);
        if request.head.path() == "/later" {
            tokio::task::yield_now().await;
        }
        Response::from("done")
    }));
    let mut peer = connect(&server).await;
    for path in ["/", "/later"] {
        let stream = peer.get(path);
        let answer = peer.answer(stream).await;
        assert_eq!((answer.status(), answer.text(), answer.interim.len()), (200, "done", 1), "{path}");
        assert_eq!(answer.interim[0].status, 103);
        assert_eq!(answer.interim[0].fields.get_str("link"), Some("</a.css>; rel=preload"));
    }
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn who_expects_100_is_told_when_the_body_is_wanted() {
    let server = start(Server::builder(async |request: Request| {
        if request.head.path() == "/refuse" {
            return Response::new(StatusCode::FORBIDDEN);
        }
        Response::from(request.body.read_all(100).await.unwrap().len().to_string())
    }));
    let mut peer = connect(&server).await;
    let expecting = |path| {
        let mut head = head(Method::POST, path);
        head.fields.push(FieldId::EXPECT, "100-continue").unwrap();
        head
    };
    let stream = peer.send(expecting("/"), false);
    peer.until(stream, |answer| answer.interim.iter().any(|head| head.status == 100)).await;
    peer.data(stream, b"body", true);
    assert_eq!(peer.answer(stream).await.text(), "4");
    let stream = peer.send(expecting("/refuse"), false);
    let answer = peer.answer(stream).await;
    assert_eq!((answer.status(), answer.interim.len()), (403, 0));
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn fields_about_an_http1_connection_are_not_sent() {
    let server = start(Server::builder(async |_: Request| {
        let mut response = Response::from("x");
        for (name, value) in [
            ("connection", "close, x-hop"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "close"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
        ] {
            response = response.with_field(name, value).unwrap();
        }
        response.with_field("x-end", "1").unwrap()
    }));
    let mut peer = connect(&server).await;
    for _ in 0..2 {
        let stream = peer.get("/");
        let answer = peer.answer(stream).await;
        let names: Vec<_> =
            answer.head.as_ref().unwrap().fields.iter().map(|field| field.name.to_vec()).collect();
        assert_eq!(names.iter().filter(|name| *name != b"date" && *name != b"content-length").count(), 2);
        assert_eq!((answer.text(), answer.field("x-end")), ("x", Some("1")));
    }
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn cookies_come_as_one() {
    let server = start(Server::builder(async |request: Request| {
        let all: Vec<_> = request.head.fields.get_all(FieldId::COOKIE).collect();
        Response::from(format!("{} {}", all.len(), all[0].escape_ascii()))
    }));
    let mut peer = connect(&server).await;
    let mut head = get("/");
    for crumb in ["a=1", "b=2", "c=3"] {
        head.fields.push(FieldId::COOKIE, crumb).unwrap();
    }
    let stream = peer.send(head, true);
    // RFC 9113 §8.2.3.
    assert_eq!(peer.answer(stream).await.text(), "1 a=1; b=2; c=3");
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn limits_are_the_servers() {
    let limits = Http2Limits { streams: 2, body: 10, ..Http2Limits::default() };
    let go = Arc::new(Notify::new());
    let waiting = Arc::clone(&go);
    let server = start(
        Server::builder(move |request: Request| {
            let go = Arc::clone(&waiting);
            async move {
                if request.head.path() == "/wait" {
                    go.notified().await;
                }
                match request.body.read_all(1000).await {
                    Ok(body) => Response::from(body.len().to_string()),
                    Err(_) => Response::new(StatusCode::PAYLOAD_TOO_LARGE),
                }
            }
        })
        .http2_limits(limits),
    );
    let mut peer = connect(&server).await;
    assert_eq!(peer.fetch("/").await, "0");
    assert_eq!(peer.machine.available(), 2);
    let stream = peer.send(head(Method::POST, "/"), false);
    peer.data(stream, b"0123456789", true);
    assert_eq!(peer.answer(stream).await.text(), "10");
    let stream = peer.send(head(Method::POST, "/"), false);
    peer.data(stream, b"0123456789a", true);
    assert_ne!(peer.answer(stream).await.status(), 200);
    let first = peer.get("/wait");
    peer.get("/wait");
    assert_eq!(peer.machine.available(), 0);
    go.notify_waiters();
    peer.flush().await;
    go.notify_one();
    peer.answer(first).await;
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn octet_by_octet() {
    let server = Server::builder(hello).bind(loopback()).unwrap();
    // Both sides read one octet at a time.
    let (near, far) = tokio::io::duplex(1);
    drop(server.serve(far, ConnectionInfo::memory()));
    let mut peer = Peer::new(near, ClientLimits::default());
    peer.get("/first");
    peer.get("/second");
    // Written beside being read: neither side has room for the other's settings.
    let Peer { io, machine, .. } = &mut peer;
    let written: Vec<u8> = {
        use wirelace_wire::Machine as _;
        let output = machine.output();
        let all = output.chunks().flatten().copied().collect();
        output.clear();
        all
    };
    let (mut read, mut write) = tokio::io::split(io);
    let mut seen = Vec::new();
    let write = async {
        use tokio::io::AsyncWriteExt as _;
        write.write_all(&written).await.unwrap();
    };
    let read = async {
        use tokio::io::AsyncReadExt as _;
        while !seen.windows(6).any(|window| window == b"second") {
            let mut octet = [0];
            read.read_exact(&mut octet).await.unwrap();
            seen.push(octet[0]);
        }
    };
    tokio::join!(write, read);
    assert!(seen.windows(5).any(|window| window == b"first"));
}
