use proptest::prelude::*;
use wirelace_http_semantics::etag::{EntityTag, EntityTagError, EntityTags, is_any};

fn parse(value: &str) -> EntityTag<'_> {
    EntityTag::parse(value.as_bytes()).unwrap()
}

/// The table of RFC 9110 §8.8.3.2.
#[test]
fn comparison() {
    for (a, b, strong, weak) in [
        ("W/\"1\"", "W/\"1\"", false, true),
        ("W/\"1\"", "W/\"2\"", false, false),
        ("W/\"1\"", "\"1\"", false, true),
        ("\"1\"", "\"1\"", true, true),
        ("\"1\"", "\"2\"", false, false),
    ] {
        assert_eq!(parse(a).strong_eq(&parse(b)), strong, "{a} {b}");
        assert_eq!(parse(b).strong_eq(&parse(a)), strong, "{b} {a}");
        assert_eq!(parse(a).weak_eq(&parse(b)), weak, "{a} {b}");
    }
}

#[test]
fn single_tags() {
    for (value, weak, opaque) in [
        ("\"xyzzy\"", false, "xyzzy"),
        ("W/\"xyzzy\"", true, "xyzzy"),
        ("\"\"", false, ""),
        ("\"a,b\\\"", false, "a,b\\"),
        ("\"ü\"", false, "ü"),
    ] {
        let tag = parse(value);
        assert_eq!((tag.is_weak(), tag.opaque()), (weak, opaque.as_bytes()), "{value}");
        let mut written = Vec::new();
        tag.write(&mut written);
        assert_eq!(written, value.as_bytes());
        assert_eq!(tag.to_string(), value);
    }
    for (value, error) in [
        ("", EntityTagError::Unquoted(0)),
        ("xyzzy", EntityTagError::Unquoted(0)),
        ("*", EntityTagError::Unquoted(0)),
        ("'xyzzy'", EntityTagError::Unquoted(0)),
        ("w/\"xyzzy\"", EntityTagError::Unquoted(0)),
        ("W\"xyzzy\"", EntityTagError::Unquoted(1)),
        ("W/xyzzy", EntityTagError::Unquoted(2)),
        ("W/ \"xyzzy\"", EntityTagError::Unquoted(2)),
        ("\"xyzzy", EntityTagError::Opaque(6)),
        ("\"", EntityTagError::Opaque(1)),
        ("\"xy zzy\"", EntityTagError::Opaque(3)),
        ("\"xy\tzzy\"", EntityTagError::Opaque(3)),
        ("\"xy\u{7f}zzy\"", EntityTagError::Opaque(3)),
        ("\"xy\r\nzzy\"", EntityTagError::Opaque(3)),
        ("\"xyzzy\"x", EntityTagError::Trailing(7)),
        ("\"xyzzy\" ", EntityTagError::Trailing(7)),
        ("\"a\",\"b\"", EntityTagError::Trailing(3)),
    ] {
        assert_eq!(EntityTag::parse(value.as_bytes()), Err(error), "{value}");
    }
    assert!(EntityTag::strong(b"a\"b").is_none());
    assert!(EntityTag::weak(b"a b").is_none());
}

#[test]
fn lists() {
    let read = |line: &'static str| -> Vec<Result<String, EntityTagError>> {
        EntityTags::new(line.as_bytes()).map(|tag| tag.map(|tag| tag.to_string())).collect()
    };
    let tags = |tags: &[&str]| -> Vec<_> { tags.iter().map(|tag| Ok((*tag).to_owned())).collect() };
    // RFC 9110 §13.1.1, §13.1.2.
    assert_eq!(
        read("\"xyzzy\", \"r2d2xxxx\", \"c3piozzzz\""),
        tags(&["\"xyzzy\"", "\"r2d2xxxx\"", "\"c3piozzzz\""])
    );
    assert_eq!(read("W/\"xyzzy\", W/\"r2d2xxxx\""), tags(&["W/\"xyzzy\"", "W/\"r2d2xxxx\""]));
    assert_eq!(read("\"a,b\",\t\"c\"\t ,,"), tags(&["\"a,b\"", "\"c\""]));
    assert_eq!(read(", ,\"a\""), tags(&["\"a\""]));
    assert_eq!(read(""), tags(&[]));
    assert_eq!(read(" , "), tags(&[]));
    assert_eq!(read("\"a\" \"b\", \"c\""), [Err(EntityTagError::Trailing(4))]);
    let mut broken = tags(&["\"a\""]);
    broken.push(Err(EntityTagError::Unquoted(5)));
    assert_eq!(read("\"a\", *, \"b\""), broken);
    assert!(is_any(b"*") && is_any(b" * ") && !is_any(b"\"*\"") && !is_any(b"*,"));
}

proptest! {
    #[test]
    fn list_round_trip(
        tags in prop::collection::vec((any::<bool>(), "[!#-~\u{80}-\u{7ff}]{0,6}"), 0..6),
        separator in "[ \t]{0,2},[ \t,]{0,3}",
    ) {
        let mut line = Vec::new();
        for (weak, opaque) in &tags {
            let make = if *weak { EntityTag::weak } else { EntityTag::strong };
            make(opaque.as_bytes()).unwrap().write(&mut line);
            line.extend_from_slice(separator.as_bytes());
        }
        let read: Vec<_> = EntityTags::new(&line)
            .map(|tag| tag.map(|tag| (tag.is_weak(), String::from_utf8(tag.opaque().to_vec()).unwrap())))
            .collect::<Result<_, _>>()
            .unwrap();
        prop_assert_eq!(read, tags);
    }
}
