//! Whom to trust, and what was taken back.

use bytes::Bytes;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy,
};

use super::pin::Pin;
use crate::provider::Provider;

/// Certificates that authorities have taken back (CRL, RFC 5280 §5), and how strictly that is taken.
#[derive(Debug, Clone, Default)]
pub struct Revocation {
    /// The lists, in DER.
    pub lists: Vec<Bytes>,
    /// A certificate whose issuer has no list here is refused.
    pub require: bool,
    /// A list that should have been followed by a newer one says nothing: the certificates that it is about are
    /// refused.
    pub enforce_expiry: bool,
}

/// Authorities and revocation lists, ready for use.
#[derive(Debug)]
pub(crate) struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    /// Certificates that are trusted as they are; the last of the anchors are made of them.
    known: Vec<Bytes>,
    /// So many of the last ones are the user's own.
    private: usize,
    lists: Vec<CertRevocationList<'static>>,
    pub(super) lists_der: Vec<Bytes>,
    depth_all: (UnknownStatusPolicy, ExpirationPolicy),
    pub(super) algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
}

impl Trust {
    /// `known` are authorities, or certificates that are trusted by name; the last `private` of them are nobody's but
    /// the user's.
    ///
    /// # Errors
    ///
    /// One cannot be read: says which.
    pub(crate) fn new(
        mut anchors: Vec<TrustAnchor<'static>>,
        known: Vec<Bytes>,
        private: usize,
        revocation: &Revocation,
        provider: Provider,
    ) -> Result<Trust, String> {
        for (position, der) in known.iter().enumerate() {
            let der = CertificateDer::from(der.as_ref());
            let anchor = webpki::anchor_from_trusted_cert(&der);
            let anchor = anchor
                .map_err(|error| format!("authority {} cannot be read: {}", position + 1, reason(&error)))?;
            anchors.push(anchor.to_owned());
        }
        let mut lists = Vec::new();
        for (position, der) in revocation.lists.iter().enumerate() {
            let list = OwnedCertRevocationList::from_der(der).map_err(|error| {
                format!("revocation list {} cannot be used: {}", position + 1, reason(&error))
            })?;
            lists.push(list.into());
        }
        let unknown = if revocation.require { UnknownStatusPolicy::Deny } else { UnknownStatusPolicy::Allow };
        let expiry =
            if revocation.enforce_expiry { ExpirationPolicy::Enforce } else { ExpirationPolicy::Ignore };
        Ok(Trust {
            anchors,
            known,
            private,
            lists,
            lists_der: revocation.lists.clone(),
            depth_all: (unknown, expiry),
            algorithms: provider.rustls().signature_verification_algorithms.all,
        })
    }

    /// Whether this very certificate is trusted.
    pub(super) fn knows(&self, der: &[u8]) -> bool {
        self.known.iter().any(|known| known.as_ref() == der)
    }

    /// Whether this very certificate is one of the user's own.
    pub(super) fn is_private(&self, der: &[u8]) -> bool {
        self.known.iter().rev().take(self.private).any(|known| known.as_ref() == der)
    }

    /// Authorities of this name: their `SubjectPublicKeyInfo` without tag and length.
    pub(super) fn keys_of<'a>(&'a self, subject: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let named = self.anchors.iter().filter(move |anchor| anchor.subject.as_ref() == subject);
        named.map(|anchor| anchor.subject_public_key_info.as_ref())
    }

    pub(super) fn lists(&self) -> impl Iterator<Item = &CertRevocationList<'static>> {
        self.lists.iter()
    }

    /// The names of the authorities, with tag and length.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = &[u8]> {
        self.anchors.iter().map(|anchor| anchor.subject.as_ref())
    }

    /// Looks for a way from the peer's certificate to an authority; with `pins`, for one that has one of those keys.
    pub(super) fn verify(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        usage: KeyUsage,
        pins: &[Pin],
        now: UnixTime,
    ) -> Result<Way, Untrusted> {
        let own = EndEntityCert::try_from(own).map_err(Untrusted::Rule)?;
        let lists: Vec<_> = self.lists.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            let (unknown, expiry) = self.depth_all;
            let options = options.with_depth(RevocationCheckDepth::Chain);
            options.with_status_policy(unknown).with_expiration_policy(expiry).build()
        });
        let unpinned = std::cell::Cell::new(false);
        let pinned = |path: &webpki::VerifiedPath<'_>| {
            let between = path.intermediate_certificates().map(|one| one.subject_public_key_info());
            let own = path.end_entity().subject_public_key_info();
            let top = webpki::spki_for_anchor(path.anchor());
            let mut keys = between.chain([own, top]);
            if pins.is_empty() || keys.any(|key| pins.contains(&Pin::of_key(&key))) {
                return Ok(());
            }
            unpinned.set(true);
            Err(webpki::Error::UnknownIssuer)
        };
        let path = own.verify_for_usage(
            self.algorithms,
            &self.anchors,
            others,
            now,
            usage,
            revocation,
            Some(&pinned),
        );
        match path {
            Ok(path) => {
                let above = path.intermediate_certificates().next();
                let issuer = above.map(|one| one.subject_public_key_info());
                let issuer = issuer.unwrap_or_else(|| webpki::spki_for_anchor(path.anchor()));
                let public = self.anchors.len().saturating_sub(self.private);
                let mut private = self.anchors.iter().skip(public);
                Ok(Way {
                    issuer_key: Some(issuer.to_vec()),
                    private: private.any(|anchor| std::ptr::eq(anchor, path.anchor())),
                })
            }
            Err(_) if unpinned.get() => Err(Untrusted::Pin),
            Err(error) => Err(Untrusted::Rule(error)),
        }
    }
}

/// From a certificate to an authority.
pub(super) struct Way {
    /// The `SubjectPublicKeyInfo` of who has signed the certificate; `None`: it is trusted as it is.
    pub(super) issuer_key: Option<Vec<u8>>,
    /// The authority is one of the user's own.
    pub(super) private: bool,
}

/// Why there is no way.
pub(super) enum Untrusted {
    Rule(webpki::Error),
    /// There is one, and it has none of the keys.
    Pin,
}

/// `UnsupportedCriticalExtension` as a person says it.
pub(crate) fn reason(error: &webpki::Error) -> String {
    // webpki says of what ends too early, too, that something follows.
    if matches!(error, webpki::Error::BadDer | webpki::Error::TrailingData(_)) {
        return "it is cut short, or not DER".to_owned();
    }
    let name = format!("{error:?}");
    let name = name.split(['(', ' ', '{']).next().unwrap_or_default();
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
