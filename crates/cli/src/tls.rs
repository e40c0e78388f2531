//! Certificates of the servers, and of their clients.

use std::path::{Path, PathBuf};

use clap::Args;
use wirelace::tls_glue::{
    CertificateStore, ClientCertificates, Identity, KeyLog, ServerTls, certificates_from_pem_file,
    development,
};

use crate::failure::Failure;
use crate::voice::Voice;

/// How TLS is spoken.
#[derive(Debug, Clone, Args)]
pub(crate) struct TlsArgs {
    /// Certificate chain, PEM; with its --key it may repeat, and clients have the one for the name they ask for, else
    /// the first. SIGHUP reads the files again [default: one for localhost, kept in the user's cache directory]
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Vec<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Vec<PathBuf>,
    /// Write the certificate in use to this file, PEM
    #[arg(long, value_name = "FILE")]
    write_cert: Option<PathBuf>,
    /// Serve over TLS only clients that show a certificate of these authorities, PEM
    #[arg(long, value_name = "FILE", conflicts_with = "client_ca_optional")]
    client_ca: Option<PathBuf>,
    /// Ask clients for a certificate of these authorities, PEM, and serve those without one, too
    #[arg(long, value_name = "FILE")]
    client_ca_optional: Option<PathBuf>,
    /// Take so many octets of early data (0-RTT) from clients that come again: somebody else can send it again, too
    #[arg(long, value_name = "BYTES", default_value_t = 0, hide_default_value = true)]
    early_data: u32,
    /// Append the secrets of TLS connections to this file, for a debugger: whoever reads it can read them
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,
}

impl TlsArgs {
    /// Something is said here: a server without TLS would not be what was asked for.
    pub(crate) fn is_wanted(&self) -> bool {
        let TlsArgs { cert, key: _, write_cert, client_ca, client_ca_optional, early_data, keylog } = self;
        let files = [write_cert, client_ca, client_ca_optional, keylog];
        !cert.is_empty() || *early_data > 0 || files.into_iter().any(Option::is_some)
    }

    /// There are files to read again.
    pub(crate) fn has_files(&self) -> bool {
        !self.cert.is_empty()
    }

    /// What the options say, checked.
    pub(crate) fn server(&self, voice: Voice) -> Result<ServerTls, Failure> {
        let identities = self.identities()?;
        let client_certificates = self.client_certificates()?;
        self.write_certificates(&identities)?;
        let key_log = match &self.keylog {
            Some(path) => {
                voice.say(format_args!("the secrets of all TLS connections go to {}", path.display()));
                KeyLog::to_file(path).map_err(|error| cannot_write(path, &error))?
            }
            None => KeyLog::default(),
        };
        ServerTls::builder(CertificateStore::new(identities))
            .client_certificates(client_certificates)
            .early_data(self.early_data)
            .key_log(key_log)
            .build()
            .map_err(|error| match self.client_ca.as_ref().or(self.client_ca_optional.as_ref()) {
                // What else there is was checked before.
                Some(path) => Failure::Usage(format!("{}: {error}", path.display())),
                None => usage(error),
            })
    }

    /// Reads the files again; where one cannot be used, all stay as they are.
    pub(crate) fn read_again(&self, store: &CertificateStore, voice: Voice) {
        match self.identities() {
            Ok(identities) => {
                let written = self.write_certificates(&identities);
                store.replace(identities);
                voice.say("the certificates were read again and are in use");
                written.unwrap_or_else(|error| voice.error(error));
            }
            Err(error) => voice.error(format_args!("{error}; the certificates in use stay")),
        }
    }

    fn identities(&self) -> Result<Vec<Identity>, Failure> {
        if self.cert.is_empty() {
            let folder = development::default_dir().ok_or_else(|| {
                let reason = "no cache directory to keep a certificate in; --cert and --key take one";
                Failure::Usage(reason.into())
            })?;
            let identity = development::identity(&folder);
            return Ok(vec![identity.map_err(|error| Failure::Peer(error.to_string()))?]);
        }
        if self.cert.len() != self.key.len() {
            let (certificates, keys) = (self.cert.len(), self.key.len());
            return Err(Failure::Usage(format!(
                "{certificates} --cert and {keys} --key: each certificate has its key"
            )));
        }
        let pairs = self.cert.iter().zip(&self.key);
        pairs.map(|(certificate, key)| Identity::from_pem_files(certificate, key).map_err(usage)).collect()
    }

    fn client_certificates(&self) -> Result<ClientCertificates, Failure> {
        Ok(match (&self.client_ca, &self.client_ca_optional) {
            (Some(path), _) => ClientCertificates::Required(certificates_from_pem_file(path).map_err(usage)?),
            (None, Some(path)) => {
                ClientCertificates::Optional(certificates_from_pem_file(path).map_err(usage)?)
            }
            (None, None) => ClientCertificates::None,
        })
    }

    fn write_certificates(&self, identities: &[Identity]) -> Result<(), Failure> {
        let Some(path) = &self.write_cert else { return Ok(()) };
        let pem: String = identities.iter().map(Identity::to_pem).collect();
        std::fs::write(path, pem).map_err(|error| cannot_write(path, &error))
    }
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::Usage(error.to_string())
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Peer(format!("cannot write {}: {error}", path.display()))
}
