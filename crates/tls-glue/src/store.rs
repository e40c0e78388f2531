//! The certificates of a server, chosen by name and replaced while it runs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;

use crate::identity::Identity;
use crate::provider::Provider;

/// What a client says at first, as far as the choice of a certificate goes.
#[non_exhaustive]
#[derive(Debug)]
pub struct Hello<'a> {
    /// The host name it wants (SNI), in lower case.
    pub server_name: Option<&'a str>,
    /// The application protocols that it offers.
    pub alpn: Vec<&'a [u8]>,
}

/// Chooses a certificate in other ways than by name, for an ACME crate's challenges for instance.
pub trait CertificateSource: fmt::Debug + Send + Sync {
    /// The certificate for this client; `None` leaves the choice to the store.
    fn choose(&self, hello: &Hello<'_>) -> Option<Identity>;
}

/// The certificates of a server. Clones are the same store: what one replaces, all have.
#[derive(Debug, Clone)]
pub struct CertificateStore {
    table: Arc<RwLock<Arc<Table>>>,
    source: Option<Arc<dyn CertificateSource>>,
}

/// Identities by name, in the order they were given.
#[derive(Debug, Default)]
struct Table {
    all: Vec<Identity>,
    by_name: HashMap<String, Vec<usize>>,
}

impl CertificateStore {
    /// A client that names no host, or one that there is no certificate for, has the first.
    #[must_use]
    pub fn new(identities: Vec<Identity>) -> CertificateStore {
        CertificateStore { table: Arc::new(RwLock::new(Arc::new(Table::new(identities)))), source: None }
    }

    /// Asks `source` first.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn CertificateSource>) -> CertificateStore {
        self.source = Some(source);
        self
    }

    /// From now on handshakes have these, all at once; connections that there are go on with theirs.
    pub fn replace(&self, identities: Vec<Identity>) {
        let table = Arc::new(Table::new(identities));
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
    }

    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Table {
    fn new(all: Vec<Identity>) -> Table {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, identity) in all.iter().enumerate() {
            for name in identity.names() {
                by_name.entry(name.clone()).or_default().push(index);
            }
        }
        Table { all, by_name }
    }

    /// For a name: its own certificates, then those for all names beside it.
    fn named(&self, name: &str) -> impl Iterator<Item = &Identity> {
        let wildcard = name.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        let exact = self.by_name.get(name);
        let wild = wildcard.and_then(|name| self.by_name.get(&name));
        exact.into_iter().chain(wild).flatten().filter_map(|index| self.all.get(*index))
    }
}

impl CertificateStore {
    pub(crate) fn resolve(&self, hello: &ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name();
        if let Some(source) = &self.source {
            let alpn = hello.alpn().into_iter().flatten().collect();
            if let Some(identity) = source.choose(&Hello { server_name: name, alpn }) {
                return Some(identity.key);
            }
        }
        let table = self.table();
        let schemes = hello.signature_schemes();
        // One that the client can check; among those of the name, else among all.
        let fits = |identity: &&Identity| identity.key.key.choose_scheme(schemes).is_some();
        let named = name.and_then(|name| table.named(name).find(fits));
        let chosen = named.or_else(|| table.all.iter().find(fits));
        // None fits a client with whom no cipher suite is shared. With one in hand rustls tells it so
        // (handshake_failure), without any it says access_denied.
        let shared = || {
            Provider::default()
                .rustls()
                .cipher_suites
                .iter()
                .any(|suite| hello.cipher_suites().contains(&suite.suite()))
        };
        let chosen = chosen.or_else(|| table.all.first().filter(|_| !shared()))?;
        Some(Arc::clone(&chosen.key))
    }
}
