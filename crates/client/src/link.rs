//! What the readers of bodies, and whoever else holds a connection, tell its task.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::sync::oneshot;
use wirelace_http_semantics::{Reason, StreamId};
use wirelace_http2::Stats;

use crate::error::Error;

/// One for a connection. Its lock is held for a moment at a time: for a push into a list, or for taking a whole list.
#[derive(Debug, Default)]
pub(crate) struct Link(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    task: Option<Waker>,
    news: Vec<StreamId>,
    orders: Vec<Order>,
    /// The task looks no more.
    closed: bool,
    /// The server takes no further request.
    going_away: Option<Reason>,
    /// Why the connection ended before its first request was sent, where the server has said more than that it
    /// closes: that it wants a certificate, for instance. For the first who asks.
    why: Option<Error>,
}

/// What a handle wants of the whole connection.
#[derive(Debug)]
pub(crate) enum Order {
    /// The counters.
    Stats(oneshot::Sender<Stats>),
    /// Say when it is known how many requests the server takes.
    Settled(oneshot::Sender<()>),
    /// Measure the round-trip time.
    Ping,
    /// Finish what runs, and take nothing new.
    ShutDown,
}

impl Link {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something to look at in an exchange. One wake-up for all that come before the task looks.
    pub(crate) fn tell(&self, stream: StreamId) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        let first = state.news.is_empty() && state.orders.is_empty();
        state.news.push(stream);
        Link::wake(state, first);
    }

    /// Dropped where the task has ended.
    pub(crate) fn order(&self, order: Order) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        let first = state.news.is_empty() && state.orders.is_empty();
        state.orders.push(order);
        Link::wake(state, first);
    }

    /// Who found something in the lists has woken the task, and it has not looked since.
    fn wake(state: MutexGuard<'_, State>, first: bool) {
        let task = if first { state.task.clone() } else { None };
        drop(state);
        task.into_iter().for_each(Waker::wake);
    }

    /// For the task: takes what is new, and names whom later news wake. Both lists have to be empty.
    pub(crate) fn look(&self, task: &Waker, news: &mut Vec<StreamId>, orders: &mut Vec<Order>) {
        let mut state = self.state();
        if !state.task.as_ref().is_some_and(|known| known.will_wake(task)) {
            state.task = Some(task.clone());
        }
        std::mem::swap(&mut state.news, news);
        std::mem::swap(&mut state.orders, orders);
    }

    /// The server takes no further request.
    pub(crate) fn go_away(&self, reason: Reason) {
        self.state().going_away.get_or_insert(reason);
    }

    /// The task ends. `why`: what the first later request is told.
    pub(crate) fn close(&self, why: Option<Error>) {
        let mut state = self.state();
        if std::mem::replace(&mut state.closed, true) {
            return;
        }
        state.task = None;
        state.news = Vec::new();
        state.orders = Vec::new();
        state.why = why;
    }

    /// The error of a request that comes too late.
    pub(crate) fn refusal(&self) -> Error {
        let mut state = self.state();
        if let Some(why) = state.why.take() {
            return why;
        }
        state.going_away.map_or(Error::Refused, Error::GoingAway)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_batch_wakes_once_and_none_is_lost() {
        let (link, count) = (Link::default(), Arc::new(Count::default()));
        let task = Waker::from(Arc::clone(&count));
        let woken = || count.0.load(Ordering::Relaxed);
        let (mut news, mut orders) = (Vec::new(), Vec::new());
        link.tell(StreamId(1)); // Nobody to wake yet.
        link.look(&task, &mut news, &mut orders);
        assert_eq!((&news[..], woken()), (&[StreamId(1)][..], 0));
        news.clear();
        for stream in [1, 3, 5] {
            link.tell(StreamId(stream));
        }
        link.order(Order::Ping);
        assert_eq!(woken(), 1);
        link.look(&task, &mut news, &mut orders);
        assert_eq!((news.len(), orders.len()), (3, 1));
        (news, orders) = (Vec::new(), Vec::new());
        link.order(Order::ShutDown);
        link.tell(StreamId(1));
        assert_eq!(woken(), 2);
        link.look(&task, &mut news, &mut orders);
        link.close(None);
        link.tell(StreamId(7));
        assert_eq!(woken(), 2);
    }

    #[test]
    fn what_the_end_was_is_told_once_then_in_general() {
        let link = Link::default();
        assert!(matches!(link.refusal(), Error::Refused));
        link.go_away(Reason::NoError);
        link.close(Some(Error::Closed));
        assert!(matches!(link.refusal(), Error::Closed));
        assert!(matches!(link.refusal(), Error::GoingAway(Reason::NoError)));
    }
}
