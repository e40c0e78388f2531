//! Where bodies go: stdout, a file, or nowhere.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// The place that all responses write to, one after the other in the order of the requests: a response whose turn
/// has not come waits, and so does its server.
pub(super) struct Output {
    sink: Mutex<Option<Sink>>,
    discards: bool,
    turn: watch::Sender<u64>,
    abandoned: AtomicBool,
}

enum Sink {
    Stdout,
    File(File),
}

impl Output {
    /// # Errors
    /// The file cannot be made.
    pub(super) fn new(file: Option<&Path>, discard: bool) -> io::Result<Output> {
        let sink = match file {
            Some(path) => Some(Sink::File(File::create(path)?)),
            None if discard => None,
            None => Some(Sink::Stdout),
        };
        let discards = sink.is_none();
        Ok(Output {
            sink: Mutex::new(sink),
            discards,
            turn: watch::Sender::new(0),
            abandoned: AtomicBool::new(false),
        })
    }

    /// Whether responses wait for each other.
    pub(super) fn is_ordered(&self) -> bool {
        !self.discards
    }

    /// Waits until all requests before this one have written what they had. Where nothing is written, nobody waits.
    pub(super) async fn turn(&self, number: u64) {
        if !self.discards {
            // The sender lives in `self`.
            let _ = self.turn.subscribe().wait_for(|turn| *turn >= number).await;
        }
    }

    /// This request has nothing more to write: lets the next one, once the turn has come to this.
    pub(super) async fn pass_on(&self, number: u64) {
        self.turn(number).await;
        self.turn.send_modify(|turn| *turn = number + 1);
    }

    /// Whoever read has gone: what is still to be fetched is for nobody.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Whether [`abandon`](Output::abandon) was called.
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// Writes; blocks the thread, not the runtime.
    ///
    /// # Errors
    /// The disk is full, or nobody reads any more.
    pub(super) fn write(&self, data: &[u8]) -> io::Result<()> {
        tokio::task::block_in_place(|| {
            match self.sink.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                None => Ok(()),
                Some(Sink::File(file)) => file.write_all(data),
                Some(Sink::Stdout) => {
                    let mut stdout = io::stdout().lock();
                    stdout.write_all(data)?;
                    stdout.flush()
                }
            }
        })
    }

    /// A line for whoever reads objects; to stdout, wherever bodies go.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub(super) fn print_line(&self, line: &str) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{line}")
    }
}
