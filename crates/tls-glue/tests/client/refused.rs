//! Each rule, with its own message, at the right place of the chain.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    NameConstraints, date_time_ymd,
};
use wirelace_tls_glue::{Alert, CertificateRule, ClientTls, Roots, TlsVersion};

use crate::foreign::{served, shown_to_client};
use crate::world::{Authority, HOST, Made, accepted, handshake, refused, refused_for};

/// A root, an authority between, and what both sides are made of.
fn three(change: impl FnOnce(&mut CertificateParams)) -> (Authority, Authority) {
    let root = Authority::root("Root");
    let between = root.below("Between", change);
    (root, between)
}

#[test]
fn a_good_one_is_accepted() {
    let (root, between) = three(|_| {});
    let leaf = between.leaf();
    let report = accepted(root.trusting(), leaf.server(&[&between.der]));
    assert_eq!(report.peer_certificates, [leaf.der.clone(), between.der.clone()]);
    // The root may be sent, too, and the order does not matter.
    accepted(root.trusting(), leaf.server(&[&root.der, &between.der]));
    // Whoever trusts the one between needs no root.
    accepted(between.trusting(), leaf.server(&[]));
}

#[test]
fn expired() {
    let end = |params: &mut CertificateParams| params.not_after = date_time_ymd(2021, 2, 3);
    let root = Authority::root("Root");
    let leaf = root.leaf_with(end);
    let error = refused(
        root.trusting(),
        leaf.server(&[]),
        Some(0),
        45,
        "the peer's certificate (CN=leaf) has expired on 2021-02-03T00:00:00Z; renew it, or look at this machine's \
         clock",
    );
    assert_eq!(error.rule, CertificateRule::Expired { not_after: Some(1_612_310_400) });
    assert_eq!(error.certificates, std::slice::from_ref(&leaf.der));
    let (root, between) = three(end);
    let error = refused(
        root.trusting(),
        between.leaf().server(&[&between.der]),
        Some(1),
        45,
        "certificate 1 of the peer's chain (CN=Between) has expired on 2021-02-03T00:00:00Z; renew it, or look at \
         this machine's clock",
    );
    assert_eq!(error.certificates.len(), 2);
}

#[test]
fn not_yet_valid() {
    let begin = |params: &mut CertificateParams| params.not_before = date_time_ymd(2099, 1, 1);
    let root = Authority::root("Root");
    refused(
        root.trusting(),
        root.leaf_with(begin).server(&[]),
        Some(0),
        45,
        "the peer's certificate (CN=leaf) is not valid before 2099-01-01T00:00:00Z; look at this machine's clock, or \
         wait",
    );
    let (root, between) = three(begin);
    refused(
        root.trusting(),
        between.leaf().server(&[&between.der]),
        Some(1),
        45,
        "certificate 1 of the peer's chain (CN=Between) is not valid before 2099-01-01T00:00:00Z; look at this \
         machine's clock, or wait",
    );
}

#[test]
fn wrong_host() {
    let root = Authority::root("Root");
    let named = |hosts: &'static [&'static str]| {
        root.leaf_with(|params| params.subject_alt_names = crate::world::params("", hosts).subject_alt_names)
    };
    refused(
        root.trusting(),
        named(&["www.example.org", "*.example.com", "192.0.2.7", "2001:db8::1"]).server(&[]),
        Some(0),
        42,
        "the peer's certificate (CN=leaf) is not for example.com, but for www.example.org, *.example.com, 192.0.2.7, \
         2001:db8::1; use one of its names, or have one issued for this name",
    );
    // The common name is none.
    refused(
        root.trusting(),
        named(&[]).server(&[]),
        Some(0),
        42,
        "the peer's certificate (CN=leaf) is not for example.com: it names no host; have one issued with the name as \
         a subjectAltName",
    );
    let client = root.trusting().build().unwrap();
    let all = named(&["www.example.org", "*.example.com", "192.0.2.7", "2001:db8::1"]).server(&[]).build();
    let all = all.unwrap();
    for host in [
        "www.example.org",
        "WWW.example.ORG",
        "a.example.com",
        "a.example.com.",
        "192.0.2.7",
        "[2001:db8::1]",
        "2001:db8::1",
    ] {
        handshake(&client, &all, host).client.expect(host);
    }
    for host in ["example.org", "a.b.example.com", "192.0.2.8", "2001:db8::2"] {
        let error = refused_for(&client, &all, host);
        let CertificateRule::WrongHost { expected, presented } = error.rule else { panic!("{error}") };
        assert_eq!((expected.as_str(), presented.len()), (host, 4));
    }
}

#[test]
fn unknown_issuer() {
    let (root, between) = three(|_| {});
    let other = Authority::root("Other");
    refused(
        other.trusting(),
        root.leaf().server(&[]),
        Some(0),
        48,
        "the peer's certificate (CN=leaf) comes from an authority that is not trusted (CN=Root); trust its authority, \
         or have the peer send the certificates between",
    );
    // The one between is not sent.
    refused(
        root.trusting(),
        between.leaf().server(&[]),
        Some(0),
        48,
        "the peer's certificate (CN=leaf) comes from an authority that is not trusted (CN=Between); trust its \
         authority, or have the peer send the certificates between",
    );
    refused(
        other.trusting(),
        between.leaf().server(&[&between.der]),
        Some(1),
        48,
        "certificate 1 of the peer's chain (CN=Between) comes from an authority that is not trusted (CN=Root); trust \
         its authority, or have the peer send the certificates between",
    );
    refused(
        other.trusting(),
        between.leaf().server(&[&between.der, &root.der]),
        Some(2),
        48,
        "certificate 2 of the peer's chain (CN=Root) is self-signed and not trusted; trust this authority if it is \
         known",
    );
}

#[test]
fn self_signed() {
    let other = Authority::root("Other");
    let message = "the peer's certificate (CN=alone) is self-signed and not trusted; trust this very certificate, or \
                   have one issued by an authority";
    // `openssl req -x509` makes an authority of it.
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let alone = Made::alone("alone", |params| params.is_ca = is_ca);
        let error = refused(other.trusting(), alone.server(&[]), Some(0), 48, message);
        assert_eq!(error.rule, CertificateRule::SelfSigned);
        // Trusted as it is, it is accepted for what it says.
        let trusting = || ClientTls::builder(Roots::Only(vec![alone.der.clone()]));
        accepted(trusting(), alone.server(&[]));
        accepted(other.trusting().authorities([alone.der.clone()]), alone.server(&[]));
        let error =
            refused_for(&trusting().build().unwrap(), &alone.server(&[]).build().unwrap(), "www.example.com");
        assert!(matches!(error.rule, CertificateRule::WrongHost { .. }), "{error}");
        let past = Made::alone("alone", |params| {
            params.is_ca = is_ca;
            params.not_after = date_time_ymd(2021, 1, 1);
        });
        refused(
            ClientTls::builder(Roots::Only(vec![past.der.clone()])),
            past.server(&[]),
            Some(0),
            45,
            "the peer's certificate (CN=alone) has expired on 2021-01-01T00:00:00Z; renew it, or look at this \
             machine's clock",
        );
        let early = Made::alone("alone", |params| {
            params.is_ca = is_ca;
            params.not_before = date_time_ymd(2099, 1, 1);
        });
        let trusting = ClientTls::builder(Roots::Only(vec![early.der.clone()])).build().unwrap();
        let error = refused_for(&trusting, &early.server(&[]).build().unwrap(), HOST);
        assert!(matches!(error.rule, CertificateRule::NotYetValid { .. }), "{error}");
        let for_clients = Made::alone("alone", |params| {
            params.is_ca = is_ca;
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        });
        let trusting = ClientTls::builder(Roots::Only(vec![for_clients.der.clone()])).build().unwrap();
        let error = refused_for(&trusting, &for_clients.server(&[]).build().unwrap(), HOST);
        assert!(matches!(error.rule, CertificateRule::Purpose { .. }), "{error}");
    }
}

#[test]
fn bad_signature() {
    let root = Authority::root("Root");
    let mut leaf = root.leaf();
    let mut octets = leaf.der.to_vec();
    *octets.last_mut().unwrap() ^= 1;
    leaf.der = octets.into();
    let message =
        "the peer's certificate (CN=leaf) has a signature that is not its issuer's; have a new one issued";
    refused(root.trusting(), leaf.server(&[]), Some(0), 51, message);
    // Of the same name, and not the same.
    let twin = Authority::root("Root");
    refused(twin.trusting(), root.leaf().server(&[]), Some(0), 51, message);
    let between = root.below("Between", |_| {});
    refused(
        twin.trusting(),
        between.leaf().server(&[&between.der]),
        Some(1),
        51,
        "certificate 1 of the peer's chain (CN=Between) has a signature that is not its issuer's; have a new one \
         issued",
    );
}

#[test]
fn wrong_purpose() {
    let clients = |params: &mut CertificateParams| {
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::CodeSigning];
    };
    let root = Authority::root("Root");
    refused(
        root.trusting(),
        root.leaf_with(clients).server(&[]),
        Some(0),
        43,
        "the peer's certificate (CN=leaf) is not meant for a TLS server, but for TLS client, code signing; have one \
         issued for this use",
    );
    let (root, between) = three(clients);
    refused(
        root.trusting(),
        between.leaf().server(&[&between.der]),
        Some(1),
        43,
        "certificate 1 of the peer's chain (CN=Between) is not meant for a TLS server, but for TLS client, code \
         signing; have one issued for this use",
    );
}

#[test]
fn who_may_sign() {
    let (root, between) = three(|params| params.is_ca = IsCa::ExplicitNoCa);
    refused(
        root.trusting(),
        between.leaf().server(&[&between.der]),
        Some(1),
        42,
        "certificate 1 of the peer's chain (CN=Between) signs others and is not an authority's; look who has issued \
         the chain",
    );
    let authority = root.leaf_with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    refused(
        root.trusting(),
        authority.server(&[]),
        Some(0),
        43,
        "the peer's certificate (CN=leaf) is an authority's, not a peer's; have this authority issue one for the peer",
    );
    let upper = root.below("Upper", |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    accepted(root.trusting(), upper.leaf().server(&[&upper.der]));
    let lower = upper.below("Lower", |_| {});
    refused(
        root.trusting(),
        lower.leaf().server(&[&lower.der, &upper.der]),
        Some(2),
        42,
        "certificate 2 of the peer's chain (CN=Upper) has more authorities below it than it may have; look who has \
         issued the chain",
    );
}

#[test]
fn names_that_the_authority_may_not_give() {
    let only = |name: &str| NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(name.to_owned())],
        excluded_subtrees: Vec::new(),
    };
    let (root, between) = three(|params| params.name_constraints = Some(only("example.org")));
    refused(
        root.trusting(),
        between.leaf().server(&[&between.der]),
        Some(0),
        42,
        "the peer's certificate (CN=leaf) is for a name that its authority may not give; have a new one issued",
    );
    let (root, between) = three(|params| params.name_constraints = Some(only("example.com")));
    accepted(root.trusting(), between.leaf().server(&[&between.der]));
    let but = |name: &str| NameConstraints {
        permitted_subtrees: Vec::new(),
        excluded_subtrees: vec![GeneralSubtree::DnsName(name.to_owned())],
    };
    let (root, between) = three(|params| params.name_constraints = Some(but("com")));
    let client = root.trusting().build().unwrap();
    let error = refused_for(&client, &between.leaf().server(&[&between.der]).build().unwrap(), HOST);
    assert_eq!((error.rule, error.position), (CertificateRule::NameConstraint, Some(0)));
    let (root, between) = three(|params| params.name_constraints = Some(but("www.example.com")));
    accepted(root.trusting(), between.leaf().server(&[&between.der]));
}

#[test]
fn critical_extension() {
    let unknown = |params: &mut CertificateParams| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4, 5], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    };
    let (root, between) = three(unknown);
    // A server with such a certificate of its own is told at once: see `identity`.
    refused(
        root.trusting(),
        between.leaf().server(&[&between.der]),
        Some(1),
        42,
        "certificate 1 of the peer's chain (CN=Between) has a critical extension that is not known (1.2.3.4.5); have a \
         new one issued",
    );
    let harmless = root.leaf_with(|params| {
        params.custom_extensions.push(CustomExtension::from_oid_content(&[1, 2, 3, 4, 5], vec![5, 0]));
    });
    accepted(root.trusting(), harmless.server(&[]));
}

#[test]
fn what_cannot_be_read() {
    let (root, between) = three(|_| {});
    let garbage = between.der.slice(..between.der.len() / 2);
    let client = root.trusting().build().unwrap();
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let error = shown_to_client(&client, version, &[between.leaf().der, garbage.clone()]);
        assert_eq!(
            error.to_string(),
            "certificate 1 of the peer's chain cannot be parsed: it is cut short, or not DER; have a new one issued"
        );
        assert_eq!((error.position, error.alert()), (Some(1), Alert(42)));
        let error = shown_to_client(&client, version, std::slice::from_ref(&garbage));
        assert_eq!((error.position, error.alert()), (Some(0), Alert(42)), "{error}");
        // Nobody needs it.
        let leaf = root.leaf();
        served(&client, version, &[leaf.der, garbage.clone()], &leaf.key).unwrap();
    }
}
