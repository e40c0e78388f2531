//! A timer that is almost never touched.

use std::pin::Pin;
use std::task::Context;
use std::time::Instant;

use tokio::time::Sleep;

/// Deadlines move with every message, nearly always further away. So the timer stays armed at the earliest one
/// that it has heard of; when it fires too early, it is armed anew.
#[derive(Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    armed: Option<Instant>,
}

impl Timer {
    /// True once when the armed time has come.
    pub(crate) fn due(&mut self, now: Instant) -> bool {
        let due = self.armed.is_some_and(|armed| armed <= now);
        if due {
            self.armed = None;
        }
        due
    }

    /// Makes the task wake up at `deadline` or earlier. True when the time has come already: nothing is armed
    /// then. `fresh`: the task has another waker than at the last call.
    pub(crate) fn arm(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Option<Instant>,
        now: Instant,
        fresh: bool,
    ) -> bool {
        let Some(deadline) = deadline else { return false };
        if deadline <= now {
            return true;
        }
        if !fresh && self.armed.is_some_and(|armed| armed <= deadline) {
            return false;
        }
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                sleep.as_mut().reset(deadline.into());
                sleep
            }
            none => none.insert(Box::pin(tokio::time::sleep_until(deadline.into()))),
        };
        let due = sleep.as_mut().poll(cx).is_ready();
        self.armed = (!due).then_some(deadline);
        due
    }
}

/// The clock of the runtime, which tests can stop.
pub(crate) fn clock() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Poll;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn later_deadlines_leave_it_alone_and_earlier_ones_do_not() {
        let start = clock();
        let mut timer = Timer::default();
        let arm = |timer: &mut Timer, seconds: u32| {
            let waker = std::task::Waker::noop();
            timer.arm(&mut Context::from_waker(waker), Some(start + seconds * SECOND), start, false)
        };
        assert!(!arm(&mut timer, 10));
        assert!(!arm(&mut timer, 20));
        assert_eq!(timer.armed, Some(start + 10 * SECOND));
        assert!(!arm(&mut timer, 5));
        assert_eq!(timer.armed, Some(start + 5 * SECOND));
        assert!(arm(&mut timer, 0), "already due");
        assert!(!timer.due(start + 4 * SECOND));
        assert!(timer.due(start + 5 * SECOND));
        assert!(!timer.due(start + 6 * SECOND), "only once");
    }

    #[tokio::test(start_paused = true)]
    async fn it_wakes_the_task() {
        let start = clock();
        let mut timer = Timer::default();
        poll_fn(|cx| {
            if timer.due(clock()) || timer.arm(cx, Some(start + SECOND), clock(), false) {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
        assert!(clock() >= start + SECOND);
    }
}
