//! Requests, answers, heartbeats, messages, cancellations and deadlines at a server.

use bytes::Bytes;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::FrameType;
use wirelace_wire_codec::datagram::{RequestId, SendError, ServerEvent};
use wirelace_wire_codec::extended::Frame;

use crate::wire::{
    Server, as_base, as_base_error, as_error, as_extended, base, encoded, extended, has_checksum, ms, request,
};

#[test]
fn both_forms_are_answered_as_they_ask() {
    let mut server = Server::new();
    server.receive_from(1, base(FrameType::REQUEST, b"one"));
    server.receive_from(2, request(7, b"two"));
    let timeout = Some(1500);
    let third = Frame::Request { id: (1 << 62) - 1, end: true, timeout, payload: &b"three"[..] };
    server.receive_from(3, encoded(third, true));
    let mut ids = Vec::new();
    for (address, expected, wait) in [(1, "one", None), (2, "two", None), (3, "three", Some(ms(1500)))] {
        let Some(ServerEvent::Request { id, from, payload, timeout }) = server.event() else {
            panic!("no request")
        };
        assert_eq!((from, payload, timeout), (address, Bytes::from(expected), wait));
        ids.push(id);
    }
    assert_eq!(server.event(), None);
    assert_eq!((server.machine.stats().under_way, server.machine.stats().addresses), (3, 3));
    server.respond(ids[2], b"3");
    server.respond(ids[1], b"2");
    server.respond(ids[0], b"1");
    let sent = server.sent();
    assert_eq!(sent.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [3, 2, 1]);
    let third = Frame::Response { id: (1 << 62) - 1, end: true, payload: &b"3"[..] };
    assert_eq!((as_extended(&sent[0].1), has_checksum(&sent[0].1)), (third, true));
    let second = Frame::Response { id: 7, end: true, payload: &b"2"[..] };
    assert_eq!((as_extended(&sent[1].1), has_checksum(&sent[1].1)), (second, false));
    assert_eq!(as_base(&sent[2].1), (FrameType::RESPONSE, &b"1"[..]));
    assert!(server.machine.is_idle());
    server.advance(ms(30_000));
    server.is_empty();
}

#[test]
fn failures_say_why() {
    let mut server = Server::new();
    server.receive(base(FrameType::REQUEST, b"one"));
    let (id, _) = server.request();
    server.machine.fail(server.now, id, ErrorCode(99), "nö");
    assert_eq!(as_base_error(&server.sent_one()), "nö");
    for checksum in [false, true] {
        let id = 5 + u64::from(checksum);
        server.receive(encoded(Frame::Request { id, end: true, timeout: None, payload: b"" }, checksum));
        let (request, _) = server.request();
        server.machine.fail(server.now, request, ErrorCode(99), "nö");
        let sent = server.sent_one();
        assert_eq!((as_error(&sent), has_checksum(&sent)), ((id, ErrorCode(99), "nö"), checksum));
    }
}

#[test]
fn the_text_of_a_failure_is_cut_to_a_datagram() {
    let mut server = Server::new();
    server.receive(base(FrameType::REQUEST, b""));
    server.receive(request(1, b""));
    let text = "ä".repeat(1000);
    for code in [ErrorCode(1), ErrorCode(u64::MAX)] {
        let (id, _) = server.request();
        server.machine.fail(server.now, id, code, &text);
    }
    let sent = server.sent();
    assert_eq!(as_base_error(&sent[0].1), "ä".repeat(597));
    assert_eq!(sent[0].1.len(), 1200);
    // The largest number that can be written.
    assert_eq!(as_error(&sent[1].1), (1, ErrorCode((1 << 62) - 1), &*"ä".repeat(592)));
    assert_eq!(sent[1].1.len(), 1200);
}

#[test]
fn an_answer_that_does_not_fit_leaves_the_request_open() {
    let mut server = Server::new();
    for (datagram, head) in [(base(FrameType::REQUEST, b""), 6), (request(1, b""), 8)] {
        server.receive(datagram);
        let (id, _) = server.request();
        let error = server.machine.respond(server.now, id, vec![0; 1201 - head].into());
        assert_eq!(error, Err(SendError::TooLong { length: 1201, limit: 1200 }));
        assert_eq!((server.sent().len(), server.machine.stats().under_way), (0, 1));
        server.machine.respond(server.now, id, vec![0; 1200 - head].into()).unwrap();
        assert_eq!(server.sent_one().len(), 1200);
        assert_eq!(server.machine.stats().under_way, 0);
    }
}

#[test]
fn a_request_is_answered_once() {
    let mut server = Server::new();
    server.receive(request(1, b""));
    // Not one that the application knows of.
    server.respond(RequestId(1), b"");
    server.machine.fail(server.now, RequestId(99), ErrorCode::APPLICATION, "");
    assert_eq!(server.sent().len(), 0);
    let (id, _) = server.request();
    server.respond(id, b"first");
    server.respond(id, b"second");
    server.machine.fail(server.now, id, ErrorCode::APPLICATION, "third");
    assert!(matches!(as_extended(&server.sent_one()), Frame::Response { payload: b"first", .. }));
}

#[test]
fn heartbeats_come_back() {
    let mut server = Server::new();
    for payload in [&b""[..], b"hello", &[7; 1194]] {
        let heartbeat = base(FrameType::HEARTBEAT, payload);
        assert_eq!(server.answer(heartbeat.clone()), Some(heartbeat));
    }
    for checksum in [false, true] {
        let answer =
            server.answer(encoded(Frame::Ping { answer: false, payload: b"12345678" }, checksum)).unwrap();
        assert_eq!(as_extended(&answer), Frame::Ping { answer: true, payload: &b"12345678"[..] });
        assert_eq!(has_checksum(&answer), checksum);
    }
    assert_eq!(server.answer(extended(Frame::Ping { answer: true, payload: b"" })), None);
    assert_eq!(server.event(), None);
    server.is_empty();
}

#[test]
fn messages_are_handed_on() {
    let mut server = Server::new();
    let message = extended(Frame::Message { payload: b"by the way" });
    for _ in 0..2 {
        assert_eq!(server.answer(message.clone()), None);
        let payload = Bytes::from_static(b"by the way");
        assert_eq!(server.event(), Some(ServerEvent::Message { from: 1, payload }));
    }
    server.is_empty();
}

#[test]
fn a_cancelled_request_is_not_started_again() {
    let mut server = Server::new();
    let cancel = extended(Frame::Cancel { id: 7, code: ErrorCode::CANCELLED });
    server.receive(request(7, b"hello"));
    let (id, _) = server.request();
    server.receive_from(2, cancel.clone());
    assert_eq!(server.event(), None);
    server.receive(cancel.clone());
    server.receive(cancel.clone());
    assert_eq!(server.event(), Some(ServerEvent::Cancelled { id }));
    assert_eq!((server.event(), server.machine.stats().cancelled), (None, 1));
    server.respond(id, b"late");
    assert_eq!(server.sent().len(), 0);
    let answer = server.answer(request(7, b"hello")).unwrap();
    assert_eq!(as_error(&answer), (7, ErrorCode::CANCELLED, ""));
    assert_eq!(server.event(), None);
    server.advance(ms(30_000));
    server.is_empty();
}

#[test]
fn a_request_that_nobody_heard_of_is_cancelled_without_a_word() {
    let mut server = Server::new();
    server.receive(request(7, b"hello"));
    server.receive(extended(Frame::Cancel { id: 7, code: ErrorCode::CANCELLED }));
    server.receive(extended(Frame::Message { payload: b"still here" }));
    assert!(matches!(server.event(), Some(ServerEvent::Message { .. })));
    assert_eq!(server.event(), None);
    server.advance(ms(30_000));
    server.is_empty();
}

#[test]
fn a_request_whose_time_is_over_is_cancelled_once() {
    let mut server = Server::new();
    let timed = |timeout| extended(Frame::Request { id: 7, end: true, timeout, payload: b"hello" });
    server.receive(timed(Some(500)));
    let (id, _) = server.request();
    assert_eq!(server.machine.deadline(), Some(server.now + ms(500)));
    // A repeat with less time left is a repeat.
    server.receive(timed(Some(100)));
    assert_eq!((server.event(), server.machine.stats().repeats), (None, 1));
    server.advance(ms(499));
    assert_eq!(server.event(), None);
    // Also when the driver's timer comes late.
    server.now += ms(1);
    server.respond(id, b"late");
    server.machine.fail(server.now, id, ErrorCode::APPLICATION, "later");
    assert_eq!(server.sent().len(), 0);
    assert_eq!(server.event(), Some(ServerEvent::Cancelled { id }));
    assert_eq!((server.event(), server.machine.stats().cancelled), (None, 1));
    // A repeat that was long on its way does not start it again.
    let answer = server.answer(timed(Some(100))).unwrap();
    assert_eq!((as_error(&answer), server.event()), ((7, ErrorCode::DEADLINE, ""), None));
    server.advance(ms(30_000));
    server.is_empty();
}

#[test]
fn an_answer_in_time_needs_no_deadline_any_more() {
    let mut server = Server::new();
    server.receive(extended(Frame::Request { id: 7, end: true, timeout: Some(500), payload: b"" }));
    let (id, _) = server.request();
    server.respond(id, b"");
    server.advance(ms(500));
    assert_eq!((server.event(), server.machine.stats().cancelled), (None, 0));
    // For the kept answer, and not at each one's very moment.
    let deadline = server.machine.deadline().unwrap();
    assert!((ms(29_500)..ms(35_000)).contains(&(deadline - server.now)));
    server.receive(extended(Frame::Request { id: 8, end: true, timeout: Some(1 << 61), payload: b"" }));
    server.receive(extended(Frame::Request { id: 9, end: true, timeout: Some(0), payload: b"" }));
    assert_eq!(server.machine.stats().under_way, 2);
    server.advance(ms(0));
    assert_eq!(server.machine.stats().under_way, 1);
}

#[test]
fn shutting_down_finishes_what_runs() {
    let mut server = Server::new();
    server.receive(request(1, b""));
    server.receive(base(FrameType::REQUEST, b"one"));
    server.machine.shut_down();
    assert!(!server.machine.is_idle());
    let answer = server.answer(request(2, b"")).unwrap();
    assert_eq!(as_error(&answer), (2, ErrorCode::REFUSED, "shutting down"));
    let answer = server.answer(base(FrameType::REQUEST, b"two")).unwrap();
    assert_eq!(as_base_error(&answer), "shutting down");
    assert_eq!(server.answer(extended(Frame::Message { payload: b"" })), None);
    assert_eq!(server.answer(base(FrameType::HEARTBEAT, b"")), Some(base(FrameType::HEARTBEAT, b"")));
    for _ in 0..2 {
        let (id, _) = server.request();
        server.respond(id, b"done");
    }
    assert_eq!((server.event(), server.sent().len()), (None, 2));
    assert!(server.machine.is_idle());
    // Who has not got the answer can still have it.
    let again = server.answer(request(1, b"")).unwrap();
    assert!(matches!(as_extended(&again), Frame::Response { id: 1, payload: b"done", .. }));
    let stats = server.machine.stats();
    assert_eq!((stats.refused, stats.dropped, stats.requests), (2, 1, 2));
}

#[test]
fn a_server_is_idle_when_nobody_has_anything_to_do() {
    let mut server = Server::new();
    assert!(server.machine.is_idle());
    server.receive(extended(Frame::Message { payload: b"" }));
    assert!(!server.machine.is_idle());
    server.event();
    assert!(server.machine.is_idle());
    server.receive(request(1, b""));
    let (id, _) = server.request();
    assert!(!server.machine.is_idle());
    server.respond(id, b"");
    assert!(!server.machine.is_idle());
    server.sent_one();
    assert!(server.machine.is_idle());
}

#[test]
fn a_request_that_waited_says_how_much_time_is_left() {
    let mut server = Server::new();
    for id in [7, 8] {
        let timeout = Some(u64::from(id == 7) * 400 + 100);
        server.receive(extended(Frame::Request { id, end: true, timeout, payload: b"" }));
    }
    server.now += ms(200);
    assert!(matches!(server.event(), Some(ServerEvent::Request { timeout, .. }) if timeout == Some(ms(300))));
    // Nobody need hear of the other.
    assert_eq!((server.event(), server.machine.stats().cancelled), (None, 1));
}
