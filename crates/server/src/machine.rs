//! What the server asks of a connection machine beyond `HttpMachine`.

use std::fmt::Display;

use wirelace_http_semantics::{HttpMachine, StreamId};
use wirelace_http1::ServerConnection;

/// The server's side of a connection, of any HTTP version.
pub(crate) trait ServerMachine: HttpMachine<Error: Display> {
    /// Responses must go out in the order of their requests.
    const IN_ORDER: bool;

    /// The client waits for 100 (Continue) before it sends the body.
    fn expects_continue(&self, stream: StreamId) -> bool;
}

impl ServerMachine for ServerConnection {
    const IN_ORDER: bool = true;

    fn expects_continue(&self, stream: StreamId) -> bool {
        ServerConnection::expects_continue(self, stream)
    }
}
