//! Signatures and keys that are too weak, or not known: refused by what they are, and their strong twins accepted.

use bytes::Bytes;
use wirelace_tls_glue::{
    Alert, CertificateRule, CertificateStore, ClientCertificates, ClientTls, ClientTlsBuilder, Roots,
    ServerTls, TlsVersion,
};

use crate::foreign::{der, made, shown_to_client, shown_to_server};
use crate::world::{Authority, accepted};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("fixtures/", $name))
    };
}

const ROOT: &str = fixture!("root.pem");
const KEY: &str = fixture!("ec.sec1.key");
const BOTH: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

fn trusting(root: &str) -> ClientTlsBuilder {
    ClientTls::builder(Roots::Only(vec![der(root)]))
}

/// As a server's certificate: refused in both versions, with the alert `bad_certificate`.
#[track_caller]
fn refused(root: &str, chain: &[&str], position: Option<usize>, message: &str) -> CertificateRule {
    let client = trusting(root).build().unwrap();
    let chain: Vec<Bytes> = chain.iter().map(|pem| der(pem)).collect();
    let [first, second] = BOTH.map(|version| shown_to_client(&client, version, &chain));
    assert_eq!(first, second);
    assert_eq!(first.to_string(), message);
    assert_eq!((first.position, first.alert()), (position, Alert(42)));
    assert_eq!(first.certificates, chain);
    first.rule
}

#[test]
fn the_strong_are_accepted() {
    for (certificate, root) in [
        (fixture!("leaf.pem"), ROOT),
        (fixture!("sha512.pem"), ROOT),
        (fixture!("pss.pem"), ROOT),
        (fixture!("by-prime256v1.pem"), fixture!("prime256v1-root.pem")),
    ] {
        accepted(trusting(root), made(certificate, KEY).server(&[]));
    }
}

#[test]
fn hashes_that_are_broken() {
    for (certificate, name) in [(fixture!("sha1.pem"), "SHA-1"), (fixture!("md5.pem"), "MD5")] {
        let message = format!(
            "the peer's certificate (C=DE, O=Example, Inc., CN=leaf) is signed in a way that is too weak or not \
             supported (RSA with {name}); have one issued with SHA-256 or better, and ECDSA, Ed25519 or RSA"
        );
        let rule = refused(ROOT, &[certificate], Some(0), &message);
        assert_eq!(rule, CertificateRule::SignatureAlgorithm { algorithm: format!("RSA with {name}") });
    }
    refused(
        fixture!("prime256v1-root.pem"),
        &[fixture!("by-prime256v1-sha1.pem")],
        Some(0),
        "the peer's certificate (C=DE, O=Example, Inc., CN=leaf) is signed in a way that is too weak or not supported \
         (ECDSA with SHA-1); have one issued with SHA-256 or better, and ECDSA, Ed25519 or RSA",
    );
}

#[test]
fn curves_of_authorities() {
    for (root, certificate, curve) in [
        (fixture!("prime192v1-root.pem"), fixture!("by-prime192v1.pem"), "P-192"),
        (fixture!("secp521r1-root.pem"), fixture!("by-secp521r1.pem"), "P-521"),
    ] {
        let message = format!(
            "the peer's certificate (C=DE, O=Example, Inc., CN=leaf) is signed in a way that is too weak or not \
             supported (ECDSA with SHA-256 by a key of kind {curve}); have one issued with SHA-256 or better, and \
             ECDSA, Ed25519 or RSA"
        );
        refused(root, &[certificate], Some(0), &message);
    }
}

#[test]
fn curves_of_peers() {
    for (certificate, subject, curve) in [
        (fixture!("prime192v1.pem"), "prime192v1", "P-192"),
        (fixture!("secp521r1.pem"), "secp521r1", "P-521"),
    ] {
        let message = format!(
            "the peer's certificate (CN={subject}) has a key of a kind that is too weak or not supported ({curve}); \
             have one issued for ECDSA with P-256 or P-384, Ed25519, or RSA of 2048 bits or more"
        );
        refused(ROOT, &[certificate], Some(0), &message);
    }
    // Trusted as it is, and signed by itself.
    let own = fixture!("secp256k1.pem");
    let client = trusting(own).build().unwrap();
    for version in BOTH {
        let error = shown_to_client(&client, version, &[der(own)]);
        assert!(error.to_string().contains("not supported (secp256k1)"), "{error}");
        assert_eq!(error.position, Some(0));
    }
}

#[test]
fn rsa_keys_that_are_short() {
    let hint = "has an RSA key of 1024 bits, at least 2048 are needed; have one issued for RSA of 2048 bits or more, or \
                ECDSA";
    let weak = CertificateRule::WeakKey { bits: 1024 };
    let text = format!("the peer's certificate (CN=Short) {hint}");
    assert_eq!(refused(ROOT, &[fixture!("short.pem")], Some(0), &text), weak);
    let chain = [fixture!("by-short-between.pem"), fixture!("short-between.pem")];
    let text = format!("certificate 1 of the peer's chain (CN=Short) {hint}");
    assert_eq!(refused(ROOT, &chain, Some(1), &text), weak);
    // The authority itself: nothing of the chain.
    let root = fixture!("short-root.pem");
    let client = trusting(root).build().unwrap();
    for version in BOTH {
        let error = shown_to_client(&client, version, &[der(fixture!("by-short.pem"))]);
        assert_eq!((&error.rule, error.position), (&weak, None), "{error}");
        assert!(
            error
                .to_string()
                .starts_with("the authority that the peer's chain leads to has an RSA key of 1024"),
            "{error}"
        );
    }
}

#[test]
fn clients_are_asked_for_the_same() {
    let own = Authority::root("Own");
    let store = CertificateStore::new(vec![own.leaf().identity(&[])]);
    let required = ClientCertificates::Required(vec![der(ROOT)]);
    let server = ServerTls::builder(store).client_certificates(required).build().unwrap();
    for version in BOTH {
        let refused = |pem: &str| shown_to_server(&server, version, &[der(pem)]).rule;
        assert_eq!(refused(fixture!("short.pem")), CertificateRule::WeakKey { bits: 1024 });
        let algorithm = "RSA with SHA-1".to_owned();
        assert_eq!(refused(fixture!("sha1.pem")), CertificateRule::SignatureAlgorithm { algorithm });
        let algorithm = "P-192".to_owned();
        assert_eq!(refused(fixture!("prime192v1.pem")), CertificateRule::UnsupportedKey { algorithm });
        // A good one, of another's key.
        assert_eq!(refused(fixture!("leaf.pem")), CertificateRule::BadHandshakeSignature);
    }
}

#[test]
fn a_handshake_that_another_key_has_signed() {
    let client = trusting(ROOT).build().unwrap();
    for version in BOTH {
        let error = shown_to_client(&client, version, &[der(fixture!("leaf.pem"))]);
        assert_eq!((error.rule.clone(), error.alert()), (CertificateRule::BadHandshakeSignature, Alert(51)));
        assert_eq!(
            error.to_string(),
            "the peer's certificate (C=DE, O=Example, Inc., CN=leaf) does not fit the key that signed the handshake; \
             look whether the peer's key belongs to its certificate"
        );
    }
}
