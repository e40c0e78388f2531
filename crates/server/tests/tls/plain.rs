//! Beside TLS: Strict-Transport-Security, and the listener that sends everyone there.

use tokio::net::TcpStream;
use wirelace_server::{HstsPolicy, Request, Response, Server};

use crate::support::{Client, loopback};
use crate::world::{Authority, dial};

const FIELD: &str = "strict-transport-security";

async fn answer(request: Request) -> Response {
    let response = Response::from("served");
    match request.head.path() {
        "/own" => response.with_field(FIELD, "max-age=1").unwrap(),
        _ => response,
    }
}

async fn plainly(address: std::net::SocketAddr) -> Client {
    Client::new(TcpStream::connect(address).await.unwrap())
}

#[tokio::test]
async fn the_policy_is_told_over_tls_alone() {
    let authority = Authority::new("root");
    let policy = HstsPolicy::new(31_536_000).include_subdomains();
    let mut server = Server::builder(answer).hsts(policy).bind(loopback()).unwrap();
    let plain = server.local_addr();
    let secure = server.also_bind_tls(loopback(), authority.server().build().unwrap()).unwrap();
    let redirect = server.also_bind_redirect(loopback(), secure.port()).unwrap();
    let server = tokio::spawn(server.run_forever());

    let mut client = dial(secure, &authority.client().build().unwrap()).await;
    let expected = "max-age=31536000; includeSubDomains";
    assert_eq!(client.get("/").await.field(FIELD), Some(expected));
    // Once, and the application's own.
    let own = client.get("/own").await;
    let fields: Vec<_> =
        own.fields.iter().filter(|(name, _)| name == FIELD).map(|(_, value)| value).collect();
    assert_eq!(fields, ["max-age=1"]);
    assert_eq!(plainly(plain).await.get("/").await.field(FIELD), None);
    let sent_away = plainly(redirect).await.get("/").await;
    assert_eq!((sent_away.status, sent_away.field(FIELD)), (301, None));
    server.abort();
}

#[tokio::test]
async fn without_a_policy_nothing_is_told() {
    let authority = Authority::new("root");
    let server = crate::support::start(Server::builder(answer).tls(authority.server().build().unwrap()));
    let mut client = dial(server.address, &authority.client().build().unwrap()).await;
    assert_eq!(client.get("/").await.field(FIELD), None);
    server.stop().await;
}

#[tokio::test]
async fn the_redirect_keeps_host_and_path() {
    let mut server = Server::builder(answer).bind(loopback()).unwrap();
    let usual = server.also_bind_redirect(loopback(), 443).unwrap();
    let other = server.also_bind_redirect(loopback(), 8443).unwrap();
    let server = tokio::spawn(server.run_forever());
    for (address, request, expected) in [
        (usual, "GET /a?b=c HTTP/1.1\r\nhost: example.com", Ok((301, "https://example.com/a?b=c"))),
        (usual, "HEAD / HTTP/1.1\r\nhost: example.com:80", Ok((301, "https://example.com/"))),
        (other, "GET / HTTP/1.1\r\nhost: example.com:8080", Ok((301, "https://example.com:8443/"))),
        (other, "GET / HTTP/1.1\r\nhost: [::1]:8080", Ok((301, "https://[::1]:8443/"))),
        (usual, "GET http://one.example/x HTTP/1.1\r\nhost: two.example", Ok((301, "https://one.example/x"))),
        // A form that is sent again stays one.
        (usual, "POST /form HTTP/1.1\r\nhost: a\r\ncontent-length: 0", Ok((308, "https://a/form"))),
        (usual, "DELETE /x HTTP/1.1\r\nhost: a", Ok((308, "https://a/x"))),
        (usual, "OPTIONS * HTTP/1.1\r\nhost: a", Err(400)),
        (usual, "GET / HTTP/1.0", Err(400)),
    ] {
        let mut client = plainly(address).await;
        client.send(format!("{request}\r\n\r\n")).await;
        let answer = client.head().await;
        match expected {
            Ok((status, location)) => {
                assert_eq!((answer.status, answer.field("location")), (status, Some(location)), "{request}");
            }
            Err(status) => {
                assert_eq!((answer.status, answer.field("location")), (status, None), "{request}");
            }
        }
    }
    server.abort();
}
