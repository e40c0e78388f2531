//! What requests know of their TLS, and of who the client is.

use std::convert::Infallible;

use http_body_util::Full;
use tower::service_fn;
use wirelace_server::{ClientIdentity, Request, RequestBody, RequestContext, Response, Server};
use wirelace_tls_glue::{ClientCertificates, HandshakeReport, TlsVersion, Verification};

use crate::support::{loopback, start};
use crate::world::{Authority, NAME, der, dial, try_dial};

fn told(report: Option<&HandshakeReport>) -> String {
    let Some(report) = report else { return "in the clear".to_owned() };
    let alpn = report.alpn.as_ref().map(|alpn| alpn.escape_ascii().to_string()).unwrap_or_default();
    let name = report.server_name.as_deref().unwrap_or_default();
    format!("{} {} {alpn} {name} {}", report.version, report.cipher_suite, report.resumed)
}

#[tokio::test]
async fn handlers_see_the_handshake() {
    let authority = Authority::new("root");
    let handler = async |request: Request| Response::from(told(request.tls()));
    let mut server = Server::builder(handler).bind(loopback()).unwrap();
    let plain = server.local_addr();
    let secure = server.also_bind_tls(loopback(), authority.server().build().unwrap()).unwrap();
    assert_eq!(server.local_addrs().collect::<Vec<_>>(), [plain, secure]);
    let server = tokio::spawn(server.run_forever());

    let mut client = crate::support::Client::new(tokio::net::TcpStream::connect(plain).await.unwrap());
    assert_eq!(client.get("/").await.text(), "in the clear");
    for (version, suite) in [
        (TlsVersion::Tls13, "TLS_AES_256_GCM_SHA384"),
        (TlsVersion::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ] {
        let tls = authority.client().versions(version, version).alpn(["http/1.1"]).build().unwrap();
        for resumed in [false, true] {
            let expected = format!("{version} {suite} http/1.1 {NAME} {resumed}");
            assert_eq!(dial(secure, &tls).await.get("/").await.text(), expected);
        }
    }
    server.abort();
}

#[tokio::test]
async fn services_see_it_in_the_extensions() {
    let authority = Authority::new("root");
    let service = service_fn(async |request: http::Request<RequestBody>| {
        let extensions = request.extensions();
        let client = extensions.get::<ClientIdentity>().map(|client| client.chain().len());
        let report = extensions.get::<RequestContext>().and_then(RequestContext::tls);
        let text = format!("{} {client:?}", told(report));
        Ok::<_, Infallible>(http::Response::new(Full::<bytes::Bytes>::from(text)))
    });
    let allow = ClientCertificates::Optional(vec![authority.root.clone()]);
    let tls = authority.server().client_certificates(allow).build().unwrap();
    let server = start(Server::builder_tower(service).tls(tls));
    let expected = format!("TLS 1.3 TLS_AES_256_GCM_SHA384  {NAME} false");
    let anonymous = authority.client().sessions(0).build().unwrap();
    let known = authority.client().sessions(0).identity(authority.identity("client")).build().unwrap();
    for (tls, client) in [(anonymous, "None"), (known, "Some(1)")] {
        let answer = dial(server.address, &tls).await.get("/").await;
        assert_eq!(answer.text(), format!("{expected} {client}"));
    }
    server.stop().await;
}

/// The client's certificate, if it is known who it is.
async fn who(request: Request) -> Response {
    let Some(client) = request.client_identity() else { return Response::from("nobody") };
    let report = request.tls().unwrap();
    assert_eq!(report.verification, Verification::Chain);
    assert_eq!(client.certificate(), client.chain()[0]);
    Response::from(format!("{} {}", report.resumed, hex(client.certificate())))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[tokio::test]
async fn identities_are_those_of_trusted_certificates() {
    let (authority, other) = (Authority::new("root"), Authority::new("other"));
    let roots = || vec![authority.root.clone()];
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        for (asked, anonymous_is_served) in [
            (ClientCertificates::None, true),
            (ClientCertificates::Optional(roots()), true),
            (ClientCertificates::Required(roots()), false),
        ] {
            let asks = !matches!(asked, ClientCertificates::None);
            let tls = authority.server().versions(version, version).client_certificates(asked).build();
            let server = start(Server::builder(who).tls(tls.unwrap()));

            let known = authority.identity("client");
            let tls = authority.client().identity(known.clone()).build().unwrap();
            for resumed in [false, true] {
                let expected = match asks {
                    true => format!("{resumed} {}", hex(&der(&known))),
                    false => "nobody".to_owned(),
                };
                assert_eq!(dial(server.address, &tls).await.get("/").await.text(), expected);
            }

            let anonymous = authority.client().build().unwrap();
            let answer = ask(server.address, &anonymous).await;
            assert_eq!(answer.as_deref(), anonymous_is_served.then_some("nobody"));

            // Of an authority that is not trusted: refused even where a certificate is optional.
            let stranger = authority.client().identity(other.identity("client")).build().unwrap();
            let answer = ask(server.address, &stranger).await;
            assert_eq!(answer.as_deref(), (!asks).then_some("nobody"));
            server.stop().await;
        }
    }
}

/// The answer, or that there is none: a client of TLS 1.3 hears of its refusal after its own handshake.
async fn ask(address: std::net::SocketAddr, tls: &wirelace_tls_glue::ClientTls) -> Option<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut io = try_dial(address, tls).await.ok()?.io;
    // A certificate that is said in fields is nobody's.
    let request = b"GET / HTTP/1.1\r\nhost: t\r\nconnection: close\r\nclient-cert: :MA==:\r\nx-ssl-client-verify: SUCCESS\r\nx-client-identity: admin\r\n\r\n";
    io.write_all(request).await.ok()?;
    io.flush().await.ok()?;
    let mut answer = String::new();
    io.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    Some(body.to_owned())
}
