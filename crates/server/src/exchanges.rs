//! The exchanges of a connection, and which of them have something to do.

use std::task::{Context, Waker};

use wirelace_http_semantics::StreamId;

use crate::exchange::{Alarm, Exchange, State};
use crate::link::Link;

/// Exchanges under way, in the order of their streams. Those that were over at once never get here.
///
/// Of many, only those are looked at that were woken or that something came for: a hundred that wait cost the others
/// nothing.
pub(crate) struct Exchanges<F> {
    list: Vec<Exchange<F>>,
    /// Streams of exchanges that are to be looked at.
    ready: Vec<StreamId>,
}

impl<F> Exchanges<F> {
    pub(crate) const fn new() -> Exchanges<F> {
        Exchanges { list: Vec::new(), ready: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds an exchange where it belongs. Nearly always that is the end: pushed ones are numbered apart.
    pub(crate) fn insert(&mut self, exchange: Exchange<F>) {
        if exchange.runnable {
            self.ready.push(exchange.stream);
        }
        // Alone it did without an alarm. It is polled once more, to know it.
        if let [alone] = &mut self.list[..]
            && alone.alarm.is_none()
            && !std::mem::replace(&mut alone.runnable, true)
        {
            self.ready.push(alone.stream);
        }
        let at = match self.list.last() {
            Some(last) if last.stream > exchange.stream => {
                self.list.partition_point(|known| known.stream < exchange.stream)
            }
            _ => self.list.len(),
        };
        self.list.insert(at, exchange);
    }

    fn find(&self, stream: StreamId) -> Option<usize> {
        self.list.binary_search_by_key(&stream, |exchange| exchange.stream).ok()
    }

    pub(crate) fn get(&mut self, stream: StreamId) -> Option<&mut Exchange<F>> {
        let at = self.find(stream)?;
        self.list.get_mut(at)
    }

    pub(crate) fn remove(&mut self, stream: StreamId) -> Option<Exchange<F>> {
        self.find(stream).map(|at| self.list.remove(at))
    }

    /// It is polled at the next opportunity.
    pub(crate) fn run(&mut self, stream: StreamId) {
        if let Some(exchange) = self.get(stream)
            && !std::mem::replace(&mut exchange.runnable, true)
        {
            self.ready.push(stream);
        }
    }

    /// Something came for the reader of its body, which is most often the handler itself; `task` is the connection's
    /// own waker.
    pub(crate) fn wake_reader(&mut self, stream: StreamId, reader: Option<Waker>, task: &Waker) {
        let (Some(reader), Some(exchange)) = (reader, self.get(stream)) else { return };
        let own = exchange.alarm.as_ref().map_or(task, |(_, waker)| waker);
        if reader.will_wake(own) {
            self.run(stream);
        } else {
            reader.wake();
        }
    }

    /// No more of its body will come. If its answer is complete, that was the last thing to happen.
    pub(crate) fn body_ended(&mut self, stream: StreamId) {
        if self.get(stream).is_some_and(|exchange| matches!(exchange.state, State::Done)) {
            self.ready.push(stream);
        }
    }

    /// The connection's task was woken. One that is alone has no other waker.
    pub(crate) fn woken(&mut self) {
        if let [alone] = &self.list[..]
            && alone.alarm.is_none()
        {
            self.run(alone.stream);
        }
    }

    /// All of them, to be ended.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Exchange<F>> {
        self.ready.clear();
        self.list.drain(..)
    }

    /// Looks at those that have something to do, of all HTTP/1 exchanges with the word whether no earlier one is under
    /// way; `look` polls one, or only `collects` where its body's reader did something. True when any of it moved.
    pub(crate) fn look(
        &mut self,
        cx: &mut Context<'_>,
        link: &std::sync::Arc<Link>,
        mut look: impl FnMut(&mut Context<'_>, &mut Exchange<F>, Look) -> bool,
    ) -> bool {
        let mut looking = std::mem::take(&mut self.ready);
        link.take_called(&mut looking);
        let mut moved = false;
        for stream in looking.drain(..) {
            let Some(at) = self.find(stream) else { continue };
            let (earlier, rest) = self.list.split_at_mut(at);
            let Some((exchange, later)) = rest.split_first_mut() else { continue };
            if exchange.alarm.is_none() && !(earlier.is_empty() && later.is_empty()) {
                exchange.alarm = Some(Alarm::new(link, stream));
                exchange.runnable = true;
            }
            let first = || earlier.iter().all(|exchange| matches!(exchange.state, State::Done));
            moved |= if !exchange.take_runnable() {
                look(cx, exchange, Look::Collect)
            } else if let Some((_, waker)) = &exchange.alarm {
                let waker = waker.clone();
                look(&mut Context::from_waker(&waker), exchange, Look::Poll { first: first() })
            } else {
                look(cx, exchange, Look::Poll { first: first() })
            };
            if exchange.is_over() {
                self.list.remove(at);
            }
        }
        // The memory serves again.
        self.ready = looking;
        moved
    }
}

/// What an exchange wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// To be polled. `first`: no earlier exchange is under way.
    Poll { first: bool },
    /// To have collected what its body's reader did.
    Collect,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Ready;
    use std::sync::Arc;

    use crate::feed;
    use crate::info::ConnectionInfo;
    use crate::respond::Asked;
    use crate::response::Response;
    use crate::secured::Secured;

    type Future = Ready<Response>;

    fn link() -> Arc<Link> {
        Arc::new(Link::new(ConnectionInfo::memory(), Secured::default()))
    }

    fn exchange(stream: u64) -> Exchange<Future> {
        Exchange {
            stream: StreamId(stream),
            asked: Asked { head: false, connect: false, http1: false },
            state: State::Handling(Box::pin(None)),
            feed: None,
            tunnel: None,
            expects_continue: false,
            runnable: true,
            alarm: None,
        }
    }

    /// Which ones are looked at, and how.
    fn looked(exchanges: &mut Exchanges<Future>, link: &Arc<Link>) -> Vec<(u64, Look)> {
        let mut seen = Vec::new();
        exchanges.look(&mut Context::from_waker(Waker::noop()), link, |_, exchange, look| {
            seen.push((exchange.stream.0, look));
            false
        });
        seen
    }

    #[test]
    fn they_are_found_whatever_their_order_of_coming() {
        let mut exchanges = Exchanges::new();
        for stream in [1, 3, 2, 7, 4, 5] {
            exchanges.insert(exchange(stream));
        }
        for stream in [1, 2, 3, 4, 5, 7] {
            assert_eq!(exchanges.get(StreamId(stream)).unwrap().stream.0, stream);
        }
        assert!(exchanges.get(StreamId(6)).is_none());
        assert_eq!(exchanges.remove(StreamId(3)).unwrap().stream.0, 3);
        let left: Vec<_> = exchanges.drain().map(|exchange| exchange.stream.0).collect();
        assert_eq!(left, [1, 2, 4, 5, 7]);
    }

    #[test]
    fn of_many_only_those_that_were_woken_are_polled() {
        let (link, mut exchanges) = (link(), Exchanges::new());
        (0..100).for_each(|number| exchanges.insert(exchange(number * 2 + 1)));
        assert_eq!(looked(&mut exchanges, &link).len(), 100);
        assert_eq!(looked(&mut exchanges, &link), []);
        // Each is woken by its own waker, however often it rings.
        let waker = exchanges.get(StreamId(41)).unwrap().alarm.clone().unwrap().1;
        waker.wake_by_ref();
        waker.wake();
        exchanges.run(StreamId(7));
        exchanges.run(StreamId(7));
        let polled = |stream| (stream, Look::Poll { first: false });
        assert_eq!(looked(&mut exchanges, &link), [polled(7), polled(41)]);
        // The task alone wakes none of them.
        exchanges.woken();
        assert_eq!(looked(&mut exchanges, &link), []);
    }

    #[test]
    fn one_that_is_alone_is_woken_with_the_task_until_it_has_company() {
        let (link, mut exchanges) = (link(), Exchanges::new());
        exchanges.insert(exchange(1));
        let first = Look::Poll { first: true };
        assert_eq!(looked(&mut exchanges, &link), [(1, first)]);
        exchanges.woken();
        assert_eq!(looked(&mut exchanges, &link), [(1, first)]);
        exchanges.insert(exchange(3));
        let mut both = looked(&mut exchanges, &link);
        both.sort_by_key(|(stream, _)| *stream);
        assert_eq!(both, [(1, first), (3, Look::Poll { first: false })]);
        assert_eq!(looked(&mut exchanges, &link), []);
    }

    #[test]
    fn what_a_reader_did_is_collected_and_nothing_polled() {
        let (link, mut exchanges) = (link(), Exchanges::<Future>::new());
        let mut readers = Vec::new();
        for stream in [1, 3, 5] {
            let (feed, intake) = feed::channel(&link, StreamId(stream));
            exchanges.insert(Exchange { feed: Some(feed), ..exchange(stream) });
            readers.push(intake);
        }
        looked(&mut exchanges, &link);
        drop(readers.remove(1));
        assert_eq!(looked(&mut exchanges, &link), [(3, Look::Collect)]);
    }

    #[test]
    fn those_that_are_over_go() {
        let (link, mut exchanges) = (link(), Exchanges::new());
        exchanges.insert(exchange(1));
        exchanges.insert(exchange(3));
        exchanges.look(&mut Context::from_waker(Waker::noop()), &link, |_, exchange, _| {
            if exchange.stream.0 == 1 {
                exchange.state = State::Done;
            }
            true
        });
        assert!(exchanges.get(StreamId(1)).is_none() && exchanges.get(StreamId(3)).is_some());
        // A body that is read elsewhere outlives the answer, until its end.
        let (feed, _reader) = feed::channel(&link, StreamId(5));
        exchanges.insert(Exchange { feed: Some(feed), ..exchange(5) });
        exchanges.get(StreamId(5)).unwrap().state = State::Done;
        looked(&mut exchanges, &link);
        exchanges.body_ended(StreamId(3));
        exchanges.body_ended(StreamId(5));
        assert_eq!(looked(&mut exchanges, &link), [(5, Look::Collect)]);
    }
}
