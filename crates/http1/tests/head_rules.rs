//! The rules of RFC 9112 for heads: what is taken apart how, what is refused for which reason and
//! where, each in every split.

mod head_support;

use head_support::{REQUESTS, RESPONSES, Requests, Responses, every_split, once};
use wirelace_http1::head::{
    FieldLine, HeadErrorKind as Kind, HeadLimits, RequestLeniency, ResponseLeniency, Status, Version,
    parse_request, parse_response, unfold,
};

/// Method, target, version and fields of a request that must be accepted with all its bytes.
type Request<'a> = (&'a str, &'a str, Version, Vec<(&'a str, &'a str)>);

fn request(kind: &Requests, input: &str) -> (String, String, Version, Vec<(String, String)>) {
    let (result, lines) = every_split(kind, input.as_bytes());
    let Ok(Status::Complete(index)) = result else { panic!("{result:?}: {input:?}") };
    assert_eq!(index.len, input.len(), "{input:?}");
    let lines = lines.text(input.as_bytes());
    (
        input[index.method].to_owned(),
        input[index.target].to_owned(),
        index.version,
        lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    )
}

fn accepts(kind: &Requests, input: &str, expected: Request) {
    let (method, target, version, fields) = request(kind, input);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!((&*method, &*target, version, fields), expected, "{input:?}");
}

#[test]
fn requests() {
    for (input, expected) in [
        ("GET / HTTP/1.0\r\n\r\n", ("GET", "/", Version::Http10, vec![])),
        ("GET / HTTP/1.1\r\n\r\n", ("GET", "/", Version::Http11, vec![])),
        (
            "GET /a/b?c=d HTTP/1.1\r\nHost: a\r\nCookie: \r\n\r\n",
            ("GET", "/a/b?c=d", Version::Http11, vec![("Host", "a"), ("Cookie", "")]),
        ),
        ("M-SEARCH * HTTP/1.1\r\nX:y\r\n\r\n", ("M-SEARCH", "*", Version::Http11, vec![("X", "y")])),
        ("\r\n\r\n\r\n\r\nPUT a:1 HTTP/1.1\r\n\r\n", ("PUT", "a:1", Version::Http11, vec![])),
        // Whitespace around values goes, inside it stays.
        (
            "GET / HTTP/1.1\r\nA: \t b\tc  d \t\r\nB:\t\r\nC: \r\nD:\r\nE:    \r\n\r\n",
            ("GET", "/", Version::Http11, vec![("A", "b\tc  d"), ("B", ""), ("C", ""), ("D", ""), ("E", "")]),
        ),
        // Every tchar; every kind of octet that a value may have.
        (
            "!#$%&'*+-.^_`|~09azAZ /!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ HTTP/1.1\r\n!#$%&'*+-.^_`|~09azAZ: \u{e9}\u{7ff}~!\"(),/:;<=>?@[\\]{}\r\n\r\n",
            (
                "!#$%&'*+-.^_`|~09azAZ",
                "/!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
                Version::Http11,
                vec![("!#$%&'*+-.^_`|~09azAZ", "\u{e9}\u{7ff}~!\"(),/:;<=>?@[\\]{}")],
            ),
        ),
    ] {
        accepts(&REQUESTS, input, expected);
    }
}

#[test]
fn values_of_every_length() {
    for len in 0..100 {
        for filler in ["a", "\t", "\u{e9}"] {
            let value = format!("x{}y", filler.repeat(len));
            let target = format!("/{}", "t".repeat(len));
            let name = format!("n{}", "m".repeat(len));
            let input = format!("GET {target} HTTP/1.1\r\n{name}: {value}\r\nb: c\r\n\r\n");
            let (result, lines) = once(&REQUESTS, input.as_bytes());
            assert_eq!(result.unwrap().complete().unwrap().len, input.len());
            assert_eq!(lines.text(input.as_bytes()), [(&*name, &*value), ("b", "c")]);
        }
    }
}

#[test]
fn the_head_ends_where_it_ends() {
    let input = "GET / HTTP/1.1\r\nA: b\r\n\r\nGET /2 HTTP/1.1\r\n\r\n";
    let (result, _) = every_split(&REQUESTS, input.as_bytes());
    assert_eq!(result.unwrap().complete().unwrap().len, 24);
}

#[test]
fn refused_requests() {
    for (input, kind, offset) in [
        // The method.
        (" / HTTP/1.1\r\n\r\n", Kind::Method, 0),
        ("\tGET / HTTP/1.1\r\n\r\n", Kind::Method, 0),
        ("GET\0 / HTTP/1.1\r\n\r\n", Kind::Method, 3),
        ("GET\t/ HTTP/1.1\r\n\r\n", Kind::Method, 3),
        ("GET: / HTTP/1.1\r\n\r\n", Kind::Method, 3),
        ("G\u{e9}T / HTTP/1.1\r\n\r\n", Kind::Method, 1),
        ("GET\r\n\r\n", Kind::Method, 3),
        ("{} / HTTP/1.1\r\n\r\n", Kind::Method, 0),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}", Kind::Method, 0), // A TLS ClientHello.
        ("\n/ HTTP/1.1\r\n\r\n", Kind::LineEnd, 0),
        ("\r\n\nGET / HTTP/1.1\r\n\r\n", Kind::LineEnd, 2),
        ("\rGET / HTTP/1.1\r\n\r\n", Kind::LineEnd, 1),
        ("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", Kind::EmptyLines, 10),
        // The target.
        ("GET  HTTP/1.1\r\n\r\n", Kind::Target, 4),
        ("GET  / HTTP/1.1\r\n\r\n", Kind::Target, 4),
        ("GET \t/ HTTP/1.1\r\n\r\n", Kind::Target, 4),
        ("GET /\u{7f} HTTP/1.1\r\n\r\n", Kind::Target, 5),
        ("GET /\0 HTTP/1.1\r\n\r\n", Kind::Target, 5),
        ("GET /\t HTTP/1.1\r\n\r\n", Kind::Target, 5),
        ("GET /caf\u{e9} HTTP/1.1\r\n\r\n", Kind::Target, 8),
        // The version.
        ("GET /\r\n\r\n", Kind::Version, 5),
        ("GET /\n", Kind::Version, 5),
        ("GET / \r\n\r\n", Kind::Version, 6),
        ("GET /  HTTP/1.1\r\n\r\n", Kind::Version, 6),
        ("GET /a b HTTP/1.1\r\n\r\n", Kind::Version, 7),
        ("GET / http/1.1\r\n\r\n", Kind::Version, 6),
        ("GET / HTTP/a.1\r\n\r\n", Kind::Version, 11),
        ("GET / HTTP/1,1\r\n\r\n", Kind::Version, 12),
        ("GET / HTTP/01.1\r\n\r\n", Kind::Version, 12),
        ("GET / HTTP/1.10\r\n\r\n", Kind::Version, 14),
        ("GET / HTTP/1.1 \r\n\r\n", Kind::Version, 14),
        ("GET / HTTP/1.1\t\r\n\r\n", Kind::Version, 14),
        ("GET / HTTP/1.1 HTTP/1.1\r\n\r\n", Kind::Version, 14),
        ("GET / HTTP/1.1\rHost: a\r\n\r\n", Kind::LineEnd, 15),
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", Kind::LineEnd, 14),
        ("GET / HTTP/1.2\r\n\r\n", Kind::UnsupportedVersion, 6),
        ("GET / HTTP/0.9\r\n\r\n", Kind::UnsupportedVersion, 6),
        ("GET / HTTP/3.0\r\n\r\n", Kind::UnsupportedVersion, 6),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Kind::UnsupportedVersion, 6),
    ] {
        let (result, _) = every_split(&REQUESTS, input.as_bytes());
        let error = result.unwrap_err();
        assert_eq!((error.kind, error.offset), (kind, offset), "{input:?}");
        let status = if kind == Kind::UnsupportedVersion { 505 } else { 400 };
        assert_eq!(error.status(), status);
    }
}

#[test]
fn refused_field_lines() {
    // Behind a first line and one good field, of requests and of responses.
    for (lines, kind, offset) in [
        (": b\r\n\r\n", Kind::FieldName, 0),
        (" \r\n\r\n", Kind::Fold, 0),
        (" a: b\r\n\r\n", Kind::Fold, 0),
        ("\ta: b\r\n\r\n", Kind::Fold, 0),
        ("a : b\r\n\r\n", Kind::Colon, 1),
        ("a\t: b\r\n\r\n", Kind::Colon, 1),
        ("a b: c\r\n\r\n", Kind::Colon, 1),
        ("foo\r\n\r\n", Kind::Colon, 3),
        ("foo\n\r\n", Kind::Colon, 3),
        ("a\0b: c\r\n\r\n", Kind::FieldName, 1),
        ("a\u{1b}: c\r\n\r\n", Kind::FieldName, 1),
        ("a\u{7f}: c\r\n\r\n", Kind::FieldName, 1),
        ("\u{e9}: c\r\n\r\n", Kind::FieldName, 0),
        ("a(: c\r\n\r\n", Kind::FieldName, 1),
        ("a,b: c\r\n\r\n", Kind::FieldName, 1),
        ("a{b}: c\r\n\r\n", Kind::FieldName, 1),
        ("\"a\": c\r\n\r\n", Kind::FieldName, 0),
        ("a: \0\r\n\r\n", Kind::FieldValue, 3),
        ("a: b\u{1}c\r\n\r\n", Kind::FieldValue, 4),
        ("a: b\u{7f}\r\n\r\n", Kind::FieldValue, 4),
        ("a: \u{e9}\u{7f}\r\n\r\n", Kind::FieldValue, 5),
        ("a:\u{b}b\r\n\r\n", Kind::FieldValue, 2),
        ("a: b\nc: d\r\n\r\n", Kind::LineEnd, 4),
        ("a: b\rc: d\r\n\r\n", Kind::LineEnd, 5),
        ("a: b\r\r\n\r\n", Kind::LineEnd, 5),
        ("a:\r c\r\n\r\n", Kind::LineEnd, 3),
        ("a: b\r\n c\r\n\r\n", Kind::Fold, 6),
        ("a: b\r\n\tc\r\n\r\n", Kind::Fold, 6),
        ("a: b\r\n \r\n\r\n", Kind::Fold, 6),
        ("\r\r\n", Kind::LineEnd, 1),
        ("\rX", Kind::LineEnd, 1),
        ("\n", Kind::LineEnd, 0),
        ("\n\r\n", Kind::LineEnd, 0),
    ] {
        for good in ["", "Good: value\r\n"] {
            let first = format!("GET / HTTP/1.1\r\n{good}");
            let input = format!("{first}{lines}");
            let error = every_split(&REQUESTS, input.as_bytes()).0.unwrap_err();
            assert_eq!((error.kind, error.offset), (kind, first.len() + offset), "{input:?}");
            assert_eq!(error.status(), 400);
            let first = format!("HTTP/1.1 200 OK\r\n{good}");
            let input = format!("{first}{lines}");
            let error = every_split(&RESPONSES, input.as_bytes()).0.unwrap_err();
            assert_eq!((error.kind, error.offset), (kind, first.len() + offset), "{input:?}");
        }
    }
}

#[test]
fn responses() {
    for (input, version, status, reason) in [
        ("HTTP/1.1 200 OK\r\n\r\n", Version::Http11, 200, "OK"),
        ("HTTP/1.0 404 Not Found\r\nA: b\r\n\r\n", Version::Http10, 404, "Not Found"),
        ("HTTP/1.1 200 \r\n\r\n", Version::Http11, 200, ""),
        ("HTTP/1.1 100 \t x \r\n\r\n", Version::Http11, 100, "\t x "),
        ("HTTP/1.1 599 caf\u{e9}\r\n\r\n", Version::Http11, 599, "caf\u{e9}"),
        ("HTTP/1.0 999 ~\r\n\r\n", Version::Http10, 999, "~"),
    ] {
        let (result, _) = every_split(&RESPONSES, input.as_bytes());
        let index = result.unwrap().complete().unwrap();
        assert_eq!(index.len, input.len());
        assert_eq!((index.version, index.status, &input[index.reason]), (version, status, reason));
    }
}

#[test]
fn refused_responses() {
    for (input, kind, offset) in [
        ("<html>hi</html>", Kind::Version, 0),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", Kind::Version, 0),
        (" HTTP/1.1 200 OK\r\n\r\n", Kind::Version, 0),
        ("HTTP/1.1\r\n\r\n", Kind::Version, 8),
        ("HTTP/1.1\t200 OK\r\n\r\n", Kind::Version, 8),
        ("HTTP/1.10 200 OK\r\n\r\n", Kind::Version, 8),
        ("HTTP/2.0 200 OK\r\n\r\n", Kind::UnsupportedVersion, 0),
        ("HTTP/1.1  200 OK\r\n\r\n", Kind::StatusCode, 9),
        ("HTTP/1.1 \r\n\r\n", Kind::StatusCode, 9),
        ("HTTP/1.1 20\r\n\r\n", Kind::StatusCode, 11),
        ("HTTP/1.1 2x0 OK\r\n\r\n", Kind::StatusCode, 10),
        ("HTTP/1.1 099 OK\r\n\r\n", Kind::StatusCode, 9),
        ("HTTP/1.1 200\r\n\r\n", Kind::StatusCode, 12),
        ("HTTP/1.1 200X\r\n\r\n", Kind::StatusCode, 12),
        ("HTTP/1.1 2000 OK\r\n\r\n", Kind::StatusCode, 12),
        ("HTTP/1.1 200\tOK\r\n\r\n", Kind::StatusCode, 12),
        ("HTTP/1.1 200 O\0K\r\n\r\n", Kind::Reason, 14),
        ("HTTP/1.1 200 OK\u{7f}\r\n\r\n", Kind::Reason, 15),
        ("HTTP/1.1 200 OK\n\r\n", Kind::LineEnd, 15),
        ("HTTP/1.1 200 OK\rA: b\r\n\r\n", Kind::LineEnd, 16),
    ] {
        let error = every_split(&RESPONSES, input.as_bytes()).0.unwrap_err();
        assert_eq!((error.kind, error.offset), (kind, offset), "{input:?}");
    }
}

#[test]
fn lenient_requests_take_bare_lf_only() {
    let lenient = Requests(HeadLimits::NONE, RequestLeniency::STRICT.bare_lf(true));
    accepts(&lenient, "GET / HTTP/1.1\nA: b\n\n", ("GET", "/", Version::Http11, vec![("A", "b")]));
    accepts(
        &lenient,
        "\n\r\nGET / HTTP/1.0\r\nA: b \nC:\n\r\n",
        ("GET", "/", Version::Http10, vec![("A", "b"), ("C", "")]),
    );
    for (input, kind) in [
        ("GET / HTTP/1.1\rA: b\n\n", Kind::LineEnd),
        ("GET / HTTP/1.1\nA: b\rC: d\n\n", Kind::LineEnd),
        ("GET / HTTP/1.1\nA : b\n\n", Kind::Colon),
        ("GET / HTTP/1.1\nA: b\n c\n\n", Kind::Fold),
        ("GET / HTTP/2.0\n\n", Kind::UnsupportedVersion),
        ("GET /\n\n", Kind::Version),
    ] {
        assert_eq!(every_split(&lenient, input.as_bytes()).0.unwrap_err().kind, kind, "{input:?}");
    }
}

#[test]
fn lenient_responses() {
    let with = |leniency| Responses(HeadLimits::NONE, leniency);
    let strict = ResponseLeniency::STRICT;
    for (leniency, input, status, fields) in [
        (strict.bare_lf(true), "HTTP/1.1 200 OK\nA: b\n\n", 200, vec![("A", "b")]),
        (strict.missing_reason(true), "HTTP/1.1 200\r\nA: b\r\n\r\n", 200, vec![("A", "b")]),
        (strict.missing_reason(true).bare_lf(true), "HTTP/1.0 201\n\n", 201, vec![]),
        (
            strict.space_before_colon(true),
            "HTTP/1.1 200 OK\r\nA : b\r\nB\t \t:c\r\nC:d\r\n\r\n",
            200,
            vec![("A", "b"), ("B", "c"), ("C", "d")],
        ),
    ] {
        let (result, lines) = every_split(&with(leniency), input.as_bytes());
        let index = result.unwrap().complete().unwrap();
        assert_eq!((index.status, index.len), (status, input.len()));
        assert_eq!(lines.text(input.as_bytes()), fields);
        // Each needs its bit.
        assert!(once(&RESPONSES, input.as_bytes()).0.is_err());
    }
    for (leniency, input, kind) in [
        (strict.missing_reason(true), "HTTP/1.1 200X\r\n\r\n", Kind::StatusCode),
        (strict.missing_reason(true), "HTTP/1.1 200\n\r\n", Kind::LineEnd),
        (strict.space_before_colon(true), "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", Kind::Colon),
        (strict.space_before_colon(true), "HTTP/1.1 200 OK\r\nA \r\n\r\n", Kind::Colon),
        (strict.space_before_colon(true), "HTTP/1.1 200 OK\r\n : b\r\n\r\n", Kind::Fold),
        (strict.fold(true), "HTTP/1.1 200 OK\r\n A: b\r\n\r\n", Kind::Fold),
        (strict.fold(true), "HTTP/1.1 200 OK\r\nA: b\r\n c\0\r\n\r\n", Kind::FieldValue),
        (strict.fold(true), "HTTP/1.1 200 OK\r\nA: b\r\n c\rd\r\n\r\n", Kind::LineEnd),
        (strict.fold(true), "HTTP/1.1 200 OK\r\nA: b\r\n c\n\r\n", Kind::LineEnd),
    ] {
        assert_eq!(every_split(&with(leniency), input.as_bytes()).0.unwrap_err().kind, kind, "{input:?}");
    }
}

#[test]
fn folded_lines() {
    let leniency = ResponseLeniency::STRICT.fold(true);
    for (input, folds, values) in [
        ("A: b\r\n c\r\nD: e\r\n", vec!["\r\n "], vec!["b   c", "e"]),
        ("A: b \r\n\t  c \r\n", vec!["\r\n\t  "], vec!["b   \t  c"]),
        ("A:\r\n b\r\n", vec!["\r\n "], vec!["b"]),
        ("A: b\r\n \r\n c\r\n", vec!["\r\n ", "\r\n "], vec!["b      c"]),
        ("A:\r\n\t\r\n \r\n", vec!["\r\n\t", "\r\n "], vec![""]),
        ("A: b\r\n \r\nC: d\r\n", vec!["\r\n "], vec!["b", "d"]),
    ] {
        let input = format!("HTTP/1.1 200 OK\r\n{input}\r\n");
        let (result, lines) = every_split(&Responses(HeadLimits::NONE, leniency), input.as_bytes());
        assert_eq!(result.unwrap().complete().unwrap().len, input.len());
        assert_eq!(lines.folds.iter().map(|(fold, _)| &input[fold.clone()]).collect::<Vec<_>>(), folds);
        let mut fields = [FieldLine::default(); 4];
        let Ok(Status::Complete(head)) = parse_response(input.as_bytes(), &mut fields, leniency) else {
            panic!("{input:?}")
        };
        let unfolded: Vec<_> = head.fields.iter().map(|field| unfold(field.value)).collect();
        assert_eq!(unfolded, values.iter().map(|value| value.as_bytes()).collect::<Vec<_>>(), "{input:?}");
    }
}

#[test]
fn slices_borrow_what_positions_name() {
    let input = b"GET /a HTTP/1.1\r\nHost: a\r\nB:\r\n\r\nrest";
    let mut fields = [FieldLine::default(); 2];
    let head = parse_request(input, &mut fields, RequestLeniency::STRICT).unwrap().complete().unwrap();
    assert_eq!((head.method, head.target, head.version), (&b"GET"[..], &b"/a"[..], Version::Http11));
    assert_eq!(head.len, input.len() - 4);
    assert_eq!(head.fields, [FieldLine { name: b"Host", value: b"a" }, FieldLine { name: b"B", value: b"" }]);
    let mut fields = [FieldLine::default(); 1];
    let error = parse_request(input, &mut fields, RequestLeniency::STRICT).unwrap_err();
    assert_eq!((error.kind, error.offset, error.status()), (Kind::TooManyFields, 26, 431));
    let mut fields = [FieldLine::default(); 1];
    let head = parse_response(b"HTTP/1.1 204 No\r\n\r\n", &mut fields, ResponseLeniency::STRICT).unwrap();
    let head = head.complete().unwrap();
    assert_eq!((head.status, head.reason, head.len, head.fields), (204, &b"No"[..], 19, &[][..]));
}
