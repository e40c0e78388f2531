use proptest::prelude::*;
use wirelace_http_semantics::Fields;
use wirelace_http_semantics::hsts::{HstsError, HstsPolicy, HstsRule};

const fn host_alone(max_age: u64) -> Result<HstsPolicy, HstsRule> {
    Ok(HstsPolicy::new(max_age))
}

const fn with_below(max_age: u64) -> Result<HstsPolicy, HstsRule> {
    Ok(HstsPolicy::new(max_age).include_subdomains())
}

const LARGEST: &str = "max-age=18446744073709551615";

#[test]
fn values() {
    let cases: &[(&str, Result<HstsPolicy, HstsRule>)] = &[
        // RFC 6797 §6.2.
        ("max-age=31536000", host_alone(31_536_000)),
        ("max-age=15768000 ; includeSubDomains", with_below(15_768_000)),
        ("max-age=\"31536000\"", host_alone(31_536_000)),
        ("max-age=0", host_alone(0)),
        ("max-age=0; includeSubDomains", with_below(0)),
        // Order and case do not count.
        ("includeSubDomains; max-age=5", with_below(5)),
        ("MAX-AGE=5", host_alone(5)),
        ("Max-Age=5; INCLUDESUBDOMAINS", with_below(5)),
        ("max-age=5;includesubdomains", with_below(5)),
        ("max-age=5; includeSubDomains; preload", Ok(HstsPolicy::new(5).include_subdomains().preload())),
        ("preload; max-age=5", Ok(HstsPolicy::new(5).preload())),
        ("max-age=5; PreLoad", Ok(HstsPolicy::new(5).preload())),
        // White space and empty directives.
        ("  max-age=5  ", host_alone(5)),
        ("\tmax-age=5\t;\tincludeSubDomains\t", with_below(5)),
        ("max-age = 5", host_alone(5)),
        ("max-age =5", host_alone(5)),
        ("max-age= 5", host_alone(5)),
        ("max-age=\t\"5\"", host_alone(5)),
        (";max-age=5", host_alone(5)),
        ("max-age=5;", host_alone(5)),
        ("max-age=5; ", host_alone(5)),
        (";;;; max-age=5;; ;includeSubDomains;;", with_below(5)),
        // Numbers.
        ("max-age=00000005", host_alone(5)),
        (LARGEST, host_alone(u64::MAX)),
        ("max-age=18446744073709551616", host_alone(u64::MAX)),
        ("max-age=999999999999999999999999999999999999", host_alone(u64::MAX)),
        ("max-age=", Err(HstsRule::Syntax)),
        ("max-age", Err(HstsRule::MaxAge)),
        ("max-age=\"\"", Err(HstsRule::MaxAge)),
        ("max-age=-1", Err(HstsRule::MaxAge)),
        ("max-age=+1", Err(HstsRule::MaxAge)),
        ("max-age=1.5", Err(HstsRule::MaxAge)),
        ("max-age=1e3", Err(HstsRule::MaxAge)),
        ("max-age=0x10", Err(HstsRule::MaxAge)),
        ("max-age=5x", Err(HstsRule::MaxAge)),
        ("max-age=x", Err(HstsRule::MaxAge)),
        ("max-age=\" 5\"", Err(HstsRule::MaxAge)),
        ("max-age=\"5 \"", Err(HstsRule::MaxAge)),
        ("max-age=\"-5\"", Err(HstsRule::MaxAge)),
        ("max-age=5 6", Err(HstsRule::Syntax)),
        ("max-age=5, max-age=6", Err(HstsRule::Syntax)),
        ("max-age=5 includeSubDomains", Err(HstsRule::Syntax)),
        ("max-age=5/", Err(HstsRule::Syntax)),
        ("max-age==5", Err(HstsRule::Syntax)),
        ("max-age:5", Err(HstsRule::MaxAge)),
        ("max-age=é", Err(HstsRule::Syntax)),
        // Without it there is nothing.
        ("", Err(HstsRule::MaxAgeMissing)),
        ("   ", Err(HstsRule::MaxAgeMissing)),
        (";;", Err(HstsRule::MaxAgeMissing)),
        ("includeSubDomains", Err(HstsRule::MaxAgeMissing)),
        ("maxage=5", Err(HstsRule::MaxAgeMissing)),
        ("max-ages=5", Err(HstsRule::MaxAgeMissing)),
        ("x-max-age=5", Err(HstsRule::MaxAgeMissing)),
        ("31536000", Err(HstsRule::MaxAgeMissing)),
        // Quoted strings.
        ("max-age=\"\\5\\6\"", host_alone(56)),
        ("max-age=\"5", Err(HstsRule::Quoted)),
        ("max-age=\"", Err(HstsRule::Quoted)),
        ("max-age=\"5\\", Err(HstsRule::Quoted)),
        ("max-age=\"5\\\"", Err(HstsRule::Quoted)),
        ("max-age=\"5\u{1}\"", Err(HstsRule::Quoted)),
        ("max-age=\"5\"x", Err(HstsRule::Syntax)),
        ("max-age='5'", Err(HstsRule::MaxAge)),
        ("\"max-age\"=5", Err(HstsRule::Syntax)),
        // What is not known is passed over, if it is well-formed.
        ("max-age=5; foo", host_alone(5)),
        ("foo; max-age=5", host_alone(5)),
        ("max-age=5; foo=bar; includeSubDomains", with_below(5)),
        ("max-age=5; foo=\"a;b; max-age=9\"; includeSubDomains", with_below(5)),
        ("max-age=5; foo=\"\"", host_alone(5)),
        ("max-age=5; foo=\"\\\"; includeSubDomains\"", host_alone(5)),
        ("max-age=5; includeSubDomainsX", host_alone(5)),
        ("max-age=5; foo=", Err(HstsRule::Syntax)),
        ("max-age=5; =bar", Err(HstsRule::Syntax)),
        ("max-age=5; foo bar", Err(HstsRule::Syntax)),
        ("max-age=5; foo=\"bar", Err(HstsRule::Quoted)),
        ("max-age=5; <foo>", Err(HstsRule::Syntax)),
        // A directive stands once, whichever it is.
        ("max-age=5; max-age=5", Err(HstsRule::Duplicate)),
        ("max-age=5; MAX-AGE=6", Err(HstsRule::Duplicate)),
        ("max-age=5; includeSubDomains; includesubdomains", Err(HstsRule::Duplicate)),
        ("max-age=5; foo; foo", Err(HstsRule::Duplicate)),
        ("max-age=5; foo=1; FOO=\"2\"", Err(HstsRule::Duplicate)),
        ("max-age=0; max-age=5", Err(HstsRule::Duplicate)),
        ("max-age=5; preload; preload", Err(HstsRule::Duplicate)),
        // It has no value.
        ("max-age=5; includeSubDomains=true", Err(HstsRule::IncludeSubDomains)),
        ("max-age=5; includeSubDomains=\"\"", Err(HstsRule::IncludeSubDomains)),
        ("max-age=5; includeSubDomains=", Err(HstsRule::Syntax)),
    ];
    assert!(cases.len() >= 60);
    for (value, expected) in cases {
        assert_eq!(HstsPolicy::parse(value.as_bytes()).map_err(|error| error.rule), *expected, "{value}");
    }
}

#[test]
fn errors_say_where() {
    for (value, rule, offset, text) in [
        (
            "max-age=5; max-age=6",
            HstsRule::Duplicate,
            11,
            "a directive for the second time at offset 11 of strict-transport-security (RFC 6797 §6.1)",
        ),
        (
            "max-age=5, x",
            HstsRule::Syntax,
            9,
            "expected `name` or `name=value` with `;` between at offset 9 of strict-transport-security \
             (RFC 6797 §6.1)",
        ),
        (
            "foo=\"bar",
            HstsRule::Quoted,
            8,
            "malformed quoted string at offset 8 of strict-transport-security (RFC 6797 §6.1)",
        ),
        (
            "preload",
            HstsRule::MaxAgeMissing,
            7,
            "max-age is missing at offset 7 of strict-transport-security (RFC 6797 §6.1)",
        ),
    ] {
        let error = HstsPolicy::parse(value.as_bytes()).unwrap_err();
        assert_eq!((error, error.to_string().as_str()), (HstsError { rule, offset }, text), "{value}");
    }
}

#[test]
fn directives_are_limited() {
    let value = |unknown: usize| {
        let names: Vec<String> = (0..unknown).map(|number| format!("x{number}")).collect();
        format!("max-age=5;{}", names.join(";"))
    };
    assert_eq!(HstsPolicy::parse(value(31).as_bytes()), Ok(HstsPolicy::new(5)));
    let error = HstsPolicy::parse(value(32).as_bytes()).unwrap_err();
    assert_eq!(error.rule, HstsRule::TooMany);
}

#[test]
fn the_first_field_counts() {
    let fields = |values: &[&str]| {
        let mut fields = Fields::new();
        values.iter().for_each(|value| fields.push("strict-transport-security", *value).unwrap());
        HstsPolicy::from_fields(&fields)
    };
    assert_eq!(fields(&[]), Ok(None));
    assert_eq!(fields(&["max-age=5", "max-age=6; includeSubDomains"]), Ok(Some(HstsPolicy::new(5))));
    // A later one does not mend it.
    assert!(fields(&["max-age=x", "max-age=6"]).is_err());
    assert_eq!(fields(&["max-age=5", "max-age=x"]), Ok(Some(HstsPolicy::new(5))));
}

#[test]
fn what_the_preload_list_wants() {
    let year = HstsPolicy::new(31_536_000);
    assert!(year.include_subdomains().preload().is_preloadable());
    assert!(!year.preload().is_preloadable());
    assert!(!year.include_subdomains().is_preloadable());
    assert!(!HstsPolicy::new(31_535_999).include_subdomains().preload().is_preloadable());
}

proptest! {
    #[test]
    fn written_and_read(max_age: u64, include_subdomains: bool, preload: bool) {
        let policy = HstsPolicy { max_age, include_subdomains, preload };
        prop_assert_eq!(HstsPolicy::parse(policy.to_string().as_bytes()), Ok(policy));
    }

    #[test]
    fn any_spelling(
        max_age: u32,
        below: bool,
        quoted: bool,
        unknown in proptest::collection::btree_set("[f-l]{1,5}", 0..4),
        space in "[ \t]{0,3}",
        order in any::<prop::sample::Index>(),
    ) {
        let age = if quoted { format!("\"{max_age}\"") } else { max_age.to_string() };
        let mut all: Vec<String> = unknown.into_iter().map(|name| format!("{name}=\"; max-age=1\"")).collect();
        all.push(format!("mAx-aGe{space}={space}{age}"));
        if below {
            all.push("INCLUDEsubdomains".to_owned());
        }
        let turn = order.index(all.len());
        all.rotate_left(turn);
        let value = all.join(&format!("{space};{space}"));
        let expected = HstsPolicy { max_age: max_age.into(), include_subdomains: below, preload: false };
        prop_assert_eq!(HstsPolicy::parse(value.as_bytes()), Ok(expected), "{}", value);
    }

    #[test]
    fn anything(value in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Err(error) = HstsPolicy::parse(&value) {
            prop_assert!(error.offset <= value.len());
        }
    }
}
