//! Files of certificates and keys, as people have them.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use rcgen::{CertificateParams, CustomExtension};
use wirelace_tls_glue::{CertificateStore, ClientTls, Identity, IdentityError, Roots, ServerTls};

use crate::foreign::der;
use crate::world::{Authority, HOST, handshake};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("fixtures/", $name))
    };
}

const EC: &str = fixture!("ec.pem");
const EC_KEY: &str = fixture!("ec.sec1.key");
const RSA: &str = fixture!("rsa.pem");
const RSA_KEY: &str = fixture!("rsa.pkcs8.key");

fn read(certificate: &str, key: &str) -> Result<Identity, IdentityError> {
    Identity::from_pem(certificate.as_bytes(), key.as_bytes())
}

/// A server with it is accepted by who trusts it.
fn serves(identity: &Identity, trusted: &[Bytes]) {
    let server = ServerTls::builder(CertificateStore::new(vec![identity.clone()])).build().unwrap();
    let client = ClientTls::builder(Roots::Only(trusted.to_vec())).build().unwrap();
    handshake(&client, &server, HOST).client.unwrap();
}

#[test]
fn every_kind_of_key_and_of_file() {
    for (certificate, key) in [
        (RSA, RSA_KEY),
        (RSA, fixture!("rsa.pkcs1.key")),
        // With EC PARAMETERS in front.
        (EC, EC_KEY),
        (EC, fixture!("ec.pkcs8.key")),
        (fixture!("p384.pem"), fixture!("p384.key")),
        (fixture!("ed25519.pem"), fixture!("ed25519.key")),
    ] {
        let identity = read(certificate, key).unwrap();
        assert_eq!(identity.names(), [HOST]);
        assert_eq!(identity.certificates().collect::<Vec<_>>(), [&der(certificate)[..]]);
        assert_eq!(identity.to_pem(), certificate);
        serves(&identity, &[der(certificate)]);
    }
}

#[test]
fn texts_around_it() {
    let both = format!("{EC_KEY}{EC}");
    for (certificate, key) in [
        (EC.replace('\n', "\r\n"), EC_KEY.replace('\n', "\r\n")),
        (format!("\u{feff}# ours\n\n{EC}\n\nthe end"), format!("    Attributes\n{EC_KEY}\n")),
        (both.clone(), both.clone()),
        (EC.trim_end().to_owned(), EC_KEY.trim_end().to_owned()),
        // The first key counts.
        (EC.to_owned(), format!("{EC_KEY}{RSA_KEY}")),
    ] {
        serves(&read(&certificate, &key).unwrap(), &[der(EC)]);
    }
}

#[test]
fn chains() {
    let identity = read(fixture!("chain.pem"), EC_KEY).unwrap();
    let root = der(fixture!("root.pem"));
    assert_eq!(identity.certificates().collect::<Vec<_>>(), [&der(fixture!("leaf.pem"))[..], &root]);
    assert_eq!(identity.to_pem(), fixture!("chain.pem"));
    serves(&identity, &[root]);
    // A key and a certificate of a chain in the wrong order.
    let error = read(fixture!("wrong-order.pem"), EC_KEY).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the private key in memory belongs to certificate 2 in memory, and not to the first: the server's own comes \
         first, then the one that has signed it"
    );
    assert!(matches!(error, IdentityError::Order { position: 1, .. }));
}

#[test]
fn in_der() {
    let ec = || Bytes::from_static(include_bytes!("fixtures/ec.der"));
    let sec1 = include_bytes!("fixtures/ec.key.der");
    serves(&Identity::from_der(vec![ec()], sec1).unwrap(), &[ec()]);
    serves(&Identity::from_pem(&ec(), sec1).unwrap(), &[ec()]);
    for (certificate, key) in [
        (RSA, fixture!("rsa.pkcs1.key")),
        (RSA, RSA_KEY),
        (EC, fixture!("ec.pkcs8.key")),
        (fixture!("ed25519.pem"), fixture!("ed25519.key")),
    ] {
        let made = crate::foreign::made(certificate, key);
        serves(&Identity::from_der(vec![made.der.clone()], &made.key).unwrap(), &[made.der]);
    }
    let told =
        |certificates: Vec<Bytes>, key: &[u8]| Identity::from_der(certificates, key).unwrap_err().to_string();
    assert_eq!(
        told(Vec::new(), sec1),
        "no certificate in memory (a PEM file begins with `-----BEGIN CERTIFICATE-----`)"
    );
    for cut in [0, 1, 10, 100, ec().len() - 1] {
        assert_eq!(
            told(vec![ec().slice(..cut)], sec1),
            "certificate 1 in memory is broken: it is cut short, or not DER"
        );
        assert_eq!(
            told(vec![ec(), ec().slice(..cut)], sec1),
            "certificate 2 in memory is broken: it is cut short, or not DER"
        );
    }
    for cut in [0, 1, 10, 100] {
        let error = told(vec![ec()], &sec1[..cut]);
        assert!(error.starts_with("the private key in memory cannot be used: "), "{error}");
    }
}

#[test]
fn files_are_named() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client/fixtures");
    let file = |name: &str| folder.join(name);
    let shown = |path: &PathBuf| path.display().to_string();
    serves(&Identity::from_pem_files(&file("ec.pem"), &file("ec.sec1.key")).unwrap(), &[der(EC)]);
    serves(&Identity::from_pem_files(&file("ec.der"), &file("ec.key.der")).unwrap(), &[der(EC)]);
    let told = |certificate: &str, key: &str| {
        Identity::from_pem_files(&file(certificate), &file(key)).unwrap_err().to_string()
    };
    let (missing, csr, public) = (file("missing.pem"), file("ec.csr"), file("ec.public.key"));
    assert!(told("missing.pem", "ec.sec1.key").starts_with(&format!("cannot read {}: ", shown(&missing))));
    assert!(told("ec.pem", "missing.pem").starts_with(&format!("cannot read {}: ", shown(&missing))));
    assert_eq!(
        told("ec.csr", "ec.sec1.key"),
        format!(
            "no certificate in {}, but a request for one, that an authority signs (a PEM file begins with \
             `-----BEGIN CERTIFICATE-----`)",
            shown(&csr)
        )
    );
    assert_eq!(
        told("ec.pem", "ec.public.key"),
        format!(
            "no private key in {}, but a public key (a PEM file begins with `-----BEGIN PRIVATE KEY-----`)",
            shown(&public)
        )
    );
    assert_eq!(
        told("rsa.pem", "ec.sec1.key"),
        format!(
            "the private key in {} does not belong to the certificate in {}",
            shown(&file("ec.sec1.key")),
            shown(&file("rsa.pem"))
        )
    );
    assert!(told("wrong-order.pem", "ec.sec1.key").contains(&shown(&file("wrong-order.pem"))));
}

#[test]
fn what_is_wrong_with_it() {
    let no_certificate = |but: &str| {
        format!("no certificate in memory{but} (a PEM file begins with `-----BEGIN CERTIFICATE-----`)")
    };
    let no_key = |but: &str| {
        format!("no private key in memory{but} (a PEM file begins with `-----BEGIN PRIVATE KEY-----`)")
    };
    let key = |why: &str| format!("the private key in memory cannot be used: {why}");
    let encrypted = key("it is encrypted; `openssl pkey -in FILE` writes it without its password");
    let no_base64 = "memory is broken: it is not Base64 between BEGIN and END".to_owned();
    let cut = "certificate 1 in memory is broken: it is cut short, or not DER".to_owned();
    let without = |text: &str, line: usize| {
        let lines = text.lines().enumerate().filter(|(number, _)| *number != line);
        lines.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    let openssh = "-----BEGIN OPENSSH PRIVATE KEY-----\nAA==\n-----END OPENSSH PRIVATE KEY-----\n".to_owned();
    let dsa = "-----BEGIN DSA PRIVATE KEY-----\nAA==\n-----END DSA PRIVATE KEY-----\n".to_owned();
    let trusted = EC.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".to_owned();
    let ec = || EC.to_owned();
    let cases: [(String, String, String); 24] = [
        (String::new(), EC_KEY.to_owned(), no_certificate(", but nothing: it is empty")),
        ("junk".to_owned(), EC_KEY.to_owned(), no_certificate("")),
        (EC_KEY.to_owned(), EC_KEY.to_owned(), no_certificate(", but a private key")),
        (fixture!("ec.public.key").to_owned(), EC_KEY.to_owned(), no_certificate(", but a public key")),
        (
            trusted,
            EC_KEY.to_owned(),
            no_certificate(
                ", but a `TRUSTED CERTIFICATE` of openssl's own, that `openssl x509 -in FILE` rewrites",
            ),
        ),
        (ec(), String::new(), no_key(", but nothing: it is empty")),
        (ec(), ec(), no_key(", but a certificate")),
        (ec(), openssh, no_key(", but one of OpenSSH's own, that `ssh-keygen -p -m PEM -f FILE` rewrites")),
        (ec(), dsa, no_key(", but one for DSA")),
        (ec(), fixture!("ec.encrypted.key").to_owned(), encrypted.clone()),
        (RSA.to_owned(), fixture!("rsa.encrypted.key").to_owned(), encrypted),
        (
            fixture!("secp256k1.pem").to_owned(),
            fixture!("secp256k1.key").to_owned(),
            key("its kind is secp256k1, supported are RSA, ECDSA with P-256 or P-384, and Ed25519"),
        ),
        (
            fixture!("short.pem").to_owned(),
            fixture!("short.key").to_owned(),
            key("it is an RSA key of 1024 bits, at least 2048 are needed"),
        ),
        (ec(), without(EC_KEY, 5), key("it is cut short, or no key of RSA, ECDSA or Ed25519")),
        (ec(), without(RSA_KEY, 5), key("it is cut short, or no key of RSA, ECDSA or Ed25519")),
        (ec(), EC_KEY.replace("MHc", "M*c"), no_base64.clone()),
        (EC.replace("MII", "M*I"), EC_KEY.to_owned(), no_base64),
        (without(EC, 4), EC_KEY.to_owned(), cut.clone()),
        (empty, EC_KEY.to_owned(), cut),
        (
            format!("{EC}{}", without(RSA, 4)),
            EC_KEY.to_owned(),
            "certificate 2 in memory is broken: it is cut short, or not DER".to_owned(),
        ),
        (
            EC[..EC.len() - 30].to_owned(),
            EC_KEY.to_owned(),
            "memory is broken: it is cut short, without `-----END CERTIFICATE-----`".to_owned(),
        ),
        (
            ec(),
            EC_KEY[..EC_KEY.len() - 30].to_owned(),
            "memory is broken: it is cut short, without `-----END EC PRIVATE KEY-----`".to_owned(),
        ),
        (
            ec(),
            fixture!("p384.key").to_owned(),
            "the private key in memory does not belong to the certificate in memory".to_owned(),
        ),
        (
            ec(),
            fixture!("ed25519.key").to_owned(),
            "the private key in memory does not belong to the certificate in memory".to_owned(),
        ),
    ];
    for (certificate, key, message) in cases {
        let error = read(&certificate, &key).map(|_| ()).expect_err(&message);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn authorities() {
    let both = format!("{EC}{RSA}");
    let Ok(Roots::Only(all)) = Roots::from_pem(both.as_bytes()) else { panic!("two") };
    assert_eq!(all, [der(EC), der(RSA)]);
    let Ok(Roots::Only(all)) = Roots::from_pem(include_bytes!("fixtures/ec.der")) else { panic!("one") };
    assert_eq!(all, [der(EC)]);
    for (text, message) in [
        (
            "",
            "no certificate in the authorities' file, but nothing: it is empty (a PEM file begins with `-----BEGIN \
             CERTIFICATE-----`)",
        ),
        (
            EC_KEY,
            "no certificate in the authorities' file, but a private key (a PEM file begins with `-----BEGIN \
             CERTIFICATE-----`)",
        ),
        (&EC[..100], "the authorities' file is broken: it is cut short, without `-----END CERTIFICATE-----`"),
    ] {
        assert_eq!(Roots::from_pem(text.as_bytes()).unwrap_err().to_string(), message);
    }
    // Whoever has a file can name it.
    let message = "authority 1 cannot be read: it is cut short, or not DER";
    assert_eq!(Roots::from_pem(b"0 or no DER").unwrap_err().to_string(), message);
    let error =
        ClientTls::builder(Roots::Only(vec![Bytes::from_static(b"0 or no DER")])).build().unwrap_err();
    assert_eq!(error.to_string(), message);
    for roots in [Roots::Only(Vec::new()), Roots::Pinned(Vec::new())] {
        assert!(
            ClientTls::builder(roots)
                .build()
                .unwrap_err()
                .to_string()
                .contains("every server would be refused")
        );
    }
}

#[test]
fn a_critical_extension_that_clients_do_not_know() {
    let unknown = |params: &mut CertificateParams| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4, 5], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    };
    let made = Authority::root("Root").leaf_with(unknown);
    let error = Identity::from_der(vec![made.der], &made.key).unwrap_err();
    assert_eq!(error.to_string(), "certificate 1 in memory is broken: unsupported critical extension");
}

#[test]
fn keys_are_not_shown() {
    let identity = read(EC, EC_KEY).unwrap();
    assert_eq!(format!("{identity:?}"), r#"Identity { names: ["example.com"], .. }"#);
    assert!(!identity.to_pem().contains("PRIVATE"));
}

/// Whatever is changed or cut off: an error, or an identity that serves.
#[test]
fn changed_files() {
    let (certificate, key) = (fixture!("chain.pem").as_bytes(), EC_KEY.as_bytes());
    for cut in 0..certificate.len() {
        let _ = Identity::from_pem(&certificate[..cut], key);
    }
    for cut in 0..key.len() {
        let read = Identity::from_pem(certificate, &key[..cut]);
        assert_eq!(read.is_ok(), cut >= key.len() - 1, "{cut}");
    }
    for place in 0..key.len() {
        for change in [1, 0x20, 0x80] {
            let mut key = key.to_vec();
            key[place] ^= change;
            let _ = Identity::from_pem(certificate, &key);
        }
    }
    let (leaf, key) = (der(fixture!("leaf.pem")), include_bytes!("fixtures/ec.key.der"));
    for place in 0..leaf.len() {
        let mut leaf = leaf.to_vec();
        leaf[place] ^= 1;
        let _ = Identity::from_der(vec![leaf.into()], key);
    }
    for place in 0..key.len() {
        let mut key = key.to_vec();
        key[place] ^= 1;
        let _ = Identity::from_der(vec![leaf.clone()], &key);
    }
}
