//! Which cryptography rustls works with. It is always passed, never the process's default: two libraries in one
//! program may want different ones.

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;

/// Which library does the cryptography of a handshake. The records after it are protected with ring either way, and
/// so are signatures made.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Provider {
    /// ring: X25519, P-256 and P-384 for the key exchange.
    #[default]
    Ring,
    /// aws-lc: the same, and before them X25519MLKEM768, which a quantum computer of later times does not break
    /// (draft-ietf-tls-ecdhe-mlkem). The hello gets 1,200 octets longer.
    #[cfg(feature = "aws-lc-rs")]
    AwsLc,
}

static RING: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));

#[cfg(feature = "aws-lc-rs")]
static AWS_LC: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
    let kx_groups =
        vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];
    Arc::new(CryptoProvider { kx_groups, ..default_provider() })
});

impl Provider {
    pub(crate) fn rustls(self) -> Arc<CryptoProvider> {
        match self {
            Provider::Ring => Arc::clone(&RING),
            #[cfg(feature = "aws-lc-rs")]
            Provider::AwsLc => Arc::clone(&AWS_LC),
        }
    }
}
