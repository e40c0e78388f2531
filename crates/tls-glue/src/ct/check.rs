//! From a chain to a verdict.

use super::certificate::Certificate;
use super::error::SctError;
use super::key::KeyKind;
use super::log::{Log, LogState};
use super::log_list::LogList;
use super::policy::{CtMode, CtPolicy};
use super::sct::{Sct, parse_list};
use super::signed::SignedData;
use super::verdict::{CheckedSct, CtOutcome, CtVerdict, Delivery, ListFault, SctFault, Standing};
use super::{ocsp, rules};

/// Certificates of a chain that are searched for the issuer.
const MAX_CHAIN: usize = 16;
/// Issuers of the same name that are tried.
const MAX_ISSUERS: usize = 3;

/// What a peer has shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// The certificates in DER, the peer's own first. Its issuer is found by its name.
    pub chain: &'a [&'a [u8]],
    /// The issuer's `SubjectPublicKeyInfo` in DER, where it is known for sure, or the issuer is not in the chain. Then
    /// no other is tried.
    pub issuer_key: Option<&'a [u8]>,
    /// The stapled OCSP response; an empty one is none.
    pub ocsp_response: Option<&'a [u8]>,
    /// The content of the TLS extension `signed_certificate_timestamp`.
    pub tls_extension: Option<&'a [u8]>,
}

/// Checks the SCTs of a certificate, and whether they are enough. `now`: milliseconds since 1970.
///
/// It does not check the chain: that is done before. Certificates of an authority of one's own are not in the logs;
/// ask only for those that lead to a public one.
#[must_use]
pub fn check(policy: &CtPolicy, evidence: &Evidence<'_>, now: u64) -> CtVerdict {
    let mut verdict =
        CtVerdict { mode: policy.mode(), outcome: CtOutcome::Off, scts: Vec::new(), unreadable: Vec::new() };
    let Some(list) = policy.log_list().filter(|_| policy.mode() != CtMode::Off) else { return verdict };
    let leaf = evidence.chain.first().copied().unwrap_or_default();
    let outcome = match Certificate::parse(leaf) {
        Err(error) => CtOutcome::Unreadable(error),
        Ok(certificate) => {
            let check = Check { list, certificate: &certificate, leaf, now };
            check.all(evidence, &mut verdict);
            if verdict.scts.is_empty() && verdict.unreadable.is_empty() {
                CtOutcome::NoScts
            } else {
                let lifetime = certificate.not_after.saturating_sub(certificate.not_before);
                rules::outcome(&verdict.scts, lifetime)
            }
        }
    };
    verdict.outcome = if rules::is_stale(list.timestamp(), now) {
        CtOutcome::Stale { list_timestamp: list.timestamp(), otherwise: Box::new(outcome) }
    } else {
        outcome
    };
    verdict
}

struct Check<'a> {
    list: &'a LogList,
    certificate: &'a Certificate<'a>,
    leaf: &'a [u8],
    now: u64,
}

impl Check<'_> {
    fn all(&self, evidence: &Evidence<'_>, verdict: &mut CtVerdict) {
        match self.certificate.scts() {
            Ok(Some(list)) => match self.precertificates(evidence) {
                Ok(mut entries) => self.list(Delivery::Embedded, list, &mut entries, verdict),
                Err(fault) => verdict.unreadable.push(fault),
            },
            Ok(None) => {}
            Err(error) => verdict.unreadable.push(ListFault::Holder(Delivery::Embedded, error)),
        }
        let whole = || SignedData::certificate(self.leaf).ok_or(SctFault::EntryTooLong);
        if let Some(response) = evidence.ocsp_response.filter(|response| !response.is_empty()) {
            match ocsp::scts(response, self.certificate.serial) {
                Ok(Some(list)) => self.list(Delivery::Ocsp, list, &mut [whole()], verdict),
                Ok(None) => {}
                Err(error) => verdict.unreadable.push(ListFault::Holder(Delivery::Ocsp, error)),
            }
        }
        if let Some(list) = evidence.tls_extension {
            self.list(Delivery::Tls, list, &mut [whole()], verdict);
        }
    }

    /// What the logs may have signed: one entry for each key that the issuer may have.
    fn precertificates(
        &self,
        evidence: &Evidence<'_>,
    ) -> Result<Vec<Result<SignedData, SctFault>>, ListFault> {
        let tbs = self.certificate.precertificate();
        let tbs = tbs.map_err(|error| ListFault::Holder(Delivery::Embedded, error))?;
        let mut keys: Vec<&[u8]> = Vec::new();
        match evidence.issuer_key {
            Some(key) => keys.push(key),
            None => {
                for other in evidence.chain.iter().skip(1).take(MAX_CHAIN) {
                    let Ok(other) = Certificate::parse(other) else { continue };
                    let named = other.subject == self.certificate.issuer;
                    if named && !keys.contains(&other.public_key) && keys.len() < MAX_ISSUERS {
                        keys.push(other.public_key);
                    }
                }
            }
        }
        if keys.is_empty() {
            return Ok(vec![Err(SctFault::NoIssuer)]);
        }
        let entry = |key: &&[u8]| SignedData::precertificate(&tbs, key).ok_or(SctFault::EntryTooLong);
        Ok(keys.iter().map(entry).collect())
    }

    fn list(
        &self,
        delivery: Delivery,
        list: &[u8],
        entries: &mut [Result<SignedData, SctFault>],
        verdict: &mut CtVerdict,
    ) {
        match parse_list(list) {
            Err(error) => verdict.unreadable.push(ListFault::List(delivery, error)),
            Ok(scts) => {
                let scts = scts.into_iter().enumerate();
                verdict.scts.extend(scts.map(|(position, sct)| self.one(delivery, position, sct, entries)));
            }
        }
    }

    fn one(
        &self,
        delivery: Delivery,
        position: usize,
        sct: Result<Sct<'_>, SctError>,
        entries: &mut [Result<SignedData, SctFault>],
    ) -> CheckedSct {
        let log = sct.as_ref().ok().and_then(|sct| self.list.get(&sct.log));
        let known = sct.as_ref().ok();
        CheckedSct {
            delivery,
            position,
            log_id: known.map(|sct| sct.log),
            log: log.map(|log| log.description().to_owned()),
            operator: log.zip(known).map(|(log, sct)| log.operator_at(sct.timestamp).to_owned()),
            timestamp: known.map(|sct| sct.timestamp),
            standing: match (sct, log) {
                (Err(error), _) => Err(SctFault::Encoding(error)),
                (Ok(_), None) => Err(SctFault::UnknownLog),
                (Ok(sct), Some(log)) => {
                    self.signature(&sct, log, entries).and_then(|()| self.standing(&sct, log))
                }
            },
        }
    }

    fn signature(
        &self,
        sct: &Sct<'_>,
        log: &Log,
        entries: &mut [Result<SignedData, SctFault>],
    ) -> Result<(), SctFault> {
        if log.key_kind() == KeyKind::Unsupported {
            return Err(SctFault::UnsupportedKey);
        }
        if !log.key.fits(sct) {
            return Err(SctFault::Algorithm { hash: sct.hash, algorithm: sct.algorithm });
        }
        if sct.timestamp > self.now {
            return Err(SctFault::Future);
        }
        let mut fault = SctFault::Signature;
        for entry in entries {
            match entry {
                Ok(entry) => {
                    if log.key.verifies(entry.of(sct), sct.signature) {
                        return Ok(());
                    }
                }
                Err(reason) => fault = reason.clone(),
            }
        }
        Err(fault)
    }

    /// What a valid SCT of this log is worth.
    fn standing(&self, sct: &Sct<'_>, log: &Log) -> Result<Standing, SctFault> {
        if let Some((start, end)) = log.interval()
            && !(start..end).contains(&self.certificate.not_after)
        {
            return Err(SctFault::Interval { start, end });
        }
        match log.state() {
            state if state.is_current(self.now) => Ok(Standing::Current),
            LogState::Retired(retired) if sct.timestamp < retired => Ok(Standing::Retired),
            LogState::Retired(retired) => Err(SctFault::AfterRetirement { retired }),
            state => Err(SctFault::State(state)),
        }
    }
}
