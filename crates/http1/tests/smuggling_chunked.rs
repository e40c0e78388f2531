//! Smuggling through the chunked coding: sizes, line ends, extensions and trailers that two parsers could read in
//! two ways.

mod support;

use support::{Serve, pipelining, post, refused, serve_split, server_reads_split};
use wirelace_http1::Limits;

#[test]
fn chunk_sizes_that_are_none() {
    for size in [
        "",
        " 5",
        "5 ",
        "\t5",
        "+5",
        "-5",
        "-0",
        "0x5",
        "0X5",
        "5_0",
        "5h",
        "g",
        "\u{a0}5",
        "5\0",
        "5\x0b",
        "10000000000000005",
        "fffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffff",
        "00000000000000000000000000000000005",
    ] {
        refused(&post("Transfer-Encoding: chunked", &format!("{size}\r\nhello\r\n0\r\n\r\n")));
    }
    // 2^32 + 5 is not 5, 2^64 - 1 not -1: bodies that are not all there.
    for size in ["100000005", "ffffffffffffffff", "8000000000000005"] {
        let seen = serve_split(&post("Transfer-Encoding: chunked", &format!("{size}\r\nhello\r\n0\r\n\r\n")));
        assert_eq!((seen.complete(), seen.messages.len()), (0, 1), "{size}: {seen:?}");
        assert!(seen.error.is_some());
    }
}

#[test]
fn chunk_lines_end_with_crlf_and_nothing_else() {
    let strict = pipelining();
    let lenient = Limits { request_leniency: strict.request_leniency.bare_lf(true), ..pipelining() };
    for body in [
        "5\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5\r\rhello\r\n0\r\n\r\n",
        "5\r\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "5\r\nhello\r\r\n0\r\n\r\n",
        "5\r\nhello\n\n0\r\n\r\n",
        "5\r\nhello\r\n0\n\r\n",
        "5\r\nhello\r\n0\r\r\n\r\n",
        "5;a\nhello\r\n0\r\n\r\n",
        "5;a\rhello\r\n0\r\n\r\n",
        "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
        "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n",
        "5;\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n0\r\n\r\n",
        "5;a\0\r\nhello\r\n0\r\n\r\n",
        "5;\r\nhello\r\n0\r\n\r\n",
        "5;=b\r\nhello\r\n0\r\n\r\n",
        "5;a=\r\nhello\r\n0\r\n\r\n",
        "5;a=\"b\r\nhello\r\n0\r\n\r\n",
        "5;a=b\"c\r\nhello\r\n0\r\n\r\n",
        "5 a\r\nhello\r\n0\r\n\r\n",
        "5,6\r\nhello\r\n0\r\n\r\n",
    ] {
        let input = post("Transfer-Encoding: chunked", body);
        refused(&input);
        // Leniency is for heads; the framing of bodies stays strict.
        server_reads_split(&input, &lenient, Serve::Complete).assert_answered(&input, &[400]);
    }
}

#[test]
fn chunk_extensions_are_skipped_whatever_they_look_like() {
    for extension in [
        ";a",
        ";a=b",
        " ; a = b",
        ";a=\"b;c=d\"",
        ";a=\"\\\"\"",
        ";a=\"GET / HTTP/1.1\"",
        ";a;b;c=d\t;\te",
        ";a=\"\u{e9}\"",
    ] {
        let body = format!("5{extension}\r\nhello\r\n0{extension}\r\n\r\n");
        let seen = serve_split(&post("Transfer-Encoding: chunked", &body));
        let starts: Vec<_> = seen.messages.iter().map(|message| (&*message.start, &*message.body)).collect();
        assert_eq!(
            starts,
            [("POST / HTTP/1.1", &b"hello"[..]), ("GET /smuggled HTTP/1.1", b"")],
            "{extension}"
        );
        assert!(seen.error.is_none());
    }
}

#[test]
fn trailers_cannot_change_the_message() {
    for trailer in [
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Host: evil",
        "Authorization: x",
        "Connection: close",
        "Cookie: a=b",
    ] {
        refused(&post("Transfer-Encoding: chunked", &format!("0\r\n{trailer}\r\n\r\n")));
    }
    for trailer in ["X", "X : y", " X: y", "X: \0", "X: y\n", "X: y\r", ": y", "X: y\r\n z", "X\u{e9}: y"] {
        refused(&post("Transfer-Encoding: chunked", &format!("0\r\n{trailer}\r\n\r\n")));
    }
    let seen = serve_split(&post("Transfer-Encoding: chunked", "0\r\nX-Checksum: 1\r\nX-Admin: yes\r\n\r\n"));
    let first = &seen.messages[0];
    assert_eq!(first.trailers.len(), 2);
    assert!(first.fields.iter().all(|(name, _)| !name.starts_with("X-")), "never merged: {first:?}");
    assert_eq!(seen.complete(), 2);
}
