use wirelace_http_semantics::accept::{CodingChoice, choose_coding, weighted};
use wirelace_http_semantics::list::Elements;

const CODINGS: [&str; 2] = ["br", "gzip"];
const BR: CodingChoice = CodingChoice::Coded(0);
const GZIP: CodingChoice = CodingChoice::Coded(1);
const PLAIN: CodingChoice = CodingChoice::Identity;
const NONE: CodingChoice = CodingChoice::NotAcceptable;

#[test]
fn content_codings() {
    for (line, choice) in [
        // RFC 9110 §12.5.3.
        ("compress, gzip", GZIP),
        ("", PLAIN),
        ("*", BR),
        ("compress;q=0.5, gzip;q=1.0", GZIP),
        ("gzip;q=1.0, identity; q=0.5, *;q=0", GZIP),
        // What browsers and tools send.
        ("gzip, deflate, br, zstd", BR),
        ("deflate, gzip", GZIP),
        ("gzip;q=1.0,deflate;q=0.6,identity;q=0.3", GZIP),
        ("identity", PLAIN),
        ("gzip;q=0.8, br;q=0.2", GZIP),
        ("gzip;q=0.001", GZIP),
        ("gzip;q=0", PLAIN),
        ("gzip;q=0.5, identity", PLAIN),
        ("gzip;q=0.5, identity;q=0.5", GZIP),
        ("gzip;q=0.5, *", BR),
        ("gzip;q=0.5, *;q=0.5", BR),
        ("br;q=0, *", GZIP),
        ("x-gzip", GZIP),
        ("GZip", GZIP),
        ("zstd", PLAIN),
        // Nothing left.
        ("identity;q=0", NONE),
        ("*;q=0", NONE),
        ("zstd, identity;q=0", NONE),
        ("zstd, *;q=0", NONE),
        ("*;q=0, identity", PLAIN),
        ("identity;q=0, *", BR),
        ("identity;q=0, br", BR),
        // The first of two counts.
        ("gzip;q=0, gzip", PLAIN),
        ("gzip, gzip;q=0", GZIP),
        // Malformed elements do not count.
        ("gzip;q=", PLAIN),
        ("gzip;q=2", PLAIN),
        ("gzip;q=1.001", PLAIN),
        ("gzip;q=0.1234", PLAIN),
        ("gzip;q=.5", PLAIN),
        ("gzip;q=-1", PLAIN),
        ("gzip;q =1", PLAIN),
        ("gzip q=1", PLAIN),
        ("gzip;q=0., br;q=0", PLAIN),
        ("gzip;q=1., br;q=0", GZIP),
        ("gzip;Q=0.7 ,\tbr;  q=0.700", BR),
        (",, gzip ,", GZIP),
    ] {
        assert_eq!(choose_coding([line.as_bytes()], &CODINGS), choice, "{line}");
    }
    assert_eq!(choose_coding([], &CODINGS), PLAIN);
    assert_eq!(choose_coding([&b"gzip;q=0.5"[..], b"br;q=0.1"], &CODINGS), GZIP);
    assert_eq!(choose_coding([&b"*"[..]], &[]), PLAIN);
}

/// RFC 9110 §12.5.1.
#[test]
fn weights() {
    let read = |line: &'static str| -> Vec<(&str, u16, usize)> {
        weighted(line.as_bytes())
            .map(|element| {
                let value = std::str::from_utf8(element.value).unwrap();
                (value, element.quality.thousandths(), element.parameters.count())
            })
            .collect()
    };
    assert_eq!(
        read(
            "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5"
        ),
        [
            ("text/*", 300, 1),
            ("text/plain", 700, 1),
            ("text/plain", 1000, 1),
            ("text/plain", 400, 2),
            ("*/*", 500, 1)
        ]
    );
    assert_eq!(read("da, en-gb;q=0.8, en;q=0.7"), [("da", 1000, 0), ("en-gb", 800, 1), ("en", 700, 1)]);
    assert_eq!(read(r#"a/b;x="1,2;q=0";q=0.25, c"#), [("a/b", 250, 2), ("c", 1000, 0)]);
    assert_eq!(read("a;q=0.5;q=0.1"), [("a", 500, 2)]);
    assert_eq!(read(";q=1, b;q, c"), [("c", 1000, 0)]);
}

#[test]
fn elements() {
    let read = |line: &'static str| -> Vec<&str> {
        Elements::new(line.as_bytes()).map(|element| std::str::from_utf8(element).unwrap()).collect()
    };
    // RFC 9110 §5.6.1.2.
    assert_eq!(read("foo,bar"), ["foo", "bar"]);
    assert_eq!(read("foo ,bar,"), ["foo", "bar"]);
    assert_eq!(read("foo , ,bar,charlie"), ["foo", "bar", "charlie"]);
    for empty in ["", ",", ",   ,", " \t "] {
        assert!(read(empty).is_empty(), "{empty}");
    }
    // RFC 9110 §5.5.
    let uris = r#""http://example.com/a.html,foo", "http://without-a-comma.example.com/""#;
    assert_eq!(
        read(uris),
        [r#""http://example.com/a.html,foo""#, r#""http://without-a-comma.example.com/""#]
    );
    let dates = r#""Sat, 04 May 1996", "Wed, 14 Sep 2005""#;
    assert_eq!(read(dates), [r#""Sat, 04 May 1996""#, r#""Wed, 14 Sep 2005""#]);
    assert_eq!(read(r#""a\",b",c"#), [r#""a\",b""#, "c"]);
    assert_eq!(read(r#"a\,b"#), ["a\\", "b"]);
    assert_eq!(read(r#"a, "b, c"#), ["a", "\"b, c"]);
}
