//! Calls in datagrams, over real sockets.
#![cfg(feature = "frame")]

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::sync::{Notify, Semaphore, oneshot};
use tower_service::Service;
use wirelace_runtime::frame::{
    Call, CallError, Observer, Request, UdpCaller, UdpCallerOptions, UdpServer, UdpServerOptions, Way,
    from_fn,
};
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::datagram::Form;

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const EXTENDED: Form = Form::Extended { checksum: false };
const FORMS: [Form; 3] = [Form::Base, EXTENDED, Form::Extended { checksum: true }];

/// For calls that end by their time.
const SHORT: Duration = Duration::from_millis(100);

async fn echo(request: Request) -> Result<Bytes, Infallible> {
    Ok(request.payload)
}

fn start_echo() -> SocketAddr {
    let server = UdpServer::bind(LOCAL, from_fn(echo), UdpServerOptions::default()).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    address
}

fn options(form: Form) -> UdpCallerOptions {
    let mut options = UdpCallerOptions::default();
    options.datagram.form = form;
    options.datagram.timing.timeout = Duration::from_secs(30);
    options.datagram.timing.initial_rto = Duration::from_millis(50);
    options
}

async fn caller(address: SocketAddr, form: Form) -> UdpCaller {
    UdpCaller::connect(address, options(form)).await.unwrap()
}

fn short(payload: &'static str) -> Call {
    Call::new(payload).timeout(SHORT)
}

/// A socket of a peer that is no machine of ours.
async fn raw() -> UdpSocket {
    UdpSocket::bind(LOCAL).await.unwrap()
}

async fn next(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_536];
    let (octets, from) = socket.recv_from(&mut buffer).await.unwrap();
    buffer.truncate(octets);
    (buffer, from)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_call_at_once_in_all_forms() {
    let address = start_echo();
    for form in FORMS {
        let caller = caller(address, form).await;
        let tasks = (0..50u32).map(|task| {
            let caller = caller.clone();
            tokio::spawn(async move {
                for call in 0..20u32 {
                    let text = format!("{task} {call} {}", "x".repeat(call as usize));
                    assert_eq!(caller.call(text.clone()).await.unwrap(), text);
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert!(caller.heartbeat().await.unwrap() > Duration::ZERO);
    }
}

#[tokio::test]
async fn what_does_not_fit_into_a_datagram_is_refused_with_the_reason() {
    let double = from_fn(|request: Request| async move {
        Ok::<_, Infallible>(Bytes::from([&request.payload[..], &request.payload].concat()))
    });
    let server = UdpServer::bind(LOCAL, double, UdpServerOptions::default()).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    for form in FORMS {
        let caller = caller(address, form).await;
        let request = caller.call(vec![0; 1200]).await;
        let Err(CallError::RequestTooLong { length: 1200, limit }) = request else { panic!("{request:?}") };
        let request = caller.call(vec![0; limit + 1]).await;
        assert!(matches!(request, Err(CallError::RequestTooLong { .. })), "{request:?}");
        let response = caller.call(vec![0; limit]).await.unwrap_err();
        let code = if form == Form::Base { ErrorCode::APPLICATION } else { ErrorCode::FRAME_TOO_LONG };
        assert!(matches!(&response, CallError::Peer { code: found, .. } if *found == code), "{response:?}");
        assert!(response.to_string().contains("1200"), "{response}");
        assert_eq!(caller.call(vec![0; 500]).await.unwrap(), vec![0; 1000]);
    }
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
    let guard = Arc::new(Mutex::new(Some(Guard(Some(dropped)))));
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
    let server = UdpServer::bind(LOCAL, service, UdpServerOptions::default()).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    let caller = caller(address, EXTENDED).await;
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
    let late = caller.call(short("slow")).await;
    assert!(matches!(late, Err(CallError::Timeout)), "{late:?}");
}

#[tokio::test]
async fn a_handler_that_panics_takes_nobody_with_it() {
    let service = from_fn(|request: Request| async move {
        if request.payload == "wait" {
            tokio::task::yield_now().await;
        }
        assert!(request.payload == "good", "this panic belongs to the test");
        Ok::<_, Infallible>(request.payload)
    });
    let server = UdpServer::bind(LOCAL, service, UdpServerOptions::default()).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    for form in FORMS {
        let caller = caller(address, form).await;
        for payload in ["at once", "wait"] {
            let error = caller.call(payload).await.unwrap_err();
            assert!(error.to_string().contains("panicked"), "{error}");
        }
        assert_eq!(caller.call("good").await.unwrap(), "good");
    }
}

/// Counts how often it is asked, and never ends.
fn counted(polls: Arc<AtomicUsize>, entered: Arc<Semaphore>) -> impl Future<Output = ()> {
    let mut first = true;
    poll_fn(move |_| {
        polls.fetch_add(1, Ordering::Relaxed);
        if std::mem::take(&mut first) {
            entered.add_permits(1);
        }
        Poll::Pending
    })
}

#[tokio::test]
async fn a_wake_asks_only_the_handler_that_it_is_for() {
    const WAITING: usize = 100;
    let (polls, entered) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (all_polls, all_entered) = (Arc::clone(&polls), Arc::clone(&entered));
    let service = from_fn(move |request: Request| {
        let (polls, entered) = (Arc::clone(&all_polls), Arc::clone(&all_entered));
        async move {
            if request.payload == "wait" {
                counted(polls, entered).await;
            }
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(request.payload)
        }
    });
    let server = UdpServer::bind(LOCAL, service, UdpServerOptions::default()).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    let caller = caller(address, EXTENDED).await;
    for _ in 0..WAITING {
        let caller = caller.clone();
        tokio::spawn(async move { caller.call("wait").await });
    }
    let _all = entered.acquire_many(WAITING as u32).await.unwrap();
    for _ in 0..50 {
        caller.call("quick").await.unwrap();
    }
    // Once when it begins, and once more when it is kept.
    let polls = polls.load(Ordering::Relaxed);
    assert!(polls <= 2 * WAITING, "{polls} times");
}

#[tokio::test]
async fn what_is_lost_is_sent_again() {
    for form in FORMS {
        let socket = raw().await;
        let address = socket.local_addr().unwrap();
        let upstream = start_echo();
        let lost = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&lost);
        // Of each three questions it hands on the last.
        let relay = tokio::spawn(async move {
            let back = raw().await;
            back.connect(upstream).await.unwrap();
            loop {
                for _ in 0..2 {
                    next(&socket).await;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                let (octets, from) = next(&socket).await;
                back.send(&octets).await.unwrap();
                let (answer, _) = next(&back).await;
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        let caller = caller(address, form).await;
        for text in ["one", "two"] {
            assert_eq!(caller.call(text).await.unwrap(), text);
        }
        assert!(lost.load(Ordering::Relaxed) >= 4);
        relay.abort();
    }
}

#[tokio::test]
async fn a_repeated_request_is_processed_once_and_answered_again() {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let service = from_fn(move |request: Request| {
        count.fetch_add(1, Ordering::Relaxed);
        async move { Ok::<_, Infallible>(request.payload) }
    });
    let server = UdpServer::bind(LOCAL, service, UdpServerOptions::default()).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    let client = raw().await;
    // Version 20, REQUEST, all of it, id 7.
    let request = b"\x14\x02\0\0\0\x07\x01\x07hello";
    for _ in 0..5 {
        client.send_to(request, address).await.unwrap();
        assert_eq!(next(&client).await.0, b"\x14\x03\0\0\0\x07\x01\x07hello");
    }
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    // The base form cannot tell.
    for _ in 0..2 {
        client.send_to(b"\x0a\x02\0\0\0\x02hi", address).await.unwrap();
        assert_eq!(next(&client).await.0, b"\x0a\x03\0\0\0\x02hi");
    }
    assert_eq!(runs.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn nobody_listens_is_a_hint() {
    let free = raw().await.local_addr().unwrap();
    for form in FORMS {
        let nobody = caller(free, form).await;
        let error = nobody.call(short("hello")).await.unwrap_err();
        assert!(matches!(error, CallError::Unreachable(_)), "{error:?}");
        assert!(error.to_string().contains("nobody listens"), "{error}");
        // The call goes on, and is heard once somebody does.
        let (refused, was_refused) = oneshot::channel();
        let sent = Mutex::new((0, Some(refused)));
        let observer = Observer::new(move |way, _, _| {
            let mut sent = sent.lock().unwrap();
            sent.0 += usize::from(way == Way::Out);
            if sent.0 == 2 {
                let _ = sent.1.take().map(|refused| refused.send(()));
            }
        });
        let address = raw().await.local_addr().unwrap();
        let options = UdpCallerOptions { observer: Some(observer), ..options(form) };
        let early = UdpCaller::connect(address, options).await.unwrap();
        let early = tokio::spawn(async move { early.call("hello").await });
        was_refused.await.unwrap();
        let server = UdpServer::bind(address, from_fn(echo), UdpServerOptions::default()).unwrap();
        let server = tokio::spawn(server.run(pending()));
        assert_eq!(early.await.unwrap().unwrap(), "hello");
        server.abort();
    }
}

#[tokio::test]
async fn a_peer_that_answers_in_another_form_is_named() {
    let peer = raw().await;
    let address = peer.local_addr().unwrap();
    let caller = caller(address, EXTENDED).await;
    let timeout = Duration::from_secs(1);
    let call = tokio::spawn(async move { caller.call(Call::new("hello").timeout(timeout)).await });
    let (_, from) = next(&peer).await;
    peer.send_to(b"\x0a\x04\0\0\0\x0aversion 20", from).await.unwrap();
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Unreachable(_)), "{error:?}");
    assert!(error.to_string().contains("in this form"), "{error}");
}

#[tokio::test]
async fn a_call_of_the_base_form_knows_how_long_the_last_one_took() {
    let mut options = options(Form::Base);
    options.datagram.timing.initial_rto = Duration::from_secs(3600);
    let peer = raw().await;
    let caller = UdpCaller::connect(peer.local_addr().unwrap(), options).await.unwrap();
    for lost in [0, 1, 1] {
        let caller = caller.clone();
        let call = tokio::spawn(async move { caller.call("hello").await });
        for _ in 0..lost {
            next(&peer).await;
        }
        // With nothing learned it would not be sent again before its time is over.
        let (_, from) = next(&peer).await;
        peer.send_to(b"\x0a\x03\0\0\0\x02hi", from).await.unwrap();
        assert_eq!(call.await.unwrap().unwrap(), "hi");
    }
}

#[tokio::test]
async fn callers_that_are_gone_and_rubbish_do_not_stop_the_server() {
    let address = start_echo();
    for round in 0..200usize {
        let gone = std::net::UdpSocket::bind(LOCAL).unwrap();
        for octets in [&b"\x0a\x02\0\0\0\x02hi"[..], b"", b"\x0a", b"\x0b\x02\0\0\0\0", &[round as u8; 2000]]
        {
            gone.send_to(octets, address).unwrap();
        }
    }
    for form in FORMS {
        assert_eq!(caller(address, form).await.call("still there").await.unwrap(), "still there");
    }
}

#[tokio::test]
async fn as_many_calls_as_may_be_and_the_others_wait() {
    let (entered, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (enter, may_go) = (Arc::clone(&entered), Arc::clone(&release));
    let service = from_fn(move |request: Request| {
        let (enter, may_go) = (Arc::clone(&enter), Arc::clone(&may_go));
        async move {
            enter.add_permits(1);
            may_go.acquire().await.unwrap().forget();
            Ok::<_, Infallible>(request.payload)
        }
    });
    let server = UdpServer::bind(LOCAL, service, UdpServerOptions::default()).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    for form in FORMS {
        let mut options = options(form);
        options.datagram.limits.calls = 2;
        let caller = UdpCaller::connect(address, options).await.unwrap();
        let calls: Vec<_> = ["one", "two"]
            .into_iter()
            .map(|text| {
                let caller = caller.clone();
                tokio::spawn(async move { caller.call(text).await })
            })
            .collect();
        entered.acquire_many(2).await.unwrap().forget();
        let late = caller.call(short("no room")).await;
        assert!(matches!(late, Err(CallError::Timeout)), "{late:?}");
        let third = tokio::spawn({
            let caller = caller.clone();
            async move { caller.call("three").await }
        });
        release.add_permits(3);
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!(third.await.unwrap().unwrap(), "three");
        entered.acquire().await.unwrap().forget();
        assert_eq!(entered.available_permits(), 0, "the call without room was sent");
    }
}

#[tokio::test]
async fn answers_above_the_limit_of_what_waits_hold_up_only_reading() {
    let mut options = UdpServerOptions::default();
    // Each answer is above it: nothing is read before that is sent.
    options.datagram.limits.output = 0;
    let server = UdpServer::bind(LOCAL, from_fn(echo), options).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    for form in FORMS {
        let caller = caller(address, form).await;
        let calls = (0..200u32).map(|call| {
            let caller = caller.clone();
            tokio::spawn(async move { caller.call(call.to_string()).await.unwrap() == call.to_string() })
        });
        for call in calls.collect::<Vec<_>>() {
            assert!(call.await.unwrap());
        }
    }
}

#[tokio::test]
async fn messages_above_the_limit_are_dropped() {
    let (entered, count) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (enter, counted) = (Arc::clone(&entered), Arc::clone(&count));
    let service = from_fn(move |request: Request| {
        let (enter, counted) = (Arc::clone(&enter), Arc::clone(&counted));
        async move {
            if request.one_way {
                counted.fetch_add(1, Ordering::Relaxed);
                enter.add_permits(1);
                pending::<()>().await;
            }
            Ok::<_, Infallible>(request.payload)
        }
    });
    let options = UdpServerOptions { messages: 2, ..UdpServerOptions::default() };
    let server = UdpServer::bind(LOCAL, service, options).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    let sender = caller(address, EXTENDED).await;
    for _ in 0..5 {
        sender.send_message("hi").await.unwrap();
    }
    // Comes after them.
    assert_eq!(sender.call("hi").await.unwrap(), "hi");
    entered.acquire_many(2).await.unwrap().forget();
    assert_eq!(count.load(Ordering::Relaxed), 2);
    let long = sender.send_message(vec![0; 1200]).await;
    assert!(matches!(long, Err(CallError::RequestTooLong { length: 1200, .. })), "{long:?}");
    let none = caller(address, Form::Base).await.send_message("hi").await;
    assert!(matches!(none, Err(CallError::Unsupported(_))), "{none:?}");
}

#[tokio::test]
async fn a_server_that_goes_lets_what_runs_finish() {
    for form in FORMS {
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
        let server = UdpServer::bind(LOCAL, service, UdpServerOptions::default()).unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        let caller = caller(address, form).await;
        let call = caller.clone();
        let call = tokio::spawn(async move { call.call("last").await });
        go.notified().await;
        stop.send(()).unwrap();
        let refused = loop {
            // Until it has seen that it is to go, this one waits to be released, too.
            match caller.call(short("too late")).await {
                Err(CallError::Timeout) => {}
                refused => break refused,
            }
        };
        match form {
            Form::Base => assert!(matches!(refused, Err(CallError::Peer { .. })), "{refused:?}"),
            Form::Extended { .. } => assert!(matches!(refused, Err(CallError::Refused)), "{refused:?}"),
        }
        may_go.notify_waiters();
        assert_eq!(call.await.unwrap().unwrap(), "last");
        server.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_server_that_goes_does_not_wait_for_ever() {
    let (entered, enter) = oneshot::channel();
    let entered = Mutex::new(Some(entered));
    let service = from_fn(move |_: Request| {
        let _ = entered.lock().unwrap().take().map(|entered| entered.send(()));
        pending::<Result<Bytes, Infallible>>()
    });
    let options = UdpServerOptions { grace: Duration::from_millis(20), ..UdpServerOptions::default() };
    let server = UdpServer::bind(LOCAL, service, options).unwrap();
    let caller = caller(server.local_addr(), EXTENDED).await;
    tokio::spawn(async move { caller.call("never").await });
    server.run(async { enter.await.unwrap() }).await.unwrap();
}

#[tokio::test]
async fn the_socket_goes_with_the_last_handle() {
    struct Gone(Option<oneshot::Sender<()>>);
    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let peer = raw().await;
    let (gone, was_dropped) = oneshot::channel();
    let gone = Gone(Some(gone));
    let observer = Observer::new(move |_, _, _| {
        let _ = &gone;
    });
    let options = UdpCallerOptions { observer: Some(observer), ..options(EXTENDED) };
    let caller = UdpCaller::connect(peer.local_addr().unwrap(), options).await.unwrap();
    let call = tokio::spawn({
        let caller = caller.clone();
        async move { caller.call("hello").await }
    });
    let (request, _) = next(&peer).await;
    assert_eq!(request[..2], [20, 2]);
    drop(caller);
    call.abort();
    // What was asked is cancelled first.
    loop {
        let (octets, _) = next(&peer).await;
        if octets[..2] == [20, 7] {
            break;
        }
    }
    was_dropped.await.unwrap();
}

#[tokio::test]
async fn a_caller_is_a_service() {
    let address = start_echo();
    for form in FORMS {
        let mut service = caller(address, form).await;
        poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
        let answer = Service::call(&mut service, Call::new("hello"));
        // The future keeps what it needs.
        drop(service);
        assert_eq!(answer.await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn answers_of_others_are_not_taken() {
    let server = raw().await;
    let address = server.local_addr().unwrap();
    let caller = caller(address, Form::Base).await;
    let call = tokio::spawn(async move { caller.call("hello").await });
    let (_, from) = next(&server).await;
    raw().await.send_to(b"\x0a\x03\0\0\0\x04evil", from).await.unwrap();
    server.send_to(b"\x0a\x03\0\0\0\x04good", from).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap(), "good");
}
