//! The base form, and falling back to it.

use std::time::Duration;

use bytes::Bytes;
use wirelace_wire::Machine as _;
use wirelace_wire_codec::base::FrameType;
use wirelace_wire_codec::extended::{Role, Settings};
use wirelace_wire_codec::session::{Error, Event, ExchangeId, Form, Limits, Options, SendError};
use wirelace_wire_codec::{DecodeError, ErrorCode};

use crate::peer::{Peer, hello};

#[test]
fn a_base_client_is_answered_in_order() {
    let mut peer = Peer::acceptor(Options::default());
    peer.base(FrameType::REQUEST, b"one");
    peer.base(FrameType::HEARTBEAT, b"beat");
    peer.base(FrameType(9), b"?");
    peer.base(FrameType::REQUEST, b"two");
    assert_eq!(peer.event(), Event::Ready { form: Form::Base });
    let (one, two) = (ExchangeId(1), ExchangeId(3));
    for (id, text) in [(one, "one"), (two, "two")] {
        let data = Bytes::from(text);
        assert_eq!(peer.event(), Event::Request { id, data, end: true, timeout: None });
    }
    peer.nothing();
    // A sign of life waits for nobody.
    assert_eq!(peer.sent_base(), [(1, b"beat".to_vec())]);
    assert_eq!(peer.session.capacity(two), 0);
    assert_eq!(peer.session.respond(two, Bytes::from_static(b"2"), true), Err(SendError::Full));
    assert_eq!(peer.session.respond(one, Bytes::from_static(b"1"), false), Err(SendError::Whole));
    peer.session.respond(one, Bytes::from_static(b"1"), true).unwrap();
    assert_eq!(peer.event(), Event::Capacity { id: two });
    peer.session.respond(two, Bytes::from_static(b"2"), true).unwrap();
    let unknown = b"frame type 0x09 is unknown".to_vec();
    assert_eq!(peer.sent_base(), [(3, b"1".to_vec()), (4, unknown), (3, b"2".to_vec())]);
    // Half-closed: what runs is still answered.
    peer.base(FrameType::REQUEST, b"last");
    peer.session.input_closed(peer.now);
    assert!(matches!(peer.event(), Event::Request { id: ExchangeId(5), .. }));
    peer.nothing();
    assert!(!peer.session.is_finished());
    peer.session.respond_error(ExchangeId(5), ErrorCode::APPLICATION, "no").unwrap();
    assert_eq!(peer.sent_base(), [(4, b"no".to_vec())]);
    peer.nothing();
    assert!(peer.session.is_finished());
}

#[test]
fn an_initiator_falls_back_whatever_a_base_peer_says_to_its_hello() {
    let echo = |peer: &mut Peer| {
        let octets = peer.sent();
        peer.input.extend_from_slice(&octets);
    };
    type Answer<'a> = (&'a str, &'a dyn Fn(&mut Peer));
    let answers: [Answer<'_>; 3] = [
        ("an empty heartbeat", &|peer| peer.base(FrameType::HEARTBEAT, b"")),
        ("its own hello", &echo),
        ("an error", &|peer| peer.base(FrameType::ERROR, b"what?")),
    ];
    for (name, answer) in answers {
        let mut peer = Peer::initiator(Options::default());
        let early = peer.session.send_request(peer.now, Bytes::from_static(b"early"), true, None);
        assert_eq!(early, Err(SendError::NotReady));
        answer(&mut peer);
        peer.sent();
        assert_eq!(peer.event(), Event::Ready { form: Form::Base }, "{name}");
        let id = peer.session.send_request(peer.now, Bytes::from_static(b"q"), true, None).unwrap();
        assert_eq!(peer.sent_base(), [(2, b"q".to_vec())]);
        peer.base(FrameType::RESPONSE, b"a");
        assert_eq!(peer.event(), Event::Response { id, data: Bytes::from_static(b"a"), end: true });
    }
}

#[test]
fn an_initiator_falls_back_when_nobody_answers() {
    let mut peer = Peer::initiator(Options::default());
    peer.sent();
    let due = peer.session.deadline().unwrap();
    assert_eq!(due - peer.now, Duration::from_secs(2));
    peer.now = due;
    peer.session.on_deadline(due);
    assert_eq!(peer.event(), Event::Ready { form: Form::Base });
    let id = peer.session.send_request(peer.now, Bytes::new(), true, None).unwrap();
    // An error now could be the answer to the hello as well: all later ones would be mismatched.
    peer.base(FrameType::ERROR, b"what?");
    assert!(matches!(peer.event(), Event::Failed { id: failed, .. } if failed == id));
    assert_eq!(peer.error(), Error::UnexpectedFrame(FrameType::ERROR));
}

#[test]
fn a_hello_is_the_first_frame_or_an_error() {
    let mut peer = Peer::acceptor(Options::default());
    peer.base(FrameType::REQUEST, b"one");
    peer.base(FrameType::HEARTBEAT, &hello(Role::Initiator, Settings::default()));
    assert_eq!(peer.error(), Error::UnexpectedHello);
    // In the extended form, the version of the base form is wrong already.
    let mut peer = Peer::extended(Limits::default());
    peer.base(FrameType::HEARTBEAT, &hello(Role::Initiator, Settings::default()));
    let error = DecodeError::Version { found: 10, expected: 20 };
    assert!(matches!(peer.error(), Error::Decode { error: found, .. } if found == error));
}
