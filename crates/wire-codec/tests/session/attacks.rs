//! Attacks.

use wirelace_wire::Machine as _;
use wirelace_wire_codec::base::FrameType;
use wirelace_wire_codec::extended::{Frame, Hello, Role, Settings};
use wirelace_wire_codec::session::{Error, Event, Form, Limits, Offer, Options};
use wirelace_wire_codec::{DecodeError, ErrorCode};

use crate::peer::{Peer, options};

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
fn endless_resets_end() {
    type Reset = fn(u64) -> Frame<&'static [u8]>;
    let resets: [Reset; 2] = [
        |id| Frame::Cancel { id, code: ErrorCode::CANCELLED },
        |id| Frame::Error { id, code: ErrorCode::CANCELLED, text: b"" },
    ];
    for reset in resets {
        let mut peer = Peer::extended(Limits::default());
        for id in (1..100_000).step_by(2) {
            peer.request(id, true, b"");
            peer.frame(reset(id));
        }
        assert_eq!(peer.error(), Error::TooManyFrames);
    }
}

#[test]
fn checksums_are_what_was_agreed_on() {
    let agreed = || {
        let mut peer = Peer::acceptor(Options { checksum: true, ..Options::default() });
        let settings = Settings::default();
        let hello =
            Hello { role: Role::Initiator, min_version: 20, max_version: 20, checksum: true, settings };
        peer.base(FrameType::HEARTBEAT, &hello.encode());
        assert_eq!(peer.event(), Event::Ready { form: Form::Extended { checksum: true } });
        peer.sent();
        peer
    };
    let request = Frame::Request { id: 1, end: true, timeout: None, payload: &b"hello"[..] };
    let encoded = |checksum| {
        let mut octets = Vec::new();
        request.encode_into(&mut octets, checksum).unwrap();
        octets
    };
    let mut peer = agreed();
    peer.input.extend_from_slice(&encoded(true));
    assert!(matches!(peer.event(), Event::Request { .. }));

    let mut flipped = encoded(true);
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    peer = agreed();
    peer.input.extend_from_slice(&flipped);
    let error = peer.error();
    assert!(matches!(error, Error::Decode { error: DecodeError::Checksum { .. }, .. }), "{error:?}");
    assert_eq!(error.code(), ErrorCode::CHECKSUM);

    peer = agreed();
    peer.input.extend_from_slice(&encoded(false));
    let error = peer.error();
    let missing = DecodeError::ChecksumFlag { found: false };
    assert!(matches!(error, Error::Decode { error, .. } if error == missing), "{error:?}");

    peer = Peer::extended(Limits::default());
    peer.input.extend_from_slice(&encoded(true));
    let error = peer.error();
    let unwanted = DecodeError::ChecksumFlag { found: true };
    assert!(matches!(error, Error::Decode { error, .. } if error == unwanted), "{error:?}");
}

#[test]
fn small_parts_do_not_keep_the_read_buffer() {
    let mut peer = Peer::extended(Limits::default());
    peer.request(1, false, &[1; 100]);
    peer.frame(Frame::Data { id: 1, end: false, payload: &[2; 5000] });
    let buffer = peer.input.as_ptr_range();
    let Event::Request { data: small, .. } = peer.event() else { panic!("no request") };
    let Event::Data { data: large, .. } = peer.event() else { panic!("no data") };
    assert_eq!((&small[..], &large[..]), (&[1; 100][..], &[2; 5000][..]));
    assert!(!buffer.contains(&small.as_ptr()));
    assert!(buffer.contains(&large.as_ptr()));
}
