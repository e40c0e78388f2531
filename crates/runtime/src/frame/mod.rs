//! Callers and servers for the framing protocol of `wirelace-wire-codec`, over TCP or any other byte stream,
//! and over UDP ([`UdpCaller`], [`UdpServer`]).
//!
//! ```
//! use wirelace_runtime::frame::{Caller, CallerOptions, FrameServer, FrameServerOptions, Request, from_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let greet = from_fn(async |request: Request| match std::str::from_utf8(&request.payload) {
//!     Ok(name) => Ok(format!("hello, {name}").into()),
//!     Err(error) => Err(error),
//! });
//! let server = FrameServer::bind(([127, 0, 0, 1], 0).into(), greet, FrameServerOptions::default())?;
//! let address = server.local_addr();
//! let server = tokio::spawn(server.run(std::future::pending()));
//!
//! let caller = Caller::connect(address, CallerOptions::default()).await?;
//! assert_eq!(caller.call("world").await?, "hello, world");
//! # server.abort();
//! # Ok(()) }
//! ```
//!
//! Payloads that are large, or without end, go in parts: [`FrameServer::bind_streamed`] serves them, and
//! [`Caller::open`] has a half that sends and one that reads. Credit holds up who sends while nobody reads.
//!
//! ```
//! # use wirelace_runtime::frame::{Answer, Body, Caller, CallerOptions, FrameServer, FrameServerOptions, Request};
//! # use wirelace_runtime::frame::from_stream_fn;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let echo = from_stream_fn(async |request: Request<Body>| Ok::<_, String>(Answer::stream(request.payload)));
//! # let options = FrameServerOptions::default();
//! let server = FrameServer::bind_streamed(([127, 0, 0, 1], 0).into(), echo, options)?;
//! # let address = server.local_addr();
//! # let server = tokio::spawn(server.run(std::future::pending()));
//! # let caller = Caller::connect(address, CallerOptions::default()).await?;
//! let (mut sender, mut body) = caller.open("as much ");
//! sender.send("as there is").await?;
//! sender.finish();
//! let mut octets = 0;
//! while let Some(part) = body.next().await {
//!     octets += part?.len();
//! }
//! assert_eq!(octets, 19);
//! # server.abort();
//! # Ok(()) }
//! ```
//!
//! A [`ReconnectingCaller`] connects again when its server comes back. All callers are
//! [`tower_service::Service`]s, so that `tower`'s layers fit.

mod answer;
mod backoff;
mod bell;
mod body;
mod caller;
mod caller_app;
mod error;
mod flow;
mod handlers;
mod id_map;
mod mailbox;
mod parts;
mod pipe;
mod reconnect;
mod server;
mod server_app;
mod service;
mod udp;

pub use answer::Answer;
pub use caller::{Call, CallFuture, Caller, CallerOptions};
pub use error::CallError;
pub use parts::{Body, BodySender};
pub use reconnect::{ReconnectOptions, ReconnectingCaller};
pub use server::{FrameServer, FrameServerOptions};
pub use service::{FromFn, Mode, Request, Streamed, Whole, from_fn, from_stream_fn};
pub use udp::{Observer, UdpCaller, UdpCallerOptions, UdpServer, UdpServerOptions, Way};
