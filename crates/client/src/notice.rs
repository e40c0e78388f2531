//! What a server says about itself.

use bytes::Bytes;
use tokio::sync::mpsc;
use wirelace_http_semantics::Reason;

/// Notices that wait for whoever reads them; further ones are dropped.
const WAITING: usize = 32;

/// What an HTTP/2 server says that belongs to no exchange.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Other services that have the same (RFC 7838 §4).
    AltSvc {
        /// The origin that they are for, as the server wrote it. Where an exchange named it, `scheme://authority` of
        /// its request.
        origin: Bytes,
        /// As in the field Alt-Svc.
        value: Bytes,
    },
    /// Origins that this connection may be used for, where its certificate is for them, too (RFC 8336).
    Origin(Vec<Bytes>),
    /// The server takes no further request on this connection (RFC 9113 §6.8).
    GoAway(Reason),
}

/// The notices of one connection, in order.
#[derive(Debug)]
pub struct Notices(mpsc::Receiver<Notice>);

impl Notices {
    pub(crate) fn channel() -> (mpsc::Sender<Notice>, Notices) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (sender, Notices(receiver))
    }

    /// The next one; `None` once the connection has ended.
    pub async fn next(&mut self) -> Option<Notice> {
        self.0.recv().await
    }
}
