//! What is left of a certificate when the SCTs are taken out.

use wirelace_tls_glue::ct::precertificate_tbs;

use crate::world::{Authority, DAY, Leaf, TestLog, sct_list, tbs_of};

#[test]
fn certificate_and_precertificate_become_the_same() {
    let authority = Authority::shared();
    for leaf in [Leaf::new(90 * DAY), Leaf::bare(90 * DAY)] {
        let plain = leaf.plain(authority);
        assert_eq!(precertificate_tbs(&plain).unwrap(), tbs_of(&plain));
        assert_eq!(precertificate_tbs(&leaf.precertificate(authority)).unwrap(), tbs_of(&plain));
        // Lists around every length at which the lengths outside grow by an octet.
        for length in (1..300).chain(65_000..65_010) {
            let certificate = leaf.with_list(authority, &sct_list(&[vec![7; length]]));
            assert_eq!(precertificate_tbs(&certificate).unwrap(), tbs_of(&plain), "{length}");
        }
    }
}

#[test]
fn it_stays_the_same_when_done_twice() {
    let authority = Authority::shared();
    let leaf = Leaf::new(90 * DAY);
    let certificate = leaf.with_scts(authority, &[TestLog::shared(0).id().0.to_vec()]);
    let once = precertificate_tbs(&certificate).unwrap();
    let end = &certificate[4 + tbs_of(&certificate).len()..];
    let again = crate::world::der(0x30, &[&once, end]);
    assert_eq!(precertificate_tbs(&again).unwrap(), once);
}
