use wirelace_http_semantics::media_type::{MediaType, MediaTypeError};
use wirelace_http_semantics::parameters::{ParameterError, Parameters};

/// RFC 9110 §8.3.1: all the same.
#[test]
fn equivalent_forms() {
    for value in [
        "text/html;charset=utf-8",
        "Text/HTML;Charset=\"utf-8\"",
        "text/html; charset=\"utf-8\"",
        "text/html;charset=utf-8;",
        "text/html\t;; charset=\"u\\tf-8\"",
    ] {
        let media_type = MediaType::parse(value.as_bytes()).unwrap();
        assert!(media_type.is("text", "html") && media_type.is("TEXT", "Html"), "{value}");
        assert!(!media_type.is("text", "plain") && !media_type.is("image", "html"));
        assert_eq!(media_type.parameter("CHARSET").unwrap(), &b"utf-8"[..], "{value}");
        assert_eq!(media_type.parameter("boundary"), None);
        assert_eq!(media_type.parameters().count(), 1);
    }
    let plain = MediaType::parse(b"application/vnd.api+json").unwrap();
    assert_eq!(
        (plain.kind(), plain.subtype(), plain.parameters().count()),
        ("application", "vnd.api+json", 0)
    );
}

#[test]
fn quoted_values() {
    let media_type = MediaType::parse(b"a/b;x=\"\";y=\"\\\"\\\\;,=\\ \";z=\"\xff\t\"").unwrap();
    assert_eq!(media_type.parameter("x").unwrap(), &b""[..]);
    assert_eq!(media_type.parameter("y").unwrap(), &b"\"\\;,= "[..]);
    assert_eq!(media_type.parameter("z").unwrap(), &b"\xff\t"[..]);
    // The first of two counts.
    assert_eq!(MediaType::parse(b"a/b;x=1;x=2").unwrap().parameter("x").unwrap(), &b"1"[..]);
}

#[test]
fn bad_values() {
    for (value, offset) in
        [("", 0), ("text", 4), ("/html", 0), ("text/", 5), ("text /html", 4), ("text/ html", 5)]
    {
        assert_eq!(MediaType::parse(value.as_bytes()).unwrap_err(), MediaTypeError::Type(offset), "{value}");
    }
    for (parameters, offset) in [
        ("x", 0),
        (",", 0),
        (" x", 1),
        ("/x", 0),
        (";x", 2),
        (";=y", 1),
        (";x =y", 2),
        (";x= y", 3),
        (";x=", 3),
        (";x=y z", 5),
        (";x=\"y", 5),
        (";x=\"y\"z", 6),
        (";x=\"\\", 5),
        (";x=\"\\\u{7f}\"", 5),
        (";x=\"\n\"", 5),
    ] {
        let error = ParameterError { offset };
        let read = Parameters::new(parameters.as_bytes()).collect::<Result<Vec<_>, _>>();
        assert_eq!(read, Err(error), "{parameters:?}");
        let value = format!("a/b{parameters}");
        if !value.starts_with("a/bx") {
            assert_eq!(MediaType::parse(value.as_bytes()).unwrap_err(), MediaTypeError::Parameter(error));
        }
    }
}
