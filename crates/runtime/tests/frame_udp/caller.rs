//! What callers do.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot};
use tower_service::Service;
use wirelace_runtime::frame::{
    Call, CallError, Observer, Request, UdpCaller, UdpCallerOptions, UdpServer, UdpServerOptions, Way,
    from_fn,
};
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::datagram::Form;

use crate::{EXTENDED, FORMS, LOCAL, caller, echo, next, options, raw, short, start_echo};

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
