//! One exchange while it lasts, as the connection's task has it.

use crate::command::OnInterim;
use crate::error::Error;
use crate::shared::Ticket;
use crate::upload::{Payload, Upload};

pub(crate) struct Running {
    pub(crate) ticket: Ticket,
    /// What is left of the request.
    pub(crate) upload: Option<Upload>,
    pub(crate) on_interim: Option<OnInterim>,
    /// The request was CONNECT: data go into a tunnel or nowhere.
    pub(crate) to_connect: bool,
    /// The head of the final response has come.
    pub(crate) answered: bool,
    /// All of the response was taken, or nobody wants the rest of it.
    pub(crate) received: bool,
    /// Nobody wants what the server still sends.
    pub(crate) unwanted: bool,
    pub(crate) reset: Option<Box<Error>>,
    /// Whom the request was for, where it is another than the connection's first.
    pub(crate) authority: Option<Box<[u8]>>,
}

impl Running {
    /// `tunnel`: its data wait for the response.
    pub(crate) fn new(
        ticket: Ticket,
        body: Option<Payload>,
        expects: bool,
        tunnel: bool,
        on_interim: Option<OnInterim>,
        authority: Option<Box<[u8]>>,
    ) -> Running {
        let upload = body.map(|body| Upload::new(body, expects, tunnel, ticket.waker()));
        Running {
            ticket,
            upload,
            on_interim,
            to_connect: tunnel,
            answered: false,
            received: false,
            unwanted: false,
            reset: None,
            authority,
        }
    }

    /// Nothing is left to do for it.
    pub(crate) fn is_over(&self) -> bool {
        self.received && self.upload.is_none()
    }
}
