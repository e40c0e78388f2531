//! Request smuggling, response splitting and desynchronisation: every known way to make two parties see other
//! message boundaries than each other. Each input goes through every split.
//!
//! The server side of each attack: what is ambiguous is refused as a whole and ends the connection, so nothing
//! behind it is ever read as a request. `/smuggled` must never be seen.

mod support;

use http::StatusCode;
use support::{
    SMUGGLED, Seen, Serve, answer, pipelining, post, refused, serve, serve_split, server_reads_split,
};
use wirelace_http_semantics::{Event, Head};
use wirelace_http1::{Error, Limits, ServerConnection};
use wirelace_sim::{Step, feed};

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
    assert_eq!((seen.messages.len(), seen.tunnel.len(), seen.statuses()), (1, 0, vec![501]));
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
fn errors_of_head_requests_have_no_body() {
    // A body there would be the start of the next response to whoever knows the method (RFC 9110 §9.3.2).
    let broken = "HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nbroken";
    let seen = serve_split(broken.as_bytes());
    seen.assert_answered(broken.as_bytes(), &[400]);
    assert!(seen.output.ends_with("\r\n\r\n"), "{}", seen.output);
}
