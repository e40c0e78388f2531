//! The machines with each other.

use bytes::Bytes;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::datagram::{
    Checksum, ClientEvent, Form, SendError, ServerEvent, ServerLimits, ServerOptions,
};

use crate::wire::{CHECKED, Client, EXTENDED, Server, ms};

/// All that waits goes to the other side, and no time passes.
fn exchange(client: &mut Client, server: &mut Server) {
    server.now = client.now;
    for datagram in client.sent() {
        server.receive(datagram);
    }
    while let Some(event) = server.event() {
        if let ServerEvent::Request { id, payload, .. } = event {
            server.machine.respond(server.now, id, payload).unwrap();
        }
    }
    for (_, datagram) in server.sent() {
        client.receive(datagram);
    }
}

#[test]
fn every_form_gets_through() {
    for form in [Form::Base, EXTENDED, CHECKED] {
        for heartbeat in [false, true] {
            let (mut client, mut server) = (Client::new(form), Server::new());
            let payload = Bytes::from_static(b"hello");
            let id = if heartbeat {
                client.machine.heartbeat(client.now, None).unwrap()
            } else {
                client.call(b"hello")
            };
            exchange(&mut client, &mut server);
            let expected = if heartbeat {
                ClientEvent::Alive { id, round_trip: ms(0) }
            } else {
                ClientEvent::Response { id, payload }
            };
            assert_eq!((client.event(), client.event()), (Some(expected), None));
        }
    }
}

#[test]
fn a_client_that_is_refused_knows_why() {
    let (mut client, mut server) = (Client::new(EXTENDED), Server::new());
    server.machine.shut_down();
    let id = client.call(b"hello");
    exchange(&mut client, &mut server);
    let text = "shutting down".to_string();
    assert_eq!(client.event(), Some(ClientEvent::Failed { id, code: ErrorCode::REFUSED, text }));

    let options = ServerOptions { checksum: Checksum::On, ..ServerOptions::default() };
    let (mut client, mut server) = (Client::new(Form::Base), Server::with(options));
    let id = client.call(b"hello");
    exchange(&mut client, &mut server);
    let Some(ClientEvent::Failed { id: failed, text, .. }) = client.event() else { panic!("no failure") };
    assert_eq!(failed, id);
    assert!(text.starts_with("the base form is not taken here"), "{text}");
}

#[test]
fn a_server_that_takes_less_says_so() {
    for form in [Form::Base, EXTENDED, CHECKED] {
        let limits = ServerLimits { datagram: 500, ..ServerLimits::default() };
        let (mut client, mut server) = (Client::new(form), Server::limited(limits));
        let id = client.machine.call(client.now, vec![0; 600].into(), None).unwrap();
        exchange(&mut client, &mut server);
        let Some(ClientEvent::Failed { id: failed, code, text }) = client.event() else {
            panic!("no failure")
        };
        assert_eq!(failed, id);
        assert!(text.ends_with("octets, the limit is 500"), "{text}");
        if form != Form::Base {
            assert_eq!(code, ErrorCode::FRAME_TOO_LONG);
        }
    }
}

#[test]
fn a_server_whose_answer_is_too_long_says_so() {
    let (mut client, mut server) = (Client::new(EXTENDED), Server::new());
    let id = client.call(b"hello");
    server.receive(client.sent_one());
    let (request, _) = server.request();
    let error = server.machine.respond(server.now, request, vec![0; 5000].into()).unwrap_err();
    assert!(matches!(error, SendError::TooLong { limit: 1200, .. }));
    server.machine.fail(server.now, request, ErrorCode::FRAME_TOO_LONG, &error.to_string());
    client.receive(server.sent_one());
    let text = "a datagram of 5015 octets is needed, the limit is 1200".to_string();
    assert_eq!(client.event(), Some(ClientEvent::Failed { id, code: ErrorCode::FRAME_TOO_LONG, text }));
}

#[test]
fn an_answer_that_was_lost_is_sent_again() {
    let (mut client, mut server) = (Client::new(CHECKED), Server::new());
    let id = client.call(b"hello");
    server.receive(client.sent_one());
    let (request, _) = server.request();
    server.respond(request, b"once");
    server.sent_one();
    client.wait();
    exchange(&mut client, &mut server);
    let payload = Bytes::from_static(b"once");
    assert_eq!(client.event(), Some(ClientEvent::Response { id, payload }));
    let stats = server.machine.stats();
    assert_eq!((stats.requests, stats.resent), (1, 1));
}

#[test]
fn a_client_that_gives_up_stops_the_server() {
    let (mut client, mut server) = (Client::new(CHECKED), Server::new());
    let cancelled = client.call(b"one");
    let timed_out = client.machine.call(client.now, Bytes::from_static(b"two"), Some(ms(100))).unwrap();
    for datagram in client.sent() {
        server.receive(datagram);
    }
    let (one, _) = server.request();
    let (two, _) = server.request();
    client.machine.cancel(client.now, cancelled);
    server.receive(client.sent_one());
    assert_eq!(server.event(), Some(ServerEvent::Cancelled { id: one }));
    client.wait();
    server.advance(ms(100));
    assert_eq!(server.event(), Some(ServerEvent::Cancelled { id: two }));
    assert_eq!(client.event(), Some(ClientEvent::TimedOut { id: timed_out, sends: 1 }));
}
