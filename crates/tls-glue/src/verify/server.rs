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
use super::explain::{self, explain, own_key};
use super::pin::Pin;
use super::refusal::{bad_handshake_signature, forget, keep, put_aside};
use super::trust::{Trust, Untrusted, Way};
use crate::ct::{CtMode, CtPolicy, CtVerdict, Evidence};
use crate::provider::Provider;
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
    transparency: CtPolicy,
    provider: Arc<CryptoProvider>,
}

impl ServerVerifier {
    pub(crate) fn new(demand: Demand, transparency: CtPolicy, provider: Provider) -> ServerVerifier {
        ServerVerifier { demand, transparency, provider: provider.rustls() }
    }

    fn check(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<Way, CertificateError> {
        let unknown = Way { issuer_key: None, private: false };
        match &self.demand {
            Demand::Nothing => Ok(unknown),
            Demand::Key(pins) => {
                let pinned = Pin::of_certificate(own).is_some_and(|pin| pins.contains(&pin));
                let refused = || Chain::new(own, others).error(CertificateRule::Pin, Some(0));
                if pinned { Ok(unknown) } else { Err(refused()) }
            }
            Demand::Chain(trust, pins) => {
                let chained = trust.verify(own, others, KeyUsage::server_auth(), pins, now);
                let accepted = match chained {
                    Err(Untrusted::Rule(webpki::Error::CaUsedAsEndEntity)) if trust.knows(own) => {
                        known(own, pins, now)
                            .map(|()| Way { issuer_key: None, private: trust.is_private(own) })
                    }
                    chained => chained,
                };
                let named = accepted.and_then(|way| {
                    let own = EndEntityCert::try_from(own).map_err(Untrusted::Rule)?;
                    own.verify_is_valid_for_subject_name(name).map_err(Untrusted::Rule)?;
                    Ok(way)
                });
                let chain = || Chain::new(own, others);
                let way = match named {
                    Ok(way) => way,
                    Err(Untrusted::Pin) => return Err(chain().error(CertificateRule::Pin, None)),
                    Err(Untrusted::Rule(error)) => {
                        return Err(explain(&error, &chain(), trust, explain::SERVER));
                    }
                };
                own_key(&chain(), trust).map(|()| way)
            }
        }
    }

    /// What the logs say; an authority of the user's own writes in none.
    fn logged(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        way: &Way,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<Option<Box<CtVerdict>>, CertificateError> {
        if self.transparency.mode() == CtMode::Off || way.private {
            return Ok(None);
        }
        let chain: Vec<&[u8]> = std::iter::once(own).chain(others).map(AsRef::as_ref).collect();
        let issuer_key = way.issuer_key.as_deref();
        let evidence =
            Evidence { chain: &chain, issuer_key, ocsp_response: Some(ocsp), ..Evidence::default() };
        // The clock has seconds, and the logs milliseconds: what was signed in this second is not from the future.
        let now = now.as_secs().saturating_mul(1000).saturating_add(999);
        let verdict = Box::new(crate::ct::check(&self.transparency, &evidence, now));
        if verdict.refuses() {
            return Err(Chain::new(own, others).error(CertificateRule::Transparency(verdict), Some(0)));
        }
        Ok(Some(verdict))
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
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        forget();
        let checked = self.check(end_entity, intermediates, server_name, now);
        let logged = checked.and_then(|way| self.logged(end_entity, intermediates, &way, ocsp_response, now));
        keep(logged.map_err(put_aside)?);
        Ok(ServerCertVerified::assertion())
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
