//! Certificate Transparency, over QUIC as over TCP.

use wirelace_tls_glue::ct::{CtOutcome, CtPolicy, LogList};
use wirelace_tls_glue::quic::{QuicClientTls, Version};
use wirelace_tls_glue::{CertificateRule, TlsError};

use crate::world::{Authority, Pair};

#[test]
fn reported_and_enforced() {
    let authority = Authority::new();
    // No log at all, and never out of date.
    let list = br#"{"log_list_timestamp": "9999-01-01T00:00:00Z", "operators": []}"#;
    let list = || LogList::from_json(list).unwrap();
    let client = |policy| {
        let tls = authority.client_tls().certificate_transparency(policy).build().unwrap();
        QuicClientTls::new(&tls, ["h3"]).unwrap()
    };
    let reporting = client(CtPolicy::report(list()));
    let server = authority.server();
    let first = Pair::complete(&reporting, &server, Version::V1).client.report.unwrap();
    let verdict = first.transparency.expect("a verdict");
    assert_eq!((verdict.outcome, first.resumed), (CtOutcome::NoScts, false));
    let off = Pair::complete(&client(CtPolicy::off()), &server, Version::V1).client.report.unwrap();
    assert_eq!(off.transparency, None);
    let mut pair = Pair::new(&client(CtPolicy::enforce(list())), &server, Version::V1);
    pair.run();
    let error = pair.client.error.unwrap().error;
    let TlsError::Certificate(error) = error else { panic!("{error}") };
    assert!(matches!(error.rule, CertificateRule::Transparency(_)), "{error}");
}
