//! A request on its way to the connection's task.

use wirelace_http_semantics::{RequestHead, ResponseHead};

use crate::error::Error;
use crate::shared::Ticket;
use crate::upload::Payload;

/// Called with each interim response.
pub(crate) type OnInterim = Box<dyn FnMut(&ResponseHead) + Send>;

/// The request, and where its response goes.
pub(crate) struct Command {
    pub(crate) head: RequestHead,
    pub(crate) body: Payload,
    pub(crate) on_interim: OnInterim,
    pub(crate) ticket: Ticket,
}

impl Command {
    /// It is not sent.
    pub(crate) fn refuse(self, error: Error) {
        self.ticket.fail(error);
    }
}
