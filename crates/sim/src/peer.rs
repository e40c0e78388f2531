//! One end of a simulated connection: a machine and the application on top of it.

use std::time::Instant;

use wirelace_wire::Machine;

/// A machine with its application. [`Pair`](crate::Pair) is the driver: it does what a socket driver would do.
pub trait Peer {
    /// The protocol.
    type Machine: Machine;

    /// The machine.
    fn machine(&mut self) -> &mut Self::Machine;

    /// The machine returned an event.
    fn on_event(&mut self, now: Instant, event: <Self::Machine as Machine>::Event);

    /// The machine returned an error: it is not polled any more, what is left in its output is written, then
    /// the connection is closed.
    fn on_error(&mut self, now: Instant, error: <Self::Machine as Machine>::Error);

    /// The connection was reset: the driver gives up and drops the machine. That is no proper end of its input,
    /// so the machine is not told (a body that ends with the connection would look complete).
    fn on_reset(&mut self, now: Instant) {
        let _ = now;
    }

    /// The application's turn: it may give commands to the machine. Returns true when it did something, and is
    /// then called again after the machine was polled.
    fn act(&mut self, now: Instant) -> bool;

    /// When [`act`](Peer::act) has something to do although nothing else happens (a slow handler).
    fn wakes_at(&self) -> Option<Instant> {
        None
    }

    /// True once this side will write nothing more but still reads, although the machine does not say so itself
    /// (`is_output_finished`): the driver half-closes when the output is empty.
    fn wants_half_close(&self) -> bool {
        false
    }

    /// True when this side has all it wanted: a run that comes to rest then is not a hang.
    fn is_done(&self) -> bool;

    /// Text for the trace.
    fn describe_event(event: &<Self::Machine as Machine>::Event) -> String {
        let _ = event;
        String::new()
    }

    /// Text for the trace.
    fn describe_error(error: &<Self::Machine as Machine>::Error) -> String {
        let _ = error;
        String::new()
    }
}
