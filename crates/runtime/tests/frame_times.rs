//! Calls that wait, under a stopped clock.
#![cfg(feature = "frame")]

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wirelace_runtime::frame::{Call, CallError, Caller, CallerOptions};
use wirelace_wire_codec::session::{Limits, Offer, Options, Timeouts};

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_room_end_in_their_time_whatever_comes_meanwhile() {
    let (near, mut far) = tokio::io::duplex(1024);
    let session = Options {
        form: Offer::Base,
        limits: Limits { exchanges: 1, ..Limits::default() },
        timeouts: Timeouts { heartbeat: None, ..Timeouts::default() },
        ..Options::default()
    };
    let options = CallerOptions { session, timeout: None, ..CallerOptions::default() };
    let (caller, connection) = Caller::over(near, options);
    tokio::spawn(connection);
    let first = caller.clone();
    let first = tokio::spawn(async move { first.call("never answered").await });
    let mut sent = [0; 20];
    far.read_exact(&mut sent).await.unwrap();

    let start = Instant::now();
    let mut waiting = JoinSet::new();
    // Earlier ones come later, and each that comes wakes the connection.
    for seconds in (1..=20_u64).rev() {
        let caller = caller.clone();
        waiting.spawn(async move {
            let mut call = Call::from("waits");
            call.timeout = Some(Duration::from_secs(seconds));
            let answer = caller.call(call).await;
            (seconds, Instant::now() - start, answer)
        });
        tokio::task::yield_now().await;
    }
    for seconds in 1..=20_u64 {
        let (which, took, answer) = waiting.join_next().await.unwrap().unwrap();
        assert_eq!(which, seconds);
        assert!(matches!(answer, Err(CallError::Timeout)), "{answer:?}");
        // The clock stands still but for the timers, which tick by milliseconds.
        let late = took - Duration::from_secs(seconds);
        assert!(late <= Duration::from_millis(2), "{seconds} s: {late:?}");
        // The next timer is armed anew, also when others come and go.
        let gone = tokio::time::timeout(Duration::from_millis(100), caller.call("gone")).await;
        assert!(gone.is_err());
    }
    drop(far);
    assert!(matches!(first.await.unwrap(), Err(CallError::Lost(_))));
}
