//! tokio drivers that run any wirelace machine over a byte stream. This is the only crate with I/O, tasks and
//! timers; it knows no protocol.
//!
//! [`Connection`] runs a [`Machine`](wirelace_wire::Machine) and the [`Application`] above it over anything that
//! reads and writes. [`ListenOptions`] and [`Acceptor`] take connections in, a [`Tracker`] limits and ends them,
//! [`Workers`] run one single-threaded runtime a core.
//!
//! ```
//! use std::{task::Context, time::Instant};
//! use bytes::{Bytes, BytesMut};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use wirelace_runtime::{Application, Connection, DriverOptions, Outcome, Step};
//! use wirelace_wire::{Machine, Output};
//!
//! /// Whatever arrives is an event.
//! struct Pipe { output: Output, closed: bool }
//! impl Machine for Pipe {
//!     type Event = Bytes;
//!     type Error = std::convert::Infallible;
//!     fn poll_event(&mut self, _: Instant, input: &mut BytesMut) -> Result<Option<Bytes>, Self::Error> {
//!         Ok((!input.is_empty()).then(|| input.split().freeze()))
//!     }
//!     fn input_closed(&mut self, _: Instant) { self.closed = true; }
//!     fn output(&mut self) -> &mut Output { &mut self.output }
//!     fn deadline(&self) -> Option<Instant> { None }
//!     fn on_deadline(&mut self, _: Instant) {}
//!     fn wants_input(&self) -> bool { true }
//!     fn is_finished(&self) -> bool { self.closed }
//! }
//!
//! struct Echo;
//! impl Application<Pipe> for Echo {
//!     fn on_event(&mut self, _: &mut Context<'_>, pipe: &mut Pipe, data: Bytes, _: Instant) {
//!         pipe.output.put(data);
//!     }
//!     fn poll(&mut self, _: &mut Context<'_>, _: &mut Pipe, _: Instant) -> Step { Step::Wait }
//!     fn shut_down(&mut self, _: &mut Pipe, _: Instant) {}
//!     fn on_close(&mut self, _: Outcome<std::convert::Infallible>) {}
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! let (mut near, far) = tokio::io::duplex(1024);
//! let pipe = Pipe { output: Output::new(1024), closed: false };
//! let echo = tokio::spawn(Connection::new(far, pipe, Echo, DriverOptions::default(), None));
//! near.write_all(b"hello").await?;
//! near.shutdown().await?;
//! let mut answer = String::new();
//! near.read_to_string(&mut answer).await?;
//! assert_eq!(answer, "hello");
//! echo.await?;
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod application;
mod closing;
mod connection;
#[cfg(feature = "frame")]
pub mod frame;
mod listen;
mod options;
mod pieces;
mod pool;
#[cfg(feature = "quic")]
pub mod quic;
mod timer;
#[cfg(feature = "tls")]
pub mod tls;
mod tracker;
mod transport;
mod workers;

pub use application::{Application, Outcome, Step};
pub use connection::Connection;
pub use listen::{Acceptor, ListenOptions, reset_on_drop};
pub use options::DriverOptions;
pub use pieces::Pieces;
pub use tracker::{Stage, Tracked, Tracker};
pub use workers::{WorkerPanicked, Workers};
