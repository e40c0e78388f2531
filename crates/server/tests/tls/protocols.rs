//! Application protocols (ALPN).

use std::io::ErrorKind;
use std::sync::Arc;

use http::Version;
use tokio::io::AsyncReadExt as _;
use wirelace_server::{Request, Response, Server};
use wirelace_tls_glue::{Alert, CertificateSource, Hello, Identity, TlsError};

use crate::support::{loopback, start};
use crate::world::{Authority, NAME, der, dial, try_dial};

async fn protocol(request: Request) -> Response {
    let alpn = request.tls().unwrap().alpn.as_deref();
    Response::from(alpn.map_or("none".to_owned(), |alpn| alpn.escape_ascii().to_string()))
}

#[tokio::test]
async fn what_is_spoken_is_offered() {
    let authority = Authority::new("root");
    let server = start(Server::builder(protocol).tls(authority.server().build().unwrap()));
    for (offered, agreed) in [
        (&[][..], "none"),
        (&["http/1.1"], "http/1.1"),
        (&["http/1.0", "http/1.1"], "http/1.1"),
        // `curl --http1.0`.
        (&["http/1.0"], "http/1.0"),
    ] {
        let tls = authority.client().alpn(offered.iter().copied()).build().unwrap();
        assert_eq!(dial(server.address, &tls).await.get("/").await.text(), agreed, "{offered:?}");
    }
    // HTTP/2 is preferred, whatever the client finds better.
    for offered in [&["h2"][..], &["http/1.1", "h2"]] {
        let tls = authority.client().alpn(offered.iter().copied()).build().unwrap();
        let connection = dial(server.address, &tls).await.io;
        assert_eq!(connection.report().unwrap().alpn.as_deref(), Some(&b"h2"[..]), "{offered:?}");
    }
    // RFC 7301 §3.2.
    for offered in [&["h2c"][..], &["h3", "spdy/3.1"], &["HTTP/1.1"], &["acme-tls/1"]] {
        let tls = authority.client().alpn(offered.iter().copied()).build().unwrap();
        let error = try_dial(server.address, &tls).await.err().unwrap();
        assert_eq!(*error, TlsError::Alert(Alert(120)), "{offered:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_spoken_cannot_be_offered() {
    let authority = Authority::new("root");
    let tls =
        |protocols: &[&'static str]| authority.server().alpn(protocols.iter().copied()).build().unwrap();
    let bind = |tls| Server::builder(protocol).tls(tls).bind(loopback());
    let error = bind(tls(&["http/1.1", "h9"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("`h9`"), "{error}");
    let mut server = bind(tls(&["http/1.1"])).unwrap();
    server.also_bind_tls(loopback(), tls(&["h9"])).unwrap_err();
    server.also_bind_tls(loopback(), tls(&["http/1.1", "acme-tls/1"])).unwrap();
    server.also_bind_tls(loopback(), tls(&["h2"])).unwrap();
}

#[tokio::test]
async fn versions_that_are_not_wanted_are_not_offered() {
    let authority = Authority::new("root");
    for (version, agreed, other) in
        [(Version::HTTP_11, "http/1.1", "h2"), (Version::HTTP_2, "h2", "http/1.1")]
    {
        let builder = || Server::builder(protocol).http_versions([version]);
        let server = start(builder().tls(authority.server().build().unwrap()));
        let client = authority.client().alpn(["h2", "http/1.1"]).build().unwrap();
        let connection = dial(server.address, &client).await.io;
        assert_eq!(connection.report().unwrap().alpn.as_deref(), Some(agreed.as_bytes()));
        let client = authority.client().alpn([other]).build().unwrap();
        assert_eq!(*try_dial(server.address, &client).await.err().unwrap(), TlsError::Alert(Alert(120)));
        server.stop().await;
        let tls = authority.server().alpn([other]).build().unwrap();
        assert_eq!(builder().tls(tls).bind(loopback()).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

/// As an ACME crate has one: the certificate that answers a challenge goes to whoever asks for it by `acme-tls/1`.
#[derive(Debug)]
struct Challenge(Identity);

impl CertificateSource for Challenge {
    fn choose(&self, hello: &Hello<'_>) -> Option<Identity> {
        let asked = hello.alpn == [b"acme-tls/1"] && hello.server_name == Some(NAME);
        asked.then(|| self.0.clone())
    }
}

#[tokio::test]
async fn an_acme_challenge_is_answered() {
    let (authority, acme) = (Authority::new("root"), Authority::new("acme"));
    let answer = acme.identity(NAME);
    let usual = authority.server().build().unwrap();
    let store = usual.store().clone().with_source(Arc::new(Challenge(answer.clone())));
    let tls = wirelace_tls_glue::ServerTls::builder(store).alpn(["http/1.1", "acme-tls/1"]).build().unwrap();
    let server = start(Server::builder(protocol).tls(tls));

    let validator = acme.client().alpn(["acme-tls/1"]).build().unwrap();
    let mut connection = dial(server.address, &validator).await.io;
    let report = connection.report().unwrap();
    assert_eq!(report.alpn.as_deref(), Some(&b"acme-tls/1"[..]));
    assert_eq!(report.peer_certificates[0], der(&answer));
    // The handshake was all: no HTTP is spoken there (RFC 8737 §3).
    assert_eq!(connection.read_to_end(&mut Vec::new()).await.unwrap(), 0);

    // Others have the usual one.
    let tls = authority.client().alpn(["http/1.1"]).build().unwrap();
    assert_eq!(dial(server.address, &tls).await.get("/").await.text(), "http/1.1");
    server.stop().await;
}
