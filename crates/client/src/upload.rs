//! Bodies of requests on their way out.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use wirelace_http_semantics::{Fields, SendError, StreamId};

use crate::error::{BoxError, Error};
use crate::machine::ClientMachine;

/// How long the body of a request with `Expect: 100-continue` waits for the server (RFC 9110 §10.1.1).
const PATIENCE: Duration = Duration::from_secs(1);
/// Empty pieces that a body may yield in a row before others get their turn.
const EMPTY_PIECES: usize = 32;
/// Bodies up to this length are looked at before they are sent, in bytes.
const SHORT: u64 = 64 * 1024;

/// The body of a request.
pub(crate) enum Payload {
    Empty,
    /// All of it.
    Full(Bytes),
    Stream(Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>),
}

impl Payload {
    /// A short body that is all there is taken at once.
    pub(crate) fn new<B>(body: B) -> Payload
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Payload::Empty;
        }
        let short = body.size_hint().exact().is_some_and(|length| length <= SHORT);
        let mut body = Box::pin(Erased { body, first: None });
        if short {
            // Whoever is not ready is asked again, by the connection's task.
            match body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => {}
                Poll::Ready(None) => return Payload::Empty,
                Poll::Ready(Some(first)) => match first.map(Frame::into_data) {
                    Ok(Ok(data)) if body.is_end_stream() => return Payload::Full(data),
                    Ok(Ok(data)) => *body.as_mut().project().first = Some(Ok(Frame::data(data))),
                    Ok(Err(other)) => *body.as_mut().project().first = Some(Ok(other)),
                    Err(error) => *body.as_mut().project().first = Some(Err(error)),
                },
            }
        }
        Payload::Stream(body)
    }

    /// Its length, where that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Payload::Empty => None,
            Payload::Full(data) => Some(data.len() as u64),
            Payload::Stream(body) => body.size_hint().exact(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Payload::Empty)
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Payload::Empty => f.write_str("Empty"),
            Payload::Full(data) => write!(f, "Full({} bytes)", data.len()),
            Payload::Stream(body) => write!(f, "Stream({:?})", body.size_hint()),
        }
    }
}

pin_project! {
    /// Any body as one of `Bytes` and boxed errors.
    struct Erased<B> {
        #[pin]
        body: B,
        // Taken out of the body already.
        first: Option<Result<Frame<Bytes>, BoxError>>,
    }
}

impl<B> Body for Erased<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(first));
        }
        Poll::Ready(match ready!(this.body.poll_frame(cx)) {
            // `Bytes` are taken over, not copied.
            Some(Ok(frame)) => Some(Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))),
            Some(Err(error)) => Some(Err(error.into())),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        if let Some(Ok(first)) = &self.first
            && let (Some(data), Some(rest)) = (first.data_ref(), hint.exact())
        {
            hint.set_exact(rest.saturating_add(data.len() as u64));
        }
        hint
    }
}

/// What is left to be sent.
pub(crate) struct Upload {
    body: Payload,
    hold: Hold,
    /// The exchange's.
    waker: Waker,
}

/// What it waits for before it begins.
enum Hold {
    Nothing,
    /// 100 (Continue), or the time to be up.
    Continue(Pin<Box<Sleep>>),
    /// The response: there is no tunnel before.
    Tunnel,
}

/// How far it came.
pub(crate) struct Pumped {
    /// Commands were given.
    pub(crate) moved: bool,
    /// Nothing is left; perhaps since this happened.
    pub(crate) over: Option<Option<Error>>,
}

impl Upload {
    /// `expects`: the request waits for 100 (Continue); `tunnel`: there is no place for data before the response.
    pub(crate) fn new(body: Payload, expects: bool, tunnel: bool, waker: Waker) -> Upload {
        let hold = match (tunnel, expects) {
            (true, _) => Hold::Tunnel,
            (false, true) => Hold::Continue(Box::pin(tokio::time::sleep(PATIENCE))),
            (false, false) => Hold::Nothing,
        };
        Upload { body, hold, waker }
    }

    /// The server has said 100 (Continue), or given the final response.
    pub(crate) fn release(&mut self, answered: bool) {
        if answered || matches!(self.hold, Hold::Continue(_)) {
            self.hold = Hold::Nothing;
        }
    }

    /// Sends what the body has ready and the machine takes.
    pub(crate) fn pump<M: ClientMachine>(&mut self, machine: &mut M, stream: StreamId) -> Pumped {
        let Upload { body, hold, waker } = self;
        let cx = &mut Context::from_waker(waker);
        match hold {
            Hold::Nothing => {}
            Hold::Tunnel => return Pumped { moved: false, over: None },
            Hold::Continue(sleep) => match sleep.as_mut().poll(cx) {
                Poll::Pending => return Pumped { moved: false, over: None },
                Poll::Ready(()) => *hold = Hold::Nothing,
            },
        }
        let mut moved = false;
        let mut empty = 0;
        while machine.capacity(stream) > 0 {
            let result = match body {
                Payload::Empty => machine.send_data(stream, Bytes::new(), true).map(|()| true),
                Payload::Full(data) => machine.send_data(stream, std::mem::take(data), true).map(|()| true),
                Payload::Stream(body) => match body.as_mut().poll_frame(cx) {
                    Poll::Pending => return Pumped { moved, over: None },
                    Poll::Ready(None) => machine.send_data(stream, Bytes::new(), true).map(|()| true),
                    Poll::Ready(Some(Err(error))) => {
                        return Pumped { moved, over: Some(Some(Error::RequestBody(error))) };
                    }
                    Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                        Ok(data) => {
                            let end = body.is_end_stream();
                            if data.is_empty() && !end {
                                empty += 1;
                                if empty > EMPTY_PIECES {
                                    cx.waker().wake_by_ref();
                                    return Pumped { moved, over: None };
                                }
                                continue;
                            }
                            machine.send_data(stream, data, end).map(|()| end)
                        }
                        Err(frame) => match frame.into_trailers().map(|map| Fields::from_header_map(&map)) {
                            Ok(Ok(fields)) => machine.send_trailers(stream, fields).map(|()| true),
                            Ok(Err(error)) => Err(error.into()),
                            Err(_) => continue, // A kind of frame that does not exist yet.
                        },
                    },
                },
            };
            moved = true;
            match result {
                Ok(false) => {}
                Ok(true) => return Pumped { moved, over: Some(None) },
                // The server has answered already and takes no more.
                Err(SendError::Closed | SendError::Order) => return Pumped { moved, over: Some(None) },
                Err(error) => return Pumped { moved, over: Some(Some(Error::Request(error))) },
            }
        }
        Pumped { moved, over: None }
    }
}
