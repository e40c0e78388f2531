//! tower services and axum routers.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, Version, header};
use axum::routing::{get, post};
use futures::{StreamExt as _, stream};
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use wirelace_http_semantics::{FieldId, Fields, HttpMachine as _};
use wirelace_server::{RawFields, RequestBody, Server};

use crate::peer::{connect, head};
use crate::support::start;

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/user/{name}", get(|Path(name): Path<String>| async move { format!("user {name}") }))
        .route("/echo", post(|request: Request| async { request.into_body() }))
        .route("/upper", post(|text: String| async move { text.to_uppercase() }))
        .route(
            "/stream",
            get(|| async {
                let pieces = stream::iter(["a", "bb", "ccc"]).map(Ok::<_, Infallible>);
                ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(pieces))
            }),
        )
        .route("/closes", get(|| async { ([(header::CONNECTION, "close")], "open") }))
        .fallback(async |request: Request| {
            let cookies: Vec<_> = request.headers().get_all(header::COOKIE).iter().collect();
            let host = request.headers().get(header::HOST);
            assert_eq!(request.version(), Version::HTTP_2);
            (StatusCode::NOT_FOUND, format!("{} {host:?} {cookies:?}", request.uri()))
        })
}

#[tokio::test]
async fn an_unmodified_router_is_served() {
    let server = start(Server::builder_tower(router()));
    let mut peer = connect(&server).await;
    assert_eq!(peer.fetch("/").await, "hello");
    let streams: Vec<_> = (0..50).map(|number| peer.get(&format!("/user/{number}?x"))).collect();
    for (number, stream) in streams.into_iter().enumerate() {
        assert_eq!(peer.answer(stream).await.text(), format!("user {number}"));
    }
    assert_eq!(peer.fetch("/stream").await, "abbccc");
    assert_eq!(peer.fetch("/closes").await, "open");
    for (path, wanted) in [("/upper", "ABC"), ("/echo", "abc")] {
        let stream = peer.send(head(Method::POST, path), false);
        peer.data(stream, b"a", false);
        peer.flush().await;
        peer.data(stream, b"bc", true);
        assert_eq!(peer.answer(stream).await.text(), wanted);
    }
    let stream = peer.send(head(Method::DELETE, "/"), true);
    let answer = peer.answer(stream).await;
    assert_eq!((answer.status(), answer.field("allow")), (405, Some("GET,HEAD")));
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn uris_say_where_they_lead_and_cookies_are_joined() {
    let server = start(Server::builder_tower(router()));
    let mut peer = connect(&server).await;
    let mut other = head(Method::GET, "/b");
    other.fields.set(FieldId::HOST, "other.example:8080").unwrap();
    other.fields.push(FieldId::COOKIE, "a=1").unwrap();
    other.fields.push(FieldId::COOKIE, "b=2").unwrap();
    for (head, text) in [
        (head(Method::GET, "/a?b=c"), "http://test.example/a?b=c Some(\"test.example\") []"),
        (other, "http://other.example:8080/b Some(\"other.example:8080\") [\"a=1; b=2\"]"),
        (head(Method::GET, "/a"), "http://test.example/a Some(\"test.example\") []"),
    ] {
        let stream = peer.send(head, true);
        assert_eq!(peer.answer(stream).await.text(), text);
    }
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn the_asterisk_is_a_path() {
    let service = tower::service_fn(async |request: http::Request<RequestBody>| {
        let uri = request.uri();
        let said = format!("{} {:?} {:?}", uri.path(), uri.scheme_str(), uri.host());
        Ok::<_, Infallible>(http::Response::new(said))
    });
    let server = start(Server::builder_tower(service));
    let mut peer = connect(&server).await;
    let stream = peer.send(head(Method::OPTIONS, "*"), true);
    assert_eq!(peer.answer(stream).await.text(), "* Some(\"http\") Some(\"test.example\")");
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn trailers_pass_the_bridge() {
    let service = tower::service_fn(async |request: http::Request<RequestBody>| {
        let collected = request.into_body().collect().await.unwrap();
        let trailers: HeaderMap = collected.trailers().unwrap().clone();
        let frames = [http_body::Frame::data(collected.to_bytes()), http_body::Frame::trailers(trailers)];
        let frames = stream::iter(frames.map(Ok::<_, Infallible>));
        Ok::<_, Infallible>(http::Response::new(StreamBody::new(frames)))
    });
    let server = start(Server::builder_tower(service));
    let mut peer = connect(&server).await;
    let stream = peer.send(head(Method::POST, "/"), false);
    peer.data(stream, b"body", false);
    let mut trailers = Fields::new();
    trailers.push("x-checksum", "7").unwrap();
    peer.machine.send_trailers(stream, trailers).unwrap();
    let answer = peer.answer(stream).await;
    assert_eq!(answer.text(), "body");
    assert_eq!(answer.trailers.unwrap().get_str("x-checksum"), Some("7"));
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn raw_fields_are_there_on_request() {
    let service = tower::service_fn(async |request: http::Request<RequestBody>| {
        let RawFields(fields) = request.extensions().get::<RawFields>().unwrap();
        let names: Vec<_> = fields.iter().map(|field| field.name.escape_ascii().to_string()).collect();
        Ok::<_, Infallible>(http::Response::new(names.join(" ")))
    });
    let server = start(Server::builder_tower(service).raw_fields(true));
    let mut peer = connect(&server).await;
    let mut request = head(Method::GET, "/");
    request.fields.push("x-b", "1").unwrap();
    request.fields.push("x-a", "2").unwrap();
    let stream = peer.send(request, true);
    assert_eq!(peer.answer(stream).await.text(), "host x-b x-a");
    drop(peer);
    server.stop().await;
}
