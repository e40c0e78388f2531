//! Values, good and bad, for each type of RFC 9651; and which byte may stand where.

use wirelace_http_semantics::structured::{BareItem, Decimal, Dictionary, Item, List, Rule};

fn item(value: &[u8]) -> Result<BareItem<'_>, (Rule, usize)> {
    let item = Item::parse(value).map_err(|error| (error.rule, error.offset))?;
    assert!(item.parameters.is_empty());
    Ok(item.value)
}

fn decimal(thousandths: i64) -> BareItem<'static> {
    BareItem::Decimal(Decimal::from_thousandths(thousandths).unwrap())
}

#[test]
fn numbers() {
    for (text, value) in [
        ("42", BareItem::Integer(42)),
        ("0", BareItem::Integer(0)),
        ("-0", BareItem::Integer(0)),
        ("00", BareItem::Integer(0)),
        ("-042", BareItem::Integer(-42)),
        ("999999999999999", BareItem::Integer(999_999_999_999_999)),
        ("-999999999999999", BareItem::Integer(-999_999_999_999_999)),
        ("000000000000001", BareItem::Integer(1)),
        ("1.23", decimal(1230)),
        ("-1.23", decimal(-1230)),
        ("1.0", decimal(1000)),
        ("-0.0", decimal(0)),
        ("001.50", decimal(1500)),
        ("0.123", decimal(123)),
        ("1.100", decimal(1100)),
        ("999999999999.999", decimal(999_999_999_999_999)),
        ("-999999999999.1", decimal(-999_999_999_999_100)),
        ("  1  ", BareItem::Integer(1)),
    ] {
        assert_eq!(item(text.as_bytes()), Ok(value), "{text}");
    }
    for (text, rule, offset) in [
        ("-", Rule::Number, 0),
        ("--0", Rule::Number, 0),
        ("-a23", Rule::Number, 0),
        ("- 1", Rule::Number, 0),
        ("+1", Rule::BareItem, 0),
        (".1", Rule::BareItem, 0),
        ("1.", Rule::Number, 0),
        ("-.1", Rule::Number, 0),
        ("1.a", Rule::Number, 0),
        ("1..4", Rule::Number, 0),
        ("1.5.4", Rule::Trailing, 3),
        ("4-2", Rule::Trailing, 1),
        ("2,3", Rule::Trailing, 1),
        ("1e3", Rule::Trailing, 1),
        ("0x1", Rule::Trailing, 1),
        ("1000000000000000", Rule::Number, 0),
        ("-1000000000000000", Rule::Number, 0),
        ("0000000000000001", Rule::Number, 0),
        ("9223372036854775808", Rule::Number, 0),
        ("1.1234", Rule::Number, 0),
        ("1.0000", Rule::Number, 0),
        ("1000000000000.0", Rule::Number, 0),
        ("0000000000000.0", Rule::Number, 0),
        ("1000000000000000.0", Rule::Number, 0),
        (" \t1", Rule::BareItem, 1),
        ("1\t", Rule::Trailing, 1),
        ("", Rule::BareItem, 0),
        ("   ", Rule::BareItem, 3),
    ] {
        assert_eq!(item(text.as_bytes()), Err((rule, offset)), "{text}");
    }
}

#[test]
fn strings() {
    for (text, value) in [
        (r#""foo bar""#, "foo bar"),
        (r#""""#, ""),
        (r#""\"""#, "\""),
        (r#""b\\a\"r""#, "b\\a\"r"),
        (r#""   ""#, "   "),
        (r#""%c3""#, "%c3"),
    ] {
        assert_eq!(item(text.as_bytes()), Ok(BareItem::String(value.into())), "{text}");
    }
    for (text, rule, offset) in [
        (r#"""#, Rule::String, 1),
        (r#""foo"#, Rule::String, 4),
        (r#""foo \"#, Rule::String, 5),
        (r#""foo \,""#, Rule::String, 5),
        (r#""foo \x""#, Rule::String, 5),
        (r#""\"\"#, Rule::String, 3),
        ("\"foo\tbar\"", Rule::String, 4),
        ("\"füü\"", Rule::String, 2),
        ("'foo'", Rule::BareItem, 0),
        (r#""foo"bar"#, Rule::Trailing, 5),
    ] {
        assert_eq!(item(text.as_bytes()), Err((rule, offset)), "{text}");
    }
}

#[test]
fn byte_sequences() {
    for (text, value) in [
        (":aGVsbG8=:", &b"hello"[..]),
        ("::", b""),
        // Missing padding and unused bits are tolerated.
        (":aGVsbG8:", b"hello"),
        (":iZ==:", b"\x89"),
        (":/+Ah:", b"\xff\xe0\x21"),
    ] {
        assert_eq!(item(text.as_bytes()), Ok(BareItem::ByteSequence(value.into())), "{text}");
    }
    for text in [
        ":aGVsbG8=",
        ":",
        ":aGVsb G8=:",
        ":aGVsbG!8=:",
        ":=aGVsbG8=:",
        ":aGVsbG8=!:",
        ":_-Ah:",
        ":a:",
        ":aGVsbG8==:",
        ":ä:",
    ] {
        assert_eq!(item(text.as_bytes()), Err((Rule::ByteSequence, 0)), "{text}");
    }
    assert_eq!(item(b":aGVsbG8=:="), Err((Rule::Trailing, 10)));
}

#[test]
fn booleans_and_dates() {
    assert_eq!(item(b"?1"), Ok(BareItem::Boolean(true)));
    assert_eq!(item(b"?0"), Ok(BareItem::Boolean(false)));
    for text in ["?", "?2", "?T", "? 1", "?\u{0}", "?ä"] {
        assert_eq!(item(text.as_bytes()), Err((Rule::Boolean, 0)), "{text}");
    }
    assert_eq!(item(b"?10"), Err((Rule::Trailing, 2)));
    for (text, seconds) in [
        ("@1659578233", 1_659_578_233),
        ("@0", 0),
        ("@-1659578233", -1_659_578_233),
        ("@-62135596800", -62_135_596_800),
        ("@253402214400", 253_402_214_400),
    ] {
        assert_eq!(item(text.as_bytes()), Ok(BareItem::Date(seconds)), "{text}");
    }
    for (text, rule, offset) in [
        ("@1659578233.12", Rule::Date, 0),
        ("@", Rule::Number, 1),
        ("@a", Rule::Number, 1),
        ("@ 1", Rule::Number, 1),
        ("@@1", Rule::Number, 1),
        ("@1000000000000000", Rule::Number, 1),
        ("@1a", Rule::Trailing, 2),
    ] {
        assert_eq!(item(text.as_bytes()), Err((rule, offset)), "{text}");
    }
}

#[test]
fn display_strings() {
    for (text, value) in [
        (r#"%"foo bar""#, "foo bar"),
        (r#"%"""#, ""),
        (r#"%"f%c3%bc%c3%bc""#, "füü"),
        (r#"%"This is intended for display to %c3%bcsers.""#, "This is intended for display to üsers."),
        (r#"%"foo %22bar%22 \ baz""#, "foo \"bar\" \\ baz"),
        (r#"%"BOM: %ef%bb%bf""#, "BOM: \u{feff}"),
        (r#"%"%00%0d%0a%7f""#, "\0\r\n\x7f"),
        (r#"%"%f0%9f%98%80""#, "😀"),
        (r#"%" !%22#$%25&'()*+,-./:;<=>?@[\]^_`{|}~""#, " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    ] {
        assert_eq!(item(text.as_bytes()), Ok(BareItem::DisplayString(value.into())), "{text}");
        let again = Item::from(BareItem::DisplayString(value.into())).serialize().unwrap();
        assert_eq!(again, text.as_bytes());
    }
    for (text, offset) in [
        ("%", 0),
        ("%foo", 0),
        ("%foo\"", 0),
        ("%'foo'", 0),
        ("% \"foo\"", 0),
        ("%\"", 2),
        ("%\"foo", 5),
        ("%\"\t\"", 2),
        ("%\"\n\"", 2),
        ("%\"f\u{fc}\"", 3),
        ("%\"f%C3%BC\"", 3),
        ("%\"f%c\"", 3),
        ("%\"foo %a", 6),
        ("%\"foo %", 6),
        ("%\"%zz\"", 2),
        // Not UTF-8.
        ("%\"%c3%28\"", 0),
        ("%\"%a0%a1\"", 0),
        ("%\"%c3\"", 0),
        ("%\"%e2%28%a1\"", 0),
        ("%\"%f0%28%8c%28\"", 0),
        ("%\"%ed%a0%80\"", 0),
        ("%\"%c0%80\"", 0),
    ] {
        assert_eq!(item(text.as_bytes()), Err((Rule::DisplayString, offset)), "{text:?}");
    }
}

#[test]
fn containers() {
    for (text, rule, offset) in [
        ("1, 42,", Rule::EmptyMember, 6),
        ("1,,42", Rule::BareItem, 2),
        (",1", Rule::BareItem, 0),
        ("1 2", Rule::Separator, 2),
        ("1;2", Rule::Key, 2),
        ("a;", Rule::Key, 2),
        ("a; ;b", Rule::Key, 3),
        ("a;b =1", Rule::Separator, 4),
        ("a;b= 1", Rule::BareItem, 4),
        ("a;b=", Rule::BareItem, 4),
        ("a;b=(1)", Rule::BareItem, 4),
        ("a ;b", Rule::Separator, 2),
        ("a;\tb", Rule::Key, 2),
        ("(1 42", Rule::InnerList, 5),
        ("(1 42 ", Rule::InnerList, 6),
        ("(", Rule::InnerList, 1),
        ("(1,2)", Rule::InnerList, 2),
        ("(1\t2)", Rule::InnerList, 2),
        ("(\t1)", Rule::BareItem, 1),
        ("((1))", Rule::BareItem, 1),
        ("(\"a\"\"b\")", Rule::InnerList, 4),
        ("(1;)", Rule::Key, 3),
        ("(1)x", Rule::Separator, 3),
        ("1)", Rule::Separator, 1),
    ] {
        let error = List::parse(text.as_bytes()).unwrap_err();
        assert_eq!((error.rule, error.line, error.offset), (rule, 0, offset), "{text}");
    }
    for (text, rule, offset) in [
        ("a=1, b=2,", Rule::EmptyMember, 9),
        ("a=1,,b=2", Rule::Key, 4),
        ("=1", Rule::Key, 0),
        ("a=", Rule::BareItem, 2),
        ("a =1", Rule::Separator, 2),
        ("a= 1", Rule::BareItem, 2),
        ("a=,b", Rule::BareItem, 2),
        ("A=1", Rule::Key, 0),
        ("a=1 b=2", Rule::Separator, 4),
        ("(1)", Rule::Key, 0),
    ] {
        let error = Dictionary::parse(text.as_bytes()).unwrap_err();
        assert_eq!((error.rule, error.line, error.offset), (rule, 0, offset), "{text}");
    }
    for (text, written) in [
        ("", ""),
        ("  1\t ,\t 42 ", "1, 42"),
        ("(  1  42  )", "(1 42)"),
        ("(  )", "()"),
        ("a;   b;  c=?1", "a;b;c"),
        ("text/html;q=1.0", "text/html;q=1.0"),
        ("text/html  ,  text/plain;  q=0.5;  charset=utf-8", "text/html, text/plain;q=0.5;charset=utf-8"),
    ] {
        assert_eq!(List::parse(text.as_bytes()).unwrap().serialize().unwrap(), written.as_bytes(), "{text}");
    }
}

/// Each byte in each place where a set of characters is allowed, against the sets as RFC 9651 §3 writes them.
#[test]
fn every_byte_everywhere() {
    let lower = b"abcdefghijklmnopqrstuvwxyz";
    let upper = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let digits = b"0123456789";
    for byte in 0..=255u8 {
        let within = |sets: &[&[u8]]| sets.iter().any(|set| set.contains(&byte));
        let with = |head: &[u8], tail: &[u8]| [head, &[byte], tail].concat();

        let key_start = within(&[lower, b"*"]);
        let key_rest = key_start || within(&[digits, b"_-."]);
        assert_eq!(Dictionary::parse(&with(b"", b"=1")).is_ok(), key_start, "{byte:#x}");
        assert_eq!(
            Dictionary::parse(&with(b"a", b"a=1")).is_ok_and(|d| d.get("a").is_none()),
            key_rest,
            "{byte:#x}"
        );
        assert_eq!(Item::parse(&with(b"1;", b"=1")).is_ok(), key_start, "{byte:#x}");

        let token_start = within(&[lower, upper, b"*"]);
        let token_rest = within(&[lower, upper, digits, b"!#$%&'*+-.^_`|~:/"]);
        let token = |text: &[u8]| matches!(Item::parse(text).map(|item| item.value), Ok(BareItem::Token(t)) if t.as_bytes() == text);
        assert_eq!(token(&with(b"", b"")), token_start, "{byte:#x}");
        assert_eq!(token(&with(b"", b"a")), token_start, "{byte:#x}");
        assert_eq!(token(&with(b"a", b"")), token_rest, "{byte:#x}");
        assert_eq!(token(&with(b"a", b"a")), token_rest, "{byte:#x}");

        let printable = (0x20..=0x7e).contains(&byte);
        let string = Item::parse(&with(b"\"a", b"a\"")).is_ok();
        assert_eq!(string, printable && byte != b'"' && byte != b'\\', "{byte:#x}");
        let escaped = Item::parse(&with(b"\"\\", b"\"")).is_ok();
        assert_eq!(escaped, byte == b'"' || byte == b'\\', "{byte:#x}");
        let display = Item::parse(&with(b"%\"a", b"xx\"")).is_ok();
        assert_eq!(display, printable && byte != b'"' && byte != b'%', "{byte:#x}");
        let hex = Item::parse(&with(b"%\"%4", b"\"")).is_ok();
        assert_eq!(hex, within(&[digits, b"abcdef"]), "{byte:#x}");

        let base64 = Item::parse(&with(b":AAA", b":")).is_ok();
        assert_eq!(base64, within(&[lower, upper, digits, b"+/=:"]) && byte != b':', "{byte:#x}");
        assert_eq!(Item::parse(&with(b"?", b"")).is_ok(), byte == b'0' || byte == b'1', "{byte:#x}");
        let number = Item::parse(&with(b"1", b"")).is_ok();
        assert_eq!(number, within(&[digits, b" "]), "{byte:#x}");
    }
}
