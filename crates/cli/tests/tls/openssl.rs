//! Certificates and keys that openssl makes, where it is installed.

use std::process::Command;

use crate::common::Scratch;
use crate::files::{refused, serves_files};

/// Runs it in that folder; false: it is not installed.
fn openssl(scratch: &Scratch, arguments: &str) -> bool {
    let output = match Command::new("openssl").args(arguments.split(' ')).current_dir(&scratch.0).output() {
        Ok(output) => output,
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
            eprintln!("SKIPPED: openssl is not installed");
            return false;
        }
    };
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    true
}

#[test]
fn its_files_work() {
    let scratch = Scratch::new("tls-openssl");
    for (name, make) in [
        ("rsa", "genrsa -out rsa.key 2048"),
        ("rsa-pkcs1", "genrsa -traditional -out rsa-pkcs1.key 2048"),
        ("ec-parameters", "ecparam -name prime256v1 -genkey -out ec-parameters.key"),
        ("sec1", "ecparam -name prime256v1 -genkey -noout -out sec1.key"),
        ("pkcs8", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out pkcs8.key"),
        ("p384", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.key"),
        ("ed25519", "genpkey -algorithm ed25519 -out ed25519.key"),
    ] {
        if !openssl(&scratch, make) {
            return;
        }
        let request = format!(
            "req -x509 -new -key {name}.key -out {name}.pem -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        );
        openssl(&scratch, &request);
        let path = |extension| format!("{}/{name}.{extension}", scratch.path());
        serves_files(name, &path("pem"), &path("key"));
    }
    // And those that cannot.
    openssl(&scratch, "pkey -in pkcs8.key -aes256 -passout pass:x -out locked.key");
    openssl(&scratch, "rsa -in rsa.key -aes256 -passout pass:x -traditional -out locked-rsa.key");
    openssl(&scratch, "genrsa -out weak.key 1024");
    openssl(&scratch, "genpkey -algorithm ed448 -out ed448.key");
    for (certificate, key, reason) in [
        ("pkcs8", "locked.key", "encrypted"),
        ("rsa", "locked-rsa.key", "encrypted"),
        ("rsa", "weak.key", "at least 2048 are needed"),
        ("rsa", "ed448.key", "its kind is"),
        ("rsa", "pkcs8.key", "does not belong"),
    ] {
        let path = |file: &str| format!("{}/{file}", scratch.path());
        refused(&path(&format!("{certificate}.pem")), &path(key), key, reason);
    }
}
