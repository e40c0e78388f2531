//! The one shape of every connection, whatever its protocol.

use std::time::Instant;

use bytes::BytesMut;

use crate::Output;

/// A protocol connection without I/O: bytes in, events out.
///
/// A machine owns no socket and no input buffer and reads no clock. Its driver does, in a loop:
/// read into `input`, call [`poll_event`](Machine::poll_event) until it returns `None`, give the application
/// its events and take its commands, write [`output`](Machine::output), wait for the transport or for
/// [`deadline`](Machine::deadline).
///
/// The driver *pulls*: who does not pull does not parse, so back-pressure needs no queue.
pub trait Machine {
    /// What the peer did, in the words of the protocol.
    type Event;
    /// Why the connection cannot go on.
    type Error;

    /// Takes what it can from `input` and returns the next event; `None` means that more input, time, output
    /// space or a command of the application is needed.
    ///
    /// Bytes that belong to an incomplete element stay in `input`; the machine may remember how far it has
    /// scanned them, so the driver must only append to `input` between two calls.
    ///
    /// # Errors
    ///
    /// The connection is over. [`output`](Machine::output) may hold a last message for the peer (an HTTP error
    /// response, a GOAWAY), which the driver writes before it closes.
    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Self::Event>, Self::Error>;

    /// The peer has closed its side; [`poll_event`](Machine::poll_event) then says what that means. Not for a
    /// connection that was reset or lost: a message that the end of the connection ends would look complete.
    fn input_closed(&mut self, now: Instant);

    /// Bytes that want to go out.
    fn output(&mut self) -> &mut Output;

    /// When [`on_deadline`](Machine::on_deadline) wants to be called; `None`: no timer is running.
    fn deadline(&self) -> Option<Instant>;

    /// A timer may have expired. Calling it early is harmless.
    fn on_deadline(&mut self, now: Instant);

    /// False while the application has to catch up first: the driver then stops reading the transport. Where
    /// input turns into output by itself, a full output is a reason too. The driver adds none of its own: two
    /// peers that both stop reading because their output is full would wait for ever.
    fn wants_input(&self) -> bool;

    /// True once nothing more will be read or produced: the driver writes what is left in the output, then
    /// closes the transport.
    fn is_finished(&self) -> bool;

    /// True once nothing more will be produced while input may still come (half-close): the driver closes its
    /// sending side when the output is drained.
    fn is_output_finished(&self) -> bool {
        self.is_finished()
    }

    /// True when the transport is to be reset instead of closed: its end would end a message that is not
    /// complete, and the peer could not tell. Asked when the connection ends, for whatever reason.
    fn must_reset(&self) -> bool {
        false
    }

    /// Bytes of output have just been accepted by the transport, or were found empty. Machines that watch for a
    /// stalled peer take it as a sign of life; the others ignore it.
    fn output_progress(&mut self, now: Instant) {
        let _ = now;
    }

    /// True while the connection waits for the peer to start something new: the driver may give its read buffer
    /// back meanwhile.
    fn is_idle(&self) -> bool {
        false
    }
}
