//! HSTS: values, hosts, URLs, the store and its text, preload lists.

use std::sync::Arc;

use wirelace_http_semantics::hsts::{
    HstsAnswer, HstsHost, HstsPolicy, HstsServer, HstsStore, PreloadList, Update, upgrade_url,
};

const NOW: u64 = 1_764_000_000;
const LIMIT: usize = 8;

/// The input as each of the things that come from outside.
pub fn values(data: &[u8]) {
    policy(data);
    store_text(data);
    server(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    url(text);
    lists(text);
}

/// What parses is written and read again; the store does what it says.
fn policy(value: &[u8]) {
    let host = HstsHost::new("a.example.com").expect("a name");
    let mut store = HstsStore::new(LIMIT);
    match HstsPolicy::parse(value) {
        Ok(policy) => {
            assert_eq!(HstsPolicy::parse(policy.to_string().as_bytes()), Ok(policy));
            let update = store.receive(&host, value, NOW).expect("it parses");
            let kept = policy.max_age > 0;
            assert_eq!(update, if kept { Update::Kept } else { Update::None });
            assert_eq!(store.known(&host, NOW).is_some(), kept);
            let below = HstsHost::new("b.a.example.com").expect("a name");
            assert_eq!(store.known(&below, NOW).is_some(), kept && policy.include_subdomains);
            assert!(store.known(&host, NOW.saturating_add(policy.max_age)).is_none());
        }
        Err(error) => {
            assert!(error.offset <= value.len());
            assert!(store.receive(&host, value, NOW).is_err() && store.is_empty());
        }
    }
}

/// Saved and loaded, a store is the same, and never larger than it may be.
fn store_text(data: &[u8]) {
    let mut store = HstsStore::new(LIMIT);
    let mut reader = std::io::BufReader::with_capacity(16, data);
    let loaded = store.read_from(&mut reader, NOW).expect("memory can be read");
    assert!(store.len() <= LIMIT && store.len() <= loaded.hosts);
    assert_eq!(loaded.broken > 0, loaded.first_error.is_some());
    if let Ok(text) = std::str::from_utf8(data) {
        let mut whole = HstsStore::new(LIMIT);
        assert_eq!((whole.load(text, NOW), whole.save(NOW)), (loaded, store.save(NOW)));
    }
    let mut again = HstsStore::new(LIMIT);
    assert_eq!(again.load(&store.save(NOW), NOW).hosts, store.len());
    assert_eq!(again.save(NOW), store.save(NOW));
}

fn url(text: &str) {
    if let Some(host) = HstsHost::new(text) {
        assert_eq!(HstsHost::new(host.as_str()).as_ref(), Some(&host));
        assert!(text.parse::<std::net::IpAddr>().is_err());
    }
    let store = HstsStore::new(LIMIT).with_preload(Arc::new(all()));
    if let Some(upgraded) = upgrade_url(text) {
        assert!(upgraded.starts_with("https://") || upgraded.starts_with("wss://"));
        assert!(upgrade_url(&upgraded).is_none());
        let sent = store.upgrade(text, NOW);
        assert!(sent.is_none() || sent.as_ref() == Some(&upgraded));
    } else {
        assert!(store.upgrade(text, NOW).is_none());
    }
}

fn all() -> PreloadList {
    PreloadList::from_lines(".com\n.test\n").expect("two hosts")
}

fn lists(text: &str) {
    if let Ok(list) = PreloadList::from_lines(text) {
        assert!(list.len() <= text.lines().count());
    }
    match PreloadList::from_chromium(text) {
        Ok(list) => assert!(list.len() <= text.len()),
        Err(error) => assert!(error.offset <= text.len()),
    }
}

/// `target`, a line end, Host: a redirect has no line end in it, and goes to the host that was named.
fn server(data: &[u8]) {
    let end = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let (target, host) = (&data[..end], data.get(end + 1..));
    let server = HstsServer::new(&HstsPolicy::new(1));
    if let HstsAnswer::Redirect { location } = server.answer(false, "GET", target, host) {
        assert!(location.starts_with("https://") && location.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(location.len() > "https:///".len());
    }
}
