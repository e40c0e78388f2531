//! `tls-glue`: certificates and the files that they come in.

use std::sync::LazyLock;

use bytes::Bytes;
use wirelace_tls_glue::{
    CertificateReport, CertificateStore, ClientTls, Identity, Pin, Revocation, Roots, ServerTls,
};

use crate::input::Choices;

/// A pair that belongs together, in PEM.
static PAIR: LazyLock<(String, String)> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(vec!["example.com".to_owned()]).expect("a key");
    (made.cert.pem(), made.signing_key.serialize_pem())
});

/// A certificate in DER: a report, or an error with its place; nothing in it that a terminal would obey.
pub fn report(der: &[u8]) {
    let pin = Pin::of_certificate(der);
    match CertificateReport::new(der, 1) {
        Ok(report) => {
            assert_eq!(report.position, 1);
            let texts = [&report.subject, &report.issuer, &report.serial, &report.signature_algorithm];
            let lists = [
                &report.dns_names,
                &report.addresses,
                &report.other_names,
                &report.purposes,
                &report.unreadable,
            ];
            let moments = [&report.not_before.text, &report.not_after.text];
            let all = texts.into_iter().chain(moments).chain(lists.into_iter().flatten());
            let shown = |letter: char| !letter.is_control() && letter != '\u{202e}';
            assert!(all.chain([&report.key.algorithm]).all(|text| text.chars().all(shown)));
            assert!(report.subject.chars().count() <= 300 && report.issuer.chars().count() <= 300);
            // Nothing grows beyond what came.
            assert!(report.dns_names.len() + report.other_names.len() + report.purposes.len() <= der.len());
            if let Some(pin) = pin {
                assert_eq!(report.key.pin, pin);
            }
        }
        Err(error) => assert!(error.0.offset <= der.len()),
    }
    let chain = [Bytes::copy_from_slice(der), Bytes::new()];
    assert!(CertificateReport::chain(&chain).len() <= 1);
    authority(&chain[0]);
}

/// As an authority, and as a revocation list.
fn authority(der: &Bytes) {
    let trusted = ClientTls::builder(Roots::Only(vec![der.clone()])).build();
    let revocation = Revocation { lists: vec![der.clone()], require: true, enforce_expiry: true };
    let listed = ClientTls::builder(Roots::Only(vec![der.clone()])).revocation(revocation).build();
    assert!(trusted.is_ok() || listed.is_err());
}

/// Files: what is read can serve, and is written as it was read. The last octet says which file.
pub fn files(data: &[u8]) {
    let (text, mut choices) = Choices::split(data, 1);
    let (certificate, key) = &*PAIR;
    let read = match choices.byte() % 4 {
        0 => Identity::from_pem(text, key.as_bytes()),
        1 => Identity::from_pem(certificate.as_bytes(), text),
        2 => Identity::from_pem(text, text),
        _ => {
            let _ = Roots::from_pem(text);
            let _ = Revocation::lists_from(text);
            Identity::from_der(vec![Bytes::copy_from_slice(text)], key.as_bytes())
        }
    };
    match read {
        Ok(identity) => {
            let again = identity.to_pem();
            assert!(Roots::from_pem(again.as_bytes()).is_ok());
            assert!(ServerTls::builder(CertificateStore::new(vec![identity])).build().is_ok());
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.chars().any(char::is_control) && text.len() < 600, "{text:?}");
        }
    }
}
