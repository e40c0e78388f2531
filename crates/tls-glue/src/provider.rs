//! Which cryptography rustls works with. It is always passed, never the process's default: two libraries in one
//! program may want different ones.

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;

static RING: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::clone(&RING)
}
