//! The connection against scripted servers, over in-memory streams.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Channel, Empty, Full, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use wirelace_client::{Connection, Error, Options};
use wirelace_http_semantics::{RequestHead, ResponseHead};

fn pair() -> (Connection, DuplexStream) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    (Connection::over(near, Options::default()), far)
}

/// Reads until `end` has come.
async fn read_to(server: &mut DuplexStream, end: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end.as_bytes()) {
        let mut byte = [0];
        assert_eq!(server.read(&mut byte).await.unwrap(), 1, "the client closed after {seen:?}");
        seen.push(byte[0]);
    }
    String::from_utf8(seen).unwrap()
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://example.com{path}")).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn one_connection_for_one_request_after_the_other() {
    let (mut connection, mut server) = pair();
    let script = tokio::spawn(async move {
        let first = read_to(&mut server, "\r\n\r\n").await;
        server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none").await.unwrap();
        let second = read_to(&mut server, "\r\n\r\n").await;
        server
            .write_all(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\nx-sum: 2\r\n\r\n",
            )
            .await
            .unwrap();
        (first, second, server)
    });
    let response = connection.send(get("/one?q")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.extensions().get::<ResponseHead>().unwrap().fields.contains("content-length"));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "one");
    let body = connection.send(get("/two")).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "2");
    assert_eq!(body.to_bytes(), "two");
    let (first, second, _open) = script.await.unwrap();
    assert!(connection.is_open());
    assert_eq!(first, "GET /one?q HTTP/1.1\r\nhost: example.com\r\n\r\n");
    assert!(second.starts_with("GET /two HTTP/1.1\r\n"));
}

#[tokio::test]
async fn bodies_of_known_and_unknown_length() {
    let (mut connection, mut server) = pair();
    let script = tokio::spawn(async move {
        let known = read_to(&mut server, "known").await;
        server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        let unknown = read_to(&mut server, "0\r\nx-t: 1\r\n\r\n").await;
        server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        (known, unknown)
    });
    let request = Request::post("http://h/").body(Full::new(Bytes::from("known"))).unwrap();
    assert_eq!(connection.send(request).await.unwrap().status(), 204);
    let (mut sender, body) = Channel::<Bytes, std::io::Error>::new(1);
    let upload = tokio::spawn(async move {
        sender.send_data(Bytes::from("unknown")).await.unwrap();
        sender
            .send_trailers(
                [("x-t", "1")].into_iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect(),
            )
            .await
            .unwrap();
    });
    let request = Request::post("http://h/").body(body).unwrap();
    assert_eq!(connection.send(request).await.unwrap().status(), 204);
    upload.await.unwrap();
    let (known, unknown) = script.await.unwrap();
    assert!(known.contains("content-length: 5\r\n"), "{known}");
    assert!(unknown.contains("transfer-encoding: chunked\r\n\r\n7\r\nunknown\r\n0\r\n"), "{unknown}");
}

#[tokio::test]
async fn interim_responses_reach_the_callback_and_fields_keep_their_case() {
    let (mut connection, mut server) = pair();
    let script = tokio::spawn(async move {
        let head = read_to(&mut server, "\r\n\r\n").await;
        server.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").await.unwrap();
        server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        head
    });
    let mut head = RequestHead::new(http::Method::GET, "/x").unwrap();
    head.fields.push("HoSt", "h").unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let on_interim = move |head: &ResponseHead| record.lock().unwrap().push(head.status.as_u16());
    let response = connection.send_native(head, Empty::<Bytes>::new(), on_interim).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(*seen.lock().unwrap(), [103]);
    assert_eq!(script.await.unwrap(), "GET /x HTTP/1.1\r\nHoSt: h\r\n\r\n");
}

#[tokio::test]
async fn expect_100_continue_holds_the_body_back() {
    let (mut connection, mut server) = pair();
    let script = tokio::spawn(async move {
        let head = read_to(&mut server, "\r\n\r\n").await;
        assert!(head.contains("expect: 100-continue"));
        server
            .write_all(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).await.unwrap();
        rest
    });
    let request = Request::post("http://h/")
        .header("expect", "100-continue")
        .body(Full::new(Bytes::from("not to be sent")))
        .unwrap();
    assert_eq!(connection.send(request).await.unwrap().status(), 417);
    assert_eq!(script.await.unwrap(), b"", "the body was sent all the same");
    let error = connection.send(get("/")).await.unwrap_err();
    assert!(matches!(error, Error::Refused), "{error}");
    assert!(!connection.is_open());
}

#[tokio::test]
async fn http_1_0_reads_to_the_end_of_the_connection() {
    let (mut connection, mut server) = pair();
    let script = tokio::spawn(async move {
        let head = read_to(&mut server, "\r\n\r\n").await;
        server.write_all(b"HTTP/1.0 200 OK\r\n\r\nold times").await.unwrap();
        head
    });
    let mut request = get("/");
    *request.version_mut() = Version::HTTP_10;
    let response = connection.send(request).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_10);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "old times");
    assert!(script.await.unwrap().starts_with("GET / HTTP/1.0\r\nhost: example.com\r\n"));
}

#[tokio::test]
async fn what_the_server_does_wrong_is_told() {
    for (answer, at_head, text) in [
        (&b""[..], true, "closed before the answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", true, "inside a message"),
        (b"220 ftp\r\n", true, "bad head"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", false, "inside a message"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\n", false, "chunk size"),
    ] {
        let (mut connection, mut server) = pair();
        let script = tokio::spawn(async move {
            read_to(&mut server, "\r\n\r\n").await;
            server.write_all(answer).await.unwrap();
        });
        let error = match connection.send(get("/")).await {
            Err(error) if at_head => error,
            Ok(response) if !at_head => response.into_body().collect().await.unwrap_err(),
            other => panic!("{answer:?}: {other:?}"),
        };
        assert!(error.to_string().contains(text), "{answer:?}: {error}");
        script.await.unwrap();
    }
}

#[tokio::test]
async fn a_dropped_body_is_drained_and_a_dropped_request_ends_the_connection() {
    let (mut connection, mut server) = pair();
    let script = tokio::spawn(async move {
        read_to(&mut server, "\r\n\r\n").await;
        server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc").await.unwrap();
        // The second request comes only when the first answer has ended.
        server.write_all(b"def").await.unwrap();
        read_to(&mut server, "\r\n\r\n").await;
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).await.unwrap();
        rest
    });
    drop(connection.send(get("/1")).await.unwrap());
    {
        let second = connection.send(get("/2"));
        tokio::select! {
            biased;
            result = second => panic!("nothing answers: {result:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(connection);
    let rest = script.await.unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_body_that_fails_ends_the_request() {
    let (mut connection, mut server) = pair();
    let script = tokio::spawn(async move {
        let mut seen = Vec::new();
        server.read_to_end(&mut seen).await.unwrap();
    });
    let frames = futures_stream(vec![Ok(Bytes::from("a")), Err(std::io::Error::other("disk gone"))]);
    let request = Request::post("http://h/").body(frames).unwrap();
    let error = connection.send(request).await.unwrap_err();
    assert_eq!(error.to_string(), "the request's body failed: disk gone");
    script.await.unwrap();
}

fn futures_stream(
    parts: Vec<std::io::Result<Bytes>>,
) -> impl http_body::Body<Data = Bytes, Error = std::io::Error> {
    StreamBody::new(futures::stream::iter(parts.into_iter().map(|part| part.map(http_body::Frame::data))))
}

#[tokio::test]
async fn a_reader_that_waits_holds_the_server_back() {
    let (near, mut server) = tokio::io::duplex(1024);
    let mut connection = Connection::over(near, Options::default());
    let sent = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let total = 4 * 1024 * 1024;
    let script = tokio::spawn(async move {
        read_to(&mut server, "\r\n\r\n").await;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n");
        server.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..total / 1024 {
            server.write_all(&[b'x'; 1024]).await.unwrap();
            count.fetch_add(1024, std::sync::atomic::Ordering::Relaxed);
        }
    });
    let response = connection.send(get("/")).await.unwrap();
    // Everything runs on one thread: once nothing moves any more, all buffers are full.
    let mut last = usize::MAX;
    while last != sent.load(std::sync::atomic::Ordering::Relaxed) {
        last = sent.load(std::sync::atomic::Ordering::Relaxed);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    assert!(last < 1024 * 1024, "{last} bytes were taken that nobody read");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), total);
    script.await.unwrap();
}

#[tokio::test]
async fn an_upload_that_never_ends_does_not_outlive_its_connection() {
    let (mut connection, mut server) = pair();
    let script = tokio::spawn(async move {
        read_to(&mut server, "\r\n\r\n").await;
        server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        let mut rest = Vec::new();
        // Ends when the client's task does.
        server.read_to_end(&mut rest).await.unwrap();
    });
    let (sender, body) = Channel::<Bytes, std::io::Error>::new(1);
    let request = Request::post("http://h/").body(body).unwrap();
    assert_eq!(connection.send(request).await.unwrap().status(), 204);
    drop(connection);
    script.await.unwrap();
    drop(sender);
}

#[tokio::test]
async fn content_length_says_nothing_about_a_tunnel() {
    let (mut connection, mut server) = pair();
    let script = tokio::spawn(async move {
        read_to(&mut server, "\r\n\r\n").await;
        server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nmore than five").await.unwrap();
    });
    let request = Request::connect("h:1").body(Empty::<Bytes>::new()).unwrap();
    let response = connection.send(request).await.unwrap();
    assert_eq!(http_body::Body::size_hint(response.body()).exact(), None);
    script.await.unwrap();
    let all = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(all, &b"more than five"[..]);
}
