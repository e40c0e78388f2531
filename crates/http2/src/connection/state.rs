//! Where a connection is.

use wirelace_http_semantics::Event;

/// What the peer has to send first (RFC 9113 §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The client's preface.
    Preface,
    /// SETTINGS.
    Settings,
    Open,
}

/// How far this side is in ending the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    No,
    /// The peer is to start nothing more; what is on its way is still taken.
    Announced,
    /// Nothing is taken beyond the last stream that GOAWAY named.
    Final,
}

/// What one step over the input did.
pub(super) enum Step {
    /// The application has to know.
    Event(Event),
    /// Go on.
    Nothing,
    /// There is no whole frame, or it has to wait.
    Wait,
}

impl From<Option<Event>> for Step {
    fn from(event: Option<Event>) -> Step {
        event.map_or(Step::Nothing, Step::Event)
    }
}

/// What a block belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner {
    Headers { stream: u32, end_stream: bool, depends_on_itself: bool },
    Promise { parent: u32, promised: u32 },
}

/// A block of which more is to come.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) owner: Owner,
    pub(super) bytes: Vec<u8>,
    pub(super) continuations: u32,
}

impl Partial {
    /// The stream that the block is sent on.
    pub(super) fn stream(&self) -> u32 {
        match self.owner {
            Owner::Headers { stream, .. } => stream,
            Owner::Promise { parent, .. } => parent,
        }
    }
}
