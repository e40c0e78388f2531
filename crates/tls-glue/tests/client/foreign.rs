//! Peers that do what ours would not: rustls with whatever certificate there is, and with signatures of some kinds only.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring::default_provider};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, ServerConfig, ServerConnection,
};
use rustls::{SignatureScheme, SupportedProtocolVersion};
use wirelace_tls_glue::{CertificateError, ClientTls, ServerTls, TlsError, TlsSession, TlsVersion};

use crate::world::{HOST, Made};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

fn versions(version: TlsVersion) -> [&'static SupportedProtocolVersion; 1] {
    match version {
        TlsVersion::Tls12 => [&rustls::version::TLS12],
        TlsVersion::Tls13 => [&rustls::version::TLS13],
    }
}

/// These certificates, and a key that need not be the first one's.
fn certified(chain: &[Bytes], key: &[u8]) -> Arc<SingleCertAndKey> {
    let chain = chain.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
    let key = PrivateKeyDer::try_from(key.to_vec()).unwrap();
    let key = provider().key_provider.load_private_key(key).unwrap();
    Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)))
}

/// What our client says to a server that shows this chain.
pub(crate) fn shown_to_client(client: &ClientTls, version: TlsVersion, chain: &[Bytes]) -> CertificateError {
    // Its key: any that can sign as the certificate's says that it does.
    let key = rcgen::KeyPair::generate().unwrap().serialize_der();
    match served(client, version, chain, &key) {
        Err(TlsError::Certificate(error)) => *error,
        other => panic!("{other:?}"),
    }
}

/// How it ends between our client and a server of this chain and key.
pub(crate) fn served(
    client: &ClientTls,
    version: TlsVersion,
    chain: &[Bytes],
    key: &[u8],
) -> Result<(), TlsError> {
    let config = ServerConfig::builder_with_provider(provider());
    let config = config.with_protocol_versions(&versions(version)).unwrap().with_no_client_auth();
    let config = config.with_cert_resolver(certified(chain, key));
    let mut server: Connection = ServerConnection::new(Arc::new(config)).unwrap().into();
    let mut session = TlsSession::client(client, HOST, Instant::now()).unwrap();
    drive(&mut session, &mut server)?;
    assert!(session.report().is_some(), "the handshake hangs");
    Ok(())
}

/// What our client says to a server whose handshake comes in records of `octets` octets, and what the server hears.
pub(crate) fn in_pieces(
    client: &ClientTls,
    version: TlsVersion,
    made: &Made,
    octets: usize,
) -> (Result<(), TlsError>, Option<u8>) {
    let config = ServerConfig::builder_with_provider(provider());
    let config = config.with_protocol_versions(&versions(version)).unwrap().with_no_client_auth();
    let mut config = config.with_cert_resolver(certified(std::slice::from_ref(&made.der), &made.key));
    config.max_fragment_size = Some(octets);
    let mut server: Connection = ServerConnection::new(Arc::new(config)).unwrap().into();
    let mut session = TlsSession::client(client, HOST, Instant::now()).unwrap();
    let ended = drive(&mut session, &mut server);
    let last: Vec<u8> = session.output().chunks().flatten().copied().collect();
    server.read_tls(&mut last.as_slice()).unwrap();
    let heard = match server.process_new_packets() {
        Err(rustls::Error::AlertReceived(alert)) => Some(u8::from(alert)),
        _ => None,
    };
    (ended, heard)
}

/// What our server says to a client that shows this one, with whatever key.
pub(crate) fn shown_to_server(server: &ServerTls, version: TlsVersion, chain: &[Bytes]) -> CertificateError {
    let key = rcgen::KeyPair::generate().unwrap().serialize_der();
    let config = ClientConfig::builder_with_provider(provider());
    let config = config.with_protocol_versions(&versions(version)).unwrap();
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(Picky(schemes())));
    let config = config.with_client_cert_resolver(certified(chain, &key));
    let name = ServerName::try_from(HOST).unwrap();
    let mut client: Connection = ClientConnection::new(Arc::new(config), name).unwrap().into();
    let mut session = TlsSession::server(server, Instant::now()).unwrap();
    match drive(&mut session, &mut client) {
        Err(TlsError::Certificate(error)) => *error,
        other => panic!("{other:?}"),
    }
}

fn schemes() -> Vec<SignatureScheme> {
    provider().signature_verification_algorithms.supported_schemes()
}

/// The certificate that our server shows to a client that takes these signatures only; `Err`: how it ends otherwise.
pub(crate) fn chosen(
    server: &ServerTls,
    version: TlsVersion,
    name: &str,
    takes: &[SignatureScheme],
) -> Result<Bytes, TlsError> {
    let config = ClientConfig::builder_with_provider(provider());
    let config = config.with_protocol_versions(&versions(version)).unwrap();
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(Picky(takes.to_vec())));
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let config = Arc::new(config.with_no_client_auth());
    let mut client: Connection = ClientConnection::new(config, name).unwrap().into();
    let mut session = TlsSession::server(server, Instant::now()).unwrap();
    drive(&mut session, &mut client)?;
    Ok(Bytes::copy_from_slice(&client.peer_certificates().unwrap()[0]))
}

/// Until nobody has anything to say.
fn drive(ours: &mut TlsSession, other: &mut Connection) -> Result<(), TlsError> {
    let mut input = BytesMut::new();
    loop {
        let output = ours.output();
        let octets: Vec<u8> = output.chunks().flatten().copied().collect();
        output.advance(octets.len());
        let mut rest = octets.as_slice();
        while !rest.is_empty() {
            other.read_tls(&mut rest.by_ref()).unwrap();
            let _ = other.process_new_packets();
        }
        let mut answer = Vec::new();
        while other.wants_write() {
            other.write_tls(&mut answer.by_ref()).unwrap();
        }
        if octets.is_empty() && answer.is_empty() {
            return Ok(());
        }
        input.extend_from_slice(&answer);
        ours.receive(Instant::now(), &mut input, &mut BytesMut::new())?;
    }
}

/// Takes every certificate, and offers these ways to sign.
#[derive(Debug)]
struct Picky(Vec<SignatureScheme>);

impl ServerCertVerifier for Picky {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

/// A PEM file of the fixtures, as DER.
pub(crate) fn der(pem: &str) -> Bytes {
    use rustls::pki_types::pem::PemObject as _;
    Bytes::from(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec())
}

/// A certificate with the key that is in the fixtures.
pub(crate) fn made(certificate: &str, key: &str) -> Made {
    use rustls::pki_types::pem::PemObject as _;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap().secret_der().to_vec();
    Made { der: der(certificate), key }
}
