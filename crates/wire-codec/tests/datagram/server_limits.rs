//! What a server takes at most.

use std::time::Duration;

use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::FrameType;
use wirelace_wire_codec::datagram::{ServerEvent, ServerLimits};
use wirelace_wire_codec::extended::Frame;

use crate::wire::{Server, as_base_error, as_error, base, extended, ms, request};

#[test]
fn requests_are_bounded_in_total() {
    let mut server = Server::limited(ServerLimits { requests: 10, ..ServerLimits::default() });
    for from in 1..=10 {
        server.receive_from(from, request(1, b""));
    }
    for from in 11..1000 {
        server.receive_from(from, request(1, b""));
        server.receive_from(from, base(FrameType::REQUEST, b"hello"));
        let sent = server.sent();
        if server.machine.stats().dropped > 0 {
            assert!(sent.len() < 2);
            continue;
        }
        assert_eq!(as_error(&sent[0].1), (1, ErrorCode::REFUSED, "too many requests"));
        assert_eq!(as_base_error(&sent[1].1), "too many requests");
    }
    let stats = server.machine.stats();
    assert_eq!((stats.under_way, stats.addresses, stats.events), (10, 10, 10));
    // A refusal is kept like any answer, once for each of the extended form.
    assert_eq!((stats.kept, stats.resent), (500, 0));
    // Refusing has its limit, too.
    assert_eq!((stats.refused, stats.sent, stats.dropped), (989 * 2, 1000, 989 * 2 - 1000));
    let (id, _) = server.request();
    server.respond(id, b"");
    server.sent();
    // What was said to be refused stays so; what got no answer may be taken now.
    server.receive_from(11, request(1, b""));
    assert_eq!(as_error(&server.sent()[0].1), (1, ErrorCode::REFUSED, "too many requests"));
    assert_eq!(server.machine.stats().under_way, 9);
    server.receive_from(999, request(1, b""));
    assert_eq!(server.machine.stats().under_way, 10);
}

#[test]
fn requests_are_bounded_for_each_address() {
    let mut server = Server::limited(ServerLimits { requests_each: 2, ..ServerLimits::default() });
    server.receive(request(1, b""));
    server.receive(base(FrameType::REQUEST, b""));
    assert_eq!(server.sent().len(), 0);
    let answer = server.answer(request(3, b"")).unwrap();
    assert_eq!(as_error(&answer), (3, ErrorCode::REFUSED, "too many requests"));
    // Others, and repeats, are not hindered.
    server.receive_from(2, request(3, b""));
    server.receive(request(1, b""));
    assert_eq!((server.sent().len(), server.machine.stats().repeats), (0, 1));
    let (id, _) = server.request();
    server.respond(id, b"");
    server.sent_one();
    assert_eq!(server.answer(request(4, b"")), None);
    assert_eq!((server.machine.stats().under_way, server.machine.stats().refused), (3, 1));
}

#[test]
fn limits_of_none_count_as_one() {
    let limits = ServerLimits { requests: 0, requests_each: 0, datagram: 0, ..ServerLimits::default() };
    let mut server = Server::limited(limits);
    assert_eq!(server.answer(request(1, &[0; 56])), None);
    assert_eq!(as_error(&server.answer(request(2, b"")).unwrap()).1, ErrorCode::REFUSED);
    assert_eq!(as_error(&server.answer(request(2, &[0; 57])).unwrap()).1, ErrorCode::FRAME_TOO_LONG);
    server.request();
}

#[test]
fn cancelled_requests_count_until_that_is_taken() {
    let mut server = Server::limited(ServerLimits { requests: 10, ..ServerLimits::default() });
    for id in 1..=10_000 {
        server.receive(request(id, b""));
        server.receive(extended(Frame::Cancel { id, code: ErrorCode::CANCELLED }));
        server.sent();
    }
    let stats = server.machine.stats();
    assert_eq!((stats.under_way, stats.events, stats.cancelled), (0, 20, 10));
    assert_eq!(server.event(), None);
    server.receive(request(20_000, b""));
    server.request();
}

#[test]
fn messages_that_wait_are_bounded() {
    let mut server = Server::limited(ServerLimits { messages: 100, ..ServerLimits::default() });
    for _ in 0..10_000 {
        server.receive(extended(Frame::Message { payload: &[0; 1000] }));
    }
    let stats = server.machine.stats();
    assert_eq!((stats.events, stats.messages, stats.dropped), (100, 100, 9_900));
    assert!(matches!(server.event(), Some(ServerEvent::Message { .. })));
    server.receive(extended(Frame::Message { payload: b"" }));
    assert_eq!((server.machine.stats().events, server.sent().len()), (100, 0));
}

#[test]
fn what_waits_to_be_sent_stops_the_reading() {
    let limits = ServerLimits { output: 10_000, control: (u32::MAX, u32::MAX), ..ServerLimits::default() };
    let mut server = Server::limited(limits);
    server.receive(request(1, b""));
    let (first, _) = server.request();
    server.machine.respond(server.now, first, vec![0; 1192].into()).unwrap();
    for from in 10..20 {
        server.receive_from(from, request(2, b""));
    }
    // Small requests for a large answer, again and again.
    for _ in 0..1000 {
        server.receive(request(1, b""));
        server.receive(base(FrameType::HEARTBEAT, &[0; 1000]));
    }
    assert!(!server.machine.wants_input());
    let output = server.machine.stats().output;
    assert!((10_000..=11_200).contains(&output), "{output}");
    assert!(server.machine.stats().dropped > 1900);
    // What the application answers is bounded by what was under way.
    while let Some(ServerEvent::Request { id, .. }) = server.event() {
        server.machine.respond(server.now, id, vec![0; 1192].into()).unwrap();
    }
    assert_eq!(server.machine.stats().output, output + 12_000);
    server.receive(request(3, b""));
    assert_eq!(server.event(), None);
    while !server.machine.wants_input() {
        assert!(server.machine.poll_transmit(server.now).is_some());
    }
    assert!(server.machine.stats().output <= 10_000);
    server.receive(request(3, b""));
    server.request();
    server.sent();
    assert_eq!(server.machine.stats().output, 0);
}

#[test]
fn answers_to_what_is_no_request_have_a_budget() {
    let flood: [&[u8]; 5] = [
        &base(FrameType::HEARTBEAT, b"hello"),
        &extended(Frame::Ping { answer: false, payload: b"hello" }),
        b"GET / HTTP/1.1\r\n\r\n",
        &base(FrameType::RESPONSE, b""),
        &extended(Frame::Data { id: 1, end: true, payload: b"" }),
    ];
    for datagram in flood {
        let mut server = Server::limited(ServerLimits { control: (50, 10), ..ServerLimits::default() });
        for from in 0..1000 {
            server.receive_from(from, datagram.to_vec().into());
        }
        assert_eq!((server.sent().len(), server.machine.stats().dropped), (50, 950));
        server.advance(Duration::from_secs(1));
        for from in 0..1000 {
            server.receive_from(from, datagram.to_vec().into());
        }
        assert_eq!(server.sent().len(), 10);
        // Requests are none of its business.
        server.receive(request(1, b""));
        let (id, _) = server.request();
        server.respond(id, b"hi");
        server.sent_one();
        server.advance(ms(30_000));
        server.is_empty();
    }
}

#[test]
fn heartbeats_of_the_base_form_are_bounded_for_each_address() {
    let heartbeat = base(FrameType::HEARTBEAT, b"hello");
    let mut server = Server::new();
    for _ in 0..100 {
        server.receive(heartbeat.clone());
    }
    assert_eq!((server.sent().len(), server.machine.stats().dropped), (16, 84));
    server.advance(Duration::from_secs(1));
    for _ in 0..100 {
        server.receive(heartbeat.clone());
    }
    assert_eq!(server.sent().len(), 2);
    // Their answers can be told from them.
    for _ in 0..100 {
        server.receive(extended(Frame::Ping { answer: false, payload: b"hello" }));
    }
    assert_eq!(server.sent().len(), 100);
    for from in 1000..1100 {
        server.receive_from(from, heartbeat.clone());
    }
    // Some may share a place with the first, but not many.
    assert!(server.sent().len() > 90);
}

#[test]
fn two_servers_do_not_answer_each_other_for_ever() {
    let (mut one, mut other) = (Server::new(), Server::new());
    // An attacker forges the address, once.
    one.receive(base(FrameType::HEARTBEAT, b"hello"));
    let mut turns = 0;
    while let Some((_, datagram)) = one.sent().pop() {
        other.receive(datagram);
        for (_, datagram) in other.sent() {
            one.receive(datagram);
        }
        one.advance(ms(10));
        other.advance(ms(10));
        turns += 1;
        assert!(turns < 20);
    }
}
