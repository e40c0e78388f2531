//! An axum router as it is, over real sockets.

mod support;

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Path, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::{BodyExt, Full};
use support::start;
use wirelace_server::{RawFields, RequestContext, Server};

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
        .route("/context", get(context))
}

async fn context(Extension(context): Extension<RequestContext>, headers: HeaderMap) -> impl IntoResponse {
    let mut hints = wirelace_http_semantics::Fields::new();
    hints.push("link", "</style.css>").unwrap();
    context.interim().early_hints(hints);
    (StatusCode::ACCEPTED, format!("{} {}", context.peer(), headers.len()))
}

#[tokio::test]
async fn an_unmodified_router_is_served() {
    let server = start(Server::builder_tower(router()));
    let mut client = server.connect().await;
    let hello = client.get("/").await;
    assert_eq!((hello.status, hello.text(), hello.field("content-length")), (200, "hello", Some("5")));
    assert_eq!(client.get("/user/ferris?x=1").await.text(), "user ferris");
    assert_eq!(client.get("/nowhere").await.status, 404);
    client.send("DELETE / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let refused = client.answer().await;
    assert_eq!((refused.status, refused.field("allow")), (405, Some("GET,HEAD")));
    client.send("HEAD / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(client.head().await.field("content-length"), Some("5"));
    let streamed = client.get("/stream").await;
    assert_eq!((streamed.text(), streamed.field("content-length")), ("abbccc", None));
    client.send("POST /upper HTTP/1.1\r\nhost: t\r\ncontent-length: 3\r\n\r\nabc").await;
    assert_eq!(client.answer().await.text(), "ABC");
    client.send("POST /echo HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n").await;
    client.send("3\r\ncde\r\n0\r\n\r\n").await;
    assert_eq!(client.answer().await.text(), "abcde");
    let address = client.io.local_addr().unwrap();
    client.send("GET /context HTTP/1.1\r\nhost: t\r\na: 1\r\nb: 2\r\n\r\n").await;
    assert_eq!(client.head().await.status, 103);
    let context = client.answer().await;
    assert_eq!((context.status, context.text()), (202, format!("{address} 3").as_str()));
    server.stop().await;
}

#[tokio::test]
async fn pipelined_requests_reach_the_router_in_order() {
    let server = start(Server::builder_tower(router()));
    let mut client = server.connect().await;
    let batch: String =
        (0..16).map(|number| format!("GET /user/{number} HTTP/1.1\r\nhost: t\r\n\r\n")).collect();
    client.send(batch).await;
    for number in 0..16 {
        assert_eq!(client.answer().await.text(), format!("user {number}"));
    }
    server.stop().await;
}

#[tokio::test]
async fn trailers_pass_the_bridge() {
    let service = tower::service_fn(|request: http::Request<wirelace_server::RequestBody>| async {
        let collected = request.into_body().collect().await.unwrap();
        let trailers = collected.trailers().unwrap().clone();
        let body = http_body_util::StreamBody::new(stream::iter([
            Ok::<_, Infallible>(http_body::Frame::data(collected.to_bytes())),
            Ok(http_body::Frame::trailers(trailers)),
        ]));
        Ok::<_, Infallible>(http::Response::new(body))
    });
    let server = start(Server::builder_tower(service));
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nhost: t\r\nte: trailers\r\ntransfer-encoding: chunked\r\n\r\n").await;
    client.send("3\r\nabc\r\n0\r\nx-sum: 42\r\n\r\n").await;
    let answer = client.answer().await;
    assert_eq!(answer.text(), "abc");
    assert_eq!(answer.trailers, [("x-sum".to_owned(), "42".to_owned())]);
    server.stop().await;
}

#[tokio::test]
async fn original_names_are_there_on_request() {
    let app = Router::new().route(
        "/",
        get(|Extension(RawFields(fields)): Extension<RawFields>| async move {
            let names: Vec<_> = fields.iter().map(|field| String::from_utf8_lossy(field.name)).collect();
            names.join(" ")
        }),
    );
    let server = start(Server::builder_tower(app).raw_fields(true));
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHoSt: t\r\nX-B: 1\r\nx-a: 2\r\nX-b: 3\r\n\r\n").await;
    assert_eq!(client.answer().await.text(), "HoSt X-B x-a X-b");
    server.stop().await;
}

#[tokio::test]
async fn the_host_of_an_absolute_target_replaces_that_of_the_field() {
    let app = Router::new()
        .route("/", get(async |headers: HeaderMap| headers["host"].to_str().unwrap().to_owned()));
    let server = start(Server::builder_tower(app));
    let mut client = server.connect().await;
    client
        .send("GET http://real.example:81/ HTTP/1.1\r\nhost: fake.example\r\nconnection: close\r\n\r\n")
        .await;
    let all = String::from_utf8(client.rest().await).unwrap();
    assert!(all.ends_with("\r\n\r\nreal.example:81"), "{all}");
    server.stop().await;
}

#[tokio::test]
async fn a_failing_service_is_a_500_and_the_end() {
    let service = tower::service_fn(|_: http::Request<wirelace_server::RequestBody>| async {
        Err::<http::Response<Full<Bytes>>, _>(std::io::Error::other("no database"))
    });
    let server = start(Server::builder_tower(service));
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.field("connection")), (500, Some("close")));
    assert_eq!(client.rest().await, b"");
    server.stop().await;
}

/// Is ready only at the second question, and insists on having been asked.
#[derive(Default)]
struct Shy {
    asked: u32,
}

impl Clone for Shy {
    fn clone(&self) -> Shy {
        Shy::default()
    }
}

impl tower_service::Service<http::Request<wirelace_server::RequestBody>> for Shy {
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.asked += 1;
        if self.asked.is_multiple_of(2) {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, _: http::Request<wirelace_server::RequestBody>) -> Self::Future {
        assert!(self.asked != 0 && self.asked.is_multiple_of(2), "called before it was ready");
        std::future::ready(Ok(http::Response::new(Full::from("finally"))))
    }
}

#[tokio::test]
async fn services_are_asked_before_they_are_called() {
    let server = start(Server::builder_tower(Shy::default()));
    let mut client = server.connect().await;
    for _ in 0..3 {
        assert_eq!(client.get("/").await.text(), "finally");
    }
    server.stop().await;
}

#[tokio::test]
async fn bodies_reach_extractors_and_limits_hold() {
    let app = Router::new().route(
        "/",
        post(|request: Request| async {
            match to_bytes(request.into_body(), 4).await {
                Ok(body) => body.len().to_string().into_response(),
                Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            }
        }),
    );
    let server = start(Server::builder_tower(app));
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 4\r\n\r\nabcd").await;
    assert_eq!(client.answer().await.text(), "4");
    client.send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\n\r\nabcde").await;
    assert_eq!(client.answer().await.status, 413);
    server.stop().await;
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn connect_info_is_there() {
    use axum::extract::ConnectInfo;
    use std::net::SocketAddr;

    let app = Router::new()
        .route("/", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }));
    let server = start(Server::builder_tower(app));
    let mut client = server.connect().await;
    let address = client.io.local_addr().unwrap();
    assert_eq!(client.get("/").await.text(), address.to_string());
    server.stop().await;
}
