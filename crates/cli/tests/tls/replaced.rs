//! SIGHUP: certificates are read again.
#![cfg(unix)]

use crate::client::{Authority, get};
use crate::common::{Scratch, Server};

#[test]
fn new_files_are_used_and_broken_ones_are_not() {
    let (scratch, first, second) = (Scratch::new("tls-replaced"), Authority::new(), Authority::new());
    let write = |(certificate, key): (String, String)| {
        (scratch.write("a.pem", certificate), scratch.write("a.key", key))
    };
    let (certificate, key) = write(first.pair("localhost"));
    let written = format!("{}/written.pem", scratch.path());
    let server = Server::start(&["demo", "--cert", &certificate, "--key", &key, "--write-cert", &written]);
    let has = |authority: &Authority| get(server.secure, &authority.client(), "/hello").is_ok();
    assert!(has(&first) && !has(&second));

    write(second.pair("localhost"));
    // Nobody has said that it is there.
    assert!(has(&first));
    server.signal("-HUP");
    assert_eq!(server.says(), "the certificates were read again and are in use");
    assert!(has(&second) && !has(&first));
    assert_eq!(std::fs::read(&written).unwrap(), std::fs::read(&certificate).unwrap());

    // The certificate is there before its key.
    scratch.write("a.pem", first.pair("localhost").0);
    server.signal("-HUP");
    assert_eq!(
        server.says(),
        format!(
            "wirelace: the private key in {key} does not belong to the certificate in {certificate}; \
             the certificates in use stay"
        )
    );
    assert!(has(&second) && !has(&first));
    std::fs::remove_file(&key).unwrap();
    server.signal("-HUP");
    assert!(server.says().starts_with(&format!("wirelace: cannot read {key}: ")));
    assert!(has(&second));

    write(first.pair("localhost"));
    server.signal("-HUP");
    assert_eq!(server.says(), "the certificates were read again and are in use");
    assert!(has(&first) && !has(&second));
    server.signal("-TERM");
    assert_eq!(server.wait(), (Some(0), String::new()));
}
