//! Certificates that are cut, and changed in every place.

use bytes::Bytes;
use rcgen::KeyPair;
use wirelace_tls_glue::CertificateReport;
use wirelace_tls_glue::ct::DerRule;

use super::{SCTS, extension, list, sct};
use crate::foreign::der;
use crate::world::params;

const RICH: &str = include_str!("../fixtures/rich.pem");

#[test]
fn errors_say_what_and_where() {
    let whole = der(RICH);
    for cut in 0..whole.len() {
        let error = CertificateReport::new(&whole[..cut], 0).unwrap_err().0;
        assert_eq!((error.rule, error.offset), (DerRule::Truncated, 0), "{cut}");
    }
    let longer = [&whole[..], &[0]].concat();
    let error = CertificateReport::new(&longer, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("not a certificate: something follows the last value (at octet {})", whole.len())
    );
    let error = CertificateReport::new(b"-----BEGIN CERTIFICATE-----", 0).unwrap_err();
    assert_eq!(error.to_string(), "not a certificate: a value with tag 0x2d, expected 0x30 (at octet 0)");
    let text = whole.windows(13).position(|window| window == b"261124020337Z").unwrap();
    let mut changed = whole.to_vec();
    changed[text] = b'x';
    let error = CertificateReport::new(&changed, 0).unwrap_err();
    assert_eq!(error.to_string(), format!("not a certificate: not a time in UTC (at octet {})", text - 2));
}

/// A report or an error, and nothing in it that a terminal would take for a command.
#[test]
fn changed_octets() {
    let scts = of_scts();
    for whole in [der(RICH), der(include_str!("../fixtures/rsa.pem")), scts] {
        for place in 0..whole.len() {
            for change in [1, 2, 0x20, 0x40, 0x80, 0xff] {
                let mut octets = whole.to_vec();
                octets[place] ^= change;
                match CertificateReport::new(&octets, 0) {
                    Ok(report) => {
                        let texts = [
                            &report.subject,
                            &report.issuer,
                            &report.signature_algorithm,
                            &report.key.algorithm,
                        ];
                        let lists =
                            [&report.dns_names, &report.addresses, &report.other_names, &report.purposes];
                        let all = texts.into_iter().chain(lists.into_iter().flatten());
                        assert!(!all.flat_map(|text| text.chars()).any(char::is_control));
                    }
                    Err(error) => assert!(error.0.offset <= octets.len(), "{error}"),
                }
            }
        }
    }
}

fn of_scts() -> Bytes {
    let mut params = params("leaf", &["example.com"]);
    params.custom_extensions.push(extension(SCTS, &list(&[&sct(1, 2), &sct(3, 4)])));
    Bytes::copy_from_slice(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der())
}
