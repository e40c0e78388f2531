//! What a client makes of a server's certificates.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage};

use super::chain::Chain;
use super::error::{CertificateError, CertificateRule};
use super::explain::{self, RSA_BITS, explain};
use super::pin::Pin;
use super::refusal::{bad_handshake_signature, forget, put_aside};
use super::trust::{Trust, Untrusted};
use crate::provider::provider;
use crate::x509::Certificate;

/// What a client asks of a server's certificates.
#[derive(Debug)]
pub(crate) enum Demand {
    /// A way to an authority, the right name, and one of these keys on the way if there are any.
    Chain(Trust, Vec<Pin>),
    /// One of these keys, and nothing else.
    Key(Vec<Pin>),
    /// Nothing at all.
    Nothing,
}

/// One for all connections, so that sessions can be resumed.
#[derive(Debug)]
pub(crate) struct ServerVerifier {
    demand: Demand,
    provider: Arc<CryptoProvider>,
}

impl ServerVerifier {
    pub(crate) fn new(demand: Demand) -> ServerVerifier {
        ServerVerifier { demand, provider: provider() }
    }

    fn check(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        match &self.demand {
            Demand::Nothing => Ok(()),
            Demand::Key(pins) => {
                let pinned = Pin::of_certificate(own).is_some_and(|pin| pins.contains(&pin));
                let refused = || Chain::new(own, others).error(CertificateRule::Pin, Some(0));
                if pinned { Ok(()) } else { Err(refused()) }
            }
            Demand::Chain(trust, pins) => {
                let chained = trust.verify(own, others, KeyUsage::server_auth(), pins, now);
                let accepted = match chained {
                    Err(Untrusted::Rule(webpki::Error::CaUsedAsEndEntity)) if trust.knows(own) => {
                        known(own, pins, now)
                    }
                    chained => chained,
                };
                let named = accepted.and_then(|()| {
                    let own = EndEntityCert::try_from(own).map_err(Untrusted::Rule)?;
                    own.verify_is_valid_for_subject_name(name).map_err(Untrusted::Rule)
                });
                let chain = || Chain::new(own, others);
                match named {
                    Ok(()) => {}
                    Err(Untrusted::Pin) => return Err(chain().error(CertificateRule::Pin, None)),
                    Err(Untrusted::Rule(error)) => {
                        return Err(explain(&error, &chain(), trust, explain::SERVER));
                    }
                }
                // webpki looks at the keys that have signed something.
                match Certificate::parse(own).and_then(|own| own.rsa_bits()) {
                    Some(bits) if bits < RSA_BITS => {
                        Err(chain().error(CertificateRule::WeakKey { bits }, Some(0)))
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

/// webpki takes no authority's certificate for a server. One that is trusted as it is, as servers in a home have it
/// (`openssl req -x509` makes them so), still has to be in its time and for servers.
fn known(own: &CertificateDer<'_>, pins: &[Pin], now: UnixTime) -> Result<(), Untrusted> {
    let Some(certificate) = Certificate::parse(own) else {
        return Err(Untrusted::Rule(webpki::Error::BadDer));
    };
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let moment =
        |seconds: i64| UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    if seconds < certificate.not_before {
        let not_before = moment(certificate.not_before);
        return Err(Untrusted::Rule(webpki::Error::CertNotValidYet { time: now, not_before }));
    }
    if seconds > certificate.not_after {
        let not_after = moment(certificate.not_after);
        return Err(Untrusted::Rule(webpki::Error::CertExpired { time: now, not_after }));
    }
    if certificate.purposes().is_some_and(|all| !all.contains(&explain::SERVER.oid)) {
        return Err(Untrusted::Rule(webpki::Error::EmptyEkuExtension));
    }
    if !pins.is_empty() && !pins.contains(&Pin::of_key(certificate.spki)) {
        return Err(Untrusted::Pin);
    }
    Ok(())
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        forget();
        let checked = self.check(end_entity, intermediates, server_name, now);
        checked.map(|()| ServerCertVerified::assertion()).map_err(put_aside)
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
