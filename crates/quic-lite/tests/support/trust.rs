//! Certificates for one server, and who trusts it.

use std::sync::Arc;

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use wirelace_quic_lite::{ClientConfig, ServerConfig};
use wirelace_tls_glue::quic::{QuicClientTls, QuicServerTls, ResetKey, TokenKeys};
use wirelace_tls_glue::{CertificateStore, ClientTls, Identity, Roots, ServerTls};

/// The name that the certificates are for.
pub(crate) const NAME: &str = "example.com";

pub(crate) struct Trust {
    pub(crate) server: ServerConfig,
    pub(crate) client: ClientConfig,
}

impl Trust {
    pub(crate) fn new() -> Trust {
        Trust::with_chain(1, 0)
    }

    /// A chain of so many certificates, the authority's not counted, and so many further names in the last.
    pub(crate) fn with_chain(certificates: usize, names: usize) -> Trust {
        let (root, mut issuer) = authority("an authority");
        let mut chain = Vec::new();
        for number in 1..certificates {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
            let params = authority_params(&format!("intermediate authority number {number}"));
            let der = params.signed_by(&key, &issuer).unwrap().der().to_vec();
            issuer = Issuer::new(params, key);
            chain.insert(0, Bytes::from(der));
        }
        let key = KeyPair::generate().unwrap();
        let names = (0..names).map(|number| format!("{number}.a-rather-long-name.{NAME}"));
        let names: Vec<String> = std::iter::once(NAME.to_owned()).chain(names).collect();
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        chain.insert(0, Bytes::from(leaf.der().to_vec()));
        let identity = Identity::from_der(chain, &key.serialize_der()).unwrap();
        let tls = ServerTls::builder(CertificateStore::new(vec![identity])).build().unwrap();
        let tls = QuicServerTls::new(&tls, ["hq"]).unwrap();
        let server =
            ServerConfig::new(tls, Arc::new(TokenKeys::new(&[7; 32])), Arc::new(ResetKey::new(&[8; 32])));
        let tls = ClientTls::builder(Roots::Only(vec![root])).build().unwrap();
        let client = ClientConfig::new(QuicClientTls::new(&tls, ["hq"]).unwrap());
        Trust { server, client }
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn authority(name: &str) -> (Bytes, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let params = authority_params(name);
    let root = params.self_signed(&key).unwrap();
    (Bytes::from(root.der().to_vec()), Issuer::new(params, key))
}
