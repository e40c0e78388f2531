//! Which connections are open: a limit on their number, and the way to end them all.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Knows all open connections of a server, over all of its threads. Clones are the same tracker.
#[derive(Clone, Debug)]
pub struct Tracker {
    shared: Arc<Shared>,
}

/// How far shutting down has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Not begun.
    Running,
    /// Connections finish what runs; nothing new is accepted.
    Finishing,
    /// Connections are dropped.
    Aborting,
}

#[derive(Debug)]
struct Shared {
    stage: AtomicU8,
    accepted: AtomicU64,
    connections: Mutex<Connections>,
    /// The stage changed, or the last connection went.
    changed: Notify,
    slots: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Connections {
    /// Of each connection, by its place.
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
    open: usize,
}

/// One open connection: lives as long as it does.
#[derive(Debug)]
pub struct Tracked {
    shared: Arc<Shared>,
    place: usize,
    _slot: OwnedSemaphorePermit,
}

impl Tracker {
    /// A tracker that lets at most `max_connections` be open at a time; 0 counts as 1.
    #[must_use]
    pub fn new(max_connections: usize) -> Tracker {
        let slots = Arc::new(Semaphore::new(max_connections.clamp(1, Semaphore::MAX_PERMITS)));
        Tracker {
            shared: Arc::new(Shared {
                stage: AtomicU8::new(Stage::Running as u8),
                accepted: AtomicU64::new(0),
                connections: Mutex::default(),
                changed: Notify::new(),
                slots,
            }),
        }
    }

    /// Waits for a free place and takes it. `None` once the tracker is shutting down.
    pub async fn admit(&self) -> Option<Tracked> {
        let slots = || Arc::clone(&self.shared.slots);
        let free = if self.stage() < Stage::Finishing { slots().try_acquire_owned().ok() } else { None };
        let slot = match free {
            Some(slot) => slot,
            None => tokio::select! {
                biased;
                () = self.reached(Stage::Finishing) => return None,
                slot = slots().acquire_owned() => slot.ok()?,
            },
        };
        let place = {
            let mut connections = self.shared.connections();
            connections.open += 1;
            match connections.free.pop() {
                Some(place) => place,
                None => {
                    connections.wakers.push(None);
                    connections.wakers.len() - 1
                }
            }
        };
        self.shared.accepted.fetch_add(1, Ordering::Relaxed);
        Some(Tracked { shared: Arc::clone(&self.shared), place, _slot: slot })
    }

    /// How many connections are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.connections().open
    }

    /// How many connections there were, the open ones included.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// How far shutting down has come.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.shared.stage()
    }

    /// Moves to a later stage and tells all connections. Earlier stages are ignored.
    pub fn advance(&self, stage: Stage) {
        self.shared.stage.fetch_max(stage as u8, Ordering::AcqRel);
        // Connections look at the stage after they have left their waker, so none is missed.
        let wakers: Vec<Waker> = self.shared.connections().wakers.iter().flatten().cloned().collect();
        wakers.into_iter().for_each(Waker::wake);
        self.shared.changed.notify_waiters();
    }

    /// Waits until that stage is reached.
    pub async fn reached(&self, stage: Stage) {
        self.until(|| self.stage() >= stage).await;
    }

    /// Waits until no connection is open.
    pub async fn drained(&self) {
        self.until(|| self.open() == 0).await;
    }

    /// Shuts down: connections may finish what runs for so long, then they are dropped.
    pub async fn shut_down(&self, grace: Duration) {
        self.advance(Stage::Finishing);
        if tokio::time::timeout(grace, self.drained()).await.is_err() {
            self.advance(Stage::Aborting);
            self.drained().await;
        }
    }

    async fn until(&self, reached: impl Fn() -> bool) {
        loop {
            let changed = self.shared.changed.notified();
            if reached() {
                return;
            }
            changed.await;
        }
    }
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Running,
            1 => Stage::Finishing,
            _ => Stage::Aborting,
        }
    }
}

impl Tracked {
    /// How far shutting down has come.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.shared.stage()
    }

    /// Leaves the waker that a change of stage wakes.
    pub fn register(&self, waker: &Waker) {
        if let Some(place) = self.shared.connections().wakers.get_mut(self.place) {
            *place = Some(waker.clone());
        }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        let mut connections = self.shared.connections();
        if let Some(waker) = connections.wakers.get_mut(self.place) {
            *waker = None;
        }
        connections.free.push(self.place);
        connections.open -= 1;
        let last = connections.open == 0;
        drop(connections);
        if last {
            self.shared.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Poll;

    #[tokio::test]
    async fn the_limit_holds_until_a_place_is_free() {
        let tracker = Tracker::new(1);
        let first = tracker.admit().await.unwrap();
        let mut second = Box::pin(tracker.admit());
        assert!(poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx).is_pending())).await);
        drop(first);
        assert!(second.await.is_some());
        assert_eq!((tracker.open(), tracker.accepted()), (0, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn shutting_down_asks_first_and_then_insists() {
        let tracker = Tracker::new(10);
        let polite = tracker.admit().await.unwrap();
        let rude = tracker.admit().await.unwrap();
        let wait = |tracked: Tracked, stage| {
            poll_fn(move |cx| {
                tracked.register(cx.waker());
                if tracked.stage() >= stage { Poll::Ready(()) } else { Poll::Pending }
            })
        };
        let tasks = [tokio::spawn(wait(polite, Stage::Finishing)), tokio::spawn(wait(rude, Stage::Aborting))];
        tracker.shut_down(Duration::from_secs(10)).await;
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(tracker.open(), 0);
        assert!(tracker.admit().await.is_none());
    }
}
