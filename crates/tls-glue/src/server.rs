//! The server's side of TLS.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use rustls::ServerConfig;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerSessionMemoryCache,
    UnbufferedServerConnection,
};
use rustls::sign::CertifiedKey;

use crate::error::TlsError;
use crate::keylog::KeyLog;
use crate::provider::Provider;
use crate::report::TlsVersion;
use crate::store::CertificateStore;
use crate::verify::{ClientVerifier, Revocation, Trust};

/// Whether clients show certificates of their own.
#[derive(Debug, Clone, Default)]
pub enum ClientCertificates {
    /// They are not asked.
    #[default]
    None,
    /// Those that have one of these authorities may show it.
    Optional(Vec<Bytes>),
    /// Only those that show one of these authorities (DER) are served.
    Required(Vec<Bytes>),
}

/// How a server speaks TLS: its certificates, the versions, what clients have to show. Clones are cheap, and share
/// certificates and sessions.
///
/// ```no_run
/// use std::path::Path;
/// use wirelace_tls_glue::{CertificateStore, Identity, ServerTls};
///
/// // As openssl, mkcert or an ACME client has written them.
/// let identity = |name: &str| {
///     let file = |extension| Path::new("certificates").join(name).with_extension(extension);
///     Identity::from_pem_files(&file("pem"), &file("key"))
/// };
/// // With several, clients have the one for the name that they ask for.
/// let store = CertificateStore::new(vec![identity("www")?, identity("api")?]);
/// let tls = ServerTls::builder(store.clone()).build()?;
/// // `Builder::tls` of `wirelace-server` takes it from here; `TlsSession::server` is one connection without I/O.
///
/// // When there are new ones, while everybody is served:
/// store.replace(vec![identity("www")?, identity("api")?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Sessions are resumed with tickets whose keys are this value's alone and change every few hours: a second one, or
/// another process, makes its clients shake hands in full.
#[derive(Clone, Debug)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    store: CertificateStore,
    highest: TlsVersion,
    handshake_timeout: Option<Duration>,
}

/// Settings of a [`ServerTls`]. The defaults: TLS 1.2 and 1.3, tickets, no early data, ten seconds for a handshake.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing before `build`"]
pub struct ServerTlsBuilder {
    store: CertificateStore,
    alpn: Vec<Bytes>,
    lowest: TlsVersion,
    highest: TlsVersion,
    client_certificates: ClientCertificates,
    early_data: u32,
    resumption: bool,
    tickets: usize,
    handshake_timeout: Option<Duration>,
    key_log: KeyLog,
    provider: Provider,
}

/// Sessions that are kept where early data is taken: each is good for one resumption.
pub(crate) const SINGLE_USE_SESSIONS: usize = 8192;

impl ServerTls {
    /// A server with these certificates.
    pub fn builder(store: CertificateStore) -> ServerTlsBuilder {
        ServerTlsBuilder {
            store,
            alpn: Vec::new(),
            lowest: TlsVersion::Tls12,
            highest: TlsVersion::Tls13,
            client_certificates: ClientCertificates::None,
            early_data: 0,
            resumption: true,
            tickets: 1,
            handshake_timeout: Some(Duration::from_secs(10)),
            key_log: KeyLog::default(),
            provider: Provider::default(),
        }
    }

    /// Its certificates, to replace them.
    #[must_use]
    pub fn store(&self) -> &CertificateStore {
        &self.store
    }

    /// The application protocols (ALPN) that it offers, the preferred one first.
    pub fn alpn(&self) -> impl Iterator<Item = &[u8]> {
        self.config.alpn_protocols.iter().map(Vec::as_slice)
    }

    /// The same with other application protocols: certificates and sessions are shared with this one.
    #[must_use]
    pub fn with_alpn(&self, protocols: impl IntoIterator<Item = impl Into<Bytes>>) -> ServerTls {
        let mut config = ServerConfig::clone(&self.config);
        config.alpn_protocols = protocols.into_iter().map(|protocol| protocol.into().to_vec()).collect();
        ServerTls { config: Arc::new(config), ..self.clone() }
    }

    /// How long a handshake may take.
    #[must_use]
    pub fn handshake_timeout(&self) -> Option<Duration> {
        self.handshake_timeout
    }

    pub(crate) fn highest(&self) -> TlsVersion {
        self.highest
    }

    /// What QUIC starts from.
    pub(crate) fn quic_config(&self) -> ServerConfig {
        ServerConfig::clone(&self.config)
    }

    /// Octets of early data that are taken.
    pub(crate) fn early_data(&self) -> usize {
        usize::try_from(self.config.max_early_data_size).unwrap_or(usize::MAX)
    }

    /// A connection, and where the name that its client asks for will be.
    pub(crate) fn connection(&self) -> Result<(UnbufferedServerConnection, Arc<OnceLock<String>>), TlsError> {
        // rustls tells the name to nobody but the one who chooses the certificate.
        let name = Arc::new(OnceLock::new());
        let mut config = ServerConfig::clone(&self.config);
        config.cert_resolver = Arc::new(Chooser { store: self.store.clone(), name: Arc::clone(&name) });
        let connection = UnbufferedServerConnection::new(Arc::new(config));
        Ok((connection.map_err(|error| TlsError::Local(error.to_string()))?, name))
    }
}

/// The store, for one connection.
#[derive(Debug)]
struct Chooser {
    store: CertificateStore,
    name: Arc<OnceLock<String>>,
}

impl ResolvesServerCert for Chooser {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(name) = hello.server_name() {
            // Asked once for each handshake, twice after a retry: with the same name.
            let _ = self.name.set(name.to_owned());
        }
        self.store.resolve(&hello)
    }
}

impl ServerTlsBuilder {
    /// Application protocols (ALPN), the preferred one first. A client that offers only others is refused; one that
    /// offers none is not. An HTTP server of `wirelace-server` knows by itself what to offer.
    pub fn alpn(mut self, protocols: impl IntoIterator<Item = impl Into<Bytes>>) -> Self {
        self.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// The versions that are spoken, lowest and highest. Default: 1.2 and 1.3.
    pub fn versions(mut self, lowest: TlsVersion, highest: TlsVersion) -> Self {
        (self.lowest, self.highest) = (lowest, highest);
        self
    }

    /// Whether clients show certificates (mTLS). Default: they are not asked.
    pub fn client_certificates(mut self, certificates: ClientCertificates) -> Self {
        self.client_certificates = certificates;
        self
    }

    /// Takes so many octets of early data (0-RTT) from clients that resume a session; 0: none. Whoever has heard such
    /// data can send it again: it must change nothing (RFC 8446 §8). Sessions are then kept here, for one use each, so
    /// that this server takes the same early data only once; another server with the same sessions there is none.
    ///
    /// Data that is refused is skipped up to the same number of octets, records counted whole: clients that send as much
    /// as they may are then cut off.
    pub fn early_data(mut self, octets: u32) -> Self {
        self.early_data = octets;
        self
    }

    /// Whether sessions may be resumed: clients then come back without certificates and signatures. Default: yes.
    pub fn resumption(mut self, resumption: bool) -> Self {
        self.resumption = resumption;
        self
    }

    /// Session tickets after each handshake of TLS 1.3. Each is for one connection (RFC 8446 Appendix C.4) and costs a
    /// handshake a few microseconds; clients that open several connections at once may want more. Default: 1.
    pub fn tickets(mut self, tickets: usize) -> Self {
        self.tickets = tickets;
        self
    }

    /// How long a handshake may take; `None`: for ever, and whoever says nothing stays. Default: 10 s.
    pub fn handshake_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Where secrets are written for a debugger.
    pub fn key_log(mut self, key_log: KeyLog) -> Self {
        self.key_log = key_log;
        self
    }

    /// Which library does the cryptography.
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = provider;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// They do not go together, or an authority for client certificates is broken.
    pub fn build(self) -> Result<ServerTls, TlsError> {
        let local = |error: rustls::Error| TlsError::Local(error.to_string());
        let versions = crate::versions::versions(self.lowest, self.highest)?;
        let builder = ServerConfig::builder_with_provider(self.provider.rustls());
        let builder = builder.with_protocol_versions(&versions).map_err(local)?;
        let builder = match self.client_certificates {
            ClientCertificates::None => builder.with_no_client_auth(),
            ClientCertificates::Optional(ref roots) | ClientCertificates::Required(ref roots) => {
                let trust = Trust::new(Vec::new(), roots.clone(), 0, &Revocation::default(), self.provider);
                let trust = trust.map_err(TlsError::Local)?;
                let required = matches!(self.client_certificates, ClientCertificates::Required(_));
                builder.with_client_cert_verifier(Arc::new(ClientVerifier::new(
                    trust,
                    required,
                    self.provider,
                )))
            }
        };
        let mut config =
            builder.with_cert_resolver(Arc::new(Chooser { store: self.store.clone(), name: Arc::default() }));
        config.alpn_protocols = self.alpn.iter().map(|protocol| protocol.to_vec()).collect();
        config.max_early_data_size = self.early_data;
        config.send_tls13_tickets = self.tickets;
        // Early data is answered before the client's Finished; not where its certificate is waited for.
        config.send_half_rtt_data = self.early_data > 0;
        config.key_log = self.key_log.rustls();
        // The record layer is ours.
        config.enable_secret_extraction = true;
        if !self.resumption {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        } else if self.early_data > 0 {
            config.session_storage = ServerSessionMemoryCache::new(SINGLE_USE_SESSIONS);
        } else {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(local)?;
        }
        Ok(ServerTls {
            config: Arc::new(config),
            store: self.store,
            highest: self.highest,
            handshake_timeout: self.handshake_timeout,
        })
    }
}
