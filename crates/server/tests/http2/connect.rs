//! Tunnels: CONNECT (RFC 9113 §8.5) and extended CONNECT (RFC 8441).

use http::{Method, StatusCode, Version};
use wirelace_http_semantics::target::TargetForm;
use wirelace_http_semantics::{FieldId, Reason, RequestHead};
use wirelace_server::{Protocol, Request, RequestBody, RequestContext, Response, ResponseBody, Server};

use crate::peer::{Peer, connect};
use crate::support::start;

fn to_connect() -> RequestHead {
    let mut head = RequestHead::new(Method::CONNECT, "far.example:443").unwrap();
    head.version = Version::HTTP_2;
    head
}

fn extended(path: &'static str) -> RequestHead {
    let mut head = RequestHead::new(Method::GET, path).unwrap();
    (head.method, head.version) = (Method::CONNECT, Version::HTTP_2);
    head.protocol = Some("websocket".into());
    head.fields.push(FieldId::HOST, "test.example").unwrap();
    head
}

fn echo(mut tunnel: RequestBody, greeting: String) -> ResponseBody {
    let (sender, body) = ResponseBody::channel(1);
    tokio::spawn(async move {
        sender.send(greeting).await.unwrap();
        while let Some(Ok(data)) = tunnel.chunk().await {
            sender.send(data).await.unwrap();
        }
        sender.send("bye").await.unwrap();
    });
    body
}

async fn tunnels(mut request: Request) -> Response {
    if request.head.method != Method::CONNECT {
        return Response::from("no tunnel");
    }
    // What comes belongs to the tunnel: there is no body.
    assert_eq!(request.body.chunk().await, None);
    let Some(tunnel) = request.take_tunnel() else { return Response::new(StatusCode::IM_A_TEAPOT) };
    match request.head.path() {
        "/refuse" => Response::new(StatusCode::FORBIDDEN).with_body("not here"),
        "/empty" => Response::new(StatusCode::OK),
        "/late" => {
            // Data may come before the tunnel is open; they wait.
            let mut tunnel = tunnel;
            let first = tunnel.chunk().await.unwrap().unwrap();
            let greeting = format!("{};", first.escape_ascii());
            Response::new(StatusCode::OK).with_body(echo(tunnel, greeting))
        }
        _ => {
            let greeting = format!("{} {:?};", request.head.target.escape_ascii(), request.head.protocol);
            Response::new(StatusCode::OK).with_body(echo(tunnel, greeting))
        }
    }
}

async fn talks(peer: &mut Peer, head: RequestHead, greeting: &str) {
    let stream = peer.send(head, false);
    peer.until(stream, |answer| answer.body == greeting.as_bytes()).await;
    for data in [&b"one"[..], b"two", b"three"] {
        peer.data(stream, data, false);
        let answer = peer.until(stream, |answer| answer.body.ends_with(data)).await;
        assert!(!answer.complete);
    }
    peer.data(stream, b".", true);
    let answer = peer.answer(stream).await;
    assert_eq!((answer.status(), answer.text()), (200, format!("{greeting}onetwothree.bye").as_str()));
    assert_eq!((answer.field("content-length"), answer.reset), (None, None));
}

#[tokio::test]
async fn both_kinds_of_tunnels_carry_data_both_ways() {
    let server = start(Server::builder(tunnels));
    let mut peer = connect(&server).await;
    assert_eq!(peer.fetch("/").await, "no tunnel");
    assert_eq!(peer.machine.connect_protocol(), Some(true));
    talks(&mut peer, to_connect(), "far.example:443 None;").await;
    talks(&mut peer, extended("/ws?x"), "/ws?x Some(\"websocket\");").await;
    assert_eq!(peer.fetch("/").await, "no tunnel");
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn what_comes_before_the_tunnel_is_open_is_the_tunnels() {
    let server = start(Server::builder(tunnels));
    let mut peer = connect(&server).await;
    peer.fetch("/").await;
    for _ in 0..2 {
        let stream = peer.send(extended("/late"), false);
        peer.data(stream, b"early", false);
        peer.until(stream, |answer| answer.body == b"early;").await;
        peer.data(stream, b"late", true);
        assert_eq!(peer.answer(stream).await.text(), "early;latebye");
    }
    // The end, too.
    let stream = peer.send(to_connect(), false);
    peer.data(stream, b"all", true);
    assert_eq!(peer.answer(stream).await.text(), "far.example:443 None;allbye");
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn a_tunnel_that_is_declined_ends_its_stream_alone() {
    let server = start(Server::builder(tunnels));
    let mut peer = connect(&server).await;
    peer.fetch("/").await;
    // More than the connection's window at first: what nobody wants is given back.
    for _ in 0..200 {
        let stream = peer.send(extended("/refuse"), false);
        peer.data(stream, &[7; 50_000], false);
        let answer = peer.answer(stream).await;
        assert_eq!((answer.status(), answer.text()), (403, "not here"));
        assert!(matches!(answer.reset, None | Some(Reason::NoError)), "{:?}", answer.reset);
        assert_eq!(peer.fetch("/").await, "no tunnel");
    }
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn a_tunnel_that_says_nothing_ends() {
    let server = start(Server::builder(tunnels));
    let mut peer = connect(&server).await;
    peer.fetch("/").await;
    let stream = peer.send(extended("/empty"), false);
    let answer = peer.answer(stream).await;
    // Nobody reads the other direction: the client may stop, which is no error (RFC 9113 §8.1).
    assert_eq!((answer.status(), answer.body.len(), answer.reset), (200, 0, Some(Reason::NoError)));
    assert_eq!(peer.fetch("/").await, "no tunnel");
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn services_have_the_protocol_and_the_tunnel() {
    let service = tower::service_fn(async |request: http::Request<RequestBody>| {
        let extensions = request.extensions();
        let protocol = extensions.get::<Protocol>().map(|protocol| protocol.as_str().to_owned());
        let tunnel = extensions.get::<RequestContext>().unwrap().take_tunnel();
        let said = format!("{} {protocol:?} {:?};", request.uri(), request.version());
        let body = match tunnel {
            Some(tunnel) => echo(tunnel, said),
            None => said.into(),
        };
        let ResponseBody::Stream(body) = body else { panic!("a stream") };
        Ok::<_, std::io::Error>(http::Response::new(body))
    });
    let server = start(Server::builder_tower(service));
    let mut peer = connect(&server).await;
    let probe = peer.send(to_connect(), false);
    peer.until(probe, |answer| answer.body == b"far.example:443 None HTTP/2.0;").await;
    talks(&mut peer, to_connect(), "far.example:443 None HTTP/2.0;").await;
    let greeting = "http://test.example/ws?x Some(\"websocket\") HTTP/2.0;";
    talks(&mut peer, extended("/ws?x"), greeting).await;
    drop(peer);
    server.stop().await;
}

#[tokio::test]
async fn heads_are_as_the_machine_has_them() {
    let server = start(Server::builder(async |request: Request| {
        let form = match request.head.form {
            TargetForm::Authority => "authority",
            TargetForm::Origin => "origin",
            _ => "other",
        };
        Response::new(StatusCode::BAD_REQUEST).with_body(form)
    }));
    let mut peer = connect(&server).await;
    let stream = peer.get("/");
    peer.answer(stream).await;
    let (plain, extended) = (peer.send(to_connect(), false), peer.send(extended("/"), false));
    assert_eq!(peer.answer(plain).await.text(), "authority");
    assert_eq!(peer.answer(extended).await.text(), "origin");
    drop(peer);
    server.stop().await;
}
