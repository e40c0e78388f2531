//! An HTTP/2 client that does what a test says, one command at a time.
#![allow(dead_code)] // Each suite uses its part.

use std::collections::HashMap;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, Version};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wirelace_http_semantics::{
    Event, FieldId, Fields, Head, HttpMachine as _, Reason, RequestHead, ResponseHead, StreamId,
};
use wirelace_http2::{Connection, Limits};
use wirelace_server::{Builder, ConnectionInfo, Serve};
use wirelace_wire::Machine as _;

use crate::support::{Running, loopback};

/// What has come on a stream.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) interim: Vec<ResponseHead>,
    pub(crate) head: Option<ResponseHead>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<Fields>,
    pub(crate) reset: Option<Reason>,
    pub(crate) complete: bool,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.as_ref().map_or(0, |head| head.status.as_u16())
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.as_ref()?.fields.get_str(name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// A promise of the server.
#[derive(Debug)]
pub(crate) struct Promise {
    pub(crate) parent: StreamId,
    pub(crate) promised: StreamId,
    pub(crate) head: Box<RequestHead>,
}

pub(crate) struct Peer<IO = TcpStream> {
    pub(crate) io: IO,
    pub(crate) machine: Connection,
    input: BytesMut,
    answers: HashMap<StreamId, Answer>,
    pub(crate) promises: Vec<Promise>,
    /// Streams in the order in which their last octet came.
    pub(crate) completed: Vec<StreamId>,
    /// The server takes no more.
    pub(crate) going_away: bool,
    /// Bodies count against the window for ever.
    pub(crate) hoards: bool,
    /// The connection is over: without an error, or with one.
    pub(crate) over: Option<Result<(), wirelace_http2::Error>>,
}

pub(crate) async fn connect(server: &Running) -> Peer {
    let io = TcpStream::connect(server.address).await.unwrap();
    io.set_nodelay(true).unwrap();
    Peer::new(io, Limits::default())
}

/// A connection to a server within this process.
pub(crate) fn beside<S: Serve>(builder: Builder<S>, limits: Limits) -> Peer<tokio::io::DuplexStream> {
    let server = builder.bind(loopback()).unwrap();
    let (near, far) = tokio::io::duplex(16 * 1024);
    drop(server.serve(far, ConnectionInfo::memory()));
    Peer::new(near, limits)
}

pub(crate) fn get(path: &str) -> RequestHead {
    head(Method::GET, path)
}

pub(crate) fn head(method: Method, path: &str) -> RequestHead {
    let mut head = RequestHead::new(method, path.to_owned()).unwrap();
    head.version = Version::HTTP_2;
    head.fields.push(FieldId::HOST, "test.example").unwrap();
    head
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Peer<IO> {
    pub(crate) fn new(io: IO, limits: Limits) -> Peer<IO> {
        Peer {
            io,
            machine: Connection::client(limits, false, Instant::now()),
            input: BytesMut::new(),
            answers: HashMap::new(),
            promises: Vec::new(),
            completed: Vec::new(),
            going_away: false,
            hoards: false,
            over: None,
        }
    }

    /// Sends a request; with a body, that follows by [`data`](Peer::data).
    pub(crate) fn send(&mut self, head: RequestHead, end: bool) -> StreamId {
        self.machine.send_request(head, end).unwrap()
    }

    pub(crate) fn get(&mut self, path: &str) -> StreamId {
        self.send(get(path), true)
    }

    pub(crate) fn data(&mut self, stream: StreamId, data: &'static [u8], end: bool) {
        self.machine.send_data(stream, Bytes::from_static(data), end).unwrap();
    }

    /// Writes what waits.
    pub(crate) async fn flush(&mut self) {
        loop {
            self.drain_events();
            let output = self.machine.output();
            if output.is_empty() {
                break;
            }
            let chunk = output.first_chunk().to_vec();
            if self.io.write_all(&chunk).await.is_err() {
                output.clear();
                break;
            }
            output.advance(chunk.len());
        }
        let _ = self.io.flush().await;
    }

    /// Reads once, and takes what came. False: the connection is over.
    pub(crate) async fn step(&mut self) -> bool {
        self.flush().await;
        if self.over.is_some() {
            return false;
        }
        let read = self.io.read_buf(&mut self.input).await;
        if !matches!(read, Ok(read) if read > 0) {
            self.machine.input_closed(Instant::now());
        }
        self.drain_events();
        self.over.is_none()
    }

    fn drain_events(&mut self) {
        loop {
            match self.machine.poll_event(Instant::now(), &mut self.input) {
                Ok(Some(event)) => self.on_event(event),
                Ok(None) => break,
                Err(error) => {
                    self.over.get_or_insert(Err(error));
                    break;
                }
            }
        }
        if self.machine.is_finished() {
            self.over.get_or_insert(Ok(()));
        }
    }

    fn complete(&mut self, stream: StreamId, end: bool) {
        if end {
            self.answers.entry(stream).or_default().complete = true;
            self.completed.push(stream);
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Head { stream, head: Head::Response(head), end } => {
                self.answers.entry(stream).or_default().head = Some(head);
                self.complete(stream, end);
            }
            Event::Informational { stream, head } => {
                self.answers.entry(stream).or_default().interim.push(head);
            }
            Event::Data { stream, data, end } => {
                self.answers.entry(stream).or_default().body.extend_from_slice(&data);
                if !self.hoards {
                    self.machine.consumed(stream, data.len());
                }
                self.complete(stream, end);
            }
            Event::Trailers { stream, fields } => {
                self.answers.entry(stream).or_default().trailers = Some(fields);
                self.complete(stream, true);
            }
            Event::Reset { stream, reason } => {
                self.answers.entry(stream).or_default().reset = Some(reason);
                self.complete(stream, true);
            }
            Event::Promise { stream, promised, head: Head::Request(head) } => {
                self.promises.push(Promise { parent: stream, promised, head });
            }
            Event::GoAway { .. } => self.going_away = true,
            _ => {}
        }
    }

    /// Goes on until the answer is as wanted.
    pub(crate) async fn until(&mut self, stream: StreamId, wanted: impl Fn(&Answer) -> bool) -> &Answer {
        while !self.answers.get(&stream).is_some_and(&wanted) {
            let goes_on = self.step().await;
            let answer = self.answers.get(&stream);
            assert!(goes_on || answer.is_some_and(&wanted), "over ({:?}): {answer:?}", self.over);
        }
        &self.answers[&stream]
    }

    /// The whole answer.
    pub(crate) async fn answer(&mut self, stream: StreamId) -> Answer {
        self.until(stream, |answer| answer.complete).await;
        self.answers.remove(&stream).unwrap()
    }

    /// The text of the answer to GET.
    pub(crate) async fn fetch(&mut self, path: &str) -> String {
        let stream = self.get(path);
        let answer = self.answer(stream).await;
        assert_eq!((answer.status(), answer.reset), (StatusCode::OK.as_u16(), None));
        answer.text().to_owned()
    }

    /// Goes on until the connection is over.
    pub(crate) async fn rest(&mut self) {
        while self.step().await {}
    }
}
