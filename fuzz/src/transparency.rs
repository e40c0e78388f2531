//! `tls-glue`: Certificate Transparency, from what a peer sends and from what a list's maker has written.

use std::sync::{Arc, LazyLock};

use wirelace_tls_glue::ct::{
    CtOutcome, CtPolicy, CtVerdict, Evidence, LogList, SctFault, check, parse_list, precertificate_tbs,
};
use wirelace_tls_glue::{CertificateReport, Pin};

use crate::input::Choices;

/// A certificate with SCTs of six logs, its issuer, and the logs: made by another program.
const LEAF: &[u8] = include_bytes!("../../crates/tls-glue/tests/ct/data/foreign-leaf.der");
const ISSUER: &[u8] = include_bytes!("../../crates/tls-glue/tests/ct/data/foreign-issuer.der");
const LIST: &[u8] = include_bytes!("../../crates/tls-glue/tests/ct/data/foreign-list.json");

static LOGS: LazyLock<Arc<LogList>> =
    LazyLock::new(|| Arc::new(LogList::from_json(LIST).expect("a list that is right")));

/// Ten days after the list.
const DAYS: u64 = 10 * 86_400_000;

fn verdict(evidence: &Evidence<'_>) -> CtVerdict {
    let verdict = check(&CtPolicy::enforce(Arc::clone(&LOGS)), evidence, LOGS.timestamp() + DAYS);
    assert_eq!(verdict.refuses(), !verdict.complies(), "{verdict}");
    assert!(!verdict.to_string().is_empty());
    verdict
}

/// SCTs that come beside a certificate that no log has signed: the issuer's.
fn beside(evidence: &Evidence<'_>) {
    let verdict = verdict(&Evidence { chain: &[ISSUER], ..*evidence });
    assert!(!verdict.complies() && verdict.scts.iter().all(|sct| sct.standing.is_err()));
}

/// SCTs in a certificate, in an OCSP response, in the TLS extension; the last octet says which.
pub fn scts(data: &[u8]) {
    let (octets, mut choices) = Choices::split(data, 1);
    match choices.byte() % 4 {
        0 => list(octets),
        1 => certificate(octets),
        2 => beside(&Evidence { ocsp_response: Some(octets), ..Evidence::default() }),
        _ => {
            let issued = verdict(&Evidence { chain: &[LEAF, octets], ..Evidence::default() });
            // Another certificate of the same issuer would do, and no other issuer.
            if let (true, Some(pin)) = (issued.complies(), Pin::of_certificate(octets)) {
                assert_eq!(Some(pin), Pin::of_certificate(ISSUER));
            }
        }
    }
}

/// A list is read whole or not at all, and what is read is written as it was.
fn list(octets: &[u8]) {
    if let Ok(all) = parse_list(octets) {
        for sct in all.iter().flatten() {
            let mut written = Vec::new();
            sct.write(&mut written);
            assert!(octets.windows(written.len()).any(|window| window == written));
        }
    }
    beside(&Evidence { tls_extension: Some(octets), ..Evidence::default() });
}

/// The certificate itself, changed: complying means that it is what the logs have signed.
fn certificate(der: &[u8]) {
    let tbs = precertificate_tbs(der);
    let verdict = verdict(&Evidence { chain: &[der, ISSUER], ..Evidence::default() });
    match tbs {
        Ok(tbs) => {
            assert!(tbs.len() <= der.len());
            if verdict.complies() {
                assert_eq!(Ok(tbs), precertificate_tbs(LEAF));
            }
        }
        Err(error) => {
            assert!(error.offset <= der.len());
            assert!(!verdict.complies());
        }
    }
    if let (Ok(report), false) = (CertificateReport::new(der, 0), verdict.scts.is_empty()) {
        let readable = verdict.scts.iter().filter(|sct| !matches!(sct.standing, Err(SctFault::Encoding(_))));
        assert_eq!(readable.count(), report.scts.len());
    }
    if let CtOutcome::Unreadable(error) = verdict.outcome {
        assert!(error.offset <= der.len());
    }
}

/// A log list: whole, or an error; every log can be found again.
pub fn log_list(text: &[u8]) {
    match LogList::from_json(text) {
        Ok(list) => {
            for log in list.logs() {
                let found = list.get(&log.id()).expect("it is in the list");
                assert_eq!((found.description(), found.operator()), (log.description(), log.operator()));
                assert!(log.previous_operators().is_sorted_by_key(|previous| previous.until));
                assert!(log.interval().is_none_or(|(start, end)| start < end));
            }
            let list = Arc::new(list);
            let now = list.timestamp().saturating_add(DAYS);
            let evidence = Evidence { chain: &[LEAF, ISSUER], ..Evidence::default() };
            let verdict = check(&CtPolicy::enforce(list), &evidence, now);
            assert!(!verdict.to_string().is_empty());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
