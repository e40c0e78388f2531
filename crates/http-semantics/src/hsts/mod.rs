//! HTTP Strict Transport Security (RFC 6797): hosts that are to be spoken to over TLS only.
//!
//! A client gives what it receives to an [`HstsStore`] and asks it before each request; a server writes an
//! [`HstsPolicy`] and sends plain requests away with an [`HstsServer`]. Time is passed in, in seconds since 1970.
//!
//! ```
//! use wirelace_http_semantics::hsts::{HstsHost, HstsStore};
//!
//! let mut store = HstsStore::new(10_000);
//! let (host, now) = (HstsHost::new("example.com").unwrap(), 1_764_000_000);
//! // Came over TLS, and the certificate was good.
//! store.receive(&host, b"max-age=31536000; includeSubDomains", now)?;
//! let upgraded = store.upgrade("http://www.example.com:80/index", now + 60);
//! assert_eq!(upgraded.as_deref(), Some("https://www.example.com:443/index"));
//! # Ok::<(), wirelace_http_semantics::hsts::HstsError>(())
//! ```

mod host;
mod json;
mod lines;
mod policy;
mod preload;
mod server;
mod store;
mod upgrade;

pub use host::HstsHost;
pub use json::{JsonError, JsonRule};
pub use lines::{LineRule, LinesError};
pub use policy::{HstsError, HstsPolicy, HstsRule};
pub use preload::PreloadList;
pub use server::{HstsAnswer, HstsServer};
pub use store::{HstsStore, KnownHost, Loaded, Update};
pub use upgrade::upgrade_url;
