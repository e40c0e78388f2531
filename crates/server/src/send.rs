//! What goes from an exchange to its machine: pieces of the response's body, credit for the request's.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use wirelace_http_semantics::{FieldId, Fields, Head, Reason, ResponseHead, SendError, StreamId};

use crate::exchange::Exchange;
use crate::feed::Collected;
use crate::machine::ServerMachine;
use crate::response_body::BoxBody;

/// Empty pieces that a body may yield in a row before others get their turn.
const EMPTY_PIECES: usize = 32;

/// What is left of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pumped {
    Part,
    All,
    /// It cannot be sent, and the exchange was reset.
    Failed,
}

/// The application's response cannot be sent: says that this side failed. False where not even that can be said.
pub(crate) fn refuse<M: ServerMachine>(machine: &mut M, stream: StreamId) -> bool {
    let mut head = ResponseHead::new(StatusCode::INTERNAL_SERVER_ERROR);
    if machine.is_http1() {
        // The value is known to be valid.
        let _ = head.fields.push(FieldId::CONNECTION, "close");
    }
    let told = machine.send_head(stream, Head::Response(head), true).is_ok();
    if !told {
        machine.reset(stream, Reason::Internal);
    }
    told
}

/// Sends what the body has and the machine takes. Returns whether anything moved, and what is left.
pub(crate) fn pump<M: ServerMachine>(
    cx: &mut Context<'_>,
    machine: &mut M,
    stream: StreamId,
    body: &mut BoxBody,
) -> (bool, Pumped) {
    let mut sent = false;
    let mut empty = 0;
    while machine.capacity(stream) > 0 {
        let frame = match body.as_mut().poll_frame(cx) {
            Poll::Pending => return (sent, Pumped::Part),
            Poll::Ready(frame) => frame,
        };
        let result = match frame {
            None => machine.send_data(stream, Bytes::new(), true).map(|()| true),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    let end = body.is_end_stream();
                    if data.is_empty() && !end {
                        empty += 1;
                        if empty > EMPTY_PIECES {
                            cx.waker().wake_by_ref();
                            return (sent, Pumped::Part);
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
            Some(Err(_)) => {
                machine.reset(stream, Reason::Internal);
                return (true, Pumped::Failed);
            }
        };
        sent = true;
        match result {
            Ok(false) => {}
            Ok(true) => return (true, Pumped::All),
            Err(SendError::Blocked) => return (sent, Pumped::Part),
            Err(SendError::Closed) => return (sent, Pumped::Failed),
            Err(_) => {
                machine.reset(stream, Reason::Internal);
                return (true, Pumped::Failed);
            }
        }
    }
    (sent, Pumped::Part)
}

/// Passes on to the machine what the body's reader did. True when commands were given.
pub(crate) fn collect<M: ServerMachine, F>(machine: &mut M, exchange: &mut Exchange<F>) -> bool {
    let Some(feed) = &exchange.feed else { return false };
    let collected = feed.collect();
    let mut moved = collected.wanted && invite(machine, exchange, |_| true);
    let stream = exchange.stream;
    if collected.taken > 0 {
        machine.consumed(stream, collected.taken);
        moved = true;
    }
    if collected.over {
        exchange.feed = None;
    } else if collected.gone {
        machine.stop_receiving(stream);
        exchange.feed = None;
        moved = true;
    }
    moved
}

/// Tells a client that waits for 100 (Continue) to send its body, if the body's reader is as it should be. True
/// when it was told.
pub(crate) fn invite<M: ServerMachine, F>(
    machine: &mut M,
    exchange: &mut Exchange<F>,
    when: impl FnOnce(&Collected) -> bool,
) -> bool {
    if !exchange.expects_continue || !exchange.feed.as_ref().is_some_and(|feed| when(&feed.collect())) {
        return false;
    }
    if !machine.expects_continue(exchange.stream) {
        exchange.expects_continue = false;
        return false;
    }
    let head = Head::Response(ResponseHead::new(StatusCode::CONTINUE));
    let told = machine.send_head(exchange.stream, head, false);
    // An earlier response may have to be finished first: tried again then.
    exchange.expects_continue = told == Err(SendError::Blocked);
    told.is_ok()
}
