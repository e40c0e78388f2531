//! Calls of the service that are under way.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{CatchUnwind, FutureExt as _};
use tower_service::Service;
use wirelace_wire_codec::datagram::RequestId;

use crate::frame::handlers::{Handlers, Stop, Work};
use crate::frame::service::Request;

/// The payload of a response, or why there is none.
pub(super) type Outcome = Result<Bytes, String>;

/// All peers share one task: a handler that panics answers with an error, and takes nobody with it.
type Caught<F> = CatchUnwind<AssertUnwindSafe<F>>;

pub(super) struct Calls<S: Service<Request>> {
    service: S,
    /// `None`: for a message, nobody waits for its end.
    handlers: Handlers<Option<RequestId>, Caught<S::Future>>,
    stops: HashMap<RequestId, Stop>,
    messages: usize,
}

impl<S> Calls<S>
where
    S: Service<Request, Response = Bytes> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: fmt::Display + Send + 'static,
{
    pub(super) fn new(service: S) -> Calls<S> {
        Calls { service, handlers: Handlers::new(), stops: HashMap::new(), messages: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.stops.is_empty() && self.messages == 0
    }

    /// Handlers of messages that have not ended.
    pub(super) fn messages(&self) -> usize {
        self.messages
    }

    /// Calls the service; the outcome where it is there at once. `None` as `id` is for a message.
    pub(super) fn start(
        &mut self,
        cx: &mut Context<'_>,
        id: Option<RequestId>,
        request: Request,
    ) -> Option<Outcome> {
        let work = match caught(|| self.service.poll_ready(cx)) {
            Ok(Poll::Ready(Ok(()))) => match caught(|| self.service.call(request)) {
                Ok(future) => match self.handlers.begin(cx, AssertUnwindSafe(future).catch_unwind()) {
                    Ok(output) => return Some(outcome(output)),
                    Err(work) => work,
                },
                Err(panic) => return Some(outcome::<S::Error>(Err(panic))),
            },
            Ok(Poll::Ready(Err(error))) => return Some(Err(error.to_string())),
            Ok(Poll::Pending) => self.wait(request),
            Err(panic) => return Some(outcome::<S::Error>(Err(panic))),
        };
        let stop = self.handlers.keep(id, work);
        match id {
            Some(id) => drop(self.stops.insert(id, stop)),
            None => self.messages += 1,
        }
        None
    }

    /// The service has to get ready first.
    fn wait(&mut self, request: Request) -> Work<Caught<S::Future>> {
        let fresh = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, fresh);
        let call = async move {
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        };
        Work::Boxed(Box::pin(AssertUnwindSafe(call).catch_unwind()))
    }

    /// Nobody waits for this one any more.
    pub(super) fn cancel(&mut self, cx: &mut Context<'_>, id: RequestId) {
        if let Some(stop) = self.stops.remove(&id) {
            self.handlers.cancel(cx, &stop);
        }
    }

    /// The next that is done.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Option<(RequestId, Outcome)> {
        loop {
            let (id, output) = self.handlers.poll(cx)?;
            match id {
                Some(id) if self.stops.remove(&id).is_some() => return Some((id, outcome(output))),
                // Cancelled just now.
                Some(_) => {}
                None => self.messages -= 1,
            }
        }
    }
}

/// What a panic leaves half-done is the service's own.
fn caught<T>(call: impl FnOnce() -> T) -> std::thread::Result<T> {
    catch_unwind(AssertUnwindSafe(call))
}

fn outcome<E: fmt::Display>(output: std::thread::Result<Result<Bytes, E>>) -> Outcome {
    match output {
        Ok(result) => result.map_err(|error| error.to_string()),
        // What it says was printed where it happened, and may be nothing for the peer.
        Err(_) => Err("the handler panicked".to_owned()),
    }
}
