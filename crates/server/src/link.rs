//! What requests share with the connection that they came on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use wirelace_http_semantics::{RequestHead, ResponseHead, StreamId};

use crate::info::ConnectionInfo;
use crate::secured::Secured;

/// One for a connection; requests, bodies and interim handles hold it. They may live in other tasks than the
/// connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) info: ConnectionInfo,
    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "nothing is in it"))]
    pub(crate) secured: Secured,
    /// The connection's task, while it waits for a handler.
    task: Mutex<Option<Waker>>,
    /// Made when there is something to put in: most connections never have any.
    mail: Mutex<Option<Box<Mail>>>,
    notices_wait: AtomicBool,
    calls_wait: AtomicBool,
}

/// What waits for the connection to look.
#[derive(Debug, Default)]
struct Mail {
    /// What wants to be sent before a response.
    notices: Vec<(StreamId, Notice)>,
    /// Exchanges that were woken, or whose body's reader has done something.
    called: Vec<StreamId>,
}

/// Promises that wait to be sent, at most: far more than a page is worth.
const MAX_PROMISES: usize = 64;

/// What a handler wants to have sent before its response.
#[derive(Debug)]
pub(crate) enum Notice {
    Interim(ResponseHead),
    Promise(Box<RequestHead>),
}

impl Link {
    pub(crate) fn new(info: ConnectionInfo, secured: Secured) -> Link {
        Link {
            info,
            secured,
            task: Mutex::default(),
            mail: Mutex::default(),
            notices_wait: AtomicBool::new(false),
            calls_wait: AtomicBool::new(false),
        }
    }

    /// Names the task that news wakes.
    pub(crate) fn set_task(&self, waker: &Waker) {
        let mut task = lock(&self.task);
        if !task.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *task = Some(waker.clone());
        }
    }

    /// An exchange has something to do. It says so once, until it was looked at.
    pub(crate) fn call(&self, stream: StreamId) {
        lock(&self.mail).get_or_insert_default().called.push(stream);
        self.calls_wait.store(true, Ordering::Release);
    }

    /// Those that have something to do, behind those that are known.
    #[inline]
    pub(crate) fn take_called(&self, streams: &mut Vec<StreamId>) {
        if self.calls_wait.load(Ordering::Acquire) {
            // Before they are taken: what comes in between is taken now, and looked for once more.
            self.calls_wait.store(false, Ordering::Release);
            if let Some(mail) = lock(&self.mail).as_mut() {
                streams.append(&mut mail.called);
            }
        }
    }

    /// Tells the connection that there is something to collect. `within`: the waker of the task that says so;
    /// the connection's own task looks anyway.
    pub(crate) fn tell(&self, stream: StreamId, within: Option<&Waker>) {
        self.call(stream);
        let task = lock(&self.task).clone();
        match (task, within) {
            (Some(task), Some(within)) if task.will_wake(within) => {}
            (Some(task), _) => task.wake(),
            (None, _) => {}
        }
    }

    /// Wakes the connection's task.
    pub(crate) fn wake(&self) {
        let task = lock(&self.task).clone();
        if let Some(task) = task {
            task.wake();
        }
    }

    pub(crate) fn push_interim(&self, stream: StreamId, head: ResponseHead) {
        lock(&self.mail).get_or_insert_default().notices.push((stream, Notice::Interim(head)));
        self.notices_wait.store(true, Ordering::Release);
        self.wake();
    }

    /// False: too many wait already.
    pub(crate) fn push_promise(&self, stream: StreamId, head: RequestHead) -> bool {
        let mut mail = lock(&self.mail);
        let notices = &mut mail.get_or_insert_default().notices;
        let promises = notices.iter().filter(|(_, notice)| matches!(notice, Notice::Promise(_)));
        if promises.count() >= MAX_PROMISES {
            return false;
        }
        notices.push((stream, Notice::Promise(Box::new(head))));
        drop(mail);
        self.notices_wait.store(true, Ordering::Release);
        self.wake();
        true
    }

    #[inline]
    pub(crate) fn take_notices(&self) -> Vec<(StreamId, Notice)> {
        if !self.notices_wait.load(Ordering::Acquire) {
            return Vec::new();
        }
        self.notices_wait.store(false, Ordering::Release);
        lock(&self.mail).as_mut().map(|mail| std::mem::take(&mut mail.notices)).unwrap_or_default()
    }
}

/// Locks; what a panicking holder left behind is whole, since no lock is held over foreign code.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
