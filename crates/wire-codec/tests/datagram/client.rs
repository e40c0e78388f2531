//! Calls, heartbeats and messages, and what may answer them.

use bytes::Bytes;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::FrameType;
use wirelace_wire_codec::datagram::{ClientEvent, ClientOptions, DatagramClient, Form, SendError};
use wirelace_wire_codec::extended::Frame;

use crate::wire::{
    CHECKED, Client, EXTENDED, as_base, as_extended, base, encoded, extended, has_checksum, ms, response,
};

#[test]
fn a_call_of_the_base_form() {
    let mut client = Client::new(Form::Base);
    let id = client.call(b"hello");
    assert_eq!(as_base(&client.sent_one()), (FrameType::REQUEST, &b"hello"[..]));
    client.receive(base(FrameType::RESPONSE, b"hi"));
    assert_eq!(client.event(), Some(ClientEvent::Response { id, payload: Bytes::from_static(b"hi") }));
    assert!(client.machine.is_idle());
    assert_eq!((client.event(), client.machine.deadline()), (None, None));
}

#[test]
fn an_error_of_the_base_form_is_text() {
    let mut client = Client::new(Form::Base);
    let id = client.call(b"hello");
    client.sent();
    client.receive(base(FrameType::ERROR, "nö".as_bytes()));
    let text = "nö".to_string();
    assert_eq!(client.event(), Some(ClientEvent::Failed { id, code: ErrorCode::APPLICATION, text }));
}

#[test]
fn a_client_of_the_base_form_makes_one_call() {
    for cancel in [false, true] {
        let mut client = Client::new(Form::Base);
        let id = client.call(b"hello");
        if cancel {
            client.machine.cancel(client.now, id);
        } else {
            client.sent();
            client.receive(base(FrameType::RESPONSE, b"hi"));
            assert!(client.event().is_some());
        }
        assert_eq!(client.try_call(b"again"), Err(SendError::Full));
        assert_eq!(client.machine.heartbeat(client.now, None), Err(SendError::Full));
    }
}

#[test]
fn answers_of_the_base_form_fit_the_call() {
    let mut caller = Client::new(Form::Base);
    caller.call(b"hello");
    caller.sent();
    caller.receive(base(FrameType::HEARTBEAT, b""));
    let mut asker = Client::new(Form::Base);
    let id = asker.machine.heartbeat(asker.now, None).unwrap();
    assert_eq!(as_base(&asker.sent_one()), (FrameType::HEARTBEAT, &b""[..]));
    asker.receive(base(FrameType::RESPONSE, b""));
    for client in [&mut caller, &mut asker] {
        assert_eq!((client.event(), client.machine.stats().duplicates), (None, 1));
    }
    asker.now += ms(30);
    asker.receive(base(FrameType::HEARTBEAT, b"whatever"));
    assert_eq!(asker.event(), Some(ClientEvent::Alive { id, round_trip: ms(30) }));
}

#[test]
fn calls_of_the_extended_form_are_answered_in_any_order() {
    let mut client = Client::new(EXTENDED);
    let ids = [client.call(b"one"), client.call(b"two"), client.call(b"three")];
    let sent = client.sent();
    let (mut wire_ids, mut payloads) = (Vec::new(), Vec::new());
    for datagram in &sent {
        let Frame::Request { id, end: true, timeout: Some(10_000), payload } = as_extended(datagram) else {
            panic!("{datagram:?}")
        };
        assert!(!has_checksum(datagram));
        wire_ids.push(id);
        payloads.push(payload);
    }
    assert_eq!(payloads, [&b"one"[..], b"two", b"three"]);
    client.receive(response(wire_ids[2], b"3"));
    client.receive(extended(Frame::Error { id: wire_ids[0], code: ErrorCode(77), text: b"no" }));
    client.receive(response(wire_ids[1], b""));
    let response = |id, payload| Some(ClientEvent::Response { id, payload: Bytes::from_static(payload) });
    assert_eq!(client.event(), response(ids[2], b"3"));
    let failed = ClientEvent::Failed { id: ids[0], code: ErrorCode(77), text: "no".into() };
    assert_eq!(client.event(), Some(failed));
    assert_eq!(client.event(), response(ids[1], b""));
    assert_eq!((client.event(), client.machine.deadline()), (None, None));
    assert!(client.machine.is_idle());
}

#[test]
fn ids_start_at_random_and_count_up() {
    let first = |seed| {
        let mut client = DatagramClient::new(ClientOptions::default(), seed);
        let now = std::time::Instant::now();
        client.call(now, Bytes::new(), None).unwrap();
        client.call(now, Bytes::new(), None).unwrap();
        let ids = [client.poll_transmit(now).unwrap(), client.poll_transmit(now).unwrap()]
            .map(|datagram| as_extended(&datagram).id());
        assert_eq!(ids[1], ids[0] + 1);
        ids[0]
    };
    let firsts: std::collections::HashSet<u64> = (0..100).map(first).collect();
    assert_eq!(firsts.len(), 100);
    assert_eq!(first(5), first(5));
}

#[test]
fn late_second_and_unasked_answers_are_counted() {
    let mut client = Client::new(EXTENDED);
    let id = client.call(b"hello");
    let Frame::Request { id: wire_id, .. } = as_extended(&client.sent_one()) else { panic!("no request") };
    client.receive(response(wire_id ^ 1, b"of another"));
    client.receive(extended(Frame::Error { id: 0, code: ErrorCode::PROTOCOL, text: b"whatever" }));
    client.receive(extended(Frame::Ping { answer: true, payload: &wire_id.to_be_bytes() }));
    client.receive(extended(Frame::Ping { answer: true, payload: b"" }));
    assert_eq!((client.event(), client.machine.stats().duplicates), (None, 4));
    client.receive(response(wire_id, b"first"));
    client.receive(response(wire_id, b"second"));
    client.receive(extended(Frame::Error { id: wire_id, code: ErrorCode::NONE, text: b"" }));
    let payload = Bytes::from_static(b"first");
    assert_eq!(client.event(), Some(ClientEvent::Response { id, payload }));
    assert_eq!((client.event(), client.machine.stats().duplicates), (None, 6));
    assert_eq!(client.machine.stats().wrong, 0);
}

#[test]
fn an_answer_before_the_call_was_sent_is_none() {
    let mut client = Client::new(EXTENDED);
    let id = client.call(b"hello");
    client.receive(response(id.0, b"how would it know?"));
    assert_eq!((client.event(), client.machine.stats().duplicates), (None, 1));
    assert_eq!(client.sent().len(), 1);
}

#[test]
fn what_a_server_does_not_send_is_wrong() {
    let mut client = Client::new(EXTENDED);
    let id = client.call(b"hello").0;
    client.sent();
    let wrong: [Bytes; 12] = [
        Bytes::new(),
        Bytes::from_static(&[20]),
        Bytes::from_static(&[7; 20]),
        base(FrameType::RESPONSE, b"hi"),
        base(FrameType::ERROR, b"version 20 at offset 0, expected 10"),
        extended(Frame::Response { id, end: false, payload: b"hi" }),
        response(id, b"cut").slice(..10),
        [&response(id, b"long")[..], b"er"].concat().into(),
        response(id, &[0; 1200]),
        extended(Frame::Request { id, end: true, timeout: None, payload: b"" }),
        extended(Frame::Ping { answer: false, payload: b"" }),
        extended(Frame::Data { id, end: true, payload: b"" }),
    ];
    let count = wrong.len() as u64;
    for datagram in wrong {
        client.receive(datagram);
    }
    let stats = client.machine.stats();
    assert_eq!((stats.received, stats.wrong, stats.duplicates), (count, count, 0));
    assert_eq!((client.event(), client.sent().len(), stats.under_way), (None, 0, 1));
}

#[test]
fn with_checksums_answers_without_one_are_dropped() {
    let mut client = Client::new(CHECKED);
    let id = client.call(b"hello");
    let sent = client.sent_one();
    assert!(has_checksum(&sent));
    let Frame::Request { id: wire_id, payload: b"hello", .. } = as_extended(&sent) else {
        panic!("{sent:?}")
    };
    client.receive(response(wire_id, b"hi"));
    let right = encoded(Frame::Response { id: wire_id, end: true, payload: b"hi" }, true);
    for bit in 0..right.len() * 8 {
        let mut flipped = right.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        client.receive(flipped.into());
    }
    assert_eq!(client.machine.stats().wrong, 1 + right.len() as u64 * 8);
    client.receive(right);
    let payload = Bytes::from_static(b"hi");
    assert_eq!(client.event(), Some(ClientEvent::Response { id, payload }));
}

#[test]
fn without_checksums_an_answer_may_have_one() {
    let mut client = Client::new(EXTENDED);
    let id = client.call(b"hello").0;
    client.sent();
    client.receive(encoded(Frame::Response { id, end: true, payload: b"hi" }, true));
    assert!(matches!(client.event(), Some(ClientEvent::Response { payload, .. }) if payload == "hi"));
}

#[test]
fn heartbeats_of_the_extended_form() {
    let mut client = Client::new(CHECKED);
    let ids = [(); 2].map(|()| client.machine.heartbeat(client.now, None).unwrap());
    let sent = client.sent();
    client.now += ms(40);
    let longer = [&ids[0].0.to_be_bytes()[..], b"!"].concat();
    client.receive(encoded(Frame::Ping { answer: true, payload: &longer }, true));
    assert_eq!((client.event(), client.machine.stats().duplicates), (None, 1));
    for (datagram, id) in sent.iter().zip(ids).rev() {
        let Frame::Ping { answer: false, payload } = as_extended(datagram) else { panic!("{datagram:?}") };
        assert!(payload.len() == 8 && has_checksum(datagram));
        client.receive(encoded(Frame::Ping { answer: true, payload }, true));
        assert_eq!(client.event(), Some(ClientEvent::Alive { id, round_trip: ms(40) }));
    }
    assert_eq!(client.machine.stats().round_trip, Some(ms(40)));
}

#[test]
fn messages_go_out_once() {
    let mut client = Client::new(CHECKED);
    client.machine.send_message(client.now, Bytes::from_static(b"by the way")).unwrap();
    let sent = client.sent_one();
    assert!(matches!(as_extended(&sent), Frame::Message { payload: b"by the way" }) && has_checksum(&sent));
    assert_eq!((client.machine.deadline(), client.machine.is_idle()), (None, true));
    let mut client = Client::new(Form::Base);
    assert_eq!(client.machine.send_message(client.now, Bytes::new()), Err(SendError::Unsupported));
}

#[test]
fn a_cancelled_call_has_no_event() {
    let mut client = Client::new(CHECKED);
    let id = client.call(b"hello");
    client.sent();
    client.machine.cancel(client.now, id);
    let sent = client.sent_one();
    assert_eq!(as_extended(&sent), Frame::Cancel { id: id.0, code: ErrorCode::CANCELLED });
    assert!(has_checksum(&sent));
    client.receive(encoded(Frame::Response { id: id.0, end: true, payload: b"late" }, true));
    client.machine.cancel(client.now, id);
    client.now += ms(60_000);
    client.machine.on_deadline(client.now);
    assert_eq!((client.event(), client.sent().len(), client.machine.deadline()), (None, 0, None));
    assert!(client.machine.is_idle());

    // What the server never saw, or cannot cancel, needs no word.
    let id = client.call(b"hello");
    client.machine.cancel(client.now, id);
    let heartbeat = client.machine.heartbeat(client.now, None).unwrap();
    client.sent();
    client.machine.cancel(client.now, heartbeat);
    assert_eq!((client.sent().len(), client.event()), (0, None));

    let mut client = Client::new(Form::Base);
    let id = client.call(b"hello");
    client.sent();
    client.machine.cancel(client.now, id);
    client.receive(base(FrameType::RESPONSE, b"late"));
    assert_eq!((client.sent().len(), client.event(), client.machine.deadline()), (0, None, None));
}

#[test]
fn cancelling_what_is_over_leaves_its_event() {
    let mut client = Client::new(EXTENDED);
    let id = client.call(b"hello");
    client.sent();
    client.receive(response(id.0, b"hi"));
    client.machine.cancel(client.now, id);
    assert!(matches!(client.event(), Some(ClientEvent::Response { .. })));
    assert_eq!(client.sent().len(), 0);
}
