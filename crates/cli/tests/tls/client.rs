//! HTTPS requests: the handshake by the library, HTTP by hand.

use std::net::SocketAddr;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wirelace::runtime::tls::connect;
use wirelace::tls_glue::{ClientTls, HandshakeReport, Identity, Roots};

use crate::common::Answer;

/// Who takes any certificate.
pub(crate) fn anybody() -> ClientTls {
    ClientTls::builder(Roots::Insecure).build().unwrap()
}

/// One request on a connection of its own, after `before` in the clear; what the handshake agreed on, and the answer.
pub(crate) fn exchange(
    address: SocketAddr,
    tls: &ClientTls,
    name: &str,
    before: &[u8],
    request: &str,
) -> Result<(HandshakeReport, Answer), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut io = TcpStream::connect(address).await.unwrap();
        io.write_all(before).await.unwrap();
        let mut io = connect(io, tls, name).await.map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        let sent = async {
            io.write_all(request.as_bytes()).await?;
            io.flush().await?;
            io.read_to_end(&mut answer).await
        };
        sent.await.map_err(|error| error.to_string())?;
        Ok((io.report().unwrap().clone(), Answer::parse(&answer)))
    })
}

/// The same, to `localhost`, for a path.
pub(crate) fn get(
    address: SocketAddr,
    tls: &ClientTls,
    path: &str,
) -> Result<(HandshakeReport, Answer), String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    exchange(address, tls, "localhost", b"", &request)
}

/// An authority, and what it signs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// Certificate and key, PEM.
    pub(crate) fn pair(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    pub(crate) fn identity(&self, name: &str) -> Identity {
        let (certificate, key) = self.pair(name);
        Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap()
    }

    /// A client that trusts it.
    pub(crate) fn client(&self) -> ClientTls {
        ClientTls::builder(Roots::from_pem(self.pem.as_bytes()).unwrap()).build().unwrap()
    }
}
