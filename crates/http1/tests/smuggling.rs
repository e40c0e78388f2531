//! Request smuggling, response splitting and desynchronisation: every known way to make two parties see other
//! message boundaries than each other. Each input goes through every split.
//!
//! The server side of each attack: what is ambiguous is refused as a whole and ends the connection, so nothing
//! behind it is ever read as a request. `/smuggled` must never be seen.

mod support;

use bytes::Bytes;
use http::StatusCode;
use support::{
    Seen, Serve, answer, client_after, client_reads_split, pipelining, request, serve, server_reads_split,
};
use wirelace_http_semantics::{
    Event, FieldId, Fields, Head, HttpMachine as _, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_http1::{Error, Limits, ServerConnection};
use wirelace_sim::{Step, feed, mutate, mutate_list};
use wirelace_wire::Machine as _;

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

#[track_caller]
fn serve_split(input: &[u8]) -> Seen {
    server_reads_split(input, &pipelining(), Serve::Complete)
}

/// No split of the input lets a message through; the peer is told 400 or 501, and nothing behind is read.
#[track_caller]
fn refused(input: &[u8]) {
    let seen = serve_split(input);
    seen.assert_answered(input, &[400, 501]);
    assert!(seen.messages.iter().all(|message| !message.start.contains("smuggled")), "{seen:?}");
}

/// A POST with these field lines and, behind it, what a smuggler wants to be a request.
fn post(lines: &str, body: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n{body}{SMUGGLED}").into_bytes()
}

#[test]
fn length_and_encoding_together() {
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nX: y\r\ntransfer-encoding:chunked",
        "content-length: 0\r\nTransfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity\r\nContent-Length: 5",
        "Transfer-Encoding:\r\nContent-Length: 5",
    ] {
        refused(&post(lines, "0\r\n\r\n"));
    }
}

#[test]
fn disguised_transfer_encodings() {
    for lines in [
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunkedx",
        "Transfer-Encoding: chunked;",
        "Transfer-Encoding: chunked; q=1",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: 'chunked'",
        "Transfer-Encoding: [chunked]",
        "Transfer-Encoding: chunk",
        "Transfer-Encoding: chunked chunked",
        "Transfer-Encoding: chunked\x0b",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding:\x0bchunked",
        "Transfer-Encoding: chunked\x0c",
        "Transfer-Encoding: \u{a0}chunked",
        "Transfer-Encoding: chunked\u{a0}",
        "Transfer-Encoding: chunked\0",
        "Transfer-Encoding: \0chunked",
        "Transfer-Encoding: chunked\x7f",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked, cow",
        "Transfer-Encoding: identity, chunked, identity",
        "Transfer-Encoding: cow",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: ,",
        "Transfer-Encoding:",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
        "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        "Transfer-Encoding\x0b: chunked",
        "Transfer-Encoding\0: chunked",
        " Transfer-Encoding: chunked",
        "\tTransfer-Encoding: chunked",
        "\x0bTransfer-Encoding: chunked",
        "X: y\r\n Transfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\r\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding:\n chunked",
        "Transfer-Encoding\r\n: chunked",
        "Transfer-Encoding",
        "Transfer-Encoding chunked",
        "Transfer-Encoding= chunked",
        ": chunked",
        "\u{fffe}Transfer-Encoding: chunked",
        "Transfer-\u{e9}ncoding: chunked",
    ] {
        refused(&post(lines, "0\r\n\r\n"));
    }
}

#[test]
fn empty_list_members_do_not_hide_the_coding() {
    // They are to be ignored (RFC 9110 §5.6.1.2): the body is chunked, and what follows it is the next request.
    for lines in [
        "Transfer-Encoding: chunked,",
        "Transfer-Encoding: , chunked ,",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding:",
        "Transfer-Encoding:\r\nTransfer-Encoding: CHUNKED",
    ] {
        let seen = serve_split(&post(lines, "2\r\nok\r\n0\r\n\r\n"));
        assert_eq!((seen.complete(), &*seen.messages[0].body, seen.error), (2, &b"ok"[..], None), "{lines}");
    }
}

#[test]
fn what_only_looks_like_transfer_encoding_is_another_field() {
    for name in [
        "Transfer_Encoding",
        "Transfer-Encodin",
        "Transfer-Encodings",
        "X-Transfer-Encoding",
        "TransferEncoding",
    ] {
        let input = format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{name}: chunked\r\nContent-Length: {}\r\n\r\n{SMUGGLED}",
            SMUGGLED.len()
        );
        let seen = serve_split(input.as_bytes());
        assert_eq!((seen.complete(), seen.error), (1, None), "{name}");
        assert_eq!(seen.messages[0].body, SMUGGLED.as_bytes(), "{name}");
    }
}

#[test]
fn transfer_encoding_in_http_1_0() {
    for lines in [
        "Transfer-Encoding: chunked",
        "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
    ] {
        refused(format!("POST / HTTP/1.0\r\nHost: a\r\n{lines}\r\n\r\n0\r\n\r\n{SMUGGLED}").as_bytes());
    }
}

#[test]
fn lengths_that_are_none() {
    for length in [
        "+5",
        "-5",
        "-0",
        "0x5",
        "0X5",
        "5_0",
        "5.0",
        "5e0",
        "5 5",
        "5,5",
        "5, 5",
        "5, 6",
        ", 5",
        "5,",
        "\"5\"",
        "5;",
        "five",
        "",
        "\u{a0}5",
        "5\u{a0}",
        "5\x0b",
        "5\0",
        "٥",
        "18446744073709551616",
        "18446744073709551621",
        "99999999999999999999999999999999999999999",
        "0x",
        "0b101",
        "0o5",
    ] {
        refused(&post(&format!("Content-Length: {length}"), "hello"));
    }
    for lines in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 6\r\ncontent-length: 5",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length : 5",
        "Content-Length\t: 5",
        " Content-Length: 5",
        "Content-Length:\r\n 5",
        "X: y\rContent-Length: 5",
        "X: y\nContent-Length: 5",
    ] {
        refused(&post(lines, "hello"));
    }
}

#[test]
fn leading_zeros_and_large_lengths_are_numbers() {
    let seen = serve_split(&post("Content-Length: 0000000000000000000000005", "hello"));
    assert_eq!((seen.complete(), &seen.messages[0].body[..]), (2, &b"hello"[..]));
    // A length near 2^64 is a body that never ends here, not a small one.
    let seen = serve_split(&post("Content-Length: 18446744073709551615", "hello"));
    assert_eq!((seen.complete(), seen.messages.len(), seen.error), (0, 1, Some(Error::UnexpectedEnd)));
}

#[test]
fn bodies_of_any_method_are_consumed() {
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "X"] {
        let input = format!(
            "{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{SMUGGLED}GET /next HTTP/1.1\r\nHost: a\r\n\r\n",
            SMUGGLED.len()
        );
        let seen = serve_split(input.as_bytes());
        assert_eq!((seen.complete(), seen.error), (2, None), "{seen:?}");
        assert_eq!(seen.messages[0].body, SMUGGLED.as_bytes());
        assert_eq!(seen.messages[1].start, "GET /next HTTP/1.1");
    }
}

#[test]
fn bodies_nobody_reads_are_drained_or_end_the_connection() {
    let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    for (drain, requests) in [(1 << 20, 2), (10, 1), (0, 1)] {
        let limits = Limits { drain, ..pipelining() };
        let length = format!("Content-Length: {}\r\n\r\n{SMUGGLED}", SMUGGLED.len());
        let chunked = format!(
            "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{SMUGGLED}\r\n0\r\nX: y\r\n\r\n",
            SMUGGLED.len()
        );
        for framed in [length, chunked] {
            let input = format!("POST / HTTP/1.1\r\nHost: a\r\n{framed}{next}");
            let seen = server_reads_split(input.as_bytes(), &limits, Serve::Early);
            let starts: Vec<_> = seen.messages.iter().map(|message| &*message.start).collect();
            assert_eq!(
                starts,
                ["POST / HTTP/1.1", "GET /next HTTP/1.1"][..requests],
                "drain {drain}: {seen:?}"
            );
            assert_eq!(seen.statuses(), [200, 200][..requests]);
            assert!(seen.finished && seen.messages[0].body.is_empty());
        }
    }
}

#[test]
fn a_refused_expectation_never_turns_the_body_into_a_request() {
    let input = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n{SMUGGLED}{SMUGGLED}",
        SMUGGLED.len()
    );
    for split in 1..input.len() {
        let mut machine = ServerConnection::new(pipelining(), std::time::Instant::now());
        let (head, tail) = input.as_bytes().split_at(split);
        let seen: Seen =
            feed(&mut machine, [head, tail], true, |machine, seen: &mut Seen, step| match step {
                Step::Event(Event::Head { stream, head: Head::Request(head), .. }) => {
                    seen.messages.push(support::request_message(&head));
                    answer(machine, stream, StatusCode::EXPECTATION_FAILED, true);
                }
                Step::Event(Event::Data { .. } | Event::Trailers { .. }) => {
                    panic!("refused, and came: split at {split}")
                }
                step => serve(machine, seen, step, Serve::Mute),
            });
        // Nobody knows whether the client sends the body now: the connection has to end.
        assert_eq!((seen.messages.len(), seen.statuses()), (1, vec![417]), "split at {split}: {seen:?}");
        assert!(seen.finished && seen.output.contains("connection: close"), "{seen:?}");
    }
    let unknown = "POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 2\r\n\r\nab";
    serve_split(unknown.as_bytes()).assert_answered(unknown.as_bytes(), &[417]);
}

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
fn heads_have_crlf_and_no_control_characters() {
    for head in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n",
        "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\t: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\x0b\r\nHost: a\r\n\r\n",
    ] {
        refused(format!("{head}{SMUGGLED}").as_bytes());
    }
    for control in (0..0x20).chain([0x7f]).filter(|byte| !b"\t\r\n".contains(byte)) {
        let byte = char::from(control);
        for head in [
            format!("G{byte}ET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            format!("GET /{byte} HTTP/1.1\r\nHost: a\r\n\r\n"),
            format!("GET / HTTP/1.1\r\nHost: a\r\nX{byte}: y\r\n\r\n"),
            format!("GET / HTTP/1.1\r\nHost: a\r\nX: y{byte}z\r\n\r\n"),
            format!("GET / HTTP/1.1\r\nHost: a{byte}\r\n\r\n"),
        ] {
            refused(head.as_bytes());
        }
    }
}

#[test]
fn hosts() {
    for host in [
        "",
        "Host: a\r\nHost: a",
        "Host: a\r\nhost: b",
        "Host: a b",
        "Host: a, b",
        "Host: u@a",
        "Host: a/b",
        "Host: a?b",
        "Host: a#b",
        "Host: a:b",
        "Host: a:1:2",
        "Host: a:99999",
        "Host: [::1",
        "Host: http://a",
        "Host: a\\b",
        "Host: %zz",
        "Host: <a>",
        "Host: \u{e9}",
    ] {
        let line = if host.is_empty() { "X: y" } else { host };
        refused(format!("GET / HTTP/1.1\r\n{line}\r\n\r\n{SMUGGLED}").as_bytes());
    }
    for (target, host, authority) in [
        ("/", "a", "a"),
        ("/", "a:80", "a:80"),
        ("/", "[::1]:80", "[::1]:80"),
        // The target's authority wins over Host (RFC 9112 §3.2.2).
        ("http://good/x", "evil", "good"),
        ("http://good:8080?x", "evil", "good:8080"),
    ] {
        let seen = serve_split(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
        assert_eq!(seen.messages[0].authority.as_deref(), Some(authority), "{target} {host}");
    }
    for target in [
        "http://good@evil/",
        "http://",
        "http:///x",
        "//",
        "http://a b/",
        "good/x",
        "*",
        "/#x",
        "http://a/#x",
        "\u{e9}",
    ] {
        let seen = serve_split(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        // Two slashes are a path.
        assert_eq!(seen.error.is_none(), target == "//", "{target}: {seen:?}");
    }
}

#[test]
fn an_offered_upgrade_is_http_until_it_is_taken() {
    let offer = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n";
    let input = [offer, SMUGGLED].concat();
    // Not answered: nothing behind it is handed out, as HTTP or as anything else.
    let seen = server_reads_split(input.as_bytes(), &pipelining(), Serve::Mute);
    assert_eq!((seen.messages.len(), seen.tunnel.len()), (1, 0), "{seen:?}");
    // Declined: it was HTTP. Taken: it was not.
    let seen = server_reads_split(input.as_bytes(), &pipelining(), Serve::Complete);
    assert_eq!((seen.messages.len(), seen.tunnel.len(), seen.statuses()), (2, 0, vec![200, 200]));
    let seen = server_reads_split(input.as_bytes(), &pipelining(), Serve::Switch);
    assert_eq!((seen.messages.len(), &*seen.tunnel, seen.statuses()), (1, SMUGGLED.as_bytes(), vec![101]));
    // No offer: without Connection, and in HTTP/1.0.
    for request in [
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: test\r\n\r\n",
        "GET /ws HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: test\r\n\r\n",
    ] {
        let seen = server_reads_split([request, SMUGGLED].concat().as_bytes(), &pipelining(), Serve::Switch);
        assert_eq!((seen.messages.len(), seen.tunnel.len()), (2, 0), "{seen:?}");
    }
    // With a body, the switch comes behind it.
    let body = "POST /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let seen = server_reads_split([body, SMUGGLED].concat().as_bytes(), &pipelining(), Serve::Switch);
    assert_eq!((&*seen.messages[0].body, &*seen.tunnel), (&b"hello"[..], SMUGGLED.as_bytes()));
}

#[test]
fn connect_is_a_tunnel_only_when_taken() {
    let input = ["CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", SMUGGLED].concat();
    let seen = server_reads_split(input.as_bytes(), &pipelining(), Serve::Switch);
    assert_eq!((seen.messages.len(), &*seen.tunnel), (1, SMUGGLED.as_bytes()));
    let seen = server_reads_split(input.as_bytes(), &pipelining(), Serve::Complete);
    assert_eq!((seen.messages.len(), seen.tunnel.len(), seen.statuses()), (2, 0, vec![501, 200]));
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

#[test]
fn cut_messages_are_never_complete() {
    for input in [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\nZ: w\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        for cut in 1..input.len() {
            let seen = support::server_reads(&input.as_bytes()[..cut], &pipelining(), Serve::Complete);
            assert_eq!(
                (seen.complete(), seen.error),
                (0, Some(Error::UnexpectedEnd)),
                "{}",
                input[..cut].escape_debug()
            );
            assert_eq!(seen.statuses(), [400]);
        }
        assert_eq!(serve_split(input.as_bytes()).complete(), 1);
    }
    for input in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
    ] {
        for cut in 0..input.len() {
            let seen = support::client_reads(&[request("GET", "/")], &input.as_bytes()[..cut], &pipelining());
            assert_eq!((seen.complete(), seen.resets.len()), (0, 1), "{}", input[..cut].escape_debug());
        }
        assert_eq!(client_reads_split(&[request("GET", "/")], input.as_bytes(), &pipelining()).complete(), 1);
    }
}

#[test]
fn nothing_is_read_behind_an_error() {
    let good = "GET /good HTTP/1.1\r\nHost: a\r\n\r\n";
    let input = [good, good, "BROKEN\r\n\r\n", SMUGGLED].concat();
    let seen = serve_split(input.as_bytes());
    assert_eq!(seen.statuses(), [200, 200, 400], "what came before is answered, then the error: {seen:?}");
    assert!(seen.finished && seen.messages.len() == 2);
    for input in [
        ["GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", SMUGGLED].concat(),
        ["GET / HTTP/1.0\r\n\r\n", SMUGGLED].concat(),
        ["GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE ,keep-alive\r\n\r\n", SMUGGLED].concat(),
    ] {
        let seen = serve_split(input.as_bytes());
        assert_eq!((seen.messages.len(), seen.statuses(), seen.error), (1, vec![200], None), "{seen:?}");
        assert!(seen.finished && seen.output.contains("connection: close"));
    }
}

#[test]
fn responses_belong_to_requests() {
    let get = || request("GET", "/");
    let read =
        |requests: &[RequestHead], input: &str| client_reads_split(requests, input.as_bytes(), &pipelining());
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    // A response too many.
    let seen = read(&[get()], &[ok, smuggled].concat());
    assert_eq!((seen.messages.len(), seen.error), (1, Some(Error::Unsolicited)));
    let seen = read(&[], ok);
    assert_eq!((seen.messages.len(), seen.error), (0, Some(Error::Unsolicited)));
    // No body where there is none, so that what comes instead is not the next response.
    for (requests, head) in [
        ([request("HEAD", "/"), get()], "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"),
        ([request("HEAD", "/"), get()], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ([get(), get()], "HTTP/1.1 204 No Content\r\nContent-Length: 40\r\n\r\n"),
        ([get(), get()], "HTTP/1.1 304 Not Modified\r\nContent-Length: 40\r\n\r\n"),
    ] {
        let seen = read(&requests, &[head, ok].concat());
        assert_eq!((seen.complete(), seen.error), (2, None), "{seen:?}");
        assert_eq!((&*seen.messages[0].body, &*seen.messages[1].body), (&b""[..], &b"ok"[..]));
    }
    // Ambiguous framing.
    for lines in [
        "Content-Length: 2\r\nContent-Length: 4",
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Content-Length: +2",
        "Content-Length: 2, 2",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked, identity",
        "Content-Length : 2",
        "X: y\rContent-Length: 2",
        "X: y\nContent-Length: 2",
        "Content-Length:\r\n 2",
    ] {
        let seen = read(&[get(), get()], &format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\nok{smuggled}"));
        assert_eq!((seen.complete(), seen.resets.len()), (0, 2), "{lines}: {seen:?}");
        assert!(seen.error.is_some());
    }
    // Nobody asked for another protocol.
    let seen = read(
        &[get(), get()],
        &["HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", smuggled].concat(),
    );
    assert_eq!((seen.complete(), seen.error, seen.tunnel.len()), (0, Some(Error::UnaskedUpgrade), 0));
    // Behind a response that ends the connection nothing counts.
    let seen = read(
        &[get(), get()],
        &["HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", smuggled].concat(),
    );
    assert_eq!((seen.complete(), seen.resets.len(), seen.error), (1, 1, None), "{seen:?}");
    // The body runs to the end of the connection, whatever it looks like.
    let seen = read(&[get(), get()], &["HTTP/1.1 200 OK\r\n\r\n", smuggled].concat());
    assert_eq!((seen.complete(), &*seen.messages[0].body), (1, smuggled.as_bytes()));
}

#[test]
fn what_is_sent_cannot_be_split() {
    let bad_values: [&[u8]; 8] =
        [b"a\r\nX: y", b"a\nX: y", b"a\rX: y", b"a\0b", b"a\x7f", b" a", b"a ", b"a\t"];
    for value in bad_values {
        assert!(Fields::new().push("x", value).is_err(), "{}", value.escape_ascii());
        assert!(Fields::new().push(FieldId::LOCATION, value).is_err(), "{}", value.escape_ascii());
    }
    for name in ["", "a b", "a:", "a\r\nb", "a\n", "a\0", "é", "a\u{7f}", "(a)"] {
        assert!(Fields::new().push(name, "x").is_err(), "{}", name.escape_debug());
    }
    // What the types do not prevent, the encoder does; and then nothing was written.
    for reason in ["OK\r\nX: y", "OK\n", "OK\r", "\0", "\x7f"] {
        let mut machine = ServerConnection::new(Limits::default(), std::time::Instant::now());
        let mut input = bytes::BytesMut::from(SMUGGLED);
        machine.poll_event(std::time::Instant::now(), &mut input).expect("fine").expect("a request");
        let mut head = ResponseHead::new(StatusCode::OK);
        head.reason = Some(reason.as_bytes().into());
        let sent = machine.send_head(StreamId(0), Head::Response(head), true);
        assert_eq!((sent, machine.output().len()), (Err(SendError::Head), 0), "{}", reason.escape_debug());
        // The exchange is as before.
        answer(&mut machine, StreamId(0), StatusCode::OK, true);
        assert!(!machine.output().is_empty());
    }
    for target in ["/a b", "/a\r\nX: y", "/a\n", "/\0", "/é", "", "/ HTTP/1.1\r\n\r\n"] {
        let mut head = request("GET", "/");
        head.target = Bytes::copy_from_slice(target.as_bytes());
        let mut machine = client_after(&[], &Limits::default());
        assert!(machine.send_request(head, true).is_err(), "{}", target.escape_debug());
        assert_eq!(machine.output().len(), 0);
    }
    for name in [FieldId::CONTENT_LENGTH, FieldId::TRANSFER_ENCODING, FieldId::HOST] {
        let mut machine = ServerConnection::new(Limits::default(), std::time::Instant::now());
        let mut input = bytes::BytesMut::from(SMUGGLED);
        machine.poll_event(std::time::Instant::now(), &mut input).expect("fine").expect("a request");
        answer(&mut machine, StreamId(0), StatusCode::OK, false);
        let before = machine.output().len();
        let mut trailers = Fields::new();
        trailers.push("x-fine", "1").expect("valid");
        trailers.push(name, "5").expect("valid");
        assert_eq!(machine.send_trailers(StreamId(0), trailers), Err(SendError::Trailer));
        assert_eq!(machine.output().len(), before);
    }
}

#[test]
fn the_application_cannot_frame_twice() {
    let response = |fields: &[(FieldId, &str)], end: bool, data: &[&[u8]]| {
        let mut machine = ServerConnection::new(Limits::default(), std::time::Instant::now());
        let mut input = bytes::BytesMut::from(SMUGGLED);
        machine.poll_event(std::time::Instant::now(), &mut input).expect("fine").expect("a request");
        let mut head = ResponseHead::new(StatusCode::OK);
        for (name, value) in fields {
            head.fields.push(*name, value).expect("valid");
        }
        let mut result = machine.send_head(StreamId(0), Head::Response(head), end);
        for data in data {
            let data = Bytes::copy_from_slice(data);
            result = result.and_then(|()| machine.send_data(StreamId(0), data, false));
        }
        let text: Vec<u8> = machine.output().chunks().flatten().copied().collect();
        (result, String::from_utf8(text).expect("text"))
    };
    let (cl, te) = (FieldId::CONTENT_LENGTH, FieldId::TRANSFER_ENCODING);
    // Its Transfer-Encoding does not count, its Content-Length is held to.
    let (result, text) = response(&[(cl, "2"), (te, "chunked")], false, &[b"ok"]);
    assert_eq!(result, Ok(()));
    assert!(text.contains("content-length: 2\r\n") && !text.contains("chunked"), "{text}");
    let (result, text) = response(&[(cl, "2"), (cl, "3")], false, &[]);
    assert!(result.is_err() && text.is_empty(), "{result:?} {text}");
    let (result, _) = response(&[(cl, "2")], false, &[b"too long"]);
    assert_eq!(result, Err(SendError::BodyLength));
    let (result, _) = response(&[(cl, "2")], true, &[]);
    assert_eq!(result, Err(SendError::BodyLength));
    let (result, _) = response(&[(cl, "x")], true, &[]);
    assert!(matches!(result, Err(SendError::Framing(_))), "{result:?}");
    // A chunk is never empty by accident: that would end the body.
    let (result, text) = response(&[], false, &[b"a", b"b"]);
    assert!(result.is_ok() && text.ends_with("1\r\na\r\n1\r\nb\r\n"), "{text}");
}

/// Variants of valid streams: whatever a mutation makes of them, no split changes what is seen, what was refused
/// is over, and each answer has its request.
#[test]
fn mutated_streams_do_not_depend_on_splits() {
    let messages: Vec<Vec<u8>> = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello\r\nwrld",
        "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n0\r\nX: y\r\n\r\n",
        "GET http://b/3 HTTP/1.0\r\nConnection: keep-alive\r\nX: a\tb\r\n\r\n",
        "POST /4 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    let mut rng = wirelace_sim::Rng::new(11);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..600 {
        let input = if round % 2 == 0 {
            mutate(&mut rng, &messages.concat())
        } else {
            mutate_list(&mut rng, &messages)
        };
        let seen = serve_split(&input);
        let finals = seen.statuses().iter().filter(|status| **status >= 200).count();
        assert!(finals <= seen.complete() + 1, "{}\n{seen:?}", input.escape_ascii());
        if seen.error.is_some() {
            assert!(seen.finished, "{seen:?}");
            refused += 1;
        } else {
            accepted += 1;
        }
    }
    assert!(accepted > 50 && refused > 50, "{accepted} accepted, {refused} refused");
}

#[test]
fn errors_of_head_requests_have_no_body() {
    // A body there would be the start of the next response to whoever knows the method (RFC 9110 §9.3.2).
    let broken = "HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nbroken";
    let seen = serve_split(broken.as_bytes());
    seen.assert_answered(broken.as_bytes(), &[400]);
    assert!(seen.output.ends_with("\r\n\r\n"), "{}", seen.output);
}
