//! An HTTP client on the wirelace protocol machines: one [`Connection`] at a time, HTTP/1.1 and HTTP/1.0,
//! streaming both ways.
//!
//! There is no pool and there are no redirects here yet. With the feature `tls`, `Connection::connect_tls` speaks
//! https. Central types: [`Connection`] and the response [`Body`].
//!
//! ```no_run
//! use http_body_util::{BodyExt, Empty};
//! use wirelace_client::{Connection, Options};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut connection = Connection::connect("127.0.0.1:8080".parse()?, Options::default()).await?;
//! let request = http::Request::get("http://localhost:8080/hello").body(Empty::<bytes::Bytes>::new())?;
//! let response = connection.send(request).await?;
//! assert_eq!(response.status(), 200);
//! let body = response.into_body().collect().await?.to_bytes();
//! println!("{}", String::from_utf8_lossy(&body));
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod body;
mod connection;
mod convert;
mod error;
mod exchange;

pub use body::Body;
pub use connection::{Connection, Options};
pub use error::{BoxError, Error};
