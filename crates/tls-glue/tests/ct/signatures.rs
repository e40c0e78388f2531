//! Which signatures hold.

use wirelace_tls_glue::ct::{
    CtOutcome, CtVerdict, DerRule, KeyKind, ListFault, SctFault, SctRule, Standing, precertificate_tbs,
};

use crate::world::{
    Authority, DAY, Entry, Leaf, NOW, SIGNED, TestLog, log_id, sct_list, tbs_of, usable, verdict,
};

const RSA: [(&str, usize); 3] = [
    (include_str!("data/rsa2048.pem"), 2048),
    (include_str!("data/rsa3072.pem"), 3072),
    (include_str!("data/rsa4096.pem"), 4096),
];

/// A leaf of 90 days by the shared authority, and what logs sign of it.
struct Scene {
    authority: &'static Authority,
    leaf: Leaf,
    plain: Vec<u8>,
}

impl Scene {
    fn new() -> Scene {
        let (authority, leaf) = (Authority::shared(), Leaf::new(90 * DAY));
        let plain = leaf.plain(authority);
        Scene { authority, leaf, plain }
    }

    fn entry(&self) -> Entry<'_> {
        Entry::Precertificate { tbs: tbs_of(&self.plain), issuer_key: &self.authority.key }
    }

    /// The certificate with these SCTs, looked at with a list that has these logs.
    fn verdict(&self, scts: &[Vec<u8>], logs: &[&TestLog]) -> CtVerdict {
        let keys: Vec<Vec<u8>> = logs.iter().map(|log| log.public_key()).collect();
        let certificate = self.leaf.with_scts(self.authority, scts);
        verdict(usable(&keys), &[&certificate, &self.authority.certificate])
    }

    /// What became of the only SCT.
    fn one(&self, sct: Vec<u8>, logs: &[&TestLog]) -> Result<Standing, SctFault> {
        let verdict = self.verdict(&[sct], logs);
        assert_eq!(verdict.scts.len(), 1, "{verdict}");
        assert!(verdict.refuses());
        verdict.scts[0].standing.clone()
    }
}

/// One sound, one of another certificate, one with another time.
fn three(scene: &Scene, log: &TestLog) {
    let sound = log.sign(&scene.entry(), SIGNED, b"");
    assert_eq!(scene.one(sound.clone(), &[log]), Ok(Standing::Current));
    let other = Scene::new();
    assert_eq!(other.one(sound.clone(), &[log]), Err(SctFault::Signature));
    let mut earlier = sound;
    earlier[40] ^= 1;
    assert_eq!(scene.one(earlier, &[log]), Err(SctFault::Signature));
}

#[test]
fn ecdsa_logs_sign() {
    let scene = Scene::new();
    three(&scene, TestLog::shared(0));
    let keys = usable(&[TestLog::shared(0).public_key()]);
    assert_eq!(keys.logs()[0].key_kind(), KeyKind::EcdsaP256);
}

#[test]
fn rsa_logs_sign() {
    let scene = Scene::new();
    for (pem, bits) in RSA {
        let log = TestLog::rsa(pem);
        assert_eq!(usable(&[log.public_key()]).logs()[0].key_kind(), KeyKind::Rsa { bits });
        three(&scene, &log);
    }
}

#[test]
fn authorities_of_every_kind_have_leaves() {
    let kinds = [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519];
    let mut keys: Vec<_> = kinds.map(|kind| rcgen::KeyPair::generate_for(kind).unwrap()).into();
    keys.push(rcgen::KeyPair::from_pkcs8_pem_and_sign_algo(RSA[0].0, &rcgen::PKCS_RSA_SHA256).unwrap());
    let (a, b) = (TestLog::shared(0), TestLog::shared(1));
    for key in keys {
        let authority = Authority::with_key("Another CA", key);
        let leaf = Leaf::new(90 * DAY);
        let plain = leaf.plain(&authority);
        let entry = Entry::Precertificate { tbs: tbs_of(&plain), issuer_key: &authority.key };
        let certificate = leaf.with_scts(
            &authority,
            &[a.sign(&entry, SIGNED, b""), b.sign(&entry, SIGNED, b"with extensions")],
        );
        let list = usable(&[a.public_key(), b.public_key()]);
        let verdict = verdict(list, &[&certificate, &authority.certificate]);
        assert_eq!(verdict.outcome, CtOutcome::Complies { embedded: true, logs: 2 });
        assert!(verdict.complies() && !verdict.refuses());
    }
}

#[test]
fn a_report_names_log_operator_and_time() {
    let scene = Scene::new();
    let log = TestLog::shared(0);
    let verdict = scene.verdict(&[log.sign(&scene.entry(), SIGNED, b"")], &[log]);
    let sct = &verdict.scts[0];
    assert_eq!(sct.log_id, Some(log.id()));
    assert_eq!(sct.log.as_deref(), Some("a log"));
    assert_eq!(sct.operator.as_deref(), Some("Operator 0"));
    assert_eq!(sct.timestamp, Some(SIGNED));
    let text = "SCT 1 in the certificate (a log, Operator 0) is valid, of 2026-01-02T00:00:00Z";
    assert_eq!(sct.to_string(), text);
}

#[test]
fn a_changed_certificate_is_not_what_the_log_signed() {
    let scene = Scene::new();
    let log = TestLog::shared(0);
    let certificate = scene.leaf.with_scts(scene.authority, &[log.sign(&scene.entry(), SIGNED, b"")]);
    let at = certificate.windows(11).position(|window| window == b"example.com").unwrap();
    let mut changed = certificate.clone();
    changed[at] = b'f';
    let list = || usable(&[log.public_key()]);
    let verdict = verdict(list(), &[&changed, &scene.authority.certificate]);
    assert_eq!(verdict.scts[0].standing, Err(SctFault::Signature));
    assert_eq!(verdict.outcome, CtOutcome::NoneValid);
    let text = verdict.to_string();
    assert!(text.contains("SCT 1 in the certificate (a log, Operator 0) has a wrong signature"), "{text}");
}

#[test]
fn the_log_is_the_one_that_is_named() {
    let scene = Scene::new();
    let (a, b) = (TestLog::shared(0), TestLog::shared(1));
    let sound = a.sign(&scene.entry(), SIGNED, b"");
    assert_eq!(scene.one(sound.clone(), &[b]), Err(SctFault::UnknownLog));
    // Signed by one, said to be of the other.
    let mut forged = sound.clone();
    forged[1..33].copy_from_slice(&b.id().0);
    assert_eq!(scene.one(forged, &[a, b]), Err(SctFault::Signature));
    let mut nobody = sound;
    nobody[5] ^= 0x80;
    assert_eq!(scene.one(nobody, &[a, b]), Err(SctFault::UnknownLog));
}

#[test]
fn the_future_is_not_signed() {
    let scene = Scene::new();
    let log = TestLog::shared(0);
    assert_eq!(scene.one(log.sign(&scene.entry(), NOW, b""), &[log]), Ok(Standing::Current));
    assert_eq!(scene.one(log.sign(&scene.entry(), NOW + 1, b""), &[log]), Err(SctFault::Future));
}

#[test]
fn extensions_are_signed() {
    let scene = Scene::new();
    let log = TestLog::shared(0);
    let sound = log.sign(&scene.entry(), SIGNED, b"leaf");
    assert_eq!(scene.one(sound.clone(), &[log]), Ok(Standing::Current));
    let mut changed = sound;
    changed[43] ^= 1;
    assert_eq!(scene.one(changed, &[log]), Err(SctFault::Signature));
}

#[test]
fn the_algorithm_is_that_of_the_key() {
    let scene = Scene::new();
    let (ecdsa, rsa) = (TestLog::shared(0), TestLog::rsa(RSA[0].0));
    for log in [ecdsa, &rsa] {
        for (hash, algorithm) in [(4, 3), (4, 1), (4, 2), (4, 7), (5, 3), (5, 1), (2, 3), (2, 1), (0, 0)] {
            let mut sct = log.sign(&scene.entry(), SIGNED, b"");
            sct[43..45].copy_from_slice(&[hash, algorithm]);
            let expected = match (hash, algorithm == log.algorithm) {
                (4, true) => Ok(Standing::Current),
                _ => Err(SctFault::Algorithm { hash, algorithm }),
            };
            assert_eq!(scene.one(sct, &[log]), expected);
        }
    }
}

#[test]
fn broken_scts_leave_the_others() {
    let scene = Scene::new();
    let (a, b) = (TestLog::shared(0), TestLog::shared(1));
    let (first, last) = (a.sign(&scene.entry(), SIGNED, b""), b.sign(&scene.entry(), SIGNED, b""));
    let newer = [&[1], &first[1..]].concat();
    let cut = first[..first.len() - 1].to_vec();
    let longer = [&first[..], &[0]].concat();
    let verdict = scene.verdict(&[newer, cut, longer, first, last], &[a, b]);
    let rules: Vec<Option<SctRule>> = verdict
        .scts
        .iter()
        .map(|sct| match &sct.standing {
            Err(SctFault::Encoding(error)) => Some(error.rule),
            _ => None,
        })
        .collect();
    let version = SctRule::Version { version: 1 };
    assert_eq!(rules, [Some(version), Some(SctRule::Truncated), Some(SctRule::Trailing), None, None]);
    assert_eq!(verdict.outcome, CtOutcome::Complies { embedded: true, logs: 2 });
}

#[test]
fn a_broken_list_is_reported() {
    let scene = Scene::new();
    let sct = TestLog::shared(0).sign(&scene.entry(), SIGNED, b"");
    let whole = sct_list(std::slice::from_ref(&sct));
    let cases: [(Vec<u8>, SctRule); 5] = [
        (whole[..whole.len() - 1].to_vec(), SctRule::Truncated),
        ([&whole[..], &[0]].concat(), SctRule::Trailing),
        (vec![0, 0], SctRule::Empty),
        (sct_list(&[Vec::new()]), SctRule::Empty),
        (sct_list(&vec![sct; 33]), SctRule::TooMany { limit: 32 }),
    ];
    for (list, rule) in cases {
        let certificate = scene.leaf.with_list(scene.authority, &list);
        let keys = usable(&[TestLog::shared(0).public_key()]);
        let verdict = verdict(keys, &[&certificate, &scene.authority.certificate]);
        assert!(verdict.scts.is_empty());
        let [ListFault::List(_, error)] = verdict.unreadable[..] else { panic!("{verdict}") };
        assert_eq!(error.rule, rule);
        assert_eq!(verdict.outcome, CtOutcome::NoneValid);
        assert!(verdict.to_string().contains("the list of SCTs in the certificate cannot be read"));
    }
}

#[test]
fn the_issuer_is_found_by_its_name() {
    let scene = Scene::new();
    let log = TestLog::shared(0);
    let certificate = scene.leaf.with_scts(scene.authority, &[log.sign(&scene.entry(), SIGNED, b"")]);
    let (stranger, namesake) = (Authority::new("Somebody else"), Authority::new("Test CA"));
    let issuer = scene.authority.certificate.as_slice();
    let standing = |chain: &[&[u8]]| {
        let verdict = verdict(usable(&[log.public_key()]), chain);
        verdict.scts[0].standing.clone()
    };
    assert_eq!(standing(&[&certificate, issuer]), Ok(Standing::Current));
    assert_eq!(standing(&[&certificate, &stranger.certificate, issuer]), Ok(Standing::Current));
    assert_eq!(standing(&[&certificate, &namesake.certificate, issuer]), Ok(Standing::Current));
    assert_eq!(standing(&[&certificate, b"not a certificate", issuer]), Ok(Standing::Current));
    assert_eq!(standing(&[&certificate, &namesake.certificate]), Err(SctFault::Signature));
    assert_eq!(standing(&[&certificate, &stranger.certificate]), Err(SctFault::NoIssuer));
    assert_eq!(standing(&[&certificate]), Err(SctFault::NoIssuer));
    // Not endlessly many are tried.
    let others: Vec<Authority> = (0..3).map(|_| Authority::new("Test CA")).collect();
    let mut chain: Vec<&[u8]> = vec![&certificate];
    chain.extend(others.iter().map(|other| other.certificate.as_slice()));
    chain.push(issuer);
    assert_eq!(standing(&chain), Err(SctFault::Signature));
}

#[test]
fn an_issuer_that_is_known_is_the_only_one() {
    use wirelace_tls_glue::ct::{CtPolicy, Evidence, check};
    let scene = Scene::new();
    let log = TestLog::shared(0);
    let certificate = scene.leaf.with_scts(scene.authority, &[log.sign(&scene.entry(), SIGNED, b"")]);
    let other = Authority::new("Test CA");
    let policy = CtPolicy::report(usable(&[log.public_key()]));
    let standing = |issuer_key: &[u8], chain: &[&[u8]]| {
        let evidence = Evidence { chain, issuer_key: Some(issuer_key), ..Evidence::default() };
        check(&policy, &evidence, NOW).scts[0].standing.clone()
    };
    assert_eq!(standing(&scene.authority.key, &[&certificate]), Ok(Standing::Current));
    let chain: [&[u8]; 2] = [&certificate, &scene.authority.certificate];
    assert_eq!(standing(&other.key, &chain), Err(SctFault::Signature));
}

#[test]
fn a_certificate_that_cannot_be_read_says_so() {
    let list = || usable(&[TestLog::shared(0).public_key()]);
    let whole = Scene::new().plain;
    for (leaf, rule) in [
        (&[][..], DerRule::Truncated),
        (b"PEM?", DerRule::Tag { expected: 0x30, found: b'P' }),
        (&whole[..whole.len() - 1], DerRule::Truncated),
        (&[&whole[..], &[0]].concat(), DerRule::Trailing),
    ] {
        let verdict = verdict(list(), &[leaf]);
        let CtOutcome::Unreadable(error) = verdict.outcome else { panic!("{verdict}") };
        assert_eq!(error.rule, rule);
        assert!(verdict.refuses());
        assert_eq!(precertificate_tbs(leaf).unwrap_err(), error);
    }
    assert!(verdict(list(), &[]).refuses());
    assert_ne!(log_id(b""), log_id(b"x"));
}
