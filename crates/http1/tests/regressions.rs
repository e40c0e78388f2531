//! One test for each bug that a review or a fuzzer found.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};
use wirelace_http_semantics::{
    Event, FieldId, Head, HttpMachine, Reason, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_http1::{ClientConnection, Error, Limits, ServerConnection};
use wirelace_wire::Machine;

/// A machine, its input and its clock.
struct Peer<M> {
    machine: M,
    input: BytesMut,
    now: Instant,
}

fn server(limits: Limits) -> Peer<ServerConnection> {
    let now = Instant::now();
    Peer { machine: ServerConnection::new(limits, now), input: BytesMut::new(), now }
}

fn client(limits: Limits) -> Peer<ClientConnection> {
    let now = Instant::now();
    Peer { machine: ClientConnection::new(limits, now), input: BytesMut::new(), now }
}

fn pipelining() -> Limits {
    Limits { in_flight: 3, ..Limits::default() }
}

impl<M: Machine<Event = Event, Error = Error> + HttpMachine> Peer<M> {
    fn receive(&mut self, bytes: &str) {
        self.input.extend_from_slice(bytes.as_bytes());
    }

    fn poll(&mut self) -> Result<Option<Event>, Error> {
        self.machine.poll_event(self.now, &mut self.input)
    }

    #[track_caller]
    fn event(&mut self) -> Event {
        self.poll().expect("no error").expect("an event")
    }

    #[track_caller]
    fn nothing(&mut self) {
        let polled = self.poll();
        assert!(matches!(polled, Ok(None)), "{polled:?}");
    }

    #[track_caller]
    fn head(&mut self) -> (StreamId, Head, bool) {
        match self.event() {
            Event::Head { stream, head, end } => (stream, head, end),
            other => panic!("expected a head, got {other:?}"),
        }
    }

    /// The stream of the next event, which is a request.
    #[track_caller]
    fn request(&mut self) -> StreamId {
        self.head().0
    }

    fn sent(&mut self) -> String {
        let output = self.machine.output();
        let bytes: Vec<u8> = output.chunks().flatten().copied().collect();
        output.advance(bytes.len());
        self.machine.output_progress(self.now);
        String::from_utf8(bytes).unwrap()
    }

    fn respond(&mut self, stream: StreamId, status: u16, end: bool) -> Result<(), SendError> {
        let head = ResponseHead::new(StatusCode::from_u16(status).unwrap());
        self.machine.send_head(stream, Head::Response(head), end)
    }
}

fn request(method: &str, target: &'static str) -> RequestHead {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut head = RequestHead::new(method, target).unwrap();
    head.fields.push(FieldId::HOST, "a").unwrap();
    head
}

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const UPGRADE: &str = "Host: a\r\nConnection: upgrade\r\nUpgrade: test\r\n";

#[test]
fn a_limit_of_no_trailers_accepts_their_empty_section_in_any_split() {
    for cut in 0..=5 {
        let mut server = server(Limits { trailers: 0, ..Limits::default() });
        let (first, second) = "0\r\n\r\n".split_at(cut);
        server.receive(CHUNKED);
        let stream = server.request();
        server.receive(first);
        let mut event = server.poll();
        if matches!(event, Ok(None)) {
            server.receive(second);
            event = server.poll();
        }
        assert!(matches!(event, Ok(Some(Event::Data { end: true, .. }))), "{cut}: {event:?}");
        server.respond(stream, 200, true).unwrap();
    }
}

#[test]
fn a_peer_that_stopped_reading_gets_no_later_part_of_a_response() {
    // The connection has failed already, and waits for an older response only to send its error.
    let mut server = server(pipelining());
    server.receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nBROKEN\r\n");
    let stream = server.request();
    server.nothing();
    server.respond(stream, 200, false).unwrap();
    server.machine.send_data(stream, Bytes::from_static(b"first"), false).unwrap();
    server.nothing();
    server.now = server.machine.deadline().expect("a write timer");
    server.machine.on_deadline(server.now);
    assert!(server.machine.output().is_empty(), "what nobody read is dropped");
    let told = server.machine.send_data(stream, Bytes::from_static(b"second"), true);
    assert_eq!(told, Err(SendError::Closed));
    assert!(matches!(server.event(), Event::Reset { reason: Reason::Timeout, .. }));
    assert_eq!(server.poll().unwrap_err(), Error::WriteTimeout);
    assert_eq!((server.machine.is_finished(), &*server.sent()), (true, ""));
}

#[test]
fn nothing_is_answered_behind_a_response_that_closes() {
    // RFC 9112 §9.6. Both answers are there at once: the machine is not polled between them.
    let mut server = server(pipelining());
    server.receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    let (first, second) = (server.request(), server.request());
    let mut head = ResponseHead::new(StatusCode::OK);
    head.fields.push(FieldId::CONNECTION, "close").unwrap();
    server.machine.send_head(first, Head::Response(head), true).unwrap();
    assert_eq!(server.machine.capacity(second), 0);
    assert_eq!(server.respond(second, 404, true), Err(SendError::Closed));
    assert!(matches!(server.event(), Event::Reset { stream, reason: Reason::Refused } if stream == second));
    server.nothing();
    assert!(server.machine.is_finished());
    assert_eq!(server.sent(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}

#[test]
fn a_tunnel_does_not_inherit_that_the_request_body_was_unwanted() {
    let mut server = server(Limits { window: 4, ..Limits::default() });
    server.receive(&format!("POST / HTTP/1.1\r\n{UPGRADE}Content-Length: 4\r\n\r\nbody"));
    let stream = server.request();
    server.machine.stop_receiving(stream);
    server.nothing();
    server.respond(stream, 101, false).unwrap();
    server.receive("tunnel");
    // Within the window, as without a body.
    assert!(matches!(server.event(), Event::Data { data, end: false, .. } if data == "tunn"));
    server.nothing();
    server.machine.consumed(stream, 4);
    assert!(matches!(server.event(), Event::Data { data, end: false, .. } if data == "el"));
}

#[test]
fn no_data_of_a_tunnel_follows_stop_receiving() {
    let mut server = server(Limits::default());
    server.receive(&format!("GET / HTTP/1.1\r\n{UPGRADE}\r\n"));
    let stream = server.request();
    server.respond(stream, 101, false).unwrap();
    server.machine.stop_receiving(stream);
    server.receive("unwanted");
    server.nothing();
    assert!(server.input.is_empty() && server.machine.wants_input());
    server.machine.input_closed(server.now);
    server.nothing();
    server.machine.send_data(stream, Bytes::from_static(b"bye"), true).unwrap();
    server.nothing();
    assert!(server.machine.is_finished());

    let mut client = client(Limits::default());
    let stream = client.machine.send_request(request("CONNECT", "a:1"), false).unwrap();
    client.receive("HTTP/1.1 200 OK\r\n\r\n");
    client.head();
    assert!(matches!(client.event(), Event::Capacity { .. }));
    client.machine.stop_receiving(stream);
    client.receive("unwanted");
    client.nothing();
    assert!(client.input.is_empty() && client.machine.wants_input());
    client.machine.input_closed(client.now);
    client.nothing();
    client.machine.send_data(stream, Bytes::from_static(b"bye"), true).unwrap();
    client.nothing();
    assert!(client.machine.is_finished());
}

#[test]
fn what_follows_a_declined_connect_is_not_a_request() {
    // Some clients send the tunnel's first bytes, which somebody else may have chosen, without waiting.
    let mut server = server(pipelining());
    server.receive("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = server.request();
    server.nothing();
    server.respond(stream, 403, true).unwrap();
    server.nothing();
    assert!(server.machine.is_finished());
    assert!(server.sent().ends_with("connection: close\r\n\r\n"));
}

#[test]
fn an_absolute_target_has_a_host() {
    // RFC 9110 §4.2.1, §9.3.6: an empty one must be rejected, also where a port follows.
    for line in ["GET http://:80/ HTTP/1.1", "GET https://: HTTP/1.1", "CONNECT :443 HTTP/1.1"] {
        let mut server = server(Limits::default());
        server.receive(&format!("{line}\r\nHost: a\r\n\r\n"));
        let polled = server.poll();
        assert!(matches!(polled, Err(Error::Target(_))), "{line}: {polled:?}");
        assert!(server.sent().starts_with("HTTP/1.1 400 "));
    }
}

#[test]
fn the_first_head_has_its_time_from_the_start_of_the_connection() {
    let mut server = server(Limits::default());
    let start = server.now;
    let limit = Limits::default().timeouts.head.unwrap();
    server.nothing();
    server.now += Duration::from_secs(20);
    server.receive("GET");
    server.nothing();
    assert_eq!(server.machine.deadline(), Some(start + limit));
}

#[test]
fn bytes_behind_a_response_do_not_answer_the_next_request() {
    let mut client = client(Limits::default());
    client.machine.send_request(request("GET", "/1"), true).unwrap();
    client
        .receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let (_, _, end) = client.head();
    assert!(end);
    // Sent without looking for more events: the bytes that wait cannot be its answer.
    let second = client.machine.send_request(request("GET", "/2"), true);
    assert_eq!(second, Err(SendError::ShuttingDown));
    assert!(client.machine.is_closing());
    assert_eq!(client.poll().unwrap_err(), Error::Unsolicited);
}

#[test]
fn no_switch_in_the_middle_of_a_request() {
    // RFC 9110 §7.8. What is left of the body would be taken for the tunnel's bytes.
    let mut client = client(Limits::default());
    let mut head = request("POST", "/");
    head.fields.push(FieldId::CONNECTION, "upgrade").unwrap();
    head.fields.push(FieldId::UPGRADE, "test").unwrap();
    let stream = client.machine.send_request(head, false).unwrap();
    client.machine.send_data(stream, Bytes::from_static(b"half"), false).unwrap();
    client.receive("HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: upgrade\r\n\r\n");
    assert!(matches!(client.event(), Event::Reset { reason: Reason::Protocol, .. }));
    assert_eq!(client.poll().unwrap_err(), Error::UnaskedUpgrade);
}

#[test]
fn a_value_that_begins_on_a_folded_line_has_no_space_in_front() {
    let leniency = wirelace_http1::head::ResponseLeniency::STRICT.fold(true);
    let mut client = client(Limits { response_leniency: leniency, ..Limits::default() });
    client.machine.send_request(request("GET", "/"), true).unwrap();
    client.receive("HTTP/1.1 200 OK\r\nX: \r\n  a\r\n\tb\r\nContent-Length: 0\r\n\r\n");
    let (_, Head::Response(head), _) = client.head() else { panic!("a response") };
    assert_eq!(head.fields.get("x"), Some(&b"a   b"[..]));
}

#[test]
fn a_refused_head_request_is_answered_without_a_body() {
    // Also when it is refused before it becomes an exchange.
    for fields in
        ["", "Host: a\r\nContent-Length: 9\r\n", "Host: a\r\nHost: b\r\n", "Host: a\r\nExpect: x\r\n"]
    {
        let mut server = server(Limits { body: 8, ..Limits::default() });
        server.receive(&format!("HEAD / HTTP/1.1\r\n{fields}\r\n"));
        assert!(server.poll().is_err(), "{fields}");
        let sent = server.sent();
        assert!(sent.starts_with("HTTP/1.1 4") && sent.ends_with("\r\n\r\n"), "{sent}");
    }
}

#[test]
fn a_peer_that_leaves_inside_a_body_wants_no_older_answer_either() {
    let mut server = server(pipelining());
    server.receive(
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
    );
    let (first, second) = (server.request(), server.request());
    server.machine.input_closed(server.now);
    for expected in [second, first] {
        let event = server.event();
        assert!(
            matches!(event, Event::Reset { stream, reason: Reason::PeerClosed } if stream == expected),
            "{event:?}"
        );
    }
    assert_eq!(server.poll().unwrap_err(), Error::UnexpectedEnd);
    assert!(server.machine.is_finished());
}

#[test]
fn a_complete_response_is_owed_no_capacity() {
    let mut server = server(Limits { output: 8, ..Limits::default() });
    server.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    let stream = server.request();
    server.respond(stream, 200, false).unwrap(); // Fills the output.
    server.machine.send_data(stream, Bytes::from_static(b"all"), true).unwrap();
    server.sent();
    server.nothing();
}

#[test]
fn a_body_that_is_not_sent_is_not_counted() {
    let mut server = server(Limits::default());
    server.receive("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = server.request();
    server
        .machine
        .send_message(stream, ResponseHead::new(StatusCode::OK), Bytes::from_static(b"12345"))
        .unwrap();
    assert!(server.sent().contains("content-length: 5\r\n"));
    assert_eq!(server.machine.stats().body_sent, 0);
}

#[test]
fn the_rest_of_a_request_body_is_no_tunnel() {
    // Nobody wanted the body, and it was too long to be read to its end.
    let mut server = server(Limits { drain: 4, ..Limits::default() });
    server.receive(&format!("POST / HTTP/1.1\r\n{UPGRADE}Content-Length: 100\r\n\r\nhello"));
    let stream = server.request();
    server.machine.stop_receiving(stream);
    server.nothing();
    assert_eq!(server.respond(stream, 101, false), Err(SendError::Order));
    server.respond(stream, 200, true).unwrap();
    assert!(server.sent().ends_with("connection: close\r\n\r\n"));
}

#[test]
fn each_head_of_a_response_has_its_own_time() {
    let mut client = client(Limits::default());
    client.machine.send_request(request("GET", "/"), true).unwrap();
    client.receive("HTTP/1.1 103 Early");
    client.nothing();
    client.now += Duration::from_secs(20);
    client.receive(" Hints\r\n\r\nHTTP/1.1 200");
    assert!(matches!(client.event(), Event::Informational { .. }));
    client.nothing();
    assert_eq!(client.machine.deadline(), Some(client.now + Limits::default().timeouts.head.unwrap()));
}

#[test]
fn a_request_that_was_given_up_is_not_sent() {
    let mut client = client(pipelining());
    let first = client.machine.send_request(request("POST", "/1"), true).unwrap();
    let second = client.machine.send_request(request("POST", "/2"), true).unwrap();
    client.machine.reset(first, Reason::Cancel);
    assert!(matches!(client.event(), Event::Reset { stream, .. } if stream == second));
    assert_eq!(client.poll().unwrap_err(), Error::Reset);
    assert_eq!(client.sent(), "");
}

#[test]
fn nothing_is_sent_behind_a_response_that_the_peers_leaving_cut() {
    let mut server = server(pipelining());
    server.receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    let (first, second) = (server.request(), server.request());
    server.respond(first, 200, false).unwrap();
    server.machine.input_closed(server.now);
    assert!(matches!(server.event(), Event::Reset { stream, .. } if stream == first));
    // Not polled yet for the second reset.
    assert_eq!(
        (server.machine.capacity(second), server.respond(second, 200, true)),
        (0, Err(SendError::Closed))
    );
    assert!(matches!(server.event(), Event::Reset { stream, .. } if stream == second));
    server.nothing();
    assert!(server.machine.is_finished());
}

#[test]
fn the_verdict_on_an_unwanted_body_does_not_depend_on_how_it_is_cut() {
    let body = "8\r\n12345678\r\n14\r\n12345678901234567890\r\nzz";
    for (limit, drain) in (1..30).flat_map(|limit| (0..30).map(move |drain| (limit, drain))) {
        let verdict = |step: usize| {
            let mut server = server(Limits { drain, body: limit, ..Limits::default() });
            server.receive("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            let stream = server.request();
            server.machine.stop_receiving(stream);
            for cut in 0..body.len().div_ceil(step) {
                server.receive(&body[cut * step..body.len().min((cut + 1) * step)]);
                match server.poll() {
                    Ok(None) => {}
                    Ok(Some(Event::Reset { .. })) => return Some(server.poll().unwrap_err().to_string()),
                    Ok(Some(event)) => panic!("{event:?}"),
                    Err(error) => return Some(error.to_string()),
                }
            }
            server.respond(stream, 200, true).unwrap();
            assert!(server.sent().contains("connection: close\r\n"));
            None
        };
        let whole = verdict(body.len());
        assert_eq!(whole.is_some(), limit <= drain || drain >= 28, "limit {limit}, drain {drain}: {whole:?}");
        for step in 1..body.len() {
            assert_eq!(verdict(step), whole, "limit {limit}, drain {drain}, in steps of {step}");
        }
    }
}
