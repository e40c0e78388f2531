//! What stands above a QUIC connection.

use std::task::Context;
use std::time::Instant;

use wirelace_quic_lite::{CloseReason, Connection, Event};

use crate::application::Step;

/// The application of one QUIC connection: HTTP/3, or whatever speaks over streams. It is called by the one task that
/// runs all connections of a socket, and must not block.
pub trait Application {
    /// Something happened.
    fn on_event(&mut self, cx: &mut Context<'_>, connection: &mut Connection, event: Event, now: Instant);

    /// Called after events, and when `cx`'s waker was woken: the place for commands. [`Step::Again`]: there was
    /// something to do, and there may be more.
    fn poll(&mut self, cx: &mut Context<'_>, connection: &mut Connection, now: Instant) -> Step;

    /// `cx`'s waker was woken, or datagrams came: called before [`poll`](Application::poll), once for a turn.
    fn woken(&mut self) {}

    /// When [`on_deadline`](Application::on_deadline) wants to be called, as of the last call of any other.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Its time may have come.
    fn on_deadline(&mut self, connection: &mut Connection, now: Instant) {
        let _ = (connection, now);
    }

    /// Finish what runs, and [close](Connection::close) then.
    fn shut_down(&mut self, connection: &mut Connection, now: Instant);

    /// The connection is over; called once, and nothing is called after it. `None`: the endpoint was dropped or
    /// aborted.
    fn on_close(&mut self, reason: Option<&CloseReason>);
}

impl<A: Application + ?Sized> Application for Box<A> {
    fn on_event(&mut self, cx: &mut Context<'_>, connection: &mut Connection, event: Event, now: Instant) {
        (**self).on_event(cx, connection, event, now);
    }

    fn poll(&mut self, cx: &mut Context<'_>, connection: &mut Connection, now: Instant) -> Step {
        (**self).poll(cx, connection, now)
    }

    fn woken(&mut self) {
        (**self).woken();
    }

    fn deadline(&self) -> Option<Instant> {
        (**self).deadline()
    }

    fn on_deadline(&mut self, connection: &mut Connection, now: Instant) {
        (**self).on_deadline(connection, now);
    }

    fn shut_down(&mut self, connection: &mut Connection, now: Instant) {
        (**self).shut_down(connection, now);
    }

    fn on_close(&mut self, reason: Option<&CloseReason>) {
        (**self).on_close(reason);
    }
}
