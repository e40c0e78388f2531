use std::sync::Arc;

use proptest::prelude::*;
use wirelace_http_semantics::hsts::{HstsStore, JsonError, JsonRule, LineRule, LinesError, PreloadList};

use crate::{NOW, host};

fn known(list: PreloadList, name: &str) -> bool {
    HstsStore::new(0).with_preload(Arc::new(list)).known(&host(name), NOW).is_some()
}

/// The shape of Chromium's file, in own words.
const CHROMIUM: &str = r#"// A comment, with "quotes" and { brackets.
{
  "pinsets": [ { "name": "test", "static_spki_hashes": ["a", "b"], "bad_static_spki_hashes": [] } ],
  // Another one.
  "entries": [
    // TLD
    { "name": "app", "policy": "public-suffix", "mode": "force-https", "include_subdomains": true },
    { "name": "Example.com", "mode": "force-https" },
    { "name": "pins.test", "policy": "google", "include_subdomains": true, "pins": "test" },
    { "name": "b\u0065low.test", "include_subdomains": true, "mode": "force-https", "x": [1, -2.5e3, null, {}] },
    { "name": "twice.test", "mode": "force-https" }, // and more
    { "name": "twice.test", "mode": "force-https", "include_subdomains": true },
    { "name": "no host", "mode": "force-https" },
    { "name": "other.test", "mode": "none", "include_subdomains": false }
  ],
  "domain_security_policies": []
}
"#;

#[test]
fn chromiums_list() {
    let list = PreloadList::from_chromium(CHROMIUM).unwrap();
    assert_eq!((list.len(), list.is_empty()), (4, false));
    for (name, expected) in [
        ("app", true),
        ("any.app", true),
        ("example.com", true),
        ("www.example.com", false),
        ("pins.test", false),
        ("below.test", true),
        ("a.below.test", true),
        ("a.twice.test", true),
        ("other.test", false),
        ("apps", false),
        ("aapp", false),
    ] {
        assert_eq!(known(list.clone(), name), expected, "{name}");
    }
}

#[test]
fn broken_lists() {
    for (text, rule, offset) in [
        ("", JsonRule::Syntax, 0),
        ("[]", JsonRule::Syntax, 0),
        ("{}", JsonRule::NoEntries, 2),
        ("{\"other\": []}", JsonRule::NoEntries, 13),
        ("{\"entries\": []} x", JsonRule::Syntax, 16),
        ("{\"entries\": {}}", JsonRule::Syntax, 12),
        ("{\"entries\": [}", JsonRule::Syntax, 13),
        ("{\"entries\": [] ", JsonRule::Syntax, 15),
        ("{\"entries\" []}", JsonRule::Syntax, 11),
        ("{\"entries\": [{\"name\": 5}]}", JsonRule::Type, 22),
        ("{\"entries\": [{\"include_subdomains\": 1}]}", JsonRule::Type, 37),
        ("{entries: []}", JsonRule::Type, 1),
        ("{\"x\": \"a", JsonRule::String, 8),
        ("{\"x\": \"\\x\"}", JsonRule::String, 7),
        ("{\"x\": \"\\ud800\"}", JsonRule::String, 7),
        ("{\"x\": \"\\u12g4\"}", JsonRule::String, 7),
        ("{\"x\": \"a\nb\"}", JsonRule::String, 8),
        ("{\"x\": ,}", JsonRule::Syntax, 6),
        ("{\"x\": 1,}", JsonRule::Type, 8),
    ] {
        let error = PreloadList::from_chromium(text).unwrap_err();
        assert_eq!(error, JsonError { rule, offset }, "{text}");
    }
    let error = JsonError { rule: JsonRule::Syntax, offset: 3 };
    assert_eq!(error.to_string(), "not json at offset 3 of the preload list");
}

#[test]
fn depth_is_limited() {
    let nested =
        |depth: usize| format!("{{\"x\": {}{}, \"entries\": []}}", "[".repeat(depth), "]".repeat(depth));
    assert!(PreloadList::from_chromium(&nested(30)).is_ok());
    for depth in [32, 100_000] {
        assert_eq!(PreloadList::from_chromium(&nested(depth)).unwrap_err().rule, JsonRule::TooDeep);
    }
}

#[test]
fn simple_lines() {
    let list =
        PreloadList::from_lines("# remark\n.Below.test\r\nalone.test # why\n\n  alone.test.\n").unwrap();
    assert_eq!(list.len(), 2);
    for (name, expected) in
        [("below.test", true), ("a.below.test", true), ("alone.test", true), ("a.alone.test", false)]
    {
        assert_eq!(known(list.clone(), name), expected, "{name}");
    }
    for (text, rule, line) in [
        ("a.test\n1.2.3.4", LineRule::Host, 2),
        ("a.test b.test", LineRule::Trailing, 1),
        ("\n\na..test", LineRule::Host, 3),
    ] {
        assert_eq!(PreloadList::from_lines(text).unwrap_err(), LinesError { rule, line }, "{text}");
    }
    assert!(PreloadList::from_lines("").unwrap().is_empty());
}

proptest! {
    /// Every name is found, and no other.
    #[test]
    fn found(names in proptest::collection::btree_map("[a-c]{1,3}(\\.[a-c]{1,2}){0,2}", any::<bool>(), 0..40)) {
        let mut text = String::new();
        for (name, below) in names.iter().rev() {
            text.push_str(&format!("{}{name}\n", if *below { "." } else { "" }));
        }
        let list = Arc::new(PreloadList::from_lines(&text).unwrap());
        prop_assert_eq!(list.len(), names.len());
        let store = HstsStore::new(0).with_preload(list);
        for probe in names.keys().cloned().chain(["a".to_owned(), "b.c".to_owned(), "cc.bb.aa".to_owned()]) {
            let expected = names.iter().any(|(name, below)| {
                probe == *name || *below && probe.ends_with(&format!(".{name}"))
            });
            prop_assert_eq!(store.known(&host(&probe), NOW).is_some(), expected, "{}", probe);
        }
    }

    #[test]
    fn anything(text in "[{}\\[\\]\":,/a\\\\ue01]{0,60}") {
        if let Err(error) = PreloadList::from_chromium(&text) {
            prop_assert!(error.offset <= text.len());
        }
    }
}
