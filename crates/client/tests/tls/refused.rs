//! Servers that are not who they have to be, or no TLS servers at all.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wirelace_client::{Error, Options};
use wirelace_tls_glue::TlsVersion::{Tls12, Tls13};
use wirelace_tls_glue::{CertificateRule, ClientTls, Roots, TlsError, Verification};

use crate::world::{Authority, OK, answering, body, connect, listen, once};

/// Why, and what is said about it.
async fn refused(client: &ClientTls, authority: &Authority, name: &str) -> (CertificateRule, String) {
    let server = authority.server(&["example.com"]).build().unwrap();
    let (address, running) = once(&server, async |_| panic!("the handshake came about")).await;
    let error = connect(address, name, client).await.unwrap_err();
    let Some(TlsError::Certificate(why)) = error.tls() else { panic!("{error:?}") };
    assert!(matches!(error, Error::Handshake(_)));
    assert_eq!((why.position, why.certificates.len()), (Some(0), 1));
    // The server is told, too.
    assert_eq!(running.await.unwrap().unwrap_err(), TlsError::Alert(why.alert()));
    (why.rule.clone(), error.to_string())
}

#[tokio::test]
async fn certificates() {
    let authority = Authority::new();
    let (rule, text) = refused(&authority.client().build().unwrap(), &authority, "other.example").await;
    assert!(matches!(rule, CertificateRule::WrongHost { .. }), "{rule:?}");
    assert_eq!(
        text,
        "the peer's certificate (CN=leaf) is not for other.example, but for example.com; use one of its names, or \
         have one issued for this name"
    );
    let stranger = Authority::new();
    // Of the same name, with another key.
    let (rule, _) = refused(&stranger.client().build().unwrap(), &authority, "example.com").await;
    assert_eq!(rule, CertificateRule::BadSignature);
    let unknown = ClientTls::builder(Roots::Only(vec![other_root()])).build().unwrap();
    let (rule, text) = refused(&unknown, &authority, "example.com").await;
    assert!(matches!(rule, CertificateRule::UnknownIssuer { .. }), "{rule:?}");
    assert!(text.contains("comes from an authority that is not trusted (CN=root)"), "{text}");
}

/// An authority that is called otherwise.
fn other_root() -> bytes::Bytes {
    let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "another root");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    bytes::Bytes::copy_from_slice(params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der())
}

#[tokio::test]
async fn whoever_asks_nobody_is_told_so() {
    let server = Authority::new().server(&["example.com"]).build().unwrap();
    let address = answering("127.0.0.1", server, OK).await;
    let client = ClientTls::builder(Roots::Insecure).build().unwrap();
    let mut connection = connect(address, "other.example", &client).await.unwrap();
    assert_eq!(connection.handshake().unwrap().verification, Verification::NotVerified);
    assert_eq!(body(&mut connection).await.unwrap(), "yes");
}

#[tokio::test]
async fn versions_without_a_common_one() {
    let authority = Authority::new();
    let server = authority.server(&["example.com"]).versions(Tls13, Tls13).build().unwrap();
    let address = answering("127.0.0.1", server, OK).await;
    let client = authority.client().versions(Tls12, Tls12).build().unwrap();
    let error = connect(address, "example.com", &client).await.unwrap_err();
    assert_eq!(error.to_string(), "the server refused the TLS handshake: protocol_version");
}

#[tokio::test]
async fn what_speaks_no_tls() {
    let client = Authority::new().client().build().unwrap();
    let plain = listen("127.0.0.1", async |mut stream| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        // Until the client has read it.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let error = connect(plain, "example.com", &client).await.unwrap_err();
    assert_eq!(error.tls(), Some(&TlsError::NotTls { first: b'H' }));
    assert_eq!(error.to_string(), "not TLS: the record begins with 0x48, perhaps plain HTTP");

    let closing = listen("127.0.0.1", async |mut stream| {
        // All of its first flight, so that the end is no reset.
        stream.read_buf(&mut Vec::with_capacity(1 << 14)).await.unwrap();
    })
    .await;
    let error = connect(closing, "example.com", &client).await.unwrap_err();
    assert_eq!(error.to_string(), "the server closed the connection during the TLS handshake");

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = connect(nobody, "example.com", &client).await.unwrap_err();
    assert!(matches!(error, Error::Connect(_)), "{error:?}");
}

#[tokio::test]
async fn servers_that_say_nothing() {
    let (near, _far) = tokio::io::duplex(1 << 14);
    let client =
        Authority::new().client().handshake_timeout(Some(Duration::from_millis(20))).build().unwrap();
    let error = wirelace_client::Connection::over_tls(near, "example.com", &client, Options::default());
    let error = error.await.unwrap_err();
    assert_eq!(error.tls(), Some(&TlsError::HandshakeTimeout(Duration::from_millis(20))));
}
