//! The extended form.

use bytes::Bytes;
use wirelace_wire::Machine as _;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::FrameType;
use wirelace_wire_codec::extended::{Frame, Role, Settings};
use wirelace_wire_codec::session::{Error, Event, ExchangeId, Limits, Options, SendError};

use crate::peer::{Peer, frames, hello};

#[test]
fn without_credit_nothing_is_sent_and_nothing_is_kept() {
    let mut peer = Peer::acceptor(Options::default());
    let none = Settings { exchange_window: 0, connection_window: 10, ..Settings::default() };
    peer.base(FrameType::HEARTBEAT, &hello(Role::Initiator, none));
    assert!(matches!(peer.event(), Event::Ready { .. }));
    peer.request(1, true, b"");
    assert!(matches!(peer.event(), Event::Request { .. }));
    peer.sent();
    let id = ExchangeId(1);
    assert_eq!(peer.session.capacity(id), 0);
    assert_eq!(peer.session.respond(id, Bytes::from_static(b"x"), true), Err(SendError::Full));
    peer.nothing();
    assert!(peer.session.output().is_empty());
    peer.frame(Frame::Credit { id: 1, bytes: 100 });
    assert_eq!(peer.event(), Event::Capacity { id });
    assert_eq!(peer.session.capacity(id), 10);
    peer.session.respond(id, Bytes::from_static(b"0123456789"), false).unwrap();
    assert_eq!(peer.session.capacity(id), 0);
    // The end needs none.
    peer.session.send_data(id, Bytes::new(), true).unwrap();
    assert_eq!(peer.session.stats().under_way, 0);
}

#[test]
fn goaway_lets_what_runs_finish() {
    let mut peer = Peer::extended(Limits::default());
    peer.request(1, true, b"");
    assert!(matches!(peer.event(), Event::Request { .. }));
    peer.session.shut_down(peer.now);
    let sent = peer.sent_extended();
    assert!(matches!(&sent[..], [Frame::GoAway { last: 1, .. }]), "{sent:?}");
    peer.request(3, true, &[0; 100]);
    peer.nothing();
    assert!(!peer.session.is_finished());
    peer.session.respond(ExchangeId(1), Bytes::new(), true).unwrap();
    peer.nothing();
    assert!(peer.session.is_finished());

    let mut peer = Peer::extended(Limits::default());
    let ids: Vec<_> =
        (0..2).map(|_| peer.session.send_request(peer.now, Bytes::new(), true, None).unwrap()).collect();
    peer.frame(Frame::GoAway { last: 2, code: ErrorCode::SHUTTING_DOWN, text: b"" });
    assert!(matches!(peer.event(), Event::Failed { id, code: ErrorCode::REFUSED, .. } if id == ids[1]));
    assert!(matches!(peer.event(), Event::GoAway { .. }));
    let refused = peer.session.send_request(peer.now, Bytes::new(), true, None);
    assert_eq!(refused, Err(SendError::ShuttingDown));
    peer.frame(Frame::Response { id: 2, end: true, payload: b"ok" });
    assert!(matches!(peer.event(), Event::Response { id, .. } if id == ids[0]));
}

#[test]
fn credit_comes_back_once() {
    let limits = Limits { exchange_window: 100, connection_window: 150, ..Limits::default() };
    let mut peer = Peer::extended(limits);
    peer.request(1, false, &[0; 100]);
    assert!(matches!(peer.event(), Event::Request { .. }));
    let id = ExchangeId(1);
    peer.session.consumed(id, 40);
    assert_eq!((peer.session.stats().held, peer.session.stats().window), (60, 50));
    assert!(peer.session.output().is_empty());
    // The rest counts as taken when the exchange is over, and not again when the application gets to it.
    peer.session.respond(id, Bytes::new(), true).unwrap();
    peer.session.consumed(id, 60);
    assert_eq!((peer.session.stats().held, peer.session.stats().window), (0, 150));
    let sent = peer.sent_extended();
    assert!(matches!(&sent[..], [Frame::Response { .. }, Frame::Credit { id: 0, bytes: 100 }]), "{sent:?}");
    // What comes too late is given back at once.
    peer.frame(Frame::Data { id: 1, end: true, payload: &[0; 80] });
    peer.nothing();
    assert_eq!(peer.session.stats().window, 150);
    assert!(matches!(&peer.sent_extended()[..], [Frame::Credit { id: 0, bytes: 80 }]));
}

#[test]
fn parts_keep_to_the_frame_size_of_the_peer() {
    let mut peer = Peer::acceptor(Options::default());
    let small = Settings { max_frame: 1024, exchange_window: 1 << 20, ..Settings::default() };
    peer.base(FrameType::HEARTBEAT, &hello(Role::Initiator, small));
    assert!(matches!(peer.event(), Event::Ready { .. }));
    for id in [1, 3] {
        peer.request(id, true, b"");
        assert!(matches!(peer.event(), Event::Request { .. }));
    }
    peer.sent();
    peer.session.respond(ExchangeId(1), Bytes::from(vec![7; 10_000]), true).unwrap();
    let text = "\u{e9}".repeat(5000);
    peer.session.respond_error(ExchangeId(3), ErrorCode::APPLICATION, &text).unwrap();
    let octets = peer.sent();
    let mut rest = &octets[..];
    while let Some(header) = wirelace_wire_codec::base::Header::decode(rest) {
        assert!(header.length <= 1024, "{header:?}");
        rest = &rest[6 + header.length as usize..];
    }
    let frames = frames(&octets);
    let octets: usize = frames
        .iter()
        .map(|frame| match frame {
            Frame::Response { payload, .. } | Frame::Data { payload, .. } => payload.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(octets, 10_000);
    assert_eq!(frames.iter().filter(|frame| matches!(frame, Frame::Data { end: true, .. })).count(), 1);
}

#[test]
fn a_request_without_payload_waits_for_a_place_and_for_no_credit() {
    let mut peer = Peer::acceptor(Options::default());
    let settings = Settings { exchanges: 1, connection_window: 0, exchange_window: 0, ..Settings::default() };
    peer.base(FrameType::HEARTBEAT, &hello(Role::Initiator, settings));
    assert!(matches!(peer.event(), Event::Ready { .. }));
    let first = peer.session.send_request(peer.now, Bytes::new(), true, None).unwrap();
    let second = peer.session.send_request(peer.now, Bytes::new(), false, None);
    assert_eq!(second, Err(SendError::Full));
    peer.sent();
    peer.frame(Frame::Response { id: first.0, end: true, payload: b"" });
    let events = [peer.event(), peer.event()];
    assert!(events.contains(&Event::RequestCapacity), "{events:?}");
    peer.session.send_request(peer.now, Bytes::new(), false, None).unwrap();
}

#[test]
fn after_a_cancellation_nothing_is_heard_of_the_exchange() {
    let mut peer = Peer::extended(Limits::default());
    let mut open = || peer.session.send_request(peer.now, Bytes::new(), true, None).unwrap();
    let (one, two) = (open(), open());
    peer.sent();
    peer.frame(Frame::GoAway { last: 0, code: ErrorCode::SHUTTING_DOWN, text: b"" });
    assert!(matches!(peer.event(), Event::Failed { id, .. } if id == one));
    peer.session.cancel(two, ErrorCode::CANCELLED);
    assert!(matches!(peer.event(), Event::GoAway { .. }));
    peer.nothing();

    // An answer that has crossed the cancellation.
    let mut peer = Peer::extended(Limits::default());
    let id = peer.session.send_request(peer.now, Bytes::new(), true, None).unwrap();
    peer.session.cancel(id, ErrorCode::CANCELLED);
    peer.frame(Frame::Response { id: id.0, end: true, payload: &[0; 100] });
    peer.nothing();
    assert_eq!(peer.session.stats().held, 0);
}

#[test]
fn the_end_of_the_connection_ends_each_exchange_once() {
    let open = || {
        let mut peer = Peer::extended(Limits::default());
        peer.request(1, true, b"");
        assert!(matches!(peer.event(), Event::Request { .. }));
        let own = peer.session.send_request(peer.now, Bytes::new(), true, None).unwrap();
        peer.nothing();
        peer.sent();
        (peer, own)
    };
    let ended = |peer: &mut Peer, own, expected| {
        let cancelled = Event::Cancelled { id: ExchangeId(1), code: expected };
        assert_eq!(peer.event(), cancelled);
        assert!(matches!(peer.event(), Event::Failed { id, code, .. } if id == own && code == expected));
    };
    // A clean end.
    let (mut peer, own) = open();
    peer.session.input_closed(peer.now);
    ended(&mut peer, own, ErrorCode::CLOSED);
    peer.nothing();
    assert!(peer.session.is_finished());
    assert!(peer.session.output().is_empty());
    // Inside a frame.
    let (mut peer, own) = open();
    peer.frame(Frame::Data { id: 2, end: true, payload: b"cut" });
    peer.input.truncate(8);
    peer.nothing();
    peer.session.input_closed(peer.now);
    ended(&mut peer, own, ErrorCode::CLOSED);
    assert!(matches!(peer.error(), Error::UnexpectedEnd { .. }));
    // The peer says why; nobody answers that.
    let (mut peer, own) = open();
    peer.frame(Frame::Error { id: 0, code: ErrorCode(77), text: b"so" });
    ended(&mut peer, own, ErrorCode(77));
    assert_eq!(peer.error(), Error::Peer { code: ErrorCode(77), text: "so".into() });
    assert!(peer.session.output().is_empty());
    assert_eq!(peer.session.respond(ExchangeId(1), Bytes::new(), true), Err(SendError::Closed));
    let refused = peer.session.send_request(peer.now, Bytes::new(), true, None);
    assert_eq!(refused, Err(SendError::Closed));
}

#[test]
fn answers_come_in_any_order_and_in_parts() {
    let mut peer = Peer::extended(Limits::default());
    let mut open = |end| peer.session.send_request(peer.now, Bytes::from_static(b"q"), end, None).unwrap();
    let (one, two) = (open(false), open(true));
    peer.sent();
    peer.frame(Frame::Response { id: two.0, end: true, payload: b"2" });
    peer.frame(Frame::Response { id: one.0, end: false, payload: b"1" });
    assert_eq!(peer.event(), Event::Response { id: two, data: Bytes::from_static(b"2"), end: true });
    assert_eq!(peer.event(), Event::Response { id: one, data: Bytes::from_static(b"1"), end: false });
    // The request still goes on while its response has begun.
    peer.session.send_data(one, Bytes::from_static(b"r"), true).unwrap();
    assert_eq!(peer.session.send_data(one, Bytes::new(), true), Err(SendError::Closed));
    let sent = peer.sent_extended();
    assert!(matches!(&sent[..], [Frame::Data { end: true, .. }]), "{sent:?}");
    peer.frame(Frame::Data { id: one.0, end: true, payload: b"" });
    assert_eq!(peer.event(), Event::Data { id: one, data: Bytes::new(), end: true });
    assert!(peer.session.is_idle());
}
