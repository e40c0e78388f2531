//! An authority and what it signs.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::net::TcpStream;
use wirelace_runtime::tls::{TlsStream, connect};
use wirelace_tls_glue::{
    CertificateStore, ClientTls, ClientTlsBuilder, Identity, Roots, ServerTls, ServerTlsBuilder, TlsError,
};

use crate::support::Client;

pub(crate) const NAME: &str = "example.com";

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) root: Bytes,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let root = params.self_signed(&key).unwrap();
        Authority { root: Bytes::from(root.der().to_vec()), issuer: Issuer::new(params, key) }
    }

    pub(crate) fn identity(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        Identity::from_der(vec![Bytes::from(leaf.der().to_vec())], &key.serialize_der()).unwrap()
    }

    /// Of [`NAME`].
    pub(crate) fn server(&self) -> ServerTlsBuilder {
        ServerTls::builder(CertificateStore::new(vec![self.identity(NAME)]))
    }

    /// It trusts this authority.
    pub(crate) fn client(&self) -> ClientTlsBuilder {
        ClientTls::builder(Roots::Only(vec![self.root.clone()]))
    }
}

pub(crate) fn der(identity: &Identity) -> Vec<u8> {
    identity.certificates().next().unwrap().to_vec()
}

pub(crate) type Secure = Client<TlsStream<TcpStream>>;

pub(crate) async fn try_dial(address: SocketAddr, tls: &ClientTls) -> Result<Secure, Arc<TlsError>> {
    let io = TcpStream::connect(address).await.unwrap();
    Ok(Client::new(connect(io, tls, NAME).await.map_err(Arc::new)?))
}

pub(crate) async fn dial(address: SocketAddr, tls: &ClientTls) -> Secure {
    try_dial(address, tls).await.unwrap()
}
