//! What stands above a machine: the code that is given its events and gives it commands.

use std::io;
use std::task::Context;
use std::time::Instant;

use wirelace_wire::Machine;

/// The application's half of one connection. Called by [`Connection`](crate::Connection), all within one task.
///
/// Wakers that it hands out are the task's, from the `cx` of the call. When one of them fires, the connection
/// calls [`woken`](Application::woken) and then [`poll`](Application::poll).
pub trait Application<M: Machine> {
    /// Takes one event. Commands that answer it may be given at once: what the machine then wants to send goes
    /// out together with the answers to the rest of the batch.
    fn on_event(&mut self, cx: &mut Context<'_>, machine: &mut M, event: M::Event, now: Instant);

    /// Goes on with what runs, as far as it goes without waiting.
    fn poll(&mut self, cx: &mut Context<'_>, machine: &mut M, now: Instant) -> Step;

    /// The task was woken, by the transport, by a timer or by a waker that the application gave to somebody.
    fn woken(&mut self) {}

    /// The server shuts down: finish what runs, take nothing new.
    fn shut_down(&mut self, machine: &mut M, now: Instant);

    /// The machine takes and gives nothing more; called once. Drop what still runs. The driver goes on writing
    /// what is queued, unless the transport is lost.
    fn on_close(&mut self, outcome: Outcome<M::Error>);
}

/// What [`Application::poll`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing: everything waits for an event or a waker.
    Wait,
    /// Commands were given to the machine, which may have events now.
    Again,
    /// The connection shall end without ceremony.
    Abort,
}

/// How a connection ended.
#[non_exhaustive]
#[derive(Debug)]
pub enum Outcome<E> {
    /// As the protocol wants it.
    Finished,
    /// The machine gave up, with this error.
    Protocol(E),
    /// The peer closed its side and did not take what it had asked for within the time allowed.
    PeerClosed,
    /// Reading or writing failed; most often the peer reset the connection.
    Io(io::Error),
    /// This side ended it: [`Step::Abort`], or the time for shutting down ran out.
    Aborted,
}
