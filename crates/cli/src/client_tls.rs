//! How the clients of this binary speak TLS.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use wirelace::tls_glue::{ClientTls, ClientTlsBuilder, Identity, KeyLog, Pin, Revocation, Roots, TlsVersion};

use crate::failure::Failure;
use crate::voice::Voice;

/// Whom to trust, and how TLS is spoken.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClientTlsArgs {
    /// Trust these authorities, PEM, instead of the system's; may repeat
    #[arg(long, value_name = "FILE")]
    cacert: Vec<PathBuf>,
    /// Refuse certificates that are on these revocation lists, PEM or DER, or that have no list here; may repeat
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// Take only a server with this key on the way to its authority: sha256//BASE64, several with `;`
    #[arg(long, value_name = "PIN", value_delimiter = ';')]
    pinned_key: Vec<Pin>,
    /// The client's own certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Private key of the client's certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The lowest version of TLS
    #[arg(long, value_name = "VERSION", value_enum, default_value = "1.2")]
    tls_min: Version,
    /// The highest version of TLS
    #[arg(long, value_name = "VERSION", value_enum, default_value = "1.3")]
    tls_max: Version,
    /// Append the secrets of TLS connections to this file, for a debugger: whoever reads it can read them
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Version {
    #[value(name = "1.2")]
    Tls12,
    #[value(name = "1.3")]
    Tls13,
}

impl From<Version> for TlsVersion {
    fn from(version: Version) -> TlsVersion {
        match version {
            Version::Tls12 => TlsVersion::Tls12,
            Version::Tls13 => TlsVersion::Tls13,
        }
    }
}

impl ClientTlsArgs {
    /// What the options say, checked; `alpn`: the protocols to offer.
    pub(crate) fn verifying(
        &self,
        alpn: &'static [&'static str],
        voice: Voice,
    ) -> Result<ClientTls, Failure> {
        let mut authorities = Vec::new();
        for path in &self.cacert {
            let roots = Roots::from_pem(&read(path)?).map_err(|error| in_file(path, &error))?;
            if let Roots::Only(more) = roots {
                authorities.extend(more);
            }
        }
        let roots = if self.cacert.is_empty() { Roots::System } else { Roots::Only(authorities) };
        let mut revocation = Revocation::default();
        for path in &self.crl {
            let lists = Revocation::lists_from(&read(path)?).map_err(|error| in_file(path, &error))?;
            revocation.lists.extend(lists);
            // As elsewhere: who asks for lists wants to be sure.
            (revocation.require, revocation.enforce_expiry) = (true, true);
        }
        let builder = self.builder(roots, alpn, voice)?.pins(self.pinned_key.clone()).revocation(revocation);
        builder.build().map_err(|error| Failure::Usage(error.to_string()))
    }

    /// The same, but nobody is asked who the server is; with `--pinned-key`, the key alone is.
    pub(crate) fn insecure(&self, alpn: &'static [&'static str], voice: Voice) -> Result<ClientTls, Failure> {
        let roots = match self.pinned_key.as_slice() {
            [] => Roots::Insecure,
            pins => Roots::Pinned(pins.to_vec()),
        };
        self.builder(roots, alpn, voice)?.build().map_err(|error| Failure::Usage(error.to_string()))
    }

    fn builder(
        &self,
        roots: Roots,
        alpn: &'static [&'static str],
        voice: Voice,
    ) -> Result<ClientTlsBuilder, Failure> {
        let mut builder = ClientTls::builder(roots)
            .alpn(alpn.iter().copied())
            .versions(self.tls_min.into(), self.tls_max.into());
        if let (Some(certificate), Some(key)) = (&self.cert, &self.key) {
            let identity = Identity::from_pem_files(certificate, key);
            builder = builder.identity(identity.map_err(|error| Failure::Usage(error.to_string()))?);
        }
        if let Some(path) = &self.keylog {
            voice.say(format_args!("the secrets of all TLS connections go to {}", path.display()));
            let log = KeyLog::to_file(path);
            let failed = |error| Failure::Usage(format!("cannot write {}: {error}", path.display()));
            builder = builder.key_log(log.map_err(failed)?);
        }
        Ok(builder)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::Usage(format!("cannot read {}: {error}", path.display())))
}

fn in_file(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Usage(format!("{}: {error}", path.display()))
}
