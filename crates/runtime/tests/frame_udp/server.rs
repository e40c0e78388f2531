//! What servers do.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, oneshot};
use wirelace_runtime::frame::{CallError, Request, UdpServer, UdpServerOptions, from_fn};
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::datagram::Form;

use crate::{EXTENDED, FORMS, LOCAL, caller, echo, next, raw, short, start_echo};

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
    let service = from_fn(|request: Request| {
        assert!(request.payload != "in the call", "this panic belongs to the test");
        async move {
            if request.payload == "later" {
                tokio::task::yield_now().await;
            }
            assert!(request.payload == "good", "this panic belongs to the test");
            Ok::<_, Infallible>(request.payload)
        }
    });
    let server = UdpServer::bind(LOCAL, service, UdpServerOptions::default()).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    for form in FORMS {
        let caller = caller(address, form).await;
        for payload in ["in the call", "at once", "later"] {
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
