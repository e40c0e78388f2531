//! Who among many connections has something to do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// The numbers of connections that were woken, for the one task that runs them all.
#[derive(Debug, Default)]
pub(super) struct Ready(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    task: Option<Waker>,
    woken: Vec<Arc<Bell>>,
}

impl Ready {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes those that were woken, and names whom later ones wake.
    pub(super) fn take(&self, task: &Waker, into: &mut Vec<Arc<Bell>>) {
        let mut state = self.state();
        if !state.task.as_ref().is_some_and(|known| known.will_wake(task)) {
            state.task = Some(task.clone());
        }
        into.append(&mut state.woken);
        drop(state);
        // From here on they may be woken again.
        into.iter().for_each(|bell| bell.rung.store(false, Ordering::Release));
    }
}

/// One connection's waker.
#[derive(Debug)]
pub(super) struct Bell {
    ready: Arc<Ready>,
    /// Which connection, and which of those that had this number.
    pub(super) index: usize,
    pub(super) generation: u64,
    rung: AtomicBool,
}

impl Bell {
    pub(super) fn new(ready: &Arc<Ready>, index: usize, generation: u64) -> Arc<Bell> {
        Arc::new(Bell { ready: Arc::clone(ready), index, generation, rung: AtomicBool::new(false) })
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        let ready = Arc::clone(&self.ready);
        let task = {
            let mut state = ready.state();
            state.woken.push(self);
            state.task.clone()
        };
        task.into_iter().for_each(Waker::wake);
    }
}
