//! QUIC over UDP: one task for each socket runs all of its connections.
//!
//! A [`Driver`] owns a socket and a [`quic_lite::Endpoint`]. It reads trains of datagrams
//! at once where the system puts them together (GRO), and sends trains that the system takes apart (GSO), with ECN. What
//! stands above each connection is an [`Application`]; for connections that come, [`Decision`] says what becomes of
//! them, and connections of one's own are made through a [`Controller`].

mod application;
mod controller;
mod driver;
mod ready;
mod socket;

use std::io;
use std::time::Instant;

pub use application::Application;
pub use controller::{Controller, EndpointClosed};
pub use driver::{Decision, Driver};

/// The clock that drivers go by.
#[must_use]
pub fn now() -> Instant {
    crate::timer::clock()
}

/// Random octets of the system, for seeds and secrets.
///
/// # Errors
/// The system has none.
pub fn random() -> io::Result<[u8; 32]> {
    let random = ring::rand::generate(&ring::rand::SystemRandom::new());
    random.map(|random| random.expose()).map_err(|_| io::Error::other("the system gives no random octets"))
}

/// The machine below.
pub use wirelace_quic_lite as quic_lite;
