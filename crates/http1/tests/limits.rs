//! Each limit passed on purpose: the right answer, bounded memory, no panic.

mod support;

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use support::{
    Seen, Serve, answer, client_after, client_reads_split, request, serve, server_reads, server_reads_split,
};
use wirelace_http_semantics::{Event, Head, HttpMachine as _, ResponseHead, StreamId};
use wirelace_http1::{Error, Limits, ServerConnection};
use wirelace_sim::{Step, feed};
use wirelace_wire::Machine as _;

const HEAD: &str = "GET / HTTP/1.1\r\nHost: a\r\n";

#[track_caller]
fn answered(input: &str, status: u16) {
    // Long inputs are split at an even selection of positions.
    let seen = server_reads_split(input.as_bytes(), &Limits::default(), Serve::Complete);
    seen.assert_answered(input.as_bytes(), &[status]);
}

#[track_caller]
fn accepted(input: &str) -> Seen {
    let seen = server_reads_split(input.as_bytes(), &Limits::default(), Serve::Complete);
    assert_eq!((seen.complete(), seen.error), (1, None), "{:.200}", input);
    seen
}

#[test]
fn request_lines() {
    let target = |len: usize| format!("/{}", "a".repeat(len - 1));
    // RFC 9112 §3 wants request lines of 8,000 octets to pass.
    accepted(&format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", target(8000)));
    accepted(&format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", target(16 * 1024 - 15)));
    answered(&format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", target(16 * 1024 - 14)), 414);
    answered(&format!("GET {}", target(70_000)), 414);
    accepted(&format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "X".repeat(64)));
    answered(&format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "X".repeat(65)), 501);
    answered(&"X".repeat(70_000), 501);
    accepted(&format!("{}{HEAD}\r\n", "\r\n".repeat(4)));
    answered(&"\r\n".repeat(5), 400);
    answered(&"\r\n".repeat(50_000), 400);
}

#[test]
fn heads() {
    answered(&format!("{HEAD}{}: x\r\n\r\n", "N".repeat(70_000)), 431);
    answered(&format!("{HEAD}X: {}\r\n\r\n", "v".repeat(70_000)), 431);
    answered(&format!("{HEAD}X: {}", "v".repeat(200_000)), 431);
    answered(&format!("{HEAD}X:{}", " ".repeat(70_000)), 431);
    let name = "N".repeat(65_000);
    let seen = accepted(&format!("{HEAD}{name}: x\r\n\r\n"));
    assert_eq!(seen.messages[0].fields[1].0.len(), 65_000);
    // Exactly at the limit, and one byte beyond.
    let padded = |len: usize| format!("{HEAD}X: {}\r\n\r\n", "v".repeat(len - HEAD.len() - 7));
    accepted(&padded(64 * 1024));
    answered(&padded(64 * 1024 + 1), 431);
    // Host is one of the 128 lines.
    accepted(&format!("{HEAD}{}\r\n", "X: y\r\n".repeat(127)));
    answered(&format!("{HEAD}{}\r\n", "X: y\r\n".repeat(128)), 431);
    answered(&format!("{HEAD}{}", "a:\r\n".repeat(20_000)), 431);
    let tight = Limits { fields: 1, ..Limits::default() };
    let seen = server_reads(format!("{HEAD}X: y\r\n\r\n").as_bytes(), &tight, Serve::Complete);
    assert_eq!(seen.statuses(), [431]);
}

/// A large name next to the longest that the `http` crate takes must not break what is made of the fields.
#[test]
fn large_names_cross_the_border_to_http() {
    for len in [32_767, 32_768, 65_000] {
        let input = format!("{HEAD}{}: x\r\n\r\n", "N".repeat(len));
        let mut machine = ServerConnection::new(Limits::default(), Instant::now());
        let mut bytes = BytesMut::from(&*input);
        let event = machine.poll_event(Instant::now(), &mut bytes).expect("accepted");
        let Some(Event::Head { head: Head::Request(head), .. }) = event else { panic!("a request") };
        let map = head.fields.to_header_map();
        assert_eq!(map.get("host").map(|host| host.as_bytes()), Some(&b"a"[..]), "{len}");
    }
}

#[test]
fn bodies() {
    let limits = Limits { body: 10, ..Limits::default() };
    let read = |framed: &str| {
        let input = format!("POST / HTTP/1.1\r\nHost: a\r\n{framed}");
        (server_reads_split(input.as_bytes(), &limits, Serve::Complete), input)
    };
    let (seen, _) = read("Content-Length: 10\r\n\r\n0123456789");
    assert_eq!((seen.complete(), seen.error), (1, None));
    for framed in [
        // Known from the start: not a byte is taken.
        "Content-Length: 11\r\n\r\n0123456789a",
        "Content-Length: 18446744073709551615\r\n\r\n",
        "Content-Length: 11\r\nExpect: 100-continue\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n1\r\na\r\n0\r\n\r\n",
    ] {
        let (seen, input) = read(framed);
        seen.assert_answered(input.as_bytes(), &[413]);
        assert!(seen.messages.iter().all(|message| message.body.len() <= 10), "{seen:?}");
    }
    // A chunk that announces too much is refused before it comes, or at the latest when it does.
    let (seen, _) = read("Transfer-Encoding: chunked\r\n\r\nffffffff\r\n0123456789abcdef");
    assert_eq!((seen.complete(), seen.statuses()), (0, vec![413]), "{seen:?}");
    // At a client the connection ends.
    let input = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789a";
    let seen = client_reads_split(&[request("GET", "/")], input, &limits);
    assert_eq!((seen.complete(), seen.error), (0, Some(Error::BodyTooLarge { limit: 10 })));
}

/// Feeds `piece` again and again and returns the most bytes that stayed in the driver's buffer, and what came.
fn flood(limits: &Limits, start: &str, piece: &[u8], pieces: usize) -> (usize, Seen) {
    let mut machine = ServerConnection::new(limits.clone(), Instant::now());
    let (mut input, mut most, mut seen) = (BytesMut::from(start), 0, Seen::default());
    let now = Instant::now();
    for _ in 0..pieces {
        if !machine.wants_input() {
            break;
        }
        input.extend_from_slice(piece);
        loop {
            match machine.poll_event(now, &mut input) {
                Ok(Some(event)) => serve(&mut machine, &mut seen, Step::Event(event), Serve::Complete),
                Ok(None) => break,
                Err(error) => {
                    serve(&mut machine, &mut seen, Step::Error(error), Serve::Complete);
                    let output: Vec<u8> = machine.output().chunks().flatten().copied().collect();
                    seen.output.push_str(&String::from_utf8_lossy(&output));
                    return (most, seen);
                }
            }
        }
        most = most.max(input.len());
    }
    (most, seen)
}

#[test]
fn chunk_extensions() {
    let start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    // One that never ends.
    let (most, seen) = flood(&Limits::default(), &format!("{start}5;a="), &[b'x'; 1000], 1000);
    assert!(matches!(seen.error, Some(Error::Chunked(_))), "{:?}", seen.error);
    assert!(most <= 17 * 1024 + 1000, "{most} bytes held");
    assert_eq!(seen.statuses(), [400]);
    // Many small ones: all of a body count together.
    let (most, seen) =
        flood(&Limits::default(), start, b"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n", 1000);
    assert!(matches!(seen.error, Some(Error::Chunked(_))) && seen.messages[0].body.len() < 1000, "{seen:?}");
    assert!(most <= 2000, "{most} bytes held");
    // Sizes with leading zeros without end.
    let (most, seen) = flood(&Limits::default(), start, &[b'0'; 1000], 1000);
    assert!(seen.error.is_some() && most <= 20_000, "{most} bytes held, {:?}", seen.error);
}

#[test]
fn trailers() {
    let start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    for piece in [
        &b"X: y\r\n"[..],
        &[b'x'; 1000],
        b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n",
    ] {
        let (most, seen) = flood(&Limits::default(), start, piece, 10_000);
        assert!(matches!(seen.error, Some(Error::Trailers(_))), "{:?}", seen.error);
        assert_eq!((seen.complete(), seen.statuses()), (0, vec![431]));
        assert!(most <= 18 * 1024, "{most} bytes held");
    }
    let tight = Limits { trailers: 10, ..Limits::default() };
    for (trailers, fits) in [("X: yyy\r\n\r\n", true), ("X: yyyy\r\n\r\n", false)] {
        let seen = server_reads_split(format!("{start}{trailers}").as_bytes(), &tight, Serve::Complete);
        assert_eq!(seen.error.is_none(), fits, "{seen:?}");
    }
}

#[test]
fn pipelining_without_answers() {
    let limits = Limits { in_flight: 4, read_ahead: 1000, ..Limits::default() };
    let mut machine = ServerConnection::new(limits, Instant::now());
    let (mut input, mut requests) = (BytesMut::new(), 0);
    for _ in 0..10_000 {
        if !machine.wants_input() {
            break;
        }
        input.extend_from_slice(format!("{HEAD}\r\n").as_bytes());
        while let Some(event) = machine.poll_event(Instant::now(), &mut input).expect("no error") {
            assert!(matches!(event, Event::Head { end: true, .. }));
            requests += 1;
        }
    }
    assert_eq!(requests, 4);
    assert!(input.len() < 1100, "{} bytes held", input.len());
    // Each answer lets one more in.
    answer(&mut machine, StreamId(0), StatusCode::OK, true);
    let mut next = || machine.poll_event(Instant::now(), &mut input).expect("no error");
    let mut event = next();
    if matches!(event, Some(Event::Capacity { stream: StreamId(1) })) {
        event = next();
    }
    assert!(matches!(event, Some(Event::Head { stream: StreamId(4), .. })), "{event:?}");
    assert!(machine.poll_event(Instant::now(), &mut input).expect("no error").is_none());
}

#[test]
fn answers_that_nobody_reads() {
    let limits = Limits { in_flight: 64, output: 10_000, ..Limits::default() };
    let mut machine = ServerConnection::new(limits, Instant::now());
    let mut input = BytesMut::from(&*format!("{HEAD}\r\n").repeat(10_000));
    let (mut answered, mut most) = (0, 0);
    while let Some(event) = machine.poll_event(Instant::now(), &mut input).expect("no error") {
        let Event::Head { stream, .. } = event else { panic!("{event:?}") };
        answer(&mut machine, stream, StatusCode::OK, true);
        answered += 1;
        most = most.max(machine.output().len());
    }
    assert!(answered > 10 && answered < 1000, "{answered}");
    assert!(most < 10_000 + 100, "{most} bytes of output");
    assert!(!machine.wants_input() || input.len() < 16 * 1024);
    // The output drains: it goes on.
    machine.output().clear();
    assert!(machine.poll_event(Instant::now(), &mut input).expect("no error").is_some());
}

#[test]
fn data_that_nobody_takes() {
    for framing in ["Content-Length: 1000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nf4240\r\n"] {
        let limits = Limits { window: 5000, ..Limits::default() };
        let mut machine = ServerConnection::new(limits, Instant::now());
        let mut input = BytesMut::from(&*format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}"));
        let (mut held, mut chunks) = (0, 0);
        while machine.wants_input() && chunks < 1000 {
            input.extend_from_slice(&[b'x'; 1000]);
            chunks += 1;
            while let Some(event) = machine.poll_event(Instant::now(), &mut input).expect("no error") {
                if let Event::Data { data, .. } = event {
                    held += data.len();
                }
            }
        }
        assert_eq!(held, 5000, "{framing}");
        assert!(input.len() <= 1000, "{} bytes buffered", input.len());
        machine.consumed(StreamId(0), 5000);
        assert!(machine.wants_input());
    }
}

#[test]
fn interim_responses() {
    let limits = Limits { interim: 5, ..Limits::default() };
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    for (hints, error) in [(5, None), (6, Some(Error::TooManyInterim { limit: 5 }))] {
        let input = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".repeat(hints) + ok;
        let seen = client_reads_split(&[request("GET", "/")], input.as_bytes(), &limits);
        assert_eq!((seen.error, seen.interim.len()), (error, 5));
        assert_eq!(seen.complete(), usize::from(error.is_none()));
    }
    // The count is each request's own.
    let one = "HTTP/1.1 102 Processing\r\n\r\n".repeat(5) + ok;
    let limits = Limits { in_flight: 2, ..limits };
    let requests = [request("GET", "/"), request("GET", "/")];
    let seen = client_reads_split(&requests, one.repeat(2).as_bytes(), &limits);
    assert_eq!((seen.complete(), seen.error), (2, None));
}

#[test]
fn response_heads() {
    let read = |input: &str| client_reads_split(&[request("GET", "/")], input.as_bytes(), &Limits::default());
    for input in [
        format!("HTTP/1.1 200 {}", "r".repeat(70_000)),
        format!("HTTP/1.1 200 OK\r\n{}: x\r\n\r\n", "N".repeat(70_000)),
        format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(129)),
    ] {
        let seen = read(&input);
        assert!(matches!(seen.error, Some(Error::Head(error)) if error.status() == 431), "{:?}", seen.error);
        assert_eq!((seen.complete(), seen.resets.len()), (0, 1));
    }
}

#[test]
fn requests_on_one_connection() {
    let limits = Limits { requests: 3, ..support::pipelining() };
    let input = format!("{HEAD}\r\n").repeat(5);
    let seen = server_reads_split(input.as_bytes(), &limits, Serve::Complete);
    assert_eq!((seen.complete(), seen.error), (3, None));
    assert_eq!(seen.output.matches("connection: close").count(), 1, "{}", seen.output);
    assert!(seen.output.ends_with("connection: close\r\n\r\n"));
}

#[test]
fn requests_that_wait_at_a_client() {
    let limits = Limits { in_flight: 2, ..Limits::default() };
    let mut machine = client_after(&[request("GET", "/"), request("GET", "/")], &limits);
    assert!(!machine.is_ready());
    assert!(machine.send_request(request("GET", "/"), true).is_err());
    assert!(machine.output().is_empty());
    // Output that nobody takes holds requests back too.
    let limits = Limits { in_flight: 100, output: 100, ..Limits::default() };
    let mut machine = client_after(&[], &limits);
    let sent = (0..100).take_while(|_| machine.send_request(request("GET", "/"), true).is_ok()).count();
    assert!((1..10).contains(&sent) && machine.output().len() < 200, "{sent}");
}

/// Limits of 0 count as 1, or switch the thing off; nothing divides by them.
#[test]
fn limits_of_zero() {
    let limits = Limits {
        fields: 0,
        body: 0,
        trailers: 0,
        chunk_extensions: 0,
        window: 0,
        output: 0,
        in_flight: 0,
        read_ahead: 0,
        drain: 0,
        interim: 0,
        requests: 0,
        ..Limits::default()
    };
    for input in [
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
        "garbage",
    ] {
        let seen = server_reads_split(input.as_bytes(), &limits, Serve::Complete);
        assert!(seen.error.is_some() || seen.complete() == 1, "{input}: {seen:?}");
    }
}

/// The response of a handler that sends more than anybody takes: `capacity` says stop.
#[test]
fn a_response_respects_its_capacity() {
    let limits = Limits { output: 1000, ..Limits::default() };
    let mut machine = ServerConnection::new(limits, Instant::now());
    let mut input = BytesMut::from(&*format!("{HEAD}\r\n"));
    let now = Instant::now();
    machine.poll_event(now, &mut input).expect("no error").expect("a request");
    let head = Head::Response(ResponseHead::new(StatusCode::OK));
    machine.send_head(StreamId(0), head, false).expect("sent");
    let (mut sent, mut turns) = (0, 0);
    while sent < 100_000 {
        while machine.capacity(StreamId(0)) > 0 {
            machine.send_data(StreamId(0), Bytes::from_static(&[b'x'; 300]), false).expect("sent");
            sent += 300;
        }
        assert!(machine.output().len() < 1000 + 320, "{}", machine.output().len());
        assert!(machine.poll_event(now, &mut input).expect("no error").is_none());
        machine.output().clear();
        let event = machine.poll_event(now, &mut input).expect("no error");
        assert!(matches!(event, Some(Event::Capacity { stream: StreamId(0) })), "{event:?}");
        turns += 1;
    }
    assert!(turns > 50);
}

/// Splits do not matter to limits either, and a flood through [`feed`] ends.
#[test]
fn floods_end() {
    for piece in
        ["\r\n", "GET / HTTP/1.1\r\n", "X: y\r\n", "a", "0", "\0", ": ", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"]
    {
        let input = piece.repeat(200_000 / piece.len());
        let mut machine = ServerConnection::new(Limits::default(), Instant::now());
        let pieces = input.as_bytes().chunks(1024);
        let seen: Seen = feed(&mut machine, pieces, true, |machine, seen, step| {
            serve(machine, seen, step, Serve::Complete)
        });
        let whole_requests = piece.ends_with("\r\n\r\n");
        assert_eq!(seen.error.is_none(), whole_requests, "{}: {:?}", piece.escape_debug(), seen.error);
        assert!(seen.finished);
    }
}
