//! Which library does the cryptography of a handshake.

use wirelace_tls_glue::{CertificateRule, Provider, TlsVersion};

use crate::world::{Authority, HOST, handshake, refused_for};

fn providers() -> Vec<Provider> {
    vec![
        Provider::Ring,
        #[cfg(feature = "aws-lc-rs")]
        Provider::AwsLc,
    ]
}

/// A key exchange for later times is used where both sides have it.
fn post_quantum(provider: Provider) -> bool {
    provider != Provider::Ring
}

#[test]
fn each_with_each() {
    let root = Authority::root("Root");
    let leaf = root.leaf();
    assert_eq!(Provider::default(), Provider::Ring);
    for of_client in providers() {
        for of_server in providers() {
            for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
                let client = root.trusting().provider(of_client).build().unwrap();
                let server = leaf.server(&[]).provider(of_server).versions(version, version).build().unwrap();
                let hybrid =
                    post_quantum(of_client) && post_quantum(of_server) && version == TlsVersion::Tls13;
                for resumed in [false, true] {
                    let ended = handshake(&client, &server, HOST);
                    let (client, server) = (ended.client.unwrap(), ended.server.unwrap());
                    assert_eq!((client.resumed, server.resumed), (resumed, resumed));
                    let group = match version {
                        TlsVersion::Tls12 if resumed => None,
                        _ if hybrid => Some("X25519MLKEM768"),
                        _ => Some("x25519"),
                    };
                    assert_eq!((client.group, server.group), (group, group));
                    // One round trip, also where the server does not know the first group.
                    let trips = if version == TlsVersion::Tls12 && !resumed { 2 } else { 1 };
                    assert_eq!(client.round_trips, trips, "{of_client:?}, {of_server:?}, {version}");
                }
            }
        }
    }
}

#[test]
fn certificates_are_judged_alike() {
    let (root, other) = (Authority::root("Root"), Authority::root("Other"));
    let server = root.leaf().server(&[]).build().unwrap();
    for provider in providers() {
        let client = other.trusting().provider(provider).build().unwrap();
        let issuer = "CN=Root".to_owned();
        assert_eq!(refused_for(&client, &server, HOST).rule, CertificateRule::UnknownIssuer { issuer });
    }
}
