//! HSTS (RFC 6797): header values, the store under a clock of its own, URLs, the server's side, preload lists.

mod policy;
mod preload;
mod server;
mod store;
mod store_text;
mod upgrade;

use wirelace_http_semantics::hsts::HstsHost;

/// A moment, in seconds since 1970.
const NOW: u64 = 1_764_000_000;

fn host(name: &str) -> HstsHost {
    HstsHost::new(name).unwrap_or_else(|| panic!("{name}"))
}
