//! What others want of a driver.

use std::net::SocketAddr;

use tokio::sync::{mpsc, oneshot};
use wirelace_quic_lite::{ClientConfig, Remembered};
use wirelace_tls_glue::TlsError;

/// The driver has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the QUIC endpoint has ended")]
pub struct EndpointClosed;

/// An order to the driver.
pub(super) enum Order<A> {
    Connect(Box<Connect<A>>),
    ShutDown,
}

pub(super) struct Connect<A> {
    pub(super) config: ClientConfig,
    pub(super) name: String,
    pub(super) remote: SocketAddr,
    pub(super) remembered: Remembered,
    pub(super) application: A,
    pub(super) answer: oneshot::Sender<Result<(), TlsError>>,
}

/// Makes connections on the socket of a [`Driver`](super::Driver), and ends it. The driver ends when it has no
/// connection and no controller any more, unless it takes connections.
pub struct Controller<A> {
    pub(super) orders: mpsc::UnboundedSender<Order<A>>,
}

impl<A> Clone for Controller<A> {
    fn clone(&self) -> Controller<A> {
        Controller { orders: self.orders.clone() }
    }
}

impl<A> std::fmt::Debug for Controller<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controller").finish_non_exhaustive()
    }
}

impl<A> Controller<A> {
    /// Begins a connection to the server of that name. What comes of it, `application` is told.
    ///
    /// # Errors
    /// The driver has ended, or the name or the configuration cannot be used.
    pub async fn connect(
        &self,
        config: ClientConfig,
        name: impl Into<String>,
        remote: SocketAddr,
        remembered: Remembered,
        application: A,
    ) -> Result<Result<(), TlsError>, EndpointClosed> {
        let (answer, answered) = oneshot::channel();
        let order = Connect { config, name: name.into(), remote, remembered, application, answer };
        self.orders.send(Order::Connect(Box::new(order))).map_err(|_| EndpointClosed)?;
        answered.await.map_err(|_| EndpointClosed)
    }

    /// Takes no further connections, and has all applications finish.
    pub fn shut_down(&self) {
        let _ = self.orders.send(Order::ShutDown);
    }
}
