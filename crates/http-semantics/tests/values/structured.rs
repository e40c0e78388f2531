//! Examples of RFC 9651 and round trips of random values.

use std::borrow::Cow;

use proptest::prelude::*;
use wirelace_http_semantics::structured::{
    BareItem, Decimal, Dictionary, InnerList, Item, List, Member, Parameters, Rule, SerializeError,
};

fn list_text(value: &str) -> String {
    String::from_utf8(List::parse(value.as_bytes()).unwrap().serialize().unwrap()).unwrap()
}

fn dictionary_text(value: &str) -> String {
    String::from_utf8(Dictionary::parse(value.as_bytes()).unwrap().serialize().unwrap()).unwrap()
}

/// The examples of §3.1 and §3.2, and how they are written.
#[test]
fn examples_of_rfc_9651() {
    for (value, written) in [
        ("sugar, tea, rum", "sugar, tea, rum"),
        (
            "(\"foo\" \"bar\"), (\"baz\"), (\"bat\" \"one\"), ()",
            "(\"foo\" \"bar\"), (\"baz\"), (\"bat\" \"one\"), ()",
        ),
        (
            "(\"foo\"; a=1;b=2);lvl=5, (\"bar\" \"baz\");lvl=1",
            "(\"foo\";a=1;b=2);lvl=5, (\"bar\" \"baz\");lvl=1",
        ),
        ("abc;a=1;b=2; cde_456, (ghi;jk=4 l);q=\"9\";r=w", "abc;a=1;b=2;cde_456, (ghi;jk=4 l);q=\"9\";r=w"),
        ("1; a; b=?0", "1;a;b=?0"),
    ] {
        assert_eq!(list_text(value), written);
    }
    for (value, written) in [
        ("en=\"Applepie\", da=:w4ZibGV0w6ZydGU=:", "en=\"Applepie\", da=:w4ZibGV0w6ZydGU=:"),
        ("a=?0, b, c; foo=bar", "a=?0, b, c;foo=bar"),
        ("rating=1.5, feelings=(joy sadness)", "rating=1.5, feelings=(joy sadness)"),
        ("a=(1 2), b=3, c=4;aa=bb, d=(5 6);valid", "a=(1 2), b=3, c=4;aa=bb, d=(5 6);valid"),
        // Duplicates: the first place, the last value.
        ("a=1,b=2,a=3", "a=3, b=2"),
        ("a=1;x=2;y;x=3", "a=1;x=3;y"),
    ] {
        assert_eq!(dictionary_text(value), written);
    }
    let da = Dictionary::parse("da=:w4ZibGV0w6ZydGU=:".as_bytes()).unwrap();
    let bytes = da.get("da").and_then(Member::as_item).unwrap().value.as_bytes();
    assert_eq!(bytes, Some("Æbletærte".as_bytes()));
}

#[test]
fn several_lines() {
    let lines = |lines: &[&'static str]| List::parse_lines(lines.iter().map(|line| line.as_bytes()));
    let whole = List::parse(b"1, (a b);x, 42").unwrap();
    assert_eq!(lines(&["1, (a b);x", "42"]).unwrap(), whole);
    assert_eq!(lines(&["  1 ", "\t(a b);x\t,42 "]).unwrap(), whole);
    assert_eq!(lines(&[]).unwrap(), List::default());
    assert_eq!(lines(&["  "]).unwrap(), List::default());
    for (bad, rule, line, offset) in [
        (&["", "1"][..], Rule::EmptyMember, 0, 0),
        (&["1", ""], Rule::EmptyMember, 1, 0),
        (&["1", " ", "2"], Rule::EmptyMember, 1, 1),
        (&["", ""], Rule::EmptyMember, 0, 0),
        (&["1,", "2"], Rule::EmptyMember, 0, 2),
        (&["1", ",2"], Rule::BareItem, 1, 0),
        (&["(1", "2)"], Rule::InnerList, 0, 2),
        (&["\"a", "b\""], Rule::String, 0, 2),
        (&["1", "2 3"], Rule::Separator, 1, 2),
    ] {
        let error = lines(bad).unwrap_err();
        assert_eq!((error.rule, error.line, error.offset), (rule, line, offset), "{bad:?}");
    }
    let dictionary = Dictionary::parse_lines([&b"a=1, b=2"[..], b"a=3;x"]).unwrap();
    assert_eq!(dictionary.serialize().unwrap(), b"a=3;x, b=2");
    let error = Dictionary::parse_lines([&b"a=1, b=2"[..], b"A=3"]).unwrap_err();
    assert_eq!(error.to_string(), "malformed key, in field line 1 at offset 0");
}

#[test]
fn building() {
    let mut dictionary = Dictionary::new();
    dictionary.insert("b", Member::from(BareItem::Boolean(true)));
    dictionary.insert("a", Member::from(BareItem::Integer(1)));
    let parameters = Parameters::from_iter([("x", BareItem::Boolean(true)), ("y", BareItem::Boolean(false))]);
    dictionary.insert("b", Member::from(InnerList { items: vec![BareItem::Integer(-1).into()], parameters }));
    assert_eq!(dictionary.serialize().unwrap(), b"b=(-1);x;y=?0, a=1");
    assert_eq!(dictionary.remove("b").unwrap().parameters().len(), 2);
    assert_eq!(dictionary.remove("b"), None);
    assert_eq!(dictionary.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["a"]);
    assert_eq!(Dictionary::new().serialize().unwrap(), b"");
    assert_eq!(List::default().serialize().unwrap(), b"");
}

#[test]
fn what_cannot_be_written() {
    let refused = |value: BareItem<'_>| {
        let mut out = b"kept".to_vec();
        let list = List { members: vec![BareItem::Integer(1).into(), value.into()] };
        let error = list.write(&mut out).unwrap_err();
        assert_eq!(out, b"kept");
        error
    };
    let big = 999_999_999_999_999;
    assert_eq!(refused(BareItem::Integer(big + 1)), SerializeError::Integer);
    assert_eq!(refused(BareItem::Integer(-big - 1)), SerializeError::Integer);
    assert_eq!(refused(BareItem::Integer(i64::MIN)), SerializeError::Integer);
    assert_eq!(refused(BareItem::Date(big + 1)), SerializeError::Date);
    for text in ["ü", "\n", "\t", "\u{7f}"] {
        assert_eq!(refused(BareItem::String(text.into())), SerializeError::String);
    }
    for text in ["", "1a", "a b", "ü", "a\"", "/a", ":", "a,b", "a\r\nb"] {
        assert_eq!(refused(BareItem::Token(text.into())), SerializeError::Token);
    }
    for key in ["", "A", "1", "_a", "-", ".", "aA", "a b", "a=", "aü", "a\r\nb"] {
        let mut dictionary = Dictionary::new();
        dictionary.insert(key, Member::from(BareItem::Boolean(true)));
        assert_eq!(dictionary.serialize(), Err(SerializeError::Key), "{key}");
        let parameters = Parameters::from_iter([(key, BareItem::Boolean(true))]);
        let item = Item { value: BareItem::Boolean(true), parameters };
        assert_eq!(item.serialize(), Err(SerializeError::Key), "{key}");
    }
}

#[test]
fn decimals() {
    let text = |value: f64| {
        let decimal = Decimal::from_f64(value)?;
        Some(String::from_utf8(Item::from(BareItem::Decimal(decimal)).serialize().unwrap()).unwrap())
    };
    for (value, expected) in [
        (0.0, "0.0"),
        (-0.0, "0.0"),
        (1.0, "1.0"),
        (-1.25, "-1.25"),
        (0.1, "0.1"),
        (0.01, "0.01"),
        (-0.001, "-0.001"),
        (1.2345, "1.234"),
        (0.0005, "0.0"),
        (0.00051, "0.001"),
        // To the even one.
        (0.0015, "0.002"),
        (0.0025, "0.002"),
        (-0.0015, "-0.002"),
        (-0.0025, "-0.002"),
        (9.9995, "10.0"),
        (999_999_999_999.5, "999999999999.5"),
        (-999_999_999_999.875, "-999999999999.875"),
    ] {
        assert_eq!(text(value).as_deref(), Some(expected), "{value}");
    }
    for value in [1e12, -1e12, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(text(value), None, "{value}");
    }
    assert_eq!(Decimal::from_thousandths(i64::MIN), None);
    assert_eq!(Decimal::from_thousandths(1_000_000_000_000_000), None);
    assert_eq!(BareItem::Integer(5).as_decimal().unwrap().thousandths(), 5000);
    assert_eq!(BareItem::Integer(999_999_999_999_999).as_decimal(), None);
    assert_eq!(Decimal::from_thousandths(-1250).unwrap().to_f64(), -1.25);
}

/// Text stays where it is unless it has escapes.
#[test]
fn borrowing() {
    let borrowed = |value: &'static [u8]| match Item::parse(value).unwrap().value {
        BareItem::String(text) | BareItem::Token(text) | BareItem::DisplayString(text) => {
            matches!(text, Cow::Borrowed(_))
        }
        other => panic!("{other:?}"),
    };
    assert!(borrowed(b"\"abc\"") && borrowed(b"abc") && borrowed(b"%\"abc\""));
    assert!(!borrowed(b"\"a\\\\bc\"") && !borrowed(b"%\"a%20bc\""));
}

/// §1.2: at least so much must be read; far more must not take quadratic time (this would be 10^10 comparisons).
#[test]
fn large_values() {
    let mut value = String::new();
    for number in 0..100_000 {
        value += &format!("a{number}=1, ");
    }
    value += "a7=2";
    let dictionary = Dictionary::parse(value.as_bytes()).unwrap();
    assert_eq!(dictionary.len(), 100_000);
    assert_eq!(dictionary.get("a7").and_then(Member::as_integer), Some(2));
    assert_eq!(dictionary.iter().nth(7).unwrap().0, "a7");

    let value = format!("a{}", ";a0=1;b".repeat(50_000));
    assert_eq!(Item::parse(value.as_bytes()).unwrap().parameters.len(), 2);
    let value = format!("({}),{}1", "1 ".repeat(50_000), "1,".repeat(50_000));
    assert_eq!(List::parse(value.as_bytes()).unwrap().members.len(), 50_002);
    let value = format!("\"{}\"", "\\\"".repeat(50_000));
    assert_eq!(Item::parse(value.as_bytes()).unwrap().value.as_string().unwrap().len(), 50_000);
}

fn bare() -> impl Strategy<Value = BareItem<'static>> {
    const MAX: i64 = 999_999_999_999_999;
    prop_oneof![
        (-MAX..=MAX).prop_map(BareItem::Integer),
        (-99i64..=99).prop_map(BareItem::Integer),
        (-MAX..=MAX).prop_map(|value| BareItem::Decimal(Decimal::from_thousandths(value).unwrap())),
        (-9999i64..=9999).prop_map(|value| BareItem::Decimal(Decimal::from_thousandths(value).unwrap())),
        "[ -~]{0,12}".prop_map(|text| BareItem::String(text.into())),
        "[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]{0,12}".prop_map(|text| BareItem::Token(text.into())),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| BareItem::ByteSequence(bytes.into())),
        any::<bool>().prop_map(BareItem::Boolean),
        (-MAX..=MAX).prop_map(BareItem::Date),
        any::<String>().prop_map(|text| BareItem::DisplayString(text.into())),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]", "[a-z*][a-z0-9_.*-]{0,5}"]
}

fn parameters() -> impl Strategy<Value = Parameters<'static>> {
    prop::collection::vec((key(), bare()), 0..4).prop_map(Parameters::from_iter)
}

fn item() -> impl Strategy<Value = Item<'static>> {
    (bare(), parameters()).prop_map(|(value, parameters)| Item { value, parameters })
}

fn member() -> impl Strategy<Value = Member<'static>> {
    let inner = (prop::collection::vec(item(), 0..4), parameters())
        .prop_map(|(items, parameters)| Member::InnerList(InnerList { items, parameters }));
    prop_oneof![item().prop_map(Member::Item), inner]
}

proptest! {
    #[test]
    fn items_come_back(item in item()) {
        let text = item.serialize().unwrap();
        prop_assert_eq!(Item::parse(&text).unwrap(), item);
    }

    #[test]
    fn lists_come_back(members in prop::collection::vec(member(), 0..5), cut: prop::sample::Index) {
        let list = List { members };
        let text = list.serialize().unwrap();
        prop_assert_eq!(&List::parse(&text).unwrap(), &list);
        // As two lines, if neither is empty.
        if list.members.len() > 1 {
            let cut = 1 + cut.index(list.members.len() - 1);
            let (head, tail) = list.members.split_at(cut);
            let head = List { members: head.to_vec() }.serialize().unwrap();
            let tail = List { members: tail.to_vec() }.serialize().unwrap();
            prop_assert_eq!(List::parse_lines([&head[..], &tail[..]]).unwrap(), list);
        }
    }

    #[test]
    fn dictionaries_come_back(members in prop::collection::vec((key(), member()), 0..40)) {
        let dictionary = Dictionary::from_iter(members);
        let text = dictionary.serialize().unwrap();
        prop_assert_eq!(Dictionary::parse(&text).unwrap(), dictionary);
    }

    /// Parsing with many keys (indexed) and inserting (searched) agree about duplicates.
    #[test]
    fn duplicates(keys in prop::collection::vec("[ab][ab]{0,5}", 0..80)) {
        let numbered: Vec<_> = keys.iter().zip(0..).collect();
        let text: Vec<_> = numbered.iter().map(|(key, number)| format!("{key}={number}")).collect();
        let text = text.join(",");
        let expected: Dictionary<'_> =
            numbered.iter().map(|(key, number)| (key.as_str(), Member::from(BareItem::Integer(*number)))).collect();
        prop_assert_eq!(Dictionary::parse(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn floats(value in -1e12f64..1e12) {
        if let Some(decimal) = Decimal::from_f64(value) {
            prop_assert!((decimal.to_f64() - value).abs() <= 0.000_5 + value.abs() * f64::EPSILON);
        } else {
            prop_assert!(value.abs() >= 999_999_999_999.999);
        }
    }
}
