//! What can be done to an exchange while it lasts.

use std::sync::Arc;

use wirelace_http_semantics::Priority;

use crate::shared::Shared;

/// Holds on to an exchange from elsewhere; of no effect once that is over. It does not keep the exchange: who drops
/// the response ends it.
#[derive(Debug, Clone)]
pub struct Control(Arc<Shared>);

impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Control {
        Control(shared)
    }

    /// Tells the server how urgent the response is now (RFC 9218 §7). HTTP/1 has no way to say it.
    pub fn set_priority(&self, priority: Priority) {
        self.0.set_priority(priority);
    }

    /// Ends the exchange: whoever waits for it, or reads the body, gets [`Error::Reset`](crate::Error::Reset). In
    /// HTTP/1 that ends the connection.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}
