//! The client machine, command by command.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::{Method, Version};
use wirelace_http_semantics::{
    Event, FieldId, Fields, Head, HttpMachine, Reason, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_http1::{ClientConnection, Error, Limits};
use wirelace_wire::Machine;

struct Client {
    machine: ClientConnection,
    input: BytesMut,
    now: Instant,
}

fn request(method: &str, target: &'static str) -> RequestHead {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut head = RequestHead::new(method, Bytes::from_static(target.as_bytes())).unwrap();
    head.fields.push("Host", "a").unwrap();
    head
}

impl Client {
    fn new() -> Client {
        Client::with(Limits::default())
    }

    fn with(limits: Limits) -> Client {
        let now = Instant::now();
        Client { machine: ClientConnection::new(limits, now), input: BytesMut::new(), now }
    }

    fn get(&mut self, target: &'static str) -> StreamId {
        self.machine.send_request(request("GET", target), true).unwrap()
    }

    fn receive(&mut self, bytes: impl AsRef<[u8]>) {
        self.input.extend_from_slice(bytes.as_ref());
    }

    fn close(&mut self) {
        self.machine.input_closed(self.now);
    }

    fn poll(&mut self) -> Result<Option<Event>, Error> {
        self.machine.poll_event(self.now, &mut self.input)
    }

    fn event(&mut self) -> Event {
        self.poll().expect("no error").expect("an event")
    }

    fn nothing(&mut self) {
        assert!(matches!(self.poll(), Ok(None)));
    }

    fn response(&mut self) -> (StreamId, ResponseHead, bool) {
        match self.event() {
            Event::Head { stream, head: Head::Response(head), end } => (stream, head, end),
            other => panic!("expected a response, got {other:?}"),
        }
    }

    fn data(&mut self) -> (Bytes, bool) {
        match self.event() {
            Event::Data { data, end, .. } => (data, end),
            other => panic!("expected data, got {other:?}"),
        }
    }

    fn sent(&mut self) -> String {
        let output = self.machine.output();
        let bytes: Vec<u8> = output.chunks().flatten().copied().collect();
        output.advance(bytes.len());
        self.machine.output_progress(self.now);
        String::from_utf8(bytes).unwrap()
    }
}

#[test]
fn requests_and_responses_in_turn() {
    let mut client = Client::new();
    let first = client.get("/1");
    assert_eq!(client.sent(), "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(!client.machine.is_ready());
    assert_eq!(client.machine.send_request(request("GET", "/2"), true), Err(SendError::Blocked));
    client.receive("HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok");
    let (stream, head, end) = client.response();
    assert_eq!((stream, end, head.reason.as_deref()), (first, false, Some(&b"Fine"[..])));
    assert_eq!(client.data(), (Bytes::from_static(b"ok"), true));
    assert!(client.machine.is_ready());
    client.get("/2");
    client.receive("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    assert!(client.response().2);
    client.nothing();
    assert!(client.machine.is_finished());
    assert_eq!(client.machine.send_request(request("GET", "/3"), true), Err(SendError::ShuttingDown));
}

#[test]
fn pipelined_responses_come_in_order() {
    let mut client = Client::with(Limits { in_flight: 3, ..Limits::default() });
    let streams = [client.get("/1"), client.get("/2"), client.get("/3")];
    client.receive("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    client.receive("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n2\r\n0\r\nx: y\r\n\r\n");
    client.receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.response().0, streams[0]);
    client.data();
    assert_eq!(client.response().0, streams[1]);
    assert_eq!(client.data(), (Bytes::from_static(b"2"), false));
    assert!(matches!(client.event(), Event::Trailers { stream, .. } if stream == streams[1]));
    let (stream, _, end) = client.response();
    assert_eq!((stream, end), (streams[2], true));
    assert!(client.machine.is_ready());
}

#[test]
fn what_a_closing_server_did_not_answer_is_refused() {
    let mut client = Client::with(Limits { in_flight: 3, ..Limits::default() });
    client.get("/1");
    let second = client.get("/2");
    client.receive("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    client.response();
    assert!(matches!(client.event(), Event::Reset { stream, reason: Reason::Refused } if stream == second));
    client.nothing();
    assert!(client.machine.is_finished());
    // Without that word nobody knows whether it was processed.
    let mut client = Client::new();
    client.get("/1");
    client.close();
    assert!(matches!(client.event(), Event::Reset { reason: Reason::PeerClosed, .. }));
}

#[test]
fn bodies_are_framed_by_what_is_known() {
    let mut client = Client::new();
    let mut head = request("POST", "/");
    head.fields.push(FieldId::CONTENT_LENGTH, "3").unwrap();
    let stream = client.machine.send_request(head, false).unwrap();
    let data = Bytes::from_static(b"abc");
    client.machine.send_data(stream, data.clone(), true).unwrap();
    assert_eq!(client.sent(), "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\n\r\nabc");
    client.receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    client.response();

    let stream = client.machine.send_request(request("PUT", "/"), false).unwrap();
    client.machine.send_data(stream, data, false).unwrap();
    let mut trailers = Fields::new();
    trailers.push("x-sum", "9").unwrap();
    client.machine.send_trailers(stream, trailers).unwrap();
    assert_eq!(
        client.sent(),
        "PUT / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 9\r\n\r\n"
    );
    client.receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    client.response();

    client.machine.send_request(request("POST", "/"), true).unwrap();
    assert!(client.sent().contains("content-length: 0\r\n"));
}

#[test]
fn http10_requests() {
    let mut client = Client::new();
    let mut head = RequestHead::new(Method::GET, "/").unwrap();
    head.version = Version::HTTP_10;
    let mut post = head.clone();
    post.method = Method::POST;
    assert_eq!(client.machine.send_request(post, false), Err(SendError::BodyLength));
    client.machine.send_request(head, true).unwrap();
    assert_eq!(client.sent(), "GET / HTTP/1.0\r\n\r\n");
    client.receive("HTTP/1.1 200 OK\r\n\r\nto the end");
    client.response();
    assert_eq!(client.data(), (Bytes::from_static(b"to the end"), false));
    client.nothing();
    client.close();
    assert_eq!(client.data(), (Bytes::new(), true));
    client.nothing();
    assert!(client.machine.is_finished());
}

#[test]
fn requests_that_would_break_the_message_are_refused() {
    let mut client = Client::new();
    let without_host = RequestHead::new(Method::GET, "/").unwrap();
    assert_eq!(client.machine.send_request(without_host, true), Err(SendError::Head));
    let mut split = request("GET", "/");
    split.target = Bytes::from_static(b"/ HTTP/1.1\r\nx: y");
    assert_eq!(client.machine.send_request(split, true), Err(SendError::Head));
    assert_eq!(client.sent(), "");
    assert!(client.machine.is_ready());
}

#[test]
fn interim_responses_and_their_limit() {
    let mut client = Client::with(Limits { interim: 2, ..Limits::default() });
    client.get("/");
    client.receive("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    assert!(matches!(client.event(), Event::Informational { head, .. } if head.status == 100));
    assert!(
        matches!(client.event(), Event::Informational { head, .. } if head.fields.contains(FieldId::LINK))
    );
    client.receive("HTTP/1.1 102 Processing\r\n\r\n");
    assert!(matches!(client.event(), Event::Reset { .. }));
    assert!(matches!(client.poll(), Err(Error::TooManyInterim { limit: 2 })));
}

#[test]
fn responses_without_a_body() {
    let mut client = Client::new();
    client.machine.send_request(request("HEAD", "/"), true).unwrap();
    client.receive("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    assert!(client.response().2);
    for status in ["204 No Content", "304 Not Modified"] {
        client.get("/");
        client.receive(format!("HTTP/1.1 {status}\r\nContent-Length: 10\r\n\r\n"));
        assert!(client.response().2);
    }
    assert!(client.machine.is_ready());
}

#[test]
fn bytes_that_answer_nothing_end_the_connection() {
    let mut client = Client::new();
    client.receive("HTTP/1.1 200 OK\r\n\r\n");
    assert!(matches!(client.poll(), Err(Error::Unsolicited)));
    // The body of a 204 is such bytes too: never the body (RFC 9112 §6.3).
    let mut client = Client::new();
    client.get("/");
    client.receive("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello");
    assert!(client.response().2);
    assert!(matches!(client.poll(), Err(Error::Unsolicited)));
}

#[test]
fn a_cut_response_is_never_complete() {
    for input in [
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    ] {
        let mut client = Client::new();
        client.get("/");
        client.receive(input);
        client.close();
        loop {
            match client.poll() {
                Ok(Some(Event::Data { end, .. })) => assert!(!end, "{input:?}"),
                Ok(Some(Event::Reset { reason, .. })) => assert_eq!(reason, Reason::PeerClosed),
                Ok(Some(_)) => {}
                Ok(None) => panic!("{input:?} hangs"),
                Err(error) => break assert_eq!(error, Error::UnexpectedEnd),
            }
        }
    }
}

#[test]
fn upgrade_and_connect_become_tunnels() {
    let mut client = Client::new();
    let mut head = request("GET", "/");
    head.fields.push("Connection", "Upgrade").unwrap();
    head.fields.push("Upgrade", "echo").unwrap();
    let stream = client.machine.send_request(head, true).unwrap();
    client.receive("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nraw");
    assert!(!client.response().2);
    assert!(client.machine.is_tunnel());
    assert!(matches!(client.event(), Event::Capacity { .. }));
    assert_eq!(client.data().0, "raw");
    client.sent();
    client.machine.send_data(stream, Bytes::from_static(b"out"), true).unwrap();
    assert_eq!(client.sent(), "out");
    assert!(client.machine.is_output_finished());
    client.close();
    assert_eq!(client.data(), (Bytes::new(), true));
    client.nothing();
    assert!(client.machine.is_finished());

    let mut client = Client::new();
    let stream = client.machine.send_request(request("CONNECT", "a:1"), false).unwrap();
    assert_eq!(client.sent(), "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.machine.capacity(stream), 0);
    assert_eq!(client.machine.send_data(stream, Bytes::from_static(b"x"), false), Err(SendError::Blocked));
    client.receive("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntunnel");
    client.response();
    assert!(matches!(client.event(), Event::Capacity { .. }));
    assert_eq!(client.data().0, "tunnel");

    let mut client = Client::new();
    client.get("/");
    client.receive("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    assert!(matches!(client.event(), Event::Reset { reason: Reason::Protocol, .. }));
    assert!(matches!(client.poll(), Err(Error::UnaskedUpgrade)));
}

#[test]
fn an_answer_before_the_requests_end_spoils_the_connection() {
    let mut client = Client::new();
    let stream = client.machine.send_request(request("POST", "/"), false).unwrap();
    client.receive("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n");
    assert!(client.response().2);
    client.nothing();
    assert!(client.machine.is_finished());
    assert_eq!(client.machine.send_data(stream, Bytes::from_static(b"x"), false), Err(SendError::Closed));
}

#[test]
fn leniency_is_for_responses_and_off() {
    use wirelace_http1::head::ResponseLeniency;
    let folded = "HTTP/1.1 200 OK\r\nX: a\r\n\t b\r\nContent-Length: 0\r\n\r\n";
    let mut strict = Client::new();
    strict.get("/");
    strict.receive(folded);
    assert!(matches!(strict.event(), Event::Reset { .. }));
    assert!(matches!(strict.poll(), Err(Error::Head(_))));
    let lenient = Limits { response_leniency: ResponseLeniency::STRICT.fold(true), ..Limits::default() };
    let mut client = Client::with(lenient.clone());
    client.get("/");
    client.receive(folded);
    let (_, head, _) = client.response();
    let value = head.fields.get("x").unwrap();
    assert!(value.starts_with(b"a ") && value.ends_with(b" b") && !value.contains(&b'\r'), "{value:?}");
    // A folded framing field is nobody's friend.
    let mut client = Client::with(lenient);
    client.get("/");
    client.receive("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 0\r\n\r\n");
    assert!(matches!(client.event(), Event::Reset { .. }));
}
