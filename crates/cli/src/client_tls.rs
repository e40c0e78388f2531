//! How the clients of this binary speak TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use wirelace::client::Error;
use wirelace::tls_glue::ct::{CtPolicy, LogList};
use wirelace::tls_glue::{
    Alert, ClientTls, ClientTlsBuilder, Identity, KeyLog, Pin, Revocation, Roots, TlsError, TlsVersion,
};

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
    /// Take only certificates that enough of these public logs have (a list in JSON, v3, as browsers use)
    #[arg(long, value_name = "FILE")]
    ct_log_list: Option<PathBuf>,
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

/// What the options say, read and ready.
#[derive(Debug, Clone)]
pub(crate) struct ClientTlsSettings {
    /// `None`: the system's.
    authorities: Option<Vec<Bytes>>,
    revocation: Revocation,
    pins: Vec<Pin>,
    logs: Option<Arc<LogList>>,
    identity: Option<Identity>,
    versions: (TlsVersion, TlsVersion),
    key_log: KeyLog,
    early_data: bool,
}

impl ClientTlsArgs {
    /// Reads the files.
    ///
    /// # Errors
    /// One cannot be read, or is not what it has to be: names it.
    pub(crate) fn settings(&self, voice: Voice) -> Result<ClientTlsSettings, Failure> {
        let mut authorities = Vec::new();
        for path in &self.cacert {
            let roots = Roots::from_pem(&read(path)?).map_err(|error| in_file(path, &error))?;
            if let Roots::Only(more) = roots {
                authorities.extend(more);
            }
        }
        let mut revocation = Revocation::default();
        for path in &self.crl {
            let lists = Revocation::lists_from(&read(path)?).map_err(|error| in_file(path, &error))?;
            revocation.lists.extend(lists);
            // As elsewhere: who asks for lists wants to be sure.
            (revocation.require, revocation.enforce_expiry) = (true, true);
        }
        let logs = match &self.ct_log_list {
            Some(path) => {
                Some(Arc::new(LogList::from_json(&read(path)?).map_err(|error| in_file(path, &error))?))
            }
            None => None,
        };
        let identity = match (&self.cert, &self.key) {
            (Some(certificate), Some(key)) => {
                let identity = Identity::from_pem_files(certificate, key);
                Some(identity.map_err(|error| Failure::Usage(error.to_string()))?)
            }
            _ => None,
        };
        let key_log = match &self.keylog {
            Some(path) => {
                let failed = |error| Failure::Usage(format!("cannot write {}: {error}", path.display()));
                let log = KeyLog::to_file(path).map_err(failed)?;
                voice.say(format_args!("the secrets of all TLS connections go to {}", path.display()));
                log
            }
            None => KeyLog::default(),
        };
        Ok(ClientTlsSettings {
            authorities: Some(authorities).filter(|_| !self.cacert.is_empty()),
            revocation,
            pins: self.pinned_key.clone(),
            logs,
            identity,
            versions: (self.tls_min.into(), self.tls_max.into()),
            key_log,
            early_data: false,
        })
    }
}

impl ClientTlsSettings {
    /// Whether early data may be sent.
    pub(crate) fn early_data(self, early_data: bool) -> ClientTlsSettings {
        ClientTlsSettings { early_data, ..self }
    }

    /// Takes only servers that are who they have to be; `alpn`: the protocols to offer.
    ///
    /// # Errors
    /// The settings do not go together, or the system has no authorities.
    pub(crate) fn verifying(&self, alpn: &[&'static str]) -> Result<ClientTls, Failure> {
        let roots = self.authorities.clone().map_or(Roots::System, Roots::Only);
        let policy = self.logs.clone().map_or_else(CtPolicy::off, CtPolicy::enforce);
        let builder = self.builder(roots, alpn).pins(self.pins.clone()).revocation(self.revocation.clone());
        built(builder.certificate_transparency(policy))
    }

    /// Asks nobody who the server is, and looks what the logs say.
    ///
    /// # Errors
    /// The settings do not go together.
    pub(crate) fn unverified(&self, alpn: &[&'static str]) -> Result<ClientTls, Failure> {
        let policy = self.logs.clone().map_or_else(CtPolicy::off, CtPolicy::report);
        built(self.builder(Roots::Insecure, alpn).certificate_transparency(policy))
    }

    /// For `--insecure`: asks for nothing but the pinned keys, if there are any.
    ///
    /// # Errors
    /// The settings do not go together.
    pub(crate) fn insecure(&self, alpn: &[&'static str], voice: Voice) -> Result<ClientTls, Failure> {
        if !self.pins.is_empty() {
            return built(self.builder(Roots::Pinned(self.pins.clone()), alpn));
        }
        voice.say(
            "WARNING: --insecure: no server is asked who it is; whoever sits on the way can read and change \
             everything",
        );
        self.unverified(alpn)
    }

    fn builder(&self, roots: Roots, alpn: &[&'static str]) -> ClientTlsBuilder {
        let (lowest, highest) = self.versions;
        let builder = ClientTls::builder(roots)
            .alpn(alpn.iter().copied())
            .versions(lowest, highest)
            .early_data(self.early_data)
            .key_log(self.key_log.clone());
        match &self.identity {
            Some(identity) => builder.identity(identity.clone()),
            None => builder,
        }
    }
}

fn built(builder: ClientTlsBuilder) -> Result<ClientTls, Failure> {
    builder.build().map_err(|error| Failure::Usage(error.to_string()))
}

/// A certificate that is refused is a check that failed; all else is the peer's or the network's failure.
pub(crate) fn failure(error: &Error, whose: &str) -> Failure {
    let text = format!("{whose}: {}", explained(error));
    match error.tls() {
        Some(TlsError::Certificate(_)) => Failure::Check(text),
        _ => Failure::Peer(text),
    }
}

/// With what to do about it, where that is known.
pub(crate) fn explained(error: &Error) -> String {
    match error.tls() {
        // certificate_required, and what servers of TLS 1.2 say instead.
        Some(TlsError::Alert(Alert(116 | 41))) => {
            format!("{error}; the server wants a client certificate: --cert and --key")
        }
        Some(TlsError::Alert(Alert::PROTOCOL_VERSION)) => {
            format!("{error}; look at --tls-min and --tls-max, or have the server speak TLS 1.2 or 1.3")
        }
        Some(TlsError::Alert(Alert(120))) => {
            format!("{error}; it speaks none of the versions of HTTP that were offered: look at --http")
        }
        _ => error.to_string(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::Usage(format!("cannot read {}: {error}", path.display())))
}

fn in_file(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Usage(format!("{}: {error}", path.display()))
}
