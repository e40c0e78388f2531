//! Clients that begin a handshake and do not go on. The clock stands still: nothing ends before it is moved on.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use wirelace_server::{Request, Response, Server};

use crate::support::start;
use crate::world::{Authority, NAME, dial};

/// A record that announces 512 octets, and fewer than those of a ClientHello in it.
fn half_hello() -> Vec<u8> {
    let mut octets = vec![22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    octets.resize(250, 7);
    octets
}

/// Tokio moves a clock that stands still when there is nothing to do, and takes sockets for nothing; while a thread
/// blocks it does not.
struct Still(Option<oneshot::Sender<()>>);

impl Still {
    fn new() -> Still {
        let (end, ended) = oneshot::channel();
        tokio::task::spawn_blocking(move || ended.blocking_recv());
        tokio::time::pause();
        Still(Some(end))
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        let _ = self.0.take().unwrap().send(());
    }
}

async fn hello(_: Request) -> Response {
    Response::from("hello")
}

/// Connects and begins.
async fn begin(address: SocketAddr) -> TcpStream {
    let mut io = TcpStream::connect(address).await.unwrap();
    io.write_all(&half_hello()).await.unwrap();
    io
}

/// It may be reset before it is known here that it was there.
async fn connect(address: SocketAddr) -> Result<TcpStream, ()> {
    TcpStream::connect(address).await.map_err(|error| assert_eq!(error.kind(), ErrorKind::ConnectionReset))
}

/// The process may have so many files open; fewer, if it may not.
#[cfg(not(unix))]
fn files(wanted: u64) -> u64 {
    wanted
}

#[cfg(unix)]
fn files(wanted: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return wanted;
    }
    let most = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    match setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum }) {
        Ok(()) => most,
        Err(_) => current.unwrap_or(wanted),
    }
}

#[tokio::test]
async fn a_thousand_of_them_are_in_nobodys_way() {
    // Both ends of each, and some for others.
    let count = usize::try_from((files(2_100) - 100) / 2).unwrap();
    if count < 1_000 {
        eprintln!("NOT FULLY TESTED: only {count} connections are possible with the limit on open files");
    }
    let _still = Still::new();
    let authority = Authority::new("root");
    let timeout = Duration::from_secs(10);
    let tls = authority.server().handshake_timeout(Some(timeout)).build().unwrap();
    let server = start(Server::builder(hello).tls(tls).max_handshakes(count + 1));
    let mut slow = Vec::new();
    for _ in 0..count {
        slow.push(begin(server.address).await);
    }
    let tls = authority.client().sessions(0).build().unwrap();
    let mut served = dial(server.address, &tls).await;
    assert_eq!(served.get("/").await.text(), "hello");
    // Connections are accepted in the order they came.
    assert_eq!((server.tracker.open(), server.tracker.accepted()), (count + 1, count as u64 + 1));

    tokio::time::advance(timeout - Duration::from_millis(1)).await;
    assert_eq!(dial(server.address, &tls).await.get("/").await.text(), "hello");
    assert!(server.tracker.open() > count);
    tokio::time::advance(Duration::from_millis(2)).await;
    for mut io in slow {
        // Whether they are told in an alert or not, it is the end.
        let _ = io.read_to_end(&mut Vec::new()).await;
    }
    // Those after the handshake are still there.
    assert_eq!(served.get("/").await.text(), "hello");
    assert_eq!(dial(server.address, &tls).await.get("/").await.text(), "hello");
    drop(served);
    server.tracker.drained().await;
    server.stop().await;
}

#[tokio::test]
async fn more_than_are_allowed_are_reset() {
    let _still = Still::new();
    let authority = Authority::new("root");
    // In any order.
    let builder = Server::builder(hello).max_handshakes(3).tls(authority.server().build().unwrap());
    let server = start(builder);
    let tls = authority.client().sessions(0).build().unwrap();
    let mut served = dial(server.address, &tls).await;
    assert_eq!(served.get("/").await.text(), "hello");
    let mut slow = Vec::new();
    for _ in 0..3 {
        slow.push(begin(server.address).await);
    }
    for _ in 0..20 {
        let Ok(mut io) = connect(server.address).await else { continue };
        let error = io.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    // Connections after their handshake are not among them.
    assert_eq!(served.get("/").await.text(), "hello");
    // One that ends makes room for another.
    drop(slow.pop());
    loop {
        let Ok(io) = connect(server.address).await else { continue };
        if wirelace_runtime::tls::connect(io, &tls, NAME).await.is_ok() {
            break;
        }
    }
    drop((slow, served));
    server.tracker.drained().await;
    server.stop().await;
}

#[tokio::test]
async fn a_hello_without_end_is_refused() {
    let _still = Still::new();
    let authority = Authority::new("root");
    let server = start(Server::builder(hello).tls(authority.server().build().unwrap()));
    let mut io = TcpStream::connect(server.address).await.unwrap();
    // A handshake message of 16 MiB, in records of 16 KiB.
    let mut record = vec![22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff];
    record.resize(5 + 0x4000, 0);
    let (mut reading, mut writing) = io.split();
    let sent = async {
        let mut sent = 0;
        while writing.write_all(&record).await.is_ok() && sent < 1024 {
            sent += 1;
            record[5..9].fill(0);
        }
        sent
    };
    let mut answer = Vec::new();
    let (sent, _) = tokio::join!(sent, reading.read_to_end(&mut answer));
    assert!(sent < 1024, "all of it was taken");
    server.tracker.drained().await;
    server.stop().await;
}
