//! Certificates and keys in files of all kinds.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SignatureAlgorithm};

use wirelace::tls_glue::certificates_from_pem_file;

use crate::client::{anybody, get};
use crate::common::{Scratch, Server, run_text};

/// A certificate for `localhost` and its key, PEM.
fn pair(key: &KeyPair) -> (String, String) {
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.self_signed(key).unwrap().pem(), key.serialize_pem())
}

fn key(kind: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(kind).unwrap()
}

/// Serves with these files.
fn serves(scratch: &Scratch, name: &str, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) {
    let certificate = scratch.write(&format!("{name}.pem"), certificate);
    let key = scratch.write(&format!("{name}.key"), key);
    serves_files(name, &certificate, &key);
}

pub(crate) fn serves_files(name: &str, certificate: &str, key: &str) {
    let server = Server::start(&["demo", "--workers", "1", "--cert", certificate, "--key", key]);
    let (report, answer) =
        get(server.secure, &anybody(), "/hello").unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(answer.text(), "hello, world\n");
    let all = certificates_from_pem_file(Path::new(certificate)).unwrap();
    assert_eq!(report.peer_certificates, all, "{name}");
}

/// A SEC1 key of P-256, as `openssl ecparam -genkey` writes it: within PKCS#8 it is all that follows the algorithm.
fn sec1(key: &KeyPair) -> String {
    let der = key.serialize_der();
    let sec1 = &der[der.len() - 109..];
    assert_eq!(sec1[..5], [0x30, 0x6b, 2, 1, 1]);
    let text = BASE64_STANDARD.encode(sec1);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n", lines.join("\n"))
}

/// The curve P-256, in a section of its own.
const EC_PARAMETERS: &str = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";

#[test]
fn files_that_work() {
    let scratch = Scratch::new("tls-files");
    let p256 = KeyPair::generate().unwrap();
    let (certificate, private) = pair(&p256);
    serves(&scratch, "pkcs8", &certificate, &private);
    serves(&scratch, "sec1", &certificate, sec1(&p256));
    serves(&scratch, "parameters", &certificate, format!("{EC_PARAMETERS}{}", sec1(&p256)));
    serves(&scratch, "parameters-pkcs8", &certificate, format!("{EC_PARAMETERS}{private}"));
    serves(&scratch, "text", format!("Certificate:\n    Version: 3 (0x2)\n{certificate}"), &private);
    serves(&scratch, "mark", format!("\u{feff}{certificate}"), format!("\u{feff}{private}"));
    serves(&scratch, "crlf", certificate.replace('\n', "\r\n"), private.replace('\n', "\r\n"));
    let pem = scratch.write("a.pem", &certificate);
    let der = certificates_from_pem_file(Path::new(&pem)).unwrap();
    serves(&scratch, "der", &der[0], p256.serialize_der());
    serves(&scratch, "unended", certificate.trim_end(), private.trim_end());
    let both = format!("{private}{certificate}");
    serves(&scratch, "both", &both, &both);
    let (other, _) = pair(&KeyPair::generate().unwrap());
    serves(&scratch, "chain", format!("{certificate}{other}"), &private);
    for (name, kind) in [("p384", &PKCS_ECDSA_P384_SHA384), ("ed25519", &PKCS_ED25519)] {
        let (certificate, private) = pair(&key(kind));
        serves(&scratch, name, certificate, private);
    }
}

#[test]
fn files_that_do_not_work_are_named_with_the_reason() {
    let scratch = Scratch::new("tls-broken");
    let (certificate, private) = pair(&KeyPair::generate().unwrap());
    let (other, other_private) = pair(&key(&PKCS_ED25519));
    let (third, _) = pair(&KeyPair::generate().unwrap());
    let encrypted = private.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let der = KeyPair::generate().unwrap().serialize_der();
    let public = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    let unreadable = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = |text: &str| text.as_bytes()[..120].to_vec();
    let bytes = |text: &str| text.as_bytes().to_vec();
    // Certificate, key, the file that is to blame, the reason.
    let cases: [(Vec<u8>, Vec<u8>, &str, &str); 18] = [
        (vec![], bytes(&private), "no certificate in", "a.pem"),
        (bytes(&certificate), vec![], "no private key in", "a.key"),
        (bytes("hello\n"), bytes(&private), "no certificate in", "a.pem"),
        (bytes(&certificate), bytes("hello\n"), "no private key in", "a.key"),
        (bytes(&private), bytes(&certificate), "a.pem", "but a private key"),
        (bytes(&certificate), bytes(&other), "a.key", "but a certificate"),
        (cut(&certificate), bytes(&private), "a.pem", "without `-----END CERTIFICATE-----`"),
        (bytes(&certificate), cut(&private), "a.key", "without `-----END PRIVATE KEY-----`"),
        (bytes(&certificate.replace("MI", "??")), bytes(&private), "a.pem", "not Base64"),
        (bytes(unreadable), bytes(&private), "a.pem", "cut short, or not DER"),
        (bytes(&certificate), bytes(&unreadable.replace("CERTIFICATE", "PRIVATE KEY")), "a.key", "cut short"),
        (bytes(&certificate), bytes(&encrypted), "a.key", "encrypted"),
        (bytes(&certificate), bytes(legacy), "a.key", "encrypted"),
        (bytes(&certificate), der.clone(), "a.key", "does not belong to the certificate in"),
        (der[..40].to_vec(), bytes(&private), "a.pem", "cut short, or not DER"),
        (bytes(&certificate), bytes(public), "a.key", "but a public key"),
        (bytes(&certificate), bytes(&other_private), "a.key", "does not belong to the certificate in"),
        (bytes(&format!("{other}{certificate}")), bytes(&private), "a.key", "belongs to certificate 2 in"),
    ];
    for (certificate, private, blamed, reason) in cases {
        let (certificate, private) = (scratch.write("a.pem", certificate), scratch.write("a.key", private));
        refused(&certificate, &private, blamed, reason);
    }
    // Of the same kind.
    let (certificate, private) = (scratch.write("a.pem", third), scratch.write("a.key", private));
    refused(&certificate, &private, "a.key", "does not belong to the certificate in");
    let missing = format!("{}/missing", scratch.path());
    refused(&missing, &private, "missing", "No such file");
    refused(&certificate, &missing, "missing", "No such file");
    refused(scratch.path(), &private, scratch.path(), "directory");
}

pub(crate) fn refused(certificate: &str, key: &str, blamed: &str, reason: &str) {
    let (code, out, err) = run_text(&["demo", "--plain", "127.0.0.1:0", "--cert", certificate, "--key", key]);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{reason}: {err}");
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(err.contains(blamed) && err.contains(reason), "{blamed}, {reason}: {err}");
}

#[cfg(unix)]
#[test]
fn files_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new("tls-forbidden");
    let (certificate, private) = pair(&KeyPair::generate().unwrap());
    let (certificate, private) = (scratch.write("a.pem", certificate), scratch.write("a.key", private));
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&private).is_ok() {
        eprintln!("SKIPPED: this user may read everything");
        return;
    }
    refused(&certificate, &private, "a.key", "Permission denied");
}
