use wirelace_http_semantics::hsts::{HstsAnswer, HstsPolicy, HstsServer};

#[test]
fn over_tls_there_is_the_field() {
    let server = HstsServer::new(&HstsPolicy::new(600).include_subdomains());
    let answer = server.answer(true, "GET", b"/", Some(b"example.com"));
    assert_eq!(answer, HstsAnswer::Serve { field: "max-age=600; includeSubDomains" });
    assert_eq!(server.value(), "max-age=600; includeSubDomains");
    let all = HstsPolicy::new(1).include_subdomains().preload();
    assert_eq!(HstsServer::new(&all).value(), "max-age=1; includeSubDomains; preload");
}

#[test]
fn in_the_clear_there_is_a_redirect() {
    let usual = HstsServer::new(&HstsPolicy::new(600));
    let other = usual.clone().port(8443);
    for (method, target, host, expected, expected_other) in [
        ("GET", "/", Some("example.com"), "https://example.com/", "https://example.com:8443/"),
        (
            "POST",
            "/a?b=c",
            Some("example.com:80"),
            "https://example.com/a?b=c",
            "https://example.com:8443/a?b=c",
        ),
        ("GET", "/a", Some("example.com:8080"), "https://example.com/a", "https://example.com:8443/a"),
        (
            "GET",
            "//evil.test/",
            Some("a.test"),
            "https://a.test//evil.test/",
            "https://a.test:8443//evil.test/",
        ),
        ("GET", "http://b.test/x", Some("a.test"), "https://b.test/x", "https://b.test:8443/x"),
        ("GET", "http://b.test", None, "https://b.test/", "https://b.test:8443/"),
        ("GET", "http://b.test?q", None, "https://b.test/?q", "https://b.test:8443/?q"),
        ("GET", "/", Some("[::1]:80"), "https://[::1]/", "https://[::1]:8443/"),
    ] {
        let host = host.map(str::as_bytes);
        for (server, expected) in [(&usual, expected), (&other, expected_other)] {
            let answer = server.answer(false, method, target.as_bytes(), host);
            assert_eq!(answer, HstsAnswer::Redirect { location: expected.to_owned() }, "{method} {target}");
        }
    }
}

#[test]
fn where_there_is_nowhere_to_go() {
    let server = HstsServer::new(&HstsPolicy::new(600));
    for (method, target, host) in [
        ("GET", &b"/"[..], None),
        ("GET", b"/", Some(&b""[..])),
        ("GET", b"/", Some(b":80")),
        ("GET", b"/", Some(b"a b")),
        ("GET", b"/", Some(b"user@example.com")),
        ("GET", b"/", Some(b"example.com/evil")),
        ("GET", b"/\r\nset-cookie: a", Some(b"example.com")),
        ("GET", b"", Some(b"example.com")),
        ("OPTIONS", b"*", Some(b"example.com")),
        ("CONNECT", b"example.com:443", Some(b"example.com:443")),
    ] {
        assert_eq!(
            server.answer(false, method, target, host),
            HstsAnswer::Refuse,
            "{}",
            target.escape_ascii()
        );
    }
}
