//! A certificate and its SCTs made by another program: the Python library `cryptography`, which also says what the
//! precertificate is. Its logs have keys that ring cannot sign with as logs do.

use wirelace_tls_glue::ct::{CtOutcome, KeyKind, LogList, SctFault, Standing, precertificate_tbs};

use crate::world::verdict;

const LEAF: &[u8] = include_bytes!("data/foreign-leaf.der");
const ISSUER: &[u8] = include_bytes!("data/foreign-issuer.der");
const TBS: &[u8] = include_bytes!("data/foreign-tbs.der");
const LIST: &[u8] = include_bytes!("data/foreign-list.json");

#[test]
fn another_program_rebuilds_the_same_precertificate() {
    assert_eq!(precertificate_tbs(LEAF).unwrap(), TBS);
}

#[test]
fn keys_are_p256_p384_and_rsa_of_2048_bits_and_no_others() {
    let list = LogList::from_json(LIST).unwrap();
    let kinds: Vec<KeyKind> = list.logs().iter().map(|log| log.key_kind()).collect();
    let none = KeyKind::Unsupported;
    let rsa = KeyKind::Rsa { bits: 2048 };
    assert_eq!(kinds, [KeyKind::EcdsaP256, KeyKind::EcdsaP384, rsa, none, none, none]);
    let verdict = verdict(list, &[LEAF, ISSUER]);
    let standings: Vec<_> = verdict.scts.iter().map(|sct| sct.standing.clone()).collect();
    let (valid, refused) = (Ok(Standing::Current), Err(SctFault::UnsupportedKey));
    assert_eq!(standings, [valid.clone(), valid.clone(), valid, refused.clone(), refused.clone(), refused]);
    assert_eq!(verdict.outcome, CtOutcome::Complies { embedded: true, logs: 3 });
}

/// Of another certificate, or of another time: each of the three that are valid, by each kind of key.
#[test]
fn what_is_changed_is_not_what_was_signed() {
    let list = || LogList::from_json(LIST).unwrap();
    let standings = |leaf: &[u8]| -> Vec<_> {
        verdict(list(), &[leaf, ISSUER]).scts.iter().map(|sct| sct.standing.clone()).collect()
    };
    let (valid, wrong) = (Ok(Standing::Current), Err(SctFault::Signature));
    for (index, log) in list().logs().iter().enumerate().take(3) {
        // The last octet of its time, behind the log's id: some milliseconds.
        let id = LEAF.windows(32).position(|window| window == log.id().0).unwrap();
        let mut later = LEAF.to_vec();
        later[id + 32 + 7] ^= 1;
        let mut expected = [valid.clone(), valid.clone(), valid.clone()];
        expected[index] = wrong.clone();
        assert_eq!(standings(&later)[..3], expected, "{:?}", log.key_kind());
    }
    let name = LEAF.windows(15).position(|window| window == b"foreign.example").unwrap();
    let mut other = LEAF.to_vec();
    other[name] ^= 1;
    let result = standings(&other);
    assert_eq!(result[..3], [wrong.clone(), wrong.clone(), wrong]);
    assert!(verdict(list(), &[&other, ISSUER]).refuses());
}
