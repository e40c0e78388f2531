//! PROXY headers in front of TLS.

mod support;

use std::time::Duration;

use bytes::Bytes;
use support::start;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wirelace_runtime::tls::connect;
use wirelace_server::{ProxyProtocol, Request, Response, Server, Transport};
use wirelace_tls_glue::{CertificateStore, ClientTls, Identity, Roots, ServerTls};

fn tls(timeout: Duration) -> ServerTls {
    let made = rcgen::generate_simple_self_signed(vec!["example.com".to_owned()]).unwrap();
    let chain = vec![Bytes::from(made.cert.der().to_vec())];
    let identity = Identity::from_der(chain, &made.signing_key.serialize_der()).unwrap();
    let tls = ServerTls::builder(CertificateStore::new(vec![identity])).handshake_timeout(Some(timeout));
    tls.build().unwrap()
}

async fn addresses(request: Request) -> Response {
    let info = request.connection();
    assert_eq!(info.transport, Transport::Tls);
    Response::from(format!("{} {}", info.peer, info.local))
}

#[tokio::test]
async fn the_header_comes_before_the_handshake() {
    let builder = Server::builder(addresses).tls(tls(Duration::from_secs(10)));
    let server = start(builder.proxy_protocol(ProxyProtocol::Required));
    let mut client = server.connect().await;
    client.send(b"PROXY TCP4 192.0.2.1 198.51.100.1 4000 443\r\n").await;
    let insecure = ClientTls::builder(Roots::Insecure).build().unwrap();
    let mut stream = connect(client.io, &insecure, "example.com").await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("192.0.2.1:4000 198.51.100.1:443"), "{answer}");
    // Without one there is no handshake.
    let client = server.connect().await;
    connect(client.io, &insecure, "example.com").await.unwrap_err();
    server.stop().await;
}

#[tokio::test]
async fn it_has_the_time_of_a_handshake() {
    let builder = Server::builder(addresses).tls(tls(Duration::from_millis(50)));
    let server = start(builder.proxy_protocol(ProxyProtocol::Required));
    let mut client = server.connect().await;
    client.send(b"PROXY TCP4 192.0.2.1").await;
    // Whether it is an end or a reset.
    let _ = client.io.read_to_end(&mut Vec::new()).await;
    server.tracker.drained().await;
    server.stop().await;
}
