//! Many exchanges on one connection.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Empty;
use tower_service::Service as _;
use wirelace_client::Error;
use wirelace_http_semantics::{FieldId, HttpMachine, Priority, Reason, RequestHead, ResponseHead};
use wirelace_http2::Limits;

use crate::world::{echoing, get, options, pair, pair_with, response, spawn, text, within};

#[tokio::test]
async fn answers_find_their_requests_in_any_order() {
    let (handle, mut server) = pair();
    let fetches: Vec<_> = (0..50).map(|n| spawn(&handle, get(&format!("/{n}?q")))).collect();
    let mut streams = Vec::new();
    for _ in 0..50 {
        let (stream, head, end) = server.request().await;
        assert!(end && head.fields.get_str(FieldId::HOST) == Some("example.com"));
        streams.push((stream, head.target.clone()));
    }
    for (stream, target) in streams.into_iter().rev() {
        let head = ResponseHead::new(StatusCode::OK);
        server.act(move |machine| machine.send_message(stream, head, target)).await.unwrap();
    }
    for (n, fetching) in fetches.into_iter().enumerate() {
        let response = response(fetching).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        assert!(response.extensions().get::<ResponseHead>().is_some());
        assert_eq!(text(response).await, format!("/{n}?q"));
    }
    assert_eq!(handle.requests(), 50);
    assert_eq!(handle.stats().await.unwrap().exchanges, 50);
}

#[tokio::test]
async fn one_after_the_other() {
    let handle = &echoing(1)[0];
    for n in 0..2000 {
        let path = format!("/{n}");
        assert_eq!(text(within(handle.send(get(&path))).await.unwrap()).await, path);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_connections_with_sixteen_at_once() {
    let mut running = tokio::task::JoinSet::new();
    for handle in echoing(16) {
        for task in 0..16 {
            let handle = handle.clone();
            running.spawn(async move {
                for n in 0..100 {
                    let path = format!("/{task}/{n}");
                    assert_eq!(text(within(handle.send(get(&path))).await.unwrap()).await, path);
                }
            });
        }
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn no_more_than_the_server_takes_first_come_first_served() {
    let limits = Limits { streams: 2, ..Limits::default() };
    let (handle, mut server) = pair_with(options(), limits);
    within(handle.settled()).await;
    let fetches: Vec<_> = (0..10).map(|n| spawn(&handle, get(&format!("/{n}")))).collect();
    let mut open = std::collections::VecDeque::new();
    for n in 0..10 {
        let (stream, head, _) = server.request().await;
        assert_eq!(head.path(), format!("/{n}"));
        open.push_back(stream);
        if open.len() == 2 {
            let stream = open.pop_front().unwrap();
            server.answer(stream, "done").await;
        }
    }
    server.answer(open.pop_front().unwrap(), "done").await;
    for fetching in fetches {
        assert_eq!(text(response(fetching).await.unwrap()).await, "done");
    }
}

#[tokio::test]
async fn who_finds_the_queue_full_waits_in_line() {
    let limits = Limits { streams: 1, ..Limits::default() };
    let (handle, mut server) = pair_with(options().queue(2), limits);
    within(handle.settled()).await;
    let fetches: Vec<_> = (0..20).map(|n| spawn(&handle, get(&format!("/{n}")))).collect();
    for n in 0..20 {
        let (stream, head, _) = server.request().await;
        assert_eq!(head.path(), format!("/{n}"));
        server.answer(stream, "ok").await;
    }
    for fetching in fetches {
        assert_eq!(text(response(fetching).await.unwrap()).await, "ok");
    }
}

#[tokio::test]
async fn who_is_given_up_in_the_queue_is_never_sent() {
    let (handle, mut server) = pair_with(options(), Limits { streams: 1, ..Limits::default() });
    within(handle.settled()).await;
    let running = spawn(&handle, get("/1"));
    let stream = server.request_for("/1").await;
    let begin = |path: &str| {
        let mut head = RequestHead::new(http::Method::GET, path.to_owned()).unwrap();
        head.fields.push(FieldId::HOST, "h").unwrap();
        handle.begin_native(head, Empty::<Bytes>::new(), |_| {})
    };
    let given_up = begin("/2").await.unwrap();
    let last = begin("/3").await.unwrap();
    let control = last.control().unwrap();
    let cancelled = begin("/4").await.unwrap();
    let urgent = begin("/5").await.unwrap();
    drop(given_up);
    control.cancel();
    cancelled.control().unwrap().cancel();
    urgent.control().unwrap().set_priority(Priority::new(1, true));
    server.answer(stream, "").await;
    let (stream, head, _) = server.request().await;
    assert_eq!(head.path(), "/5");
    let priority = loop {
        let priority = server.act(move |machine| machine.priority(stream)).await;
        if priority != Priority::default() {
            break priority;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(priority, Priority::new(1, true));
    server.answer(stream, "five").await;
    response(running).await.unwrap();
    let (head, _body) = within(urgent.native()).await.unwrap();
    assert_eq!(head.status, StatusCode::OK);
    for cancelled in [last, cancelled] {
        let error = within(cancelled).await.unwrap_err();
        assert!(matches!(error, Error::Refused | Error::Reset(Reason::Cancel)), "{error}");
    }
}

#[tokio::test]
async fn priorities_reach_the_server() {
    let (handle, mut server) = pair();
    let mut request = get("/");
    request.extensions_mut().insert(Priority::new(6, true));
    let fetching = spawn(&handle, request);
    let (stream, head, _) = server.request().await;
    assert_eq!(head.fields.get_str(FieldId::PRIORITY), Some("u=6, i"));
    server.begin(stream).await;
    let response = response(fetching).await.unwrap();
    response.body().control().unwrap().set_priority(Priority::new(0, false));
    while server.act(move |machine| machine.priority(stream)).await != Priority::new(0, false) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_request_that_is_dropped_ends_its_exchange_alone() {
    let (handle, mut server) = pair();
    let (first, second) = (spawn(&handle, get("/1")), spawn(&handle, get("/2")));
    let (one, two) = (server.request_for("/1").await, server.request_for("/2").await);
    first.abort();
    assert_eq!(server.reset(one).await, Reason::Cancel);
    server.answer(two, "two").await;
    assert_eq!(text(response(second).await.unwrap()).await, "two");
    assert!(handle.is_open());
}

#[tokio::test]
async fn interim_responses_and_native_heads() {
    let (handle, mut server) = pair();
    let (seen, mut interim) = tokio::sync::mpsc::unbounded_channel();
    let mut head = RequestHead::new(http::Method::GET, "/x").unwrap();
    head.fields.push("HoSt", "h").unwrap();
    head.fields.push("Connection", "keep-alive").unwrap();
    let answer = handle
        .begin_native(head, Empty::<Bytes>::new(), move |head| seen.send(head.status).unwrap())
        .await
        .unwrap();
    let (stream, head, _) = server.request().await;
    assert_eq!(head.fields.len(), 1);
    let hints = wirelace_http_semantics::Head::Response(ResponseHead::new(StatusCode::EARLY_HINTS));
    server.act(move |machine| machine.send_head(stream, hints, false)).await.unwrap();
    assert_eq!(within(interim.recv()).await, Some(StatusCode::EARLY_HINTS));
    server.answer(stream, "").await;
    let (head, body) = within(answer.native()).await.unwrap();
    assert_eq!((head.status, http_body::Body::is_end_stream(&body)), (StatusCode::OK, true));
    assert_eq!(within(interim.recv()).await, None, "the callback is let go of");
}

#[tokio::test]
async fn what_cannot_be_sent_harms_nobody() {
    let (handle, mut server) = pair();
    let bad = Request::get("http://h/").header("upgrade", "websocket").body(Empty::<Bytes>::new()).unwrap();
    assert!(matches!(within(handle.send(bad)).await, Err(Error::Target(_))));
    let mut head = RequestHead::new(http::Method::GET, "/").unwrap();
    head.fields.push("x", "1").unwrap();
    let error = within(handle.send_native(head, Empty::<Bytes>::new(), |_| {})).await.unwrap_err();
    assert!(matches!(error, Error::Request(_)), "{error}");
    let fetching = spawn(&handle, get("/"));
    let (stream, ..) = server.request().await;
    server.answer(stream, "fine").await;
    assert_eq!(text(response(fetching).await.unwrap()).await, "fine");
    let event = server.act(|machine| machine.stats().resets_received).await;
    assert_eq!(event, 0);
}

#[tokio::test]
async fn it_is_a_tower_service() {
    let mut handle = echoing(1).remove(0);
    let request = get("/tower");
    std::future::poll_fn(|cx| tower_service::Service::<Request<Empty<Bytes>>>::poll_ready(&mut handle, cx))
        .await
        .unwrap();
    assert_eq!(text(within(handle.call(request)).await.unwrap()).await, "/tower");
}

#[tokio::test]
async fn a_scheme_of_its_own_is_told() {
    let (handle, mut server) = pair();
    let request = Request::get("https://user@h:1/p").body(Empty::<Bytes>::new()).unwrap();
    let fetching = spawn(&handle, request);
    let (stream, head, _) = server.request().await;
    assert_eq!((head.path(), head.authority()), ("/p", Some(&b"h:1"[..])));
    server.answer(stream, "").await;
    response(fetching).await.unwrap();
}
