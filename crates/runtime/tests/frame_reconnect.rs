//! Callers that connect again, over real sockets; waiting times under a stopped clock.
#![cfg(feature = "frame")]

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use wirelace_runtime::frame::{
    Call, CallError, Caller, CallerOptions, FrameServer, FrameServerOptions, ReconnectOptions,
    ReconnectingCaller, Request, from_fn,
};
use wirelace_runtime::{Application, Connection, DriverOptions, Outcome, Step};
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::session::{Event, Limits, Offer, Options, Session};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Waits that make tests short.
fn quick() -> ReconnectOptions {
    ReconnectOptions {
        initial: Duration::from_millis(2),
        max: Duration::from_millis(10),
        ..Default::default()
    }
}

fn form(form: Offer) -> CallerOptions {
    CallerOptions { session: Options { form, ..Options::default() }, ..CallerOptions::default() }
}

/// Connects to where the server is now, and counts.
fn moving(options: CallerOptions) -> (ReconnectingCaller, Arc<Mutex<Option<SocketAddr>>>, Arc<AtomicUsize>) {
    let place: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
    let tries = Arc::new(AtomicUsize::new(0));
    let (at, count, timeout) = (Arc::clone(&place), Arc::clone(&tries), options.timeout);
    let connect = move || {
        let (address, options) = (*at.lock().unwrap(), options.clone());
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            match address {
                Some(address) => Caller::connect(address, options).await,
                None => Err(CallError::Connect(Arc::new(io::ErrorKind::ConnectionRefused.into()))),
            }
        }
    };
    (ReconnectingCaller::with_connector(connect, timeout, quick()), place, tries)
}

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Answers with `name`; calls that say "wait" are held until `go` has a permit for them.
    fn start(
        name: &'static str,
        exchanges: u32,
        grace: Duration,
        entered: &Arc<Semaphore>,
        go: &Arc<Semaphore>,
    ) -> Running {
        let (entered, go) = (Arc::clone(entered), Arc::clone(go));
        let service = from_fn(move |request: Request| {
            let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
            async move {
                entered.add_permits(1);
                if request.payload == "wait" {
                    go.acquire().await.unwrap().forget();
                }
                Ok::<_, Infallible>(Bytes::from(name))
            }
        });
        let limits = Limits { exchanges, ..Limits::default() };
        let session = Options { limits, ..Options::default() };
        let options = FrameServerOptions { session, grace, ..FrameServerOptions::default() };
        let server = FrameServer::bind(LOCAL, service, options).unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Running { address, stop, server }
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        self.server.await.unwrap().unwrap();
    }
}

fn gates() -> (Arc<Semaphore>, Arc<Semaphore>) {
    (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)))
}

#[tokio::test]
async fn it_connects_for_the_first_call_and_again_when_the_server_is_back() {
    let (entered, go) = gates();
    let (caller, place, tries) = moving(form(Offer::Extended));
    assert_eq!(tries.load(Ordering::SeqCst), 0);
    let early = caller.clone();
    let early = tokio::spawn(async move { early.call("early").await });
    while tries.load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
    for name in ["first", "second", "third"] {
        let server = Running::start(name, 128, Duration::ZERO, &entered, &go);
        *place.lock().unwrap() = Some(server.address);
        assert_eq!(caller.call("hello").await.unwrap(), name);
        let before = tries.load(Ordering::SeqCst);
        assert_eq!(caller.call("hello").await.unwrap(), name);
        caller.caller().await.unwrap().ping().await.unwrap();
        assert_eq!(tries.load(Ordering::SeqCst), before, "one connection for all");
        *place.lock().unwrap() = None;
        server.end().await;
    }
    assert_eq!(early.await.unwrap().unwrap(), "first");
    let call = Call::new("nobody").timeout(Duration::from_millis(30));
    let error = caller.call(call).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable(_)), "{error:?}");
    assert_eq!(error.to_string(), "no answer in time: nobody listens there");
}

#[tokio::test]
async fn over_tcp_by_address() {
    let (entered, go) = gates();
    let server = Running::start("here", 128, Duration::ZERO, &entered, &go);
    let caller = ReconnectingCaller::new(server.address, CallerOptions::default(), quick());
    assert_eq!(caller.call("hello").await.unwrap(), "here");
    let caller = ReconnectingCaller::new(server.address.to_string(), CallerOptions::default(), quick());
    assert_eq!(caller.call("hello").await.unwrap(), "here");
}

#[tokio::test]
async fn a_server_that_goes_finishes_what_runs_and_new_calls_go_to_the_next() {
    let (entered, go) = gates();
    let old = Running::start("old", 128, Duration::from_secs(10), &entered, &go);
    let new = Running::start("new", 128, Duration::from_secs(10), &entered, &go);
    let (caller, place, _) = moving(form(Offer::Extended));
    *place.lock().unwrap() = Some(old.address);
    let slow = caller.clone();
    let slow = tokio::spawn(async move { slow.call("wait").await });
    entered.acquire().await.unwrap().forget();
    let connection = caller.caller().await.unwrap();
    *place.lock().unwrap() = Some(new.address);
    old.stop.send(()).unwrap();
    // Whether or not the GOAWAY is there already: what the old one refuses is made again.
    while caller.call("hello").await.unwrap() != "new" {}
    assert!(connection.is_closed());
    drop(connection);
    go.add_permits(1);
    assert_eq!(slow.await.unwrap().unwrap(), "old");
    // Nobody holds the old connection any more, so it ends before its time.
    old.server.await.unwrap().unwrap();
    assert_eq!(caller.call("hello").await.unwrap(), "new");
}

#[tokio::test]
async fn of_calls_that_were_half_sent_those_that_were_not_are_made_again() {
    for (offer, idempotent) in [(Offer::Extended, false), (Offer::Extended, true), (Offer::Base, false)] {
        let (entered, go) = gates();
        // Four run, and four wait for room.
        let old = Running::start("old", 4, Duration::ZERO, &entered, &go);
        let new = Running::start("new", 4, Duration::from_secs(10), &entered, &go);
        let mut options = form(offer);
        options.session.limits.exchanges = 4;
        let (caller, place, _) = moving(options);
        *place.lock().unwrap() = Some(old.address);
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let caller = caller.clone();
                let call = Call::new("wait").idempotent(idempotent);
                tokio::spawn(async move { caller.call(call).await })
            })
            .collect();
        entered.acquire_many(4).await.unwrap().forget();
        *place.lock().unwrap() = Some(new.address);
        old.end().await;
        go.add_permits(8);
        let (mut answered, mut lost) = (0, 0);
        for call in calls {
            match call.await.unwrap() {
                Ok(answer) => {
                    assert_eq!(answer, "new");
                    answered += 1;
                }
                Err(CallError::Lost(_)) => lost += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!((answered, lost), if idempotent { (8, 0) } else { (4, 4) }, "{offer:?}");
    }
}

#[tokio::test]
async fn a_call_that_may_have_been_processed_is_not_made_again() {
    let listener = TcpListener::bind(LOCAL).await.unwrap();
    let (caller, place, tries) = moving(form(Offer::Base));
    *place.lock().unwrap() = Some(listener.local_addr().unwrap());
    let peer = tokio::spawn(async move {
        let mut requests = Vec::new();
        for connection in 0..4 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 10];
            stream.read_exact(&mut request).await.unwrap();
            requests.push(request[6..].to_vec());
            if connection == 3 {
                stream.write_all(b"\x0a\x03\0\0\0\x04done").await.unwrap();
                // Until the other side closes.
                let _ = stream.read(&mut request).await;
            }
        }
        requests
    });
    let error = caller.call("once").await;
    assert!(matches!(error, Err(CallError::Lost(_))), "{error:?}");
    // Lost twice, then answered.
    assert_eq!(caller.call(Call::new("more").idempotent(true)).await.unwrap(), "done");
    drop(caller);
    assert_eq!(peer.await.unwrap(), [b"once", b"more", b"more", b"more"]);
    assert_eq!(tries.load(Ordering::SeqCst), 4);
}

/// Refuses the first requests, and answers the next.
struct Refuser(usize);

impl Application<Session> for Refuser {
    fn on_event(&mut self, _: &mut Context<'_>, session: &mut Session, event: Event, _: std::time::Instant) {
        if let Event::Request { id, .. } = event {
            if self.0 > 0 {
                self.0 -= 1;
                session.respond_error(id, ErrorCode::REFUSED, "not now").unwrap();
            } else {
                session.respond(id, Bytes::from_static(b"now"), true).unwrap();
            }
        }
    }

    fn poll(&mut self, _: &mut Context<'_>, _: &mut Session, _: std::time::Instant) -> Step {
        Step::Wait
    }

    fn shut_down(&mut self, _: &mut Session, _: std::time::Instant) {}

    fn on_close(&mut self, _: Outcome<wirelace_wire_codec::session::Error>) {}
}

#[tokio::test(start_paused = true)]
async fn what_a_server_refuses_is_made_again_after_a_while_on_the_same_connection() {
    let refused = 5;
    let connect = move || async move {
        let (near, far) = tokio::io::duplex(1024);
        let session = Session::acceptor(Options::default(), Instant::now().into_std());
        tokio::spawn(Connection::new(far, session, Refuser(refused), DriverOptions::default(), None));
        let (caller, connection) = Caller::over(near, CallerOptions::default());
        tokio::spawn(connection);
        Ok(caller)
    };
    let caller = ReconnectingCaller::with_connector(connect, None, ReconnectOptions::default());
    let start = Instant::now();
    assert_eq!(caller.call("please").await.unwrap(), "now");
    // 100, 200, 400, 800 and 1600 ms, or down to half of that.
    let took = start.elapsed();
    assert!((Duration::from_millis(1550)..Duration::from_millis(3120)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn waits_grow_up_to_their_limit_and_end_with_the_call() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let connect = move || {
        tell.send(Instant::now()).unwrap();
        async { Err(CallError::Connect(Arc::new(io::ErrorKind::ConnectionRefused.into()))) }
    };
    let caller = ReconnectingCaller::with_connector(connect, None, ReconnectOptions::default());
    let start = Instant::now();
    let calls = [10, 600].map(|seconds| {
        let caller = caller.clone();
        tokio::spawn(async move {
            let call = Call::new("nobody").timeout(Duration::from_secs(seconds));
            (caller.call(call).await, Instant::now())
        })
    });
    for (call, seconds) in calls.into_iter().zip([10, 600]) {
        let (answer, at) = call.await.unwrap();
        assert!(matches!(answer, Err(CallError::Unreachable(_))), "{answer:?}");
        let late = at - start - Duration::from_secs(seconds);
        assert!(late <= Duration::from_millis(2), "{late:?}");
    }
    let mut tries = Vec::new();
    while let Ok(at) = told.try_recv() {
        tries.push(at);
    }
    let waits: Vec<Duration> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (number, wait) in waits.iter().enumerate() {
        let most = Duration::from_millis(100 << number.min(10)).min(Duration::from_secs(30));
        // The clock ticks by milliseconds.
        let range = most / 2..=most + Duration::from_millis(2);
        assert!(range.contains(wait), "wait {number}: {wait:?}");
    }
    assert!(waits.len() > 20);
    // Nobody waits for a connection: none is tried.
    let count = tries.len();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(told.try_recv().is_err(), "{count} tries before");
}

#[tokio::test(start_paused = true)]
async fn a_try_goes_on_when_the_call_that_began_it_gives_up() {
    let (began, ready) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begin, wait) = (Arc::clone(&began), Arc::clone(&ready));
    let connect = move || {
        let (begin, wait) = (Arc::clone(&begin), Arc::clone(&wait));
        async move {
            begin.notify_one();
            wait.notified().await;
            let (near, far) = tokio::io::duplex(1024);
            let session = Session::acceptor(Options::default(), Instant::now().into_std());
            tokio::spawn(Connection::new(far, session, Refuser(0), DriverOptions::default(), None));
            let (caller, connection) = Caller::over(near, CallerOptions::default());
            tokio::spawn(connection);
            Ok(caller)
        }
    };
    let caller = ReconnectingCaller::with_connector(connect, None, ReconnectOptions::default());
    let late = caller.call(Call::new("first").timeout(Duration::from_secs(1))).await;
    assert!(matches!(late, Err(CallError::Timeout)), "{late:?}");
    began.notified().await;
    ready.notify_one();
    assert_eq!(caller.call("second").await.unwrap(), "now");
    let again = tokio::time::timeout(Duration::from_secs(1), began.notified()).await;
    assert!(again.is_err(), "one try was enough");
    drop(caller);
}

#[tokio::test]
async fn callers_are_tower_services() {
    use tower::{Service as _, ServiceBuilder, ServiceExt as _};
    let (entered, go) = gates();
    let server = Running::start("here", 128, Duration::ZERO, &entered, &go);
    let caller = Caller::connect(server.address, CallerOptions::default()).await.unwrap();
    let mut layered = ServiceBuilder::new()
        .timeout(Duration::from_secs(10))
        .map_request(|text: &'static str| Call::new(text))
        .service(caller.clone());
    assert_eq!(layered.ready().await.unwrap().call("hello").await.unwrap(), "here");
    // The future keeps the connection.
    let call = caller.clone().oneshot(Call::new("hello"));
    drop((caller, layered));
    assert_eq!(call.await.unwrap(), "here");
    let caller = ReconnectingCaller::new(server.address, CallerOptions::default(), quick());
    let caller = caller.map_response(|answer: Bytes| answer.len());
    assert_eq!(caller.oneshot(Call::new("hello")).await.unwrap(), 4);
    let mut caller = Caller::connect(server.address, CallerOptions::default()).await.unwrap();
    let slow = caller.ready().await.unwrap().call(Call::new("wait"));
    let slow = tokio::spawn(slow);
    entered.acquire_many(4).await.unwrap().forget();
    server.end().await;
    assert!(matches!(slow.await.unwrap(), Err(CallError::Lost(_))));
    assert!(matches!(caller.ready().await.map(drop), Err(CallError::Refused)));
}
