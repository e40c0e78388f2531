//! `quic-bulk [MEBIBYTES [REQUESTS]]`: a server and a client on loopback, a thread each. The client fetches one stream of
//! that size, then makes small requests on streams of their own, 32 at once. Prints what each side needs of the CPU.

use std::net::UdpSocket;
use std::sync::Arc;
use std::task::Context;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use rcgen::{CertificateParams, KeyPair};
use wirelace_runtime::Step;
use wirelace_runtime::quic::quic_lite::tls::quic::{QuicClientTls, QuicServerTls, ResetKey, TokenKeys};
use wirelace_runtime::quic::quic_lite::tls::{CertificateStore, ClientTls, Identity, Roots, ServerTls};
use wirelace_runtime::quic::quic_lite::{
    ClientConfig, CloseReason, Connection, Direction, Endpoint, Event, Limits, Remembered, ServerConfig,
    StreamId,
};
use wirelace_runtime::quic::{Application, Decision, Driver};

const PIECE: usize = 256 * 1024;

fn seed() -> [u8; 32] {
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&nanos.to_be_bytes());
    seed
}

/// Nanoseconds that this thread has run.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0)
}

/// Answers a request of eight octets, a length, with so many.
struct Source {
    piece: Bytes,
    sending: Vec<(StreamId, usize)>,
}

impl Source {
    fn send(&mut self, connection: &mut Connection) {
        let piece = &self.piece;
        self.sending.retain_mut(|(stream, left)| {
            while connection.capacity(*stream) > 0 {
                let some = (*left).min(piece.len());
                *left -= some;
                if connection.write(*stream, piece.slice(..some), *left == 0).is_err() || *left == 0 {
                    return false;
                }
            }
            true
        });
    }
}

impl Application for Source {
    fn on_event(&mut self, _: &mut Context<'_>, connection: &mut Connection, event: Event, _: Instant) {
        match event {
            Event::Readable { stream } => {
                while let Ok(Some(chunk)) = connection.read(stream, usize::MAX) {
                    connection.consumed(stream, chunk.data.len());
                    if let Ok(length) = chunk.data[..].try_into() {
                        self.sending.push((stream, u64::from_be_bytes(length) as usize));
                    }
                }
                self.send(connection);
            }
            Event::Writable { .. } => self.send(connection),
            _ => {}
        }
    }

    fn poll(&mut self, _: &mut Context<'_>, _: &mut Connection, _: Instant) -> Step {
        Step::Wait
    }

    fn shut_down(&mut self, connection: &mut Connection, now: Instant) {
        connection.close(now, 0, b"");
    }

    fn on_close(&mut self, _: Option<&CloseReason>) {}
}

struct Fetch {
    bulk: u64,
    requests: usize,
    open: usize,
    begun: bool,
    got: u64,
    started: (Instant, u64),
}

impl Fetch {
    fn ask(&mut self, connection: &mut Connection, octets: u64) {
        let Some(stream) = connection.open(Direction::Bidirectional) else { return };
        let request = Bytes::copy_from_slice(&octets.to_be_bytes());
        connection.write(stream, request, true).expect("a new stream has room");
        self.open += 1;
    }

    fn finished(&mut self, connection: &mut Connection, now: Instant) {
        self.open -= 1;
        if self.bulk > 0 {
            let (wall, cpu_now) = (self.started.0.elapsed().as_secs_f64(), cpu() - self.started.1);
            let gib = self.bulk as f64 / (1 << 30) as f64;
            println!(
                "bulk: {:.0} MB/s, client {:.2} CPU-s/GiB",
                self.bulk as f64 / 1e6 / wall,
                cpu_now as f64 / 1e9 / gib
            );
            println!("{:?}", connection.stats());
            self.bulk = 0;
            self.started = (Instant::now(), cpu());
        }
        while self.open < 32 && self.requests > 0 {
            self.requests -= 1;
            self.ask(connection, 64);
        }
        if self.open == 0 && self.requests == 0 {
            connection.close(now, 0, b"");
        }
    }
}

impl Application for Fetch {
    fn on_event(&mut self, _: &mut Context<'_>, connection: &mut Connection, event: Event, now: Instant) {
        match event {
            Event::Complete(_) if !self.begun => {
                self.begun = true;
                self.started = (now, cpu());
                self.ask(connection, self.bulk);
            }
            Event::Readable { stream } => {
                while let Ok(Some(chunk)) = connection.read(stream, usize::MAX) {
                    self.got += chunk.data.len() as u64;
                    connection.consumed(stream, chunk.data.len());
                    if chunk.fin {
                        self.finished(connection, now);
                    }
                }
            }
            Event::Closed(reason) => println!("{reason}"),
            _ => {}
        }
    }

    fn poll(&mut self, _: &mut Context<'_>, _: &mut Connection, _: Instant) -> Step {
        Step::Wait
    }

    fn shut_down(&mut self, connection: &mut Connection, now: Instant) {
        connection.close(now, 0, b"");
    }

    fn on_close(&mut self, reason: Option<&CloseReason>) {
        println!("closed: {reason:?}");
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let bulk = arguments.next().unwrap_or(256) << 20;
    let requests = arguments.next().unwrap_or(100_000);
    let key = KeyPair::generate().expect("a key");
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).and_then(|params| params.self_signed(&key));
    let der = Bytes::from(certificate.expect("a certificate").der().to_vec());
    let identity = Identity::from_der(vec![der.clone()], &key.serialize_der()).expect("an identity");
    let mut limits = Limits::default();
    limits.data_window = 16 << 20;
    limits.stream_window = 8 << 20;
    let limits = Arc::new(limits);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("it is bound");
    let server_limits = Arc::clone(&limits);
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        let tls = ServerTls::builder(CertificateStore::new(vec![identity])).build().expect("TLS");
        let tls = QuicServerTls::new(&tls, ["bulk"]).expect("TLS 1.3");
        let mut config =
            ServerConfig::new(tls, Arc::new(TokenKeys::new(&seed())), Arc::new(ResetKey::new(&seed())));
        config.limits = server_limits;
        let endpoint = Endpoint::new(Some(config), &seed());
        run(async move {
            let piece = Bytes::from(vec![7; PIECE]);
            let accept = |_: &_| Decision::Accept(Source { piece: piece.clone(), sending: Vec::new() });
            let (driver, controller) = Driver::new(socket, endpoint, true, accept).expect("a socket");
            let before = cpu();
            let ending = async {
                let _ = ended.await;
                controller.shut_down();
            };
            let (served, ()) = tokio::join!(driver, ending);
            served.expect("no error");
            println!("server: {:.3} CPU-s", (cpu() - before) as f64 / 1e9);
        });
    });
    let roots = Roots::Only(vec![der]);
    let tls = ClientTls::builder(roots).build().expect("TLS");
    let mut config = ClientConfig::new(QuicClientTls::new(&tls, ["bulk"]).expect("TLS 1.3"));
    config.limits = limits;
    let started = (Instant::now(), 0);
    let begin = Instant::now();
    let before = cpu();
    run(async move {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let endpoint = Endpoint::new(None, &seed());
        let (driver, controller) =
            Driver::new(socket, endpoint, false, |_: &_| Decision::Ignore).expect("a socket");
        let fetch = Fetch { bulk, requests: requests as usize, open: 0, begun: false, got: 0, started };
        let connecting = async move {
            controller
                .connect(config, "localhost", address, Remembered::default(), fetch)
                .await
                .expect("it runs")
                .expect("valid");
        };
        let (ended, ()) = tokio::join!(driver, connecting);
        ended.expect("no error");
    });
    println!(
        "all: {:.2} s, client {:.3} CPU-s",
        begin.elapsed().as_secs_f64(),
        (cpu() - before) as f64 / 1e9
    );
    let _ = end.send(());
    server.join().expect("the server");
}

fn run(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future);
}
