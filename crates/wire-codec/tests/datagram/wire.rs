//! Machines with their time, and datagrams written by hand.

use std::time::{Duration, Instant};

use bytes::Bytes;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::{self, FrameType};
use wirelace_wire_codec::datagram::{
    CallId, Checksum, ClientEvent, ClientLimits, ClientOptions, DatagramClient, DatagramServer, Form,
    RequestId, SendError, ServerEvent, ServerLimits, ServerOptions,
};
use wirelace_wire_codec::extended::{self, Frame, Rules};

pub(crate) const EXTENDED: Form = Form::Extended { checksum: false };
pub(crate) const CHECKED: Form = Form::Extended { checksum: true };

pub(crate) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn base(kind: FrameType, payload: &[u8]) -> Bytes {
    let mut octets = Vec::new();
    base::Frame { kind, payload }.encode_into(&mut octets).unwrap();
    octets.into()
}

pub(crate) fn extended(frame: Frame<&[u8]>) -> Bytes {
    encoded(frame, false)
}

pub(crate) fn encoded(frame: Frame<&[u8]>, checksum: bool) -> Bytes {
    let mut octets = Vec::new();
    frame.encode_into(&mut octets, checksum).unwrap();
    octets.into()
}

pub(crate) fn request(id: u64, payload: &[u8]) -> Bytes {
    extended(Frame::Request { id, end: true, timeout: None, payload })
}

pub(crate) fn response(id: u64, payload: &[u8]) -> Bytes {
    extended(Frame::Response { id, end: true, payload })
}

/// The frame of the base form that fills the datagram.
#[track_caller]
pub(crate) fn as_base(datagram: &[u8]) -> (FrameType, &[u8]) {
    let (frame, taken) = base::decode(datagram, usize::MAX).unwrap().unwrap();
    assert_eq!(taken, datagram.len());
    (frame.kind, frame.payload)
}

/// The frame of the extended form that fills the datagram.
#[track_caller]
pub(crate) fn as_extended(datagram: &[u8]) -> Frame<&[u8]> {
    let rules = Rules { max_length: usize::MAX, checksum: Checksum::Either };
    let (frame, taken) = extended::decode(datagram, rules).unwrap().unwrap();
    assert_eq!(taken, datagram.len());
    frame
}

pub(crate) fn has_checksum(datagram: &[u8]) -> bool {
    datagram[6] & extended::CHECKSUM != 0
}

/// An ERROR of the extended form: its id, code and text.
#[track_caller]
pub(crate) fn as_error(datagram: &[u8]) -> (u64, ErrorCode, &str) {
    match as_extended(datagram) {
        Frame::Error { id, code, text } => (id, code, std::str::from_utf8(text).unwrap()),
        other => panic!("{other:?}"),
    }
}

/// The text of an ERROR of the base form.
#[track_caller]
pub(crate) fn as_base_error(datagram: &[u8]) -> &str {
    let (kind, text) = as_base(datagram);
    assert_eq!(kind, FrameType::ERROR);
    std::str::from_utf8(text).unwrap()
}

/// A client and its time.
pub(crate) struct Client {
    pub(crate) machine: DatagramClient,
    pub(crate) now: Instant,
}

impl Client {
    pub(crate) fn new(form: Form) -> Client {
        Client::with(ClientOptions { form, ..ClientOptions::default() })
    }

    pub(crate) fn limited(form: Form, limits: ClientLimits) -> Client {
        Client::with(ClientOptions { form, limits, ..ClientOptions::default() })
    }

    pub(crate) fn with(options: ClientOptions) -> Client {
        Client { machine: DatagramClient::new(options, 1), now: Instant::now() }
    }

    pub(crate) fn try_call(&mut self, payload: &'static [u8]) -> Result<CallId, SendError> {
        self.machine.call(self.now, Bytes::from_static(payload), None)
    }

    #[track_caller]
    pub(crate) fn call(&mut self, payload: &'static [u8]) -> CallId {
        self.try_call(payload).unwrap()
    }

    /// All that wants to go out.
    pub(crate) fn sent(&mut self) -> Vec<Bytes> {
        std::iter::from_fn(|| self.machine.poll_transmit(self.now)).collect()
    }

    /// The one datagram that wants to go out.
    #[track_caller]
    pub(crate) fn sent_one(&mut self) -> Bytes {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }

    pub(crate) fn receive(&mut self, datagram: Bytes) {
        self.machine.receive(self.now, datagram);
    }

    pub(crate) fn event(&mut self) -> Option<ClientEvent> {
        self.machine.poll_event(self.now)
    }

    /// Time goes on to the next deadline; how long that took.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> Duration {
        let at = self.machine.deadline().expect("a deadline");
        let waited = at - self.now;
        self.now = at;
        self.machine.on_deadline(at);
        waited
    }
}

/// A server of clients that are known by a number, and its time.
pub(crate) struct Server {
    pub(crate) machine: DatagramServer<u32>,
    pub(crate) now: Instant,
}

impl Server {
    pub(crate) fn new() -> Server {
        Server::with(ServerOptions::default())
    }

    pub(crate) fn limited(limits: ServerLimits) -> Server {
        Server::with(ServerOptions { limits, ..ServerOptions::default() })
    }

    pub(crate) fn with(options: ServerOptions) -> Server {
        Server { machine: DatagramServer::new(options), now: Instant::now() }
    }

    /// From the first client.
    pub(crate) fn receive(&mut self, datagram: Bytes) {
        self.receive_from(1, datagram);
    }

    pub(crate) fn receive_from(&mut self, from: u32, datagram: Bytes) {
        self.machine.receive(self.now, from, datagram);
    }

    pub(crate) fn event(&mut self) -> Option<ServerEvent<u32>> {
        self.machine.poll_event(self.now)
    }

    /// The next event is a request: its number and payload.
    #[track_caller]
    pub(crate) fn request(&mut self) -> (RequestId, Bytes) {
        match self.event() {
            Some(ServerEvent::Request { id, payload, .. }) => (id, payload),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn respond(&mut self, id: RequestId, payload: &'static [u8]) {
        self.machine.respond(self.now, id, Bytes::from_static(payload)).unwrap();
    }

    pub(crate) fn sent(&mut self) -> Vec<(u32, Bytes)> {
        std::iter::from_fn(|| self.machine.poll_transmit(self.now))
            .map(|transmit| (transmit.to, transmit.datagram))
            .collect()
    }

    /// The one datagram that wants to go out, to the first client.
    #[track_caller]
    pub(crate) fn sent_one(&mut self) -> Bytes {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        let (to, datagram) = sent.remove(0);
        assert_eq!(to, 1);
        datagram
    }

    /// What is answered to this datagram of the first client, at most one.
    #[track_caller]
    pub(crate) fn answer(&mut self, datagram: impl Into<Bytes>) -> Option<Bytes> {
        self.receive(datagram.into());
        let mut sent = self.sent();
        assert!(sent.len() <= 1, "{sent:?}");
        sent.pop().map(|(_, datagram)| datagram)
    }

    pub(crate) fn advance(&mut self, span: Duration) {
        self.now += span;
        self.machine.on_deadline(self.now);
    }

    /// Nothing is left of anything that came.
    #[track_caller]
    pub(crate) fn is_empty(&self) {
        let stats = self.machine.stats();
        let left = [stats.under_way, stats.addresses, stats.events, stats.output];
        assert_eq!((left, stats.kept, stats.kept_octets), ([0; 4], 0, 0));
        assert!(self.machine.is_idle());
        assert_eq!(self.machine.deadline(), None);
    }
}
