//! What a server says without having been asked.

use bytes::Bytes;
use http::{Method, StatusCode};
use wirelace_client::Notice;
use wirelace_http_semantics::{FieldId, HttpMachine, Reason, RequestHead, ResponseHead, SendError, StreamId};
use wirelace_http2::Limits;

use crate::world::{Server, get, options, pair, pair_with, response, spawn, text, within};

async fn push(server: &Server, parent: StreamId, path: &str, host: &str) -> Result<StreamId, SendError> {
    let mut head = RequestHead::new(Method::GET, path.to_owned()).unwrap();
    head.fields.push(FieldId::HOST, host).unwrap();
    server.act(move |machine| machine.push(parent, head)).await
}

#[tokio::test]
async fn pushes_are_not_taken_unless_that_is_wanted() {
    let (handle, mut server) = pair();
    assert!(handle.take_pushes().is_none());
    let fetching = spawn(&handle, get("/"));
    let (stream, ..) = server.request().await;
    assert!(!server.act(|machine| machine.may_push()).await);
    server.answer(stream, "").await;
    response(fetching).await.unwrap();
}

#[tokio::test]
async fn pushes_are_taken_refused_and_given_up() {
    let (handle, mut server) = pair_with(options().push(true), Limits::default());
    let mut pushes = handle.take_pushes().unwrap();
    let fetching = spawn(&handle, get("/"));
    let (parent, ..) = server.request().await;
    let taken = push(&server, parent, "/a.css", "example.com").await.unwrap();
    let unwanted = push(&server, parent, "/b.css", "EXAMPLE.com").await.unwrap();
    let foreign = push(&server, parent, "/c.css", "other.example").await.unwrap();
    let promised = within(pushes.next()).await.unwrap();
    assert_eq!(promised.request().path(), "/a.css");
    assert_eq!(promised.to_request().unwrap().uri(), "http://example.com/a.css");
    drop(within(pushes.next()).await.unwrap());
    assert_eq!(server.reset(unwanted).await, Reason::Cancel);
    assert_eq!(server.reset(foreign).await, Reason::Protocol);
    server.answer(taken, "body {}").await;
    let pushed = within(promised.into_response()).await.unwrap();
    assert_eq!((pushed.status(), text(pushed).await.as_str()), (StatusCode::OK, "body {}"));
    drop(pushes);
    let late = push(&server, parent, "/d.css", "example.com").await.unwrap();
    assert_eq!(server.reset(late).await, Reason::Refused);
    server.answer(parent, "the page").await;
    assert_eq!(text(response(fetching).await.unwrap()).await, "the page");
}

#[tokio::test]
async fn a_push_is_for_the_authority_of_its_own_request() {
    let (handle, mut server) = pair_with(options().push(true), Limits::default());
    let mut pushes = handle.take_pushes().unwrap();
    let first = spawn(&handle, get("/"));
    let (one, ..) = server.request().await;
    let request = http::Request::get("http://other.example/").body(http_body_util::Empty::<Bytes>::new());
    let second = spawn(&handle, request.unwrap());
    let (two, ..) = server.request().await;
    let wrong = push(&server, one, "/1", "other.example").await.unwrap();
    let right = push(&server, two, "/2", "other.example").await.unwrap();
    assert_eq!(server.reset(wrong).await, Reason::Protocol);
    let promised = within(pushes.next()).await.unwrap();
    assert_eq!(promised.request().path(), "/2");
    server.act(move |machine| machine.reset(right, Reason::Internal)).await;
    assert!(within(promised.into_response()).await.is_err());
    for stream in [one, two] {
        server
            .act(move |machine| {
                machine.send_message(stream, ResponseHead::new(StatusCode::OK), Bytes::new()).unwrap();
            })
            .await;
    }
    response(first).await.unwrap();
    response(second).await.unwrap();
}

#[tokio::test]
async fn services_and_origins() {
    let (handle, mut server) = pair();
    let mut notices = handle.take_notices().unwrap();
    let fetching = spawn(&handle, get("/"));
    let (stream, ..) = server.request().await;
    server
        .act(move |machine| {
            machine.send_alt_svc(None, b"https://a.example", b"h3=\":443\"").unwrap();
            machine.send_alt_svc(Some(stream), b"", b"clear").unwrap();
            machine.send_origin(&[b"https://a.example", b"https://b.example"]).unwrap();
        })
        .await;
    let alt_svc = |origin, value| Notice::AltSvc {
        origin: Bytes::from_static(origin),
        value: Bytes::from_static(value),
    };
    assert_eq!(within(notices.next()).await, Some(alt_svc(b"https://a.example", b"h3=\":443\"")));
    assert_eq!(within(notices.next()).await, Some(alt_svc(b"http://example.com", b"clear")));
    let origins = vec![Bytes::from("https://a.example"), Bytes::from("https://b.example")];
    assert_eq!(within(notices.next()).await, Some(Notice::Origin(origins)));
    server.answer(stream, "").await;
    response(fetching).await.unwrap();
}
