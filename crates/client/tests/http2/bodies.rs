//! Bodies, both ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Channel, Full, StreamBody};
use wirelace_client::{Error, Handle};
use wirelace_http_semantics::{Event, FieldId, Fields, Head, HttpMachine, Reason, ResponseHead};
use wirelace_http2::Limits;

use crate::world::{get, options, pair, pair_with, response, spawn, text, within};

const MEGABYTE: usize = 1 << 20;

fn post<B>(path: &str, body: B) -> Request<B> {
    Request::post(format!("http://example.com{path}")).body(body).unwrap()
}

fn upload<B>(
    handle: &Handle,
    request: Request<B>,
) -> tokio::task::JoinHandle<Result<http::Response<wirelace_client::Body>, Error>>
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<wirelace_client::BoxError>,
{
    let handle = handle.clone();
    tokio::spawn(async move { handle.send(request).await })
}

fn trailers(name: &'static str, value: &'static str) -> HeaderMap {
    [(name, value)].into_iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect()
}

#[tokio::test]
async fn whole_and_in_pieces_with_trailers() {
    let (handle, mut server) = pair();
    let fetching = upload(&handle, post("/whole", Full::new(Bytes::from("known"))));
    let (stream, head, end) = server.request().await;
    assert_eq!((head.fields.get_str(FieldId::CONTENT_LENGTH), end), (Some("5"), false));
    assert_eq!(server.body(stream).await, b"known");
    server.begin(stream).await;
    server.send(stream, b"an", false).await;
    server.send(stream, b"swer", false).await;
    let mut fields = Fields::new();
    fields.push("x-sum", "6").unwrap();
    server.act(move |machine| machine.send_trailers(stream, fields)).await.unwrap();
    let body = response(fetching).await.unwrap().into_body();
    let all = within(body.collect()).await.unwrap();
    assert_eq!(all.trailers().unwrap()["x-sum"], "6");
    assert_eq!(all.to_bytes(), "answer");

    let (mut sender, body) = Channel::<Bytes, std::io::Error>::new(1);
    let fetching = upload(&handle, post("/pieces", body));
    let (stream, head, _) = server.request().await;
    assert!(!head.fields.contains(FieldId::CONTENT_LENGTH));
    for piece in ["one", "two"] {
        sender.send_data(Bytes::from(piece)).await.unwrap();
        // It goes out although more may follow.
        assert_eq!(server.data(stream).await, (Bytes::from(piece), false));
    }
    sender.send_trailers(trailers("x-t", "1")).await.unwrap();
    let fields = server
        .wait(|event| match event {
            Event::Trailers { fields, .. } => Some(fields.clone()),
            _ => None,
        })
        .await;
    assert_eq!(fields.get_str("x-t"), Some("1"));
    server.answer(stream, "").await;
    response(fetching).await.unwrap();
}

/// A body that counts what was taken out of it.
fn counted(
    pieces: usize,
    taken: &Arc<AtomicUsize>,
) -> impl http_body::Body<Data = Bytes, Error = Error> + use<> {
    let taken = Arc::clone(taken);
    StreamBody::new(futures::stream::iter((0..pieces).map(move |_| {
        taken.fetch_add(1, Ordering::Relaxed);
        Ok(Frame::data(Bytes::from(vec![b'x'; 16 * 1024])))
    })))
}

#[tokio::test]
async fn a_server_that_does_not_take_an_upload_holds_up_nothing_else() {
    let (handle, mut server) = pair();
    let taken = Arc::new(AtomicUsize::new(0));
    let fetching = upload(&handle, post("/up", counted(256, &taken)));
    let stream = server.request_for("/up").await;
    let other = spawn(&handle, get("/other"));
    let small = server.request_for("/other").await;
    server.answer(small, "here").await;
    assert_eq!(text(response(other).await.unwrap()).await, "here");
    assert!(taken.load(Ordering::Relaxed) < 32, "the window, and what waits for it");
    assert_eq!(server.body(stream).await.len(), 4 * MEGABYTE);
    server.answer(stream, "").await;
    assert_eq!(response(fetching).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_reader_that_waits_holds_up_its_own_stream_alone() {
    let (handle, mut server) = pair();
    let fetching = spawn(&handle, get("/slow"));
    let slow = server.request_for("/slow").await;
    server.begin(slow).await;
    let unread = response(fetching).await.unwrap();
    static LARGE: [u8; 3 * MEGABYTE] = [b'y'; 3 * MEGABYTE];
    server.send(slow, &LARGE, true).await;
    for _ in 0..8 {
        let fetching = spawn(&handle, get("/quick"));
        let quick = server.request_for("/quick").await;
        server.begin(quick).await;
        server.send(quick, &LARGE, true).await;
        assert_eq!(text(response(fetching).await.unwrap()).await.len(), LARGE.len());
    }
    assert_eq!(text(unread).await.len(), LARGE.len());
}

#[tokio::test]
async fn responses_that_nobody_reads_do_not_use_up_the_window_of_the_one_that_is_read() {
    static PART: [u8; 100_000] = [b'z'; 100_000];
    let mut limits = Limits { streams: 4, window: 65_535, window_reserve: 0, ..Limits::default() };
    limits.timeouts.body = None;
    let (handle, mut server) = pair_with(options().http2_limits(limits), Limits::default());
    let fetching = spawn(&handle, get("/read"));
    let read = server.request_for("/read").await;
    server.begin(read).await;
    let reader = response(fetching).await.unwrap();
    // Complete, larger than what counts as read, and never read.
    let mut unread = Vec::new();
    for n in 0..3 {
        let fetching = spawn(&handle, get(&format!("/{n}")));
        let stream = server.request_for(&format!("/{n}")).await;
        server.begin(stream).await;
        server.send(stream, &PART[..65_535], true).await;
        unread.push(response(fetching).await.unwrap());
    }
    let waiting = spawn(&handle, get("/waiting"));
    for _ in 0..8 {
        server.send(read, &PART, false).await;
    }
    server.send(read, b"", true).await;
    assert_eq!(text(reader).await.len(), 8 * PART.len());
    let stream = server.request_for("/waiting").await;
    server.answer(stream, "let in").await;
    assert_eq!(text(response(waiting).await.unwrap()).await, "let in");
    for response in unread {
        assert_eq!(text(response).await.len(), 65_535);
    }
}

#[tokio::test]
async fn what_waits_for_windows_keeps_nobody_else_from_sending() {
    static LARGE: [u8; 3 * MEGABYTE] = [b'y'; 3 * MEGABYTE];
    let (handle, mut server) = pair();
    let mut unread = Vec::new();
    for n in 0..40 {
        let fetching = spawn(&handle, get(&format!("/{n}")));
        let stream = server.request_for(&format!("/{n}")).await;
        server.begin(stream).await;
        server.send(stream, &LARGE, true).await;
        unread.push(response(fetching).await.unwrap());
    }
    let fetching = spawn(&handle, get("/read"));
    let read = server.request_for("/read").await;
    server.begin(read).await;
    let mut reader = response(fetching).await.unwrap().into_body();
    let mut got = 0;
    for _ in 0..4 {
        // As one that writes a body does: only what is wanted.
        within(async {
            while server.act(move |machine| machine.capacity(read)).await == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        server.send(read, &LARGE[..16_384], false).await;
        while got % 16_384 != 0 || got == 0 {
            got += within(reader.frame()).await.unwrap().unwrap().into_data().unwrap().len();
        }
        got = 0;
    }
    server.send(read, b"", true).await;
    assert!(within(reader.frame()).await.is_none());
    for response in unread {
        assert_eq!(text(response).await.len(), LARGE.len());
    }
}

#[tokio::test]
async fn a_body_that_is_dropped_ends_its_exchange_alone() {
    let (handle, mut server) = pair();
    let (first, second) = (spawn(&handle, get("/1")), spawn(&handle, get("/2")));
    let (one, two) = (server.request_for("/1").await, server.request_for("/2").await);
    server.begin(one).await;
    server.send(one, b"some", false).await;
    drop(response(first).await.unwrap());
    assert_eq!(server.reset(one).await, Reason::Cancel);
    server.answer(two, "two").await;
    assert_eq!(text(response(second).await.unwrap()).await, "two");

    // One that is complete needs no word.
    let third = spawn(&handle, get("/3"));
    let three = server.request_for("/3").await;
    server.answer(three, "whole").await;
    drop(response(third).await.unwrap());
    let fourth = spawn(&handle, get("/4"));
    let four = server.request_for("/4").await;
    server.answer(four, "").await;
    response(fourth).await.unwrap();
    assert_eq!(server.act(|machine| machine.stats().resets_received).await, 1);
}

#[tokio::test]
async fn an_upload_outlives_the_response_that_nobody_reads() {
    let (handle, mut server) = pair();
    let (mut sender, body) = Channel::<Bytes, std::io::Error>::new(1);
    let fetching = upload(&handle, post("/", body));
    let (stream, ..) = server.request().await;
    server.begin(stream).await;
    drop(response(fetching).await.unwrap());
    sender.send_data(Bytes::from("still")).await.unwrap();
    assert_eq!(server.data(stream).await.0, "still");
    drop(sender);
    assert_eq!(server.data(stream).await, (Bytes::new(), true));
    // And then the rest is not wanted.
    assert_eq!(server.reset(stream).await, Reason::Cancel);
}

#[tokio::test]
async fn a_body_that_fails_ends_its_exchange_alone() {
    let (handle, mut server) = pair();
    let frames = StreamBody::new(futures::stream::iter(vec![
        Ok(Frame::data(Bytes::from("a"))),
        Err(std::io::Error::other("disk gone")),
    ]));
    let fetching = upload(&handle, post("/", frames));
    let (stream, ..) = server.request().await;
    let error = response(fetching).await.unwrap_err();
    assert_eq!(error.to_string(), "the request's body failed: disk gone");
    assert!(!error.is_retry_safe());
    server.reset(stream).await;
    assert!(handle.is_open());
}

#[tokio::test]
async fn a_body_of_another_length_than_announced_is_refused() {
    let (handle, mut server) = pair();
    let request = Request::post("http://h/").header("content-length", "3");
    let request = request.body(Full::new(Bytes::from("four"))).unwrap();
    let fetching = upload(&handle, request);
    let error = response(fetching).await.unwrap_err();
    assert!(matches!(error, Error::Request(_)), "{error}");
    let (stream, ..) = server.request().await;
    server.reset(stream).await;
}

#[tokio::test]
async fn expect_100_continue_holds_the_body_back() {
    let (handle, mut server) = pair();
    let request = || {
        let request = Request::post("http://h/").header("expect", "100-continue");
        request.body(Full::new(Bytes::from("held"))).unwrap()
    };
    let fetching = upload(&handle, request());
    let (stream, ..) = server.request().await;
    assert!(server.act(move |machine| machine.expects_continue(stream)).await);
    let go_on = Head::Response(ResponseHead::new(StatusCode::CONTINUE));
    server.act(move |machine| machine.send_head(stream, go_on, false)).await.unwrap();
    assert_eq!(server.body(stream).await, b"held");
    server.answer(stream, "").await;
    response(fetching).await.unwrap();

    let fetching = upload(&handle, request());
    let (stream, ..) = server.request().await;
    let no = ResponseHead::new(StatusCode::EXPECTATION_FAILED);
    server.act(move |machine| machine.send_message(stream, no, Bytes::new())).await.unwrap();
    assert_eq!(response(fetching).await.unwrap().status(), StatusCode::EXPECTATION_FAILED);
}

#[tokio::test]
async fn an_early_answer_stops_an_upload() {
    let (handle, mut server) = pair();
    let (sender, body) = Channel::<Bytes, std::io::Error>::new(1);
    let fetching = upload(&handle, post("/", body));
    let (stream, ..) = server.request().await;
    server
        .act(move |machine| {
            let head = ResponseHead::new(StatusCode::PAYLOAD_TOO_LARGE);
            machine.send_message(stream, head, Bytes::from_static(b"no")).unwrap();
            machine.stop_receiving(stream);
        })
        .await;
    let response = response(fetching).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(text(response).await, "no");
    // Whoever writes the body is told.
    let mut sender = sender;
    within(async { while sender.send_data(Bytes::from("more")).await.is_ok() {} }).await;
}
