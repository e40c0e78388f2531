//! Parts that were queued, on their way into a session.

use wirelace_wire_codec::session::{ExchangeId, SendError, Session};

use super::pipe::{Next, Pipe};

/// Sends what waits in a pipe, as far as there is capacity; `begun`: the request, or the response, was. True when all
/// of it is out, or the exchange over.
pub(super) fn send(session: &mut Session, id: ExchangeId, pipe: &Pipe, begun: &mut bool) -> bool {
    while pipe.has_output() {
        let Next::Part(part, end) = pipe.next(session.capacity(id)) else { return false };
        let sent = match *begun {
            true => session.send_data(id, part.clone(), end),
            false => session.respond(id, part.clone(), end),
        };
        match sent {
            Ok(()) if end => return true,
            Ok(()) => *begun = true,
            Err(SendError::Full) => {
                pipe.put_back(part);
                return false;
            }
            Err(_) => return true,
        }
    }
    false
}
