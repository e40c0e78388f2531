//! The server machine, command by command.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use wirelace_http_semantics::{
    Event, FieldId, Fields, Head, HttpMachine, Reason, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_http1::{Error, Limits, ServerConnection};
use wirelace_wire::Machine;

struct Server {
    machine: ServerConnection,
    input: BytesMut,
    now: Instant,
}

impl Server {
    fn new() -> Server {
        Server::with(Limits::default())
    }

    fn with(limits: Limits) -> Server {
        let now = Instant::now();
        Server { machine: ServerConnection::new(limits, now), input: BytesMut::new(), now }
    }

    fn receive(&mut self, bytes: impl AsRef<[u8]>) {
        self.input.extend_from_slice(bytes.as_ref());
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

    fn request(&mut self) -> (StreamId, RequestHead, bool) {
        match self.event() {
            Event::Head { stream, head: Head::Request(head), end } => (stream, *head, end),
            other => panic!("expected a request, got {other:?}"),
        }
    }

    fn respond(&mut self, stream: StreamId, status: u16, body: &'static str) -> Result<(), SendError> {
        let mut head = ResponseHead::new(StatusCode::from_u16(status).unwrap());
        head.fields.push(FieldId::CONTENT_LENGTH, body.len().to_string()).unwrap();
        self.machine.send_head(stream, Head::Response(head), body.is_empty())?;
        if !body.is_empty() {
            self.machine.send_data(stream, Bytes::from_static(body.as_bytes()), true)?;
        }
        Ok(())
    }

    fn status(&mut self, stream: StreamId, status: u16, end: bool) -> Result<(), SendError> {
        let head = ResponseHead::new(StatusCode::from_u16(status).unwrap());
        self.machine.send_head(stream, Head::Response(head), end)
    }

    fn sent(&mut self) -> String {
        let output = self.machine.output();
        let bytes: Vec<u8> = output.chunks().flatten().copied().collect();
        output.advance(bytes.len());
        self.machine.output_progress(self.now);
        String::from_utf8(bytes).unwrap()
    }

    /// Lets time pass to the machine's own deadline.
    fn wait(&mut self) -> Duration {
        let deadline = self.machine.deadline().expect("a timer runs");
        let waited = deadline - self.now;
        self.now = deadline;
        self.machine.on_deadline(self.now);
        waited
    }
}

#[test]
fn keep_alive_and_pipelining_in_order() {
    let mut server = Server::new();
    server
        .receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let (first, head, end) = server.request();
    assert_eq!((head.path(), end), ("/1", true));
    server.nothing(); // One at a time by default.
    server.respond(first, 200, "one").unwrap();
    let (second, head, _) = server.request();
    assert_eq!(head.path(), "/2");
    server.respond(second, 404, "").unwrap();
    server.nothing();
    assert_eq!(
        server.sent(),
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none\
         HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    assert!(server.machine.is_finished());
}

#[test]
fn answers_out_of_order_wait_for_their_turn() {
    let mut server = Server::with(Limits { in_flight: 2, ..Limits::default() });
    server.receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    let (first, ..) = server.request();
    let (second, ..) = server.request();
    server.nothing();
    assert_eq!(server.machine.capacity(second), 0);
    assert_eq!(server.respond(second, 200, "two"), Err(SendError::Blocked));
    server.respond(first, 200, "one").unwrap();
    assert!(matches!(server.event(), Event::Capacity { stream } if stream == second));
    server.respond(second, 200, "two").unwrap();
    let (_, head, _) = server.request();
    assert_eq!(head.path(), "/3");
    let sent = server.sent();
    assert!(sent.find("one").unwrap() < sent.find("two").unwrap());
}

#[test]
fn http10_closes_unless_asked_to_stay() {
    let mut server = Server::new();
    server.receive("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET / HTTP/1.0\r\n\r\n");
    let (stream, ..) = server.request();
    server.respond(stream, 200, "a").unwrap();
    assert!(server.sent().contains("connection: keep-alive\r\n"));
    let (stream, ..) = server.request();
    server.status(stream, 200, false).unwrap();
    server.machine.send_data(stream, Bytes::from_static(b"no length"), true).unwrap();
    assert_eq!(server.sent(), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nno length");
    assert!(server.machine.is_finished());
}

#[test]
fn bodies_and_trailers_both_ways() {
    let mut server = Server::new();
    server.receive(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n",
    );
    let (stream, _, end) = server.request();
    assert!(!end);
    assert!(matches!(server.event(), Event::Data { data, end: false, .. } if data == "hello"));
    let Event::Trailers { fields, .. } = server.event() else { panic!() };
    assert_eq!(fields.get("x-sum"), Some(&b"7"[..]));
    server.status(stream, 200, false).unwrap();
    server.machine.send_data(stream, Bytes::from_static(b"abc"), false).unwrap();
    server.machine.send_data(stream, Bytes::new(), false).unwrap();
    let mut trailers = Fields::new();
    trailers.push("x-chunks", "1").unwrap();
    server.machine.send_trailers(stream, trailers).unwrap();
    assert_eq!(
        server.sent(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-chunks: 1\r\n\r\n"
    );
}

#[test]
fn trailers_that_would_frame_or_route_are_refused_in_both_directions() {
    let mut server = Server::new();
    server.receive(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
    );
    let (stream, ..) = server.request();
    assert!(matches!(server.event(), Event::Reset { reason: Reason::Protocol, .. }));
    assert!(matches!(server.poll(), Err(Error::ForbiddenTrailer)));
    assert!(server.sent().starts_with("HTTP/1.1 400 "));
    assert_eq!(server.respond(stream, 200, ""), Err(SendError::Closed));

    let mut server = Server::new();
    server.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (stream, ..) = server.request();
    server.status(stream, 200, false).unwrap();
    let mut trailers = Fields::new();
    trailers.push(FieldId::CONTENT_LENGTH, "5").unwrap();
    assert_eq!(server.machine.send_trailers(stream, trailers), Err(SendError::Trailer));
}

#[test]
fn expect_continue_is_the_applications_choice() {
    let request = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n";
    let mut server = Server::new();
    server.receive(request);
    let (stream, ..) = server.request();
    assert!(server.machine.expects_continue(stream));
    server.nothing();
    assert!(server.machine.deadline().is_none(), "a client that waits is not slow");
    server.status(stream, 100, false).unwrap();
    assert_eq!(server.sent(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(!server.machine.expects_continue(stream));
    server.receive("ok");
    assert!(matches!(server.event(), Event::Data { end: true, .. }));
    server.respond(stream, 200, "").unwrap();
    assert!(!server.machine.is_finished());

    let mut server = Server::new();
    server.receive(request);
    let (stream, ..) = server.request();
    server.respond(stream, 401, "").unwrap();
    assert!(server.sent().contains("connection: close"), "nobody knows whether the body will come");
    assert!(server.machine.is_finished());
}

#[test]
fn other_expectations_are_refused() {
    let mut server = Server::new();
    server.receive("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n");
    assert!(matches!(server.poll(), Err(Error::Expectation)));
    assert!(server.sent().starts_with("HTTP/1.1 417 "));
}

#[test]
fn interim_responses_reach_only_those_who_know_them() {
    for (version, expected) in [("1.1", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"), ("1.0", "")] {
        let mut server = Server::new();
        server.receive(format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n"));
        let (stream, ..) = server.request();
        let mut head = ResponseHead::new(StatusCode::EARLY_HINTS);
        head.fields.push(FieldId::LINK, "</a>").unwrap();
        server.machine.send_head(stream, Head::Response(head), false).unwrap();
        assert_eq!(server.sent(), expected);
        server.respond(stream, 200, "").unwrap();
    }
}

#[test]
fn responses_without_a_body() {
    let mut server = Server::new();
    server.receive("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (stream, ..) = server.request();
    server.respond(stream, 200, "would be the body").unwrap();
    assert_eq!(server.sent(), "HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n");
    for (status, expected) in [
        (204, "HTTP/1.1 204 No Content\r\n\r\n"),
        (304, "HTTP/1.1 304 Not Modified\r\ncontent-length: 3\r\n\r\n"),
    ] {
        server.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let (stream, ..) = server.request();
        server.respond(stream, status, "abc").unwrap();
        assert_eq!(server.sent(), expected);
    }
}

#[test]
fn upgrade_switches_only_after_101() {
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n";
    let mut server = Server::with(Limits { in_flight: 4, ..Limits::default() });
    server.receive(request);
    server.receive("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    let (stream, ..) = server.request();
    server.nothing(); // Undecided: neither HTTP nor the new protocol.
    let mut head = ResponseHead::new(StatusCode::SWITCHING_PROTOCOLS);
    head.fields.push(FieldId::UPGRADE, "echo").unwrap();
    server.machine.send_head(stream, Head::Response(head), false).unwrap();
    assert_eq!(
        server.sent(),
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n"
    );
    assert!(matches!(server.event(), Event::Data { data, end: false, .. } if data.starts_with(b"GET /next")));
    server.machine.send_data(stream, Bytes::from_static(b"raw"), true).unwrap();
    assert_eq!(server.sent(), "raw");
    assert!(server.machine.is_output_finished() && !server.machine.is_finished());
    server.machine.input_closed(server.now);
    assert!(matches!(server.event(), Event::Data { end: true, .. }));
    assert!(server.machine.is_finished());

    // Declined: what follows is HTTP.
    let mut server = Server::new();
    server.receive(request);
    server.receive("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    let (stream, ..) = server.request();
    server.respond(stream, 200, "").unwrap();
    assert_eq!(server.request().1.path(), "/next");
}

#[test]
fn an_upgrade_that_nobody_asked_for_is_refused() {
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    ] {
        let mut server = Server::new();
        server.receive(request);
        let (stream, ..) = server.request();
        assert_eq!(server.status(stream, 101, false), Err(SendError::Head));
        server.respond(stream, 200, "").unwrap();
    }
}

#[test]
fn connect_gives_a_tunnel() {
    let mut server = Server::new();
    server.receive("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nearly bytes");
    let (stream, head, end) = server.request();
    assert!(end);
    assert_eq!(head.authority(), Some(&b"a:1"[..]));
    server.status(stream, 200, false).unwrap();
    assert_eq!(server.sent(), "HTTP/1.1 200 OK\r\n\r\n");
    assert!(matches!(server.event(), Event::Data { data, .. } if data == "early bytes"));
}

#[test]
fn a_response_cannot_be_split_or_lie_about_its_length() {
    let mut server = Server::new();
    server.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (stream, ..) = server.request();
    let mut head = ResponseHead::new(StatusCode::OK);
    head.reason = Some(Box::from(&b"OK\r\nset-cookie: x"[..]));
    assert_eq!(server.machine.send_head(stream, Head::Response(head), true), Err(SendError::Head));
    let mut head = ResponseHead::new(StatusCode::OK);
    let mut fields = Fields::for_block(1);
    fields.index(FieldId::OTHER, 0..1, 1..5).unwrap();
    fields.set_block(Bytes::from_static(b"x\r\n\r\n"));
    head.fields = fields;
    assert!(matches!(server.machine.send_head(stream, Head::Response(head), true), Err(SendError::Field(_))));
    assert_eq!(server.sent(), "", "nothing of a refused head is written");
    let mut head = ResponseHead::new(StatusCode::OK);
    head.fields.push(FieldId::CONTENT_LENGTH, "5").unwrap();
    assert_eq!(
        server.machine.send_head(stream, Head::Response(head.clone()), true),
        Err(SendError::BodyLength)
    );
    server.machine.send_head(stream, Head::Response(head), false).unwrap();
    let data = Bytes::from_static(b"123456");
    assert_eq!(server.machine.send_data(stream, data.clone(), false), Err(SendError::BodyLength));
    assert_eq!(server.machine.send_data(stream, data.slice(..4), true), Err(SendError::BodyLength));
    server.machine.send_data(stream, data.slice(..5), true).unwrap();
    server.nothing();
    assert_eq!(server.machine.send_data(stream, data, true), Err(SendError::Closed));
}

#[test]
fn unread_data_is_bounded_by_the_window() {
    let mut server = Server::with(Limits { window: 10, ..Limits::default() });
    server.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n");
    server.receive([b'x'; 30]);
    let (stream, ..) = server.request();
    assert!(matches!(server.event(), Event::Data { data, .. } if data.len() == 10));
    server.nothing();
    assert!(!server.machine.wants_input());
    server.machine.consumed(stream, 4);
    assert!(server.machine.wants_input());
    assert!(matches!(server.event(), Event::Data { data, .. } if data.len() == 4));
    server.machine.consumed(stream, 10);
    assert!(matches!(server.event(), Event::Data { data, .. } if data.len() == 10));
    server.machine.consumed(stream, 10);
    assert!(matches!(server.event(), Event::Data { data, end: true, .. } if data.len() == 6));
}

#[test]
fn an_unwanted_body_is_drained_up_to_a_limit() {
    for (length, survives) in [(100, true), (101, false)] {
        let mut server = Server::with(Limits { drain: 100, ..Limits::default() });
        server.receive("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        let (stream, ..) = server.request();
        server.machine.stop_receiving(stream);
        server.respond(stream, 200, "").unwrap();
        assert!(!server.machine.is_finished());
        let chunk = "x".repeat(length);
        server.receive(format!("{length:x}\r\n{chunk}\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n"));
        if survives {
            assert_eq!(server.request().1.path(), "/next");
        } else {
            server.nothing();
            assert!(server.machine.is_finished());
        }
    }
    // A length that is known to be too long is not even begun.
    let mut server = Server::with(Limits { drain: 100, ..Limits::default() });
    server.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n");
    let (stream, ..) = server.request();
    server.respond(stream, 200, "").unwrap();
    assert!(server.sent().contains("connection: close"));
    assert!(server.machine.is_finished());
}

#[test]
fn a_full_output_asks_the_application_to_wait() {
    let mut server = Server::with(Limits { output: 100, ..Limits::default() });
    server.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (stream, ..) = server.request();
    server.status(stream, 200, false).unwrap();
    assert!(server.machine.capacity(stream) > 0);
    server.machine.send_data(stream, Bytes::from(vec![b'x'; 200]), false).unwrap();
    assert_eq!(server.machine.capacity(stream), 0);
    server.nothing();
    server.sent();
    assert!(matches!(server.event(), Event::Capacity { .. }));
    assert_eq!(server.machine.capacity(stream), 100);
}

#[test]
fn the_peers_leaving_resets_unless_half_closed_connections_are_served() {
    for half_close in [false, true] {
        let mut server = Server::with(Limits { half_close, ..Limits::default() });
        server.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let (stream, ..) = server.request();
        server.machine.input_closed(server.now);
        if half_close {
            server.nothing();
            server.respond(stream, 200, "still").unwrap();
            server.nothing();
            assert!(server.sent().ends_with("still"));
        } else {
            assert!(matches!(server.event(), Event::Reset { reason: Reason::PeerClosed, .. }));
            server.nothing();
            assert_eq!(server.respond(stream, 200, ""), Err(SendError::Closed));
        }
        assert!(server.machine.is_finished());
    }
}

#[test]
fn a_cut_message_is_never_complete() {
    for (input, heads) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n", 0),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhel", 1),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 1),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: y\r\n", 1),
    ] {
        let mut server = Server::new();
        server.receive(input);
        server.machine.input_closed(server.now);
        let mut resets = 0;
        let error = loop {
            match server.poll() {
                Ok(Some(Event::Data { end: true, .. } | Event::Trailers { .. })) => panic!("{input:?}"),
                Ok(Some(Event::Reset { .. })) => resets += 1,
                Ok(Some(_)) => {}
                Ok(None) => panic!("{input:?} hangs"),
                Err(error) => break error,
            }
        };
        assert_eq!((error, resets), (Error::UnexpectedEnd, heads));
        assert!(server.machine.is_finished());
    }
}

#[test]
fn deadlines() {
    let limits = Limits::default();
    let timeouts = limits.timeouts;
    // A connection that says nothing is closed without a word.
    let mut server = Server::new();
    server.nothing();
    assert_eq!(server.wait(), timeouts.head.unwrap());
    assert!(server.machine.is_finished());
    assert_eq!(server.sent(), "");
    // Half a head.
    let mut server = Server::new();
    server.receive("GET / HT");
    server.nothing();
    assert_eq!(server.wait(), timeouts.head.unwrap());
    assert!(matches!(server.poll(), Err(Error::HeadTimeout)));
    assert!(server.sent().starts_with("HTTP/1.1 408 "));
    // A head that drips does not get more time.
    let mut server = Server::new();
    let start = server.now;
    for byte in b"GET / HTTP/1.1\r\nx: " {
        server.receive([*byte]);
        server.nothing();
        server.now += Duration::from_secs(1);
    }
    assert_eq!(server.machine.deadline(), Some(start + timeouts.head.unwrap()));
    // Half a body, and one that drips.
    for drip in [0, 100] {
        let mut server = Server::new();
        server.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n");
        server.request();
        server.nothing();
        server.receive(vec![b'x'; drip]);
        if drip > 0 {
            server.event();
            server.nothing();
        }
        assert_eq!(server.wait(), timeouts.body.unwrap());
        assert!(matches!(server.event(), Event::Reset { reason: Reason::Timeout, .. }));
        assert!(matches!(server.poll(), Err(Error::BodyTimeout)));
        assert!(server.sent().starts_with("HTTP/1.1 408 "));
    }
    // A body that keeps the pace, and one that the application does not take.
    let mut server = Server::with(Limits { window: 1000, ..Limits::default() });
    server.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n");
    server.request();
    server.nothing();
    server.receive(vec![b'x'; 300]);
    server.event();
    server.nothing();
    server.wait();
    server.receive(vec![b'x'; 700]);
    server.event();
    server.nothing();
    assert_eq!(server.machine.deadline(), None);
    // Idle between requests.
    let mut server = Server::new();
    server.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (stream, ..) = server.request();
    server.nothing();
    assert_eq!(server.machine.deadline(), None, "the application may take its time");
    server.respond(stream, 200, "").unwrap();
    server.sent();
    server.nothing();
    assert_eq!(server.wait(), timeouts.idle.unwrap());
    assert!(server.machine.is_finished());
    // A peer that does not read.
    let mut server = Server::new();
    server.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (stream, ..) = server.request();
    server.status(stream, 200, false).unwrap();
    server.nothing();
    assert_eq!(server.wait(), timeouts.write.unwrap());
    assert!(matches!(server.event(), Event::Reset { reason: Reason::Timeout, .. }));
    assert!(matches!(server.poll(), Err(Error::WriteTimeout)));
}

#[test]
fn shutting_down_finishes_what_runs() {
    let mut server = Server::new();
    server.receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    let (stream, ..) = server.request();
    server.machine.shut_down();
    assert!(!server.machine.is_finished());
    server.respond(stream, 200, "").unwrap();
    server.nothing();
    assert!(server.sent().contains("connection: close"));
    assert!(server.machine.is_finished());
    let mut idle = Server::new();
    idle.machine.shut_down();
    assert!(idle.machine.is_finished());
}

#[test]
fn a_reset_ends_the_connection_and_all_that_is_on_it() {
    let mut server = Server::with(Limits { in_flight: 2, ..Limits::default() });
    server.receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    let (first, ..) = server.request();
    let (second, ..) = server.request();
    server.status(first, 200, false).unwrap();
    server.machine.reset(first, Reason::Internal);
    assert!(matches!(server.event(), Event::Reset { stream, reason: Reason::Cancel } if stream == second));
    assert!(matches!(server.poll(), Err(Error::Reset)));
    assert!(!server.sent().contains("0\r\n\r\n"), "a broken body must not look complete");
}

#[test]
fn an_error_waits_for_older_responses() {
    let mut server = Server::with(Limits { in_flight: 4, ..Limits::default() });
    server.receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/9.9\r\n\r\n");
    let (stream, ..) = server.request();
    server.nothing();
    server.respond(stream, 200, "one").unwrap();
    assert!(matches!(server.poll(), Err(Error::Head(_))));
    let sent = server.sent();
    assert!(sent.starts_with("HTTP/1.1 200 OK") && sent.contains("HTTP/1.1 505 "), "{sent}");
}

#[test]
fn a_pipelining_flood_stays_in_the_drivers_buffer() {
    let mut server = Server::with(Limits { in_flight: 3, read_ahead: 1000, ..Limits::default() });
    for _ in 0..1000 {
        server.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for _ in 0..3 {
        server.request();
    }
    server.nothing();
    assert!(!server.machine.wants_input());
}

#[test]
fn what_an_application_sends_about_framing_and_persistence_is_settled_here() {
    let mut server = Server::new();
    server.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (stream, ..) = server.request();
    let mut head = ResponseHead::new(StatusCode::OK);
    for (name, value) in [
        ("transfer-encoding", "gzip"),
        ("connection", "close, x-hop"),
        ("keep-alive", "timeout=5"),
        ("content-length", "2"),
        ("content-length", "2"),
    ] {
        head.fields.push(name, value).unwrap();
    }
    server.machine.send_head(stream, Head::Response(head), false).unwrap();
    server.machine.send_data(stream, Bytes::from_static(b"ok"), true).unwrap();
    assert_eq!(
        server.sent(),
        "HTTP/1.1 200 OK\r\nconnection: x-hop\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
    );
    assert!(server.machine.is_finished());
}

#[test]
fn a_whole_message_at_once() {
    let message = |status: u16, length: Option<&str>, body: &'static str| {
        let mut head = ResponseHead::new(StatusCode::from_u16(status).unwrap());
        if let Some(length) = length {
            head.fields.push(FieldId::CONTENT_LENGTH, length).unwrap();
        }
        (head, Bytes::from_static(body.as_bytes()))
    };
    let mut server = Server::new();
    for (method, (head, body), expected) in [
        ("GET", message(200, None, "hello"), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"),
        ("GET", message(200, Some("5"), "hello"), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"),
        ("GET", message(200, None, ""), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        ("HEAD", message(200, None, "hello"), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
        ("HEAD", message(200, Some("9"), ""), "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"),
        ("GET", message(204, None, "hello"), "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", message(304, None, "hello"), "HTTP/1.1 304 Not Modified\r\n\r\n"),
        ("GET", message(304, Some("9"), ""), "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n"),
    ] {
        server.receive(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
        let (stream, ..) = server.request();
        server.machine.send_message(stream, head, body).unwrap();
        assert_eq!(server.sent(), expected);
    }
    server.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (stream, ..) = server.request();
    let (head, body) = message(200, Some("4"), "hello");
    assert_eq!(server.machine.send_message(stream, head, body), Err(SendError::BodyLength));
    assert_eq!(server.sent(), "");
}

#[test]
fn a_peer_that_leaves_inside_a_pipelined_request_gets_no_answer_in_an_older_ones_place() {
    for begun in [false, true] {
        let mut server = Server::with(Limits { in_flight: 2, ..Limits::default() });
        server.receive(
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
        );
        let (first, ..) = server.request();
        server.request();
        if begun {
            server.status(first, 200, false).unwrap();
        }
        server.sent();
        server.event();
        server.nothing();
        server.machine.input_closed(server.now);
        loop {
            match server.poll() {
                Ok(Some(Event::Reset { .. } | Event::Capacity { .. })) => {}
                Ok(other) => panic!("{other:?}"),
                Err(error) => break assert_eq!(error, Error::UnexpectedEnd),
            }
        }
        assert_eq!(server.sent(), "");
    }
}
