//! An HTTP client on the wirelace protocol machines: one [`Connection`] at a time, HTTP/2, HTTP/1.1 and HTTP/1.0,
//! streaming both ways.
//!
//! There is no pool and there are no redirects here yet. With the feature `tls`, `Connection::connect_tls` speaks
//! https, in the version that the server chooses. Central types: [`Connection`], the [`Handle`] by which many requests
//! share one of HTTP/2, and the response [`Body`].
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
//!
//! Many at once, over one connection of HTTP/2:
//!
//! ```no_run
//! use http_body_util::{BodyExt, Empty};
//! use wirelace_client::{Connection, HttpVersion, Options};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = Options::default().version(HttpVersion::Http2);
//! let connection = Connection::connect("127.0.0.1:8080".parse()?, options).await?;
//! let handle = connection.handle().ok_or("HTTP/1")?;
//! let mut fetches = tokio::task::JoinSet::new();
//! for number in 0..100 {
//!     let handle = handle.clone();
//!     fetches.spawn(async move {
//!         let uri = format!("http://localhost:8080/bytes/{number}");
//!         let request = http::Request::get(uri).body(Empty::<bytes::Bytes>::new()).unwrap();
//!         Ok::<_, wirelace_client::Error>(handle.send(request).await?.into_body().collect().await?.to_bytes())
//!     });
//! }
//! while let Some(fetched) = fetches.join_next().await {
//!     println!("{} bytes", fetched??.len());
//! }
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod body;
mod command;
mod connection;
mod control;
mod convert;
mod error;
mod exchanges;
mod handle;
mod link;
mod machine;
mod notice;
mod options;
mod push;
mod response;
mod running;
mod server_says;
mod shared;
mod table;
mod upload;

pub use body::Body;
pub use connection::Connection;
pub use control::Control;
pub use convert::Protocol;
pub use error::{BoxError, Error};
pub use handle::Handle;
pub use notice::{Notice, Notices};
pub use options::{HttpVersion, Options};
pub use push::{Push, Pushes};
pub use response::ResponseFuture;
