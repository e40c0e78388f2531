//! A server under test, and a client that sends exactly the bytes it is given.
#![allow(dead_code, unreachable_pub)]

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use wirelace_server::{Builder, Serve, Tracker};

pub fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A running server.
pub struct Running {
    pub address: SocketAddr,
    pub tracker: Tracker,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

pub fn start<S: Serve>(builder: Builder<S>) -> Running {
    let server = builder.bind(loopback()).unwrap();
    let (stop, stopped) = oneshot::channel();
    let (address, tracker) = (server.local_addr(), server.tracker());
    let task = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    Running { address, tracker, stop: Some(stop), task }
}

impl Running {
    pub async fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).await.unwrap())
    }

    /// Asks the server to stop.
    pub fn begin_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits until the server has stopped.
    pub async fn stopped(self) {
        self.task.await.unwrap().unwrap();
    }

    pub async fn stop(mut self) {
        self.begin_stop();
        self.stopped().await;
    }
}

pub struct Client<IO = TcpStream> {
    pub io: IO,
    /// Received and not yet taken.
    seen: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Lower-case names.
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, String)>,
}

impl Answer {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Client<IO> {
    pub fn new(io: IO) -> Client<IO> {
        Client { io, seen: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.io.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads more; false at the end.
    async fn more(&mut self) -> bool {
        self.io.read_buf(&mut self.seen).await.unwrap() > 0
    }

    /// The next bytes up to and with `end`.
    pub async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.seen.windows(end.len()).position(|window| window == end.as_bytes()) {
                let taken: Vec<u8> = self.seen.drain(..at + end.len()).collect();
                return String::from_utf8(taken).unwrap();
            }
            assert!(self.more().await, "closed before {end:?}: {:?}", self.seen.escape_ascii().to_string());
        }
    }

    pub async fn exactly(&mut self, len: usize) -> Vec<u8> {
        while self.seen.len() < len {
            assert!(self.more().await, "closed after {} of {len} bytes", self.seen.len());
        }
        self.seen.drain(..len).collect()
    }

    /// At least one byte.
    pub async fn some(&mut self) -> Vec<u8> {
        if self.seen.is_empty() {
            assert!(self.more().await, "closed");
        }
        std::mem::take(&mut self.seen)
    }

    /// All that comes until the server closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.seen)
    }

    pub async fn head(&mut self) -> Answer {
        let head = self.until("\r\n\r\n").await;
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap();
        assert!(status_line.starts_with("HTTP/1.1 "), "{status_line}");
        let status = status_line[9..12].parse().unwrap();
        Answer { status, fields: fields(lines), body: Vec::new(), trailers: Vec::new() }
    }

    /// A response to a method other than HEAD.
    pub async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        if answer.status < 200 || answer.status == 204 || answer.status == 304 {
            return answer;
        }
        if let Some(length) = answer.field("content-length") {
            assert_eq!(answer.field("transfer-encoding"), None);
            answer.body = self.exactly(length.parse().unwrap()).await;
        } else if answer.field("transfer-encoding") == Some("chunked") {
            loop {
                let size = self.until("\r\n").await;
                let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
                if size == 0 {
                    break;
                }
                answer.body.extend(self.exactly(size).await);
                assert_eq!(self.exactly(2).await, b"\r\n");
            }
            loop {
                let line = self.until("\r\n").await;
                if line == "\r\n" {
                    break;
                }
                answer.trailers.extend(fields([line.trim_end()].into_iter()));
            }
        } else {
            answer.body = self.rest().await;
        }
        answer
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        self.answer().await
    }
}

fn fields<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        })
        .collect()
}

/// Tells when it is dropped.
pub struct DropGuard(pub Arc<Notify>);

impl Drop for DropGuard {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}
