//! Certificates that are too much: names that fill the screen or move its cursor, and chains without an end.

use rcgen::{SanType, date_time_ymd};
use wirelace_tls_glue::CertificateRule;

use crate::world::{Authority, HOST, accepted, refused_for};

/// Who makes a certificate cannot fill the screen with its names.
#[test]
fn many_names() {
    let root = Authority::root("Root");
    let leaf = root.leaf_with(|leaf| {
        let names = (0..1000).map(|number| SanType::DnsName(format!("{number}.test").try_into().unwrap()));
        leaf.subject_alt_names = names.collect();
    });
    let client = root.trusting().build().unwrap();
    let error = refused_for(&client, &leaf.server(&[]).build().unwrap(), HOST);
    let text = error.to_string();
    assert!(text.contains("but for 0.test, 1.test, ") && text.contains(", 19.test and 980 more; "), "{text}");
}

/// They all name each other, and lead nowhere.
#[test]
fn many_certificates() {
    let (one, two) = (Authority::root("One"), Authority::root("Two"));
    let between: Vec<_> = (0..100)
        .map(|index| if index % 2 == 0 { one.below("Two", |_| {}) } else { two.below("One", |_| {}) }.der)
        .collect();
    let others: Vec<_> = between.iter().collect();
    let other = Authority::root("Other");
    let client = other.trusting().build().unwrap();
    let error = refused_for(&client, &one.leaf().server(&others).build().unwrap(), HOST);
    assert_eq!((&error.rule, error.certificates.len()), (&CertificateRule::TooManyWays, 101));
    assert_eq!(
        error.to_string(),
        "the peer's certificate comes with more certificates, or more ways between them, than are followed; have the \
         peer send the certificates between its own and its authority's, and no others"
    );
}

#[test]
fn a_long_way() {
    let root = Authority::root("Root");
    let mut all = vec![root.below("1", |_| {})];
    for depth in 2..=8 {
        let chain: Vec<_> = all.iter().rev().map(|one| &one.der).collect();
        let server = all.last().unwrap().leaf().server(&chain);
        if depth <= 7 {
            accepted(root.trusting(), server);
        } else {
            let client = root.trusting().build().unwrap();
            let error = refused_for(&client, &server.build().unwrap(), HOST);
            assert_eq!(error.rule, CertificateRule::TooManyWays);
        }
        let next = all.last().unwrap().below(&depth.to_string(), |_| {});
        all.push(next);
    }
}

#[test]
fn names_that_would_reach_the_terminal() {
    let root = Authority::root("Root");
    let leaf = root.leaf_with(|params| {
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "\u{1b}[2J\u{202e}x".repeat(200));
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let client = root.trusting().build().unwrap();
    let text = refused_for(&client, &leaf.server(&[]).build().unwrap(), HOST).to_string();
    assert!(text.contains("CN=leaf, O=\u{fffd}[2J\u{fffd}x") && text.len() < 1500, "{text}");
    assert!(!text.chars().any(|letter| letter.is_control() || letter == '\u{202e}'), "{text}");
}
