//! What a server makes of its clients' certificates.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use webpki::KeyUsage;

use super::chain::Chain;
use super::explain::{self, explain, own_key};
use super::refusal::{bad_handshake_signature, forget, put_aside};
use super::trust::{Trust, Untrusted};
use crate::provider::Provider;

/// For all connections of a server.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    trust: Trust,
    required: bool,
    /// The authorities, as clients are told.
    hints: Vec<DistinguishedName>,
    provider: Arc<CryptoProvider>,
}

impl ClientVerifier {
    pub(crate) fn new(trust: Trust, required: bool, provider: Provider) -> ClientVerifier {
        let hints = trust.subjects().map(DistinguishedName::in_sequence).collect();
        ClientVerifier { trust, required, hints, provider: provider.rustls() }
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        forget();
        let chain = Chain::new(end_entity, intermediates);
        match self.trust.verify(end_entity, intermediates, KeyUsage::client_auth(), &[], now) {
            Ok(_) => {
                own_key(&chain, &self.trust).map_err(put_aside)?;
                Ok(ClientCertVerified::assertion())
            }
            Err(untrusted) => {
                let error = match untrusted {
                    Untrusted::Rule(error) => error,
                    Untrusted::Pin => webpki::Error::UnknownIssuer,
                };
                Err(put_aside(explain(&error, &chain, &self.trust, explain::CLIENT)))
            }
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
            .map_err(|error| bad_handshake_signature(error, certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
            .map_err(|error| bad_handshake_signature(error, certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
