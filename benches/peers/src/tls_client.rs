//! A TLS client for the race, made of rustls and tokio alone: it accepts one certificate, insists on one version,
//! one suite and one key exchange, and says of each handshake whether it was resumed.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, HandshakeKind, SignatureScheme,
};

/// Shakes hands with one server.
#[derive(Clone)]
pub struct Client {
    connector: TlsConnector,
    address: SocketAddr,
}

impl Client {
    /// `sessions`: how many are kept to be resumed; each is used once.
    pub fn new(address: SocketAddr, certificate: &Path, sessions: usize) -> io::Result<Client> {
        let certificate = CertificateDer::from_pem_file(certificate).map_err(io::Error::other)?;
        let mut provider = ring::default_provider();
        provider.cipher_suites = vec![ring::cipher_suite::TLS13_AES_128_GCM_SHA256];
        provider.kx_groups = vec![ring::kx_group::X25519];
        let algorithms = provider.signature_verification_algorithms;
        let mut config = config(provider)
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Only { certificate, algorithms }))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = match sessions {
            0 => Resumption::disabled(),
            sessions => Resumption::in_memory_sessions(sessions),
        };
        Ok(Client { connector: TlsConnector::from(Arc::new(config)), address })
    }

    /// A new connection; true: its handshake was resumed.
    pub async fn connect(&self) -> io::Result<(TlsStream<TcpStream>, bool)> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let stream = self.connector.connect(name, stream).await?;
        let (_, connection) = stream.get_ref();
        if connection.alpn_protocol() != Some(b"http/1.1") {
            return Err(io::Error::other("the server has not agreed on http/1.1"));
        }
        let resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
        Ok((stream, resumed))
    }
}

fn config(
    provider: CryptoProvider,
) -> tokio_rustls::rustls::ConfigBuilder<ClientConfig, tokio_rustls::rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .expect("the provider has a suite of TLS 1.3")
}

/// Sends a request and reads the answer: up to the end of the connection, or up to what it ends with.
pub async fn ask(
    stream: &mut TlsStream<TcpStream>,
    request: &[u8],
    end: Option<&[u8]>,
) -> io::Result<Vec<u8>> {
    stream.write_all(request).await?;
    let mut answer = Vec::with_capacity(1024);
    while !end.is_some_and(|end| answer.ends_with(end)) {
        if stream.read_buf(&mut answer).await? == 0 {
            return if end.is_none() { Ok(answer) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    }
    Ok(answer)
}

/// Accepts this certificate and no other.
#[derive(Debug)]
struct Only {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Only {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is raced".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
