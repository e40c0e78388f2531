//! How often handlers that wait are asked.
#![cfg(feature = "frame")]

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot};
use wirelace_runtime::frame::{Caller, CallerOptions, FrameServer, FrameServerOptions, Request, from_fn};
use wirelace_wire_codec::session::{Offer, Options};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// As many requests as a session lets run at once.
const SLOW: usize = 128;

fn form(form: Offer) -> CallerOptions {
    CallerOptions { session: Options { form, ..Options::default() }, ..CallerOptions::default() }
}

/// Asks `future`, and counts how often.
async fn counted<T>(polls: &AtomicUsize, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.fetch_add(1, Ordering::Relaxed);
        future.as_mut().poll(cx)
    })
    .await
}

#[tokio::test]
async fn a_wake_asks_only_the_handler_that_it_is_for() {
    for (offer, backwards) in [(Offer::Extended, true), (Offer::Extended, false), (Offer::Base, true)] {
        let polls = Arc::new(AtomicUsize::new(0));
        let entered = Arc::new(Semaphore::new(0));
        let waiting = Arc::new(Mutex::new(Vec::new()));
        let (count, enter, wait) = (Arc::clone(&polls), Arc::clone(&entered), Arc::clone(&waiting));
        let service = from_fn(move |request: Request| {
            let (count, enter, wait) = (Arc::clone(&count), Arc::clone(&enter), Arc::clone(&wait));
            async move {
                let (go, gone) = oneshot::channel();
                wait.lock().unwrap().push((request.payload.clone(), go));
                enter.add_permits(1);
                let _ = counted(&count, gone).await;
                Ok::<_, Infallible>(request.payload)
            }
        });
        let server = FrameServer::bind(LOCAL, service, FrameServerOptions::default()).unwrap();
        let caller = Caller::connect(server.local_addr(), form(offer)).await.unwrap();
        tokio::spawn(server.run(pending()));
        let mut calls = std::collections::HashMap::new();
        for number in 0..SLOW {
            let (caller, payload) = (caller.clone(), Bytes::from(number.to_string()));
            calls.insert(payload.clone(), tokio::spawn(async move { caller.call(payload).await }));
        }
        entered.acquire_many(SLOW as u32).await.unwrap().forget();
        let mut waiting = std::mem::take(&mut *waiting.lock().unwrap());
        if backwards {
            waiting.reverse();
        }
        for (payload, go) in waiting {
            go.send(()).unwrap();
            if offer == Offer::Extended {
                let call = calls.remove(&payload).unwrap();
                assert_eq!(call.await.unwrap().unwrap(), payload);
            }
        }
        for (payload, call) in calls {
            assert_eq!(call.await.unwrap().unwrap(), payload);
        }
        // In place, in the set, and when it was woken.
        let polls = polls.load(Ordering::Relaxed);
        assert!((2 * SLOW..=3 * SLOW).contains(&polls), "{offer:?}: {polls} polls");
    }
}
