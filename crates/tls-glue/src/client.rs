//! The client's side of TLS.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use rustls::ClientConfig;
use rustls::client::{ClientSessionMemoryCache, Resumption, UnbufferedClientConnection};
use rustls::pki_types::ServerName;

use crate::ct::{CtMode, CtPolicy};
use crate::error::TlsError;
use crate::identity::Identity;
use crate::keylog::KeyLog;
use crate::provider::Provider;
use crate::report::{TlsVersion, Verification};
use crate::roots::Roots;
use crate::tickets::Tickets;
use crate::verify::{Demand, Pin, Revocation, ServerVerifier, Trust};

/// How a client speaks TLS; see [`ClientTls::builder`]. Clones share their sessions.
#[derive(Clone, Debug)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    /// Where early data may be sent: each connection sees them in its own way.
    early_sessions: Option<Arc<ClientSessionMemoryCache>>,
    verification: Verification,
    highest: TlsVersion,
    handshake_timeout: Option<Duration>,
    /// Sessions over QUIC: those over TCP have no transport parameters to remember. Made when it is needed.
    quic_sessions: Arc<OnceLock<Resumption>>,
    sessions: usize,
}

/// Settings of a [`ClientTls`]. The defaults: TLS 1.2 and 1.3, sessions are resumed, no early data, ten seconds for a
/// handshake.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing before `build`"]
pub struct ClientTlsBuilder {
    roots: Roots,
    authorities: Vec<Bytes>,
    pins: Vec<Pin>,
    alpn: Vec<Bytes>,
    lowest: TlsVersion,
    highest: TlsVersion,
    identity: Option<Identity>,
    revocation: Revocation,
    transparency: CtPolicy,
    sessions: usize,
    early_data: bool,
    handshake_timeout: Option<Duration>,
    key_log: KeyLog,
    provider: Provider,
}

impl ClientTls {
    /// A client that trusts these.
    pub fn builder(roots: Roots) -> ClientTlsBuilder {
        ClientTlsBuilder {
            roots,
            authorities: Vec::new(),
            pins: Vec::new(),
            alpn: Vec::new(),
            lowest: TlsVersion::Tls12,
            highest: TlsVersion::Tls13,
            identity: None,
            revocation: Revocation::default(),
            transparency: CtPolicy::off(),
            sessions: 256,
            early_data: false,
            handshake_timeout: Some(Duration::from_secs(10)),
            key_log: KeyLog::default(),
            provider: Provider::default(),
        }
    }

    pub(crate) fn handshake_timeout(&self) -> Option<Duration> {
        self.handshake_timeout
    }

    /// What is asked of a server's certificates.
    #[must_use]
    pub const fn verification(&self) -> Verification {
        self.verification
    }

    /// The same, without [early data](ClientTlsBuilder::early_data): for those whose server could not stand it. Its
    /// sessions are its own.
    #[must_use]
    pub fn without_early_data(&self) -> ClientTls {
        let mut config = ClientConfig::clone(&self.config);
        config.enable_early_data = false;
        ClientTls { config: Arc::new(config), early_sessions: None, ..self.clone() }
    }

    /// The application protocols that are offered.
    pub(crate) fn protocols(&self) -> &[Vec<u8>] {
        &self.config.alpn_protocols
    }

    /// A connection, and its tickets where it may send early data.
    pub(crate) fn connection(
        &self,
        name: &str,
    ) -> Result<(UnbufferedClientConnection, Option<Arc<Tickets>>), TlsError> {
        let server = server_name(name)?;
        let (mut config, mut tickets) = (Arc::clone(&self.config), None);
        if let Some(sessions) = &self.early_sessions {
            let own = Arc::new(Tickets::new(Arc::clone(sessions), server.clone()));
            let mut changed = ClientConfig::clone(&config);
            changed.resumption = Resumption::store(Arc::clone(&own) as _);
            (config, tickets) = (Arc::new(changed), Some(own));
        }
        let connection = UnbufferedClientConnection::new(config, server);
        Ok((connection.map_err(|error| TlsError::Local(error.to_string()))?, tickets))
    }

    pub(crate) fn highest(&self) -> TlsVersion {
        self.highest
    }

    /// What QUIC starts from.
    pub(crate) fn quic_config(&self) -> ClientConfig {
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = self.quic_sessions.get_or_init(|| resumption(self.sessions)).clone();
        config
    }
}

/// A host name or an address, in brackets or not.
pub(crate) fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let server = ServerName::try_from(bare.trim_end_matches('.').to_owned());
    server.map_err(|_| TlsError::Local(format!("{name:?} is neither a host name nor an address")))
}

fn resumption(servers: usize) -> Resumption {
    match servers {
        0 => Resumption::disabled(),
        servers => Resumption::in_memory_sessions(servers),
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

    /// Trusts these authorities (DER), too; a certificate that is no authority's is trusted as it is.
    pub fn authorities(mut self, authorities: impl IntoIterator<Item = impl Into<Bytes>>) -> Self {
        self.authorities.extend(authorities.into_iter().map(Into::into));
        self
    }

    /// Accepts only servers that have one of these keys on the way from their certificate to the authority, besides
    /// all that is asked otherwise. [`Roots::Pinned`] asks for the key alone.
    pub fn pins(mut self, pins: impl IntoIterator<Item = Pin>) -> Self {
        self.pins.extend(pins);
        self
    }

    /// Certificates that were taken back. Nothing by default.
    pub fn revocation(mut self, revocation: Revocation) -> Self {
        self.revocation = revocation;
        self
    }

    /// Whether the certificates of servers have to be in the logs of Certificate Transparency; see [`ct`](crate::ct).
    /// Off by default. What was found is in the [`HandshakeReport`](crate::HandshakeReport). Servers of
    /// [`authorities`](Self::authorities) that are trusted besides the roots are not asked for it: nobody logs those.
    pub fn certificate_transparency(mut self, policy: CtPolicy) -> Self {
        self.transparency = policy;
        self
    }

    /// Sessions of so many servers are kept, to be resumed; 0: none.
    pub fn sessions(mut self, servers: usize) -> Self {
        self.sessions = servers;
        self
    }

    /// Whether early data (0-RTT) may be sent where a session allows it: see
    /// [`TlsSession::early_data`](crate::TlsSession::early_data). Without [sessions](ClientTlsBuilder::sessions) there is
    /// none.
    pub fn early_data(mut self, early_data: bool) -> Self {
        self.early_data = early_data;
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

    /// Which library does the cryptography.
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = provider;
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
        let (demand, verification) = self.demand()?;
        let verifier = Arc::new(ServerVerifier::new(demand, self.transparency, self.provider));
        let builder = ClientConfig::builder_with_provider(self.provider.rustls());
        let builder = builder.with_protocol_versions(&versions).map_err(local)?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let mut config = match self.identity {
            Some(identity) => builder
                .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(identity.key))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.iter().map(|protocol| protocol.to_vec()).collect();
        config.key_log = self.key_log.rustls();
        config.enable_early_data = self.early_data;
        let early = self.early_data && self.sessions > 0;
        let early_sessions = early.then(|| Arc::new(ClientSessionMemoryCache::new(self.sessions)));
        config.resumption = resumption(self.sessions);
        // The record layer is ours.
        config.enable_secret_extraction = true;
        Ok(ClientTls {
            config: Arc::new(config),
            early_sessions,
            verification,
            highest: self.highest,
            handshake_timeout: self.handshake_timeout,
            quic_sessions: Arc::default(),
            sessions: self.sessions,
        })
    }

    /// What is asked of a server's certificates.
    fn demand(&self) -> Result<(Demand, Verification), TlsError> {
        let local = |why: &str| Err(TlsError::Local(why.to_owned()));
        let more = !self.authorities.is_empty() || !self.pins.is_empty() || !self.revocation.lists.is_empty();
        match (&self.roots, self.roots.anchors()?) {
            (roots, Some(anchors)) => {
                let mut known = Vec::new();
                if let Roots::Only(only) = roots {
                    known.extend(only.iter().cloned());
                }
                known.extend(self.authorities.iter().cloned());
                let trust =
                    Trust::new(anchors, known, self.authorities.len(), &self.revocation, self.provider);
                let trust = trust.map_err(TlsError::Local)?;
                if trust.subjects().next().is_none() {
                    return local("no authority is trusted: every server would be refused");
                }
                if self.revocation.require && self.revocation.lists.is_empty() {
                    return local(
                        "revocation lists are required, and none is there: every server would be refused",
                    );
                }
                let verification =
                    if self.pins.is_empty() { Verification::Chain } else { Verification::ChainAndPin };
                Ok((Demand::Chain(trust, self.pins.clone()), verification))
            }
            _ if more => local(
                "without authorities there is no place for more of them, pins beside, or revocation lists",
            ),
            _ if self.transparency.mode() == CtMode::Enforce => {
                local("without authorities Certificate Transparency can be reported, but not enforced")
            }
            (Roots::Pinned(pins), _) if pins.is_empty() => {
                local("no key is pinned: every server would be refused")
            }
            (Roots::Pinned(pins), _) => Ok((Demand::Key(pins.clone()), Verification::Pin)),
            _ => Ok((Demand::Nothing, Verification::NotVerified)),
        }
    }
}
