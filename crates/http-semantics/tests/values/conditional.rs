use wirelace_http_semantics::conditional::{Outcome, Preconditions, Validators};
use wirelace_http_semantics::date::HttpDate;
use wirelace_http_semantics::etag::EntityTag;

const EARLIER: &str = "Sat, 29 Oct 1994 19:43:30 GMT";
const MODIFIED: &str = "Sat, 29 Oct 1994 19:43:31 GMT";
const LATER: &str = "Sat, 29 Oct 1994 19:43:32 GMT";

const GO: Outcome = Outcome::Proceed { range_applies: false };
const GO_RANGE: Outcome = Outcome::Proceed { range_applies: true };
const UNMODIFIED: Outcome = Outcome::NotModified;
const FAILED: Outcome = Outcome::PreconditionFailed;

fn date(text: &str) -> HttpDate {
    HttpDate::parse(text.as_bytes(), HttpDate::UNIX_EPOCH).unwrap()
}

fn current() -> Validators<'static> {
    Validators {
        etag: EntityTag::strong(b"xyzzy"),
        last_modified: Some(date(MODIFIED)),
        date_is_strong: true,
    }
}

fn evaluate(method: &str, fields: &[(&str, &str)], current: Option<Validators<'_>>) -> Outcome {
    let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let now = date("Thu, 01 Jan 2026 00:00:00 GMT");
    Preconditions::from_fields(fields).evaluate(method.as_bytes(), current.as_ref(), now)
}

#[test]
fn collecting() {
    let mut preconditions = Preconditions::default();
    assert!(preconditions.is_empty());
    assert!(!preconditions.add(b"range", b"bytes=0-"));
    assert!(!preconditions.add(b"if-matches", b"*"));
    assert!(preconditions.is_empty());
    for name in ["if-match", "IF-NONE-MATCH", "If-Modified-Since", "if-unmodified-since", "If-Range"] {
        let mut preconditions = Preconditions::default();
        assert!(preconditions.add(name.as_bytes(), b""), "{name}");
        assert!(!preconditions.is_empty(), "{name}");
    }
}

#[test]
fn no_preconditions() {
    for current in [None, Some(current())] {
        assert_eq!(evaluate("GET", &[], current), GO_RANGE);
        assert_eq!(evaluate("HEAD", &[], current), GO);
        assert_eq!(evaluate("PUT", &[], current), GO);
    }
}

#[test]
fn if_match() {
    for (value, outcome) in [
        ("\"xyzzy\"", GO),
        ("\"xyzzy\", \"r2d2xxxx\", \"c3piozzzz\"", GO),
        ("\"r2d2xxxx\",\"xyzzy\"", GO),
        ("*", GO),
        // Strong comparison.
        ("W/\"xyzzy\"", FAILED),
        ("\"r2d2xxxx\"", FAILED),
        ("", FAILED),
        ("xyzzy", FAILED),
        ("*, \"a\"", FAILED),
        ("\"broken, \"xyzzy\"", FAILED),
    ] {
        assert_eq!(evaluate("PUT", &[("If-Match", value)], Some(current())), outcome, "{value}");
    }
    // Several lines are one list.
    assert_eq!(evaluate("PUT", &[("If-Match", "\"a\""), ("if-match", "\"xyzzy\"")], Some(current())), GO);
    assert_eq!(evaluate("PUT", &[("If-Match", "*"), ("if-match", "\"a\"")], Some(current())), FAILED);
    // Against lost updates on something that is not there (any more).
    assert_eq!(evaluate("PUT", &[("If-Match", "*")], None), FAILED);
    assert_eq!(evaluate("DELETE", &[("If-Match", "\"xyzzy\"")], None), FAILED);
    assert_eq!(evaluate("GET", &[("If-Match", "\"other\"")], Some(current())), FAILED);
    assert_eq!(evaluate("PUT", &[("If-Match", "\"xyzzy\"")], Some(Validators::default())), FAILED);
    assert_eq!(evaluate("PUT", &[("If-Match", "*")], Some(Validators::default())), GO);
}

#[test]
fn if_none_match() {
    for (value, get, put) in [
        ("\"xyzzy\"", UNMODIFIED, FAILED),
        // Weak comparison.
        ("W/\"xyzzy\"", UNMODIFIED, FAILED),
        ("W/\"r2d2xxxx\", W/\"xyzzy\"", UNMODIFIED, FAILED),
        ("*", UNMODIFIED, FAILED),
        ("\"r2d2xxxx\"", GO_RANGE, GO),
        ("xyzzy", GO_RANGE, GO),
        ("", GO_RANGE, GO),
    ] {
        let fields = [("If-None-Match", value)];
        assert_eq!(evaluate("GET", &fields, Some(current())), get, "{value}");
        assert_eq!(evaluate("PUT", &fields, Some(current())), put, "{value}");
        assert_eq!(evaluate("GET", &fields, None), GO_RANGE, "{value}");
        assert_eq!(evaluate("PUT", &fields, None), GO, "{value}");
    }
    assert_eq!(evaluate("HEAD", &[("If-None-Match", "*")], Some(current())), UNMODIFIED);
    assert_eq!(evaluate("GET", &[("If-None-Match", "*")], Some(Validators::default())), UNMODIFIED);
    let lines = [("If-None-Match", "\"a\""), ("If-None-Match", "\"xyzzy\"")];
    assert_eq!(evaluate("GET", &lines, Some(current())), UNMODIFIED);
}

#[test]
fn if_modified_since() {
    for (value, outcome) in [
        (EARLIER, GO_RANGE),
        (MODIFIED, UNMODIFIED),
        (LATER, UNMODIFIED),
        ("Saturday, 29-Oct-94 19:43:31 GMT", UNMODIFIED),
        ("Sat Oct 29 19:43:31 1994", UNMODIFIED),
        // Invalid: to be ignored.
        ("", GO_RANGE),
        ("yesterday", GO_RANGE),
        ("Sat, 29 Oct 1994 19:43:31 GMT, Sat, 29 Oct 1994 19:43:31 GMT", GO_RANGE),
    ] {
        let fields = [("If-Modified-Since", value)];
        assert_eq!(evaluate("GET", &fields, Some(current())), outcome, "{value}");
        assert_eq!(evaluate("POST", &fields, Some(current())), GO, "{value}");
        assert_eq!(evaluate("GET", &fields, None), GO_RANGE, "{value}");
        assert_eq!(evaluate("GET", &fields, Some(Validators::default())), GO_RANGE, "{value}");
    }
    assert_eq!(evaluate("HEAD", &[("If-Modified-Since", LATER)], Some(current())), UNMODIFIED);
    let twice = [("If-Modified-Since", LATER), ("If-Modified-Since", LATER)];
    assert_eq!(evaluate("GET", &twice, Some(current())), GO_RANGE);
}

#[test]
fn if_unmodified_since() {
    for (value, outcome) in [(EARLIER, FAILED), (MODIFIED, GO), (LATER, GO), ("", GO), ("tomorrow", GO)] {
        let fields = [("If-Unmodified-Since", value)];
        assert_eq!(evaluate("PUT", &fields, Some(current())), outcome, "{value}");
        assert_eq!(evaluate("PUT", &fields, None), GO, "{value}");
        assert_eq!(evaluate("PUT", &fields, Some(Validators::default())), GO, "{value}");
    }
    assert_eq!(evaluate("GET", &[("If-Unmodified-Since", EARLIER)], Some(current())), FAILED);
    let twice = [("If-Unmodified-Since", EARLIER), ("If-Unmodified-Since", EARLIER)];
    assert_eq!(evaluate("PUT", &twice, Some(current())), GO);
}

#[test]
fn if_range() {
    for (value, applies) in [
        ("\"xyzzy\"", true),
        ("W/\"xyzzy\"", false),
        ("\"r2d2xxxx\"", false),
        ("\"xyzzy\", \"a\"", false),
        ("*", false),
        (MODIFIED, true),
        // Exactly the same, not just later.
        (LATER, false),
        (EARLIER, false),
        ("", false),
        ("xyzzy", false),
    ] {
        let fields = [("If-Range", value)];
        let outcome = Outcome::Proceed { range_applies: applies };
        assert_eq!(evaluate("GET", &fields, Some(current())), outcome, "{value}");
        assert_eq!(evaluate("HEAD", &fields, Some(current())), GO, "{value}");
        assert_eq!(evaluate("GET", &fields, None), GO, "{value}");
    }
    let fields = [("If-Range", MODIFIED)];
    assert_eq!(evaluate("GET", &fields, Some(Validators { date_is_strong: false, ..current() })), GO);
    let weak = Validators { etag: EntityTag::weak(b"xyzzy"), ..current() };
    assert_eq!(evaluate("GET", &[("If-Range", "\"xyzzy\"")], Some(weak)), GO);
    assert_eq!(evaluate("GET", &[("If-Range", "W/\"xyzzy\"")], Some(weak)), GO);
    let twice = [("If-Range", "\"xyzzy\""), ("If-Range", "\"xyzzy\"")];
    assert_eq!(evaluate("GET", &twice, Some(current())), GO);
    assert_eq!(evaluate("GET", &[("If-Range", MODIFIED)], Some(Validators::default())), GO);
}

/// RFC 9110 §13.2.2: each step with all the later ones against it.
#[test]
fn precedence() {
    let get = |fields: &[(&str, &str)]| evaluate("GET", fields, Some(current()));
    let hit = "\"xyzzy\"";
    let miss = "\"other\"";
    // If-Match hides If-Unmodified-Since, both ways.
    assert_eq!(get(&[("If-Match", hit), ("If-Unmodified-Since", EARLIER)]), GO_RANGE);
    assert_eq!(get(&[("If-Unmodified-Since", LATER), ("If-Match", miss)]), FAILED);
    // 412 of step 1 and 2 comes before 304 of step 3 and 4.
    assert_eq!(get(&[("If-None-Match", hit), ("If-Match", miss)]), FAILED);
    assert_eq!(get(&[("If-None-Match", hit), ("If-Unmodified-Since", EARLIER)]), FAILED);
    assert_eq!(get(&[("If-Modified-Since", LATER), ("If-Match", miss)]), FAILED);
    // A true If-Match goes on with step 3 and 4.
    assert_eq!(get(&[("If-Match", hit), ("If-None-Match", hit)]), UNMODIFIED);
    assert_eq!(get(&[("If-Match", hit), ("If-Modified-Since", LATER)]), UNMODIFIED);
    assert_eq!(get(&[("If-Unmodified-Since", LATER), ("If-Modified-Since", LATER)]), UNMODIFIED);
    // If-None-Match hides If-Modified-Since, both ways, even a broken one.
    assert_eq!(get(&[("If-Modified-Since", LATER), ("If-None-Match", miss)]), GO_RANGE);
    assert_eq!(get(&[("If-Modified-Since", EARLIER), ("If-None-Match", hit)]), UNMODIFIED);
    assert_eq!(get(&[("If-Modified-Since", LATER), ("If-None-Match", "broken")]), GO_RANGE);
    // If-Range is the last.
    assert_eq!(get(&[("If-Range", hit), ("If-None-Match", hit)]), UNMODIFIED);
    assert_eq!(get(&[("If-Range", miss), ("If-None-Match", miss)]), GO);
    assert_eq!(get(&[("If-Range", hit), ("If-Match", miss)]), FAILED);
    assert_eq!(get(&[("If-Range", hit), ("If-Modified-Since", EARLIER)]), GO_RANGE);
}

/// RFC 9110 §13.2.1.
#[test]
fn methods_without_a_representation_ignore_them() {
    for method in ["CONNECT", "OPTIONS", "TRACE"] {
        assert_eq!(
            evaluate(method, &[("If-Match", "\"other\""), ("If-None-Match", "*")], Some(current())),
            GO
        );
    }
    // Methods are case-sensitive: this is an extension method.
    assert_eq!(evaluate("options", &[("If-Match", "\"other\"")], Some(current())), FAILED);
}
