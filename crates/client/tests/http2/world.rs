//! A server that does step by step what a test tells it to.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use wirelace_client::{Body, Connection, Error, Handle, HttpVersion, Options};
use wirelace_http_semantics::{Event, Head, HttpMachine, RequestHead, ResponseHead, StreamId};
use wirelace_http2::Connection as Machine;
use wirelace_http2::Limits;
use wirelace_runtime::{Application, DriverOptions, Outcome, Step};

type Act = Box<dyn FnOnce(&mut Machine) + Send>;

/// The server's half, for the test.
pub(crate) struct Server {
    events: mpsc::UnboundedReceiver<Event>,
    acts: mpsc::UnboundedSender<Act>,
    /// Events that another question was about.
    kept: VecDeque<Event>,
}

struct Script {
    events: mpsc::UnboundedSender<Event>,
    acts: mpsc::UnboundedReceiver<Act>,
}

impl Application<Machine> for Script {
    fn on_event(&mut self, _: &mut Context<'_>, _: &mut Machine, event: Event, _: Instant) {
        let _ = self.events.send(event);
    }

    fn poll(&mut self, cx: &mut Context<'_>, machine: &mut Machine, _: Instant) -> Step {
        match self.acts.poll_recv(cx) {
            Poll::Ready(Some(act)) => {
                act(machine);
                Step::Again
            }
            Poll::Ready(None) => Step::Abort,
            Poll::Pending => Step::Wait,
        }
    }

    fn shut_down(&mut self, machine: &mut Machine, _: Instant) {
        machine.shut_down();
    }

    fn on_close(&mut self, _: Outcome<wirelace_http2::Error>) {}
}

/// Whatever hangs is a test that fails.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("it hangs")
}

pub(crate) fn options() -> Options {
    Options::default().version(HttpVersion::Http2)
}

pub(crate) fn connected(io: DuplexStream, options: Options) -> Handle {
    Connection::over(io, options).handle().unwrap()
}

pub(crate) fn pair_with(options: Options, limits: Limits) -> (Handle, Server) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (events, received) = mpsc::unbounded_channel();
    let (acts, script) = mpsc::unbounded_channel();
    let machine = Machine::server(limits, false, Instant::now());
    let script = Script { events, acts: script };
    tokio::spawn(wirelace_runtime::Connection::new(far, machine, script, DriverOptions::default(), None));
    (connected(near, options), Server { events: received, acts, kept: VecDeque::new() })
}

pub(crate) fn pair() -> (Handle, Server) {
    pair_with(options(), Limits::default())
}

impl Server {
    /// Runs `act` in the server's task.
    pub(crate) async fn act<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Machine) -> T + Send + 'static,
    ) -> T {
        let (answer, answered) = oneshot::channel();
        let act: Act = Box::new(move |machine| drop(answer.send(act(machine))));
        assert!(self.acts.send(act).is_ok(), "the server has ended");
        within(answered).await.expect("the server has ended")
    }

    /// The next event that `pick` is about; others are kept.
    pub(crate) async fn wait<T>(&mut self, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        for at in 0..self.kept.len() {
            if let Some(found) = pick(&self.kept[at]) {
                self.kept.remove(at);
                return found;
            }
        }
        loop {
            let event = within(self.events.recv()).await.expect("the connection has ended");
            match pick(&event) {
                Some(found) => return found,
                None => self.kept.push_back(event),
            }
        }
    }

    /// Waits until the connection has ended.
    pub(crate) async fn ended(mut self) {
        within(async { while self.events.recv().await.is_some() {} }).await;
    }

    /// The next request; whether that is all of it.
    pub(crate) async fn request(&mut self) -> (StreamId, RequestHead, bool) {
        self.wait(|event| match event {
            Event::Head { stream, head: Head::Request(head), end } => Some((*stream, (**head).clone(), *end)),
            _ => None,
        })
        .await
    }

    /// The next request for that path.
    pub(crate) async fn request_for(&mut self, path: &str) -> StreamId {
        self.wait(|event| match event {
            Event::Head { stream, head: Head::Request(head), .. } if head.path() == path => Some(*stream),
            _ => None,
        })
        .await
    }

    /// How an exchange was given up.
    pub(crate) async fn reset(&mut self, which: StreamId) -> wirelace_http_semantics::Reason {
        self.wait(|event| match event {
            Event::Reset { stream, reason } if *stream == which => Some(*reason),
            _ => None,
        })
        .await
    }

    /// The next part of a request's body; the server takes it. Whether it is the last.
    pub(crate) async fn data(&mut self, which: StreamId) -> (Bytes, bool) {
        let (data, end) = self
            .wait(|event| match event {
                Event::Data { stream, data, end } if *stream == which => Some((data.clone(), *end)),
                _ => None,
            })
            .await;
        let taken = data.len();
        self.act(move |machine| machine.consumed(which, taken)).await;
        (data, end)
    }

    /// All of a request's body.
    pub(crate) async fn body(&mut self, stream: StreamId) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let (data, end) = self.data(stream).await;
            body.extend_from_slice(&data);
            if end {
                return body;
            }
        }
    }

    pub(crate) async fn answer(&self, stream: StreamId, body: &'static str) {
        let sent = self.act(move |machine| {
            machine.send_message(
                stream,
                ResponseHead::new(StatusCode::OK),
                Bytes::from_static(body.as_bytes()),
            )
        });
        sent.await.unwrap();
    }

    /// A head with 200 that a body follows.
    pub(crate) async fn begin(&self, stream: StreamId) {
        let head = Head::Response(ResponseHead::new(StatusCode::OK));
        self.act(move |machine| machine.send_head(stream, head, false)).await.unwrap();
    }

    pub(crate) async fn send(&self, stream: StreamId, data: &'static [u8], end: bool) {
        self.act(move |machine| machine.send_data(stream, Bytes::from_static(data), end)).await.unwrap();
    }
}

pub(crate) fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://example.com{path}")).body(Empty::new()).unwrap()
}

type Fetching = tokio::task::JoinHandle<Result<http::Response<Body>, Error>>;

pub(crate) fn spawn(handle: &Handle, request: Request<Empty<Bytes>>) -> Fetching {
    let handle = handle.clone();
    tokio::spawn(async move { handle.send(request).await })
}

pub(crate) async fn response(fetching: Fetching) -> Result<http::Response<Body>, Error> {
    within(fetching).await.unwrap()
}

pub(crate) async fn text(response: http::Response<Body>) -> String {
    let body = within(response.into_body().collect()).await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Answers each request at once with its path, on as many connections as there are handles.
pub(crate) fn echoing(connections: usize) -> Vec<Handle> {
    struct Echo;
    impl Application<Machine> for Echo {
        fn on_event(&mut self, _: &mut Context<'_>, machine: &mut Machine, event: Event, _: Instant) {
            if let Event::Head { stream, head: Head::Request(head), .. } = event {
                let sent = machine.send_message(stream, ResponseHead::new(StatusCode::OK), head.target);
                sent.unwrap();
            }
        }
        fn poll(&mut self, _: &mut Context<'_>, _: &mut Machine, _: Instant) -> Step {
            Step::Wait
        }
        fn shut_down(&mut self, machine: &mut Machine, _: Instant) {
            machine.shut_down();
        }
        fn on_close(&mut self, _: Outcome<wirelace_http2::Error>) {}
    }
    let one = |_| {
        let (near, far) = tokio::io::duplex(16 * 1024);
        let machine = Machine::server(Limits::default(), false, Instant::now());
        tokio::spawn(wirelace_runtime::Connection::new(far, machine, Echo, DriverOptions::default(), None));
        connected(near, options())
    };
    (0..connections).map(one).collect()
}
