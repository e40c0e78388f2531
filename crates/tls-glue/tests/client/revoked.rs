//! Certificates that were taken back.

use bytes::Bytes;
use rcgen::{
    CertificateParams, CertificateRevocationListParams, KeyIdMethod, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use wirelace_tls_glue::{CertificateRule, ClientTls, Revocation, Roots};

use crate::world::{Authority, accepted, refused};

fn numbered(number: u64) -> impl FnOnce(&mut CertificateParams) {
    move |params| params.serial_number = Some(SerialNumber::from(number))
}

/// A list that should be followed by another one in that year.
fn list(by: &Authority, taken_back: &[u64], until: i32) -> Bytes {
    let one = |number: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*number),
        revocation_time: date_time_ymd(2022, 3, 4),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(until, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: taken_back.iter().map(one).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Bytes::copy_from_slice(list.signed_by(&by.issuer).unwrap().der())
}

fn authority(root: &Authority, number: u64) -> Authority {
    root.below("Between", |params| {
        numbered(number)(params);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    })
}

fn lists(lists: Vec<Bytes>) -> Revocation {
    Revocation { lists, ..Revocation::default() }
}

#[test]
fn by_its_authority() {
    let root = Authority::root("Root");
    let between = authority(&root, 7);
    let leaf = between.leaf_with(numbered(0x1234));
    let server = || leaf.server(&[&between.der]);
    let error = refused(
        root.trusting().revocation(lists(vec![list(&between, &[1, 0x1234], 2099)])),
        server(),
        Some(0),
        44,
        "the peer's certificate (CN=leaf) was revoked on 2022-03-04T00:00:00Z (keyCompromise); have a new one issued, \
         with a new key",
    );
    let since = Some(1_646_352_000);
    assert_eq!(error.rule, CertificateRule::Revoked { since, reason: Some("keyCompromise") });
    refused(
        root.trusting().revocation(lists(vec![list(&between, &[], 2099), list(&root, &[7], 2099)])),
        server(),
        Some(1),
        44,
        "certificate 1 of the peer's chain (CN=Between) was revoked on 2022-03-04T00:00:00Z (keyCompromise); have a new \
         one issued, with a new key",
    );
    // Others were.
    let others = lists(vec![list(&between, &[7], 2099), list(&root, &[0x1234], 2099)]);
    accepted(root.trusting().revocation(others), server());
}

#[test]
fn a_list_that_is_missing() {
    let root = Authority::root("Root");
    let between = authority(&root, 7);
    let leaf = between.leaf_with(numbered(8));
    let server = || leaf.server(&[&between.der]);
    let lists = |lists: Vec<Bytes>, require| Revocation { lists, require, enforce_expiry: false };
    let roots = list(&root, &[], 2099);
    accepted(root.trusting().revocation(lists(vec![roots.clone()], false)), server());
    refused(
        root.trusting().revocation(lists(vec![roots.clone()], true)),
        server(),
        Some(0),
        46,
        "the peer's certificate (CN=leaf) may have been revoked: there is no list of its authority (CN=Between); get \
         the list of its authority",
    );
    refused(
        root.trusting().revocation(lists(vec![list(&between, &[], 2099)], true)),
        server(),
        Some(1),
        46,
        "certificate 1 of the peer's chain (CN=Between) may have been revoked: there is no list of its authority \
         (CN=Root); get the list of its authority",
    );
    accepted(root.trusting().revocation(lists(vec![roots, list(&between, &[], 2099)], true)), server());
    // Lists that nobody has given cannot be required.
    let error = root.trusting().revocation(lists(Vec::new(), true)).build().unwrap_err();
    assert!(error.to_string().contains("revocation lists are required"), "{error}");
}

#[test]
fn a_list_that_is_old() {
    let root = Authority::root("Root");
    let leaf = root.leaf_with(numbered(8));
    let old = |enforce_expiry, back: &[u64]| Revocation {
        lists: vec![list(&root, back, 2021)],
        require: false,
        enforce_expiry,
    };
    accepted(root.trusting().revocation(old(false, &[])), leaf.server(&[]));
    refused(
        root.trusting().revocation(old(true, &[])),
        leaf.server(&[]),
        Some(0),
        46,
        "the peer's certificate (CN=leaf) may have been revoked: the list of its authority has expired on \
         2021-01-01T00:00:00Z; get a newer list",
    );
    let between = authority(&root, 7);
    refused(
        root.trusting().revocation(old(true, &[])),
        between.leaf().server(&[&between.der]),
        Some(1),
        46,
        "certificate 1 of the peer's chain (CN=Between) may have been revoked: the list of its authority has expired on \
         2021-01-01T00:00:00Z; get a newer list",
    );
    // What an old list takes back stays so.
    refused(
        root.trusting().revocation(old(false, &[8])),
        leaf.server(&[]),
        Some(0),
        44,
        "the peer's certificate (CN=leaf) was revoked on 2022-03-04T00:00:00Z (keyCompromise); have a new one issued, \
         with a new key",
    );
}

#[test]
fn a_list_of_another() {
    let root = Authority::root("Root");
    let twin = Authority::root("Root");
    let leaf = root.leaf_with(numbered(8));
    refused(
        root.trusting().revocation(lists(vec![list(&twin, &[], 2099)])),
        leaf.server(&[]),
        Some(0),
        46,
        "the peer's certificate (CN=leaf) may have been revoked: the list of its authority cannot be used (invalid crl \
         signature for public key); get another list",
    );
    let error = ClientTls::builder(Roots::Only(vec![root.der.clone()]))
        .revocation(lists(vec![list(&root, &[], 2099), Bytes::from_static(b"no list")]))
        .build()
        .unwrap_err();
    assert_eq!(error.to_string(), "revocation list 2 cannot be used: it is cut short, or not DER");
}

#[test]
fn files_that_are_none() {
    let cases: [(&[u8], &str); 4] = [
        (b"", "revocation list 1 cannot be read"),
        (b"hello", "revocation list 1 cannot be read"),
        (b"-----BEGIN X509 CRL-----\naGVsbG8=\n-----END X509 CRL-----\n", "revocation list 1 cannot be read"),
        (b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", "no revocation list in it"),
    ];
    for (octets, why) in cases {
        let error = Revocation::lists_from(octets).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let octets = b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let error = Roots::from_pem(octets).unwrap_err().to_string();
    assert!(error.contains("authority 1 cannot be read"), "{error}");
}
