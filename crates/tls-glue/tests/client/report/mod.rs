//! What a report says of a certificate.

mod broken;

use bytes::Bytes;
use rcgen::string::{BmpString, TeletexString};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, SerialNumber, date_time_ymd,
};
use wirelace_tls_glue::ct::{LogId, Sct};
use wirelace_tls_glue::{CertificateReport, Pin};

use crate::foreign::der;
use crate::world::{Authority, params};

macro_rules! fixture {
    ($name:literal) => {
        der(include_str!(concat!("../fixtures/", $name)))
    };
}

fn report(der: &[u8]) -> CertificateReport {
    CertificateReport::new(der, 0).unwrap()
}

/// Of one that signs itself.
fn of(change: impl FnOnce(&mut CertificateParams)) -> CertificateReport {
    let mut params = params("leaf", &[]);
    change(&mut params);
    report(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der())
}

fn extension(oid: &[u64], content: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(oid, content.to_vec())
}

const SCTS: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];

#[test]
fn all_that_openssl_writes() {
    let rich = fixture!("rich.pem");
    let report = CertificateReport::new(&rich, 3).unwrap();
    assert_eq!(report.position, 3);
    assert_eq!(report.subject, "C=DE, O=Example, Inc., CN=leaf");
    assert_eq!((report.issuer.as_str(), report.self_signed), ("CN=Root", false));
    // Of 0x00abcdef…: the first octet only says that it is positive.
    assert_eq!(report.serial, "abcdef0123456789");
    assert_eq!(
        (report.not_before.seconds, report.not_before.text.as_str()),
        (1_795_485_817, "2026-11-24T02:03:37Z")
    );
    assert_eq!(
        (report.not_after.seconds, report.not_after.text.as_str()),
        (4_949_085_817, "2126-10-31T02:03:37Z")
    );
    assert_eq!(report.dns_names, ["example.com", "*.example.com"]);
    assert_eq!(report.addresses, ["192.0.2.7", "2001:db8::1"]);
    assert_eq!(
        report.other_names,
        [
            "email:a@example.com",
            "URI:https://example.com/",
            "DirName:CN=other",
            "Registered ID:1.2.3.4",
            "otherName:1.2.3.5"
        ]
    );
    assert_eq!((report.key.algorithm.as_str(), report.key.bits), ("P-256", Some(256)));
    assert_eq!(report.key.pin, Pin::of_certificate(&rich).unwrap());
    assert_eq!(report.signature_algorithm, "RSA with SHA-256");
    assert_eq!((report.is_ca, report.path_length), (true, Some(3)));
    assert_eq!(report.key_usages, ["digitalSignature", "keyCertSign", "cRLSign"]);
    assert_eq!(report.purposes, ["TLS server", "TLS client", "1.2.3.6"]);
    assert!(report.scts.is_empty() && report.unreadable.is_empty());
    assert_eq!(report.fingerprint, *ring::digest::digest(&ring::digest::SHA256, &rich).as_ref());
}

#[test]
fn keys_and_signatures() {
    for (certificate, key, bits, signature) in [
        (fixture!("rsa.pem"), "RSA", 2048, "RSA with SHA-256"),
        (fixture!("short.pem"), "RSA", 1024, "RSA with SHA-256"),
        (fixture!("sha512.pem"), "P-256", 256, "RSA with SHA-512"),
        (fixture!("sha1.pem"), "P-256", 256, "RSA with SHA-1"),
        (fixture!("md5.pem"), "P-256", 256, "RSA with MD5"),
        (fixture!("pss.pem"), "P-256", 256, "RSA-PSS"),
        (fixture!("by-prime256v1.pem"), "P-256", 256, "ECDSA with SHA-256"),
        (fixture!("by-prime256v1-sha1.pem"), "P-256", 256, "ECDSA with SHA-1"),
        (fixture!("p384.pem"), "P-384", 384, "ECDSA with SHA-256"),
        (fixture!("secp521r1.pem"), "P-521", 521, "RSA with SHA-256"),
        (fixture!("prime192v1.pem"), "P-192", 192, "RSA with SHA-256"),
        (fixture!("secp256k1.pem"), "secp256k1", 256, "ECDSA with SHA-256"),
        (fixture!("ed25519.pem"), "Ed25519", 256, "Ed25519"),
    ] {
        let report = report(&certificate);
        assert_eq!(
            (report.key.algorithm.as_str(), report.key.bits, report.signature_algorithm.as_str()),
            (key, Some(bits), signature)
        );
        assert_eq!(Some(report.key.pin), Pin::of_certificate(&certificate));
    }
}

#[test]
fn names_of_people_and_hosts() {
    let report = of(|params| {
        let names = &mut params.distinguished_name;
        names.push(DnType::OrganizationName, "Bücher & Söhne");
        let bmp: BmpString = "Straße".try_into().unwrap();
        names.push(DnType::LocalityName, DnValue::BmpString(bmp));
        let teletex: TeletexString = "M?nchen".try_into().unwrap();
        names.push(DnType::StateOrProvinceName, DnValue::TeletexString(teletex));
        names.push(DnType::CustomDnType(vec![1, 2, 3, 4]), "other");
        params.subject_alt_names = vec![
            SanType::DnsName("xn--bcher-kva.example".try_into().unwrap()),
            SanType::DnsName("*.UPPER.example".try_into().unwrap()),
            SanType::IpAddress("::ffff:192.0.2.1".parse().unwrap()),
            SanType::Rfc822Name("bücher@example.com".replace('ü', "u").as_str().try_into().unwrap()),
            SanType::URI("spiffe://example.com/ns/a".try_into().unwrap()),
        ];
    });
    assert_eq!(report.subject, "CN=leaf, O=Bücher & Söhne, L=Straße, ST=M?nchen, 1.2.3.4=other");
    assert!(report.self_signed);
    assert_eq!(report.dns_names, ["xn--bcher-kva.example", "*.UPPER.example"]);
    assert_eq!(report.addresses, ["::ffff:192.0.2.1"]);
    assert_eq!(report.other_names, ["email:bucher@example.com", "URI:spiffe://example.com/ns/a"]);
    // None at all.
    let bare = of(|params| params.distinguished_name = rcgen::DistinguishedName::new());
    assert_eq!((bare.subject.as_str(), bare.dns_names.len(), bare.other_names.len()), ("", 0, 0));
}

#[test]
fn nothing_that_moves_a_terminal() {
    let bad = "a\u{1b}[2J\u{7}\r\n\u{202e}b\0";
    let good = "a\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}b\u{fffd}";
    let report = of(|params| {
        params.distinguished_name.push(DnType::OrganizationName, bad);
        // Names that rcgen would not write.
        let mut names = Vec::new();
        for (tag, text) in
            [(0x82, bad.as_bytes()), (0x81, bad.as_bytes()), (0x86, bad.as_bytes()), (0x82, b"\xff\xfe")]
        {
            names.extend([tag, u8::try_from(text.len()).unwrap()]);
            names.extend(text);
        }
        // Addresses of three octets, and a kind that there is not.
        names.extend([0x87, 3, 1, 2, 3, 0x89, 1, 7]);
        let content = [&[0x30, u8::try_from(names.len()).unwrap()], &names[..]].concat();
        params.custom_extensions.push(extension(&[2, 5, 29, 17], &content));
    });
    assert_eq!(report.subject, format!("CN=leaf, O={good}"));
    assert_eq!(report.dns_names, [good, "\u{fffd}\u{fffd}"]);
    assert_eq!(
        report.other_names,
        [&format!("email:{good}"), &format!("URI:{good}"), "IP:#010203", "name of kind 9"]
    );
    // Who makes a certificate cannot fill the screen with a name of the subject.
    let long = of(|params| params.distinguished_name.push(DnType::OrganizationName, "x".repeat(10_000)));
    assert!(long.subject.starts_with("CN=leaf, O=xxx") && long.subject.ends_with('…'));
    assert!(long.subject.chars().count() < 300);
    let names = [b"\x82\x82\x10\x00".to_vec(), vec![b'y'; 4096]].concat();
    let content = [&[0x30, 0x82, 0x10, 0x04][..], &names].concat();
    let long = of(|params| params.custom_extensions.push(extension(&[2, 5, 29, 17], &content)));
    assert_eq!(long.dns_names, [format!("{}…", "y".repeat(1024))]);
}

#[test]
fn serial_numbers() {
    for (octets, text) in [
        (&[1][..], "01"),
        (&[0x7f, 0], "7f00"),
        (&[0x80], "80"),
        (&[0xff; 20], "ffffffffffffffffffffffffffffffffffffffff"),
    ] {
        let serial = SerialNumber::from_slice(octets);
        assert_eq!(of(|params| params.serial_number = Some(serial)).serial, text);
    }
    // One of 0, and one with zeros that do not belong there.
    let whole = of_serial(0x05);
    for (octets, text) in [(0, "00"), (0x80, "80")] {
        let mut changed = whole.clone();
        let place = whole.windows(3).position(|window| window == [2, 1, 5]).unwrap();
        changed[place + 2] = octets;
        assert_eq!(report(&changed).serial, text);
    }
}

fn of_serial(octet: u8) -> Vec<u8> {
    let mut params = params("leaf", &[]);
    params.serial_number = Some(SerialNumber::from_slice(&[octet]));
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

#[test]
fn times_of_all_years() {
    for (year, text, seconds) in [
        (1950, "1950-06-15T00:00:00Z", -616_896_000),
        (1969, "1969-06-15T00:00:00Z", -17_280_000),
        (1970, "1970-06-15T00:00:00Z", 14_256_000),
        (2000, "2000-06-15T00:00:00Z", 961_027_200),
        // From 2050 on they are written in another way.
        (2049, "2049-06-15T00:00:00Z", 2_507_328_000),
        (2050, "2050-06-15T00:00:00Z", 2_538_864_000),
        (2106, "2106-06-15T00:00:00Z", 4_306_003_200),
        (9999, "9999-06-15T00:00:00Z", 253_385_020_800),
        // Before 1950, too.
        (1900, "1900-06-15T00:00:00Z", -2_194_732_800),
    ] {
        let report = of(|params| {
            params.not_before = date_time_ymd(year, 6, 15);
            params.not_after = date_time_ymd(year, 6, 15);
        });
        for moment in [report.not_before, report.not_after] {
            assert_eq!((moment.text.as_str(), moment.seconds), (text, seconds));
        }
    }
}

#[test]
fn authorities_and_uses() {
    let of_ca = |is_ca| {
        let report = of(|params| params.is_ca = is_ca);
        (report.is_ca, report.path_length)
    };
    assert_eq!(of_ca(IsCa::NoCa), (false, None));
    assert_eq!(of_ca(IsCa::ExplicitNoCa), (false, None));
    assert_eq!(of_ca(IsCa::Ca(BasicConstraints::Unconstrained)), (true, None));
    for length in [0, 1, 127, 128, 255] {
        assert_eq!(of_ca(IsCa::Ca(BasicConstraints::Constrained(length))), (true, Some(length.into())));
    }
    use KeyUsagePurpose as U;
    let all = [
        (U::DigitalSignature, "digitalSignature"),
        (U::ContentCommitment, "nonRepudiation"),
        (U::KeyEncipherment, "keyEncipherment"),
        (U::DataEncipherment, "dataEncipherment"),
        (U::KeyAgreement, "keyAgreement"),
        (U::KeyCertSign, "keyCertSign"),
        (U::CrlSign, "cRLSign"),
        (U::EncipherOnly, "encipherOnly"),
        (U::DecipherOnly, "decipherOnly"),
    ];
    for (usage, name) in &all {
        assert_eq!(of(|params| params.key_usages = vec![*usage]).key_usages, [*name]);
    }
    let every = of(|params| params.key_usages = all.iter().map(|(usage, _)| *usage).collect());
    assert_eq!(every.key_usages, all.map(|(_, name)| name));
    use ExtendedKeyUsagePurpose as E;
    let every = of(|params| {
        params.extended_key_usages = vec![
            E::Any,
            E::ServerAuth,
            E::ClientAuth,
            E::CodeSigning,
            E::EmailProtection,
            E::TimeStamping,
            E::OcspSigning,
            E::Other(vec![1, 3, 6, 1, 4, 1, 311, 10, 3, 4]),
        ];
    });
    assert_eq!(
        every.purposes,
        [
            "any purpose",
            "TLS server",
            "TLS client",
            "code signing",
            "e-mail protection",
            "time stamping",
            "OCSP signing",
            "1.3.6.1.4.1.311.10.3.4"
        ]
    );
}

fn sct(log: u8, timestamp: u64) -> Vec<u8> {
    let mut raw = Vec::new();
    let id = LogId([log; 32]);
    Sct { log: id, timestamp, extensions: &[1, 2], hash: 4, algorithm: 3, signature: &[5; 8] }
        .write(&mut raw);
    raw
}

fn list(scts: &[&[u8]]) -> Vec<u8> {
    let vector = |octets: &[u8]| [&u16::try_from(octets.len()).unwrap().to_be_bytes(), octets].concat();
    let list = vector(&scts.iter().flat_map(|sct| vector(sct)).collect::<Vec<_>>());
    let length = u8::try_from(list.len()).unwrap();
    let head = if length < 128 { vec![4, length] } else { vec![4, 0x81, length] };
    [head, list].concat()
}

#[test]
fn scts_with_log_and_time() {
    let (one, two) = (sct(7, 1_700_000_000_123), sct(8, u64::MAX));
    let with = |content: &[u8]| of(|params| params.custom_extensions.push(extension(SCTS, content)));
    let report = with(&list(&[&one, &two]));
    let found: Vec<_> = report.scts.iter().map(|sct| (sct.log_id, sct.timestamp, sct.raw.clone())).collect();
    let expected =
        [([7; 32], 1_700_000_000_123, Bytes::from(one.clone())), ([8; 32], u64::MAX, two.clone().into())];
    assert_eq!((found, report.unreadable.len()), (expected.to_vec(), 0));
    // What is broken is said, and takes nothing else away.
    let later = [&[1], &one[1..]].concat();
    let report = with(&list(&[&later, &two]));
    assert_eq!((report.scts.len(), report.scts[0].log_id), (1, [8; 32]));
    assert_eq!(report.unreadable, ["1.3.6.1.4.1.11129.2.4.2"]);
    let whole = list(&[&one]);
    for broken in [&whole[..whole.len() - 1], &[4, 2, 0, 0], &[4, 0], &[5, 0], &[]] {
        let report = with(broken);
        assert_eq!((report.scts.len(), report.unreadable.len()), (0, 1), "{broken:?}");
        assert_eq!(report.subject, "CN=leaf");
    }
}

#[test]
fn extensions_that_cannot_be_read() {
    for (oid, content, text) in [
        (&[2, 5, 29, 15][..], &[3, 2, 9, 0][..], "2.5.29.15"),
        (&[2, 5, 29, 15], &[3, 0], "2.5.29.15"),
        (&[2, 5, 29, 17], &[0x30, 3, 0x82, 5, b'a'], "2.5.29.17"),
        (&[2, 5, 29, 19], &[0x30, 6, 1, 1, 0xff, 2, 1, 0x80], "2.5.29.19"),
        (&[2, 5, 29, 19], &[0x30, 10, 1, 1, 0xff, 2, 5, 1, 0, 0, 0, 0], "2.5.29.19"),
        (&[2, 5, 29, 19], &[0x30, 3, 1, 1, 0xff, 0], "2.5.29.19"),
        (&[2, 5, 29, 37], &[0x30, 2, 5, 0], "2.5.29.37"),
    ] {
        let report = of(|params| params.custom_extensions.push(extension(oid, content)));
        assert_eq!(report.unreadable, [text], "{content:?}");
        assert!(!report.is_ca && report.path_length.is_none() && report.key_usages.is_empty());
        assert!(report.dns_names.is_empty() && report.purposes.is_empty());
    }
    // There may be one of a kind: the first counts.
    let twice = of(|params| {
        for name in [b'a', b'b'] {
            params.custom_extensions.push(extension(&[2, 5, 29, 17], &[0x30, 3, 0x82, 1, name]));
        }
    });
    assert_eq!((twice.dns_names, twice.unreadable), (vec!["a".to_owned()], vec!["2.5.29.17".to_owned()]));
    // Others are nobody's business.
    let other = of(|params| params.custom_extensions.push(extension(&[1, 2, 3], b"anything")));
    assert!(other.unreadable.is_empty());
}

#[test]
fn positions_in_a_chain() {
    let root = Authority::root("Root");
    let between = root.below("Between", |_| {});
    let leaf = between.leaf();
    let chain = [leaf.der, Bytes::from_static(b"none"), between.der, root.der];
    let reports = CertificateReport::chain(&chain);
    let found: Vec<_> =
        reports.iter().map(|one| (one.position, one.subject.as_str(), one.issuer.as_str())).collect();
    assert_eq!(
        found,
        [(0, "CN=leaf", "CN=Between"), (2, "CN=Between", "CN=Root"), (3, "CN=Root", "CN=Root")]
    );
    let own: Vec<_> = reports.iter().map(|one| (one.is_ca, one.self_signed)).collect();
    assert_eq!(own, [(false, false), (true, false), (true, true)]);
}
