use wirelace_http_semantics::hsts::{HstsStore, upgrade_url};

use crate::{NOW, host};

#[test]
fn urls() {
    for (url, expected) in [
        ("http://example.com", Some("https://example.com")),
        ("http://example.com/", Some("https://example.com/")),
        ("HTTP://Example.com/A?b#c", Some("https://Example.com/A?b#c")),
        ("http://example.com:80/", Some("https://example.com:443/")),
        ("http://example.com:080/", Some("https://example.com:443/")),
        ("http://example.com:443/", Some("https://example.com:443/")),
        ("http://example.com:8080/x", Some("https://example.com:8080/x")),
        ("http://example.com:/", Some("https://example.com:/")),
        ("http://example.com:80?q=http://x:80/", Some("https://example.com:443?q=http://x:80/")),
        ("http://example.com:80#f", Some("https://example.com:443#f")),
        ("http://example.com#/a@b", Some("https://example.com#/a@b")),
        ("http://user:80@example.com:80/", Some("https://user:80@example.com:443/")),
        ("http://[::1]:80/", Some("https://[::1]:443/")),
        ("ws://example.com:80/chat", Some("wss://example.com:443/chat")),
        ("https://example.com/", None),
        ("wss://example.com/", None),
        ("ftp://example.com/", None),
        ("//example.com/", None),
        ("/path", None),
        ("http:/example.com/", None),
        ("http://", None),
        ("http:///path", None),
        ("http://:80/", None),
        ("http://user@/", None),
        ("http://example.com:99999/", None),
        ("http://example.com:x/", None),
        ("http://exa mple.com/", None),
        ("http://example.com\\@evil.test/", None),
        ("", None),
    ] {
        assert_eq!(upgrade_url(url).as_deref(), expected, "{url}");
    }
}

#[test]
fn only_for_known_hosts() {
    let mut store = HstsStore::new(10);
    store.receive(&host("example.com"), b"max-age=100; includeSubDomains", NOW).unwrap();
    for (url, expected) in [
        ("http://example.com:80/", Some("https://example.com:443/")),
        ("http://WWW.EXAMPLE.COM./x", Some("https://WWW.EXAMPLE.COM./x")),
        ("http://evil.test@example.com/", Some("https://evil.test@example.com/")),
        ("http://example.com@evil.test/", None),
        ("http://evil.test/?example.com", None),
        ("http://evil.test#example.com", None),
        ("http://notexample.com/", None),
        ("http://127.0.0.1/", None),
        ("http://[::1]/", None),
        ("https://example.com/", None),
    ] {
        assert_eq!(store.upgrade(url, NOW).as_deref(), expected, "{url}");
    }
    assert_eq!(store.upgrade("http://example.com/", NOW + 100), None);
}
