//! The application above a client machine of any version: requests in, responses out.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};
use wirelace_http_semantics::{Event, FieldId, Head, Reason, RequestHead, ResponseHead, SendError, StreamId};
use wirelace_runtime::{Application, Outcome, Step};
use wirelace_wire::Machine;

use crate::command::Command;
use crate::error::Error;
use crate::link::{Link, Order};
use crate::machine::{ClientMachine, Ready};
use crate::running::Running;
use crate::server_says::ServerSays;
use crate::shared::{Answered, End};
use crate::table::Table;

/// Bytes of a response that count as taken once it has ended, though nobody has taken them yet.
const SETTLED: usize = 64 * 1024;

/// The application.
pub(crate) struct Exchanges {
    commands: mpsc::Receiver<Command>,
    /// Exchanges at once, those included whose response has ended and was not read: there is a share of the
    /// connection's window for so many. With HTTP/1 one has to be read to its end before the next begins.
    most: usize,
    /// The next one, which the machine has not taken yet.
    waiting: Option<Command>,
    running: Table<Running>,
    link: Arc<Link>,
    says: ServerSays,
    /// Those to be looked at in this round.
    news: Vec<StreamId>,
    orders: Vec<Order>,
    /// Those who wait for the server's settings.
    settling: Vec<oneshot::Sender<()>>,
    /// No further request can come.
    abandoned: bool,
    /// No further request is taken.
    refusing: bool,
    /// The server has said so, for that reason.
    going_away: bool,
    /// The error for which it ends the connection, where it is one.
    why_ended: Option<Error>,
    /// The machine was told to end.
    ending: bool,
    /// A request has been sent.
    used: bool,
}

impl Exchanges {
    pub(crate) fn new(
        commands: mpsc::Receiver<Command>,
        most: usize,
        link: Arc<Link>,
        says: ServerSays,
    ) -> Exchanges {
        Exchanges {
            commands,
            most,
            waiting: None,
            running: Table::new(),
            link,
            says,
            news: Vec::new(),
            orders: Vec::new(),
            settling: Vec::new(),
            abandoned: false,
            refusing: false,
            going_away: false,
            why_ended: None,
            ending: false,
            used: false,
        }
    }

    /// Sends requests as long as there are some that the machine takes. True when anything happened.
    fn start<M: ClientMachine>(&mut self, cx: &mut Context<'_>, machine: &mut M) -> bool {
        let mut moved = false;
        loop {
            if self.waiting.is_none() && !self.abandoned {
                match self.commands.poll_recv(cx) {
                    Poll::Ready(Some(command)) => self.waiting = Some(command),
                    Poll::Ready(None) => self.abandoned = true,
                    Poll::Pending => return moved,
                }
            }
            let Some(command) = &self.waiting else { return self.end_unused(machine) || moved };
            let heeds = !command.ticket.is_given_up() && !self.refusing;
            let full = self.running.len() >= self.most || may_send(machine, &command.head) == Ready::Later;
            if heeds && full {
                return moved;
            }
            if let Some(command) = self.waiting.take() {
                self.send(machine, command);
                moved = true;
            }
        }
    }

    /// The last exchange is over and no further one can come.
    fn end_unused<M: ClientMachine>(&mut self, machine: &mut M) -> bool {
        if !self.running.is_empty() || std::mem::replace(&mut self.ending, true) {
            return false;
        }
        machine.shut_down();
        true
    }

    fn send<M: ClientMachine>(&mut self, machine: &mut M, command: Command) {
        if command.ticket.is_given_up() {
            return; // Nobody waits for it any more.
        }
        if self.refusing {
            return command.refuse(self.link.refusal());
        }
        let Command { head, body, on_interim, ticket } = command;
        if head.protocol.is_some() && machine.connect_protocol() == Some(false) {
            return ticket.fail(Error::NoExtendedConnect);
        }
        let connect = head.method == http::Method::CONNECT;
        let expects = head.fields.list_contains(FieldId::EXPECT, "100-continue");
        let authority = if M::MULTIPLEXED {
            self.says.note_authority(head.authority().unwrap_or_default())
        } else {
            None
        };
        // A tunnel has no end before it has begun.
        let end = body.is_empty() && !(connect && M::MULTIPLEXED);
        match machine.send_request(head, end) {
            Ok(stream) => {
                self.used = true;
                let body = if end { None } else { Some(body) };
                let tunnel = connect && M::MULTIPLEXED;
                let running = Running::new(ticket, body, expects, tunnel, Some(on_interim), authority);
                // What it did before now.
                let progress = running.ticket.begin(stream);
                self.running.insert(stream, running);
                if let Some(priority) = progress.priority {
                    machine.set_priority(stream, priority);
                }
                if progress.gone || progress.cancelled {
                    self.end(machine, stream, progress.cancelled);
                } else {
                    self.pump(machine, stream);
                }
            }
            Err(SendError::ShuttingDown | SendError::Closed | SendError::Blocked) => {
                ticket.fail(self.link.refusal());
            }
            Err(error) => ticket.fail(Error::Request(error)),
        }
    }

    /// Whoever wanted the exchange wants it no more.
    fn end<M: ClientMachine>(&mut self, machine: &mut M, stream: StreamId, cancelled: bool) {
        let Some(running) = self.running.get_mut(stream) else { return };
        if cancelled {
            running.ticket.fail(Error::Reset(Reason::Cancel));
        }
        let answered = running.answered;
        running.received = true;
        if cancelled || !answered {
            machine.reset(stream, Reason::Cancel);
            self.running.remove(stream);
            return;
        }
        // No event tells when HTTP/1 has thrown the rest away: the next request waits for that.
        machine.stop_receiving(stream);
        running.unwanted = true;
        self.forget_if_over(machine, stream);
    }

    /// Lets go of an exchange for which there is nothing left to do. True when there was not.
    fn forget_if_over<M: ClientMachine>(&mut self, machine: &mut M, stream: StreamId) -> bool {
        let Some(running) = self.running.get_mut(stream).filter(|running| running.is_over()) else {
            return false;
        };
        if running.unwanted && M::MULTIPLEXED {
            machine.reset(stream, Reason::Cancel);
        }
        self.running.remove(stream);
        true
    }

    /// Sends what the body of the request has ready. True when commands were given.
    fn pump<M: ClientMachine>(&mut self, machine: &mut M, stream: StreamId) -> bool {
        let Some(running) = self.running.get_mut(stream) else { return false };
        let Some(upload) = &mut running.upload else { return false };
        let pumped = upload.pump(machine, stream);
        match pumped.over {
            None => return pumped.moved,
            Some(None) => {
                running.upload = None;
                self.forget_if_over(machine, stream);
            }
            Some(Some(error)) => {
                running.ticket.fail(error);
                machine.reset(stream, Reason::Cancel);
                self.running.remove(stream);
            }
        }
        true
    }

    /// Something happened in an exchange. True when commands were given.
    fn attend<M: ClientMachine>(&mut self, machine: &mut M, stream: StreamId) -> bool {
        let Some(running) = self.running.get_mut(stream) else { return false };
        if let Some(why) = running.reset.take() {
            running.ticket.fail(or_ended(*why, self.why_ended.as_ref()));
            self.running.remove(stream);
            return true;
        }
        let progress = running.ticket.progress();
        let mut moved = progress.consumed > 0;
        if moved {
            machine.consumed(stream, progress.consumed);
        }
        if let Some(priority) = progress.priority {
            machine.set_priority(stream, priority);
            moved = true;
        }
        running.received |= progress.settled;
        if progress.cancelled || progress.gone && !running.received {
            self.end(machine, stream, progress.cancelled);
            moved = true;
        }
        moved |= self.pump(machine, stream);
        moved |= self.forget_if_over(machine, stream);
        let Some(running) = self.running.get_mut(stream) else { return moved };
        if running.received && self.abandoned && !self.refusing {
            // What is left of the request's body is for nobody, and may never end.
            machine.reset(stream, Reason::Cancel);
            self.running.remove(stream);
            moved = true;
        }
        moved
    }

    fn obey<M: ClientMachine>(&mut self, machine: &mut M, order: Order, now: Instant) {
        match order {
            Order::Stats(answer) => drop(machine.http2_stats().map(|stats| answer.send(stats))),
            Order::Settled(answer) => self.settling.push(answer),
            Order::Ping => machine.ping(now),
            Order::ShutDown => self.refuse(),
        }
    }

    /// What runs goes on.
    fn refuse(&mut self) {
        self.refusing = true;
        self.commands.close();
    }

    /// The server takes no further request. It may say so again, when the last stream is known.
    fn go_away(&mut self, reason: Reason, why: Option<Error>) {
        self.why_ended = why.or(self.why_ended.take());
        if !std::mem::replace(&mut self.going_away, true) {
            self.link.go_away(reason);
            self.refuse();
            self.says.go_away(reason);
        }
    }

    fn head<M: ClientMachine>(&mut self, machine: &mut M, stream: StreamId, head: ResponseHead, end: bool) {
        let Some(running) = self.running.get_mut(stream) else { return };
        running.answered = true;
        let tunnel = machine.is_tunnel(stream);
        if let Some(upload) = &mut running.upload {
            upload.release(true);
            if running.to_connect && !tunnel {
                running.upload = None; // Declined: there is no place for it.
            }
        }
        running.on_interim = None;
        running.received |= end;
        running.ticket.answer(Answered { head, tunnel, end });
        if end || running.upload.is_some() {
            self.news.push(stream);
        }
    }

    fn finish<M: ClientMachine>(&mut self, machine: &mut M, stream: StreamId, end: End) {
        let Some(running) = self.running.get_mut(stream) else { return };
        let most = if M::MULTIPLEXED { SETTLED } else { usize::MAX };
        let taken = running.ticket.finish(end, most);
        if taken > 0 {
            machine.consumed(stream, taken);
        }
        self.news.push(stream);
    }

    fn promise<M: ClientMachine>(
        &mut self,
        machine: &mut M,
        parent: StreamId,
        promised: StreamId,
        head: Box<RequestHead>,
    ) {
        let authority = self.running.get_mut(parent).and_then(|running| running.authority.as_deref());
        match self.says.promise(&self.link, authority, head) {
            Ok(ticket) => {
                let running = Running::new(ticket, None, false, false, None, None);
                running.ticket.begin(promised);
                self.running.insert(promised, running);
                // It may be given up already.
                self.news.push(promised);
            }
            Err(reason) => machine.reset(promised, reason),
        }
    }
}

fn may_send<M: ClientMachine>(machine: &M, head: &RequestHead) -> Ready {
    match machine.ready() {
        Ready::Now if head.protocol.is_some() && machine.connect_protocol().is_none() => Ready::Later,
        ready => ready,
    }
}

fn reset_error(reason: Reason) -> Error {
    match reason {
        Reason::Refused => Error::Refused,
        Reason::PeerClosed => Error::Closed,
        reason => Error::Reset(reason),
    }
}

/// What the server said before it closed.
fn or_ended(why: Error, ended: Option<&Error>) -> Error {
    match (why, ended) {
        (Error::Closed, Some(ended)) => ended.again(),
        (why, _) => why,
    }
}

impl<M: ClientMachine> Application<M> for Exchanges {
    fn on_event(&mut self, _: &mut Context<'_>, machine: &mut M, event: Event, _: Instant) {
        match event {
            Event::Head { stream, head: Head::Response(head), end } => self.head(machine, stream, head, end),
            Event::Informational { stream, head } => {
                let Some(running) = self.running.get_mut(stream) else { return };
                if let Some(upload) = &mut running.upload
                    && head.status == http::StatusCode::CONTINUE
                {
                    upload.release(false);
                    self.news.push(stream);
                }
                if let Some(on_interim) = &mut running.on_interim {
                    on_interim(&head);
                }
            }
            Event::Data { stream, data, end } => {
                let length = data.len();
                let running = self.running.get_mut(stream);
                let unwanted = running.map_or(length, |running| running.ticket.push(data));
                if unwanted > 0 {
                    machine.consumed(stream, unwanted);
                }
                if end {
                    self.finish(machine, stream, End::Complete);
                }
            }
            Event::Trailers { stream, fields } => self.finish(machine, stream, End::Trailers(fields)),
            Event::Capacity { stream } => self.news.push(stream),
            // What the machine thinks of it may come with the end of the connection, which is told first then.
            Event::Reset { stream, reason } => {
                if let Some(running) = self.running.get_mut(stream) {
                    let why = machine.why_reset(stream).unwrap_or_else(|| reset_error(reason));
                    running.reset = Some(Box::new(why));
                    self.news.push(stream);
                }
            }
            Event::Promise { stream, promised, head: Head::Request(head) } => {
                self.promise(machine, stream, promised, head);
            }
            Event::AltSvc { stream, origin, value } => {
                let authority = stream.and_then(|stream| self.running.get_mut(stream));
                let authority = authority.and_then(|running| running.authority.as_deref());
                self.says.alt_svc(stream.is_some(), authority, origin, value);
            }
            Event::Origin { origins } => self.says.origin(origins),
            Event::GoAway { reason, .. } => self.go_away(reason, machine.why_ended()),
            // Requests have no meaning at a client.
            _ => {}
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, machine: &mut M, now: Instant) -> Step {
        let mut moved = false;
        let mut own = std::mem::take(&mut self.news);
        for stream in own.drain(..) {
            moved |= self.attend(machine, stream);
        }
        self.link.look(cx.waker(), &mut own, &mut self.orders);
        for stream in own.drain(..) {
            moved |= self.attend(machine, stream);
        }
        if self.news.is_empty() {
            self.news = own; // The memory.
        }
        let mut orders = std::mem::take(&mut self.orders);
        for order in orders.drain(..) {
            self.obey(machine, order, now);
            moved = true;
        }
        self.orders = orders;
        if !self.settling.is_empty() && machine.connect_protocol().is_some() {
            for waiting in self.settling.drain(..) {
                let _ = waiting.send(());
            }
        }
        let known = self.abandoned;
        moved |= self.start(cx, machine);
        if self.abandoned && !known {
            // Those that only upload are for nobody now.
            self.news.extend(self.running.keys());
            moved = true;
        }
        if moved { Step::Again } else { Step::Wait }
    }

    fn shut_down(&mut self, machine: &mut M, _: Instant) {
        self.ending = true;
        machine.shut_down();
    }

    fn on_close(&mut self, outcome: Outcome<<M as Machine>::Error>) {
        let error = match outcome {
            Outcome::Protocol(error) => error.into(),
            Outcome::Io(error) => Error::transport(error),
            _ => Error::Closed,
        };
        // Whoever is told that it is over finds no connection to use any more.
        self.commands.close();
        for running in self.running.drain() {
            running.ticket.fail(match running.reset.map(|why| *why) {
                Some(why @ Error::Refused) => why,
                Some(why) if matches!(error, Error::Closed) => or_ended(why, self.why_ended.as_ref()),
                _ => error.again(),
            });
        }
        // Whoever comes later looks there.
        let why = if !self.used && error.is_alert() { Some(error) } else { None };
        self.link.close(why);
        if let Some(command) = self.waiting.take() {
            command.refuse(self.link.refusal());
        }
        while let Ok(command) = self.commands.try_recv() {
            command.refuse(self.link.refusal());
        }
    }
}

/// The task may end with its runtime.
impl Drop for Exchanges {
    fn drop(&mut self) {
        self.link.close(None);
    }
}
