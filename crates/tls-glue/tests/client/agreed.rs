//! What the report of a handshake says.

use wirelace_tls_glue::TlsVersion::{Tls12, Tls13};
use wirelace_tls_glue::{Alert, TlsError};

use crate::foreign::in_pieces;
use crate::world::{Authority, HOST, handshake};

#[test]
fn round_trips() {
    let authority = Authority::root("root");
    let leaf = authority.leaf();
    for (version, full, resumed) in [(Tls12, 2, Some(1)), (Tls13, 1, None)] {
        let client = authority.trusting().versions(version, version).build().unwrap();
        let server = leaf.server(&[]).build().unwrap();
        let report = handshake(&client, &server, HOST).client.unwrap();
        assert_eq!((report.version, report.resumed, report.round_trips), (version, false, full));
        // The ticket of TLS 1.3 comes with the first data.
        if let Some(resumed) = resumed {
            let report = handshake(&client, &server, HOST).client.unwrap();
            assert_eq!((report.resumed, report.round_trips), (true, resumed));
        }
    }
}

#[test]
fn no_common_application_protocol_is_told() {
    let authority = Authority::root("root");
    let leaf = authority.leaf();
    for version in [Tls12, Tls13] {
        let client = authority.trusting().versions(version, version).alpn(["h2"]).build().unwrap();
        let ended = handshake(&client, &leaf.server(&[]).alpn(["http/1.1"]).build().unwrap(), HOST);
        assert!(matches!(ended.server, Err(TlsError::Incompatible(_))), "{:?}", ended.server);
        // In TLS 1.3 the server has said its ServerHello before.
        assert_eq!(ended.client.unwrap_err(), TlsError::Alert(Alert(120)), "{version}");
    }
}

#[test]
fn handshakes_in_any_number_of_records() {
    let (authority, stranger) = (Authority::root("root"), Authority::root("stranger"));
    let leaf = authority.leaf();
    for version in [Tls12, Tls13] {
        for octets in [32, 33, 64, 100, 200, 300, 400, 500, 600, 700, 1000, 16_384] {
            let trusting = authority.trusting().build().unwrap();
            assert_eq!(in_pieces(&trusting, version, &leaf, octets), (Ok(()), None), "{version}, {octets}");
            let (ended, heard) = in_pieces(&stranger.trusting().build().unwrap(), version, &leaf, octets);
            let Err(TlsError::Certificate(why)) = ended else { panic!("{ended:?}") };
            assert_eq!(heard, Some(why.alert().0), "{version}, {octets}");
        }
    }
}
