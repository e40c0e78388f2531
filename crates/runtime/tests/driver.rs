//! The driver over in-memory pipes. The clock is virtual: waiting for it means waiting until every task rests.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use support::{App, Counting, Lines, Seen};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use wirelace_runtime::{Connection, DriverOptions, Stage, Tracked, Tracker};

struct Started {
    peer: DuplexStream,
    seen: UnboundedReceiver<Seen>,
    task: JoinHandle<()>,
    writes: Arc<AtomicUsize>,
}

fn start(pipe: usize, limit: usize, options: DriverOptions, tracked: Option<Tracked>) -> Started {
    let (peer, io) = duplex(pipe);
    let (app, seen) = App::new();
    let writes = Arc::new(AtomicUsize::new(0));
    let io = Counting { io, writes: Arc::clone(&writes) };
    let task = tokio::spawn(Connection::new(io, Lines::new(limit), app, options, tracked));
    Started { peer, seen, task, writes }
}

fn plain() -> Started {
    start(1 << 20, 1 << 20, DriverOptions::default(), None)
}

impl Started {
    async fn line(&mut self) -> String {
        match self.seen.recv().await.unwrap() {
            Seen::Line(line) => line,
            other => panic!("{other:?} instead of a line"),
        }
    }

    async fn closed(&mut self) -> &'static str {
        loop {
            if let Seen::Closed(how) = self.seen.recv().await.unwrap() {
                return how;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_answered_with_one_write() {
    let mut started = plain();
    let batch: String = (0..16).map(|number| format!("{number}\n")).collect();
    started.peer.write_all(batch.as_bytes()).await.unwrap();
    let mut answer = vec![0; batch.len()];
    started.peer.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, batch.as_bytes());
    assert_eq!(started.writes.load(Ordering::Relaxed), 1);
    // Shared pieces and their neighbours, too.
    started.peer.write_all(b"a\nlarge\nb\n").await.unwrap();
    let mut answer = vec![0; 100_004];
    started.peer.read_exact(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"a\nx") && answer.ends_with(b"xb\n"));
    assert_eq!(started.writes.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn every_split_gives_the_same() {
    let text = b"one\ntwo\nthree\nquit\n";
    for at in 0..text.len() {
        let mut started = plain();
        started.peer.write_all(&text[..at]).await.unwrap();
        sleep(Duration::from_millis(1)).await;
        started.peer.write_all(&text[at..]).await.unwrap();
        let mut answer = String::new();
        started.peer.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "one\ntwo\nthree\n");
        drop(started.peer);
        started.task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn input_that_was_read_before_counts() {
    let (mut peer, io) = duplex(100);
    let (app, _seen) = App::new();
    let connection = Connection::new(io, Lines::new(100), app, DriverOptions::default(), None);
    tokio::spawn(connection.with_input(BytesMut::from(&b"early\nhal"[..])));
    peer.write_all(b"f\n").await.unwrap();
    let mut answer = [0; 11];
    peer.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"early\nhalf\n");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_not_read_from() {
    let mut started = start(64, 64, DriverOptions::default(), None);
    let (mut read, mut write) = tokio::io::split(started.peer);
    let flood = tokio::spawn(async move {
        for _ in 0..1000 {
            write.write_all(b"0123456\n").await.unwrap();
        }
        write.shutdown().await.unwrap();
    });
    sleep(Duration::from_secs(1)).await;
    assert!(!flood.is_finished());
    let mut lines = 0;
    while started.seen.try_recv().is_ok() {
        lines += 1;
    }
    assert!(lines < 64, "{lines} lines were taken");
    // Who reads at last gets everything.
    let mut all = vec![0; 8000];
    read.read_exact(&mut all).await.unwrap();
    flood.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stalled_peer_is_given_up() {
    let mut started = start(16, 64, DriverOptions::default(), None);
    let begin = Instant::now();
    started.peer.write_all(b"large\n").await.unwrap();
    assert_eq!(started.line().await, "large");
    assert_eq!(started.closed().await, "stalled");
    assert!((support::STALL..support::STALL + Duration::from_secs(1)).contains(&begin.elapsed()));
    started.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn half_closed_peers_have_their_time() {
    for (half_close, lasts) in [(Duration::ZERO, 0), (Duration::from_secs(30), 30)] {
        let mut options = DriverOptions::default();
        options.half_close = half_close;
        let mut started = start(100, 100, options, None);
        let begin = Instant::now();
        started.peer.write_all(b"silent\n").await.unwrap();
        started.peer.shutdown().await.unwrap();
        assert_eq!(started.line().await, "silent");
        assert_eq!(started.closed().await, "peer closed");
        assert_eq!(begin.elapsed().as_secs(), lasts);
        started.task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_sending_side_closes_alone() {
    let mut started = plain();
    started.peer.write_all(b"one\nlast\n").await.unwrap();
    let mut answer = String::new();
    started.peer.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "one\n");
    started.peer.write_all(b"still heard\nquit\n").await.unwrap();
    for line in ["one", "last", "still heard", "quit"] {
        assert_eq!(started.line().await, line);
    }
    drop(started.peer);
    started.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn closing_lingers_within_limits() {
    // Until the peer has closed, too.
    let mut started = plain();
    started.peer.write_all(b"quit\nmore").await.unwrap();
    assert_eq!(started.closed().await, "finished");
    sleep(Duration::from_secs(1)).await;
    assert!(!started.task.is_finished());
    started.peer.write_all(b"and more").await.unwrap();
    drop(started.peer);
    started.task.await.unwrap();

    // Not for ever.
    let mut started = plain();
    let begin = Instant::now();
    started.peer.write_all(b"quit\n").await.unwrap();
    started.task.await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 5);

    // Not for everything.
    let mut options = DriverOptions::default();
    options.linger_bytes = 1000;
    let mut started = start(100, 100, options, None);
    started.peer.write_all(b"quit\n").await.unwrap();
    let waste = [0; 2000];
    assert!(started.peer.write_all(&waste).await.is_err());
    started.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_is_written_before_the_end() {
    let mut started = start(100, 1 << 20, DriverOptions::default(), None);
    started.peer.write_all(b"large\nquit\n").await.unwrap();
    // A slow reader, with pauses close to the limit.
    let mut total = 0;
    let mut some = [0; 30_000];
    loop {
        sleep(Duration::from_millis(1)).await;
        let read = started.peer.read(&mut some).await.unwrap();
        total += read;
        if read == 0 {
            break;
        }
    }
    assert_eq!(total, 100_000);
}

#[tokio::test(start_paused = true)]
async fn the_application_can_abort() {
    let mut started = plain();
    started.peer.write_all(b"abort\n").await.unwrap();
    assert_eq!(started.closed().await, "aborted");
    started.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_tracker_asks_and_insists() {
    let tracker = Tracker::new(10);
    let mut polite = start(100, 100, DriverOptions::default(), tracker.admit().await);
    tokio::task::yield_now().await;
    tracker.advance(Stage::Finishing);
    assert_eq!(polite.seen.recv().await.unwrap(), Seen::ShutDown);
    assert_eq!(polite.closed().await, "finished");
    // Lingering is cut short.
    let begin = Instant::now();
    polite.task.await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1));

    let tracker = Tracker::new(10);
    let mut rude = start(16, 1 << 20, DriverOptions::default(), tracker.admit().await);
    rude.peer.write_all(b"large\nquit\n").await.unwrap();
    assert_eq!(rude.closed().await, "finished");
    tracker.advance(Stage::Finishing);
    sleep(Duration::from_secs(1)).await;
    assert!(!rude.task.is_finished(), "what is queued is still being written");
    tracker.advance(Stage::Aborting);
    rude.task.await.unwrap();
    tracker.drained().await;
}

#[tokio::test]
async fn a_busy_connection_lets_others_run() {
    let (app, mut seen) = App::new();
    // Always readable, always writable.
    let io = tokio::io::join(tokio::io::repeat(b'\n'), tokio::io::sink());
    let task = tokio::spawn(Connection::new(io, Lines::new(1000), app, DriverOptions::default(), None));
    for _ in 0..2 {
        assert_eq!(seen.recv().await.unwrap(), Seen::Line(String::new()));
        tokio::task::yield_now().await;
    }
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_lost_transport_is_told() {
    let mut started = start(16, 64, DriverOptions::default(), None);
    started.peer.write_all(b"large\n").await.unwrap();
    assert_eq!(started.line().await, "large");
    drop(started.peer);
    let Seen::Closed(how) = started.seen.recv().await.unwrap() else { panic!("closed") };
    assert_eq!(how, "io");
    started.task.await.unwrap();
}
