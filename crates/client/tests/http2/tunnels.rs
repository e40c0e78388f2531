//! CONNECT, with and without a protocol.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Channel, Empty};
use wirelace_client::{Error, Protocol};
use wirelace_http_semantics::{Head, HttpMachine, RequestHead, ResponseHead, StreamId};
use wirelace_http2::Limits;

use crate::world::{Server, get, options, pair, pair_with, response, spawn, text, within};

/// Sends back whatever comes, until its end.
async fn echo(server: &mut Server, stream: StreamId) {
    loop {
        let (data, end) = server.data(stream).await;
        server.act(move |machine| machine.send_data(stream, data, end)).await.unwrap();
        if end {
            return;
        }
    }
}

async fn next_request(server: &mut Server) -> (StreamId, RequestHead) {
    let (stream, head, _) = server.request().await;
    (stream, head)
}

#[tokio::test]
async fn both_directions() {
    let (handle, mut server) = pair();
    for protocol in [None, Some("websocket")] {
        let (mut sender, body) = Channel::<Bytes, std::io::Error>::new(1);
        let mut request = Request::connect("http://h:1/chat").body(body).unwrap();
        if let Some(protocol) = protocol {
            request.extensions_mut().insert(Protocol::new(protocol));
        } else {
            *request.uri_mut() = "h:1".parse().unwrap();
        }
        let opening = {
            let handle = handle.clone();
            tokio::spawn(async move { handle.send(request).await })
        };
        let (stream, head) = next_request(&mut server).await;
        assert_eq!((head.method.as_str(), head.protocol.as_deref()), ("CONNECT", protocol));
        assert_eq!(&head.target[..], if protocol.is_some() { &b"/chat"[..] } else { b"h:1" });
        // What is there already waits for the answer.
        sender.send_data(Bytes::from("early")).await.unwrap();
        server.begin(stream).await;
        let mut tunnel = within(opening).await.unwrap().unwrap().into_body();
        assert_eq!(http_body::Body::size_hint(&tunnel).exact(), None);
        let echoing = echo(&mut server, stream);
        let talking = async {
            assert_eq!(tunnel.frame().await.unwrap().unwrap().into_data().unwrap(), "early");
            for word in ["one", "two"] {
                sender.send_data(Bytes::from(word)).await.unwrap();
                assert_eq!(tunnel.frame().await.unwrap().unwrap().into_data().unwrap(), word);
            }
            drop(sender);
            assert!(tunnel.frame().await.is_none());
        };
        within(async { tokio::join!(echoing, talking) }).await;
    }
}

#[tokio::test]
async fn one_that_is_declined_takes_nothing() {
    let (handle, mut server) = pair();
    let (mut sender, body) = Channel::<Bytes, std::io::Error>::new(1);
    let request = Request::connect("h:1").body(body).unwrap();
    let opening = {
        let handle = handle.clone();
        tokio::spawn(async move { handle.send(request).await })
    };
    let (stream, _) = next_request(&mut server).await;
    server
        .act(move |machine| {
            let no = ResponseHead::new(StatusCode::FORBIDDEN);
            machine.send_message(stream, no, Bytes::from_static(b"no")).unwrap();
        })
        .await;
    let response = within(opening).await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(text(response).await, "no");
    within(async { while sender.send_data(Bytes::from("x")).await.is_ok() {} }).await;
    assert!(handle.is_open());
}

#[tokio::test]
async fn a_tunnel_that_nobody_writes_into_is_half_closed() {
    let (handle, mut server) = pair();
    let request = Request::connect("h:1").body(Empty::<Bytes>::new()).unwrap();
    let opening = spawn(&handle, request);
    let (stream, _) = next_request(&mut server).await;
    server.begin(stream).await;
    let tunnel = response(opening).await.unwrap();
    assert_eq!(server.data(stream).await, (Bytes::new(), true));
    server.send(stream, b"to you alone", true).await;
    assert_eq!(text(tunnel).await, "to you alone");
}

#[tokio::test]
async fn a_server_has_to_take_protocols() {
    let (handle, mut server) = pair_with(options(), Limits { connect_protocol: false, ..Limits::default() });
    let mut request = Request::connect("http://h/chat").body(Empty::<Bytes>::new()).unwrap();
    request.extensions_mut().insert(Protocol::new("websocket"));
    // It waits until that is known.
    let error = response(spawn(&handle, request)).await.unwrap_err();
    assert!(matches!(error, Error::NoExtendedConnect), "{error}");
    let fetching = spawn(&handle, get("/"));
    let (stream, _) = next_request(&mut server).await;
    let head = Head::Response(ResponseHead::new(StatusCode::NO_CONTENT));
    server.act(move |machine| machine.send_head(stream, head, true)).await.unwrap();
    assert_eq!(response(fetching).await.unwrap().status(), StatusCode::NO_CONTENT);
}
