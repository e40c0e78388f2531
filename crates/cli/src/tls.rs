//! Certificates of the servers.

use std::path::PathBuf;

use clap::Args;
use wirelace::tls_glue::{CertificateStore, Identity, KeyLog, ServerTls, development};

use crate::failure::Failure;
use crate::voice::Voice;

/// How TLS is spoken.
#[derive(Debug, Clone, Args)]
pub(crate) struct TlsArgs {
    /// Certificate chain, PEM [default: one for localhost, kept in the user's cache directory]
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Write the certificate in use to this file, PEM
    #[arg(long, value_name = "FILE")]
    write_cert: Option<PathBuf>,
    /// Append the secrets of TLS connections to this file, for a debugger: whoever reads it can read them
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,
}

impl TlsArgs {
    /// What the options say, checked.
    pub(crate) fn server(&self, voice: Voice) -> Result<ServerTls, Failure> {
        let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
        let identity = match (&self.cert, &self.key) {
            (Some(certificate), Some(key)) => {
                Identity::from_pem_files(certificate, key).map_err(|error| usage(&error))?
            }
            _ => {
                let folder = development::default_dir();
                let folder = folder.ok_or_else(|| {
                    Failure::Usage(
                        "no cache directory to keep a certificate in; --cert and --key take one".into(),
                    )
                })?;
                development::identity(&folder).map_err(|error| Failure::Peer(error.to_string()))?
            }
        };
        if let Some(path) = &self.write_cert {
            std::fs::write(path, identity.to_pem())
                .map_err(|error| Failure::Peer(format!("cannot write {}: {error}", path.display())))?;
        }
        let key_log = match &self.keylog {
            Some(path) => {
                voice.say(format_args!("the secrets of all TLS connections go to {}", path.display()));
                KeyLog::to_file(path)
                    .map_err(|error| Failure::Peer(format!("cannot write {}: {error}", path.display())))?
            }
            None => KeyLog::default(),
        };
        ServerTls::builder(CertificateStore::new(vec![identity]))
            .alpn(["http/1.1", "http/1.0"])
            .key_log(key_log)
            .build()
            .map_err(|error| usage(&error))
    }
}
