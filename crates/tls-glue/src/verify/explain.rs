//! webpki says which rule is broken; which certificate of the chain breaks it, is found out here.

use rustls::pki_types::alg_id;
use webpki::Error as E;

use super::chain::Chain;
use super::error::{CertificateError, CertificateRule};
use super::trust::{Trust, reason};
use crate::x509::der::{OID, Reader};
use crate::x509::{Certificate, List, oid};

/// What a certificate is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purpose {
    pub(super) oid: &'static [u8],
    pub(super) name: &'static str,
}

pub(super) const SERVER: Purpose = Purpose { oid: &[0x2b, 6, 1, 5, 5, 7, 3, 1], name: "TLS server" };
pub(super) const CLIENT: Purpose = Purpose { oid: &[0x2b, 6, 1, 5, 5, 7, 3, 2], name: "TLS client" };

/// The bits of an RSA key that are enough.
const RSA_BITS: usize = 2048;

pub(super) fn explain(error: &E, chain: &Chain<'_>, trust: &Trust, purpose: Purpose) -> CertificateError {
    let own = chain.get(0);
    let (rule, position) = match error {
        E::CertExpired { not_after, .. } => {
            let not_after = not_after.as_secs();
            let position = chain.find(|one| u64::try_from(one.not_after) == Ok(not_after));
            (CertificateRule::Expired { not_after: Some(not_after) }, position)
        }
        E::InvalidCertValidity => {
            (CertificateRule::Expired { not_after: None }, chain.find(|one| one.not_before > one.not_after))
        }
        E::CertNotValidYet { not_before, .. } => {
            let not_before = not_before.as_secs();
            let position = chain.find(|one| u64::try_from(one.not_before) == Ok(not_before));
            (CertificateRule::NotYetValid { not_before: Some(not_before) }, position)
        }
        E::CertNotValidForName(context) => {
            let presented = own.map(Certificate::names).unwrap_or_default();
            let expected = context.expected.to_str().into_owned();
            (CertificateRule::WrongHost { expected, presented }, Some(0))
        }
        E::UnknownIssuer => unknown_issuer(chain),
        E::CaUsedAsEndEntity if own.is_some_and(Certificate::is_self_issued) => {
            (CertificateRule::SelfSigned, Some(0))
        }
        E::CaUsedAsEndEntity => (CertificateRule::AuthorityAsPeer, Some(0)),
        E::EndEntityUsedAsCa => {
            let mut above = chain.path().skip(1);
            let position = above.find(|(_, one)| !one.authority().0).map(|(position, _)| position);
            (CertificateRule::NotAnAuthority, position)
        }
        E::PathLenConstraintViolated => {
            // The peer's own counts for nothing, the first authority has none below it.
            let mut above = chain.path().skip(1).zip(0_u64..);
            let position =
                above.find(|((_, one), below)| one.authority().1.is_some_and(|limit| limit < *below));
            (CertificateRule::PathLength, position.map(|((position, _), _)| position))
        }
        E::MaximumPathBuildCallsExceeded
        | E::MaximumPathDepthExceeded
        | E::MaximumSignatureChecksExceeded
        | E::MaximumNameConstraintComparisonsExceeded => (CertificateRule::TooManyWays, None),
        E::NameConstraintViolation => (CertificateRule::NameConstraint, Some(0)),
        E::InvalidSignatureForPublicKey => bad_signature(chain, trust),
        E::UnsupportedSignatureAlgorithmContext(context) => {
            unsupported(chain, &context.signature_algorithm_id, None)
        }
        E::UnsupportedSignatureAlgorithmForPublicKeyContext(context) => {
            unsupported(chain, &context.signature_algorithm_id, Some(&context.public_key_algorithm_id))
        }
        E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => wrong_purpose(chain, purpose),
        E::UnsupportedCriticalExtension => critical(chain),
        E::CertRevoked => revoked(chain, trust),
        E::UnknownRevocationStatus => {
            let position = chain.find(|one| trust.lists().all(|list| list.issuer() != one.issuer));
            let issuer = position.and_then(|position| chain.get(position)).map(Certificate::issued_by);
            (CertificateRule::RevocationUnknown { issuer: issuer.unwrap_or_default() }, position)
        }
        E::CrlExpired { next_update, .. } => {
            let next_update = next_update.as_secs();
            let lists: Vec<_> = trust.lists_der.iter().filter_map(|list| List::parse(list)).collect();
            let expired = |list: &List<'_>| list.next_update.map(u64::try_from) == Some(Ok(next_update));
            let position =
                chain.find(|one| lists.iter().any(|list| list.issuer == one.issuer && expired(list)));
            (CertificateRule::RevocationListExpired { next_update }, position)
        }
        E::InvalidCrlSignatureForPublicKey
        | E::IssuerNotCrlSigner
        | E::UnsupportedCrlSignatureAlgorithmContext(_)
        | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            let position = chain.find(|one| trust.lists().any(|list| list.issuer() == one.issuer));
            (CertificateRule::RevocationList(reason(error)), position)
        }
        error => match chain.unreadable() {
            Some((position, E::UnsupportedCriticalExtension)) => (critical(chain).0, Some(position)),
            Some((position, error)) => (CertificateRule::Encoding(reason(&error)), Some(position)),
            None => (CertificateRule::Other(reason(error)), None),
        },
    };
    chain.error(rule, position)
}

/// Whether the peer's own key can sign a handshake. webpki looks only at the keys that have signed a certificate.
pub(super) fn own_key(chain: &Chain<'_>, trust: &Trust) -> Result<(), CertificateError> {
    let Some(own) = chain.get(0) else { return Ok(()) };
    let known = trust.algorithms.iter().any(|known| known.public_key_alg_id().as_ref() == own.key_algorithm);
    let rule = match own.rsa_bits() {
        Some(bits) if bits < RSA_BITS => CertificateRule::WeakKey { bits },
        _ if known => return Ok(()),
        _ => CertificateRule::UnsupportedKey { algorithm: key_name(own.key_algorithm) },
    };
    Err(chain.error(rule, Some(0)))
}

type Found = (CertificateRule, Option<usize>);

fn unknown_issuer(chain: &Chain<'_>) -> Found {
    // One that should have led on may be broken.
    match chain.unreadable() {
        Some((_, E::UnsupportedCriticalExtension)) => return critical(chain),
        Some((position, error)) => return (CertificateRule::Encoding(reason(&error)), Some(position)),
        None => {}
    }
    let Some((position, last)) = chain.path().next_back() else {
        return (CertificateRule::UnknownIssuer { issuer: String::new() }, None);
    };
    let rule = if last.is_self_issued() {
        CertificateRule::SelfSigned
    } else {
        CertificateRule::UnknownIssuer { issuer: last.issued_by() }
    };
    (rule, Some(position))
}

/// The first of the path that none of those who are called like its issuer have signed.
fn bad_signature(chain: &Chain<'_>, trust: &Trust) -> Found {
    for (position, one) in chain.path() {
        let (mut signed, mut weak) = (false, None);
        for (issuer, other) in chain.path().filter(|(_, other)| other.subject == one.issuer) {
            signed |= has_signed(trust, other.key_algorithm, other.key, one);
            weak = weak.or(other.rsa_bits().filter(|bits| *bits < RSA_BITS).map(|bits| (bits, Some(issuer))));
        }
        for spki in trust.keys_of(one.issuer) {
            let Some((algorithm, key)) = crate::x509::key(spki) else { continue };
            signed |= has_signed(trust, algorithm, key, one);
            let bits = crate::x509::rsa_bits(algorithm, key).filter(|bits| *bits < RSA_BITS);
            weak = weak.or(bits.map(|bits| (bits, None)));
        }
        match weak {
            _ if signed => {}
            Some((bits, issuer)) => return (CertificateRule::WeakKey { bits }, issuer),
            None => return (CertificateRule::BadSignature, Some(position)),
        }
    }
    (CertificateRule::BadSignature, None)
}

fn has_signed(trust: &Trust, algorithm: &[u8], key: &[u8], one: &Certificate<'_>) -> bool {
    trust.algorithms.iter().any(|known| {
        known.signature_alg_id().as_ref() == one.signature_algorithm
            && known.public_key_alg_id().as_ref() == algorithm
            && known.verify_signature(key, one.signed, one.signature).is_ok()
    })
}

/// `key`: that of the issuer, where the algorithm alone would be known.
fn unsupported(chain: &Chain<'_>, algorithm: &[u8], key: Option<&[u8]>) -> Found {
    let position = chain.find(|one| one.signature_algorithm == algorithm);
    let mut algorithm = algorithm_name(algorithm);
    if let Some(key) = key {
        algorithm = format!("{algorithm} by a key of kind {}", key_name(key));
    }
    (CertificateRule::SignatureAlgorithm { algorithm }, position)
}

/// By its curve, where it has one.
fn key_name(algorithm: &[u8]) -> String {
    let mut fields = Reader::new(algorithm);
    let kind = fields.expect(OID).unwrap_or_default();
    oid::named(fields.expect(OID).unwrap_or(kind))
}

fn algorithm_name(algorithm: &[u8]) -> String {
    if algorithm == alg_id::RSA_PSS_SHA256.as_ref() {
        return "RSA-PSS with SHA-256".to_owned();
    }
    oid::named(Reader::new(algorithm).expect(OID).unwrap_or_default())
}

fn wrong_purpose(chain: &Chain<'_>, purpose: Purpose) -> Found {
    let wrong = |one: &Certificate<'_>| one.purposes().is_some_and(|all| !all.contains(&purpose.oid));
    let position = chain.find(wrong);
    let presented = position.and_then(|position| chain.get(position)).and_then(Certificate::purposes);
    let presented = presented.into_iter().flatten().map(oid::named).collect();
    (CertificateRule::Purpose { required: purpose.name, presented }, position)
}

/// The extensions that webpki knows, all of 2.5.29.
const KNOWN: &[u8] = &[15, 17, 19, 30, 31, 37];

fn critical(chain: &Chain<'_>) -> Found {
    let position = chain.unreadable().map(|(position, _)| position);
    let extensions = position.and_then(|position| chain.get(position)).map(|one| one.extensions.as_slice());
    let unknown = extensions.unwrap_or_default().iter().find(|extension| {
        let known = matches!(extension.oid, [0x55, 29, last] if KNOWN.contains(last));
        extension.critical && !known
    });
    let oid = unknown.map(|extension| oid::dotted(extension.oid)).unwrap_or_default();
    (CertificateRule::CriticalExtension { oid }, position)
}

fn revoked(chain: &Chain<'_>, trust: &Trust) -> Found {
    for (position, one) in chain.path() {
        for list in trust.lists().filter(|list| list.issuer() == one.issuer) {
            if let Ok(Some(entry)) = list.find_serial(one.serial) {
                let reason = entry.reason_code.map(reason_name);
                let since = Some(entry.revocation_date.as_secs());
                return (CertificateRule::Revoked { since, reason }, Some(position));
            }
        }
    }
    (CertificateRule::Revoked { since: None, reason: None }, None)
}

const fn reason_name(reason: webpki::RevocationReason) -> &'static str {
    use webpki::RevocationReason as R;
    match reason {
        R::KeyCompromise => "keyCompromise",
        R::CaCompromise => "cACompromise",
        R::AffiliationChanged => "affiliationChanged",
        R::Superseded => "superseded",
        R::CessationOfOperation => "cessationOfOperation",
        R::CertificateHold => "certificateHold",
        R::RemoveFromCrl => "removeFromCRL",
        R::PrivilegeWithdrawn => "privilegeWithdrawn",
        R::AaCompromise => "aACompromise",
        _ => "unspecified",
    }
}
