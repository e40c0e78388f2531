//! What the peer has shown.

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use super::error::{CertificateError, CertificateRule};
use crate::x509::Certificate;

/// Certificates of a path, at most: webpki takes eight. A peer can show hundreds that all name each other.
const LONGEST: usize = 10;

/// The certificates of a peer, its own first, for who explains.
pub(super) struct Chain<'a> {
    der: Vec<&'a CertificateDer<'a>>,
    /// Those that can be read.
    read: Vec<Option<Certificate<'a>>>,
    /// From the peer's own to the last one that another of the chain has issued.
    path: Vec<usize>,
}

impl<'a> Chain<'a> {
    pub(super) fn new(own: &'a CertificateDer<'a>, others: &'a [CertificateDer<'a>]) -> Chain<'a> {
        let der: Vec<_> = std::iter::once(own).chain(others).collect();
        let read: Vec<_> = der.iter().map(|der| Certificate::parse(der)).collect();
        let mut path = vec![0];
        let mut issuer = read.first().and_then(Option::as_ref).filter(|own| !own.is_self_issued());
        while let Some(certificate) = issuer.filter(|_| path.len() < LONGEST) {
            let next = read.iter().enumerate().find(|(position, other)| {
                !path.contains(position)
                    && other.as_ref().is_some_and(|other| other.subject == certificate.issuer)
            });
            let Some((position, next)) = next else { break };
            path.push(position);
            issuer = next.as_ref().filter(|next| !next.is_self_issued());
        }
        Chain { der, read, path }
    }

    pub(super) fn get(&self, position: usize) -> Option<&Certificate<'a>> {
        self.read.get(position)?.as_ref()
    }

    /// With their positions: those of the path, from the peer's own on.
    pub(super) fn path(&self) -> impl DoubleEndedIterator<Item = (usize, &Certificate<'a>)> {
        self.path.iter().filter_map(|position| Some((*position, self.get(*position)?)))
    }

    /// The first of the path that this is true of.
    pub(super) fn find(&self, mut found: impl FnMut(&Certificate<'a>) -> bool) -> Option<usize> {
        self.path().find(|(_, certificate)| found(certificate)).map(|(position, _)| position)
    }

    /// The first that webpki cannot read, and why.
    pub(super) fn unreadable(&self) -> Option<(usize, webpki::Error)> {
        let mut all = self.der.iter().enumerate();
        all.find_map(|(position, der)| Some((position, EndEntityCert::try_from(*der).err()?)))
    }

    /// The error with all that is known.
    pub(super) fn error(&self, rule: CertificateRule, position: Option<usize>) -> CertificateError {
        let subject = position.and_then(|position| self.get(position)).map(Certificate::called);
        let certificates = self.der.iter().map(|der| Bytes::copy_from_slice(der)).collect();
        CertificateError { rule, position, subject, certificates }
    }
}
