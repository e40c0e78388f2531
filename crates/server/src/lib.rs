//! An HTTP server over the wirelace protocol machines: native handlers that work on the received bytes, and any
//! tower service (an unmodified axum `Router`). HTTP/1 and HTTP/2 are spoken on the same ports.
//!
//! It is not a framework: routing, extraction and middleware are the service's. Central types: [`Server`] with its
//! [`Builder`], [`Handler`] with [`Request`] and [`Response`].
//!
//! ```
//! use wirelace_server::{Request, Response, Server};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! let hello = async |request: Request| Response::from(format!("hello, {}\n", request.head.path()));
//! let server = Server::builder(hello).max_connections(1_000).bind(([127, 0, 0, 1], 0).into())?;
//! println!("listening at {}", server.local_addr());
//! let shutdown = async { /* tokio::signal::ctrl_c().await */ };
//! server.run(shutdown).await
//! # }
//! ```
#![cfg_attr(feature = "tls", doc = include_str!("https.md"))]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod accepting;
mod any_http;
mod app;
mod call;
mod context;
mod date;
mod early;
mod exchange;
mod exchanges;
mod feed;
mod handler;
#[cfg(feature = "http3")]
mod http3;
mod info;
mod interim;
mod link;
mod listeners;
mod machine;
mod preface;
mod proxied;
pub mod proxy_protocol;
mod push;
mod redirect;
mod request;
mod request_body;
mod respond;
mod response;
mod response_body;
mod secured;
mod send;
mod serve;
mod server;
#[cfg(feature = "tls")]
mod tls;
mod tower;
mod trace;
mod versions;

pub use context::{Protocol, RawFields, RequestContext};
pub use early::EarlyRequests;
pub use feed::BodyError;
pub use handler::{Handler, Shared};
pub use info::{ConnectionInfo, Transport};
pub use interim::{Interim, NotInterim};
pub use proxied::ProxyProtocol;
pub use push::{PushError, Pusher};
pub use request::Request;
pub use request_body::{CollectError, RequestBody};
pub use response::Response;
pub use response_body::{BodySender, BoxBody, BoxError, ReaderGone, ResponseBody};
#[cfg(feature = "tls")]
pub use secured::ClientIdentity;
pub use serve::{Native, Serve, Tower};
pub use server::{Builder, Server};

pub use wirelace_http_semantics::Priority;
pub use wirelace_http_semantics::hsts::HstsPolicy;
pub use wirelace_http1::{Limits, Timeouts};
pub use wirelace_http2::{Limits as Http2Limits, Timeouts as Http2Timeouts};
pub use wirelace_runtime::{DriverOptions, ListenOptions, Stage, Tracker};
