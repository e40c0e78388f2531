//! Requests that come more than once.

use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::FrameType;
use wirelace_wire_codec::datagram::{ServerLimits, ServerOptions};
use wirelace_wire_codec::extended::Frame;

use crate::wire::{Server, as_base, as_error, as_extended, base, extended, ms, request};

#[test]
fn a_repeat_of_what_is_under_way_is_ignored() {
    let mut server = Server::new();
    for datagram in [base(FrameType::REQUEST, b"hello"), request(7, b"hello")] {
        server.receive(datagram.clone());
        server.receive(datagram.clone());
        let (id, _) = server.request();
        server.receive(datagram);
        assert_eq!((server.event(), server.sent().len()), (None, 0));
        server.respond(id, b"hi");
        server.sent_one();
    }
    assert_eq!((server.machine.stats().repeats, server.machine.stats().requests), (4, 2));
}

#[test]
fn a_repeat_of_what_was_answered_gets_the_same_answer() {
    let mut server = Server::new();
    server.receive(request(7, b"hello"));
    server.receive(request(8, b"hello"));
    let (first, _) = server.request();
    let (second, _) = server.request();
    server.respond(first, b"hi");
    server.machine.fail(server.now, second, ErrorCode(77), "no");
    let sent = server.sent();
    for round in 1..=3 {
        server.advance(ms(9_000));
        for id in [7, 8] {
            let answer = server.answer(request(id, b"hello")).unwrap();
            assert_eq!(answer, sent[id as usize - 7].1);
        }
        assert_eq!((server.event(), server.machine.stats().resent), (None, 2 * round));
    }
    // The answers have been kept for so long as they should.
    server.now += ms(3_000);
    server.receive(request(7, b"hello"));
    let (third, _) = server.request();
    assert!(third != first && third != second);
    assert_eq!(server.machine.stats().kept, 0);
}

#[test]
fn the_base_form_cannot_tell_a_repeat_from_a_new_request() {
    let mut server = Server::new();
    for answer in [&b"one"[..], b"two"] {
        server.receive(base(FrameType::REQUEST, b"hello"));
        let (id, _) = server.request();
        server.respond(id, answer);
        assert_eq!(as_base(&server.sent_one()), (FrameType::RESPONSE, answer));
        assert_eq!(server.machine.stats().kept, 0);
    }
    // Another payload, or another address: another request.
    server.receive(base(FrameType::REQUEST, b"one"));
    server.receive(base(FrameType::REQUEST, b"two"));
    server.receive_from(2, base(FrameType::REQUEST, b"two"));
    assert_eq!((server.machine.stats().under_way, server.machine.stats().repeats), (3, 0));
}

#[test]
fn the_same_id_from_another_address_is_another_request() {
    let mut server = Server::new();
    for from in [1, 2] {
        server.receive_from(from, request(7, b"hello"));
        let (id, _) = server.request();
        server.respond(id, if from == 1 { b"one" } else { b"two" });
    }
    server.sent();
    server.receive_from(2, request(7, b"hello"));
    let sent = server.sent();
    assert_eq!((sent.len(), sent[0].0), (1, 2));
    assert!(matches!(as_extended(&sent[0].1), Frame::Response { payload: b"two", .. }));
}

#[test]
fn an_id_is_not_used_for_another_request() {
    let mut server = Server::new();
    let error = (7, ErrorCode::PROTOCOL, "id reused for another request");
    server.receive(request(7, b"hello"));
    let answer = server.answer(request(7, b"hullo")).unwrap();
    assert_eq!(as_error(&answer), error);
    let (id, payload) = server.request();
    assert_eq!((payload, server.event()), ("hello".into(), None));
    server.respond(id, b"hi");
    server.sent_one();
    for other in [&b"hell"[..], b"hello\0", b""] {
        let answer = server.answer(request(7, other)).unwrap();
        assert_eq!(as_error(&answer), error);
    }
    // The one that was first is not harmed.
    let answer = server.answer(request(7, b"hello")).unwrap();
    assert!(matches!(as_extended(&answer), Frame::Response { id: 7, payload: b"hi", .. }));
    assert_eq!((server.machine.stats().reused, server.machine.stats().requests), (4, 1));
}

/// A server that has answered requests 1 to `count`, each in as many datagrams of 100 octets.
fn answered(limits: ServerLimits, count: u64) -> Server {
    let mut server = Server::limited(limits);
    for id in 1..=count {
        server.receive(request(id, b""));
        let (request, _) = server.request();
        let head = if id < 64 { 8 } else { 9 };
        server.machine.respond(server.now, request, vec![0; 100 - head].into()).unwrap();
        assert_eq!(server.sent_one().len(), 100);
    }
    server
}

#[test]
fn kept_answers_are_bounded_by_their_number() {
    let mut server = answered(ServerLimits { cached: 10, ..ServerLimits::default() }, 1000);
    assert_eq!((server.machine.stats().kept, server.machine.stats().kept_octets), (10, 1000));
    assert!(server.answer(request(991, b"")).is_some());
    assert_eq!((server.machine.stats().resent, server.event()), (1, None));
    // The oldest is gone, and its request starts again.
    server.receive(request(990, b""));
    server.request();
}

#[test]
fn kept_answers_are_bounded_by_their_octets() {
    let mut server = answered(ServerLimits { cached_octets: 1050, ..ServerLimits::default() }, 1000);
    assert_eq!((server.machine.stats().kept, server.machine.stats().kept_octets), (10, 1000));
    assert!(server.answer(request(991, b"")).is_some());
    server.receive(request(990, b""));
    server.request();
}

#[test]
fn kept_answers_are_bounded_by_time() {
    let mut server = answered(ServerLimits::default(), 50);
    server.advance(ms(20_000));
    server.receive(request(51, b""));
    let (id, _) = server.request();
    server.respond(id, b"");
    server.sent_one();
    assert_eq!(server.machine.stats().kept, 51);
    server.advance(ms(9_999));
    assert_eq!(server.machine.stats().kept, 51);
    server.advance(ms(1));
    assert_eq!((server.machine.stats().kept, server.machine.stats().kept_octets), (1, 8));
    // Nobody else need know the time.
    while let Some(at) = server.machine.deadline() {
        server.now = at;
        server.machine.on_deadline(at);
    }
    server.is_empty();
}

#[test]
fn nothing_is_kept_where_nothing_shall_be() {
    let zero = ServerLimits { cached: 0, ..ServerLimits::default() };
    let none = ServerLimits { cached_octets: 0, ..ServerLimits::default() };
    for limits in [zero, none] {
        let mut server = answered(limits, 5);
        assert_eq!((server.machine.stats().kept, server.machine.deadline()), (0, None));
        server.receive(request(5, b""));
        server.request();
    }
    let mut server = Server::with(ServerOptions { keep: ms(0), ..ServerOptions::default() });
    server.receive(extended(Frame::Request { id: 1, end: true, timeout: Some(10), payload: b"" }));
    server.request();
    server.advance(ms(10));
    assert_eq!((server.machine.stats().kept, server.machine.deadline()), (0, None));
    let options = ServerOptions { keep: std::time::Duration::MAX, ..ServerOptions::default() };
    let mut server = Server::with(options);
    server.receive(request(1, b""));
    let (id, _) = server.request();
    server.respond(id, b"");
    server.advance(ms(1_000_000_000));
    assert_eq!(server.machine.stats().kept, 1);
}

#[test]
fn what_was_refused_is_not_processed_later() {
    let mut server = Server::limited(ServerLimits { requests: 1, ..ServerLimits::default() });
    server.receive(request(1, b"one"));
    let (id, _) = server.request();
    let refusal = server.answer(request(2, b"two")).unwrap();
    assert_eq!(as_error(&refusal), (2, ErrorCode::REFUSED, "too many requests"));
    server.respond(id, b"");
    server.sent_one();
    // A copy of it that took longer: the client has been told that it may ask again, with another id.
    assert_eq!(server.answer(request(2, b"two")), Some(refusal));
    assert_eq!((server.event(), server.machine.stats().under_way), (None, 0));
    assert_eq!(server.answer(request(3, b"two")), None);
    server.request();
}
