//! Connections that end.

use bytes::Bytes;
use http_body_util::{BodyExt, Channel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirelace_client::{Error, Notice};
use wirelace_http_semantics::{HttpMachine, Reason};
use wirelace_http2::{ErrorCode, Limits, Malformed};

use crate::world::{connected, get, options, pair, pair_with, response, spawn, text, within};

#[tokio::test]
async fn a_server_that_goes_away_finishes_what_it_has_taken() {
    let (handle, mut server) = pair_with(options(), Limits { streams: 1, ..Limits::default() });
    let mut notices = handle.take_notices().unwrap();
    assert!(handle.take_notices().is_none());
    within(handle.settled()).await;
    let running = spawn(&handle, get("/running"));
    let stream = server.request_for("/running").await;
    let queued = spawn(&handle, get("/queued"));
    server.act(|machine| machine.shut_down()).await;
    assert_eq!(within(notices.next()).await, Some(Notice::GoAway(Reason::NoError)));
    for late in [queued, spawn(&handle, get("/late"))] {
        let error = response(late).await.unwrap_err();
        assert!(matches!(error, Error::GoingAway(Reason::NoError)) && error.is_retry_safe(), "{error}");
    }
    assert!(!handle.is_open());
    server.answer(stream, "done").await;
    assert_eq!(text(response(running).await.unwrap()).await, "done");
    assert_eq!(within(notices.next()).await, None);
    server.ended().await;
}

#[tokio::test]
async fn a_refused_request_is_safe_to_send_again() {
    let (handle, mut server) = pair();
    let fetching = spawn(&handle, get("/"));
    let (stream, ..) = server.request().await;
    server.act(move |machine| machine.reset(stream, Reason::Refused)).await;
    let error = response(fetching).await.unwrap_err();
    assert!(matches!(error, Error::Refused) && error.is_retry_safe(), "{error}");
    let fetching = spawn(&handle, get("/"));
    let (stream, ..) = server.request().await;
    server.act(move |machine| machine.reset(stream, Reason::Internal)).await;
    let error = response(fetching).await.unwrap_err();
    assert!(
        matches!(error, Error::ResetByServer(ErrorCode::INTERNAL_ERROR)) && !error.is_retry_safe(),
        "{error}"
    );
    assert!(handle.is_open());
}

#[tokio::test]
async fn a_body_that_is_cut_says_why() {
    let (handle, mut server) = pair();
    let fetching = spawn(&handle, get("/"));
    let (stream, ..) = server.request().await;
    server.begin(stream).await;
    server.send(stream, b"some", false).await;
    let mut body = response(fetching).await.unwrap().into_body();
    assert_eq!(within(body.frame()).await.unwrap().unwrap().into_data().unwrap(), "some");
    server.act(move |machine| machine.reset(stream, Reason::Internal)).await;
    let error = within(body.frame()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::ResetByServer(ErrorCode::INTERNAL_ERROR)), "{error}");
    assert!(within(body.frame()).await.is_none());
}

#[tokio::test]
async fn a_malformed_response_says_which_rule_it_breaks() {
    let (near, mut far) = tokio::io::duplex(64 * 1024);
    let handle = connected(near, options());
    let fetches: Vec<_> = (0..2).map(|_| spawn(&handle, get("/"))).collect();
    far.write_all(SETTINGS).await.unwrap();
    while handle.stats().await.unwrap().exchanges < 2 {}
    // HEADERS: `:status: 200`, `X: 1`, and again with a name in lower case.
    far.write_all(b"\0\0\x06\x01\x05\0\0\0\x01\x88\0\x01X\x011").await.unwrap();
    far.write_all(b"\0\0\x06\x01\x05\0\0\0\x03\x88\0\x01x\x011").await.unwrap();
    let mut fetches = fetches.into_iter();
    let error = response(fetches.next().unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Malformed(Malformed::Name)) && !error.is_retry_safe(), "{error}");
    assert!(error.to_string().contains("lower-case"), "{error}");
    assert_eq!(response(fetches.next().unwrap()).await.unwrap().headers()["x"], "1");
}

/// SETTINGS without any.
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn what_ends_the_connection_reaches_every_exchange() {
    for (said, what) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "(RFC 9113 §4.2)"),
        // PING of seven bytes.
        (b"\0\0\0\x04\0\0\0\0\0\0\0\x07\x06\0\0\0\0\0abcdefg", "PING"),
        // GOAWAY, ENHANCE_YOUR_CALM.
        (
            b"\0\0\0\x04\0\0\0\0\0\0\0\x0b\x07\0\0\0\0\0\0\0\0\x05\0\0\0\x0bno\x07",
            "the server ended the connection: ENHANCE_YOUR_CALM, \"no\\x07\"",
        ),
        (b"\0\0\0\x04\0\0\0\0\0\0\0\x08", "ended"),
        (SETTINGS, "closed before the answer"),
    ] {
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        let handle = connected(near, options());
        let fetches: Vec<_> = (0..3).map(|_| spawn(&handle, get("/"))).collect();
        let mut some = [0; 24];
        far.read_exact(&mut some).await.unwrap();
        assert_eq!(&some, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        // The requests are out.
        while handle.stats().await.unwrap().exchanges < 3 {}
        far.write_all(said).await.unwrap();
        far.shutdown().await.unwrap();
        for fetching in fetches {
            let error = response(fetching).await.unwrap_err();
            assert!(error.to_string().contains(what), "{what}: {error}");
        }
        assert!(!handle.is_open());
        assert!(handle.stats().await.is_none());
        let error = within(handle.send(get("/"))).await.unwrap_err();
        assert!(error.is_retry_safe(), "{error}");
    }
}

#[tokio::test]
async fn the_last_handle_ends_the_connection() {
    let (handle, mut server) = pair();
    let fetching = spawn(&handle, get("/"));
    let (stream, ..) = server.request().await;
    drop(handle);
    server.answer(stream, "all the same").await;
    assert_eq!(text(response(fetching).await.unwrap()).await, "all the same");
    server.ended().await;
}

#[tokio::test]
async fn an_upload_for_nobody_does_not_keep_the_connection() {
    let (handle, mut server) = pair();
    let (sender, body) = Channel::<Bytes, std::io::Error>::new(1);
    let request = http::Request::post("http://h/").body(body).unwrap();
    let sending = tokio::spawn(async move { handle.send(request).await.map(|_| ()) });
    let (stream, ..) = server.request().await;
    server.answer(stream, "").await;
    within(sending).await.unwrap().unwrap();
    server.ended().await;
    drop(sender);
}

#[tokio::test]
async fn a_handle_can_end_it_for_all() {
    let (handle, mut server) = pair();
    let running = spawn(&handle, get("/"));
    let (stream, ..) = server.request().await;
    handle.shut_down();
    while handle.is_open() {
        tokio::task::yield_now().await;
    }
    let error = within(handle.send(get("/"))).await.unwrap_err();
    assert!(error.is_retry_safe(), "{error}");
    server.answer(stream, "last").await;
    assert_eq!(text(response(running).await.unwrap()).await, "last");
    server.ended().await;
}

#[tokio::test]
async fn round_trips_are_measured() {
    let (handle, _server) = pair();
    handle.ping();
    within(async {
        while handle.stats().await.unwrap().round_trip.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[test]
fn a_runtime_that_ends_tells_who_waits() {
    let build = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (inner, outer) = (build(), build());
    let (near, _far) = tokio::io::duplex(1024);
    let handle = inner.block_on(async { connected(near, options()) });
    let mut fetching = None;
    outer.block_on(async {
        fetching = Some(spawn(&handle, get("/")));
        let given = async {
            while handle.requests() == 0 {
                tokio::task::yield_now().await;
            }
        };
        within(given).await;
    });
    drop(inner);
    outer.block_on(async {
        let error = response(fetching.unwrap()).await.unwrap_err();
        assert!(matches!(error, Error::Refused), "{error}");
        let error = within(handle.send(get("/"))).await.unwrap_err();
        assert!(matches!(error, Error::Refused), "{error}");
        assert!(within(handle.stats()).await.is_none());
    });
}
