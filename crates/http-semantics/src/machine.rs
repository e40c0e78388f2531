//! What HTTP/1, HTTP/2 and HTTP/3 connections have in common.

use bytes::Bytes;
use wirelace_wire::Machine;

use crate::event::{Event, Reason, SendError, StreamId};
use crate::fields::Fields;
use crate::head::{Head, RequestHead, ResponseHead};

/// An HTTP connection of any version, for either role.
///
/// Received data counts against a window until [`consumed`](HttpMachine::consumed) gives it back: a machine never
/// hands out more than the window of any exchange, so a driver may always drain all events, and the memory that
/// unread bodies take is bounded.
pub trait HttpMachine: Machine<Event = Event> {
    /// Client: starts an exchange. `end`: there is no body.
    ///
    /// # Errors
    /// The head cannot be sent, or the connection takes no new exchange now (`Blocked`) or ever (`ShuttingDown`).
    fn send_request(&mut self, head: RequestHead, end: bool) -> Result<StreamId, SendError>;

    /// Server: sends the head of a response; interim (1xx) ones may come before the final one.
    ///
    /// # Errors
    /// See [`SendError`]; nothing was written.
    fn send_head(&mut self, stream: StreamId, head: Head, end: bool) -> Result<(), SendError>;

    /// Server: sends a whole final response at once, `body` being all of it. Content-Length is added where the
    /// head has none and the message may have one; a head that has one must be right.
    ///
    /// # Errors
    /// See [`SendError`]; nothing was written.
    fn send_message(&mut self, stream: StreamId, head: ResponseHead, body: Bytes) -> Result<(), SendError>;

    /// How many bytes [`send_data`](HttpMachine::send_data) wants now. 0 for an exchange that has to wait; the
    /// event `Capacity` tells when to ask again.
    fn capacity(&self, stream: StreamId) -> usize;

    /// Sends a part of the body. More than the capacity is taken too, once: it is the caller's memory either way.
    ///
    /// # Errors
    /// See [`SendError`]; nothing was written.
    fn send_data(&mut self, stream: StreamId, data: Bytes, end: bool) -> Result<(), SendError>;

    /// Ends the body with a trailer section. A message whose framing has no place for trailers ends without them.
    ///
    /// # Errors
    /// See [`SendError`]; nothing was written.
    fn send_trailers(&mut self, stream: StreamId, fields: Fields) -> Result<(), SendError>;

    /// The application took `bytes` of the exchange's data: credit goes back to the peer.
    fn consumed(&mut self, stream: StreamId, bytes: usize);

    /// The application wants no more of the exchange's incoming body: no `Data` and no `Trailers` follow, and
    /// what still comes is thrown away (within limits) or refused.
    fn stop_receiving(&mut self, stream: StreamId);

    /// Ends an exchange early, both directions. HTTP/1 can only end the connection with it.
    fn reset(&mut self, stream: StreamId, reason: Reason);

    /// Finishes what runs and takes nothing new.
    fn shut_down(&mut self);
}
