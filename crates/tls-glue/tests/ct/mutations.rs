//! Whatever is changed: no panic, and nothing that was forged counts.

use std::sync::OnceLock;

use proptest::prelude::*;
use wirelace_tls_glue::ct::{
    CtOutcome, CtPolicy, Evidence, LogList, Sct, check, parse_list, precertificate_tbs,
};

use crate::world::{
    Authority, DAY, Entry, Leaf, NOW, SIGNED, TestLog, list_json, log_json, sct_list, tbs_of, usable,
};

/// A certificate with two SCTs, and what it is signed over.
fn certificate() -> &'static (Vec<u8>, CtPolicy) {
    static SHARED: OnceLock<(Vec<u8>, CtPolicy)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let (authority, leaf) = (Authority::shared(), Leaf::new(90 * DAY));
        let plain = leaf.plain(authority);
        let entry = Entry::Precertificate { tbs: tbs_of(&plain), issuer_key: &authority.key };
        let logs = [TestLog::shared(0), TestLog::shared(1)];
        let scts = logs.map(|log| log.sign(&entry, SIGNED, b"ext"));
        let policy = CtPolicy::enforce(usable(&logs.map(TestLog::public_key)));
        (leaf.with_scts(authority, &scts), policy)
    })
}

fn outcome(leaf: &[u8]) -> CtOutcome {
    let chain: [&[u8]; 2] = [leaf, &Authority::shared().certificate];
    check(&certificate().1, &Evidence { chain: &chain, ..Evidence::default() }, NOW).outcome
}

/// Each octet changed in turn: what was signed is another, or it cannot be read. Only the signature of the authority
/// around it, which is somebody else's to check, may differ.
#[test]
fn no_octet_of_what_is_signed_can_be_changed() {
    let (good, _) = certificate();
    assert_eq!(outcome(good), CtOutcome::Complies { embedded: true, logs: 2 });
    let end = 4 + tbs_of(good).len();
    let mut harmless: Vec<usize> = Vec::new();
    for at in 0..end {
        for bit in [0x01, 0x80] {
            let mut changed = good.clone();
            changed[at] ^= bit;
            if matches!(outcome(&changed), CtOutcome::Complies { .. }) {
                harmless.push(at);
            }
        }
    }
    assert!(harmless.is_empty(), "these octets can be changed: {harmless:?}");
}

#[test]
fn every_cut_is_refused() {
    let (good, _) = certificate();
    for end in 0..good.len() {
        assert!(matches!(outcome(&good[..end]), CtOutcome::Unreadable(_)), "{end}");
    }
}

/// Octets overwritten, cut out and put in.
fn mutated(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = good.len();
    let change = (0..length, any::<u8>(), 0..4u8);
    proptest::collection::vec(change, 1..6).prop_map(move |changes| {
        let mut data = good.clone();
        for (at, value, kind) in changes {
            let at = at.min(data.len().saturating_sub(1));
            match kind {
                0 => data.insert(at, value),
                1 if !data.is_empty() => {
                    data.remove(at);
                }
                2 => data.truncate(at + 1),
                _ => {
                    if let Some(octet) = data.get_mut(at) {
                        *octet = value;
                    }
                }
            }
        }
        data
    })
}

fn json() -> Vec<u8> {
    let mut log = log_json(&TestLog::shared(0).public_key(), "usable", SIGNED);
    log["previous_operators"] = serde_json::json!([{ "name": "B", "end_time": "2026-01-01T00:00:00Z" }]);
    list_json(SIGNED, &[("A", vec![log])]).to_string().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn changed_certificates_are_borne(data in mutated(certificate().0.clone())) {
        let _ = outcome(&data);
        if let Ok(tbs) = precertificate_tbs(&data) {
            prop_assert!(tbs.len() <= data.len());
        }
        let chain: [&[u8]; 2] = [&certificate().0, &data];
        let evidence = Evidence { chain: &chain, ocsp_response: Some(&data), tls_extension: Some(&data), ..Evidence::default() };
        let verdict = check(&certificate().1, &evidence, NOW);
        let _ = verdict.to_string();
    }

    #[test]
    fn changed_lists_of_logs_are_borne(data in mutated(json())) {
        if let Err(error) = LogList::from_json(&data) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn what_is_read_as_an_sct_is_written_the_same(data in mutated(TestLog::shared(0).sign(&Entry::Certificate(b"x"), 5, b"ext"))) {
        if let Ok(sct) = Sct::parse(&data) {
            let mut out = Vec::new();
            sct.write(&mut out);
            prop_assert_eq!(out, data);
        }
    }

    #[test]
    fn lists_of_scts_are_borne(data in proptest::collection::vec(any::<u8>(), 0..200), entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..90), 1..9)) {
        let _ = parse_list(&data);
        let list = sct_list(&entries);
        prop_assert_eq!(parse_list(&list).unwrap().len(), entries.len());
    }
}
