//! The web protocol stack in Rust, one crate a layer. This facade re-exports the wirelace crates behind features
//! and adds nothing: whoever needs one layer alone takes that crate.
//!
//! | module | crate | feature |
//! | --- | --- | --- |
//! | [`wire`] | `wirelace-wire`: scanners, integers, [`Machine`](wire::Machine) | always there |
//! | [`wire_codec`] | `wirelace-wire-codec`: a binary framing protocol and its sessions | `frame` |
//! | [`semantics`] | `wirelace-http-semantics`: what the HTTP versions share | `http1`, `http2`, `http3` |
//! | [`http1`] | `wirelace-http1`: HTTP/1.0 and 1.1, codec and connections | `http1` |
//! | [`hpack`] | `wirelace-hpack`: header compression | `http2` |
//! | [`http2_frames`] | `wirelace-http2-frames`: HTTP/2 frames | `http2` |
//! | [`http2`] | `wirelace-http2`: HTTP/2 connections | `http2` |
//! | [`quic_lite`] | `wirelace-quic-lite`: QUIC endpoints and connections | `http3` |
//! | [`qpack`] | `wirelace-qpack`: header compression | `http3` |
//! | [`http3`] | `wirelace-http3`: HTTP/3 connections | `http3` |
//! | [`tls_glue`] | `wirelace-tls-glue`: TLS behind own types, certificates | `tls` |
//! | [`runtime`] | `wirelace-runtime`: tokio drivers for any machine, callers and servers for frames | `server`, `client`, `frame` |
//! | [`server`] | `wirelace-server`: any `tower` service over HTTP | `server` |
//! | [`client`] | `wirelace-client`: the HTTP client | `client` |
//!
//! All features are on by default. With `default-features = false, features = ["http1"]` there is no tokio.
//!
//! A server and a client, talking to each other:
//!
//! ```
//! use wirelace::client::{Connection, Options};
//! use wirelace::server::{Request, Response, Server};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hello = async |request: Request| Response::from(format!("hello, {}\n", request.head.path()));
//! // `Server::builder_tower` takes any tower service, such as an axum `Router` as it is.
//! let server = Server::builder(hello).bind(([127, 0, 0, 1], 0).into())?;
//! let address = server.local_addr();
//! let server = tokio::spawn(server.run_forever());
//!
//! let mut connection = Connection::connect(address, Options::default()).await?;
//! let request = http::Request::get(format!("http://{address}/world")).body(String::new())?;
//! let response = connection.send(request).await?;
//! assert_eq!(response.status(), 200);
//! # server.abort();
//! # Ok(()) }
//! ```
//!
//! The protocols themselves need no I/O. A request head, taken apart where it lies:
//!
//! ```
//! use wirelace::http1::head::{FieldLine, RequestLeniency, Status, parse_request};
//!
//! let bytes = b"GET /hello HTTP/1.1\r\nHost: example.com\r\n\r\n";
//! let mut fields = [FieldLine::default(); 16];
//! let parsed = parse_request(bytes, &mut fields, RequestLeniency::STRICT)?;
//! let Status::Complete(head) = parsed else { panic!("all of it is there") };
//! assert_eq!((head.method, head.fields[0].value), (&b"GET"[..], &b"example.com"[..]));
//! # Ok::<(), wirelace::http1::head::HeadError>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub use wirelace_wire as wire;

#[cfg(feature = "client")]
pub use wirelace_client as client;
#[cfg(feature = "http2")]
pub use wirelace_hpack as hpack;
#[cfg(any(feature = "http1", feature = "http2", feature = "http3"))]
pub use wirelace_http_semantics as semantics;
#[cfg(feature = "http1")]
pub use wirelace_http1 as http1;
#[cfg(feature = "http2")]
pub use wirelace_http2 as http2;
#[cfg(feature = "http2")]
pub use wirelace_http2_frames as http2_frames;
#[cfg(feature = "http3")]
pub use wirelace_http3 as http3;
#[cfg(feature = "http3")]
pub use wirelace_qpack as qpack;
#[cfg(feature = "http3")]
pub use wirelace_quic_lite as quic_lite;
#[cfg(any(feature = "server", feature = "client", feature = "frame"))]
pub use wirelace_runtime as runtime;
#[cfg(feature = "server")]
pub use wirelace_server as server;
#[cfg(feature = "tls")]
pub use wirelace_tls_glue as tls_glue;
#[cfg(feature = "frame")]
pub use wirelace_wire_codec as wire_codec;

/// The examples of the README are tests like all others.
#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
