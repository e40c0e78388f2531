//! Deadlines.

use std::time::Duration;

use bytes::Bytes;
use wirelace_wire::Machine as _;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::FrameType;
use wirelace_wire_codec::extended::{Frame, Role, Settings};
use wirelace_wire_codec::session::{Error, Event, ExchangeId, Limits, Offer, Options, Timeouts};

use crate::peer::{Peer, hello, options};

#[test]
fn a_silent_peer_is_asked_and_then_given_up() {
    let mut peer = Peer::extended(Limits::default());
    peer.request(1, true, b"");
    assert!(matches!(peer.event(), Event::Request { .. }));
    peer.nothing();
    let asked = peer.session.deadline().unwrap();
    assert_eq!(asked - peer.now, Duration::from_secs(15));
    peer.now = asked;
    peer.session.on_deadline(asked);
    peer.nothing();
    let sent = peer.sent_extended();
    assert!(matches!(&sent[..], [Frame::Ping { answer: false, .. }]), "{sent:?}");
    peer.now = peer.session.deadline().unwrap();
    assert_eq!(peer.now - asked, Duration::from_secs(30));
    peer.session.on_deadline(peer.now);
    assert!(matches!(peer.event(), Event::Cancelled { id: ExchangeId(1), code: ErrorCode::TIMEOUT }));
    assert_eq!(peer.error(), Error::HeartbeatMissed);
}

#[test]
fn a_frame_that_trickles_is_given_up() {
    let mut peer = Peer::acceptor(options(Offer::Base));
    peer.input.extend_from_slice(&[10, 2, 0, 0, 1, 0]);
    let start = peer.now;
    for octet in 0..29 {
        peer.input.extend_from_slice(&[octet]);
        peer.nothing();
        peer.now += Duration::from_secs(1);
        peer.session.on_deadline(peer.now);
    }
    peer.nothing();
    peer.now = peer.session.deadline().unwrap();
    assert!(peer.now - start < Duration::from_secs(31));
    peer.session.on_deadline(peer.now);
    assert_eq!(peer.error(), Error::FrameStalled);
}

#[test]
fn deadlines_end_both_sides() {
    let mut peer = Peer::extended(Limits::default());
    peer.frame(Frame::Request { id: 1, end: true, timeout: Some(500), payload: b"" });
    let expected = Some(Duration::from_millis(500));
    assert!(matches!(peer.event(), Event::Request { timeout, .. } if timeout == expected));
    let own = peer.session.send_request(peer.now, Bytes::new(), true, expected).unwrap();
    peer.sent();
    peer.now += Duration::from_millis(500);
    assert_eq!(peer.session.deadline(), Some(peer.now));
    peer.session.on_deadline(peer.now);
    let code = ErrorCode::DEADLINE;
    assert_eq!(peer.event(), Event::Cancelled { id: ExchangeId(1), code });
    assert!(matches!(peer.event(), Event::Failed { id, code: ErrorCode::DEADLINE, .. } if id == own));
    let sent = peer.sent_extended();
    assert!(
        matches!(&sent[..], [Frame::Error { id: 1, .. }, Frame::Cancel { id: 2, code: ErrorCode::DEADLINE }]),
        "{sent:?}"
    );
}

#[test]
fn a_frame_does_not_stall_while_nobody_reads() {
    let limits = Limits { exchanges: 1, ..Limits::default() };
    let mut peer = Peer::acceptor(Options { limits, form: Offer::Base, ..Options::default() });
    peer.base(FrameType::REQUEST, b"one");
    peer.base(FrameType::REQUEST, b"two");
    peer.input.truncate(peer.input.len() - 1);
    assert!(matches!(peer.event(), Event::Ready { .. }));
    assert!(matches!(peer.event(), Event::Request { .. }));
    peer.nothing();
    assert!(!peer.session.wants_input());
    assert_eq!(peer.session.deadline(), None);
    peer.now += Duration::from_secs(3600);
    peer.session.on_deadline(peer.now);
    peer.session.respond(ExchangeId(1), Bytes::new(), true).unwrap();
    peer.nothing();
    peer.sent();
    assert!(peer.session.wants_input());
    // From now on it is the peer that is waited for.
    peer.now = peer.session.deadline().unwrap();
    peer.session.on_deadline(peer.now);
    assert_eq!(peer.error(), Error::FrameStalled);
}

#[test]
fn a_connection_with_traffic_is_not_idle() {
    let idle = Duration::from_secs(10);
    let timeouts = Timeouts { idle: Some(idle), ..Timeouts::default() };
    let mut peer = Peer::acceptor(Options { timeouts, ..Options::default() });
    peer.base(FrameType::HEARTBEAT, &hello(Role::Initiator, Settings::default()));
    assert!(matches!(peer.event(), Event::Ready { .. }));
    peer.nothing();
    for id in (1..21).step_by(2) {
        peer.now += Duration::from_secs(5);
        peer.session.on_deadline(peer.now);
        peer.request(id, true, b"");
        assert!(matches!(peer.event(), Event::Request { .. }));
        peer.session.respond(ExchangeId(id), Bytes::new(), true).unwrap();
        peer.nothing();
        peer.sent();
    }
    assert_eq!(peer.session.deadline(), Some(peer.now + idle));
    peer.now += idle;
    peer.session.on_deadline(peer.now);
    assert_eq!(peer.error(), Error::Idle);
    // Whatever the peer asks just now was not processed, and it can tell.
    let sent = peer.sent_extended();
    assert!(matches!(&sent[..], [Frame::GoAway { last: 19, .. }]), "{sent:?}");
}

#[test]
fn a_peer_that_takes_no_output_is_given_up() {
    let mut peer = Peer::extended(Limits::default());
    let id = peer.session.send_request(peer.now, Bytes::new(), true, None).unwrap();
    peer.nothing();
    let start = peer.now;
    // Signs of life do not help.
    while peer.now < start + Duration::from_secs(60) {
        peer.now += Duration::from_secs(10);
        peer.frame(Frame::Ping { answer: false, payload: b"" });
        peer.nothing();
        peer.session.on_deadline(peer.now);
    }
    assert!(
        matches!(peer.event(), Event::Failed { id: failed, code: ErrorCode::TIMEOUT, .. } if failed == id)
    );
    assert_eq!(peer.error(), Error::WriteStalled);
}
