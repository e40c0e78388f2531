//! Handshakes that come about.

use wirelace_client::{Connection, Error, HttpVersion, Options};
use wirelace_tls_glue::TlsVersion::{Tls12, Tls13};
use wirelace_tls_glue::{Alert, ClientCertificates, Pin, TlsError, Verification};

use crate::world::{Authority, OK, answering, body, connect, once, read_head};

#[tokio::test]
async fn the_report_says_what_was_agreed_on() {
    let authority = Authority::new();
    for version in [Tls12, Tls13] {
        let server = authority.server(&["example.com"]).versions(version, version).build().unwrap();
        let address = answering("127.0.0.1", server, OK).await;
        let mut connection =
            connect(address, "example.com", &authority.client().build().unwrap()).await.unwrap();
        let report = connection.handshake().unwrap().clone();
        assert_eq!((report.version, report.resumed), (version, false));
        assert_eq!(report.alpn.as_deref(), Some(&b"http/1.1"[..]));
        assert_eq!((report.verification, report.peer_certificates.len()), (Verification::Chain, 1));
        assert_eq!(body(&mut connection).await.unwrap(), "yes");
        assert_eq!(body(&mut connection).await.unwrap(), "yes");
        assert_eq!(connection.requests(), 2);
    }
}

#[tokio::test]
async fn names_and_addresses() {
    let authority = Authority::new();
    let hosts = ["example.com", "*.example.org", "127.0.0.1", "::1"];
    let server = authority.server(&hosts).build().unwrap();
    let client = authority.client().build().unwrap();
    for (ip, name) in [
        ("127.0.0.1", "example.com"),
        ("127.0.0.1", "EXAMPLE.com"),
        ("127.0.0.1", "example.com."),
        ("127.0.0.1", "a.example.org"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("::1", "[::1]"),
    ] {
        let address = answering(ip, server.clone(), OK).await;
        let mut connection = connect(address, name, &client).await.unwrap();
        assert_eq!(body(&mut connection).await.unwrap(), "yes", "{name}");
    }
    let address = answering("127.0.0.1", server, OK).await;
    for name in ["", "a b", "-", "exa_mple..com"] {
        let error = connect(address, name, &client).await.unwrap_err();
        assert!(error.to_string().contains("neither a host name nor an address"), "{name}: {error}");
    }
}

#[tokio::test]
async fn sessions_go_on_on_further_connections() {
    let authority = Authority::new();
    for version in [Tls12, Tls13] {
        let server = authority.server(&["example.com"]).versions(version, version).build().unwrap();
        let address = answering("127.0.0.1", server, OK).await;
        let client = authority.client().build().unwrap();
        let mut resumed = Vec::new();
        for tls in [&client, &client.clone(), &authority.client().build().unwrap()] {
            let mut connection = connect(address, "example.com", tls).await.unwrap();
            // The tickets of TLS 1.3 come with the first data.
            body(&mut connection).await.unwrap();
            let report = connection.handshake().unwrap();
            resumed.push(report.resumed);
            assert_eq!(report.verification, Verification::Chain);
            assert_eq!(report.round_trips, if version == Tls12 && !report.resumed { 2 } else { 1 });
        }
        assert_eq!(resumed, [false, true, false], "{version}");
    }
}

#[tokio::test]
async fn application_protocols() {
    let authority = Authority::new();
    let server = authority.server(&["example.com"]);
    for (chosen, offered, agreed) in [
        (&["http/1.1"][..], &["h2", "http/1.1"][..], Ok(Some(&b"http/1.1"[..]))),
        (&["http/1.0"], &["http/1.0"], Ok(Some(b"http/1.0"))),
        (&[], &["http/1.1"], Ok(None)),
        (&["http/1.1"], &[], Ok(None)),
        (&["h2"], &["h2", "http/1.1"], Err("the server chose \"h2\" (ALPN), expected http/1.1")),
    ] {
        let server = server.clone().alpn(chosen.iter().copied()).build().unwrap();
        let address = answering("127.0.0.1", server, OK).await;
        let client = authority.client().alpn(offered.iter().copied()).build().unwrap();
        let options = Options::default().version(HttpVersion::Http1);
        match Connection::connect_tls(address, "example.com", &client, options).await {
            Ok(mut connection) => {
                let alpn = connection.handshake().unwrap().alpn.clone();
                assert_eq!(Ok(alpn.as_deref()), agreed);
                assert_eq!(body(&mut connection).await.unwrap(), "yes");
            }
            Err(error) => assert_eq!(Err(error.to_string().as_str()), agreed),
        }
    }
    // HTTP/2 or nothing.
    for (chosen, what) in
        [(&["http/1.1"][..], "it chose \"http/1.1\" (ALPN)"), (&[], "it chose no protocol (ALPN)")]
    {
        let server = server.clone().alpn(chosen.iter().copied()).build().unwrap();
        let address = answering("127.0.0.1", server, OK).await;
        let client = authority.client().alpn(["h2", "http/1.1"]).build().unwrap();
        let options = Options::default().version(HttpVersion::Http2);
        let error = Connection::connect_tls(address, "example.com", &client, options).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the server does not speak HTTP/2: {what}"));
    }
    // Nothing in common.
    let server = server.alpn(["h2"]).build().unwrap();
    let address = answering("127.0.0.1", server, OK).await;
    let error = connect(address, "example.com", &authority.client().build().unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "the server refused the TLS handshake: no_application_protocol");
}

#[tokio::test]
async fn client_certificates() {
    let authority = Authority::new();
    let asking = ClientCertificates::Required(vec![authority.der.clone()]);
    for version in [Tls12, Tls13] {
        let server = authority.server(&["example.com"]).versions(version, version);
        let server = server.client_certificates(asking.clone()).build().unwrap();
        let identity = authority.identity("a client", &[]);
        let own = identity.certificates().next().map(Pin::of_certificate).unwrap();
        let client = authority.client().identity(identity).build().unwrap();
        let (address, running) = once(&server, async move |mut stream| {
            let shown = stream.report().unwrap().peer_certificates.clone();
            assert_eq!(Pin::of_certificate(&shown[0]), own);
            read_head(&mut stream).await.unwrap();
        })
        .await;
        let mut connection = connect(address, "example.com", &client).await.unwrap();
        // The server says no more.
        assert!(body(&mut connection).await.is_err());
        running.await.unwrap().unwrap();

        let (address, running) = once(&server, async |_| panic!("a client without a certificate")).await;
        let without = authority.client().build().unwrap();
        // In TLS 1.3 the client has all it needs before the server looks at its certificate.
        let error = match connect(address, "example.com", &without).await {
            Ok(mut connection) => body(&mut connection).await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.to_string().contains("certificate_required"), "{version}: {error}");
        assert_eq!(matches!(error, Error::Tls(_)), version == Tls13, "{version}: {error}");
        running.await.unwrap().unwrap_err();
    }
}

#[tokio::test]
async fn a_certificate_that_is_missing_is_told_to_who_comes_late() {
    let authority = Authority::new();
    let asking = ClientCertificates::Required(vec![authority.der.clone()]);
    let server = authority.server(&["example.com"]).versions(Tls13, Tls13);
    let server = server.client_certificates(asking).build().unwrap();
    let (address, running) = once(&server, async |_| panic!("a client without a certificate")).await;
    let client = authority.client().build().unwrap();
    let mut connection = connect(address, "example.com", &client).await.unwrap();
    running.await.unwrap().unwrap_err();
    while connection.is_open() {
        tokio::task::yield_now().await;
    }
    let error = body(&mut connection).await.unwrap_err();
    assert_eq!(error.tls(), Some(&TlsError::Alert(Alert(116))), "{error:?}");
    assert!(matches!(body(&mut connection).await.unwrap_err(), Error::Refused));
}

#[tokio::test]
async fn in_the_clear_there_is_no_handshake() {
    let (near, _far) = tokio::io::duplex(1024);
    assert!(Connection::over(near, Options::default()).handshake().is_none());
}
