//! SCTs beside the certificate: in an OCSP response and in the TLS extension.

use wirelace_tls_glue::ct::{
    CtOutcome, CtPolicy, CtVerdict, Delivery, Evidence, ListFault, SctFault, Standing, check,
};

use crate::world::{
    Authority, DAY, Entry, Leaf, NOW, SIGNED, TestLog, der, list, list_json, log_json, sct_list, tbs_of,
    usable,
};

const OCSP_SCTS: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 5];
const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
const TIME: &[u8] = b"20260102000000Z";

/// One answer, for a serial number.
fn answer(serial: &[u8], extensions: &[(&[u8], &[u8])]) -> Vec<u8> {
    let algorithm = der(0x30, &[&der(6, &[&[0x2b, 0x0e, 3, 2, 0x1a]]), &der(5, &[])]);
    let hash = der(4, &[&[7; 20]]);
    let id = der(0x30, &[&algorithm, &hash, &hash, &der(2, &[serial])]);
    let next = der(0xa0, &[&der(0x18, &[TIME])]);
    let all: Vec<Vec<u8>> = extensions
        .iter()
        .map(|(id, value)| der(0x30, &[&der(6, &[id]), &der(4, &[&der(4, &[value])])]))
        .collect();
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    let extensions = if all.is_empty() { Vec::new() } else { der(0xa1, &[&der(0x30, &all)]) };
    der(0x30, &[&id, &der(0x80, &[]), &der(0x18, &[TIME]), &next, &extensions])
}

fn response(answers: &[Vec<u8>]) -> Vec<u8> {
    let answers: Vec<&[u8]> = answers.iter().map(Vec::as_slice).collect();
    let responder = der(0xa2, &[&der(4, &[&[9; 20]])]);
    let data = der(0x30, &[&responder, &der(0x18, &[TIME]), &der(0x30, &answers)]);
    let algorithm = der(0x30, &[&der(6, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]])]);
    let basic = der(0x30, &[&data, &algorithm, &der(3, &[&[0, 1, 2, 3]])]);
    let octets = der(4, &[&basic]);
    der(0x30, &[&der(0x0a, &[&[0]]), &der(0xa0, &[&der(0x30, &[&der(6, &[BASIC]), &octets])])])
}

struct Scene {
    leaf: Vec<u8>,
    list: Vec<u8>,
}

impl Scene {
    fn new(logs: &[usize]) -> Scene {
        let leaf = Leaf::new(90 * DAY).plain(Authority::shared());
        let sign = |&log: &usize| TestLog::shared(log).sign(&Entry::Certificate(&leaf), SIGNED, b"");
        let list = sct_list(&logs.iter().map(sign).collect::<Vec<_>>());
        Scene { leaf, list }
    }

    fn check(&self, ocsp_response: Option<&[u8]>, tls_extension: Option<&[u8]>) -> CtVerdict {
        let keys: Vec<Vec<u8>> = (0..3).map(|log| TestLog::shared(log).public_key()).collect();
        let chain: [&[u8]; 2] = [&self.leaf, &Authority::shared().certificate];
        let evidence = Evidence { chain: &chain, ocsp_response, tls_extension, ..Evidence::default() };
        check(&CtPolicy::enforce(usable(&keys)), &evidence, NOW)
    }

    fn ocsp(&self, serial: &[u8]) -> CtVerdict {
        self.check(Some(&response(&[answer(serial, &[(OCSP_SCTS, &self.list)])])), None)
    }
}

const BESIDE: CtOutcome = CtOutcome::Complies { embedded: false, logs: 2 };

#[test]
fn a_tls_extension_is_enough() {
    let scene = Scene::new(&[0, 1]);
    let verdict = scene.check(None, Some(&scene.list));
    assert_eq!(verdict.outcome, BESIDE);
    assert!(verdict.scts.iter().all(|sct| sct.delivery == Delivery::Tls));
    let cut = scene.check(None, Some(&scene.list[..9]));
    assert!(matches!(cut.unreadable[..], [ListFault::List(Delivery::Tls, _)]));
    assert_eq!(cut.outcome, CtOutcome::NoneValid);
}

#[test]
fn an_ocsp_response_is_enough() {
    let scene = Scene::new(&[0, 1]);
    let verdict = scene.ocsp(&[1, 2, 3, 4]);
    assert_eq!(verdict.outcome, BESIDE, "{verdict}");
    assert!(verdict.scts.iter().all(|sct| sct.delivery == Delivery::Ocsp));
    // Another's answer.
    assert_eq!(scene.ocsp(&[1, 2, 3, 5]).outcome, CtOutcome::NoScts);
    // Behind another's answer, one without extensions, and one with others.
    let list = (OCSP_SCTS, scene.list.as_slice());
    let answers = [
        answer(&[9], &[list]),
        answer(&[1, 2, 3, 4], &[]),
        answer(&[1, 2, 3, 4], &[(&[0x2a, 3], b"other")]),
        answer(&[1, 2, 3, 4], &[(&[0x2a, 3], b"other"), list]),
    ];
    assert_eq!(scene.check(Some(&response(&answers)), None).outcome, BESIDE);
    // An empty response is none; a failure has no answers.
    assert_eq!(scene.check(Some(b""), None).outcome, CtOutcome::NoScts);
    assert_eq!(scene.check(Some(&der(0x30, &[&der(0x0a, &[&[3]])])), None).outcome, CtOutcome::NoScts);
}

#[test]
fn ocsp_and_tls_count_together_and_apart_from_the_certificate() {
    let scene = Scene::new(&[0]);
    let other = sct_list(&[TestLog::shared(1).sign(&Entry::Certificate(&scene.leaf), SIGNED, b"")]);
    let one = CtOutcome::TooFewLogs { logs: 1, needed: 2 };
    assert_eq!(scene.ocsp(&[1, 2, 3, 4]).outcome, one);
    let stapled = response(&[answer(&[1, 2, 3, 4], &[(OCSP_SCTS, &scene.list)])]);
    assert_eq!(scene.check(Some(&stapled), Some(&other)).outcome, BESIDE);
    assert_eq!(scene.check(Some(&stapled), Some(&scene.list)).outcome, one);

    // One inside and one beside do not add up.
    let (authority, leaf) = (Authority::shared(), Leaf::new(90 * DAY));
    let plain = leaf.plain(authority);
    let entry = Entry::Precertificate { tbs: tbs_of(&plain), issuer_key: &authority.key };
    let inside = leaf.with_scts(authority, &[TestLog::shared(0).sign(&entry, SIGNED, b"")]);
    let beside = sct_list(&[TestLog::shared(1).sign(&Entry::Certificate(&inside), SIGNED, b"")]);
    let mixed = Scene { leaf: inside, list: beside };
    let verdict = mixed.check(None, Some(&mixed.list));
    assert!(verdict.scts.iter().all(|sct| sct.standing == Ok(Standing::Current)), "{verdict}");
    assert_eq!(verdict.outcome, one);
}

#[test]
fn the_two_kinds_of_entry_are_not_mixed_up() {
    let (authority, leaf) = (Authority::shared(), Leaf::new(90 * DAY));
    let plain = leaf.plain(authority);
    let entry = Entry::Precertificate { tbs: tbs_of(&plain), issuer_key: &authority.key };
    let scene = Scene { list: sct_list(&[TestLog::shared(0).sign(&entry, SIGNED, b"")]), leaf: plain };
    let verdict = scene.check(None, Some(&scene.list));
    assert_eq!(verdict.scts[0].standing, Err(SctFault::Signature));
}

#[test]
fn beside_the_certificate_retired_logs_count_nothing() {
    let scene = Scene::new(&[0, 1, 2]);
    let log = |index: usize, state| log_json(&TestLog::shared(index).public_key(), state, SIGNED + DAY);
    for (states, expected) in [
        (["usable", "usable", "retired"], BESIDE),
        (["usable", "retired", "retired"], CtOutcome::TooFewLogs { logs: 1, needed: 2 }),
        (["retired", "retired", "retired"], CtOutcome::NoneValid),
    ] {
        let logs = [0, 1, 2].map(|index| log(index, states[index]));
        let [a, b, c] = logs.map(|log| vec![log]);
        let list = list(&list_json(NOW, &[("A", a), ("B", b), ("C", c)]));
        let chain: [&[u8]; 1] = [&scene.leaf];
        let evidence = Evidence { chain: &chain, tls_extension: Some(&scene.list), ..Evidence::default() };
        assert_eq!(check(&CtPolicy::enforce(list), &evidence, NOW).outcome, expected, "{states:?}");
    }
}

#[test]
fn a_broken_response_is_reported() {
    let scene = Scene::new(&[0, 1]);
    let list = (OCSP_SCTS, scene.list.as_slice());
    let whole = response(&[answer(&[1, 2, 3, 4], &[list])]);
    let twice = response(&[answer(&[1, 2, 3, 4], &[list, list])]);
    let trailing = [&whole[..], &[0]].concat();
    for broken in [&whole[..whole.len() - 1], &trailing, &twice, b"HTTP/1.1 200 OK"] {
        let verdict = scene.check(Some(broken), None);
        assert!(matches!(verdict.unreadable[..], [ListFault::Holder(Delivery::Ocsp, _)]), "{verdict}");
        assert_eq!(verdict.outcome, CtOutcome::NoneValid);
    }
    for end in 1..whole.len() {
        assert!(scene.check(Some(&whole[..end]), None).refuses());
    }
}
