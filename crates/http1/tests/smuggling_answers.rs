//! The other half of smuggling: responses that answer no request, messages that are cut, what an application could
//! be made to send, and mutated streams.

mod support;

use bytes::Bytes;
use http::StatusCode;
use support::{Serve, answer, client_after, client_reads_split, pipelining, request, server_reads_split};
use wirelace_http_semantics::{
    FieldId, Fields, Head, HttpMachine as _, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_http1::{Error, Limits, ServerConnection};
use wirelace_sim::{mutate, mutate_list};
use wirelace_wire::Machine as _;

const REQUEST: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

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
        let mut input = bytes::BytesMut::from(REQUEST);
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
        let mut input = bytes::BytesMut::from(REQUEST);
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
        let mut input = bytes::BytesMut::from(REQUEST);
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
        assert_eq!(server_reads_split(input.as_bytes(), &pipelining(), Serve::Complete).complete(), 1);
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
        let seen = server_reads_split(&input, &pipelining(), Serve::Complete);
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
