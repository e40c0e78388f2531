//! Sessions against peers that are written by hand: the base form, falling back to it, and attacks.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use wirelace_wire::Machine as _;
use wirelace_wire_codec::base::{self, FrameType};
use wirelace_wire_codec::extended::{self, Checksum, Frame, Hello, Role, Rules, Settings};
use wirelace_wire_codec::session::{
    Error, Event, ExchangeId, Form, Limits, Offer, Options, SendError, Session,
};
use wirelace_wire_codec::{DecodeError, ErrorCode};

struct Peer {
    session: Session,
    input: BytesMut,
    now: Instant,
}

fn options(form: Offer) -> Options {
    Options { form, ..Options::default() }
}

impl Peer {
    fn acceptor(options: Options) -> Peer {
        let now = Instant::now();
        Peer { session: Session::acceptor(options, now), input: BytesMut::new(), now }
    }

    fn initiator(options: Options) -> Peer {
        let now = Instant::now();
        Peer { session: Session::initiator(options, now), input: BytesMut::new(), now }
    }

    /// An acceptor that has agreed on the extended form.
    fn extended(limits: Limits) -> Peer {
        let mut peer = Peer::acceptor(Options { limits, ..Options::default() });
        peer.base(FrameType::HEARTBEAT, &hello(Role::Initiator, Settings::default()));
        assert!(matches!(peer.event(), Event::Ready { form: Form::Extended { checksum: false } }));
        peer.sent();
        peer
    }

    fn base(&mut self, kind: FrameType, payload: &[u8]) {
        let mut octets = Vec::new();
        base::Frame { kind, payload }.encode_into(&mut octets).unwrap();
        self.input.extend_from_slice(&octets);
    }

    fn frame(&mut self, frame: Frame<&[u8]>) {
        let mut octets = Vec::new();
        frame.encode_into(&mut octets, false).unwrap();
        self.input.extend_from_slice(&octets);
    }

    fn request(&mut self, id: u64, end: bool, payload: &[u8]) {
        self.frame(Frame::Request { id, end, timeout: None, payload });
    }

    fn poll(&mut self) -> Result<Option<Event>, Error> {
        self.session.poll_event(self.now, &mut self.input)
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

    /// Skips events up to the error.
    #[track_caller]
    fn error(&mut self) -> Error {
        for _ in 0..1_000_000 {
            match self.poll() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("no error"),
                Err(error) => {
                    assert!(self.session.is_finished());
                    self.nothing();
                    return error;
                }
            }
        }
        panic!("no end of events");
    }

    fn sent(&mut self) -> Vec<u8> {
        let output = self.session.output();
        let octets = output.chunks().flatten().copied().collect();
        output.clear();
        self.session.output_progress(self.now);
        octets
    }

    fn sent_base(&mut self) -> Vec<(u8, Vec<u8>)> {
        let octets = self.sent();
        let frames = base::Frames::new(&octets, usize::MAX).map(Result::unwrap);
        frames.map(|frame| (frame.kind.0, frame.payload.to_vec())).collect()
    }

    fn sent_extended(&mut self) -> Vec<Frame<Vec<u8>>> {
        let octets = self.sent();
        let mut rest = &octets[..];
        let mut frames = Vec::new();
        while let Some((frame, taken)) =
            extended::decode(rest, Rules { max_length: usize::MAX, checksum: Checksum::Off }).unwrap()
        {
            frames.push(frame.map(<[u8]>::to_vec));
            rest = &rest[taken..];
        }
        frames
    }
}

fn hello(role: Role, settings: Settings) -> Vec<u8> {
    Hello { role, min_version: 20, max_version: 20, checksum: false, settings }.encode()
}

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

#[test]
fn an_announced_length_of_4_gib_takes_no_memory() {
    for (offer, version) in [(Offer::Base, 10), (Offer::Extended, 20)] {
        let mut peer = match offer {
            Offer::Base => Peer::acceptor(options(Offer::Base)),
            Offer::Extended => Peer::extended(Limits::default()),
        };
        peer.input.extend_from_slice(&[version, 2, 0xff, 0xff, 0xff, 0xff]);
        let error = DecodeError::FrameTooLong { length: u32::MAX, limit: 1024 * 1024 };
        let found = peer.error();
        assert!(matches!(found, Error::Decode { error: found, .. } if found == error), "{found:?}");
        assert_eq!(found.code(), ErrorCode::FRAME_TOO_LONG);
        assert!(peer.session.output().len() < 200);
        if offer == Offer::Extended {
            let sent = peer.sent_extended();
            assert!(matches!(&sent[..], [Frame::Error { id: 0, code: ErrorCode::FRAME_TOO_LONG, .. }]));
        } else {
            assert!(matches!(&peer.sent_base()[..], [(4, _)]));
        }
    }
}

#[test]
fn floods_of_what_carries_nothing_end() {
    let mut peer = Peer::acceptor(options(Offer::Base));
    for _ in 0..1_000_000 {
        peer.input.extend_from_slice(&[10, 1, 0, 0, 0, 0]);
    }
    assert_eq!(peer.error(), Error::TooManyFrames);
    assert!(peer.session.output().len() < 10_000, "{}", peer.session.output().len());

    let ping = |peer: &mut Peer| peer.frame(Frame::Ping { answer: false, payload: b"" });
    let tiny = |peer: &mut Peer| peer.frame(Frame::Data { id: 1, end: false, payload: b"" });
    let credit = |peer: &mut Peer| peer.frame(Frame::Credit { id: 0, bytes: 1 });
    let cancel = |peer: &mut Peer| peer.frame(Frame::Cancel { id: 1, code: ErrorCode(0) });
    let unknown = |peer: &mut Peer| {
        peer.frame(Frame::Unknown { kind: FrameType(0x7f), id: 0, payload: b"" });
    };
    let floods: [&dyn Fn(&mut Peer); 5] = [&ping, &tiny, &credit, &cancel, &unknown];
    for (kind, flood) in floods.into_iter().enumerate() {
        let mut peer = Peer::extended(Limits::default());
        peer.request(1, false, &[0; 64]);
        for _ in 0..100_000 {
            flood(&mut peer);
        }
        let error = peer.error();
        assert_eq!((&error, error.code()), (&Error::TooManyFrames, ErrorCode::CALM), "flood {kind}");
        assert!(peer.session.output().len() < 20_000);
        assert!(peer.session.stats().held <= 64);
    }
}

#[test]
fn answers_that_nobody_reads_stop_the_reading() {
    let limits = Limits { control: (u32::MAX, u32::MAX), ..Limits::default() };
    let mut peer = Peer::acceptor(Options { limits, form: Offer::Base, ..Options::default() });
    for _ in 0..1000 {
        peer.base(FrameType::HEARTBEAT, &[0; 1000]);
    }
    assert_eq!(peer.event(), Event::Ready { form: Form::Base });
    peer.nothing();
    assert!(!peer.session.wants_input());
    let waiting = peer.session.output().len();
    assert!((64 * 1024..66 * 1024).contains(&waiting), "{waiting}");
    peer.sent();
    assert!(peer.session.wants_input());
    peer.nothing();
    assert_eq!(peer.session.output().len(), waiting);
}

#[test]
fn ids_credit_and_order_are_checked() {
    let small = || Limits { exchange_window: 100, connection_window: 150, exchanges: 2, ..Limits::default() };
    type Attack<'a> = (&'a dyn Fn(&mut Peer), Error);
    let attacks: [Attack<'_>; 11] = [
        (&|peer| peer.request(1, true, b""), Error::IdReused(1)),
        (&|peer| peer.request(4, true, b""), Error::IdReused(4)),
        (&|peer| peer.frame(Frame::Data { id: 9, end: true, payload: b"" }), Error::UnknownExchange(9)),
        (&|peer| peer.frame(Frame::Credit { id: 2, bytes: 100 }), Error::UnknownExchange(2)),
        (&|peer| peer.frame(Frame::Data { id: 1, end: true, payload: &[0; 99] }), Error::CreditExceeded(1)),
        (&|peer| peer.frame(Frame::Message { payload: &[0; 150] }), Error::CreditExceeded(0)),
        (&|peer| peer.frame(Frame::Credit { id: 1, bytes: (1 << 62) - 1 }), Error::CreditOverflow(1)),
        (
            &|peer| peer.frame(Frame::Response { id: 1, end: true, payload: b"" }),
            Error::UnexpectedFrame(FrameType(3)),
        ),
        (
            &|peer| {
                peer.frame(Frame::Data { id: 1, end: true, payload: b"" });
                peer.frame(Frame::Data { id: 1, end: true, payload: b"" });
            },
            Error::DataAfterEnd(1),
        ),
        (
            &|peer| {
                peer.request(3, false, b"");
                peer.request(5, false, b"");
            },
            Error::TooManyExchanges(2),
        ),
        (
            &|peer| peer.frame(Frame::Unknown { kind: FrameType(0xff), id: 0, payload: b"" }),
            Error::UnknownType(0xff),
        ),
    ];
    for (attack, expected) in attacks {
        let mut peer = Peer::extended(small());
        peer.request(1, false, b"hello");
        assert!(matches!(peer.event(), Event::Request { .. }));
        attack(&mut peer);
        assert_eq!(peer.error(), expected);
        let sent = peer.sent_extended();
        let code = expected.code();
        assert!(matches!(&sent[..], [Frame::Error { id: 0, code: sent, .. }] if *sent == code), "{sent:?}");
    }
}

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
