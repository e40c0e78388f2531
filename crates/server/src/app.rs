//! The server's application: requests in, handlers called, responses out.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::Version;
use wirelace_http_semantics::{Event, FieldId, Head, Reason, RequestHead, SendError, StreamId};
use wirelace_runtime::{Application, Outcome, Step};
use wirelace_wire::Machine;

use crate::call::Call;
use crate::early::EarlyRequests;
use crate::exchange::{Exchange, Slot, State};
use crate::exchanges::{Exchanges, Look};
use crate::feed;
use crate::link::{Link, Notice};
use crate::machine::ServerMachine;
use crate::request::{Known, Request};
use crate::request_body::RequestBody;
use crate::respond::{self, Additions, Asked, Form};
use crate::response::Response;
use crate::response_body::ResponseBody;
use crate::send::{Pumped, collect, invite, pump, refuse};
use crate::trace;

/// Futures up to this size keep their place while the connection is idle.
const KEPT_FUTURE: usize = 512;

/// The application of one connection.
pub(crate) struct App<C: Call> {
    exchanges: Exchanges<C::Future>,
    core: Core<C>,
}

struct Core<C: Call> {
    call: C,
    link: Arc<Link>,
    additions: Arc<Additions>,
    early: EarlyRequests,
    spare: Option<Slot<C::Future>>,
    promised: Option<Box<Promised>>,
    /// What was said already.
    #[cfg(feature = "tracing")]
    malformed: Option<(StreamId, wirelace_http2::Malformed)>,
}

/// Requests that were promised and wait to be answered.
struct Promised(Vec<(StreamId, Box<RequestHead>)>);

// Nothing in it is pinned in place: futures and bodies live in boxes.
impl<C: Call> Unpin for App<C> {}

impl<C: Call> App<C> {
    pub(crate) fn new(call: C, link: Arc<Link>, additions: Arc<Additions>, early: EarlyRequests) -> App<C> {
        App {
            exchanges: Exchanges::new(),
            core: Core {
                call,
                link,
                additions,
                early,
                spare: None,
                promised: None,
                #[cfg(feature = "tracing")]
                malformed: None,
            },
        }
    }

    fn start<M: ServerMachine>(
        &mut self,
        cx: &mut Context<'_>,
        machine: &mut M,
        stream: StreamId,
        head: Box<RequestHead>,
        end: bool,
        now: Instant,
    ) {
        let asked = Asked::of(&head, machine);
        // Other versions have no upgrades (RFC 9110 §7.8, RFC 9113 §8.6).
        let offered = head.fields.contains(FieldId::UPGRADE) && head.version == Version::HTTP_11;
        let early = self.core.link.secured.is_early();
        let held = early && !self.core.early.allows(&head.method);
        if end && !asked.connect && !offered && !held {
            let known = Known::of(machine, stream, early);
            return self.start_whole(cx, machine, stream, head, known, now);
        }
        let link = &self.core.link;
        // CONNECT has no body: what follows is the tunnel's (RFC 9110 §9.3.6).
        let (feed, body) = if end || asked.connect {
            (None, RequestBody::empty())
        } else {
            let (feed, intake) = feed::channel(link, stream);
            let length = head.fields.get_str(FieldId::CONTENT_LENGTH).and_then(|length| length.parse().ok());
            (Some(feed), RequestBody::stream(intake, length))
        };
        let (tunnel_feed, tunnel) = if asked.connect || offered {
            let (feed, intake) = feed::channel(link, stream);
            if end && !asked.http1 {
                // HTTP/1 does not say at the head whether the tunnel's other end is closed already.
                feed.push(Bytes::new(), true);
            }
            (Some(feed), Some(Box::new(RequestBody::stream(intake, None))))
        } else {
            (None, None)
        };
        let known = Known::of(machine, stream, early);
        let request = Request { head, body, tunnel, link: Arc::clone(link), stream, known };
        let state = if held { State::Held(Box::new(request)) } else { self.core.call(cx, request) };
        let feeds = feed.is_some();
        self.exchanges.insert(Exchange {
            stream,
            asked,
            state,
            feed,
            tunnel: tunnel_feed,
            expects_continue: feeds && machine.expects_continue(stream),
            // Polled once the first part of its body, most often the next event, is there.
            runnable: true,
            alarm: None,
        });
    }

    /// The usual case, a request that is all there: most handlers answer at once, and nothing has to be kept.
    #[inline(always)]
    fn start_whole<M: ServerMachine>(
        &mut self,
        cx: &mut Context<'_>,
        machine: &mut M,
        stream: StreamId,
        head: Box<RequestHead>,
        known: Known,
        now: Instant,
    ) {
        let asked = Asked::of(&head, machine);
        let link = Arc::clone(&self.core.link);
        let request = Request { head, body: RequestBody::empty(), tunnel: None, link, stream, known };
        let slot = self.core.spare.get_or_insert_with(|| Box::pin(None));
        self.core.call.call(cx, request, slot.as_mut());
        let Some(future) = slot.as_mut().as_pin_mut() else { return };
        let result = future.poll(cx);
        if result.is_ready() {
            slot.set(None);
        }
        self.core.send_notices(machine);
        let first = self.exchanges.is_empty();
        let state = match result {
            Poll::Ready(response) => {
                if machine.is_http1() && !first {
                    State::Waiting(Box::new(response))
                } else {
                    match self.core.send(machine, stream, asked, response, now).0 {
                        State::Done | State::Failed => return,
                        state => state,
                    }
                }
            }
            Poll::Pending => self.core.spare.take().map_or(State::Done, State::Handling),
        };
        let mut exchange = Exchange {
            stream,
            asked,
            state,
            feed: None,
            tunnel: None,
            expects_continue: false,
            // Among others it needs a waker of its own, which it gets when it is polled again.
            runnable: !first,
            alarm: None,
        };
        if matches!(exchange.state, State::Sending(_)) {
            self.core.drive(cx, machine, &mut exchange, first, now);
        }
        if !exchange.is_over() {
            self.exchanges.insert(exchange);
        }
    }

    /// Answers what was promised, like what is asked for. True when there was anything.
    #[cold]
    fn start_promised<M: ServerMachine>(
        &mut self,
        cx: &mut Context<'_>,
        machine: &mut M,
        now: Instant,
    ) -> bool {
        let mut any = false;
        while let Some(promised) = self.core.promised.take() {
            any = true;
            for (stream, head) in promised.0 {
                let known = Known { pushed: true, may_push: false, ..Known::of(machine, stream, false) };
                self.start_whole(cx, machine, stream, head, known, now);
            }
        }
        any
    }

    fn end_all(&mut self, reason: Reason) {
        for exchange in self.exchanges.drain() {
            fail(exchange, reason);
        }
        self.core.spare = None;
    }
}

/// Drops an exchange; its handler goes, and who reads its body elsewhere is told why.
fn fail<F>(exchange: Exchange<F>, reason: Reason) {
    for feed in [&exchange.feed, &exchange.tunnel].into_iter().flatten() {
        feed.fail(reason);
    }
}

impl<C: Call> Core<C> {
    fn call(&mut self, cx: &mut Context<'_>, request: Request) -> State<C::Future> {
        let mut slot = self.spare.take().unwrap_or_else(|| Box::pin(None));
        self.call.call(cx, request, slot.as_mut());
        State::Handling(slot)
    }

    /// Goes on with an exchange. `first`: no earlier one is under way. True when commands were given.
    fn drive<M: ServerMachine>(
        &mut self,
        cx: &mut Context<'_>,
        machine: &mut M,
        exchange: &mut Exchange<C::Future>,
        first: bool,
        now: Instant,
    ) -> bool {
        let mut moved = false;
        loop {
            match &mut exchange.state {
                State::Held(_) => {
                    let Poll::Ready(confirmed) = self.link.secured.poll_confirmed(cx) else { break };
                    let State::Held(mut request) = std::mem::replace(&mut exchange.state, State::Done) else {
                        break;
                    };
                    if confirmed {
                        request.known.early = false;
                        exchange.state = self.call(cx, *request);
                    } else {
                        machine.reset(exchange.stream, Reason::Cancel);
                        exchange.state = State::Failed;
                    }
                }
                State::Handling(slot) => {
                    let Some(future) = slot.as_mut().as_pin_mut() else { break };
                    let Poll::Ready(response) = future.poll(cx) else {
                        self.send_notices(machine);
                        break;
                    };
                    slot.set(None);
                    self.send_notices(machine);
                    if machine.is_http1() && !first {
                        self.keep(std::mem::replace(&mut exchange.state, State::Waiting(Box::new(response))));
                        break;
                    }
                    let next = self.respond(machine, exchange, response, now);
                    self.keep(std::mem::replace(&mut exchange.state, next));
                    moved = true;
                }
                State::Waiting(_) if machine.is_http1() && !first => break,
                State::Waiting(_) => {
                    if let State::Waiting(response) = std::mem::replace(&mut exchange.state, State::Done) {
                        exchange.state = self.respond(machine, exchange, *response, now);
                    }
                    moved = true;
                }
                State::Sending(body) => {
                    let (sent, next) = pump(cx, machine, exchange.stream, body);
                    moved |= sent;
                    match next {
                        Pumped::All => exchange.state = State::Done,
                        Pumped::Failed => exchange.state = State::Failed,
                        Pumped::Part => break,
                    }
                }
                State::Failed => exchange.break_off(),
                State::Done => break,
            }
        }
        collect(machine, exchange) || moved
    }

    /// Keeps the place of a future for the next one.
    fn keep(&mut self, state: State<C::Future>) {
        if let State::Handling(slot) = state {
            self.spare = Some(slot);
        }
    }

    fn respond<M: ServerMachine>(
        &self,
        machine: &mut M,
        exchange: &mut Exchange<C::Future>,
        response: Response,
        now: Instant,
    ) -> State<C::Future> {
        // Who still holds the body means to read it while it answers.
        invite(machine, exchange, |reader| !reader.gone);
        // A body that is not wanted any more decides whether the connection can stay.
        collect(machine, exchange);
        let (state, form) = self.send(machine, exchange.stream, exchange.asked, response, now);
        if form == Form::Tunnel {
            exchange.feed = exchange.tunnel.take();
        } else if let Some(declined) = exchange.tunnel.take() {
            let (reader, _) = declined.push(Bytes::new(), true);
            reader.into_iter().for_each(std::task::Waker::wake);
            if exchange.asked.connect {
                machine.stop_receiving(exchange.stream);
            }
        }
        exchange.expects_continue = false;
        state
    }

    /// Sends a response, or its beginning. Returns what is left to do.
    fn send<M: ServerMachine>(
        &self,
        machine: &mut M,
        stream: StreamId,
        asked: Asked,
        mut response: Response,
        now: Instant,
    ) -> (State<C::Future>, Form) {
        let form = respond::settle(&mut response, asked, &self.additions, now);
        if !asked.http1
            && let Some(said) = response.head.fields.get(FieldId::PRIORITY)
            && let Some(known) = machine.priority(stream)
        {
            machine.set_priority(stream, known.merged(said));
        }
        let Response { head, body } = response;
        let (sent, body) = match (form, body) {
            (Form::Message, ResponseBody::Full(data)) => {
                (machine.send_message(stream, head, data), ResponseBody::Empty)
            }
            (Form::Announcement, _) => {
                (machine.send_head(stream, Head::Response(head), false), ResponseBody::Full(Bytes::new()))
            }
            // HTTP/2 ends a tunnel apart from its head.
            (Form::Tunnel, ResponseBody::Empty) if !asked.http1 => {
                (machine.send_head(stream, Head::Response(head), false), ResponseBody::Full(Bytes::new()))
            }
            (_, body) => {
                let end = matches!(body, ResponseBody::Empty);
                (machine.send_head(stream, Head::Response(head), end), body)
            }
        };
        if let Err(error) = sent {
            if error != SendError::Closed {
                trace::refused(&self.link.info, &error);
                if !refuse(machine, stream) {
                    return (State::Failed, Form::Message);
                }
            }
            return (State::Done, Form::Message);
        }
        let state = match body {
            ResponseBody::Empty => State::Done,
            ResponseBody::Full(data) => {
                if machine.send_data(stream, data, true).is_ok() {
                    State::Done
                } else {
                    machine.reset(stream, Reason::Internal);
                    State::Failed
                }
            }
            ResponseBody::Stream(body) => State::Sending(body),
        };
        (state, form)
    }

    /// Requests that the machine refused never get here.
    #[cfg(feature = "tracing")]
    fn note_malformed<M: ServerMachine>(&mut self, machine: &M) {
        let last = machine.last_malformed();
        if last != self.malformed
            && let Some((stream, rule)) = last
        {
            self.malformed = last;
            trace::malformed(&self.link.info, stream.0, &rule);
        }
    }

    /// Sends what goes before responses. What comes too late, is not valid or is not taken is not sent.
    #[inline]
    fn send_notices<M: ServerMachine>(&mut self, machine: &mut M) {
        for (stream, notice) in self.link.take_notices() {
            match notice {
                Notice::Interim(head) => {
                    let _ = machine.send_head(stream, Head::Response(head), false);
                }
                Notice::Promise(head) => {
                    if let Ok(promised) = machine.push(stream, RequestHead::clone(&head)) {
                        let all = self.promised.get_or_insert_with(|| Box::new(Promised(Vec::new())));
                        all.0.push((promised, head));
                    }
                }
            }
        }
    }
}

impl<M: ServerMachine, C: Call> Application<M> for App<C> {
    fn on_event(&mut self, cx: &mut Context<'_>, machine: &mut M, event: Event, now: Instant) {
        match event {
            Event::Head { stream, head: Head::Request(head), end } => {
                self.start(cx, machine, stream, head, end, now);
                if self.core.promised.is_some() {
                    self.start_promised(cx, machine, now);
                }
            }
            Event::Data { stream, data, end } => {
                let len = data.len();
                let Some(feed) = self.exchanges.get(stream).and_then(|exchange| exchange.inlet()) else {
                    machine.consumed(stream, len);
                    return;
                };
                let (reader, unwanted) = feed.push(data, end);
                self.exchanges.wake_reader(stream, reader, cx.waker());
                if unwanted > 0 {
                    machine.consumed(stream, unwanted);
                }
                if end {
                    self.exchanges.body_ended(stream);
                }
            }
            Event::Trailers { stream, fields } => {
                let Some(feed) = self.exchanges.get(stream).and_then(|exchange| exchange.feed.as_ref())
                else {
                    return;
                };
                let reader = feed.finish(fields);
                self.exchanges.wake_reader(stream, reader, cx.waker());
                self.exchanges.body_ended(stream);
            }
            Event::Capacity { stream } => self.exchanges.run(stream),
            Event::Reset { stream, reason } => {
                if let Some(exchange) = self.exchanges.remove(stream) {
                    fail(exchange, reason);
                }
            }
            // Responses, promises and the like have no meaning at a server.
            _ => {}
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, machine: &mut M, now: Instant) -> Step {
        #[cfg(feature = "tracing")]
        self.core.note_malformed(machine);
        if self.exchanges.is_empty() {
            if size_of::<C::Future>() > KEPT_FUTURE && machine.is_idle() {
                self.core.spare = None;
            }
            return Step::Wait;
        }
        // Before looking who has something to do, so that none is missed.
        self.core.link.set_task(cx.waker());
        self.core.send_notices(machine);
        let App { exchanges, core } = self;
        let link = Arc::clone(&core.link);
        let mut moved = exchanges.look(cx, &link, |cx, exchange, look| match look {
            Look::Poll { first } => core.drive(cx, machine, exchange, first, now),
            Look::Collect => collect(machine, exchange),
        });
        if self.core.promised.is_some() {
            moved |= self.start_promised(cx, machine, now);
        }
        if moved { Step::Again } else { Step::Wait }
    }

    fn woken(&mut self) {
        self.exchanges.woken();
    }

    fn shut_down(&mut self, machine: &mut M, _now: Instant) {
        machine.shut_down();
    }

    fn on_close(&mut self, outcome: Outcome<<M as Machine>::Error>) {
        trace::closed(&self.core.link.info, &outcome);
        let reason = match outcome {
            Outcome::Io(_) | Outcome::PeerClosed => Reason::PeerClosed,
            Outcome::Protocol(_) => Reason::Protocol,
            _ => Reason::Cancel,
        };
        self.end_all(reason);
    }
}

impl<C: Call> Drop for App<C> {
    fn drop(&mut self) {
        self.end_all(Reason::Cancel);
    }
}
