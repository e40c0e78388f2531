//! Peers that are written by hand.

use std::time::Instant;

use bytes::BytesMut;
use wirelace_wire::Machine as _;
use wirelace_wire_codec::base::{self, FrameType};
use wirelace_wire_codec::extended::{self, Checksum, Frame, Hello, Role, Rules, Settings};
use wirelace_wire_codec::session::{Error, Event, Form, Limits, Offer, Options, Session};

/// A session and what its peer has sent.
pub(crate) struct Peer {
    pub(crate) session: Session,
    pub(crate) input: BytesMut,
    pub(crate) now: Instant,
}

pub(crate) fn options(form: Offer) -> Options {
    Options { form, ..Options::default() }
}

impl Peer {
    pub(crate) fn acceptor(options: Options) -> Peer {
        let now = Instant::now();
        Peer { session: Session::acceptor(options, now), input: BytesMut::new(), now }
    }

    pub(crate) fn initiator(options: Options) -> Peer {
        let now = Instant::now();
        Peer { session: Session::initiator(options, now), input: BytesMut::new(), now }
    }

    /// An acceptor that has agreed on the extended form.
    pub(crate) fn extended(limits: Limits) -> Peer {
        let mut peer = Peer::acceptor(Options { limits, ..Options::default() });
        peer.base(FrameType::HEARTBEAT, &hello(Role::Initiator, Settings::default()));
        assert!(matches!(peer.event(), Event::Ready { form: Form::Extended { checksum: false } }));
        peer.sent();
        peer
    }

    pub(crate) fn base(&mut self, kind: FrameType, payload: &[u8]) {
        let mut octets = Vec::new();
        base::Frame { kind, payload }.encode_into(&mut octets).unwrap();
        self.input.extend_from_slice(&octets);
    }

    pub(crate) fn frame(&mut self, frame: Frame<&[u8]>) {
        let mut octets = Vec::new();
        frame.encode_into(&mut octets, false).unwrap();
        self.input.extend_from_slice(&octets);
    }

    pub(crate) fn request(&mut self, id: u64, end: bool, payload: &[u8]) {
        self.frame(Frame::Request { id, end, timeout: None, payload });
    }

    pub(crate) fn poll(&mut self) -> Result<Option<Event>, Error> {
        self.session.poll_event(self.now, &mut self.input)
    }

    #[track_caller]
    pub(crate) fn event(&mut self) -> Event {
        self.poll().expect("no error").expect("an event")
    }

    #[track_caller]
    pub(crate) fn nothing(&mut self) {
        let polled = self.poll();
        assert!(matches!(polled, Ok(None)), "{polled:?}");
    }

    /// Skips events up to the error.
    #[track_caller]
    pub(crate) fn error(&mut self) -> Error {
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

    pub(crate) fn sent(&mut self) -> Vec<u8> {
        let output = self.session.output();
        let octets = output.chunks().flatten().copied().collect();
        output.clear();
        self.session.output_progress(self.now);
        octets
    }

    pub(crate) fn sent_base(&mut self) -> Vec<(u8, Vec<u8>)> {
        let octets = self.sent();
        let frames = base::Frames::new(&octets, usize::MAX).map(Result::unwrap);
        frames.map(|frame| (frame.kind.0, frame.payload.to_vec())).collect()
    }

    pub(crate) fn sent_extended(&mut self) -> Vec<Frame<Vec<u8>>> {
        let octets = self.sent();
        frames(&octets)
    }
}

/// Complete frames of the extended form.
pub(crate) fn frames(octets: &[u8]) -> Vec<Frame<Vec<u8>>> {
    let mut rest = octets;
    let mut frames = Vec::new();
    while let Some((frame, taken)) =
        extended::decode(rest, Rules { max_length: usize::MAX, checksum: Checksum::Off }).unwrap()
    {
        frames.push(frame.map(<[u8]>::to_vec));
        rest = &rest[taken..];
    }
    frames
}

pub(crate) fn hello(role: Role, settings: Settings) -> Vec<u8> {
    Hello { role, min_version: 20, max_version: 20, checksum: false, settings }.encode()
}
