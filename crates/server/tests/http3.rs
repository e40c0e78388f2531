//! HTTP/3 beside the other versions, with the machines of `wirelace-http3` as a client.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::{get, post};
use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, Version};
use rcgen::{CertificateParams, KeyPair};
use tokio::sync::{mpsc, oneshot};
use wirelace_http_semantics::{Event, FieldId, Head, RequestHead, ResponseHead, StreamId};
use wirelace_http3::quic::tls::quic::QuicClientTls;
use wirelace_http3::quic::{self, ClientConfig, Endpoint, Remembered};
use wirelace_http3::{Connection, Limits};
use wirelace_runtime::Step;
use wirelace_runtime::quic::{Application, Controller, Decision, Driver, random};
use wirelace_server::{Request, Response, Server};
use wirelace_tls_glue::{CertificateStore, ClientTls, Identity, Roots, ServerTls};

/// Whatever hangs is a test that fails.
async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it hangs")
}

struct Trust {
    tls: ServerTls,
    root: Bytes,
}

fn trust() -> Trust {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let root = Bytes::from(certificate.der().to_vec());
    let identity = Identity::from_der(vec![root.clone()], &key.serialize_der()).unwrap();
    Trust { tls: ServerTls::builder(CertificateStore::new(vec![identity])).build().unwrap(), root }
}

#[derive(Debug)]
struct Answer {
    head: ResponseHead,
    body: BytesMut,
}

struct Question {
    head: RequestHead,
    body: Bytes,
    answer: oneshot::Sender<Result<Answer, String>>,
}

struct Waiting {
    upload: Bytes,
    answer: Option<Answer>,
    told: oneshot::Sender<Result<Answer, String>>,
}

/// A client that asks what it is told.
struct Client {
    http: Connection,
    questions: mpsc::UnboundedReceiver<Question>,
    /// What the machine takes later.
    held: Option<Question>,
    open: HashMap<StreamId, Waiting>,
}

impl Client {
    fn on_http(&mut self, quic: &mut quic::Connection, event: Event) {
        match event {
            Event::Head { stream, head: Head::Response(head), end } => {
                if let Some(waiting) = self.open.get_mut(&stream) {
                    waiting.answer = Some(Answer { head, body: BytesMut::new() });
                }
                self.ended(stream, end);
            }
            Event::Data { stream, data, end } => {
                if let Some(answer) = self.open.get_mut(&stream).and_then(|waiting| waiting.answer.as_mut()) {
                    answer.body.extend_from_slice(&data);
                }
                self.http.consumed(quic, stream, data.len());
                self.ended(stream, end);
            }
            Event::Trailers { stream, .. } => self.ended(stream, true),
            Event::Capacity { stream } => self.upload(quic, stream),
            Event::Reset { stream, reason } => {
                if let Some(waiting) = self.open.remove(&stream) {
                    let _ = waiting.told.send(Err(format!("{reason:?}")));
                }
            }
            _ => {}
        }
    }

    fn ended(&mut self, stream: StreamId, end: bool) {
        if end && let Some(waiting) = self.open.remove(&stream) {
            let _ = waiting.told.send(waiting.answer.ok_or_else(|| "no head".to_owned()));
        }
    }

    fn upload(&mut self, quic: &mut quic::Connection, stream: StreamId) {
        let Some(waiting) = self.open.get_mut(&stream) else { return };
        while !waiting.upload.is_empty() && self.http.capacity(quic, stream) > 0 {
            let some = waiting.upload.split_to(waiting.upload.len().min(20_000));
            let _ = self.http.send_data(quic, stream, some, waiting.upload.is_empty());
        }
    }
}

impl Application for Client {
    fn on_event(&mut self, _: &mut Context<'_>, quic: &mut quic::Connection, event: quic::Event, _: Instant) {
        self.http.on_quic_event(quic, event);
    }

    fn poll(&mut self, cx: &mut Context<'_>, quic: &mut quic::Connection, now: Instant) -> Step {
        while let Ok(Some(event)) = self.http.poll_event(now, quic) {
            self.on_http(quic, event);
        }
        let mut moved = false;
        while !quic.is_handshaking() && self.http.available(quic) > 0 {
            let question = match self
                .held
                .take()
                .map_or_else(|| self.questions.poll_recv(cx), |held| Poll::Ready(Some(held)))
            {
                Poll::Ready(Some(question)) => question,
                Poll::Ready(None) => {
                    if self.open.is_empty() {
                        quic.close(now, wirelace_http3::ErrorCode::H3_NO_ERROR.0, b"");
                    }
                    break;
                }
                Poll::Pending => break,
            };
            match self.http.send_request(quic, &question.head, question.body.is_empty()) {
                Ok(stream) => {
                    let Question { body: upload, answer: told, .. } = question;
                    self.open.insert(stream, Waiting { upload, answer: None, told });
                    self.upload(quic, stream);
                    moved = true;
                }
                Err(_) => {
                    self.held = Some(question);
                    break;
                }
            }
        }
        if moved { Step::Again } else { Step::Wait }
    }

    fn shut_down(&mut self, quic: &mut quic::Connection, now: Instant) {
        quic.close(now, 0x100, b"");
    }

    fn on_close(&mut self, reason: Option<&quic::CloseReason>) {
        for (_, waiting) in self.open.drain() {
            let _ = waiting.told.send(Err(format!("{reason:?}")));
        }
    }
}

struct Asking {
    questions: mpsc::UnboundedSender<Question>,
    _controller: Controller<Client>,
}

async fn connect(root: Bytes, address: SocketAddr) -> Asking {
    let tls = ClientTls::builder(Roots::Only(vec![root])).build().unwrap();
    let config = ClientConfig::new(QuicClientTls::new(&tls, [wirelace_http3::ALPN]).unwrap());
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::new(None, &random().unwrap());
    let (driver, controller) = Driver::new(socket, endpoint, false, |_: &_| Decision::Ignore).unwrap();
    tokio::spawn(driver);
    let (questions, receiver) = mpsc::unbounded_channel();
    let client = Client {
        http: Connection::client(Limits::default(), wirelace_runtime::quic::now()),
        questions: receiver,
        held: None,
        open: HashMap::new(),
    };
    controller.connect(config, "localhost", address, Remembered::default(), client).await.unwrap().unwrap();
    Asking { questions, _controller: controller }
}

impl Asking {
    fn begin(&self, method: Method, path: &str, body: Bytes) -> oneshot::Receiver<Result<Answer, String>> {
        let mut head = RequestHead::new(method, path.to_owned()).unwrap();
        head.fields.push(FieldId::HOST, "localhost").unwrap();
        let (answer, answered) = oneshot::channel();
        assert!(self.questions.send(Question { head, body, answer }).is_ok());
        answered
    }

    async fn ask(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        within(self.begin(method, path, body.into())).await.unwrap().unwrap()
    }
}

const VERSIONS: [Version; 3] = [Version::HTTP_11, Version::HTTP_2, Version::HTTP_3];

async fn native(request: Request) -> Response {
    Response::from(format!(
        "{} {:?} {:?}",
        request.head.path(),
        request.head.version,
        request.connection().transport
    ))
}

#[tokio::test]
async fn a_native_handler_answers() {
    let trust = trust();
    let server = Server::builder(native).http_versions(VERSIONS).tls(trust.tls);
    let server = server.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = server.local_addr();
    let serving = tokio::spawn(server.run_forever());
    let client = connect(trust.root, address).await;
    let answer = client.ask(Method::GET, "/here", "").await;
    assert_eq!((answer.head.status, &answer.body[..]), (StatusCode::OK, &b"/here HTTP/3.0 Quic"[..]));
    assert!(answer.head.fields.contains(FieldId::DATE));
    let alternative = answer.head.fields.get_str(FieldId::ALT_SVC).unwrap();
    assert_eq!(alternative, format!("h3=\":{}\"; ma=86400", address.port()));
    serving.abort();
}

fn router() -> Router {
    Router::new()
        .route("/echo", post(async |body: Bytes| body))
        .route("/version", get(async |request: axum::extract::Request| format!("{:?}", request.version())))
        .route(
            "/slow",
            get(async || {
                tokio::time::sleep(Duration::from_millis(300)).await;
                "at last"
            }),
        )
}

#[tokio::test]
async fn a_tower_service_answers_many_at_once_and_takes_bodies() {
    let trust = trust();
    let server = Server::builder_tower(router()).http_versions(VERSIONS).tls(trust.tls).workers(2);
    let server = server.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = server.local_addr();
    let serving = tokio::spawn(server.run_forever());
    let client = connect(trust.root, address).await;
    let all: Vec<_> = (0..300).map(|_| client.begin(Method::GET, "/version", Bytes::new())).collect();
    for answered in all {
        let answer = within(answered).await.unwrap().unwrap();
        assert_eq!((answer.head.status, &answer.body[..]), (StatusCode::OK, &b"HTTP/3.0"[..]));
    }
    let data: Vec<u8> = (0..1_000_000_u32).map(|at| (at * 7) as u8).collect();
    let answer = client.ask(Method::POST, "/echo", data.clone()).await;
    assert!(answer.head.status == StatusCode::OK && answer.body == data, "{:?}", answer.head);
    assert_eq!(client.ask(Method::GET, "/nothing", "").await.head.status, StatusCode::NOT_FOUND);
    serving.abort();
}

#[tokio::test]
async fn shutting_down_finishes_what_runs() {
    let trust = trust();
    let server = Server::builder_tower(router()).http_versions(VERSIONS).tls(trust.tls);
    let server = server.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let client = connect(trust.root, address).await;
    assert_eq!(client.ask(Method::GET, "/version", "").await.head.status, StatusCode::OK);
    let slow = client.begin(Method::GET, "/slow", Bytes::new());
    // The request is there before the end is announced: this one comes back first.
    assert_eq!(client.ask(Method::GET, "/version", "").await.head.status, StatusCode::OK);
    stop.send(()).unwrap();
    assert_eq!(within(slow).await.unwrap().unwrap().body, "at last");
    within(serving).await.unwrap().unwrap();
}

#[test]
fn http3_is_not_spoken_without_tls() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server =
            Server::builder(native).http_versions(VERSIONS).bind(([127, 0, 0, 1], 0).into()).unwrap();
        // Nothing has taken the UDP port.
        assert!(std::net::UdpSocket::bind(server.local_addr()).is_ok());
    });
}
