//! Payloads in parts, over real sockets.
#![cfg(feature = "frame")]

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot};
use wirelace_runtime::frame::{
    Answer, Body, BodySender, Call, CallError, Caller, CallerOptions, FrameServer, FrameServerOptions,
    Request, from_fn, from_stream_fn,
};
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::session::{Form, Limits, Offer, Options};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn form(form: Offer) -> CallerOptions {
    CallerOptions { session: Options { form, ..Options::default() }, ..CallerOptions::default() }
}

/// A server whose service is `serve`, and a caller.
async fn pair<F, Fut, E>(offer: Offer, serve: F) -> Caller
where
    F: Fn(Request<Body>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, E>> + Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    let options = FrameServerOptions::default();
    let server = FrameServer::bind_streamed(LOCAL, from_stream_fn(serve), options).unwrap();
    let caller = Caller::connect(server.local_addr(), form(offer)).await.unwrap();
    tokio::spawn(server.run(pending()));
    caller
}

async fn echo(request: Request<Body>) -> Result<Answer, Infallible> {
    Ok(Answer::stream(request.payload))
}

async fn rest(mut body: Body) -> Result<Vec<u8>, CallError> {
    let mut all = Vec::new();
    while let Some(part) = body.next().await {
        all.extend_from_slice(&part?);
    }
    assert!(body.next().await.is_none());
    Ok(all)
}

#[tokio::test]
async fn parts_go_both_ways_in_both_forms() {
    for offer in [Offer::Extended, Offer::Base] {
        let caller = pair(offer, echo).await;
        let (mut sender, body) = caller.open("one ");
        for part in ["", "two ", "three "] {
            sender.send(part).await.unwrap();
        }
        // Large enough for credit to be needed.
        let large = vec![b'x'; 700_000];
        let reading = tokio::spawn(rest(body));
        sender.send(large.clone()).await.unwrap();
        sender.send("end").await.unwrap();
        sender.finish();
        let expected = [b"one two three ", &large[..], b"end"].concat();
        assert!(reading.await.unwrap().unwrap() == expected, "{offer:?}");
        // Whole calls go to the same service, empty ones too.
        assert_eq!(caller.call("whole").await.unwrap(), "whole");
        assert_eq!(caller.call("").await.unwrap(), "");
        assert_eq!(rest(caller.call_streamed("whole")).await.unwrap(), b"whole");
        let (sender, body) = caller.open("");
        sender.finish();
        assert_eq!(rest(body).await.unwrap(), b"");
    }
}

#[tokio::test]
async fn many_streams_at_once_and_very_small_parts() {
    let caller = pair(Offer::Extended, echo).await;
    let streams = (0..150_u8).map(|number| {
        let caller = caller.clone();
        tokio::spawn(async move {
            let (mut sender, body) = caller.open("");
            let reading = tokio::spawn(rest(body));
            for _ in 0..2000 {
                sender.send(vec![number]).await.unwrap();
            }
            sender.finish();
            assert_eq!(reading.await.unwrap().unwrap(), [number; 2000]);
        })
    });
    for stream in streams.collect::<Vec<_>>() {
        stream.await.unwrap();
    }
}

#[tokio::test]
async fn the_answer_may_begin_before_the_request_ends() {
    let caller = pair(Offer::Extended, async |mut request: Request<Body>| {
        Ok::<_, Infallible>(Answer::writer(async move |mut sender: BodySender| {
            sender.send("ask away").await?;
            while let Some(part) = request.payload.next().await {
                sender.send([&b"got "[..], &part?].concat()).await?;
            }
            sender.finish();
            Ok::<_, CallError>(())
        }))
    })
    .await;
    let (mut sender, mut body) = caller.open("");
    assert_eq!(body.next().await.unwrap().unwrap(), "ask away");
    for question in ["one", "two"] {
        sender.send(question).await.unwrap();
        assert_eq!(body.next().await.unwrap().unwrap(), format!("got {question}"));
    }
    sender.finish();
    assert!(body.next().await.is_none());
}

/// How far a sender has got, and how far the one that reads what it sends.
#[derive(Default)]
struct Progress {
    sent: AtomicUsize,
    read: AtomicUsize,
    most: AtomicUsize,
}

impl Progress {
    fn sent(&self, octets: usize) {
        let sent = self.sent.fetch_add(octets, Ordering::SeqCst) + octets;
        self.most.fetch_max(sent - self.read.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    fn read(&self, octets: usize) {
        self.read.fetch_add(octets, Ordering::SeqCst);
    }
}

/// Lets everybody else go on as far as they can.
async fn dawdle(turns: usize) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn sixty_four_mebibytes_each_way_never_take_more_than_the_windows() {
    const PART: usize = 16 * 1024;
    const PARTS: usize = (64 << 20) / PART;
    // What the peer may send ahead, what may wait for credit, and a part each at the two ends of the queue.
    let bound = Limits::default().exchange_window as usize + 64 * 1024 + 2 * PART;
    let (requests, answers) = (Arc::new(Progress::default()), Arc::new(Progress::default()));
    let (up, down) = (Arc::clone(&requests), Arc::clone(&answers));
    let caller = pair(Offer::Extended, move |mut request: Request<Body>| {
        let (up, down) = (Arc::clone(&up), Arc::clone(&down));
        async move {
            Ok::<_, Infallible>(Answer::writer(async move |mut sender: BodySender| {
                while let Some(part) = request.payload.next().await {
                    let part = part?;
                    up.read(part.len());
                    dawdle(20).await;
                    let octets = part.len();
                    sender.send(part).await?;
                    down.sent(octets);
                }
                sender.finish();
                Ok::<_, CallError>(())
            }))
        }
    })
    .await;
    let (mut sender, mut body) = caller.open("");
    let up = Arc::clone(&requests);
    let sending = tokio::spawn(async move {
        let part = Bytes::from(vec![7; PART]);
        for _ in 0..PARTS {
            sender.send(part.clone()).await.unwrap();
            up.sent(PART);
        }
        sender.finish();
    });
    let mut octets = 0;
    while let Some(part) = body.next().await {
        let part = part.unwrap();
        assert!(part.iter().all(|octet| *octet == 7));
        octets += part.len();
        answers.read(part.len());
        dawdle(60).await;
    }
    sending.await.unwrap();
    assert_eq!(octets, PARTS * PART);
    for progress in [requests, answers] {
        let most = progress.most.load(Ordering::SeqCst);
        // It did run ahead, and never too far.
        assert!((bound / 2..=bound).contains(&most), "{most} octets held, at most {bound}");
    }
}

#[tokio::test]
async fn a_reader_that_stops_holds_up_its_own_stream_only() {
    let caller = pair(Offer::Extended, echo).await;
    let (mut sender, stopped) = caller.open("");
    let (held_up, mut going) = mpsc::unbounded_channel();
    let sending = tokio::spawn(async move {
        for number in 0..1000 {
            sender.send(vec![0; 16 * 1024]).await?;
            let _ = held_up.send(number);
        }
        Ok::<_, CallError>(())
    });
    // It gets as far as the windows go, and others go on.
    going.recv().await.unwrap();
    for _ in 0..200 {
        assert_eq!(caller.call(vec![1; 10_000]).await.unwrap().len(), 10_000);
    }
    while going.try_recv().is_ok() {}
    assert!(!sending.is_finished());
    drop(stopped);
    assert!(matches!(sending.await.unwrap(), Err(CallError::Cancelled)));
    assert_eq!(caller.call("on").await.unwrap(), "on");
}

struct Guard(Option<oneshot::Sender<()>>);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.take().unwrap().send(());
    }
}

#[tokio::test]
async fn dropping_either_half_cancels_and_the_server_drops_what_runs() {
    for drop_sender in [true, false] {
        for writing in [true, false] {
            let (dropped, was_dropped) = oneshot::channel();
            let guard = Arc::new(Mutex::new(Some(Guard(Some(dropped)))));
            let entered = Arc::new(Notify::new());
            let notify = Arc::clone(&entered);
            let caller = pair(Offer::Extended, move |mut request: Request<Body>| {
                let (guard, notify) = (guard.lock().unwrap().take(), Arc::clone(&notify));
                async move {
                    assert_eq!(request.payload.next().await.unwrap().unwrap(), "first");
                    notify.notify_one();
                    if !writing {
                        let _guard = guard;
                        pending::<()>().await;
                        unreachable!();
                    }
                    Ok::<_, Infallible>(Answer::writer(async move |_sender: BodySender| {
                        let _guard = guard;
                        pending::<Result<(), Infallible>>().await
                    }))
                }
            })
            .await;
            let (mut sender, mut body) = caller.open("first");
            entered.notified().await;
            if drop_sender {
                drop(sender);
                assert!(matches!(body.next().await, Some(Err(CallError::Cancelled))));
                assert!(body.next().await.is_none());
            } else {
                drop(body);
                while sender.send(vec![0; 1000]).await.is_ok() {}
                assert!(matches!(sender.send("more").await, Err(CallError::Cancelled)));
            }
            was_dropped.await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_a_handler_does_wrong_ends_the_body_with_an_error() {
    let caller = pair(Offer::Extended, async |mut request: Request<Body>| {
        let what = request.payload.next().await.unwrap().unwrap();
        // The borders of parts may have moved.
        match &what[..7] {
            b"refuses" => Err("no such thing"),
            b"answers" => Ok(Answer::from("that will do")),
            b"breaks " => Ok(Answer::writer(async |mut sender: BodySender| {
                sender.send(vec![0; 300_000]).await.map_err(|_| "lost")?;
                Err("half way")
            })),
            _ => Ok(Answer::writer(async |mut sender: BodySender| {
                sender.send("some").await?;
                Ok::<_, CallError>(())
            })),
        }
    })
    .await;
    let application = |answer: Result<Vec<u8>, CallError>, expected: &str| match answer {
        Err(CallError::Peer { code: ErrorCode::APPLICATION, text }) => assert_eq!(text, expected),
        other => panic!("{other:?}"),
    };
    application(rest(caller.call_streamed("refuses")).await, "no such thing");
    application(rest(caller.call_streamed("breaks ")).await, "half way");
    let left = rest(caller.call_streamed("leaves ")).await;
    assert!(matches!(left, Err(CallError::Peer { code: ErrorCode::CANCELLED, .. })), "{left:?}");
    // Who answers early wants no more; what was sent already goes nowhere.
    let (mut sender, body) = caller.open("answers");
    while sender.send(vec![0; 10_000]).await.is_ok() {}
    let error = sender.send("more").await;
    assert!(matches!(error, Err(CallError::Answered)), "{error:?}");
    assert_eq!(rest(body).await.unwrap(), b"that will do");
    assert_eq!(caller.call("answers").await.unwrap(), "that will do");
}

#[tokio::test]
async fn a_request_that_is_not_read_passes_and_what_is_read_later_ends() {
    let (give, mut given) = mpsc::unbounded_channel();
    let (done, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let wait = Arc::clone(&release);
    let caller = pair(Offer::Extended, move |request: Request<Body>| {
        let (give, wait) = (give.clone(), Arc::clone(&wait));
        async move {
            give.send(request.payload).unwrap();
            wait.notified().await;
            Ok::<_, Infallible>(Answer::from("answered"))
        }
    })
    .await;
    // Dropped by the handler's helper: much more than the windows passes.
    let (mut sender, body) = caller.open("");
    drop(given.recv().await.unwrap());
    for _ in 0..200 {
        sender.send(vec![0; 16 * 1024]).await.unwrap();
    }
    release.notify_one();
    assert_eq!(rest(body).await.unwrap(), b"answered");
    // Kept longer than the exchange: what came can be read, then it is over.
    let (mut sender, body) = caller.open("");
    sender.send("first").await.unwrap();
    let mut kept = given.recv().await.unwrap();
    assert_eq!(kept.next().await.unwrap().unwrap(), "first");
    release.notify_one();
    assert_eq!(rest(body).await.unwrap(), b"answered");
    assert!(matches!(kept.next().await, Some(Err(CallError::Answered))));
    assert!(kept.next().await.is_none());
    drop(done);
}

#[tokio::test]
async fn what_is_too_long_for_a_frame_of_the_base_form() {
    let caller = pair(Offer::Base, async |request: Request<Body>| {
        let mut body = request.payload;
        let first = body.next().await;
        Ok::<_, Infallible>(Answer::writer(async move |mut sender: BodySender| {
            if first.is_none() {
                while sender.send(vec![0; 60_000]).await.is_ok() {}
            }
            sender.send("short").await?;
            sender.finish();
            Ok::<_, CallError>(())
        }))
    })
    .await;
    let (mut sender, body) = caller.open("");
    let error = loop {
        if let Err(error) = sender.send(vec![0; 60_000]).await {
            break error;
        }
    };
    assert!(matches!(error, CallError::RequestTooLong { limit: 1_048_576, .. }), "{error:?}");
    assert!(matches!(rest(body).await, Err(CallError::RequestTooLong { limit: 1_048_576, .. })));
    let long = rest(caller.call_streamed("")).await;
    assert!(
        matches!(&long, Err(CallError::Peer { text, .. }) if text == "the answer is longer than 1048576 octets"),
        "{long:?}"
    );
    assert_eq!(rest(caller.call_streamed("x")).await.unwrap(), b"short");
}

#[tokio::test]
async fn a_connection_that_is_lost_ends_both_halves() {
    let listener = TcpListener::bind(LOCAL).await.unwrap();
    let caller = Caller::connect(listener.local_addr().unwrap(), form(Offer::Extended)).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let (mut sender, mut body) = caller.open("waits");
    let mut timed = caller.open(Call::new("").timeout(std::time::Duration::from_millis(20))).1;
    assert!(matches!(timed.next().await, Some(Err(CallError::Cancelled | CallError::Timeout))));
    drop(stream);
    // Nothing of it was sent.
    assert!(matches!(body.next().await, Some(Err(CallError::Refused))));
    assert!(matches!(sender.send("more").await, Err(CallError::Refused)));
    assert!(caller.is_closed());
    let (mut sender, mut body) = caller.open("late");
    assert!(matches!(body.next().await, Some(Err(CallError::Refused))));
    assert!(sender.send("more").await.is_err());
    assert!(matches!(caller.ping().await, Err(CallError::Refused)));
}

#[tokio::test]
async fn pings_messages_and_the_form() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let service = from_fn(move |request: Request| {
        let tell = tell.clone();
        async move {
            assert!(request.one_way);
            tell.send(request.payload).unwrap();
            Ok::<_, Infallible>(Bytes::new())
        }
    });
    let server = FrameServer::bind(LOCAL, service, FrameServerOptions::default()).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    let caller = Caller::connect(address, form(Offer::Extended)).await.unwrap();
    assert!(matches!(caller.form().await, Ok(Form::Extended { checksum: false })));
    let (one, two) = tokio::join!(caller.ping(), caller.ping());
    assert_eq!(one.unwrap(), two.unwrap());
    // More than the window takes at once.
    for number in 0..2000_u32 {
        caller.send_message(vec![number as u8; 2000]).await.unwrap();
    }
    for number in 0..2000_u32 {
        assert_eq!(told.recv().await.unwrap(), vec![number as u8; 2000]);
    }
    let long = caller.send_message(vec![0; 600_000]).await;
    assert!(matches!(long, Err(CallError::RequestTooLong { length: 600_000, .. })), "{long:?}");
    let base = Caller::connect(address, form(Offer::Base)).await.unwrap();
    assert!(matches!(base.form().await, Ok(Form::Base)));
    base.ping().await.unwrap();
    let error = base.send_message("not there").await.unwrap_err();
    assert!(matches!(error, CallError::Unsupported(_)));
    assert_eq!(error.to_string(), "the base form has no messages");
}
