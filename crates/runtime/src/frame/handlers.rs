//! Handlers at work: only those that were woken are asked again.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

/// Cancelled handlers in the set above which they are dropped at once, not at the next turn.
const CANCELLED: usize = 64;

/// Where a service's future lives. It stays when the future is through, for the next one.
type Place<F> = Pin<Box<Option<F>>>;

/// One handler at work.
pub(super) enum Work<F: Future> {
    /// The service was called.
    Called(Place<F>),
    /// Anything else that comes to the same end, such as a service that has to get ready first.
    Boxed(Pin<Box<dyn Future<Output = F::Output> + Send>>),
}

impl<F: Future> Work<F> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self {
            Work::Called(place) => match place.as_mut().as_pin_mut() {
                Some(future) => future.poll(cx),
                None => Poll::Pending,
            },
            Work::Boxed(future) => future.as_mut().poll(cx),
        }
    }
}

/// A handler that waits, and what it is for.
struct Handler<K, F: Future>(Option<(K, Work<F>)>);

impl<K, F: Future> Unpin for Handler<K, F> {}

impl<K, F: Future> Future for Handler<K, F> {
    type Output = Option<(K, F::Output, Work<F>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some((_, work)) = &mut self.0 else { return Poll::Ready(None) };
        let Poll::Ready(output) = work.poll(cx) else { return Poll::Pending };
        Poll::Ready(self.0.take().map(|(key, work)| (key, output, work)))
    }
}

/// Stops a handler.
#[derive(Debug)]
pub(super) struct Stop(AbortHandle);

/// The handlers of one connection. `K` says what each is for.
pub(super) struct Handlers<K, F: Future> {
    waiting: FuturesUnordered<Abortable<Handler<K, F>>>,
    /// Through while others were cancelled.
    done: Vec<(K, F::Output)>,
    spare: Option<Place<F>>,
    cancelled: usize,
}

/// What has to stay where it is is in boxes.
impl<K, F: Future> Unpin for Handlers<K, F> {}

impl<K, F: Future> Handlers<K, F> {
    pub(super) fn new() -> Handlers<K, F> {
        Handlers { waiting: FuturesUnordered::new(), done: Vec::new(), spare: None, cancelled: 0 }
    }

    /// Asks a service's future once; where it stands when that was enough is used again.
    pub(super) fn begin(&mut self, cx: &mut Context<'_>, future: F) -> Result<F::Output, Work<F>> {
        let place = match self.spare.take() {
            Some(mut place) => {
                place.as_mut().set(Some(future));
                place
            }
            None => Box::pin(Some(future)),
        };
        let mut work = Work::Called(place);
        match work.poll(cx) {
            Poll::Ready(output) => {
                self.reuse(work);
                Ok(output)
            }
            Poll::Pending => Err(work),
        }
    }

    fn reuse(&mut self, work: Work<F>) {
        if let Work::Called(mut place) = work {
            place.as_mut().set(None);
            self.spare = Some(place);
        }
    }

    /// Keeps a handler until it is through. [`poll`](Handlers::poll) has to be called, so that it can wake the task.
    pub(super) fn keep(&mut self, key: K, work: Work<F>) -> Stop {
        let (stop, registration) = AbortHandle::new_pair();
        self.waiting.push(Abortable::new(Handler(Some((key, work))), registration));
        Stop(stop)
    }

    /// Drops a handler, at the next turn at the latest.
    pub(super) fn cancel(&mut self, cx: &mut Context<'_>, stop: &Stop) {
        stop.0.abort();
        self.cancelled += 1;
        if self.cancelled > CANCELLED {
            while let Some(done) = self.next(cx) {
                self.done.push(done);
            }
        }
    }

    /// A handler that is through.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Option<(K, F::Output)> {
        self.done.pop().or_else(|| self.next(cx))
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Option<(K, F::Output)> {
        loop {
            match self.waiting.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(Some((key, output, work))))) => {
                    self.reuse(work);
                    return Some((key, output));
                }
                Poll::Ready(Some(Ok(None))) => {}
                Poll::Ready(Some(Err(_))) => self.cancelled = self.cancelled.saturating_sub(1),
                Poll::Ready(None) | Poll::Pending => return None,
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.done.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Weak};
    use std::task::Waker;

    async fn never(_held: Arc<()>) {
        std::future::pending().await
    }

    #[test]
    fn many_cancelled_at_once_are_not_kept() {
        let mut cx = Context::from_waker(Waker::noop());
        let mut handlers = Handlers::new();
        let mut held: Vec<Weak<()>> = Vec::new();
        for number in 0..1000 {
            let payload = Arc::new(());
            held.push(Arc::downgrade(&payload));
            let Err(work) = handlers.begin(&mut cx, never(payload)) else { panic!("it waits") };
            let stop = handlers.keep(number, work);
            handlers.cancel(&mut cx, &stop);
            let alive = held.iter().filter(|held| held.strong_count() > 0).count();
            assert!(alive <= CANCELLED + 1, "{alive}");
        }
        assert!(handlers.poll(&mut cx).is_none());
        assert!(held.iter().all(|held| held.strong_count() == 0));
    }

    #[test]
    fn the_place_of_a_future_that_is_through_is_used_again() {
        let mut cx = Context::from_waker(Waker::noop());
        let mut handlers: Handlers<(), _> = Handlers::new();
        let mut places = Vec::new();
        for number in 0..3 {
            assert_eq!(handlers.begin(&mut cx, std::future::ready(number)).ok(), Some(number));
            places.push(handlers.spare.as_ref().map(|place| &raw const **place));
        }
        assert!(places[0].is_some() && places.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
