//! Calls over real sockets and in memory.
#![cfg(feature = "frame")]

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use wirelace_runtime::frame::{
    Call, CallError, Caller, CallerOptions, FrameServer, FrameServerOptions, Request, from_fn,
};
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::session::{Offer, Options};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn echo(request: Request) -> Result<Bytes, Infallible> {
    Ok(request.payload)
}

fn start_echo(options: FrameServerOptions) -> SocketAddr {
    let server = FrameServer::bind(LOCAL, from_fn(echo), options).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    address
}

fn form(form: Offer) -> CallerOptions {
    CallerOptions { session: Options { form, ..Options::default() }, ..CallerOptions::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_call_at_once_in_both_forms() {
    let address = start_echo(FrameServerOptions::default());
    for offer in [Offer::Base, Offer::Extended] {
        let caller = Caller::connect(address, form(offer)).await.unwrap();
        let tasks = (0..50u32).map(|task| {
            let caller = caller.clone();
            tokio::spawn(async move {
                for call in 0..200u32 {
                    let text = format!("{task} {call} {}", "x".repeat(call as usize));
                    assert_eq!(caller.call(text.clone()).await.unwrap(), text);
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }
}

#[tokio::test]
async fn large_payloads_come_and_go_in_parts() {
    let address = start_echo(FrameServerOptions::default());
    let caller = Caller::connect(address, form(Offer::Extended)).await.unwrap();
    let large: Bytes = (0..10_000_000u32).map(|octet| (octet % 251) as u8).collect::<Vec<_>>().into();
    let (one, two) = tokio::join!(caller.call(large.clone()), caller.call("small"));
    assert!(one.unwrap() == large);
    assert_eq!(two.unwrap(), "small");
    let too_large = caller.call(vec![0; 17 << 20]).await;
    assert!(
        matches!(too_large, Err(CallError::Peer { code: ErrorCode::FRAME_TOO_LONG, .. })),
        "{too_large:?}"
    );
    let base = Caller::connect(address, form(Offer::Base)).await.unwrap();
    let too_large = base.call(vec![0; 2 << 20]).await;
    assert!(matches!(too_large, Err(CallError::RequestTooLong { limit: 1_048_576, .. })), "{too_large:?}");
    assert_eq!(base.call(vec![7; 1 << 20]).await.unwrap(), vec![7; 1 << 20]);
    let small = CallerOptions { max_response: 10, ..form(Offer::Extended) };
    let caller = Caller::connect(address, small).await.unwrap();
    let answer = caller.call("more than ten octets").await;
    assert!(matches!(answer, Err(CallError::ResponseTooLong { limit: 10 })), "{answer:?}");
    assert_eq!(caller.call("ten octets").await.unwrap(), "ten octets");
}

#[tokio::test]
async fn a_slow_handler_holds_up_nobody_and_is_dropped_when_its_caller_leaves() {
    struct Guard(Option<oneshot::Sender<()>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let (dropped, was_dropped) = oneshot::channel();
    let entered = Arc::new(Notify::new());
    let guard = Arc::new(std::sync::Mutex::new(Some(Guard(Some(dropped)))));
    let notify = Arc::clone(&entered);
    let service = from_fn(move |request: Request| {
        let (guard, notify) = (Arc::clone(&guard), Arc::clone(&notify));
        async move {
            if request.payload == "slow" {
                let _guard = guard.lock().unwrap().take();
                notify.notify_one();
                pending::<()>().await;
            }
            if request.payload == "bad" { Err("no such thing") } else { Ok(request.payload) }
        }
    });
    let server = FrameServer::bind(LOCAL, service, FrameServerOptions::default()).unwrap();
    let caller = Caller::connect(server.local_addr(), form(Offer::Extended)).await.unwrap();
    tokio::spawn(server.run(pending()));
    let slow = caller.clone();
    let slow = tokio::spawn(async move { slow.call("slow").await });
    entered.notified().await;
    assert_eq!(caller.call("quick").await.unwrap(), "quick");
    let bad = caller.call("bad").await;
    assert!(
        matches!(&bad, Err(CallError::Peer { code: ErrorCode::APPLICATION, text }) if text == "no such thing"),
        "{bad:?}"
    );
    slow.abort();
    was_dropped.await.unwrap();
    let timeout = Call::new("slow").timeout(Duration::from_millis(50));
    let late = caller.call(timeout).await;
    assert!(matches!(late, Err(CallError::Timeout)), "{late:?}");
}

#[tokio::test]
async fn a_peer_that_knows_only_the_base_form() {
    let listener = TcpListener::bind(LOCAL).await.unwrap();
    let address = listener.local_addr().unwrap();
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut kinds = Vec::new();
        loop {
            let mut header = [0; 6];
            if stream.read_exact(&mut header).await.is_err() {
                return kinds;
            }
            let mut payload =
                vec![0; u32::from_be_bytes([header[2], header[3], header[4], header[5]]) as usize];
            stream.read_exact(&mut payload).await.unwrap();
            kinds.push(header[1]);
            // A heartbeat is answered as it is, a request with its octets turned around.
            payload.reverse();
            let kind = if header[1] == 1 { 1 } else { 3 };
            let answer = [&[10, kind, 0, 0, 0, payload.len() as u8][..], &payload].concat();
            stream.write_all(&answer).await.unwrap();
        }
    });
    let caller = Caller::connect(address, form(Offer::Extended)).await.unwrap();
    let (one, two) = tokio::join!(caller.call("abc"), caller.call("xyz"));
    assert_eq!((&one.unwrap()[..], &two.unwrap()[..]), (&b"cba"[..], &b"zyx"[..]));
    drop(caller);
    assert_eq!(peer.await.unwrap(), [1, 2, 2]);
}

#[tokio::test]
async fn a_raw_client_of_the_base_form_may_half_close() {
    let address = start_echo(FrameServerOptions::default());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"\x0a\x02\0\0\0\x05hello\x0a\x01\0\0\0\0\x0a\x09\0\0\0\0").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(
        answer,
        b"\x0a\x03\0\0\0\x05hello\x0a\x01\0\0\0\0\x0a\x04\0\0\0\x1aframe type 0x09 is unknown"
    );
}

#[tokio::test]
async fn a_server_that_goes_lets_what_runs_finish() {
    let (go, may_go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (entered, release) = (Arc::clone(&go), Arc::clone(&may_go));
    let service = from_fn(move |request: Request| {
        let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
        async move {
            entered.notify_one();
            release.notified().await;
            Ok::<_, Infallible>(request.payload)
        }
    });
    let server = FrameServer::bind(LOCAL, service, FrameServerOptions::default()).unwrap();
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let caller = Caller::connect(address, form(Offer::Extended)).await.unwrap();
    let call = caller.clone();
    let call = tokio::spawn(async move { call.call("last").await });
    go.notified().await;
    stop.send(()).unwrap();
    may_go.notify_one();
    assert_eq!(call.await.unwrap().unwrap(), "last");
    server.await.unwrap().unwrap();
    assert!(caller.call("too late").await.is_err());
    let refused = Caller::connect(address, CallerOptions::default()).await;
    assert!(matches!(refused, Err(CallError::Connect(_))));
}
