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
