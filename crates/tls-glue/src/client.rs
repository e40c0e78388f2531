//! The client's side of TLS.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, UnbufferedClientConnection, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::error::TlsError;
use crate::identity::Identity;
use crate::keylog::KeyLog;
use crate::provider::provider;
use crate::report::TlsVersion;

/// Which authorities a client trusts.
#[derive(Debug, Clone)]
pub enum Roots {
    /// These, in DER.
    Only(Vec<Bytes>),
    /// Nobody is asked for anything: **whoever sits on the way can read and change everything.** For tests.
    Insecure,
}

impl Roots {
    /// The certificates of a PEM text.
    ///
    /// # Errors
    ///
    /// It is broken, or has none.
    pub fn from_pem(text: &[u8]) -> Result<Roots, TlsError> {
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
        let all = all.map_err(|error| TlsError::Local(format!("the authorities' PEM is broken: {error}")))?;
        if all.is_empty() {
            return Err(TlsError::Local("no certificate among the authorities".to_owned()));
        }
        Ok(Roots::Only(all.into_iter().map(|der| Bytes::from(der.to_vec())).collect()))
    }
}

/// How a client speaks TLS; see [`ClientTls::builder`]. Clones share their sessions.
#[derive(Clone, Debug)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    handshake_timeout: Option<Duration>,
}

/// Settings of a [`ClientTls`]. The defaults: TLS 1.2 and 1.3, sessions are resumed, ten seconds for a handshake.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing before `build`"]
pub struct ClientTlsBuilder {
    roots: Roots,
    alpn: Vec<Bytes>,
    lowest: TlsVersion,
    highest: TlsVersion,
    identity: Option<Identity>,
    revocation_lists: Vec<Bytes>,
    sessions: usize,
    handshake_timeout: Option<Duration>,
    key_log: KeyLog,
}

impl ClientTls {
    /// A client that trusts these.
    pub fn builder(roots: Roots) -> ClientTlsBuilder {
        ClientTlsBuilder {
            roots,
            alpn: Vec::new(),
            lowest: TlsVersion::Tls12,
            highest: TlsVersion::Tls13,
            identity: None,
            revocation_lists: Vec::new(),
            sessions: 256,
            handshake_timeout: Some(Duration::from_secs(10)),
            key_log: KeyLog::default(),
        }
    }

    pub(crate) fn handshake_timeout(&self) -> Option<Duration> {
        self.handshake_timeout
    }

    pub(crate) fn connection(&self, name: &str) -> Result<UnbufferedClientConnection, TlsError> {
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let server = ServerName::try_from(bare.trim_end_matches('.').to_owned());
        let server =
            server.map_err(|_| TlsError::Local(format!("{name:?} is neither a host name nor an address")))?;
        UnbufferedClientConnection::new(Arc::clone(&self.config), server)
            .map_err(|error| TlsError::Local(error.to_string()))
    }
}

impl ClientTlsBuilder {
    /// Application protocols (ALPN) that are offered, the preferred one first.
    pub fn alpn(mut self, protocols: impl IntoIterator<Item = impl Into<Bytes>>) -> Self {
        self.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// The versions that are offered, lowest and highest.
    pub fn versions(mut self, lowest: TlsVersion, highest: TlsVersion) -> Self {
        (self.lowest, self.highest) = (lowest, highest);
        self
    }

    /// The client's own certificate, for servers that ask.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Certificates that were taken back, in DER lists (CRL, RFC 5280 §5). Where there is a list of the issuer,
    /// it decides; where there is none, nothing is asked.
    pub fn revocation_lists(mut self, lists: Vec<Bytes>) -> Self {
        self.revocation_lists = lists;
        self
    }

    /// Sessions of so many servers are kept, to be resumed; 0: none.
    pub fn sessions(mut self, servers: usize) -> Self {
        self.sessions = servers;
        self
    }

    /// How long a handshake may take; `None`: for ever.
    pub fn handshake_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Where secrets are written for a debugger.
    pub fn key_log(mut self, key_log: KeyLog) -> Self {
        self.key_log = key_log;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// They do not go together, or a certificate or list is broken.
    pub fn build(self) -> Result<ClientTls, TlsError> {
        let local = |error: rustls::Error| TlsError::Local(error.to_string());
        let versions = crate::versions::versions(self.lowest, self.highest)?;
        let inner = match &self.roots {
            Roots::Insecure => None,
            Roots::Only(roots) => {
                let mut store = RootCertStore::empty();
                for root in roots {
                    store.add(CertificateDer::from(root.to_vec())).map_err(local)?;
                }
                let lists = self.revocation_lists.iter();
                let lists = lists.map(|list| CertificateRevocationListDer::from(list.to_vec()));
                let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider())
                    .with_crls(lists)
                    .allow_unknown_revocation_status();
                Some(verifier.build().map_err(|error| TlsError::Local(error.to_string()))?)
            }
        };
        let verifier = Arc::new(Verifier { inner, provider: provider() });
        let builder = ClientConfig::builder_with_provider(provider());
        let builder = builder.with_protocol_versions(&versions).map_err(local)?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let mut config = match self.identity {
            Some(identity) => builder
                .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(identity.key))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.iter().map(|protocol| protocol.to_vec()).collect();
        config.key_log = self.key_log.rustls();
        config.resumption = match self.sessions {
            0 => Resumption::disabled(),
            servers => Resumption::in_memory_sessions(servers),
        };
        // The record layer is ours.
        config.enable_secret_extraction = true;
        Ok(ClientTls { config: Arc::new(config), handshake_timeout: self.handshake_timeout })
    }
}

/// webpki's verdict, or none.
#[derive(Debug)]
struct Verifier {
    /// `None`: everything is accepted.
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.inner {
            Some(inner) => {
                inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
