//! How others tell a connection's task that something of theirs has changed.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rung by others, heard by the connection.
#[derive(Debug)]
pub(super) struct Bell<T>(Mutex<Rung<T>>);

#[derive(Debug)]
struct Rung<T> {
    by: Vec<T>,
    waker: Option<Waker>,
    /// Nobody listens any more.
    silent: bool,
}

impl<T> Default for Bell<T> {
    fn default() -> Bell<T> {
        Bell(Mutex::new(Rung { by: Vec::new(), waker: None, silent: false }))
    }
}

impl<T> Bell<T> {
    pub(super) fn ring(&self, by: T) {
        let mut rung = lock(&self.0);
        if rung.silent {
            return;
        }
        rung.by.push(by);
        let waker = rung.waker.take();
        drop(rung);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Who has rung since last time; the task is woken by the next.
    pub(super) fn listen(&self, cx: &Context<'_>) -> Vec<T> {
        let mut rung = lock(&self.0);
        if !rung.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            rung.waker = Some(cx.waker().clone());
        }
        mem::take(&mut rung.by)
    }

    /// The connection is over.
    pub(super) fn silence(&self) {
        let mut rung = lock(&self.0);
        rung.silent = true;
        let left = (mem::take(&mut rung.by), rung.waker.take());
        drop(rung);
        drop(left);
    }
}
