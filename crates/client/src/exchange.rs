//! The application above a client machine: one exchange after the other.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use http_body::Frame;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;
use wirelace_http_semantics::{
    Event, FieldId, Fields, Head, HttpMachine, Reason, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_http1::ClientConnection;
use wirelace_runtime::{Application, Outcome, Step};

use crate::body::{Body, End, Shared};
use crate::convert::{response_parts, trailers};
use crate::error::{BoxError, Error};

/// How long the body of a request with `Expect: 100-continue` waits for the server (RFC 9110 §10.1.1).
const PATIENCE: Duration = Duration::from_secs(1);

/// The body of a request.
pub(crate) type RequestBody = Pin<Box<dyn http_body::Body<Data = Bytes, Error = BoxError> + Send>>;
/// Called with each interim response.
pub(crate) type OnInterim = Box<dyn FnMut(&ResponseHead) + Send>;

/// A request on its way to the connection's task.
pub(crate) struct Command {
    pub(crate) head: RequestHead,
    /// `None`: no body at all.
    pub(crate) body: Option<RequestBody>,
    pub(crate) on_interim: Option<OnInterim>,
    pub(crate) answer: oneshot::Sender<Result<http::Response<Body>, Error>>,
}

/// The application.
pub(crate) struct Exchanges {
    commands: mpsc::Receiver<Command>,
    waiting: Option<Command>,
    running: Option<Running>,
    /// The machine was told to end.
    ending: bool,
    /// A request has been sent.
    used: bool,
    early_end: EarlyEnd,
}

/// Why a connection ended before its first request was sent, where the server has said more than that it closes: that
/// it wants a certificate, for instance. For the first who asks.
pub(crate) type EarlyEnd = Arc<Mutex<Option<Error>>>;

/// The error of a request for a connection that has ended already.
pub(crate) fn refused(early_end: &EarlyEnd) -> Error {
    early_end.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or(Error::Refused)
}

struct Running {
    stream: StreamId,
    upload: Option<Upload>,
    on_interim: Option<OnInterim>,
    answer: Option<oneshot::Sender<Result<http::Response<Body>, Error>>>,
    incoming: Option<Arc<Shared>>,
    reset: Option<Reason>,
}

struct Upload {
    body: RequestBody,
    /// Until when it waits for 100 (Continue).
    held: Option<Pin<Box<Sleep>>>,
}

impl Exchanges {
    pub(crate) fn new(commands: mpsc::Receiver<Command>, early_end: EarlyEnd) -> Exchanges {
        Exchanges { commands, waiting: None, running: None, ending: false, used: false, early_end }
    }

    /// True when no further request can come. Wakes up for it.
    fn is_abandoned(&mut self, cx: &mut Context<'_>) -> bool {
        if self.waiting.is_some() {
            return false;
        }
        match self.commands.poll_recv(cx) {
            Poll::Ready(command) => {
                self.waiting = command;
                self.waiting.is_none()
            }
            Poll::Pending => false,
        }
    }

    fn next_command(&mut self, cx: &mut Context<'_>, machine: &mut ClientConnection) -> bool {
        if self.running.is_some() {
            return false;
        }
        if self.waiting.is_none() {
            match self.commands.poll_recv(cx) {
                Poll::Ready(Some(command)) => self.waiting = Some(command),
                Poll::Ready(None) if !self.ending => {
                    self.ending = true;
                    machine.shut_down();
                    return true;
                }
                _ => return false,
            }
        }
        // A request before may still be drained.
        if !machine.is_ready() && !machine.is_closing() {
            return false;
        }
        let Some(command) = self.waiting.take() else { return false };
        if command.answer.is_closed() {
            return true; // Nobody waits for it any more.
        }
        let expects = command.head.fields.list_contains(FieldId::EXPECT, "100-continue");
        match machine.send_request(command.head, command.body.is_none()) {
            Ok(stream) => {
                self.used = true;
                let held = expects.then(|| Box::pin(tokio::time::sleep(PATIENCE)));
                self.running = Some(Running {
                    stream,
                    upload: command.body.map(|body| Upload { body, held }),
                    on_interim: command.on_interim,
                    answer: Some(command.answer),
                    incoming: None,
                    reset: None,
                });
                true
            }
            Err(error) => {
                let error = match error {
                    SendError::ShuttingDown | SendError::Closed | SendError::Blocked => Error::Refused,
                    error => Error::Request(error),
                };
                let _ = command.answer.send(Err(error));
                true
            }
        }
    }
}

impl Running {
    /// Sends what the body of the request has ready. True when commands were given.
    fn upload(&mut self, cx: &mut Context<'_>, machine: &mut ClientConnection) -> bool {
        let Some(upload) = &mut self.upload else { return false };
        if let Some(sleep) = &mut upload.held {
            if sleep.as_mut().poll(cx).is_pending() {
                return false;
            }
            upload.held = None;
        }
        let mut sent = false;
        while machine.capacity(self.stream) > 0 {
            let frame = match upload.body.as_mut().poll_frame(cx) {
                Poll::Pending => return sent,
                Poll::Ready(frame) => frame,
            };
            sent = true;
            let result = match frame {
                None => machine.send_data(self.stream, Bytes::new(), true).map(|()| true),
                Some(Ok(frame)) => send_frame(machine, self.stream, frame, upload.body.is_end_stream()),
                Some(Err(error)) => {
                    self.fail(Error::RequestBody(error));
                    machine.reset(self.stream, Reason::Cancel);
                    self.upload = None;
                    return true;
                }
            };
            match result {
                Ok(false) => {}
                Ok(true) => {
                    self.upload = None;
                    break;
                }
                // The server has answered already and takes no more.
                Err(SendError::Closed | SendError::Order) => {
                    self.upload = None;
                    break;
                }
                Err(error) => {
                    self.fail(Error::Request(error));
                    machine.reset(self.stream, Reason::Cancel);
                    self.upload = None;
                    break;
                }
            }
        }
        sent
    }

    /// Tells the machine what the reader of the response did.
    fn download(&mut self, cx: &Context<'_>, machine: &mut ClientConnection) -> bool {
        let Some(incoming) = &self.incoming else { return false };
        let progress = incoming.progress(cx.waker());
        if progress.consumed > 0 {
            machine.consumed(self.stream, progress.consumed);
        }
        if progress.dropped {
            // No event tells when the machine has thrown the rest away: the next request waits for that.
            machine.stop_receiving(self.stream);
            self.incoming = None;
            return true;
        }
        progress.consumed > 0
    }

    fn head(&mut self, head: ResponseHead, end: bool, tunnel: bool) {
        let Some(answer) = self.answer.take() else { return };
        // It says nothing about a tunnel's bytes (RFC 9110 §9.3.6), nor about those in the chunked coding.
        let length = head.fields.get_str(FieldId::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let length = length.filter(|_| !tunnel && !head.fields.contains(FieldId::TRANSFER_ENCODING));
        let parts = response_parts(head);
        let body = if end {
            Body::empty()
        } else {
            let shared = Arc::<Shared>::default();
            self.incoming = Some(Arc::clone(&shared));
            Body::new(shared, length)
        };
        let _ = answer.send(Ok(http::Response::from_parts(parts, body)));
    }

    fn finish(&mut self, end: End) {
        if let Some(incoming) = self.incoming.take() {
            incoming.finish(end);
        }
    }

    fn fail(&mut self, error: Error) {
        match self.answer.take() {
            Some(answer) => drop(answer.send(Err(error))),
            None => self.finish(End::Failed(error)),
        }
    }

    /// All of the response is there, or nobody wants the rest of it.
    fn is_answered(&self) -> bool {
        self.answer.is_none() && self.incoming.is_none()
    }

    /// Nothing is left to do for it.
    fn is_over(&self) -> bool {
        self.is_answered() && self.upload.is_none()
    }
}

/// True when that was the end of the body.
fn send_frame(
    machine: &mut ClientConnection,
    stream: StreamId,
    frame: Frame<Bytes>,
    last: bool,
) -> Result<bool, SendError> {
    match frame.into_data() {
        Ok(data) => {
            if data.has_remaining() || last {
                machine.send_data(stream, data, last)?;
            }
            Ok(last)
        }
        Err(frame) => {
            if let Ok(fields) = frame.into_trailers() {
                machine.send_trailers(stream, Fields::from_header_map(&fields)?)?;
                return Ok(true);
            }
            Ok(false)
        }
    }
}

impl Application<ClientConnection> for Exchanges {
    fn on_event(&mut self, _: &mut Context<'_>, machine: &mut ClientConnection, event: Event, _: Instant) {
        let Some(running) = &mut self.running else { return };
        match event {
            Event::Head { head: Head::Response(head), end, .. } => {
                if let Some(upload) = &mut running.upload {
                    upload.held = None;
                }
                running.head(head, end, machine.is_tunnel());
                if end {
                    running.finish(End::Complete);
                }
            }
            Event::Informational { head, .. } => {
                if let Some(upload) = &mut running.upload
                    && head.status == http::StatusCode::CONTINUE
                {
                    upload.held = None;
                }
                if let Some(on_interim) = &mut running.on_interim {
                    on_interim(&head);
                }
            }
            Event::Data { data, end, .. } => {
                if let Some(incoming) = &running.incoming {
                    incoming.push(data);
                }
                if end {
                    running.finish(End::Complete);
                }
            }
            Event::Trailers { fields, .. } => running.finish(End::Trailers(trailers(&fields))),
            // What the machine thinks of it comes with the end of the connection.
            Event::Reset { reason, .. } => running.reset = Some(reason),
            _ => {}
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, machine: &mut ClientConnection, _: Instant) -> Step {
        let mut again = false;
        if let Some(running) = &mut self.running {
            if let Some(answer) = &mut running.answer
                && answer.poll_closed(cx).is_ready()
            {
                // The request was given up; HTTP/1 can only end the connection with it.
                machine.reset(running.stream, Reason::Cancel);
                self.running = None;
                return Step::Again;
            }
            again |= running.upload(cx, machine);
            again |= running.download(cx, machine);
            let (stream, over, answered) = (running.stream, running.is_over(), running.is_answered());
            if over {
                self.running = None;
                again = true;
            } else if answered && self.is_abandoned(cx) {
                // What is left of the request's body is for nobody, and may never end.
                machine.reset(stream, Reason::Cancel);
                self.running = None;
                return Step::Again;
            }
        }
        again |= self.next_command(cx, machine);
        if again { Step::Again } else { Step::Wait }
    }

    fn shut_down(&mut self, machine: &mut ClientConnection, _: Instant) {
        self.ending = true;
        machine.shut_down();
    }

    fn on_close(&mut self, outcome: Outcome<wirelace_http1::Error>) {
        let mut running = self.running.take();
        let error = match (outcome, running.as_ref().and_then(|running| running.reset)) {
            (Outcome::Protocol(error), _) => Error::Protocol(error),
            (Outcome::Io(error), _) => Error::transport(error),
            (_, Some(Reason::Refused)) => Error::Refused,
            (_, None | Some(Reason::PeerClosed)) => Error::Closed,
            (_, Some(reason)) => Error::Reset(reason),
        };
        if let Some(running) = &mut running {
            running.fail(error);
        } else if !self.used && error.is_alert() {
            // Whoever comes later looks there.
            *self.early_end.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
        self.commands.close();
        if let Some(command) = self.waiting.take() {
            let _ = command.answer.send(Err(refused(&self.early_end)));
        }
        while let Ok(command) = self.commands.try_recv() {
            let _ = command.answer.send(Err(refused(&self.early_end)));
        }
    }
}
