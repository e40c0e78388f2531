//! Which certificate a server shows to whom.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256};
use rustls::SignatureScheme as Scheme;
use wirelace_tls_glue::{
    Alert, CertificateSource, CertificateStore, ClientTls, Hello, Identity, Roots, ServerTls, TlsError,
    TlsVersion,
};

use crate::foreign::chosen;
use crate::world::{Authority, HOST, handshake, params};

const BOTH: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

/// A certificate for these hosts.
fn identity(root: &Authority, hosts: &'static [&'static str]) -> Identity {
    root.leaf_with(|leaf| leaf.subject_alt_names = params("", hosts).subject_alt_names).identity(&[])
}

fn first(identity: &Identity) -> Bytes {
    Bytes::copy_from_slice(identity.certificates().next().unwrap())
}

/// The certificate that a client sees, whatever it is for.
fn shown(server: &ServerTls, host: &str) -> Bytes {
    let client = ClientTls::builder(Roots::Insecure).build().unwrap();
    handshake(&client, server, host).client.unwrap().peer_certificates[0].clone()
}

#[test]
fn by_name() {
    let root = Authority::root("Root");
    let all = [
        identity(&root, &["first.example"]),
        identity(&root, &["*.example.com", "example.com"]),
        identity(&root, &["www.example.com", "Upper.Example.com"]),
        identity(&root, &["xn--bcher-kva.example"]),
    ];
    for version in BOTH {
        let store = CertificateStore::new(all.to_vec());
        let server = ServerTls::builder(store).versions(version, version).build().unwrap();
        for (host, index) in [
            ("first.example", 0),
            ("example.com", 1),
            ("a.example.com", 1),
            // Its own goes before one for all.
            ("www.example.com", 2),
            ("WWW.EXAMPLE.com", 2),
            ("upper.example.com", 2),
            ("www.example.com.", 2),
            ("xn--bcher-kva.example", 3),
            // A `*` is one label: unknown ones have the first.
            ("a.b.example.com", 0),
            ("notexample.com", 0),
            ("com", 0),
            ("elsewhere.test", 0),
            // Addresses are not told.
            ("192.0.2.7", 0),
            ("[2001:db8::1]", 0),
        ] {
            assert_eq!(shown(&server, host), first(&all[index]), "{host}");
        }
    }
}

#[test]
fn the_name_is_reported() {
    let root = Authority::root("Root");
    let server = ServerTls::builder(CertificateStore::new(vec![identity(&root, &[HOST])])).build().unwrap();
    let client = ClientTls::builder(Roots::Insecure).build().unwrap();
    for (host, name) in [("WWW.Example.org", Some("www.example.org")), ("192.0.2.7", None), ("::1", None)] {
        let report = handshake(&client, &server, host).server.unwrap();
        assert_eq!(report.server_name.as_deref(), name);
    }
}

#[test]
fn by_what_the_client_can_check() {
    let root = Authority::root("Root");
    let rsa = include_str!("fixtures/rsa.pkcs8.key");
    let rsa = KeyPair::from_pkcs8_pem_and_sign_algo(rsa, &PKCS_RSA_SHA256).unwrap();
    let keys = [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519]
        .map(|kind| KeyPair::generate_for(kind).unwrap());
    let all: Vec<Identity> = keys
        .into_iter()
        .chain([rsa])
        .map(|key| {
            let leaf = params("leaf", &[HOST]).signed_by(&key, &root.issuer).unwrap();
            Identity::from_der(vec![Bytes::copy_from_slice(leaf.der())], &key.serialize_der()).unwrap()
        })
        .collect();
    let other = identity(&root, &["other.example"]);
    let store = CertificateStore::new(std::iter::once(other.clone()).chain(all.iter().cloned()).collect());
    for version in BOTH {
        let server = ServerTls::builder(store.clone()).versions(version, version).build().unwrap();
        for (schemes, index) in [
            (&[Scheme::ECDSA_NISTP256_SHA256][..], 0),
            (&[Scheme::ECDSA_NISTP384_SHA384], 1),
            (&[Scheme::ED25519], 2),
            (&[Scheme::RSA_PSS_SHA256], 3),
            (&[Scheme::RSA_PSS_SHA512, Scheme::RSA_PKCS1_SHA256], 3),
            // The order is the server's.
            (&[Scheme::RSA_PSS_SHA256, Scheme::ECDSA_NISTP256_SHA256], 0),
            (&[Scheme::RSA_PSS_SHA256, Scheme::ED25519], 2),
        ] {
            let seen = chosen(&server, version, HOST, schemes).unwrap();
            assert_eq!(seen, first(&all[index]), "{version}, {schemes:?}");
        }
        // Where the name's own cannot be checked, another is shown rather than none.
        let seen = chosen(&server, version, "other.example", &[Scheme::ED25519]).unwrap();
        assert_eq!(seen, first(&all[2]));
        let seen = chosen(&server, version, "other.example", &[Scheme::ECDSA_NISTP256_SHA256]).unwrap();
        assert_eq!(seen, first(&other));
        // None that fits.
        let only = ServerTls::builder(CertificateStore::new(vec![all[2].clone()]));
        let only = only.versions(version, version).build().unwrap();
        let error = chosen(&only, version, HOST, &[Scheme::ECDSA_NISTP256_SHA256]).unwrap_err();
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

#[test]
fn none_at_all() {
    let server = ServerTls::builder(CertificateStore::new(Vec::new())).build().unwrap();
    let client = ClientTls::builder(Roots::Insecure).build().unwrap();
    let ended = handshake(&client, &server, HOST);
    let error = ended.server.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(matches!(ended.client, Err(TlsError::Alert(Alert(_)))), "{:?}", ended.client);
}

#[test]
fn replaced() {
    let root = Authority::root("Root");
    let (old, new) = (identity(&root, &[HOST]), identity(&root, &[HOST]));
    let store = CertificateStore::new(vec![old.clone()]);
    let server = ServerTls::builder(store.clone()).build().unwrap();
    let client = root.trusting().build().unwrap();
    let before = handshake(&client, &server, HOST).client.unwrap();
    assert_eq!((before.resumed, &before.peer_certificates[0]), (false, &first(&old)));
    server.store().replace(vec![new.clone()]);
    // A session goes on under what it began with; a new one has the new one, of whatever clone of the store.
    let resumed = handshake(&client, &server, HOST).client.unwrap();
    assert_eq!((resumed.resumed, &resumed.peer_certificates[0]), (true, &first(&old)));
    assert_eq!(shown(&server, HOST), first(&new));
    let clone = ServerTls::builder(store.clone()).build().unwrap();
    assert_eq!(shown(&clone, HOST), first(&new));
    store.replace(vec![old.clone()]);
    assert_eq!(shown(&server, HOST), first(&old));
    assert_eq!(shown(&clone, HOST), first(&old));
}

#[test]
fn replaced_while_clients_come() {
    let root = Authority::root("Root");
    let sets = [0, 1].map(|_| vec![identity(&root, &["a.example"]), identity(&root, &["b.example"])]);
    let store = CertificateStore::new(sets[0].clone());
    let server = ServerTls::builder(store.clone()).build().unwrap();
    let client = root.trusting().sessions(0).build().unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for index in (0..2).cycle().take_while(|_| !done.load(Relaxed)) {
                store.replace(sets[index].clone());
            }
        });
        let run = || {
            for round in 0..100 {
                let (place, host) = [(0, "a.example"), (1, "b.example")][round % 2];
                let report = handshake(&client, &server, host).client.expect("a handshake");
                let allowed = [0, 1].map(|set: usize| first(&sets[set][place]));
                assert!(allowed.contains(&report.peer_certificates[0]), "{host}");
            }
        };
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        done.store(true, Relaxed);
        result.unwrap();
    });
}

type Heard = (Option<String>, Vec<Vec<u8>>);

/// Has a certificate for clients that speak `acme-tls/1`.
#[derive(Debug)]
struct Challenges {
    identity: Identity,
    heard: Mutex<Vec<Heard>>,
}

impl CertificateSource for Challenges {
    fn choose(&self, hello: &Hello<'_>) -> Option<Identity> {
        let alpn: Vec<Vec<u8>> = hello.alpn.iter().map(|protocol| protocol.to_vec()).collect();
        let challenge = alpn == [b"acme-tls/1"];
        self.heard.lock().unwrap().push((hello.server_name.map(str::to_owned), alpn));
        challenge.then(|| self.identity.clone())
    }
}

#[test]
fn by_a_source_of_ones_own() {
    let root = Authority::root("Root");
    let (usual, challenge) = (identity(&root, &[HOST]), identity(&root, &[HOST]));
    let source = Arc::new(Challenges { identity: challenge.clone(), heard: Mutex::default() });
    let store = CertificateStore::new(vec![usual.clone()]).with_source(source.clone());
    let server = ServerTls::builder(store).alpn(["h2", "http/1.1", "acme-tls/1"]).build().unwrap();
    let ask = |alpn: &[&'static str], host: &str| {
        let client = root.trusting().alpn(alpn.iter().copied()).sessions(0).build().unwrap();
        let report = handshake(&client, &server, host).client.unwrap();
        (report.peer_certificates[0].clone(), report.alpn)
    };
    assert_eq!(ask(&["acme-tls/1"], "EXAMPLE.com"), (first(&challenge), Some("acme-tls/1".into())));
    assert_eq!(ask(&["http/1.1", "h2"], HOST), (first(&usual), Some("h2".into())));
    assert_eq!(ask(&[], HOST), (first(&usual), None));
    let name = Some(HOST.to_owned());
    let heard = source.heard.lock().unwrap();
    assert_eq!(
        *heard,
        [
            (name.clone(), vec![b"acme-tls/1".to_vec()]),
            (name.clone(), vec![b"http/1.1".to_vec(), b"h2".to_vec()]),
            (name, vec![]),
        ]
    );
}
