//! QUIC endpoints over real sockets.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rcgen::{CertificateParams, KeyPair};
use tokio::sync::{mpsc, oneshot};
use wirelace_runtime::Step;
use wirelace_runtime::quic::quic_lite::tls::quic::{QuicClientTls, QuicServerTls, ResetKey, TokenKeys};
use wirelace_runtime::quic::quic_lite::tls::{CertificateStore, ClientTls, Identity, Roots, ServerTls};
use wirelace_runtime::quic::quic_lite::{
    ClientConfig, CloseReason, Connection, Direction, Endpoint, Event, Limits, Remembered, ServerConfig,
    StreamId,
};
use wirelace_runtime::quic::{Application, Controller, Decision, Driver};

/// Whatever hangs is a test that fails.
async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it hangs")
}

fn configs() -> (ServerConfig, ClientConfig) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let der = Bytes::from(certificate.der().to_vec());
    let identity = Identity::from_der(vec![der.clone()], &key.serialize_der()).unwrap();
    let tls = ServerTls::builder(CertificateStore::new(vec![identity])).build().unwrap();
    let tls = QuicServerTls::new(&tls, ["echo"]).unwrap();
    let server =
        ServerConfig::new(tls, Arc::new(TokenKeys::new(&[1; 32])), Arc::new(ResetKey::new(&[2; 32])));
    let tls = ClientTls::builder(Roots::Only(vec![der])).build().unwrap();
    (server, ClientConfig::new(QuicClientTls::new(&tls, ["echo"]).unwrap()))
}

/// Sends back what comes.
#[derive(Default)]
struct Echo {
    waiting: Vec<(StreamId, Bytes, bool)>,
}

impl Application for Echo {
    fn on_event(&mut self, _: &mut Context<'_>, connection: &mut Connection, event: Event, _: Instant) {
        if let Event::Readable { stream } = event {
            while let Ok(Some(chunk)) = connection.read(stream, usize::MAX) {
                connection.consumed(stream, chunk.data.len());
                self.waiting.push((stream, chunk.data, chunk.fin));
            }
        }
    }

    fn poll(&mut self, _: &mut Context<'_>, connection: &mut Connection, _: Instant) -> Step {
        let mut stuck: Vec<(StreamId, Bytes, bool)> = Vec::new();
        for (stream, data, fin) in self.waiting.drain(..) {
            let behind = stuck.iter().any(|(other, ..)| *other == stream);
            if behind || connection.write(stream, data.clone(), fin).is_err() {
                stuck.push((stream, data, fin));
            }
        }
        self.waiting = stuck;
        Step::Wait
    }

    fn shut_down(&mut self, connection: &mut Connection, now: Instant) {
        connection.close(now, 7, b"enough");
    }

    fn on_close(&mut self, _: Option<&CloseReason>) {}
}

/// Sends what it is told over a channel, and tells what came back.
struct Ask {
    questions: mpsc::UnboundedReceiver<(Bytes, oneshot::Sender<Bytes>)>,
    open: Vec<(StreamId, Bytes, BytesMut, Option<oneshot::Sender<Bytes>>)>,
    complete: bool,
    closed: mpsc::UnboundedSender<String>,
}

impl Application for Ask {
    fn on_event(&mut self, _: &mut Context<'_>, connection: &mut Connection, event: Event, _: Instant) {
        match event {
            Event::Complete(_) => self.complete = true,
            Event::Readable { stream } => {
                let Some((_, _, got, answer)) = self.open.iter_mut().find(|(open, ..)| *open == stream)
                else {
                    return;
                };
                while let Ok(Some(chunk)) = connection.read(stream, usize::MAX) {
                    connection.consumed(stream, chunk.data.len());
                    got.extend_from_slice(&chunk.data);
                    if chunk.fin {
                        let _ = answer.take().unwrap().send(got.split().freeze());
                    }
                }
            }
            _ => {}
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, connection: &mut Connection, now: Instant) -> Step {
        if !self.complete {
            return Step::Wait;
        }
        loop {
            match self.questions.poll_recv(cx) {
                std::task::Poll::Ready(Some((data, answer))) => {
                    let stream = connection.open(Direction::Bidirectional).expect("fewer than are allowed");
                    self.open.push((stream, data, BytesMut::new(), Some(answer)));
                }
                std::task::Poll::Ready(None) => {
                    connection.close(now, 0, b"");
                    return Step::Wait;
                }
                std::task::Poll::Pending => break,
            }
        }
        for (stream, data, ..) in &mut self.open {
            while !data.is_empty() && connection.capacity(*stream) > 0 {
                let some = data.split_to(data.len().min(50_000));
                connection.write(*stream, some, data.is_empty()).unwrap();
            }
        }
        Step::Wait
    }

    fn shut_down(&mut self, connection: &mut Connection, now: Instant) {
        connection.close(now, 0, b"");
    }

    fn on_close(&mut self, reason: Option<&CloseReason>) {
        let _ = self.closed.send(reason.map_or("dropped".to_owned(), ToString::to_string));
    }
}

type Questions = mpsc::UnboundedSender<(Bytes, oneshot::Sender<Bytes>)>;

fn server(
    config: ServerConfig,
    mut decide: impl FnMut(bool) -> Decision<Echo> + Send + Unpin + 'static,
) -> (SocketAddr, Controller<Echo>, tokio::task::JoinHandle<std::io::Result<()>>) {
    let endpoint = Endpoint::new(Some(config), &[3; 32]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (driver, controller) =
        Driver::new(socket, endpoint, true, move |incoming: &_| decide(is_validated(incoming))).unwrap();
    let address = driver.local_addr().unwrap();
    (address, controller, tokio::spawn(driver))
}

fn is_validated(incoming: &wirelace_runtime::quic::quic_lite::Incoming) -> bool {
    incoming.is_validated()
}

type Asking = Controller<Ask>;

fn client() -> Asking {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (driver, controller) =
        Driver::new(socket, Endpoint::new(None, &[4; 32]), false, |_: &_| Decision::Ignore).unwrap();
    tokio::spawn(driver);
    controller
}

async fn connect(
    controller: &Asking,
    config: ClientConfig,
    address: SocketAddr,
) -> (Questions, mpsc::UnboundedReceiver<String>) {
    let (questions, receiver) = mpsc::unbounded_channel();
    let (closed, told) = mpsc::unbounded_channel();
    let ask = Ask { questions: receiver, open: Vec::new(), complete: false, closed };
    controller.connect(config, "localhost", address, Remembered::default(), ask).await.unwrap().unwrap();
    (questions, told)
}

async fn ask(questions: &Questions, data: Bytes) -> Bytes {
    let (answer, answered) = oneshot::channel();
    questions.send((data, answer)).unwrap();
    within(answered).await.unwrap()
}

#[tokio::test]
async fn data_come_back_over_many_connections_of_one_socket() {
    let (server_config, client_config) = configs();
    let (address, _controller, _task) = server(server_config, |_| Decision::Accept(Echo::default()));
    let controller = client();
    let mut connections = Vec::new();
    for number in 0..20_u32 {
        let (questions, told) = connect(&controller, client_config.clone(), address).await;
        connections.push((number, questions, told));
    }
    for (number, questions, _) in &connections {
        let data: Vec<u8> = (0..100_000_u32).map(|at| (at * (number + 3)) as u8).collect();
        let data = Bytes::from(data);
        assert_eq!(ask(questions, data.clone()).await, data);
        assert_eq!(ask(questions, Bytes::from_static(b"again")).await, "again");
    }
    for (_, questions, mut told) in connections {
        drop(questions);
        assert_eq!(within(told.recv()).await.unwrap(), "closed by this side");
    }
}

#[tokio::test]
async fn megabytes_go_through_small_windows() {
    let (mut server_config, mut client_config) = configs();
    let mut limits = Limits::default();
    limits.stream_window = 20_000;
    limits.max_stream_window = 40_000;
    limits.data_window = 30_000;
    limits.send_buffer = 50_000;
    server_config.limits = Arc::new(limits.clone());
    client_config.limits = Arc::new(limits);
    let (address, _controller, _task) = server(server_config, |_| Decision::Accept(Echo::default()));
    let controller = client();
    let (questions, _told) = connect(&controller, client_config, address).await;
    let data: Bytes = (0..3_000_000_u32).map(|at| (at >> 4) as u8).collect();
    assert_eq!(ask(&questions, data.clone()).await, data);
}

#[tokio::test]
async fn a_client_shows_where_it_is_first() {
    let (server_config, client_config) = configs();
    let (address, _controller, _task) =
        server(
            server_config,
            |validated| {
                if validated { Decision::Accept(Echo::default()) } else { Decision::Retry }
            },
        );
    let (questions, _told) = connect(&client(), client_config, address).await;
    assert_eq!(ask(&questions, Bytes::from_static(b"here")).await, "here");
}

#[tokio::test]
async fn a_client_that_is_refused_hears_so() {
    let (server_config, client_config) = configs();
    let (address, _controller, _task) = server(server_config, |_| Decision::Refuse);
    let (_questions, mut told) = connect(&client(), client_config, address).await;
    let reason = within(told.recv()).await.unwrap();
    assert!(reason.contains("CONNECTION_REFUSED"), "{reason}");
}

#[tokio::test]
async fn shutting_down_ends_connections_and_the_driver() {
    let (server_config, client_config) = configs();
    let (address, controller, task) = server(server_config, |_| Decision::Accept(Echo::default()));
    let (questions, mut told) = connect(&client(), client_config, address).await;
    assert_eq!(ask(&questions, Bytes::from_static(b"first")).await, "first");
    controller.shut_down();
    let reason = within(told.recv()).await.unwrap();
    assert!(reason.contains("0x7") && reason.contains("enough"), "{reason}");
    within(task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_name_that_is_none_is_an_error_at_once() {
    let (_, client_config) = configs();
    let controller = client();
    let (_questions, receiver) = mpsc::unbounded_channel();
    let (closed, _told) = mpsc::unbounded_channel();
    let ask = Ask { questions: receiver, open: Vec::new(), complete: false, closed };
    let address = "127.0.0.1:1".parse().unwrap();
    let told =
        controller.connect(client_config, "no name", address, Remembered::default(), ask).await.unwrap();
    assert!(told.is_err());
}
